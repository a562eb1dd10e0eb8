"""Lesson 17's figures."""

import pytest
import torch

from lessons_lib.metrics import wilson
from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson17 import plots


def test_each_limit_has_its_interval_and_the_guess():
    found = {"which digit": (15.0, 10.0, 80), "which is red": (100.0, 50.0, 20)}
    [ax] = plots.limits(found).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == list(found)
    whiskers = [
        bars.errorbar.lines[2][0].get_segments()[0][:, 0] for bars in ax.containers if hasattr(bars, "errorbar")
    ]
    assert whiskers[0] == pytest.approx(wilson(12, 80)) and whiskers[1] == pytest.approx(wilson(20, 20))
    assert [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2] == [10.0, 50.0]


def test_the_transport_says_in_words_where_each_prompt_gets_most():
    plan = torch.zeros(4, 2)
    plan[1, 0] = plan[2, 1] = 0.5  # the first row's second patch, the second row's first
    said = alt_text(plots.transport(torch.rand(3, 8, 8), plan, ["an ear", "a tail"]))
    assert "2 × 2 patches" in said and said.count("an ear row 1, column 2; a tail row 2, column 1") == 1


def test_drawings_have_their_title_and_what_is_said_of_each():
    figure = plots.drawings({"as it is": torch.rand(3, 8, 8)}, title="A turtle")
    assert "A turtle" in alt_text(figure) and "as it is" in alt_text(figure)
