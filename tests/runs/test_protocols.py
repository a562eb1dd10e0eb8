"""The protocols train on what they should and test on what they should, refuse what cannot be, and count honestly."""

import functools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from noise_task import noise_task

from lessons_lib.methods import CoOp, LinearProbe, TextProbe, TipAdapter, ZeroShot
from lessons_lib.metrics import harmonic_mean
from lessons_lib.runs import PeakMemory
from lessons_lib.runs.protocols import (
    base_to_new,
    carry_over,
    compare,
    costs,
    few_shot,
    folds,
    with_harmonic_mean,
)


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


def test_folds_hold_out_classes_by_name_and_learn_from_the_others(clip):
    task = noise_task(shots=None)
    rows = folds(coop(clip), task, {"pots": ["tea pot", "owl"]}, shots=4, seeds=(3,), **QUICK).set_index("on")
    rest = [name for name in task.classnames if name not in ("tea pot", "owl")]
    base, new = task.sample(4, seed=3).of_classes(rest), task.of_classes(["tea pot", "owl"])
    method = CoOp(clip, n_ctx=2).fit(base, epochs=2, lr=0.1, seed=3, progress=False)
    assert rows.accuracy["base"] == method.score(base.test)
    assert rows.accuracy["new"] == method.for_classes(new.classnames).score(new.test)
    assert set(rows.task) == {"noise, pots"} and set(rows.protocol) == {"folds"}


def test_folds_may_be_counted(clip):
    rows = folds(lambda: ZeroShot(clip), noise_task(), 5, shots=2, seeds=(1,), progress=False)
    assert rows.task.tolist() == [f"noise, fold {i}" for i in range(5) for _ in range(2)]
    with pytest.raises(ValueError, match="none is left to learn from"):
        folds(lambda: ZeroShot(clip), noise_task(), {"all": noise_task().classnames}, progress=False)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda clip: few_shot(lambda: ZeroShot(clip), noise_task(), banana=7), "of ZeroShot.fit 'banana'"),
        (lambda clip: few_shot(lambda: LinearProbe(clip), noise_task(), epochs=3), "of LinearProbe.fit 'epochs'"),
        (lambda clip: few_shot(coop(clip), noise_task(), seed=5), "say which in `seeds`"),
        (lambda clip: few_shot(coop(clip), noise_task(), epochs=0), "epochs"),
        (lambda clip: base_to_new(lambda: LinearProbe(clip), noise_task()), "cannot be measured on 'noise/new'"),
        (lambda clip: base_to_new(lambda: TipAdapter(clip), noise_task()), "cannot be measured on 'noise/new'"),
        (lambda clip: base_to_new(lambda: CoOp(clip, class_specific=True), noise_task()), "cannot be measured"),
        (lambda clip: carry_over(lambda: TextProbe(clip), noise_task(), [noise_task(names=["a", "b"])]), "cannot be"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_fit(clip, monkeypatch, run, said):
    for method in (ZeroShot, LinearProbe, CoOp, TipAdapter, TextProbe):
        monkeypatch.setattr(method, "fit", _never(method.fit))
    with pytest.raises(ValueError) as caught:
        run(clip)
    assert said in str(caught.value)


def _never(fit):
    """With the arguments of the real one."""

    @functools.wraps(fit)
    def fitted(*_, **__):
        raise AssertionError("it was fitted")

    return fitted


@pytest.mark.parametrize("make", [ZeroShot, TextProbe, lambda clip: CoOp(clip, class_specific=True), TipAdapter])
def test_peak_memory_is_whatever_was_measured(clip, make, monkeypatch):
    """The fault: whether a method learns was asked before the fit, and what was measured became NaN."""
    monkeypatch.setattr(PeakMemory, "__exit__", lambda self, *_: setattr(self, "mib", 7.0))
    fit = {"epochs": 2} if "epochs" in type(make(clip)).fit_arguments() and make is not TipAdapter else {}
    table = few_shot(lambda: make(clip), noise_task(), shots=(2,), seeds=(1,), progress=False, **fit)
    assert table.peak_mib.tolist() == [7.0]


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
