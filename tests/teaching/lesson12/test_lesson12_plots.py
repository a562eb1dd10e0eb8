"""Lesson 12's figures and its slider: what is drawn is what was given, in words too."""

import matplotlib.pyplot as plt
import pytest
import torch

from lessons_lib.methods.segment.groupvit import Named
from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson12 import naming, player, plots

PICTURE = torch.rand(3, 16, 16)
GRID = torch.zeros(4, 4, dtype=torch.long)
GRID[:2], GRID[3, 3] = 1, 13


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_every_group_has_a_colour_of_its_own_and_borders_lie_between_groups():
    figure = plots.grouped([PICTURE, PICTURE], {"one": [GRID, GRID], "two": [GRID, torch.zeros_like(GRID)]})
    shown = figure.axes[1].images[0].get_array()
    assert shown.shape == (4, 4, 3) and len({tuple(shown[y, x]) for y, x in ((0, 0), (2, 0), (3, 3))}) == 3
    across, along = figure.axes[1].collections  # lines between rows, and between columns
    assert len(across.get_segments()) == 4 + 1 and len(along.get_segments()) == 1
    assert "one, picture 1: 3 groups" in alt_text(figure) and "two, picture 2: 1 groups" in alt_text(figure)


def test_bars_lie_between_floor_and_ceiling_and_those_of_the_truth_are_told_apart():
    patches, truth = {"mIoU": 4.0, "low": 3.0, "high": 5.0}, {"mIoU": 30.0, "low": 28.0, "high": 33.0}
    bars = {"patches": patches, "by the truth": truth}
    figure = plots.judged(bars, ceiling=60.0, floor=1.0)
    [ax] = figure.axes
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [4.0, 30.0] and ax.patches[0].get_facecolor() != ax.patches[1].get_facecolor()
    assert {"ceiling 60", "floor 1", "4", "30"} <= {text.get_text() for text in ax.texts}
    assert "by the truth 30" in alt_text(figure)


def test_each_curve_is_marked_at_its_best():
    figure = plots.thresholds([0.0, 0.5, 1.0], {"few": [1, 3, 2], "many": [4, 1, 1]}, {"few": 0.5, "many": 0.0})
    [ax] = figure.axes
    marked = {(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1}
    assert marked == {(0.5, 3.0), (0.0, 4.0)}
    assert "few: best at 0.50, 3 %" in alt_text(figure)


def test_what_becomes_of_numbers_is_a_panel_each():
    figure = plots.becoming([1, 2, 3], {"loss": [9.0, 8.0, 7.0], "groups": [1.0, 2.0, 4.0]})
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["loss", "groups"]
    assert "groups: 1.0 to 4.0" in alt_text(figure)


def test_the_slider_draws_at_its_threshold(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "segmented", lambda pictures, maps: drawn.append(maps))
    found = Named(torch.rand(2, 3, 4, 4), torch.rand(2, 3, 2))
    box = player.threshold_player(found, torch.zeros(2, 3, 16, 16), ["background", "owl", "mug"], start=0.3)
    which, t, _ = box.children
    which.value, t.value = 1, 0.8
    assert [list(maps) for maps in drawn] == [["t = 0.30"], ["t = 0.30"], ["t = 0.80"]]
    [(grid, names)] = drawn[-1].values()
    assert torch.equal(grid, naming.answers(Named(*(part[1:] for part in found)), 0.8, 16)) and len(names) == 3
