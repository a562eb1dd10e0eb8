"""Lesson 17's figures."""

import pytest

from lessons_lib.metrics import wilson
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
