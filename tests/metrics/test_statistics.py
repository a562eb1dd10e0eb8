"""Intervals are Student's t, differences are paired, and the two averages of H are told apart."""

import math

import numpy as np
import pytest
from scipy import stats

from lessons_lib.metrics import h_of_means, harmonic_mean, interval, mean_of_h, paired_difference, wilson


def test_the_interval_is_students_t_with_ddof_1():
    runs = [71.2, 69.8, 73.1, 70.0, 72.4]
    low, high = stats.t.interval(0.95, df=4, loc=np.mean(runs), scale=stats.sem(runs))
    found = interval(runs)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.n == 5


def test_for_three_seeds_it_is_4_303_standard_errors():
    assert interval([1, 2, 3]).half_width == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)


def test_a_single_run_has_a_mean_and_no_interval():
    single = interval([70.0])
    assert single.mean == 70 and math.isnan(single.half_width)
    assert str(single) == "70.0"


def test_it_reads_mean_plus_minus_half_width():
    assert str(interval([1.0, 2.0, 3.0])) == "2.0 ± 2.5"


def test_a_paired_difference_cancels_what_the_seed_does():
    seeds = np.array([0.0, 30, 60, 90])
    difference = paired_difference(seeds + [5, 5.2, 4.8, 5], seeds)
    assert difference.mean == pytest.approx(5)
    assert difference.half_width < 1 < interval(seeds).half_width
    assert difference.half_width == pytest.approx(interval([5, 5.2, 4.8, 5]).half_width)


def test_the_harmonic_mean_is_that_of_the_published_tables():
    assert harmonic_mean(82.69, 63.22) == pytest.approx(71.66, abs=0.005)  # CoOp
    assert harmonic_mean(82.28, 75.14) == pytest.approx(78.55, abs=0.005)  # MaPLe
    assert harmonic_mean(0, 0) == 0


def test_h_of_means_is_not_the_mean_of_hs():
    base, new = [90.0, 50.0], [10.0, 50.0]
    assert mean_of_h(base, new) == pytest.approx((18 + 50) / 2)
    assert h_of_means(base, new) == pytest.approx(2 * 70 * 30 / 100)
    assert h_of_means([80.0], [60.0]) == mean_of_h([80.0], [60.0]) == harmonic_mean(80, 60)


def test_wilsons_interval_is_scipys():
    for right, total in ((15, 20), (20, 20), (0, 5), (97, 179)):
        low, high = stats.binomtest(right, total).proportion_ci(method="wilson")
        assert wilson(right, total) == (pytest.approx(100 * low, abs=0.01), pytest.approx(100 * high, abs=0.01))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: interval([]), "at least one run"),
        (lambda: interval([1.0, float("nan")]), "run number 1 is not a finite number"),
        (lambda: paired_difference([1.0, 2.0], [1.0]), "same seeds; got 2 and 1"),
        (lambda: h_of_means([80.0, 70.0], [60.0]), "both halves of each task; got 2 base and 1 new"),
        (lambda: mean_of_h([], []), "got 0 base and 0 new"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
