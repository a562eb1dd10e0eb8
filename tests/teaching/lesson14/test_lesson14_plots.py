"""Lesson 14's figures show what they are given, and say it in words."""

import pytest
import torch

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson14 import plots


def test_targets_are_drawn_with_their_words():
    one = torch.tensor([[0.0, 1, 1], [0, 0, 0]])
    figure = plots.whose({"as a list": (one, ["box 1", "box 2"], ["a", "red", "key"])})
    assert "box 1: red key; box 2: nothing" in alt_text(figure)


@pytest.mark.parametrize("words", [1, 4, 9])
def test_every_token_has_its_panel_and_every_phrase_its_box(words):
    names = [f"word{i}" for i in range(words)]
    planes = torch.rand(words, 16, 16, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[5.0, 5, 30, 30]])
    figure = plots.words_over(torch.rand(3, 64, 64), planes, names, boxes, ["red key"], torch.tensor([0.5]))
    assert len(figure.axes[0].patches) == 2  # a box and its white rim
    assert "word0" in alt_text(figure) and [each.get_text() for each in figure.legends[0].texts] == ["red key: 0.50"]


def test_fusion_has_arrows_both_ways():
    assert "arrows both ways" in alt_text(plots.fusion())


def test_choices_between_twins_are_shares():
    ax = plots.twin_choices({"fused": ["right", "right", "twin", "other"], "not fused": ["twin"]})
    assert "fused, the thing that is meant: 50 %" in alt_text(ax.figure)
    assert "not fused, its twin: 100 %" in alt_text(ax.figure)


def test_pairs_within_and_across_pictures_are_counted():
    fits = torch.eye(4, dtype=torch.bool)
    fits[0, 3] = True
    assert "4 pairs fit within a picture, 1 across" in alt_text(plots.pairs(fits, [2, 2], [2, 2]).figure)


def test_prices_and_the_published_table():
    ax = plots.prices({"fused": {1: 0.01, 64: 0.05}, "not fused": {1: 0.01, 64: 0.01}})
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "64"]
    ax = plots.published({"A": (42.9, 52.9), "L": (51.4, 61.7)})
    assert "zero-shot: A 42.9, L 51.4" in alt_text(ax.figure)
