"""The protocols train on what they should and test on what they should, keep what is done, and count honestly."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from noise_task import noise_task

from lessons_lib.methods import CoOp, LinearProbe, ZeroShot
from lessons_lib.metrics import harmonic_mean
from lessons_lib.runs.protocols import base_to_new, carry_over, compare, costs, few_shot, with_harmonic_mean


def coop(clip):
    return lambda: CoOp(clip, n_ctx=2)


QUICK = {"progress": False, "epochs": 2, "lr": 0.1}


def test_few_shot_repeats_what_a_run_alone_gives(clip):
    task = noise_task()
    table = few_shot(coop(clip), task, shots=(1, 4), seeds=(1, 2), **QUICK)
    assert table[["shots", "seed"]].values.tolist() == [[1, 1], [1, 2], [4, 1], [4, 2]]
    sample = task.sample(4, seed=2)
    alone = CoOp(clip, n_ctx=2).fit(sample, epochs=2, lr=0.1, seed=2, progress=False).score(sample.test)
    assert table.accuracy.iloc[3] == alone
    assert set(table.on) == {"test"} and set(table.protocol) == {"few-shot"}


def test_base_to_new_learns_from_base_alone_and_carries_over_to_new(clip):
    task = noise_task(shots=None)
    table = base_to_new(coop(clip), task, shots=4, seeds=(3,), **QUICK).set_index("on")
    base, new = task.sample(4, seed=3).base(), task.sample(4, seed=3).new()
    method = CoOp(clip, n_ctx=2).fit(base, epochs=2, lr=0.1, seed=3, progress=False)
    assert table.accuracy["base"] == method.score(base.test)
    assert table.accuracy["new"] == method.for_classes(new.classnames).score(new.test)


def test_the_harmonic_mean_is_taken_run_by_run(clip):
    table = with_harmonic_mean(base_to_new(lambda: ZeroShot(clip), noise_task(), shots=4, seeds=(1, 2), progress=False))
    for _, run in table.groupby("seed"):
        by = run.set_index("on").accuracy
        assert by["H"] == pytest.approx(harmonic_mean(by["base"], by["new"]))


def test_carry_over_tests_on_each_of_the_others_with_their_own_classes(clip):
    other = noise_task(names=["red", "green", "blue"])
    object.__setattr__(other, "name", "colours")
    table = carry_over(coop(clip), noise_task(), [other], shots=4, seeds=(1,), **QUICK)
    assert list(table.on) == ["test", "colours"]
    method = CoOp(clip, n_ctx=2).fit(noise_task(), epochs=2, lr=0.1, progress=False)
    assert table.accuracy.iloc[1] == method.for_classes(other.classnames).score(other.test)


def test_a_sweep_that_was_stopped_goes_on_and_repeats_nothing(clip, tmp_path):
    made = []

    def make():
        made.append(CoOp(clip, n_ctx=2))
        return made[-1]

    arguments = {"shots": (2,), "path": tmp_path / "runs.csv", **QUICK}
    first = few_shot(make, noise_task(), seeds=(1,), **arguments)
    both = few_shot(make, noise_task(), seeds=(1, 2), **arguments)
    assert [bool(method.history) for method in made] == [True, False, True]  # the second was there already
    assert both.accuracy.iloc[0] == first.accuracy.iloc[0]
    assert len(pd.read_csv(tmp_path / "runs.csv")) == 2


def test_other_settings_are_other_runs(clip, tmp_path):
    path = tmp_path / "runs.csv"
    few_shot(coop(clip), noise_task(), shots=(2,), seeds=(1,), path=path, **QUICK)
    few_shot(coop(clip), noise_task(), shots=(2,), seeds=(1,), path=path, **{**QUICK, "lr": 0.5})
    few_shot(lambda: CoOp(clip, n_ctx=3), noise_task(), shots=(2,), seeds=(1,), path=path, **QUICK)
    assert pd.read_csv(path).settings.nunique() == 3


def test_a_file_that_is_no_table_of_runs_is_refused(clip, tmp_path):
    (tmp_path / "runs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is not a table of runs"):
        few_shot(coop(clip), noise_task(), shots=(2,), seeds=(1,), path=tmp_path / "runs.csv", **QUICK)


def test_costs_count_what_is_learned(clip):
    learned = few_shot(coop(clip), noise_task(), shots=(2,), seeds=(1,), **QUICK)
    probe = few_shot(lambda: LinearProbe(clip, C_grid=[1.0]), noise_task(), shots=(2,), seeds=(1,), progress=False)
    table = costs(pd.concat([learned, probe])).set_index("method")
    assert table.n_parameters["CoOp"] == 2 * 64
    assert table.n_parameters["LinearProbe"] == 5 * 32 + 5
    assert (table.seconds > 0).all()


def test_compare_pairs_runs_and_averages_tasks_within_seeds():
    rows = [
        {"method": method, "task": task, "on": "new", "shots": 16, "seed": seed, "accuracy": accuracy}
        for seed in (1, 2, 3)
        for task in ("x", "y")
        for method, accuracy in (("a", 50 + 10 * seed), ("b", 40 + 10 * seed + (task == "y")))
    ]
    row = compare(pd.DataFrame(rows), "a", "b").iloc[0]
    assert row["mean"] == pytest.approx(9.5) and row["half_width"] == pytest.approx(0) and row["n"] == 3


def test_peak_memory_sees_what_was_held():
    """Also where freed memory would be room for it, of blocks that the C library keeps; in a process of its own."""
    code = "\n".join(
        [
            "import torch",
            "from lessons_lib.runs import PeakMemory",
            "def hold():",
            "    return [torch.ones(2**14) for _ in range(1024)]  # 64 MiB",
            "hold()",
            "for _ in range(2):",
            "    with PeakMemory(torch.device('cpu')) as peak:",
            "        held = hold()",
            "        del held",
            "    print(peak.mib)",
        ]
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for mib in map(float, said.split()):
        assert np.isnan(mib) or 60 < mib < 120
