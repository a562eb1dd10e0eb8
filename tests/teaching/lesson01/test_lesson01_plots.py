"""Lesson 01's figures say what is in their tables, and no words lie over others."""

import itertools
import math

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson01 import plots, recorded
from lessons_lib.toyworld import ELEVEN


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def overlapping(figure) -> list[tuple[str, str]]:
    """Words of a figure that cover one another."""
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_visible() and text.get_text().strip()]
    boxes = [(text.get_text(), matplotlib.text.Text.get_window_extent(text)) for text in texts]  # without arrows
    boxes = [(words, box) for words, box in boxes if box.width > 1]
    pairs = itertools.combinations(boxes, 2)
    return [(a, b) for (a, one), (b, two) in pairs if one.padded(-1.5).overlaps(two.padded(-1.5))]


def test_the_scale_makes_the_same_answer_surer():
    figure = plots.at_scales(torch.tensor([0.1, 0.5, 0.3]), ["one", "two", "three"], right=1, scales=(1, 10, 100))
    for ax, scale in zip(figure.axes, (1, 10, 100)):
        p = (scale * torch.tensor([0.1, 0.5, 0.3])).softmax(0)
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], 100 * p, rtol=1e-5)
    assert "The right caption is “two”" in alt_text(figure)
    assert overlapping(figure) == []


def test_a_dot_is_on_each_rows_brightest_cell_and_a_frame_on_the_diagonal():
    ax = plots.puzzle_matrix(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), ["a", "b" * 60], np.zeros((2, 4, 4, 3)), title="t")
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines]
    assert dots == [(0, 0), (0, 1)]
    assert len(ax.patches) == 2 and "1 of 2 rows" in alt_text(ax.figure)
    assert ax.get_xticklabels()[1].get_text().endswith("…"), "a long caption is cut for show"


def test_training_is_watched_from_ceiling_to_floor():
    watch = plots.Watch(steps=100, batch=128, best=2.0)
    row = {"both": 10.0, "colour": 50.0, "shape": 20.0}
    watch.draw([4.9, 4.0], [{"step": 0, **row}, {"step": 50, **row}])
    up, down = watch.axes
    assert [line.get_ydata()[0] for line in up.lines[1:]] == [math.log(128), 2.0]
    assert [line.get_label() for line in down.lines] == ["both", "colour", "shape"]
    assert overlapping(watch.figure) == []
    watch.close()


def test_exams_have_intervals_and_the_level_of_guessing():
    kinds = {"seen": {"both": 90.0, "colour": 95.0, "shape": 92.0}, "not": {"both": 0.0, "colour": 90.0, "shape": 50.0}}
    ax = plots.unseen(kinds, pictures=400, chance={"both": 1.6, "colour": 12.5, "shape": 12.5})
    assert [bar.get_width() for bar in ax.patches[:6]] == [90, 95, 92, 0, 90, 50]
    assert len(ax.collections) == 2, "whiskers for both"
    assert overlapping(ax.figure) == []


def test_harder_exams_show_each_who_between_knowing_nothing_and_the_best():
    rows = [(who, n, batch, math.log(n) / (i + 1), 50.0) for i, who in enumerate(("mine", "best"))
            for n in (2, 8, 1024) for batch in range(3)]  # fmt: skip
    figure = plots.harder_exams(pd.DataFrame(rows, columns=["who", "N", "batch", "loss", "right"]))
    up, down = figure.axes
    assert [line.get_label() for line in up.lines] == ["mine", "best", "knows nothing"]
    np.testing.assert_allclose(up.lines[2].get_ydata(), np.log([2, 8, 1024]))
    np.testing.assert_allclose(down.lines[2].get_ydata(), [50, 12.5, 100 / 1024])
    assert overlapping(figure) == []


def test_the_studys_figures_draw_what_was_recorded():
    study = recorded.moments()
    ax = plots.objectives(recorded.comparison(study))
    assert [line.get_label() for line in ax.lines] == list(recorded.OBJECTIVES.values())
    figure = plots.more_compute(recorded.scaling(study))
    up, down = figure.axes
    assert len(up.containers) == 3, "three widths, with whiskers"
    assert {text.get_text() for text in down.texts} == {name for name, *_ in plots.PUBLISHED}
    assert overlapping(figure) == [] and overlapping(ax.figure) == []


def made_record(tasks, last):
    zero_shot = [[300, dict.fromkeys(tasks, 10.0)], [3000, dict(zip(tasks, last))]]
    return {"settings": {"batch_size": 256}, "loss": [[20, 5.5], [3000, 2.0]], "zero_shot": zero_shot}


@pytest.mark.parametrize("last", [[50.0] * 11, list(range(0, 110, 10))])
def test_every_task_of_a_pretraining_is_named_and_no_name_covers_another(last):
    figure = plots.pretraining(made_record(ELEVEN, last), ELEVEN)
    names = {text.get_text() for text in figure.axes[1].texts}
    assert names == {task.removeprefix("toy_") for task in ELEVEN} | {"mean"}
    assert overlapping(figure) == []
    assert "The mean of 11 tasks rises to 50 %" in alt_text(figure)
