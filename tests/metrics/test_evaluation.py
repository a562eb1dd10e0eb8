"""Intervals are Student's t, differences are paired, and few-shot curves are tidy."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lessons_lib.metrics import harmonic_mean, interval, paired_difference, summary, table


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


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: interval([]), "at least one run"),
        (lambda: interval([1.0, float("nan")]), "run number 1 is not a finite number"),
        (lambda: paired_difference([1.0, 2.0], [1.0]), "same seeds; got 2 and 1"),
        (lambda: summary(pd.DataFrame({"seed": [1]})), "no column 'method', 'shots', 'accuracy'; they have"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def runs():
    """Two methods, two tasks, three seeds; b is a + 10 everywhere."""
    rows = [
        {"method": method, "task": task, "shots": 1, "seed": seed, "accuracy": gain + easy + seed}
        for method, gain in (("b", 10), ("a", 0))
        for task, easy in (("hard", 20), ("easy", 60))
        for seed in (1, 2, 3)
    ]
    return pd.DataFrame(rows)


def test_a_summary_averages_tasks_within_each_seed_before_it_takes_the_interval():
    summed = summary(runs(), by=["method"])
    assert summed["method"].tolist() == ["b", "a"]
    assert summed["mean"].tolist() == [52, 42]
    assert summed["half_width"].tolist() == pytest.approx([interval([1, 2, 3]).half_width] * 2)  # not that of 6 runs
    assert summed["n"].tolist() == [3, 3]
    assert summed["text"].tolist() == ["52.0 ± 2.5", "42.0 ± 2.5"]


def test_a_table_keeps_the_order_of_the_runs():
    shown = table(runs(), rows="task", columns="method")
    assert list(shown.index) == ["hard", "easy"] and list(shown.columns) == ["b", "a"]
    assert shown.loc["easy", "b"] == "72.0 ± 2.5"


def test_seeds_with_missing_runs_are_not_averaged_as_if_nothing_were_missing():
    with pytest.raises(ValueError, match="seed 2 has 1 runs and seed 1 has 2: every seed needs the same runs"):
        summary(runs().query("not (task == 'easy' and seed == 2)"), by=["method"])
