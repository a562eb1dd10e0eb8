"""The protocols of the prompt-learning papers, over seeds, as tidy tables: a row for each accuracy measured.

    few_shot      k images a class for training, the whole test split                       (CoOp, IJCV 2022)
    base_to_new   train on the first half of the classes, test on both halves               (CoCoOp, CVPR 2022)
    carry_over    train on one task, test on others with the prompts carried to their classes: cross-dataset transfer,
                  and domain generalisation where the others are shifts of the first          (CoCoOp, section 4)

Columns: protocol, method, task (trained on), on (tested on), shots, seed, accuracy (percent, 0 to 100), and what the
fitting cost: n_parameters, seconds, peak_mib (memory above what was held before; NaN where it cannot be measured).
With a `path` every run is written down when it is done; run again, the same call goes on where it was stopped.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tqdm.auto import tqdm

from lessons_lib.data import load_task
from lessons_lib.metrics import harmonic_mean, paired_difference, summary
from lessons_lib.runs.kept import KEY, Kept, PeakMemory

if TYPE_CHECKING:
    from lessons_lib.data import Split, Task
    from lessons_lib.methods import Method


def few_shot(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    *,
    shots: Sequence[int] = (1, 2, 4, 8, 16),
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    path: str | Path | None = None,
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """A fresh method for each number of shots and each seed, tested on the whole test split.

    make_method: gives an unfitted method, such as `lambda: CoOp(clip)`.   task: a task, or what `load_task` takes.
    name: in the column `method`; the class's name if not given.   path: where runs are kept (CSV).
    fit: further arguments of `method.fit`, such as `epochs=50`.
    """
    task = _task(task)
    jobs = [
        _Job(
            "few-shot",
            name,
            make_method,
            lambda k=k, seed=seed: task.sample(k, seed=seed),
            _on_test,
            k,
            seed,
            task.name,
        )
        for k in shots
        for seed in seeds
    ]
    return _run(jobs, path, progress, fit)


def base_to_new(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    *,
    shots: int = 16,
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    protocol: str = "base-to-new",
    path: str | Path | None = None,
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """Fits on the base classes alone; `on` is "base", and "new" with the method carried to the new classes.
    Arguments as in `few_shot`. `with_harmonic_mean` adds H."""
    task = _task(task)

    def tests(fitted_on: "Task", whole: "Task") -> dict[str, "Split"]:
        return {"base": whole.base().test, "new": whole.new().test}

    jobs = [
        _Job(
            protocol,
            name,
            make_method,
            lambda seed=seed: task.sample(shots, seed=seed),
            tests,
            shots,
            seed,
            task.name,
            half=True,
        )
        for seed in seeds
    ]
    return _run(jobs, path, progress, fit)


def carry_over(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    others: Iterable["str | Task"],
    *,
    shots: int = 16,
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    protocol: str = "cross-task",
    path: str | Path | None = None,
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """Fits on all classes of `task`; `on` is the task itself ("test") and the name of each of `others`.

    protocol: what the column says, "cross-task" or "domain shift".   Other arguments as in `few_shot`.
    """
    task, others = _task(task), [_task(other) for other in others]

    def tests(fitted_on: "Task", whole: "Task") -> dict[str, "Split"]:
        return {"test": whole.test, **{other.name: other.test for other in others}}

    jobs = [
        _Job(
            protocol, name, make_method, lambda seed=seed: task.sample(shots, seed=seed), tests, shots, seed, task.name
        )
        for seed in seeds
    ]
    return _run(jobs, path, progress, fit)


def with_harmonic_mean(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of `base_to_new` with rows added where `on` is "H": 2 · base · new / (base + new) of each run."""
    wide = results.pivot(index=["method", "task", "shots", "seed"], columns="on", values="accuracy")
    rows = wide.apply(lambda run: harmonic_mean(run["base"], run["new"]), axis=1).rename("accuracy").reset_index()
    rows = rows.assign(on="H", protocol=results["protocol"].iloc[0])
    return pd.concat([results, rows], ignore_index=True)


def compare(results: pd.DataFrame, first: str, second: str, by: str = "on") -> pd.DataFrame:
    """What `first` is above `second`, in points: runs are paired by task, shots and seed, and averaged over tasks
    within each seed. Returns a row for each value of `by`: mean, half_width, n and text."""
    runs = results[results["method"].isin([first, second])]
    rows = []
    for value, part in runs.groupby(by, sort=False):
        pairs = part.pivot(index=["task", "shots", "seed"], columns="method", values="accuracy").dropna()
        seeds = pairs.groupby("seed").mean()
        across = paired_difference(seeds[first], seeds[second])
        rows.append({by: value, **across._asdict(), "text": f"{across.mean:+.1f} ± {across.half_width:.1f}"})
    return pd.DataFrame(rows)


def costs(results: pd.DataFrame) -> pd.DataFrame:
    """A row a method: parameters learned, seconds of fitting and peak memory in MiB, means over its runs."""
    runs = results.drop_duplicates(KEY[:-1])
    return runs.groupby("method", sort=False)[["n_parameters", "seconds", "peak_mib"]].mean().reset_index()


def settings_digest(method: "Method", fit: dict) -> str:
    """What tells a run from others in a file of runs: its unfitted method's settings, its CLIP's weights, and `fit`."""
    about = [type(method).__name__, method.settings(), method.clip.fingerprint, fit]
    return sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:12]


__all__ = [
    "few_shot",
    "base_to_new",
    "carry_over",
    "with_harmonic_mean",
    "compare",
    "costs",
    "settings_digest",
    "summary",
]


class _Job:
    """One fit and its tests."""

    def __init__(self, protocol, name, make_method, sample, tests, shots, seed, task_name, half=False):
        self.protocol, self.name, self.make_method, self.sample, self.tests = protocol, name, make_method, sample, tests
        self.shots, self.seed, self.task_name, self.half = shots, seed, task_name, half

    def key(self, method: "Method", fit: dict) -> dict:
        return {
            "protocol": self.protocol,
            "method": self.name or type(method).__name__,
            "task": self.task_name,
            "shots": self.shots,
            "seed": self.seed,
            "settings": settings_digest(method, fit),
        }

    def run(self, method: "Method", fit: dict) -> list[dict]:
        whole = self.sample()
        fitted_on = whole.base() if self.half else whole
        known = method.fit_arguments()
        settings = {name: value for name, value in {"seed": self.seed, "progress": False, **fit}.items() if name in known}
        with PeakMemory(method.clip.device) as peak:
            start = time.perf_counter()
            method.fit(fitted_on, **settings)
            seconds = time.perf_counter() - start
        rows = []
        for on, split in self.tests(fitted_on, whole).items():
            fitting = method if list(split.classnames) == method.classnames else method.for_classes(split.classnames)
            rows.append({"on": on, "accuracy": fitting.score(split)})
        count = sum(p.numel() for p in method.parameters())
        cost = {"n_parameters": count, "seconds": seconds, "peak_mib": peak.mib}
        return [{**row, **cost} for row in rows]


def _on_test(fitted_on: "Task", whole: "Task") -> dict[str, "Split"]:
    return {"test": whole.test}


def _task(task: "str | Task") -> "Task":
    return load_task(task) if isinstance(task, str) else task


def _run(jobs: list[_Job], path: str | Path | None, progress: bool, fit: dict) -> pd.DataFrame:
    """Runs what is not in the file yet; returns the rows of these jobs, in their order."""
    kept = Kept(path)
    wanted = []
    with tqdm(jobs, unit="run", disable=not progress, leave=False) as bar:
        for job in bar:
            method = job.make_method()
            key = job.key(method, fit)
            bar.set_description(f"{key['method']} on {key['task']}")
            if not kept.has(key):
                kept.add([{**key, **row} for row in job.run(method, fit)])
            wanted.append(kept.rows(key))
    return pd.concat(wanted, ignore_index=True).drop(columns="settings")
