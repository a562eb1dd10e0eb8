"""The protocols of the prompt-learning papers, over seeds, as tidy tables: what to learn from, and what to measure on.

    few_shot      k images a class for training, the whole test split                       (CoOp, IJCV 2022)
    base_to_new   train on the first half of the classes, test on both halves               (CoCoOp, CVPR 2022)
    folds         the same with classes held out by name, fold after fold                   (PASCAL-5i, BMVC 2017)
    carry_over    train on one task, test on others with the prompts carried to their classes: cross-dataset transfer,
                  and domain generalisation where the others are shifts of the first          (CoCoOp, section 4)

Columns: protocol, method, task (trained on), on (tested on), shots, seed, the method's metrics (such as accuracy:
percent, 0 to 100), and what the fitting cost: n_parameters, seconds, peak_mib (memory above what was held before; NaN
where it cannot be measured). Nothing is kept; for long sweeps see `lessons_lib.runs`.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from tqdm.auto import tqdm

from lessons_lib.data import load_task
from lessons_lib.metrics import compare, summary, with_harmonic_mean
from lessons_lib.runs.checks import check_trial
from lessons_lib.runs.memory import PeakMemory
from lessons_lib.runs.trials import PROTOCOLS, Trial, trial
from lessons_lib.runs.work import Result, Row

if TYPE_CHECKING:
    from lessons_lib.data import Task
    from lessons_lib.methods import Method

__all__ = ["PROTOCOLS", "Trial", "base_to_new", "carry_over", "compare", "costs", "few_shot", "folds", "measured",
           "named_folds", "summary", "trial", "with_harmonic_mean"]  # fmt: skip


def measured(method: "Method", what: Trial, seed: int, fit: Mapping) -> Result:
    """Fits a fresh method once and measures it: a row for each test and metric, with what the fit cost."""
    taken = type(method).fit_arguments()
    given = {name: value for name, value in {"seed": seed, "progress": False}.items() if name in taken}
    with PeakMemory(method.clip.device) as peak:
        start = time.perf_counter()
        method.fit(what.fitted_on, **given, **fit)
        seconds = time.perf_counter() - start
    rows = []
    for on, task in what.tests.items():
        fitting = method if list(task.classnames) == method.classnames else method.for_classes(task.classnames)
        values = fitting.measure(task.test)
        first = {method.metric: values.pop(method.metric)}  # its score
        rows += [Row(on, metric, value) for metric, value in (first | values).items()]
    return Result(rows, method.n_parameters, seconds, peak.mib)


def few_shot(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    *,
    shots: Sequence[int] = (1, 2, 4, 8, 16),
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """A fresh method for each number of shots and each seed, tested on the whole test split.

    make_method: gives an unfitted method, such as `lambda: CoOp(clip)`.   task: a task, or what `load_task` takes.
    name: in the column `method`; the class's name if not given.
    fit: further arguments of `method.fit`, such as `epochs=50`.
    Raises ValueError, before the first fit, for arguments that `fit` does not take or values that are impossible.
    """
    asked = [_Asked("few-shot", k, seed) for k in shots for seed in seeds]
    return _run(make_method, _task(task), asked, "few-shot", name, progress, fit)


def base_to_new(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    *,
    shots: int = 16,
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    protocol: str = "base-to-new",
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """Fits on the base classes alone; `on` is "base", and "new" with the method carried to the new classes.

    protocol: what the column says.   Other arguments as in `few_shot`. `with_harmonic_mean` adds H.
    Raises ValueError, before the first fit, for a method that cannot be carried to other classes.
    """
    asked = [_Asked("base-to-new", shots, seed) for seed in seeds]
    return _run(make_method, _task(task), asked, protocol, name, progress, fit)


def folds(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    held_out: int | Mapping[str, Sequence[str]] = 4,
    *,
    shots: int = 16,
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """For each fold, fits on all classes but those held out; `on` is "base", and "new" for the ones held out.

    held_out: into how many the classes are cut in order, or fold -> names of its classes. The column `task` says the
        fold, too: "toy_scenes, fold 0".
    Other arguments, and errors, as in `base_to_new`.
    """
    asked = [
        _Asked("folds", shots, seed, held_out=tuple(names), fold=f", {fold}")
        for fold, names in named_folds(held_out).items()
        for seed in seeds
    ]
    return _run(make_method, _task(task), asked, "folds", name, progress, fit)


def carry_over(
    make_method: Callable[[], "Method"],
    task: "str | Task",
    others: Iterable["str | Task"],
    *,
    shots: int = 16,
    seeds: Sequence[int] = (1, 2, 3),
    name: str | None = None,
    protocol: str = "cross-task",
    progress: bool = True,
    **fit,
) -> pd.DataFrame:
    """Fits on all classes of `task`; `on` is the task itself ("test") and the name of each of `others`.

    protocol: what the column says, "cross-task" or "domain shift".   Other arguments, and errors, as in `base_to_new`.
    """
    named = {other.name: other for other in map(_task, others)}
    asked = [_Asked("cross-task", shots, seed, named) for seed in seeds]
    return _run(make_method, _task(task), asked, protocol, name, progress, fit)


def named_folds(held_out: int | Mapping[str, Sequence[str]]) -> dict[str, tuple]:
    """4 -> {"fold 0": (0, 4), …}, as `trial` takes them; names stay as they are."""
    if isinstance(held_out, int):
        return {f"fold {i}": (i, held_out) for i in range(held_out)}
    return {fold: tuple(names) for fold, names in held_out.items()}


def costs(results: pd.DataFrame) -> pd.DataFrame:
    """A row a method: parameters learned, seconds of fitting and peak memory in MiB, means over its runs."""
    runs = results.drop_duplicates(["protocol", "method", "task", "shots", "seed"])
    return runs.groupby("method", sort=False)[["n_parameters", "seconds", "peak_mib"]].mean().reset_index()


class _Asked(NamedTuple):
    """One run of a protocol."""

    protocol: str
    shots: int
    seed: int
    others: Mapping[str, "Task"] = {}
    held_out: tuple[str, ...] = ()
    fold: str = ""

    def on(self, task: "Task") -> Trial:
        return trial(self.protocol, task, self.others, self.held_out)


def _task(task: "str | Task") -> "Task":
    return load_task(task) if isinstance(task, str) else task


def _run(
    make_method: Callable[[], "Method"],
    task: "Task",
    asked: list[_Asked],
    protocol: str,
    name: str | None,
    progress: bool,
    fit: dict,
) -> pd.DataFrame:
    """All of it is checked before the first fit."""
    method = make_method()
    for one in asked:
        check_trial(method, *one.on(task), one.shots, fit)
    lines = []
    with tqdm(asked, unit="run", disable=not progress, leave=False) as bar:
        for one in bar:
            method = make_method()
            about = {"protocol": protocol, "method": name or type(method).__name__, "task": f"{task.name}{one.fold}"}
            bar.set_description(f"{about['method']} on {about['task']}")
            what = one.on(task.sample(one.shots, seed=one.seed))
            found = measured(method, what, one.seed, fit)
            cost = {"n_parameters": found.n_parameters, "seconds": found.seconds, "peak_mib": found.peak_mib}
            for on in what.tests:
                values = {row.metric: row.value for row in found.rows if row.on == on}
                lines.append({**about, "on": on, "shots": one.shots, "seed": one.seed, **values, **cost})
    return pd.DataFrame(lines)
