"""A finding is seen when every effect that it claims has its sign beyond its interval."""

import numpy as np
import pandas as pd
import pytest

from lessons_lib.metrics import difference, effect, effects_table, finding, findings_table, told, verdict


def rows(**by_method: list[float]) -> pd.DataFrame:
    """Two tasks, a row a seed; the second task is 10 points above the first."""
    return pd.DataFrame(
        [
            {"method": method, "task": task, "on": "test", "shots": 16, "seed": seed, "accuracy": value + 10 * second}
            for method, values in by_method.items()
            for second, task in enumerate(("easy", "easier"))
            for seed, value in enumerate(values)
        ]
    )


def test_differences_are_paired_by_seed():
    runs = rows(a=[50.0, 60.0, 40.0], b=[49.0, 58.0, 39.0])  # seeds differ by far more than the methods
    found = difference(runs, "a", "b")
    assert found["mean"] == pytest.approx(4 / 3, abs=1e-3) and found["n"] == 3
    assert found["half_width"] == pytest.approx(4.303 * np.std([1, 2, 1], ddof=1) / 3**0.5, abs=1e-3)
    assert difference(runs, "b", "a")["mean"] == -found["mean"]


def test_a_difference_may_be_taken_on_what_both_ran_on():
    runs = rows(a=[50.0, 60.0], b=[49.0, 58.0])
    less = runs[~((runs.method == "b") & (runs.task == "easy"))]
    with pytest.raises(ValueError, match="no 'b' at task easy"):
        difference(less, "a", "b")
    assert difference(less, "a", "b", shared=True)["mean"] == 1.5


def test_every_effect_that_is_claimed_must_be_beyond_its_interval():
    up, down, unclear, alone = (effect(v) for v in ([3.0, 3.1, 2.9], [-3.0, -3.1, -2.9], [3.0, -2.0, 1.0], [5.0]))
    assert finding("", ("x", up, +1), ("y", down, -1))["seen"]
    assert not finding("", ("x", up, -1))["seen"]
    assert not finding("", ("x", up, +1), ("y", unclear, +1))["seen"]
    assert not finding("", ("x", alone, +1))["seen"], "a single seed has no interval"
    assert finding("", ("x", up, +1), other={"y": unclear})["seen"], "other effects decide nothing"


def test_what_is_not_seen_is_either_its_opposite_or_cannot_be_told():
    up, unclear, alone = (effect(values) for values in ([3.0, 3.1, 2.9], [3.0, -2.0, 1.0], [5.0]))
    assert [told(up), told(up, -1), told(unclear), told(unclear, -1), told(alone)] == [
        "seen", "the opposite is seen", "cannot be told", "cannot be told", "cannot be told",
    ]  # fmt: skip


def test_tables_say_seen_not_seen_and_not_measured_yet():
    up = effect([3.0, 3.1, 2.9])
    found = {
        "F1": finding("goes up", ("gain", up, +1)),
        "F2": finding("goes down", ("correlation", up, -1)),
        "F3": {"claim": "who knows", "seen": None, "effects": {}},
    }
    assert [verdict(one) for one in found.values()] == ["seen", "not seen", "not measured yet"]
    first, second, third = findings_table(found).splitlines()[2:]
    assert first == "| F1 | goes up | gain: +3.0 ± 0.2 | seen |"
    assert second == "| F2 | goes down | correlation: +3.00 ± 0.25 | **not seen** |"
    assert third == "| F3 | who knows |  | not measured yet |"
    assert effects_table(found).splitlines()[2:] == [
        "| F1 | gain | +3.0 ± 0.2 |",
        "| F2 | correlation | +3.00 ± 0.25 |",
    ]
