"""GLIP's alignment: the literal computation, and which token is whose."""

import pytest
import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from reference import glip as published
from reference.comparing import assert_same, values_and_gradients

from lessons_lib.clip.tokens import token_ids
from lessons_lib.methods.parts.alignment import (
    PRIOR,
    Alignment,
    alignment_loss,
    box_loss,
    centerness,
    phrase_scores,
    token_spans,
    token_targets,
)

TOKENIZER = SimpleTokenizer(context_length=32)
CAPTION = "a turquoise hippopotamus beside a red key."


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def module():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = Alignment(12, 10)
    with torch.no_grad():
        made.log_scale.fill_(0.3)
        made.lean.copy_(torch.randn(12, generator=draws(2)))
    return made


def pairs():
    return torch.randn(2, 5, 10, generator=draws(3)), torch.randn(2, 7, 12, generator=draws(4))


def marked():
    """Targets, and a mask that ends the second caption early."""
    targets = torch.zeros(2, 5, 7)
    targets[0, 0, 2:5], targets[1, 3, 1] = 1, 1
    return targets, torch.arange(7) < torch.tensor([[7], [4]])


def test_values_and_gradients_are_the_literal_ones(module):
    names = [name for name, _ in module.named_parameters()]
    found = values_and_gradients(lambda: module(*pairs()), list(module.parameters()))
    wanted = values_and_gradients(lambda: published.alignment(module, *pairs()), list(module.parameters()))
    assert_same(found, wanted, ["S", *names], 1e-5)
    found = values_and_gradients(lambda: alignment_loss(module(*pairs()), *marked())[None], list(module.parameters()))
    literal = lambda: published.focal(published.alignment(module, *pairs()), *marked())[None]  # noqa: E731
    assert_same(found, values_and_gradients(literal, list(module.parameters())), ["loss", *names], 1e-4)


def test_boxes_and_centerness_are_the_literal_ones():
    corner, side = torch.rand(2, 6, 2, generator=draws()) * 20, 1 + torch.rand(2, 6, 2, generator=draws(1)) * 20
    found, truth = torch.cat([corner, corner + side], dim=2)
    weights = torch.rand(6, generator=draws(2))
    learned = found.clone().requires_grad_()
    one = values_and_gradients(lambda: box_loss(learned, truth, weights)[None], [learned])
    other = values_and_gradients(lambda: published.boxes(learned, truth, weights)[None], [learned])
    assert_same(one, other, ["loss", "boxes"], 1e-4)
    points = truth[:, :2] + torch.rand(6, 2, generator=draws(3)) * 25
    wanted = [published.centerness(x, y, box) for (x, y), box in zip(points.tolist(), truth.tolist())]
    assert centerness(points, truth).tolist() == pytest.approx(wanted, abs=1e-5) and 0 in wanted and max(wanted) > 0
    assert centerness(torch.tensor([[5.0, 5]]), torch.tensor([[0.0, 0, 10, 10]])).item() == pytest.approx(1)


def test_of_one_token_words_it_is_a_linear_classifier_whose_rows_are_the_texts(module):
    """And at the start it says of every pair that it fits with 1 %."""
    regions, tokens = pairs()
    rows = module.projection(F.normalize(tokens[0], dim=-1) / 2) / module.log_scale.exp()  # (L, region width)
    bias = F.normalize(tokens[0], dim=-1) @ module.lean + module.prior
    torch.testing.assert_close(module(regions, tokens)[0], F.linear(regions[0], rows, bias))
    fresh = Alignment(12, 10)
    assert fresh(torch.zeros(1, 1, 10), tokens[:1]).sigmoid().flatten().tolist() == pytest.approx([0.01] * 7)
    assert PRIOR == pytest.approx(-4.59512, abs=1e-5)


def test_what_lies_behind_a_captions_end_is_in_no_loss(module):
    logits, (targets, mask) = module(*pairs()), marked()
    other = torch.where(mask[:, None], logits, torch.full_like(logits, 9.0))
    assert torch.equal(alignment_loss(logits, targets, mask), alignment_loss(other, targets, mask))
    whole = alignment_loss(logits, targets, torch.ones_like(mask))
    assert whole > alignment_loss(logits, targets, mask), "where it counted, it would be a negative"
    nothing = alignment_loss(logits, torch.zeros_like(targets), mask)
    assert nothing.isfinite(), "a picture without phrases has a loss, of negatives alone"


def test_every_subword_of_a_phrase_is_its_token():
    phrases = [(2, 24), (34, 41)]
    assert [CAPTION[start:end] for start, end in phrases] == ["turquoise hippopotamus", "red key"]
    spans = token_spans(TOKENIZER, CAPTION, phrases, 32)
    ids = [None, *token_ids(TOKENIZER, CAPTION)]
    for (start, end), span in zip(phrases, spans):
        assert [ids[i] for i in span] == token_ids(TOKENIZER, CAPTION[start:end])
    assert len(spans[0]) > 2, "the long word is of several"
    targets = token_targets(spans, [1, 0], 3, 32)
    for thing, span in ((1, spans[0]), (0, spans[1])):
        assert targets[thing].nonzero().flatten().tolist() == list(span)
    assert targets[2].sum() == 0


@pytest.mark.parametrize(
    ("phrases", "context", "words"),
    [
        ([(2, 99)], 32, "is not in the caption"),
        ([(5, 5)], 32, "is not in the caption"),
        ([(2, 9)], 32, "'turquoi' is not of whole words"),
        ([(3, 11)], 32, "is not of whole words"),
        ([(1, 11)], 32, "is not of whole words"),
        ([(2, 11)], 8, "needs .* tokens; the context holds 8"),
    ],
)
def test_phrases_that_are_none_are_refused(phrases, context, words):
    with pytest.raises(ValueError, match=words):
        token_spans(TOKENIZER, CAPTION, phrases, context)


def test_a_phrase_about_nothing_is_refused():
    with pytest.raises(ValueError, match="about thing 2, but there are 2"):
        token_targets([range(1, 2)], [2], 2, 8)


def test_a_phrases_score_is_the_root_of_its_words_and_the_middle():
    logits, middles = torch.randn(4, 9, generator=draws()), torch.randn(4, generator=draws(1))
    found = phrase_scores(logits, [range(1, 3), range(5, 6)], middles)
    words = torch.stack([(logits[:, 1].sigmoid() + logits[:, 2].sigmoid()) / 2, logits[:, 5].sigmoid()], dim=1)
    torch.testing.assert_close(found**2, words * middles.sigmoid()[:, None])
