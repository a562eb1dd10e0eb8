"""What lesson 07 reads out of the record: the right rows, pairs that both ran, and words that fit the intervals."""

import made_up_comparison as made_up
import pytest

from lessons_lib.metrics import h_of_means
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson07 import record


@pytest.fixture
def rows(monkeypatch):
    """As the papers have it."""
    rows = made_up.rows()
    monkeypatch.setattr(recorded_runs, "comparison", lambda setting: rows)
    return rows


def test_few_shot_rows_are_of_eleven_tasks_and_of_the_shots_that_are_asked_for(rows):
    assert set(record.few_shot().shots) == {1, 2, 4, 8, 16} and record.few_shot().task.nunique() == 11
    assert set(record.few_shot(1).shots) == {1} and set(record.few_shot().on) == {"test"}


def test_beside_what_was_searched_stands_what_has_one_setting_as_published(rows):
    searched = record.few_shot(16, setting="searched")
    settings = searched.groupby("method").setting.unique().map(list).to_dict()
    assert settings["CoOp"] == settings["CLIP-Adapter"] == ["searched"]
    assert settings["Tip-Adapter"] == settings["ZeroShot"] == ["published"]
    carried = record.base_to_new(setting="searched")
    assert set(carried.method) == set(record.CARRY)
    assert set(carried[carried.method == "CoOp"].epochs.dropna()) == {made_up.LENGTH["searched"]}


def test_what_is_said_has_the_interval_the_verdict_and_the_task_that_moves_it_most(rows):
    at_16 = record.few_shot(16)
    one = record.between(at_16, "Tip-Adapter", "ZeroShot")
    assert one["told"] == "seen" and one["mean"] > one["half_width"] > 0 and one["points"].startswith("+")
    assert record.between(at_16, "ZeroShot", "Tip-Adapter")["told"] == "the opposite is seen"
    assert record.between(at_16, "ZeroShot", "Tip-Adapter", -1)["told"] == "seen"
    said = record.said(at_16, "Tip-Adapter", "ZeroShot")
    assert said == f"Tip-Adapter − ZeroShot: {one['points']}, seen; {one['without']}"
    assert one["without"].startswith("without ") and "toy_" not in one["without"]


def test_a_pair_is_compared_where_both_ran(rows):
    at_16 = record.few_shot(16)
    gone = (at_16.method == "CoOp") & (at_16.seed > 3)
    assert record.between(at_16[~gone], "Tip-Adapter-F", "CoOp")["n"] == 3
    assert record.between(at_16, "Tip-Adapter-F", "CoOp")["n"] == 5


def test_base_to_new_has_h_of_the_two_means_in_its_table(rows):
    found = record.base_to_new()
    assert set(found.on) == {"base", "new", "H"} and set(found.method) == set(record.CARRY)
    table = record.standing(found)
    assert list(table.columns) == ["base", "new", "H of means", "epochs", "steps"]
    assert list(table.index) == list(record.CARRY) and table.loc["CLIP-Adapter", "steps"] == "100 to 200"
    own = found[(found.method == "CoOp") & (found.seed == 1)]
    base, new = (own[own.on == on].accuracy.mean() for on in ("base", "new"))
    by_seed = found[found.method == "CoOp"].groupby(["seed", "on"]).accuracy.mean().unstack()
    h = [h_of_means([one.base], [one.new]) for one in by_seed.itertuples()]
    assert h[0] == pytest.approx(2 * base * new / (base + new))
    assert table.loc["CoOp", "H of means"].startswith(f"{sum(h) / len(h):.1f} ±")
