"""Lesson 15's figures show what they are given, and say it in words."""

import pandas as pd
import torch
import torch.nn.functional as F

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson15 import plots


def test_the_two_tasks_are_told():
    said = alt_text(plots.two_tasks(title="Two"))
    assert "pass one trunk" in said and "thrown away in the end" in said


def test_who_finds_whom_counts_those_that_find_their_other_view():
    a = F.normalize(torch.eye(3, 5) + 0.1, dim=1)
    z = torch.cat([a, a])
    assert "6 find the other view" in alt_text(plots.who_finds_whom(z @ z.T).figure)
    z = torch.cat([a, a.roll(1, 0)])
    assert "0 find the other view" in alt_text(plots.who_finds_whom(z @ z.T).figure)


def test_neighbours_stand_in_a_row_a_trunk_behind_the_picture_itself():
    images = (torch.rand(6, 3, 8, 8) * 255).byte()
    figure = plots.neighbours(images, {"captions": [1, 2], "pictures": [3, 4]}, 0, names="abcde")
    assert len(figure.axes) == 6
    assert "nearest to a picture of a. captions: b, c; pictures: d, e" in alt_text(figure)


def test_alike_has_a_bar_for_colour_and_one_for_shape():
    said = alt_text(plots.alike({"SLIP": {"shape": 20.0, "colour": 60.0}}, chance=12.5).figure)
    assert "SLIP, its colour: 60 %" in said and "SLIP, its shape: 20 %" in said


def test_losses_have_the_line_of_who_knows_nothing():
    said = alt_text(plots.losses({"hard": [5.0, 4.0], "easy": [3.0, 1.0]}, 5.54).figure)
    assert "nothing is known" in said and "5.54" in said


def test_an_arm_that_was_not_measured_on_something_has_no_bar_of_it():
    rows = pd.DataFrame({"arm": ["a", "a", "b"], "seed": 0, "on": ["x", "y", "y"], "accuracy": [1.0, 2.0, 3.0]})
    said = alt_text(plots.arms(rows, {"b": "arm b", "a": "arm a"}, {"x": "of x", "y": "of y"}).figure)
    assert "arm a, of x: 1 %" in said and "arm b, of x" not in said and "arm b, of y: 3 %" in said
