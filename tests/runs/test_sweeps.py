"""Sweeps: nothing is run twice or forgotten, whole seeds alone are kept, and effects are paired seed by seed."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from noise_task import noise_task

from lessons_lib.methods import ZeroShot
from lessons_lib.runs import sweeps
from lessons_lib.runs.sweeps import Run, deal, difference, effect, finding, fingerprint, gains, run_part, whole_seeds

QUICK = {"epochs": 1}


@pytest.fixture
def noise(monkeypatch):
    """Every task is a small noisy one."""
    monkeypatch.setattr(sweeps, "task_of", lambda name: noise_task(shots=None))


def jobs(*labels: str, seeds=(1, 2)) -> list[sweeps.Job]:
    runs = [Run("few-shot", label, "CoOp", "noise", 1, {"n_ctx": 2}, QUICK) for label in labels]
    return [(run, seed) for seed in seeds for run in runs]


def test_the_protocol_decides_what_a_cell_is_tested_on(clip, noise):
    def on(protocol: str, **more) -> list[str]:
        return list(sweeps.carry_out(Run(protocol, "zero", "ZeroShot", "noise", 2, **more), 1, clip, None).on)

    assert on("few-shot") == ["test"]
    assert on("base-to-new") == on("ablation") == ["base", "new"]
    assert on("domain shift", others=("noise",))[0] == "test"


def test_each_job_goes_to_one_part_and_parts_take_equally_long():
    weights = {"a": 5.0, "b": 1.0, "c": 1.0, "d": 3.0}
    dealt = deal(jobs(*weights), 2, lambda run: weights[run.label])
    together = [(run.label, seed) for part in dealt for run, seed in part]
    assert sorted(together) == sorted((run.label, seed) for run, seed in jobs(*weights))
    loads = [sum(weights[run.label] for run, _ in part) for part in dealt]
    assert loads == [10.0, 10.0]


def test_parts_together_run_everything_once_and_a_second_time_nothing(clip, noise, tmp_path):
    ran = []

    def carry(run, seed, clip, path):
        ran.append((run.label, seed))
        sweeps.carry_out(run, seed, clip, path)

    todo = jobs("one", "two", "three")
    for part in (1, 2):
        run_part(todo, part, 2, tmp_path, clip, carry=carry)
    assert sorted(ran) == sorted((run.label, seed) for run, seed in todo)
    ran.clear()
    run_part(todo, 1, 1, tmp_path, clip, carry=carry)  # in another number of parts
    assert ran == []
    rows = sweeps.parts_rows(tmp_path)
    assert len(rows) == 6 and sorted(whole_seeds(rows, todo).seed) == [1, 1, 1, 2, 2, 2]


def test_a_cell_with_other_settings_is_run_again(clip, noise, tmp_path):
    [(run, _)] = jobs("one", seeds=(1,))
    run_part([(run, 1)], 1, 1, tmp_path, clip)
    other = dataclasses.replace(run, fit={"epochs": 2})
    run_part([(other, 1)], 1, 2, tmp_path, clip)
    assert set(sweeps.parts_rows(tmp_path).settings) == {run.digest(clip), other.digest(clip)}
    assert run.digest(clip) != other.digest(clip)


def test_a_part_that_is_none_is_an_error(clip, tmp_path):
    with pytest.raises(ValueError, match="part 3 of 2"):
        run_part([], 3, 2, tmp_path, clip)
    assert sweeps.part_of("2/3") == (2, 3)
    for wrong in ("2", "a/b", "0/2", "3/2"):
        with pytest.raises(ValueError, match="--part"):
            sweeps.part_of(wrong)


def test_seeds_that_are_not_complete_are_left_out_and_named(capsys):
    todo = jobs("one", "two", seeds=(1, 2, 3))
    rows = pd.DataFrame([dict(zip(sweeps.KEY, [*run.cell, seed]), on="test", accuracy=1.23456789, seconds=0.123,
                              peak_mib=0.0) for run, seed in todo])  # fmt: skip
    kept = whole_seeds(rows[~((rows.seed == 2) & (rows.method == "two"))], todo)
    assert sorted(kept.seed.unique()) == [1, 3] and set(kept.accuracy) == {1.2346}
    assert "seeds [2] are not complete" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no seed is complete"):
        whole_seeds(rows[rows.method == "two"], todo)


def test_a_seed_may_have_fewer_cells_by_plan():
    todo = [*jobs("one", "two", seeds=(1,)), *jobs("one", seeds=(2,))]
    rows = pd.DataFrame([dict(zip(sweeps.KEY, [*run.cell, seed]), on="test", accuracy=1.0, seconds=1.0, peak_mib=0.0)
                         for run, seed in todo])  # fmt: skip
    assert sorted(whole_seeds(rows, todo).seed.unique()) == [1, 2]


def test_no_runs_yet_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match="run the sweep first"):
        sweeps.parts_rows(tmp_path)


def test_the_fingerprint_knows_the_cells_and_the_weights_but_not_their_order():
    one, two = (run for run, _ in jobs("one", "two", seeds=(1,)))
    assert fingerprint([one, two], "w") == fingerprint([two.content, one.content, one], "w")
    assert fingerprint([one, two], "w") != fingerprint([one, two], "v")
    assert fingerprint([one], "w") != fingerprint([dataclasses.replace(one, fit={"epochs": 3})], "w")
    assert fingerprint([one], "w") != fingerprint([dataclasses.replace(one, others=("noise",))], "w")


def test_a_run_makes_its_method(clip):
    method = Run("few-shot", "words", "ZeroShot", "noise", settings={"templates": ["a {}"]}).make(clip)
    assert isinstance(method, ZeroShot) and method.templates == ["a {}"]


# --- effects


def table(**by_method: list[float]) -> pd.DataFrame:
    """Two tasks, a row a seed; the second task is 10 points above the first."""
    return pd.DataFrame(
        [
            {"method": method, "task": task, "on": "test", "shots": 16, "seed": seed, "accuracy": value + 10 * second}
            for method, values in by_method.items()
            for second, task in enumerate(("easy", "easier"))
            for seed, value in enumerate(values)
        ]
    )


def test_effects_are_paired_by_seed():
    rows = table(a=[50.0, 60.0, 40.0], b=[49.0, 58.0, 39.0])  # seeds differ by far more than the methods
    assert gains(rows, "a", "b").tolist() == [1.0, 2.0, 1.0]
    found = difference(rows, "a", "b")
    assert found["mean"] == pytest.approx(4 / 3, abs=1e-3) and found["n"] == 3
    assert found["half_width"] == pytest.approx(4.303 * np.std([1, 2, 1], ddof=1) / 3**0.5, abs=1e-3)
    assert difference(rows, "b", "a")["mean"] == -found["mean"]


def test_what_one_method_has_and_the_other_has_not_is_left_out():
    rows = table(a=[50.0, 60.0], b=[49.0, 58.0])
    without = rows[~((rows.method == "b") & (rows.seed == 1))]
    assert gains(without, "a", "b").to_dict() == {0: 1.0}
    with pytest.raises(ValueError, match="no rows of c"):
        gains(rows, "a", "c")
    with pytest.raises(ValueError, match="share no"):
        gains(rows[(rows.method == "a") == (rows.seed == 1)], "a", "b")


def test_a_finding_is_seen_when_every_effect_that_it_claims_has_its_sign_beyond_its_interval():
    up, down, unclear, alone = (effect(v) for v in ([3.0, 3.1, 2.9], [-3.0, -3.1, -2.9], [3.0, -2.0, 1.0], [5.0]))
    assert finding("", ("x", up, +1), ("y", down, -1))["seen"]
    assert not finding("", ("x", up, -1))["seen"]
    assert not finding("", ("x", up, +1), ("y", unclear, +1))["seen"]
    assert not finding("", ("x", alone, +1))["seen"], "a single seed has no interval"
    assert finding("", ("x", up, +1), other={"y": unclear})["seen"], "other effects decide nothing"


def test_tables_say_seen_not_seen_and_not_measured_yet():
    up = effect([3.0, 3.1, 2.9])
    found = {
        "F1": finding("goes up", ("gain", up, +1)),
        "F2": finding("goes down", ("correlation", up, -1)),
        "F3": {"claim": "who knows", "seen": None, "effects": {}},
    }
    first, second, third = sweeps.findings_table(found).splitlines()[2:]
    assert first == "| F1 | goes up | gain: +3.0 ± 0.2 | seen |"
    assert second == "| F2 | goes down | correlation: +3.00 ± 0.25 | **not seen** |"
    assert third == "| F3 | who knows |  | not measured yet |"
    assert sweeps.effects_table(found).splitlines()[2:] == [
        "| F1 | gain | +3.0 ± 0.2 |",
        "| F2 | correlation | +3.00 ± 0.25 |",
    ]
