"""Hidden tests draw other cases: an answer that was written down passes the check that it was made for, not these."""

import numpy as np
import pytest
import torch

from lessons_lib.teaching.checks import ExerciseError, answer_of, right, same
from lessons_lib.teaching.grading.draws import other_draws


def draw() -> list:
    torch.manual_seed(3)
    return [
        torch.rand(1).item(),
        torch.rand(1, generator=torch.Generator().manual_seed(3)).item(),
        np.random.default_rng(3).random(),
    ]


def test_everything_that_is_drawn_from_a_seed_is_drawn_anew_and_the_same_each_time():
    before = draw()
    with other_draws():
        first, second = draw(), draw()
    assert first == second and not set(first) & set(before)
    assert draw() == before, "outside, all is as it was"


def test_who_knows_the_cases_by_heart_is_found_out():
    def check(student):
        x = torch.randn(4, generator=torch.Generator().manual_seed(1))
        same(answer_of(student, x, name="total"), x.sum(), name="total")
        right("total: added up.")

    written_down = torch.randn(4, generator=torch.Generator().manual_seed(1)).sum()
    check(lambda x: written_down)
    with other_draws():
        check(torch.sum)
        with pytest.raises(ExerciseError, match="it should be"):
            check(lambda x: written_down)
