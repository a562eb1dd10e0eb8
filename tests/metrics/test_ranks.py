"""Many comparisons at once: Holm's correction, mean ranks, and correlations seed by seed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lessons_lib.metrics import correlations, holm, mean_ranks


def test_holm_rejects_as_its_steps_do():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.beta(0.3, 3, size=9)
        rejected = np.zeros(9, bool)
        for i, place in enumerate(np.argsort(p)):  # step down: stop at the first that is not below 5 % / (m − i)
            if p[place] > 0.05 / (9 - i):
                break
            rejected[place] = True
        assert ((holm(p) <= 0.05) == rejected).all()
    assert holm([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1, 1]


def test_rank_1_is_the_best_and_ties_share():
    assert mean_ranks([[70.0, 80.0, 60.0], [50.0, 40.0, 40.0]]).tolist() == [1.5, 1.75, 2.75]


def test_correlations_are_pearsons_for_each_seed_matched_by_task():
    draw = np.random.default_rng(1)
    gain = pd.DataFrame(draw.normal(size=(6, 3)), index=list("abcdef"), columns=[1, 2, 3])
    zero = pd.Series(draw.normal(size=6), index=list("abcdef"))
    found = correlations(gain, zero.sample(frac=1, random_state=0))
    assert found.tolist() == pytest.approx([stats.pearsonr(gain[seed], zero).statistic for seed in gain])


def test_a_task_that_lacks_a_number_is_named():
    gain = pd.DataFrame({1: [1.0, 2.0, 3.0], 2: [1.0, np.nan, 2.0]}, index=["x", "y", "z"])
    with pytest.raises(ValueError, match="a number of each; y, z lacks one"):
        correlations(gain, pd.Series({"x": 1.0, "y": 2.0}))
