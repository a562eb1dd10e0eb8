"""Lesson 05's figures draw the numbers given, labelled, without text on text, and refuse what is not."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch

from lessons_lib.metrics import wilson
from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson05 import plots

LONG = {  # as many and as long as the lesson may have
    f"a name that goes on for a while, number {i}": (200 + 8 * i, 250 - 9 * i)
    for i in range(6)
}  # fmt: skip


def overlapping(ax):
    """Pairs of texts of an Axes that lie on one another."""
    ax.figure.draw_without_rendering()
    texts = [text for text in (*ax.texts, *ax.get_yticklabels()) if text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


def test_the_drawing_shows_two_learned_parts_and_an_arrow_from_the_picture_to_the_text():
    [ax] = plots.where_cocoop_learns("CoCoOp").axes
    learned = [box for box in ax.patches if getattr(box, "get_hatch", str)() == "//"]
    assert len(learned) == 2, "the context and the meta-net, striped"
    assert r"meta-net $\pi$" in [text.get_text() for text in ax.texts]
    assert overlapping(ax) == []


def test_each_half_has_a_dot_at_the_share_of_right_answers_and_wilsons_interval():
    figure = plots.halves(LONG, (250, 250), line=next(iter(LONG)))
    for i, ax in enumerate(figure.axes):
        shares = [100 * both[i] / 250 for both in LONG.values()]
        dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() in ("o", "s")]
        assert dots == pytest.approx(shares)
        ends = [bar.get_segments()[0][:, 0] for bar in ax.collections]
        for drawn, both in zip(ends, LONG.values()):
            assert drawn == pytest.approx(wilson(both[i], 250))
        assert set(ax.lines[-1].get_xdata()) == {shares[0]}, "the dashed line"
        assert overlapping(ax) == []
    assert len({ax.lines[0].get_marker() for ax in figure.axes}) == 2, "told apart without colour"


def test_a_dot_below_the_usual_range_is_still_seen():
    figure = plots.halves({"weak": (10, 200)}, (250, 250))
    low = figure.axes[0].get_xlim()[0]
    assert low <= wilson(10, 250)[0]


def test_confusions_name_the_answers_once_below_the_last():
    labels = torch.tensor([0, 1, 1])
    figure = plots.two_confusions({"a": labels, "b": labels.flip(0)}, labels, ["oak", "elm"])
    figure.draw_without_rendering()
    upper, lower = figure.axes[:2]
    for ax, answers in ((upper, []), (lower, ["oak", "elm"])):
        assert [tick.get_text() for tick in ax.get_yticklabels()] == ["oak", "elm"]
        assert [tick.label1.get_text() for tick in ax.xaxis.get_major_ticks() if tick.label1.get_visible()] == answers


def test_what_is_drawn_is_told_with_its_numbers():
    assert "a prompt 80, 60" in alt_text(plots.halves({"a prompt": (200, 150)}, (250, 250)))
    costs = plots.costs({"slow": 60.0, "fast": 2.0}, unit="milliseconds", compared_to="fast")
    assert alt_text(costs.figure).startswith("slow: 60 milliseconds; fast: 2 milliseconds.")
    places, labels = np.array([[1.0, 2.0], [3.0, 4.0]]), [0, 1]
    told = alt_text(plots.map_of_pi(places, labels, ["oak", "elm"], seen=1).figure)
    assert "oak (base) +1.0, +2.0; elm (new) +3.0, +4.0" in told


def test_lengths_begin_at_zero_and_say_their_numbers():
    ax = plots.lengths({"a row": 0.4, "π": torch.tensor(3.0)})
    assert ax.get_xlim()[0] == 0
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.4, 3.0])
    assert [text.get_text() for text in ax.texts] == ["0.4", "3"]


def test_the_map_names_each_class_and_marks_new_ones_by_shape():
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 20)
    names = [f"a class with a long name {c}" for c in range(10)]
    places = draw.standard_normal((200, 2)) + 6 * draw.standard_normal((10, 2))[labels]
    ax = plots.map_of_pi(places, labels, names, seen=5)
    assert sorted(text.get_text() for text in ax.texts if text.get_text()) == sorted(names)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["base classes", "new classes"]


def test_costs_say_each_number_and_how_many_times_the_one_compared_to():
    ax = plots.costs({"published": 7_700, "fast": 350.0, "one": 0.5}, unit="rows", compared_to="fast")
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "rows"
    assert [text.get_text() for text in ax.texts] == ["7,700 = 22 ×", "350", "0.5 = 1/700"]
    assert not ax.patches, "a bar on a logarithmic scale has no start"
    assert overlapping(ax) == []
    with pytest.raises(ValueError, match="above 0"):
        plots.costs({"a": 1, "b": 0}, unit="seconds", compared_to="a")


def test_differences_to_zero_shot_are_sorted_by_what_the_first_method_loses():
    points = {("toy_pets", "CoOp (words)"): -3, ("toy_food", "CoOp (words)"): -9, ("toy_cars", "CoOp (words)"): 1}
    rows = [
        {"method": method, "task": task, "on": "new", "seed": seed, "accuracy": 70 + seed + gain}
        for (task, first), loss in points.items()
        for method, gain in (("ZeroShot", 0), (first, loss), ("CoCoOp", loss / 3))
        for seed in (1, 2, 3)
    ]
    ax = plots.against_zero_shot(pd.DataFrame(rows), "new")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["toy_food", "toy_pets", "toy_cars"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["CoOp (words)", "CoCoOp"]
    assert "toy_food, CoOp (words): -9.0 ±" in alt_text(ax.figure)
