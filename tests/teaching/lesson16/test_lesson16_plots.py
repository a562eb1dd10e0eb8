"""Lesson 16's figures show what they are given, and say it in words."""

import pandas as pd
import torch

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson16 import plots

SEEN = torch.linspace(-1, 1, 192 * 64).view(192, 64)


def test_a_spectrogram_is_cut_into_three_bands():
    said = alt_text(plots.bands(SEEN, "train"))
    assert "three bands of pitch" in said and "low 0 %, middle 50 %, high 100 %" in said


def test_pictures_names_and_sounds_stand_together():
    figure = plots.triples([torch.rand(3, 8, 8)] * 2, torch.stack([SEEN] * 2), ["owl", "train"])
    assert len(figure.axes) == 4 and "owl, train" in alt_text(figure)


def test_matrices_say_how_many_rows_have_their_own():
    Z = torch.eye(3)
    said = alt_text(plots.matrices({"sound × name": Z, "sound × picture": Z.flip(0), "none": None}, ["a", "b", "c"]))
    assert "sound × name: the diagonal is the largest of its row in 3 of 3" in said
    assert "sound × picture: the diagonal is the largest of its row in 1 of 3" in said and "none: none" in said


def test_learning_has_its_floor_and_chance():
    figure = plots.learning([3.0, 2.0, 1.9], {0: 4.0, 2: 50.0, 3: 80.0}, chance=4.2, floor=1.4)
    said = alt_text(figure)
    assert "cannot be less" in said and "chance" in said and "80 at 3" in said


def test_arms_have_a_bar_for_each_measure_and_a_ring_a_seed():
    rows = pd.DataFrame({"arm": ["a", "a", "b"], "seed": [0, 1, 0], "on": "sounds", "accuracy": [80.0, 82.0, 4.0]})
    ax = plots.arms(rows, {"a": "arm a", "b": "arm b"}, {"sounds": "of sounds"}, chance=4.2)
    assert [len(line.get_xdata()) for line in ax.lines[:2]] == [2, 1]
    assert "arm a, of sounds: 81 %" in alt_text(ax.figure)


def test_the_published_figures_leave_out_what_is_not_told():
    said = alt_text(plots.published({"A": (97.15, 90.07), "B": (66.9, float("nan"))}).figure)
    assert "UrbanSound8K: A 90.07" in said and "B nan" not in said
