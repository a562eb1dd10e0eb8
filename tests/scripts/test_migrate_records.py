"""Records can be entered under other identities: every run is found by its label, and two values of one are refused."""

from datetime import datetime, timezone

import comparison_plan
import findings_prompt_learning
import migrate_records as script
import pytest
import study_pretraining
from bench_workers import Obedient, Order

from lessons_lib.runs import Plan, Result, Row, Store
from lessons_lib.runs.study import enter
from lessons_lib.teaching.recorded_runs import RECORDED


@pytest.mark.parametrize(
    "name, cells",
    [
        ("prompt_learning", findings_prompt_learning.cells()),
        ("comparison", comparison_plan.cells()),
        ("pretraining_study", study_pretraining.cells()),
    ],
)
def test_every_recorded_run_is_known_by_its_label(name, cells):
    old = script.old_record(name, RECORDED)
    assert set(old) == {script.label_of(cell) for cell in cells}
    results = [result for result, _ in old.values()]
    assert all(result.rows and (result.n_parameters or 0) >= 0 for result in results)
    if name == "comparison":  # one fit, tested on ten tasks and four shifts besides its own
        assert {len(old[key][0].rows) for key in old if key[0] == "transfer"} == {15}
        unknown = {key[1] for key, (result, _) in old.items() if result.peak_mib is None}
        assert {"TextProbe", "LP++"} <= unknown and "DAPT" not in unknown


def test_cells_that_are_one_run_cannot_have_two_values(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "label_of", lambda cell: (cell.label, cell.seed))

    class Forgetful(Obedient):
        def identity(self, cell: Order) -> dict:
            return {"seed": cell.seed}

    plan = Plan(Forgetful(), [Order("one"), Order("the same")])
    old = {("one", 1): (Result([Row("test", "accuracy", 50.0)]), datetime.now(timezone.utc))}
    with Store(tmp_path / "runs.sqlite") as store:
        enter(store, plan, lambda key, cell: old["one", 1])
        assert script.compared(store, plan, {**old, ("the same", 1): old["one", 1]}) == 2
        other = (Result([Row("test", "accuracy", 50.1)]), old["one", 1][1])
        with pytest.raises(SystemExit, match="50.1.*was recorded, and the store has 50.0"):
            script.compared(store, plan, {**old, ("the same", 1): other})
