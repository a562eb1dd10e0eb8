"""Means are taken over sets of runs: what a seed or a method lacks is named, never left out in silence."""

import math

import numpy as np
import pandas as pd
import pytest

from lessons_lib.metrics import (
    compare,
    gains,
    harmonic_mean,
    interval,
    mean_of_h,
    summary,
    table,
    with_harmonic_mean,
    without_each,
)


def runs(*methods: str) -> pd.DataFrame:
    """Two tasks, three seeds; each method is ten points above the next."""
    rows = [
        {"method": method, "task": task, "on": "test", "shots": 1, "seed": seed, "accuracy": gain + easy + seed}
        for method, gain in zip(methods or ("b", "a"), (10, 0, -10))
        for task, easy in (("hard", 20), ("easy", 60))
        for seed in (1, 2, 3)
    ]
    return pd.DataFrame(rows)


# --- summaries


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


def test_as_many_runs_are_not_the_same_runs():
    """Seed 1 on easy and hard, seed 2 on hard and harder: two each, and no interval over them means anything."""
    cells = [(1, "easy", 60.0), (1, "hard", 20.0), (2, "hard", 21.0), (2, "harder", 19.0)]
    rows = pd.DataFrame(cells, columns=["seed", "task", "accuracy"]).assign(method="a", shots=1)
    with pytest.raises(ValueError, match="method a, shots 1: seed 1 lacks task harder, which other seeds have"):
        summary(rows)
    with pytest.raises(ValueError, match="seed 1 lacks task harder"):
        table(rows)
    assert summary(rows, ("method", "task"))["n"].tolist() == [1, 2, 1], "each task for itself has all its seeds"


@pytest.mark.parametrize("column", ["protocol", "task", "on", "shots", "clip"])
def test_each_column_that_tells_runs_apart_counts(column):
    rows = runs("a").assign(clip="toyclip", protocol="few-shot")
    rows.loc[(rows.seed == 2) & (rows.task == "easy"), column] = "another" if column != "shots" else 4
    with pytest.raises(ValueError, match=f"lacks .*{column} "):
        summary(rows, ["method"])


def test_seeds_with_missing_runs_are_not_averaged_as_if_nothing_were_missing():
    with pytest.raises(ValueError, match="method b: seed 2 lacks task easy, on test, shots 1, which other seeds have"):
        summary(runs().query("not (task == 'easy' and seed == 2)"), by=["method"])


def test_without_columns_that_tell_runs_apart_their_number_counts():
    rows = pd.DataFrame({"width": [1, 1, 1], "seed": [1, 1, 2], "accuracy": [50.0, 60.0, 70.0]})
    with pytest.raises(ValueError, match="width 1: seed 2 lacks 1 of the runs"):
        summary(rows, ["width"])


def test_a_run_without_a_number_is_named():
    rows = runs("a")
    rows.loc[4, "accuracy"] = math.nan
    with pytest.raises(ValueError, match="no accuracy at task easy, on test, shots 1, seed 2: mend or repeat"):
        summary(rows, ["method"])


def test_columns_that_are_not_there_are_named():
    with pytest.raises(ValueError, match="no column 'method', 'shots', 'accuracy'; they have"):
        summary(pd.DataFrame({"seed": [1]}))


# --- one method above another


def test_gains_are_paired_by_cell_and_seed():
    rows = runs()
    rows["accuracy"] += 40 * rows.seed  # seeds differ by far more than the methods
    rows.loc[(rows.method == "b") & (rows.seed == 3), "accuracy"] += 2
    assert gains(rows, "b", "a").to_dict() == {1: 10, 2: 10, 3: 12}
    assert gains(rows.sample(frac=1, random_state=0), "a", "b").to_dict() == {1: -10, 2: -10, 3: -12}


def test_compare_gives_a_row_for_each_value_with_its_interval():
    new = runs().assign(on="new", accuracy=lambda t: t.accuracy + t.seed * (t.method == "b"))
    found = compare(pd.concat([runs(), new]), "b", "a").set_index("on")
    assert found.loc["test", ["mean", "half_width", "n", "text"]].tolist() == [10, 0, 3, "+10.0 ± 0.0"]
    assert (found.loc["new", "mean"], found.loc["new", "half_width"]) == interval([11, 12, 13])[:2]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("of", [gains, compare])
def test_a_seed_that_lacks_a_run_of_one_method_is_an_error(of, shared):
    rows = runs().query("not (method == 'a' and task == 'hard' and seed == 2)")
    with pytest.raises(ValueError, match="no 'a' at task hard, on test, shots 1, seed 2: a difference needs both"):
        of(rows, "b", "a", shared=shared)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("of", [gains, compare])
def test_a_seed_that_lacks_a_cell_of_both_is_an_error(of, shared):
    with pytest.raises(ValueError, match="b and a: seed 2 lacks task hard"):
        of(runs().query("not (task == 'hard' and seed == 2)"), "b", "a", shared=shared)


def test_a_task_that_one_method_never_ran_on_is_left_out_only_where_that_is_asked_for():
    rows = runs().query("not (method == 'a' and task == 'hard')")
    rows.loc[(rows.method == "b") & (rows.task == "hard"), "accuracy"] = 0  # would pull b down
    with pytest.raises(ValueError, match=r"no 'a' at task hard, .* \(and 2 more\).*shared=True compares on what both"):
        gains(rows, "b", "a")
    assert gains(rows, "b", "a", shared=True).tolist() == [10, 10, 10]
    assert compare(rows, "b", "a", shared=True)["mean"].item() == 10


def test_a_mean_that_rests_on_one_task_shows_where_that_is_left_out():
    gain = {"satellite": 20.0, "pets": 1.0, "cars": -1.0}
    results = pd.DataFrame(
        {"method": method, "task": task, "seed": seed, "accuracy": 50 + 10 * seed + (method == "new") * more}
        for task, more in gain.items() for seed in range(3) for method in ("new", "old")
    )  # fmt: skip
    found = without_each(results, "new", "old")
    assert found["task"].tolist() == ["satellite", "cars", "pets"], "what changes the mean most comes first"
    assert found["mean"].tolist() == pytest.approx([0.0, 10.5, 9.5])
    assert found["change"].tolist() == pytest.approx([-20 / 3, 10.5 - 20 / 3, 9.5 - 20 / 3])
    assert found["text"][0] == "+0.0 ± 0.0"


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ValueError, match="no rows of c"):
        gains(runs(), "a", "c")
    with pytest.raises(ValueError, match="share no task, on, shots"):
        gains(runs()[lambda t: (t.method == "a") == (t.task == "easy")], "a", "b", shared=True)


def test_a_run_that_is_there_twice_is_an_error():
    with pytest.raises(ValueError, match="'a' is there more than once at task hard, on test, shots 1, seed 1"):
        gains(pd.concat([runs(), runs().query("method == 'a'")]), "b", "a")


# --- H


def halves() -> pd.DataFrame:
    rows = [
        {"protocol": "base-to-new", "method": "a", "task": task, "on": on, "shots": 16, "seed": seed, "accuracy": value}
        for task, seed, base, new in (("x", 1, 80, 60), ("y", 1, 90, 10), ("x", 2, 70, 50), ("y", 2, 90, 30))
        for on, value in (("base", base), ("new", new))
    ]
    return pd.DataFrame(rows)


def test_h_is_taken_run_by_run_and_averages_to_the_mean_of_hs():
    rows = with_harmonic_mean(halves())
    h = rows[rows.on == "H"].set_index(["task", "seed"]).accuracy
    assert h["y", 1] == harmonic_mean(90, 10) and len(h) == 4
    summed = summary(rows, ("method", "on")).set_index("on")["mean"]
    assert summed["H"] == pytest.approx(np.mean([mean_of_h([80, 90], [60, 10]), mean_of_h([70, 90], [50, 30])]))
    assert (rows.protocol == "base-to-new").all()


def test_h_is_not_added_twice():
    once = with_harmonic_mean(halves())
    pd.testing.assert_frame_equal(with_harmonic_mean(once), once)


def test_half_a_run_has_no_h():
    with pytest.raises(ValueError, match="no 'new' at protocol base-to-new, method a, task y, shots 16, seed 2"):
        with_harmonic_mean(halves().iloc[:-1])
