"""Lesson 00's checks: they pass what is right, and name the usual mistakes."""

import pytest
import torch

from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.lesson00 import checks as check


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(0.25, "percent here, 0 to 100"), (4, "number of classes"), (0, "above 0"), (30, "is 30; it should be 25")],
)
def test_a_wrong_level_of_chance_gets_its_own_hint(answer, hint):
    with pytest.raises(ExerciseError, match=hint):
        check.chance(answer, classes=4)


@pytest.mark.parametrize(
    ("ring", "hint"),
    [
        (lambda x, y, r, w: torch.hypot(x, y) - r - w, "absolute value"),
        (lambda x, y, r, w: torch.hypot(x, y) - r, "`width` is not used yet"),
        (lambda x, y, r, w: (torch.hypot(x, y) - r).abs(), "without a width"),
        (lambda x, y, r, w: (torch.hypot(x, y) - r).abs() - w / 2, "half of `width`"),
        (lambda x, y, r, w: (x**2 + y**2 - r).abs() - w, "square root"),
        (lambda x, y, r, w: w - (torch.hypot(x, y) - r).abs(), "opposite sign"),
        (lambda x, y, r, w: (torch.hypot(x, y) - r).abs() < w, "True and False"),
        (lambda x, y, r, w: ..., "not written yet"),
    ],
)
def test_a_wrong_ring_gets_its_own_hint(ring, hint):
    with pytest.raises(ExerciseError, match=hint):
        check.ring(ring)


def test_right_answers_pass_with_a_tick(capsys):
    check.chance(25, classes=4)
    check.chance(100 / 3, classes=3)
    check.ring(lambda x, y, r, w: (torch.hypot(x, y) - r).abs() - w)
    assert capsys.readouterr().out.count("✓") == 3
