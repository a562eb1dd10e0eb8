"""GLIP: its losses and their gradients are the published computation, and what its formulas promise."""

import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, Pixels, box_split, box_task, caption_split, caption_task, noise_task
from reference import glip as published
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip
from torchvision.ops import sigmoid_focal_loss

from lessons_lib.data import Boxes, Captions, Split
from lessons_lib.methods import METHODS, load_method
from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.parts.alignment import alignment_loss, phrase_scores
from lessons_lib.methods.parts.grounded_inputs import GroundedInputs
from lessons_lib.methods.parts.grounder import mirrored
from lessons_lib.methods.parts.phrases import letters_of, stacked
from lessons_lib.methods.parts.pyramid import anchors_of, assigned, flat, unflat

SMALL = {"image_size": 32, "width": 16, "layers": 1, "text_layers": 1, "anchor": 1.5}
BRIEF = {"epochs": 1, "batch_size": 8, "lr": 0.003, "progress": False}


@pytest.fixture(scope="module")
def clip():
    return tiny_clip()


@pytest.fixture(scope="module")
def fitted(clip):
    return GLIP(clip, **SMALL).fit(box_task(), **BRIEF)


def made(clip, fusion=True, names=NAMES, **settings):
    return GLIP(clip, fusion, **{**SMALL, **settings}).for_classes(names)


def some_pictures(count=2, seed=4):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def batch_of(method, splits, rows, in_order=False):
    inputs = GroundedInputs(splits, method.phrases, size=32, device=torch.device("cpu"), seed=1, in_order=in_order)
    rows = torch.tensor(rows)
    return next(inputs.batches(1, [rows])), inputs.split.targets.batch(rows)


# --- the published computation


@pytest.mark.parametrize("fusion", [True, False])
def test_the_loss_and_its_gradients_are_the_literal_ones(clip, fusion):
    """Of a picture with boxes of classes and one with a caption, together."""
    method = made(clip, fusion)
    seen, targets = batch_of(method, [box_split(5, 1), caption_split(5, 6)], [1, 6])
    pictures, boxes = method.turned(seen, targets)
    assert not seen.mask.all() and {len(some) for some in boxes} == {2}
    learned = dict(method.named_parameters())
    found = values_and_gradients(lambda: method.loss(seen, targets)[None], list(learned.values()))
    given = (pictures, seen.ids, seen.mask, boxes, seen.told)
    literal = lambda: published.loss(method.grounder, *given)[None]  # noqa: E731
    wanted = values_and_gradients(literal, list(learned.values()))
    still = [name for name, gradient in zip(learned, wanted[1:]) if gradient.abs().max() == 0]
    assert not still, "nothing was compared"
    assert_same(found, wanted, ["loss", *learned], 1e-3)


def test_which_location_speaks_of_what_is_atss():
    anchors, draws = anchors_of(64, 3.0), torch.Generator().manual_seed(3)
    for _ in range(5):
        corner, side = torch.rand(2, 4, 2, generator=draws)
        truth = torch.cat([50 * corner, 50 * corner + 6 + 30 * side], dim=1)
        found = assigned(anchors, truth)
        assert found.tolist() == published.assigned(anchors, truth) and found.max() >= 2
    assert assigned(anchors, truth[:0]).eq(-1).all(), "a picture without boxes"


def test_anchors_stand_where_the_maps_rows_are():
    levels = [torch.arange(2.0 * 16).view(1, 2, 4, 4), torch.arange(2.0 * 4).view(1, 2, 2, 2)]
    rows = flat(levels)
    assert all(torch.equal(one, other) for one, other in zip(unflat(rows, levels), levels))
    middles = torch.cat([(a[:, :2] + a[:, 2:]) / 2 for a in anchors_of(32, 2.0)])
    for number, (row, column, stride) in {1: (0, 1, 8), 4: (1, 0, 8), 18: (1, 0, 16)}.items():
        assert torch.equal(rows[0, number], levels[stride == 16][0, :, row, column])
        assert middles[number].tolist() == [(column + 0.5) * stride, (row + 0.5) * stride]


# --- what the formulas promise


def test_without_fusion_and_with_words_of_one_token_it_is_a_classifier_with_retinanets_loss(clip):
    method = made(clip, fusion=False, names=["cat", "dog", "owl"])
    [(_, prompt)] = method.prompts
    assert [len(span) for span in prompt.spans] == [1, 1, 1]
    ids, mask = stacked([prompt], torch.device("cpu"))
    maps, states = method.grounder.look(some_pictures()), method.grounder.read(ids, mask)
    said = method.grounder.asked(maps, [prompt])
    unit, module = F.normalize(states[0], dim=-1), method.grounder.alignment
    rows, bias = module.projection(unit / 2) / module.log_scale.exp(), unit @ module.lean + module.prior
    torch.testing.assert_close(said.logits, F.linear(flat(maps.levels), rows, bias))

    classes = [span.start for span in prompt.spans]
    others = [i for i in range(len(prompt.ids)) if i not in classes]
    labels = torch.randint(-1, 3, said.logits.shape[:2], generator=torch.Generator().manual_seed(0))
    one_hot = F.one_hot(labels + 1, 4)[..., 1:].float()  # (n, A, 3)
    targets = torch.zeros_like(said.logits)
    targets[..., classes] = one_hot
    retina = sigmoid_focal_loss(said.logits[..., classes], one_hot, 0.25, 2, reduction="sum")
    separators = sigmoid_focal_loss(said.logits[..., others], torch.zeros(*labels.shape, len(others)), 0.25, 2)
    found = alignment_loss(said.logits, targets, mask.expand(2, -1)) * (labels >= 0).sum()
    torch.testing.assert_close(found, retina + separators.sum())


def test_a_gamma_of_0_leaves_the_layer_norm_of_the_locations(clip):
    layer = made(clip).grounder.together[0]
    torch.nn.init.zeros_(layer.gamma_regions)
    torch.nn.init.zeros_(layer.gamma_words)
    draws = torch.Generator().manual_seed(0)
    v, words = torch.randn(2, 5, 16, generator=draws), torch.randn(2, 7, 16, generator=draws)
    regions, states = layer.fuse(v, words, torch.ones(2, 7, dtype=torch.bool))
    assert torch.equal(regions, layer.ln_regions(v)) and torch.equal(states, layer.ln_words(words))
    assert not torch.allclose(regions, v), "the residual starts from LN(v), not from v"


@pytest.mark.parametrize("fusion", [True, False])
def test_what_fills_a_prompt_up_changes_nothing(clip, fusion):
    method = made(clip, fusion)
    short, long = method.phrases.of_names(["cat"]), method.phrases.of_names(NAMES)
    maps = method.grounder.look(some_pictures())
    alone, filled = method.grounder.asked(maps, [short]), method.grounder.asked(maps, [short, long])
    length = len(short.ids)
    torch.testing.assert_close(filled.logits[0, :, :length], alone.logits[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(filled.deltas[0], alone.deltas[0], rtol=1e-4, atol=1e-5)


def test_every_token_of_a_phrase_is_told_and_no_other(clip):
    """The loop: of every box, the tokens of its class's name."""
    method, split = made(clip), box_split(5, 1)
    seen, _ = batch_of(method, [split], [0, 1, 2, 4])
    read = method.phrases.tokenizer
    for labels, ids, told in zip([split.targets.labels[i] for i in (0, 1, 2, 4)], seen.ids.tolist(), seen.told):
        assert told.shape == (len(labels), len(ids))
        for label, row in zip(labels.tolist(), told.tolist()):
            name = read.encode(NAMES[label].replace("_", " "))
            starts = [i for i in range(len(ids)) if ids[i : i + len(name)] == name]
            assert len(starts) == 1
            assert row == [float(starts[0] <= i < starts[0] + len(name)) for i in range(len(ids))]


def test_boxes_of_classes_and_captions_that_say_the_same_have_one_loss(clip):
    method, split = made(clip), box_split(3, 2)
    text = "cat. yellow crane. dog. tea pot. owl."
    letters = letters_of(text, [name.replace("_", " ") for name in NAMES])
    phrases = [[(*letters[label], box) for box, label in enumerate(labels)] for labels in split.targets.labels]
    targets = split.targets
    said = Captions(targets.boxes, targets.labels, targets.sizes, [text] * 3, phrases)
    one = method.loss(*batch_of(method, [split], [0, 1, 2], in_order=True))
    other = method.loss(*batch_of(method, [Split(split.images, said, NAMES)], [0, 1, 2]))
    assert torch.equal(one, other) and one > 0


def test_a_box_that_no_phrase_is_about_is_nobodys(clip):
    method, split = made(clip), caption_split(5, 1)
    seen, targets = batch_of(method, [split], [2])
    assert len(split.targets.boxes[2]) == 3 and seen.told[0].any(dim=1).tolist() == [True, True, False]
    fewer = targets[:, :2]
    assert torch.equal(method.loss(seen, targets), method.loss(seen._replace(told=[seen.told[0][:2]]), fewer))


def test_a_picture_with_nothing_has_a_loss_of_negatives_alone(clip):
    method = made(clip)
    seen, targets = batch_of(method, [box_split(5, 1), caption_split(5, 1)], [4, 9])
    assert (targets[:, :, 0] == -1).all()
    loss = method.loss(seen, targets)
    loss.backward()
    assert loss.isfinite() and loss > 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


def test_mirrored_pictures_have_mirrored_boxes():
    pictures, boxes = torch.zeros(2, 3, 32, 32), [torch.tensor([[2.0, 3, 10, 20]])] * 2
    pictures[:, :, 3:20, 2:10] = 1
    turned, moved = mirrored(pictures, boxes, torch.tensor([True, False]))
    left, top, right, bottom = moved[0][0].int().tolist()
    assert turned[0, :, top:bottom, left:right].min() == 1 and turned[0].sum() == pictures[0].sum()
    assert torch.equal(turned[1], pictures[1]) and torch.equal(moved[1], boxes[1])


# --- prompts


def test_a_prompt_of_names_is_their_text(clip):
    phrases = made(clip).phrases
    prompt = phrases.of_names(["key", "red key", "hot air balloon"])
    assert list(prompt.ids) == clip.tokenizer(["key. red key. hot air balloon."])[0, : len(prompt.ids)].tolist()
    assert [len(span) for span in prompt.spans] == [1, 2, 3]
    caption = phrases.of_caption("key. red key.", letters_of("key. red key.", ["key", "red key"]))
    assert caption.spans == prompt.spans[:2] and caption.phrase(1) == prompt.phrase(1)


def test_more_names_than_a_prompt_holds_are_asked_in_several(clip):
    method = made(clip, context_length=11)
    assert [places for places, _ in method.prompts] == [[0, 1, 2], [3, 4]]
    assert all(len(prompt.ids) <= 11 for _, prompt in method.prompts)
    pictures = some_pictures()
    found = method.regions(pictures)
    assert {len(one.boxes) for one in found} == {2 * 20}, "a box a location and prompt"
    for part in (NAMES[:3], NAMES[3:]):
        alone, columns = method.for_classes(part), [NAMES.index(name) for name in part]
        for one, other in zip(found, alone.regions(pictures)):
            mine = one.scores[one.scores[:, columns].amax(dim=1) > 0][:, columns]
            torch.testing.assert_close(mine, other.scores)
            assert (one.scores > 0).sum(dim=1).tolist().count(len(part)) == 20, "of the other prompt's names 0"


def test_without_fusion_a_picture_is_looked_at_once_for_all_prompts(clip, monkeypatch):
    method, looks = made(clip, fusion=False, context_length=12), []
    look = method.grounder.pyramid.forward
    monkeypatch.setattr(method.grounder.pyramid, "forward", lambda images: looks.append(1) or look(images))
    found = method.regions(some_pictures())
    assert len(looks) == 1 and len(method.prompts) == 2 and {len(one.boxes) for one in found} == {20}
    for one, other in zip(found, method.for_classes(["hat", "shoe"]).regions(some_pictures())):
        assert torch.equal(one.boxes.sort(dim=0).values, other.boxes.sort(dim=0).values)


def test_while_learning_prompts_hold_what_is_there_and_differ(clip):
    method, split = made(clip, context_length=12), box_split(5, 1)
    inputs = GroundedInputs([split], method.phrases, size=32, device=torch.device("cpu"), seed=1)
    asked = {}
    for epoch in range(1, 9):
        prompt, told = inputs.asked(1, epoch)
        assert len(prompt.ids) <= 12 and told.any(dim=1).all()
        assert torch.equal(told, inputs.asked(1, epoch)[1]), "the same again for one seed and epoch"
        asked[prompt.ids] = True
    assert len(asked) > 3


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda method: method.for_classes([]), "no class names"),
        (lambda method: method.for_classes(["cat " * 60]), "class name 'cat cat .* needs .* tokens in one prompt; the"),
        (lambda method: method.ground(some_pictures(), "a cat", ["dog"]), "phrase 'dog' is not in the caption 'a cat'"),
        (lambda method: method.ground(some_pictures(), "a catfish", ["cat"]), "is not in the caption .* whole words"),
        (lambda method: method.ground(some_pictures(), "a cat", [""]), "the phrase '' is not in the caption"),
        (lambda method: method.ground(some_pictures(), "a cat", []), "no phrase of 'a cat' was given"),
        (lambda method: method.ground(some_pictures(), "cat " * 60, ["cat"]), "needs .* tokens; the context holds 48"),
        (lambda method: method.ground(some_pictures()[..., :30], "a cat", ["cat"]), r"pictures are \(N, 3, 32, 32\)"),
        (lambda method: method.tuned(box_task(), "words"), "what='words': use one of offset, all"),
        (lambda method: method.fit(noise_task(), **BRIEF), "of kind 'classify': use a method of that kind"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(clip, ask, words):
    with pytest.raises(ValueError, match=words):
        ask(made(clip))


def with_captions(texts, phrases=None):
    split = caption_split(3, 1)
    targets = split.targets
    phrases = targets.phrases if phrases is None else phrases
    return Split(split.images, Captions(targets.boxes, targets.labels, targets.sizes, texts, phrases), NAMES)


def test_what_cannot_be_learned_from_is_refused_before_any_work(clip, monkeypatch):
    monkeypatch.setattr("lessons_lib.methods.detect.glip.train", lambda *_, **__: pytest.fail("work was begun"))
    task, method = box_task(), made(clip, names=["hat"])
    bare = Split(task.train.images, Boxes([[]] * 20, [[]] * 20, [(32, 32)] * 20), NAMES)
    long = with_captions(["a photo of a cat " + "and more " * 30] * 3, [[]] * 3)
    inside = with_captions(["a photograph of this"] * 3, [[(2, 7, 0)], [], []])
    for of, more, words in (
        (type(task)(**{**vars(task), "train": bare}), [], "no training picture has a box"),
        (task, [long], "needs .* tokens; the context holds 48"),
        (task, [inside], "'photo' is not of whole words"),
        (task, [noise_task().train], "boxes or captions with phrases can be learned from; got a split to 'classify'"),
    ):
        with pytest.raises(ValueError, match=words):
            method.fit(of, grounding=more, **BRIEF)
    with pytest.raises(ValueError, match="3 class names need 10 tokens in one prompt; the context holds 9"):
        crowded = Split(Pixels(task.train.tensor()[:1]), Boxes([[[0, 0, 9, 9]] * 3], [[0, 1, 3]], [(32, 32)]), NAMES)
        made(clip, names=["hat"], context_length=9).fit(type(task)(**{**vars(task), "train": crowded}), **BRIEF)
    assert method.classnames == ["hat"]


@pytest.mark.parametrize(
    ("boxes", "words"), [([[4, 4, 4, 9]], "has no area"), ([[4, 4, 40, 9]], "lies outside: it must be inside")]
)
def test_boxes_that_are_none_never_come_this_far(boxes, words):
    with pytest.raises(ValueError, match=words):
        Boxes([boxes], [[0]], [(32, 32)])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers": 0}, "layers=0: give a whole number"),
        ({"text_layers": 1.5}, "text_layers=1.5"),
        ({"context_length": 3}, "context_length=3"),
        ({"anchor": 0}, "anchor=0"),
        ({"image_size": 40}, "image_size=40"),
        ({"image_size": 16}, "image_size=16"),
        ({"width": 24}, "width=24"),
    ],
)
def test_impossible_settings_are_refused(clip, settings, words):
    with pytest.raises(ValueError, match=words):
        GLIP(clip, **settings)


# --- phrases


def test_phrases_are_found_with_their_numbers_and_scores(fitted):
    pictures, caption = some_pictures(3), "a cat beside a yellow crane"
    found = fitted.ground(pictures, caption, ["yellow crane", "cat"])
    prompt = fitted.phrases.of_caption(caption, [(15, 27), (2, 5)])
    said = fitted.grounder.asked(fitted.grounder.look(pictures), [prompt])
    scores = phrase_scores(said.logits, prompt.spans, said.middles)  # (3, A, 2)
    for one, wanted in zip(found, scores):
        assert (one.scores.diff() <= 0).all() and set(one.labels.tolist()) == {0, 1}
        for label in (0, 1):
            torch.testing.assert_close(one.scores[one.labels == label].max(), wanted[:, label].max())
    again = fitted.ground(pictures, "a cat and a cat", ["cat", "cat"])
    assert {label for one in again for label in one.labels.tolist()} == {0, 1}, "the second one is the second"


def test_it_learns_from_captions_alone_and_is_measured_on_them(clip):
    task = caption_task()
    method = GLIP(clip, **SMALL).fit(task, **BRIEF)
    found = method.measure(task.test)
    assert found["grounding"] <= found["grounding_ceiling"] and found["grounding_floor"] <= found["grounding_ceiling"]
    assert 0 < found["grounding_ceiling"] <= 100 and 0 <= found["AP50"] <= 100
    assert "grounding" not in method.measure(box_split(10, 3))
    silent = Split(task.test.images, with_captions(["x"] * 3, [[]] * 3).subset([0] * 10).targets, NAMES)
    with pytest.raises(ValueError, match="no caption of the split has a phrase"):
        method.measure(silent)


def test_further_captions_change_what_is_learned(clip, fitted):
    both = GLIP(clip, **SMALL).fit(box_task(), grounding=[caption_split(8, 5)], **BRIEF)
    names = [name for name, _ in fitted.named_parameters()]
    assert names == [name for name, _ in both.named_parameters()]
    assert not all(torch.equal(one, other) for one, other in zip(fitted.parameters(), both.parameters()))


# --- tuning


def test_a_tuned_offset_is_all_that_is_learned_and_starts_from_nothing(clip, fitted, tmp_path):
    task = box_task(names=["hat", "shoe"])
    tuned = fitted.tuned(task, epochs=1, progress=False)
    offset = tuned.grounder.offset
    assert offset.shape == (48, 16) and fitted.grounder.offset is None and fitted.classnames == NAMES
    before = dict(fitted.named_parameters())
    assert all(torch.equal(p, before[name]) for name, p in tuned.named_parameters() if name in before)
    length = len(tuned.prompts[0][1].ids)
    assert offset[:length].abs().sum(dim=1).min() > 0 and offset[length:].abs().sum() == 0
    pictures, plain = some_pictures(), fitted.for_classes(["hat", "shoe"])
    again = load_method(tuned.save(tmp_path / "tuned.safetensors"), clip)
    assert all(torch.equal(a.scores, b.scores) for a, b in zip(again.regions(pictures), tuned.regions(pictures)))
    torch.nn.init.zeros_(offset)
    assert all(torch.equal(a.scores, b.scores) for a, b in zip(plain.regions(pictures), tuned.regions(pictures)))
    with pytest.raises(ValueError, match="the offset was learned for the one prompt of hat, shoe"):
        tuned.for_classes(["hat"])


def test_tuning_all_moves_the_rest_and_needs_one_prompt(clip, fitted):
    tuned = fitted.tuned(box_task(names=["hat", "shoe"]), "all", epochs=1, progress=False)
    moved = [not torch.equal(one, other) for one, other in zip(tuned.parameters(), fitted.parameters())]
    assert tuned.grounder.offset is None and sum(moved) > len(moved) / 2
    assert all(p.requires_grad for p in tuned.parameters())
    with pytest.raises(ValueError, match="5 class names need 14 tokens in one prompt; the context holds 12"):
        made(clip, context_length=12).tuned(box_task(), progress=False)


def test_it_is_a_method_of_the_library():
    assert METHODS["GLIP"] is GLIP and GLIP.kind == "detect"
