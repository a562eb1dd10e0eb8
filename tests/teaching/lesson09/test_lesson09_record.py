"""Lesson 09 compares methods where both ran, whatever the record holds: three seeds or five, all tasks or some."""

import numpy as np
import pandas as pd
import pytest

from lessons_lib.metrics import h_of_means, interval
from lessons_lib.teaching import standings
from lessons_lib.teaching.lesson09 import record
from lessons_lib.toyworld import ELEVEN, SHIFTS

TASKS = [task for task in ELEVEN if task != "toy_things"]
LEARNED = ["ZeroShot", "ZeroShot (photo)", "LinearProbe", "CoOp", "CoOp (words)", "CoCoOp", "MaPLe"]


def rows_of(protocol, methods, tasks, ons, seeds=(1, 2, 3), shots=16):
    draws = np.random.default_rng(len(methods) + shots)
    lines = [
        {"protocol": protocol, "method": method, "task": task, "on": on, "shots": shots, "seed": seed,
         "accuracy": 50 + 3 * place + draws.normal(), "seconds": 1.0 + place, "n_parameters": 10 * place,
         "lr": 0.1, "epochs": 5.0 + seed, "steps": 20.0}
        for place, method in enumerate(methods) for task in tasks for on in ons for seed in seeds
    ]  # fmt: skip
    return pd.DataFrame(lines)


@pytest.fixture(params=[(1, 2, 3), (1, 2, 3, 4, 5)], ids=["three seeds", "five seeds"])
def rows(request):
    """As the record will be: with five seeds, some methods have three of them."""
    few = [name for name in LEARNED if name != "LinearProbe"]
    new = [name for name in LEARNED if name != "LinearProbe"]
    zero = {"ZeroShot", "ZeroShot (photo)"}
    parts = [rows_of("few-shot", LEARNED, ELEVEN, ["test"], request.param)]
    parts += [rows_of("few-shot", [m for m in few if m not in zero], ELEVEN, ["test"], (1, 2, 3), k) for k in (1, 4)]
    parts += [rows_of("few-shot", ["LinearProbe"], ELEVEN, ["test"], request.param, k) for k in (1, 4)]
    parts += [rows_of("base-to-new", new, ELEVEN, ["base", "new"], request.param)]
    parts += [rows_of("cross-task", new, ["toy_things"], ["test", *TASKS], (1, 2, 3))]
    parts += [rows_of("domain shift", LEARNED, ["toy_things"], ["test", *SHIFTS], request.param)]
    return pd.concat(parts, ignore_index=True)


def test_only_cells_that_all_methods_have_are_compared(rows):
    at_16 = record.few_shot(rows, 16)
    fewer = at_16[~((at_16.method == "CoOp") & (at_16.task == "toy_things"))]
    both = record.shared(fewer, ("CoOp", "LinearProbe"))
    assert set(both.method) == {"CoOp", "LinearProbe"} and "toy_things" not in set(both.task)
    assert len(both) == 2 * 10 * at_16.seed.nunique()
    pd.testing.assert_frame_equal(record.shared(at_16), at_16)


def test_differences_are_of_each_seed_or_of_each_task(rows):
    at_16 = record.few_shot(rows, 16)
    over = {unit: record.differences(at_16, "CoOp", "LinearProbe", unit) for unit in ("seed", "task")}
    assert len(over["seed"]) == at_16.seed.nunique() and len(over["task"]) == 11
    assert over["seed"].mean() == pytest.approx(over["task"].mean())
    mean = at_16.groupby("method").accuracy.mean()
    assert over["seed"].mean() == pytest.approx(mean["CoOp"] - mean["LinearProbe"])


def test_a_claim_is_said_with_all_tasks_and_without_the_one_that_moves_it_most(rows):
    at_16 = record.few_shot(rows, 16).copy()
    far = (at_16.method == "CoOp") & (at_16.task == "toy_food")
    at_16.loc[far, "accuracy"] += 40 + 10 * at_16.seed
    said = record.said(at_16, "CoOp", "LinearProbe")
    assert "above 0: " in said and "; without food: +" in said


def test_one_seed_has_no_interval_to_say():
    assert record.points({"mean": 1.25, "half_width": float("nan"), "n": 1}) == "+1.2"
    assert record.points({"mean": -1.0, "half_width": 0.5, "n": 3}) == "-1.0 ± 0.5"


def test_a_search_is_weighed_method_by_method_where_both_ran(rows):
    published = record.base_to_new(rows)
    searched = published[(published.method != "CoOp") & (published.task != "toy_cars") & (published.seed <= 3)]
    searched = searched.assign(accuracy=searched.accuracy + searched.seed)
    gains = record.gain_of_search(published, searched)
    assert set(gains.what) == set(searched.method) and set(gains.on) == {"base", "new", "H"}
    np.testing.assert_allclose(gains["mean"], 2)
    np.testing.assert_allclose(gains.half_width, 2.484, atol=1e-3)
    assert set(gains.told) == {"cannot be told"}


def test_on_three_tasks_stands_what_was_searched_and_what_chooses_by_itself(monkeypatch):
    tasks = ["toy_pets", "toy_textures", "toy_satellite"]
    searched = [rows_of("few-shot", ["CoOp"], ELEVEN, ["test"]), rows_of("few-shot", ["DAPT"], tasks, ["test"])]
    published = rows_of("few-shot", ["CoOp", "TextProbe"], ELEVEN, ["test"]).assign(setting="published")
    whole = pd.concat([pd.concat(searched).assign(epochs=99.0, setting="searched"), published], ignore_index=True)
    monkeypatch.setattr(record.recorded_runs, "comparison", lambda setting: whole)
    three = record.three_tasks()
    assert set(three.task) == set(tasks) and set(three.method) == {"CoOp", "DAPT", "TextProbe"}
    assert set(three[three.method == "CoOp"].epochs) == {99.0}


def test_beside_the_papers_h_is_of_the_means_and_their_coop_is_the_one_from_words(rows):
    halves = record.base_to_new(rows)
    table = record.beside_papers(halves)
    assert list(table.loc["CoOp (words)", ["paper: base", "paper: new", "paper: H"]]) == ["82.7", "63.2", "71.7"]
    assert table.loc["CoOp", "paper: H"] == ""
    assert list(table.index) == [method for method in record.ORDER if method in table.index]
    part = halves[halves.method == "MaPLe"]
    means = [part[part.seed == seed].groupby("on").accuracy.mean() for seed in sorted(part.seed.unique())]
    assert table.loc["MaPLe", "H"] == str(interval([h_of_means([m["base"]], [m["new"]]) for m in means]))
    assert table.loc["MaPLe", "epochs"].startswith("6 to ") and table.loc["MaPLe", "steps"] == "20"


def test_methods_that_the_release_or_their_own_paper_has_are_quoted_from_there():
    assert standings.RELEASED["IVLP (text only)"] == (81.72, 73.81, 77.56)
    for base, new, h in standings.RELEASED.values():
        assert h_of_means([base], [new]) == pytest.approx(h, abs=0.02)


def test_pairs_stand_in_the_papers_order(rows):
    halves = record.base_to_new(rows)
    assert len(record.in_papers_order(halves)) == 5  # zero-shot and CoOp have the same H there, so to say
    found = record.in_papers_order(halves, at_least=0)
    assert len(found) == 6 and (found.paper >= 0).all()  # four methods with a published H
    top = found[(found["first"] == "MaPLe") & (found.second == "CoCoOp")].iloc[0]
    assert top.paper == pytest.approx(78.55 - 75.83) and top.told == "seen"
    turned = found[(found["first"] == "ZeroShot") & (found.second == "CoOp (words)")].iloc[0]
    assert turned.told == "the opposite is seen"


def test_what_was_carried_stands_where_it_was_tested(rows):
    carried = record.away(rows)
    counts = carried.groupby("where")["on"].nunique()
    assert counts.to_dict() == {record.ITSELF: 1, record.FOUR: 4, record.TEN: 10}
    table = record.farther(carried)
    assert (
        table.loc["CoOp (words)", "paper: four shifts"] == "59.3" and table.loc["ZeroShot", "paper: ten others"] == ""
    )


def test_costs_are_medians_and_accuracy_is_of_h(rows):
    halves = record.base_to_new(rows)
    costs = record.costs(halves).set_index("method")
    assert costs.loc["MaPLe", "seconds"] == 6.0 and costs.loc["ZeroShot", "n_parameters"] == 0
    own = halves[(halves.on == "H") & (halves.method == "MaPLe")]
    assert costs.loc["MaPLe", "accuracy"] == pytest.approx(own.accuracy.mean())


def test_gains_are_tasks_by_methods_with_the_hardest_task_first(rows):
    at_16 = record.few_shot(rows, 16)
    table = record.gains_by_task(at_16)
    zero = at_16[at_16.method == "ZeroShot"].groupby("task").accuracy.mean()
    assert table.index[0] == zero.idxmin().removeprefix("toy_") and "ZeroShot" not in table.columns
    assert table.shape == (11, len(LEARNED) - 1)


def test_the_guide_compares_within_cells_and_has_zero_shot_at_every_number_of_shots(rows):
    cases = record.cases(rows)
    assert list(cases) == [
        "1 labelled picture a class", "4 labelled pictures a class", "16 labelled pictures a class",
        "classes will be added (H)", "other tasks, the same prompt", "the pictures will look different",
    ]  # fmt: skip
    for part in cases.values():
        assert "ZeroShot" in set(part.method)
        assert part.groupby("method").size().nunique() == 1
    assert cases["other tasks, the same prompt"].unit.nunique() == 10


def test_a_task_is_left_out_of_what_chooses_for_it(rows):
    asked = []

    def choose(means):
        asked.append(means)
        return means.idxmax()

    rows = rows.copy()
    far = (rows.protocol == "few-shot") & (rows.task == "toy_food") & (rows.method == "LinearProbe")
    rows.loc[far, "accuracy"] += 30
    tested = record.leave_one_out(rows, choose)
    guide = tested[(tested.way == "what ten other tasks choose") & (tested.shots == 16)]
    assert len(asked) == 33 and set(guide[guide.task == "toy_food"].chosen) == {"MaPLe"}
    best = tested[(tested.way == "the best, in hindsight") & (tested.task == "toy_food")]
    assert set(best.chosen) == {"LinearProbe"}


def test_what_was_measured_is_counted_by_protocol_and_whether_shots_are_few(rows):
    what = record.measured(rows).what
    assert list(what.cat.categories) == ["fewer shots", "16 shots", "base-to-new", "cross-task", "domain shift"]
    assert what.notna().all()
