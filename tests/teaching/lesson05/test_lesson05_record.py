"""What lesson 05 reads out of the record: the right rows, of the same seeds, and words that fit the intervals."""

import comparison_plan as plan
import made_up_comparison as made_up
import pandas as pd
import pytest

from lessons_lib.metrics import h_of_means
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson05 import record


@pytest.fixture
def rows(monkeypatch):
    """As the papers have it."""
    rows = made_up.rows()
    learned = ~rows.method.str.startswith("ZeroShot")
    rows.loc[~learned, ["lr", "epochs", "steps"]] = None
    itself = rows[(rows.protocol == "domain shift") & (rows.on == "test") & rows.method.isin(plan.TRANSFERRED)]
    cross = [itself.assign(protocol="cross-task", on=on) for on in ("test", *plan.TEN)]
    rows = pd.concat([rows, *cross], ignore_index=True)

    def comparison(setting="published"):
        return rows if setting is None else rows[rows.setting == setting]

    monkeypatch.setattr(recorded_runs, "comparison", comparison)
    return rows


def test_both_settings_have_zero_shot_and_only_the_seeds_that_all_methods_have(rows):
    for setting in ("published", "searched"):
        found = record.base_to_new(setting)
        assert set(found.method) == set(record.METHODS) and set(found.on) == {"base", "new", "H"}
        assert not found.duplicated(["method", "task", "seed", "on"]).any()
    gone = (rows.method == "CoCoOp") & (rows.seed == 5) & (rows.setting == "searched")
    rows.loc[gone, "protocol"] = "not measured yet"
    assert set(record.base_to_new("searched").seed) == {1, 2, 3, 4}
    assert set(record.base_to_new("published").seed) == {1, 2, 3, 4, 5}


def test_the_table_has_steps_beside_the_epochs(rows):
    table = record.table(record.base_to_new())
    assert list(table.columns) == ["base", "new", "H", "epochs", "steps"]
    assert list(table.index) == list(record.METHODS)
    assert table.loc["CoCoOp", "steps"] == "100 to 200" and table.loc["ZeroShot", "steps"] == ""


def test_what_is_said_names_the_task_that_moves_it_most(rows):
    found = record.base_to_new()
    said = record.said(found, "CoOp (words)", "ZeroShot", "new", -1)
    assert "below 0: seen" in said and said.startswith("-") and "toy_" in said
    assert "above 0: the opposite is seen" in record.said(found, "CoOp (words)", "ZeroShot", "new")
    assert record.won_back(found)["mean"] > 0


def test_tasks_below_are_those_whose_interval_lies_below(rows):
    found = record.base_to_new()
    below = record.below(found, "CoOp (words)", "ZeroShot")
    assert below and set(below) <= set(found.task)
    assert record.below(found, "ZeroShot", "CoOp (words)") == [
        task for task in found.task.unique() if made_up.LEVEL[task] > 80
    ]


def test_beside_the_paper_h_is_of_means(rows):
    found = record.base_to_new()
    table = record.beside_paper(found)
    assert table.loc["CoOp (words)", "paper"].tolist() == [82.7, 63.2, 71.7]
    own = found[found.method == "CoCoOp"]
    base, new = (own[own.on == on].groupby("task").accuracy.mean() for on in ("base", "new"))
    assert table.loc["CoCoOp", ("here", "H of means")] == pytest.approx(h_of_means(base, new), abs=0.06)


def test_what_is_carried_is_compared_on_the_seeds_of_the_costly_method(rows):
    away = record.carried()
    assert list(dict.fromkeys(away["where"])) == ["itself", "its four shifts", "ten other tasks"]
    assert set(away.seed) == set(plan.FEW_SEEDS)
    assert away[away["where"] == "ten other tasks"].on.nunique() == 10
