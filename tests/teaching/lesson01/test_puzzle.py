"""How well the puzzle of captions can be solved at all: counted by hand, and no model does better."""

import itertools
import math

import numpy as np
import pytest
import torch

from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.teaching.lesson01.puzzle import (
    COMBINATIONS,
    best_scores,
    by_size,
    graded,
    said_in,
    solved,
    twins,
)
from lessons_lib.teaching.lesson01.shape_world import allowed, written_under


def world(n: int, seed: int, without=()) -> tuple[list[tuple[str, str]], list[str]]:
    """What n pictures show, and their captions, without drawing a picture."""
    rng, pairs = np.random.default_rng(seed), allowed(without)
    shown = [pairs[i] for i in rng.integers(len(pairs), size=n)]
    return shown, [written_under(rng, *pair) for pair in shown]


@pytest.mark.parametrize(
    ("caption", "colour", "shape"),
    [
        ("a photo of a red star.", "red", "star"),
        ("half circle", None, "half circle"),
        ("a picture of a black circle.", "black", "circle"),
        ("a pink thing", "pink", None),
        ("thing", None, None),
    ],
)
def test_what_a_caption_says_is_read_from_it(caption, colour, shape):
    assert said_in(caption) == (colour, shape)


def test_a_caption_that_fits_is_trusted_the_more_the_fewer_pictures_it_fits():
    captions = ["a red star", "a star", "red thing", "thing", "a blue star"]
    [scores] = best_scores([("red", "star")], captions)
    assert scores[:4].tolist() == pytest.approx([math.log(64), math.log(8), math.log(8), 0.0])
    assert scores[4] == -math.inf


def test_what_is_never_drawn_does_not_count():
    hidden = [("red", "star"), ("blue", "star")]
    [scores] = best_scores([("pink", "star")], ["a star", "a pink star"], without=hidden)
    assert scores.tolist() == pytest.approx([math.log(62 / 6), math.log(62)])
    with pytest.raises(ValueError, match="'a red star' fits nothing"):
        best_scores([("pink", "star")], ["a red star"], without=hidden)


def test_the_best_scores_are_those_of_counting_captions():
    """P(what is said | picture) / P(what is said), counted over many captions."""
    shown, captions = world(60_000, seed=0)
    pair, said = ("red", "star"), [said_in(caption) for caption in captions]
    of_pair = [y for x, y in zip(shown, said) if x == pair]
    for y, text in (((None, "star"), "star"), (("red", None), "a red thing"), (pair, "a red star")):
        ratio = (of_pair.count(y) / len(of_pair)) / (said.count(y) / len(said))
        [[score]] = best_scores([pair], [text])
        assert math.exp(score) == pytest.approx(ratio, rel=0.2)


def test_their_softmax_is_the_share_of_right_answers():
    """Whoever is sure to 30 % is right in 30 % of cases, in rows as in columns: so no scores have a lower loss."""
    shown, captions = world(4_800, seed=1)
    batches = [best_scores(shown[i : i + 16], captions[i : i + 16]) for i in range(0, 4_800, 16)]
    own = torch.eye(16).bool().flatten().repeat(len(batches))
    for logits in (batches, [batch.T for batch in batches]):
        sure = torch.cat([batch.softmax(dim=1).flatten() for batch in logits])
        for low, high in itertools.pairwise((0.05, 0.2, 0.45, 0.999)):
            inside = (sure > low) & (sure <= high)
            assert own[inside].float().mean() == pytest.approx(sure[inside].mean().item(), abs=0.04)


def test_the_ceiling_of_the_lessons_figure():
    """As an independent simulation of captions gave it: 96, 88, 59, 32, 5 %, and a loss of about 2 at 128."""
    table = by_size({"best": best_scores(*world(2048, seed=2))}, (2, 8, 32, 128, 1024))
    table = table.groupby("N")[["loss", "right"]].mean()
    assert table.right.tolist() == pytest.approx([97, 87, 60, 32, 5.5], abs=2)
    assert table.loss[128] == pytest.approx(2.0, abs=0.1)


def test_guessing_among_equal_scores_counts_its_share():
    assert solved(torch.zeros(8, 8)) == pytest.approx((math.log(8), 100 / 8))
    logits = torch.tensor([[5.0, 5.0, 0.0], [0.0, 9.0, 0.0], [0.0, 7.0, 6.0]])
    loss, right = solved(logits)
    assert right == pytest.approx(100 * (0.5 + 1 + 0) / 3)
    assert loss == pytest.approx(clip_loss(torch.eye(3), logits.T.contiguous(), 1.0).item())


def test_pairs_are_dealt_into_batches():
    table = by_size({"a": torch.eye(8) * 100}, (2, 4))
    assert table.groupby("N").batch.count().tolist() == [4, 2]
    assert (table.right == 100).all() and (table.loss < 0.01).all()
    with pytest.raises(ValueError, match="8 pairs cannot be dealt into batches of 3"):
        by_size({"a": torch.eye(8)}, [3])


def test_an_exam_is_graded_by_both_parts():
    truth = [("red", "circle"), ("red", "star"), ("black", "star"), ("white", "bar")]
    answers = [
        COMBINATIONS.index(pair) for pair in [("red", "circle"), ("red", "bar"), ("pink", "star"), ("red", "moon")]
    ]
    assert graded(answers, truth) == {"both": 25.0, "colour": 50.0, "shape": 50.0}
    with pytest.raises(ValueError):
        graded(answers[:2], truth)


def test_twins_are_others_that_say_the_same():
    assert twins(["a", "b", "a"]).tolist() == [[False, False, True], [False] * 3, [True, False, False]]
