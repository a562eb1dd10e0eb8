"""The comparison: what another study measured with the same settings is taken over; every method runs as planned."""

import dataclasses

import comparison_plan as plan
import findings_prompt_learning as prompt_learning
import pandas as pd
import run_comparison as script
from embeddings import Fit, FitAndLook
from noise_task import noise_task

from lessons_lib.runs import Cell, FitAndTest
from lessons_lib.runs.record import in_short
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN, SHIFTS

BUDGET = 15_000  # core seconds: two hours on two cores


class NoiseTasks(dict):
    """Instead of ToyWorld's; each is another."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        toys = ("toy_things", *SHIFTS)
        names = ["cat", "crane", "dog", "pot", "owl"] if name in toys else ["red", "green", "blue"]
        self[name] = noise_task(shots=None, names=names, signal=0.2 + 0.001 * len(self))
        return self[name]


def work(kind, clip):
    made = kind("toyclip", device="cpu", precision="fp32")
    made._loaded.tasks, made._loaded.clip = NoiseTasks(), clip
    return made


# --- the plan


def test_no_cell_is_planned_twice_and_every_method_is_compared_at_16_shots():
    keys = [(cell.called or cell.protocol, cell.label, cell.task, cell.shots, cell.seed) for cell in plan.cells()]
    assert len(keys) == len(set(keys))
    at_16 = {cell.label for cell in plan.cells() if cell.protocol == "few-shot" and cell.shots == 16}
    assert at_16 == set(plan.METHODS)


def test_all_methods_share_three_tasks_and_five_seeds_at_16_shots():
    for label in plan.METHODS:
        if label not in plan.ABLATIONS:
            found = {(cell.task, cell.seed) for cell in plan.cells() if cell.label == label
                     and cell.protocol == "few-shot" and cell.shots == 16}  # fmt: skip
            tasks = ELEVEN if label in plan.ON_FEATURES else plan.SHARED
            assert found == {(task, seed) for task in tasks for seed in plan.SEEDS}


def test_every_method_runs_in_every_protocol_that_it_is_planned_for(clip):
    kinds = {(cell.protocol, cell.label): cell for cell in plan.of_seed(1)}
    tested, looked_at = work(FitAndTest, clip), work(FitAndLook, clip)
    for cell in kinds.values():  # what learns slowly is shortened
        settings = {
            **cell.settings,
            **({"depth": 2} if "depth" in cell.settings else {}),
        }  # the tiny tower has two blocks
        fit = {} if cell.method in ("ZeroShot", "LinearProbe") else {"epochs": 1}
        others = cell.others[:1] + cell.others[-1:]
        small = dataclasses.replace(cell, shots=2, settings=settings, fit=fit, others=others)
        used = looked_at if isinstance(cell, Fit) else tested
        used.check([small])
        on = {row.on for row in used.carry_out(small).rows}
        assert on == ({"test", "train"} if isinstance(cell, Fit) else set(used.names(small)))


def test_how_embeddings_lie_is_measured_of_the_fit_that_is_scored(clip):
    cell = Fit("few-shot", "DAPT", "DAPT", "noise", 2, 3, {"n_ctx": 2, "n_ctx_vision": 2}, {"epochs": 1})
    found = {(row.on, row.metric): row.value for row in work(FitAndLook, clip).carry_out(cell).rows}
    plain = Cell(**{field.name: getattr(cell, field.name) for field in dataclasses.fields(Cell)})
    [row] = work(FitAndTest, clip).carry_out(plain).rows
    assert found["test", "accuracy"] == row.value
    assert 0 <= found["train", "inter_class_dispersion"] <= 4 and 0 < found["train", "intra_class_variance"] < 1
    on_val = work(FitAndLook, clip).carry_out(dataclasses.replace(cell, tested_on="val")).rows
    assert [row.on for row in on_val] == ["val", "train", "train", "train"]
    assert [row.value for row in on_val[1:]] == [found[key] for key in list(found)[1:]]


# --- what is taken over


def test_cells_with_the_same_settings_are_one_run_whatever_study_asks_and_others_are_not(clip):
    own = work(FitAndTest, clip)
    ours = {own_key(cell): cell for cell in plan.of_seed(1) if cell.task == "toy_pets" and not isinstance(cell, Fit)}
    theirs = {own_key(cell): cell for cell in prompt_learning.of_seed(1) if cell.task == "toy_pets"}
    same = ("few-shot", "CoOp", 16)
    assert own.identity(ours[same]) == own.identity(theirs[same])
    changed = dataclasses.replace(theirs[same], fit={"epochs": 49})
    assert own.identity(ours[same]) != own.identity(changed), (
        "both plans edited alike are another run than the recorded"
    )


def own_key(cell: Cell) -> tuple:
    return cell.protocol, cell.label, cell.shots


def test_a_row_says_which_script_measured_it(monkeypatch):
    class Planned:
        jobs = {"a" * 64: None}

    monkeypatch.setattr(script.prompt_learning, "stages", lambda store: [Planned])
    rows = pd.DataFrame({"protocol": "few-shot", "method": "CoOp", "task": "toy_pets", "shots": 16, "seed": [1, 2],
                         "on": "test", "settings": "", "data": "", "identity": ["a" * 64, "b" * 64]})  # fmt: skip
    assert script.table(rows).script.tolist() == ["findings_prompt_learning.py", "run_comparison.py"]


def test_one_fit_tested_on_tasks_and_on_shifts_is_two_protocols():
    on = ["test", "toy_cars", "toy_things_r"]
    rows = pd.DataFrame({"protocol": "transfer", "method": "DAPT", "task": "toy_things", "shots": 16, "seed": 1,
                         "on": on, "accuracy": [1.0, 2.0, 3.0]})  # fmt: skip
    kept = script.by_protocol(rows).set_index(["protocol", "on"]).accuracy.to_dict()
    assert kept == {("cross-task", "test"): 1.0, ("cross-task", "toy_cars"): 2.0,
                    ("domain shift", "test"): 1.0, ("domain shift", "toy_things_r"): 3.0}  # fmt: skip


# --- the record


def test_the_record_is_of_this_plan_and_of_the_embedded_clip(toyclip):
    rows, about = recorded_runs.comparison(toyclip), recorded_runs.comparison_record()
    planned = [cell for stage in (False, True) for cell in plan.cells() if isinstance(cell, Fit) is stage]
    assert about["plan"] == in_short(planned), "run: python data_scripts/studies/run_comparison.py run"
    assert recorded_runs.COMPARISON.stat().st_size < 5e5 and rows.accuracy.between(0, 100).all()
    assert about["left_out"] == plan.LEFT_OUT and about["seeds"] == list(plan.SEEDS)


def test_the_identities_in_the_record_are_those_of_todays_code():
    """A change that gives a run another identity, such as a FORMAT that was raised, wants the study to be run again."""
    cells = [cell for cell in plan.cells() if cell.task == "toy_satellite" and not isinstance(cell, Fit)]
    found = {(run.protocol, run.method, run.shots, run.seed): run.run for run in
             recorded_runs.record("comparison").rows.itertuples() if run.task == "toy_satellite"}  # fmt: skip
    from lessons_lib.runs import Plan

    for key, cell in zip(Plan(prompt_learning.WORK, cells).digests, cells):
        assert found[cell.protocol, cell.label, cell.shots, cell.seed] == key[:12], (
            "run: python data_scripts/studies/run_comparison.py run"
        )


def test_what_was_not_taken_over_took_two_hours_on_two_cores():
    rows = recorded_runs.record("comparison").rows.drop_duplicates("run")
    own = rows[rows.script == "run_comparison.py"]
    assert len(own) and own.seconds.sum() < BUDGET


def test_rows_that_were_taken_over_are_still_what_their_own_record_says():
    rows, other = recorded_runs.record("comparison").rows, recorded_runs.record("prompt_learning").rows
    taken = rows[rows.script == "findings_prompt_learning.py"]
    assert (
        len(taken) and set(taken.run) <= set(other.run) and not set(rows[rows.run.isin(other.run)].run) - set(taken.run)
    )
    both = taken.merge(other, on=["run", "on"], suffixes=("", " there"))
    assert len(both) >= len(taken) and (both["accuracy"] == both["accuracy there"]).all()
