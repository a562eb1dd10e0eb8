"""The comparison: what is recorded is taken over and not run again, and its tables are read with their record alone."""

import dataclasses
import json
import sys

import comparison_plan as plan
import pandas as pd
import pytest
import run_comparison as script
from noise_task import noise_task
from tiny_clip import tiny_clip
from toy_times import toy_seconds

from lessons_lib.runs import sweeps
from lessons_lib.runs.sweeps import Run
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN

CLIP = json.loads((recorded_runs.RECORDED / "prompt_learning_findings.json").read_text())["clip"]
BUDGET = 15_000  # core seconds: two hours on two cores
measured = pytest.mark.skipif(not recorded_runs.COMPARISON.exists(), reason="the comparison is not measured yet")


# --- the plan


def test_no_cell_is_planned_twice_and_every_method_is_compared_at_16_shots():
    keys = [(*run.cell, seed) for run, seed in plan.jobs()]
    assert len(keys) == len(set(keys))
    at_16 = {run.label for run, _ in plan.cells() if run.protocol == "few-shot" and run.shots == 16}
    assert at_16 == set(plan.METHODS)


def test_all_methods_share_three_tasks_and_five_seeds_at_16_shots():
    for label in plan.METHODS:
        if label not in plan.ABLATIONS:
            found = {(run.task, seed) for run, seed in plan.jobs() if run.label == label and run.protocol == "few-shot"
                     and run.shots == 16}  # fmt: skip
            tasks = ELEVEN if label in plan.ON_FEATURES else plan.SHARED
            assert found == {(task, seed) for task in tasks for seed in plan.SEEDS}


def test_what_is_new_fits_into_two_hours_on_two_cores():
    todo = script.missing_jobs(script.recorded_rows(CLIP))
    assert todo and sum(toy_seconds(run) for run, _ in todo) < BUDGET


def test_parts_take_equally_long():
    todo = script.missing_jobs(script.recorded_rows(CLIP))
    first, second = (sum(toy_seconds(run) for run, _ in part) for part in sweeps.deal(todo, 2, toy_seconds))
    assert abs(first - second) < 0.05 * first


def test_every_method_runs_in_every_protocol_that_it_is_planned_for(clip, monkeypatch):
    tasks = {"toy_things": noise_task(shots=None), **{name: noise_task(shots=None) for name in plan.SHIFTS}}
    other = noise_task(shots=None, names=["red", "green", "blue"])
    monkeypatch.setattr(sweeps, "task_of", lambda name: tasks.get(name, other))
    kinds = {(run.protocol, run.label): run for run, _ in plan.cells()}
    for run in kinds.values():
        settings = {
            **run.settings,
            **({"depth": 2} if "depth" in run.settings else {}),
        }  # the tiny tower has two blocks
        fit = {} if run.method in ("ZeroShot", "LinearProbe") else {"epochs": 1}
        others = run.others[:1] + run.others[-1:]
        small = dataclasses.replace(run, shots=2, settings=settings, fit=fit, others=others)
        rows = sweeps.carry_out(small, 1, clip, None)
        assert rows.accuracy.between(0, 100).all() and set(rows.protocol) == {run.protocol}


# --- what is taken over


def test_recorded_cells_with_the_same_settings_are_taken_over_and_not_run_again():
    taken = script.recorded_rows(CLIP)
    assert {"ZeroShot", "LinearProbe", "CoOp", "CoCoOp", "VPT (deep)", "IVLP", "MaPLe"} == set(taken.method)
    todo = {(*run.cell, seed) for run, seed in script.missing_jobs(taken)}
    there = set(map(tuple, taken[sweeps.KEY].values))
    assert there and not todo & there
    assert todo | there == {(*run.cell, seed) for run, seed in plan.jobs()}


def test_a_recorded_cell_with_other_settings_is_not_taken_over(monkeypatch):
    recorded = script.prompt_learning.plan()
    [changed] = [run for run in recorded if run.cell == ("few-shot", "CoOp", "toy_pets", 16)]
    changed.fit = {"epochs": 49}
    monkeypatch.setattr(script.prompt_learning, "plan", lambda: recorded)
    taken = script.recorded_rows(CLIP)
    assert ("few-shot", "CoOp", "toy_pets", 8) in set(map(tuple, taken[sweeps.KEY[:-1]].values))
    assert ("few-shot", "CoOp", "toy_pets", 16) not in set(map(tuple, taken[sweeps.KEY[:-1]].values))


def test_nothing_is_taken_over_from_another_clip():
    assert script.recorded_rows("another").empty
    assert script.missing_jobs(script.recorded_rows("another")) == plan.jobs()


# --- a small comparison, from start to end


@pytest.fixture
def small(monkeypatch, tmp_path, clip):
    """Three methods on a noisy task, of which zero-shot is taken over."""
    cells = [
        (Run("few-shot", "ZeroShot", "ZeroShot", "noise"), (1, 2)),
        (Run("few-shot", "Tip-Adapter", "TipAdapter", "noise", settings={"n_views": 0}), (1, 2)),
        (Run("few-shot", "CoOp", "CoOp", "noise", 1, {"n_ctx": 2}, {"epochs": 1}), (1,)),
        (Run("few-shot", "DAPT", "DAPT", "noise", 16, {"n_ctx": 2, "n_ctx_vision": 2}, {"epochs": 1}), (1, 2)),
    ]
    jobs = [(run, seed) for seed in (1, 2) for run, seeds in cells if seed in seeds]
    taken = pd.DataFrame([dict(zip(sweeps.KEY, ["few-shot", "ZeroShot", "noise", 16, seed]), on="test", accuracy=20.0,
                               n_parameters=0, seconds=0.5, peak_mib=float("nan")) for seed in (1, 2)])  # fmt: skip
    small = {
        "cells": lambda: cells,
        "jobs": lambda: jobs,
        "SHARED": ("noise",),
        "PARTS": tmp_path / "parts",
        "toy_seconds": lambda run: 1.0,
        "recorded_rows": lambda clip: taken,
        "toyclip": lambda: clip,
    }
    for name, value in small.items():
        monkeypatch.setattr(script, name, value)
    monkeypatch.setattr(sweeps, "task_of", lambda name: noise_task(shots=None))

    def run(part: str = "1/1"):
        monkeypatch.setattr(sys, "argv", ["run_comparison.py", "run", "--part", part])
        script.main()

    return run


def test_what_is_collected_is_what_a_lesson_reads(small, tmp_path, clip, capsys):
    small("1/2"), small("2/2")
    script.collect(tmp_path)
    rows = recorded_runs.comparison(clip, tmp_path)
    assert rows.groupby("method").size().to_dict() == {"CoOp": 1, "DAPT": 2, "Tip-Adapter": 2, "ZeroShot": 2}
    assert set(rows[rows.method == "ZeroShot"].script) == {"findings_prompt_learning.py"}
    assert set(rows[rows.method != "ZeroShot"].script) == {"run_comparison.py"}
    assert "| Tip-Adapter |" in capsys.readouterr().out
    record = recorded_runs.comparison_record(tmp_path)
    assert record["left_out"] == plan.LEFT_OUT and record["seeds"] == [1, 2] and len(record["plan"]) == 4
    spread = recorded_runs.dispersion(clip, tmp_path)
    assert spread[["method", "seed", "on"]].values.tolist() == [["DAPT", 1, "train"], ["DAPT", 2, "train"]]
    assert spread.inter_class_dispersion.between(0, 2.5).all() and spread.intra_class_variance.between(0, 1).all()


def test_dispersion_is_of_the_method_that_was_scored_also_after_a_kill_in_between(small, tmp_path, clip):
    small()
    [path] = (tmp_path / "parts").glob("dispersion-*.csv")
    first = path.read_text()
    path.unlink()  # as if the run had been killed between the accuracy and this
    with pytest.raises(SystemExit, match="dispersion are missing"):
        script.collect(tmp_path)
    small()
    assert path.read_text() == first


def test_rows_of_other_settings_are_not_collected(small, tmp_path, clip):
    small()
    [path] = (tmp_path / "parts").glob("part-*.csv")
    rows = pd.read_csv(path)
    pd.concat([rows.assign(settings="other", accuracy=99.0), rows]).to_csv(path, index=False)
    assert (script.gather(clip).accuracy < 99).all()
    rows.assign(settings="other").to_csv(path, index=False)
    with pytest.raises(SystemExit, match="no seed is complete"):
        script.gather(clip)


def test_one_fit_tested_on_tasks_and_on_shifts_is_two_protocols():
    on = ["test", "toy_cars", "toy_things_r"]
    rows = pd.DataFrame({"protocol": "transfer", "method": "DAPT", "task": "toy_things", "shots": 16, "seed": 1,
                         "on": on, "accuracy": [1.0, 2.0, 3.0]})  # fmt: skip
    kept = script.by_protocol(rows).set_index(["protocol", "on"]).accuracy.to_dict()
    assert kept == {("cross-task", "test"): 1.0, ("cross-task", "toy_cars"): 2.0,
                    ("domain shift", "test"): 1.0, ("domain shift", "toy_things_r"): 3.0}  # fmt: skip


# --- reading it


def test_another_clip_another_table_or_another_plan_is_an_error_that_says_what_to_run(small, tmp_path, clip):
    small()
    script.collect(tmp_path)
    with pytest.raises(ValueError, match=r"measured on another CLIP.*run_comparison.py run"):
        recorded_runs.comparison(tiny_clip(seed=5), tmp_path)
    path = tmp_path / recorded_runs.COMPARISON.name
    before = path.read_text()
    path.write_text(before.replace("20.0", "80.0"))
    with pytest.raises(ValueError, match=r"changed by hand: run `python data_scripts/studies/run_comparison.py"):
        recorded_runs.comparison(clip, tmp_path)
    path.write_text(before)
    assert len(recorded_runs.comparison(clip, tmp_path)) == 7
    record = recorded_runs.comparison_record(tmp_path)
    record["plan"].pop()
    path.with_suffix(".json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="of another plan"):
        recorded_runs.comparison(clip, tmp_path)


def test_no_record_is_an_error_that_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run `python data_scripts/studies/run_comparison.py run`"):
        recorded_runs.comparison(folder=tmp_path)


@measured
def test_the_record_is_of_this_plan_and_of_the_embedded_clip(toyclip):
    rows = recorded_runs.comparison(toyclip)
    runs = [run for run, _ in plan.cells()]
    fingerprint = recorded_runs.comparison_record()["fingerprint"]
    assert fingerprint == sweeps.fingerprint(runs, toyclip.fingerprint), (
        "run: python data_scripts/studies/run_comparison.py run"
    )
    assert recorded_runs.COMPARISON.stat().st_size < 2e6 and rows.accuracy.between(0, 100).all()


@measured
def test_rows_that_were_taken_over_are_still_what_their_own_record_says():
    rows, key = recorded_runs.comparison(), [*sweeps.KEY, "on"]
    taken = rows[rows.script == script.OTHER].set_index(key).accuracy
    own = recorded_runs.prompt_learning().set_index(key).accuracy
    assert len(taken) and (own[taken.index] == taken).all()
