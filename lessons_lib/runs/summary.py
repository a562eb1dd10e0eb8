"""Runs summed up: a line a cell with its mean, its interval over seeds, and how many seeds are done.

Means over tasks are taken within each seed first, over the seeds for which every task is there. H is that of the mean
base and the mean new accuracy, as in the papers. Intervals are Student's t at 95 % (`evaluation.interval`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from lessons_lib.metrics import harmonic_mean, interval

if TYPE_CHECKING:
    from lessons_lib.runs.store import Store

AVERAGE = "average"
SWEEP = ["clip", "protocol"]  # what one set of tables is of
CELL = [*SWEEP, "method", "task", "shots"]


class Runs:
    """What a file of runs holds at one moment. rows: an accuracy each.   status: a run each.   specs: a sweep each."""

    def __init__(self, rows: pd.DataFrame, status: pd.DataFrame, specs: Sequence[dict] = (), writer: str | None = None):
        labels = _labels(status)
        self.rows = rows.assign(method=[labels[key] for key in _label_keys(rows)]) if len(rows) else rows
        self.status = status.assign(method=[labels[key] for key in _label_keys(status)]) if len(status) else status
        self.specs, self.writer = list(specs), writer

    @classmethod
    def of(cls, store: "Store") -> "Runs":
        return cls(store.rows(), store.status(), store.specs(), store.writer())

    def counts(self) -> dict[str, int]:
        """done, running, waiting, failed: runs."""
        found = self.status["state"].value_counts()
        return {state: int(found.get(state, 0)) for state in ("done", "running", "waiting", "failed")}

    def progress(self) -> str:
        """How much is done, such as "12 of 40 runs are done (30 %), 1 failed." and who is at it."""
        counts, total = self.counts(), len(self.status)
        share = f" ({100 * counts['done'] / total:.0f} %)" if total else ""
        said = [f"{counts['done']} of {total} runs are done{share}"]
        said += [f"{counts[state]} {state}" for state in ("running", "waiting", "failed") if counts[state]]
        who = f" {self.writer[0].upper()}{self.writer[1:]} is at it." if self.writer else ""
        return f"{', '.join(said)}.{who}"

    def failures(self) -> pd.DataFrame:
        """A run that failed a row, and why."""
        failed = self.status[self.status["state"] == "failed"]
        return failed[["protocol", "method", "task", "shots", "seed", "attempts", "error"]].reset_index(drop=True)


def summarise(runs: Runs) -> pd.DataFrame:
    """A row a cell: clip, protocol, method, task, on, shots, mean, half_width, n (seeds done), asked (seeds in all).

    task is "average" for the mean of all tasks, on is "H" in base-to-new, and "average" for the mean of the tasks that
    was carried to.
    """
    if runs.rows.empty:
        return pd.DataFrame(columns=[*CELL, "on", "mean", "half_width", "n", "asked"])
    asked = runs.status.groupby(CELL, sort=False)["seed"].nunique().to_dict()
    tasks = runs.status.groupby([*SWEEP, "shots"], sort=False)["task"].unique()
    found = _with(runs.rows, _over_targets(runs.rows))
    found = _with(found, _over_tasks(found, tasks))
    found = _with(found, _harmonic(found))
    rows = []
    for key, cell in found.groupby([*CELL, "on"], sort=False):
        about = dict(zip([*CELL, "on"], key))
        clip, protocol, method, task, shots, _ = key
        of_tasks = tasks.loc[clip, protocol, shots] if task == AVERAGE else [task]
        seeds = max(asked.get((clip, protocol, method, one, shots), 0) for one in of_tasks)
        rows.append({**about, **interval(cell["accuracy"])._asdict(), "asked": seeds})
    return pd.DataFrame(rows)


def tasks_of(cells: pd.DataFrame) -> list[str]:
    """Of some lines of `summarise`, without the average."""
    return [task for task in dict.fromkeys(cells["task"]) if task != AVERAGE]


def _with(rows: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, more], ignore_index=True) if len(more) else rows


def _over_targets(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean of the tasks that was carried to, of the runs that have all of them."""
    part = rows[rows["protocol"].isin(("cross-task", "domain shift")) & (rows["on"] != "test")]
    if part.empty:
        return part
    targets = part.groupby([*SWEEP, "task"])["on"].transform("nunique")
    key = [*CELL, "seed"]
    whole = part[part.groupby(key)["on"].transform("nunique") == targets]
    return whole.groupby(key, sort=False)["accuracy"].mean().reset_index().assign(on=AVERAGE)


def _over_tasks(rows: pd.DataFrame, tasks: pd.Series) -> pd.DataFrame:
    """The mean of all tasks of a sweep, of the seeds that have all of them."""
    part = rows[rows["protocol"].isin(("few-shot", "base-to-new"))]
    found = []
    for key, cell in part.groupby([*SWEEP, "method", "shots", "seed", "on"], sort=False):
        about = dict(zip([*SWEEP, "method", "shots", "seed", "on"], key))
        wanted = set(tasks.loc[about["clip"], about["protocol"], about["shots"]])
        if len(wanted) > 1 and set(cell["task"]) == wanted:
            found.append({**about, "task": AVERAGE, "accuracy": cell["accuracy"].mean()})
    return pd.DataFrame(found, columns=[*CELL, "seed", "on", "accuracy"])


def _harmonic(rows: pd.DataFrame) -> pd.DataFrame:
    part = rows[rows["protocol"] == "base-to-new"]
    if part.empty:
        return part
    wide = part.pivot_table(index=[*CELL, "seed"], columns="on", values="accuracy", sort=False).dropna()
    h = [harmonic_mean(base, new) for base, new in wide[["base", "new"]].values]
    return wide.index.to_frame(index=False).assign(on="H", accuracy=h)


def _label_keys(table: pd.DataFrame) -> list[tuple]:
    return list(table[[*SWEEP, "method", "settings"]].itertuples(index=False, name=None))


def _labels(status: pd.DataFrame) -> dict[tuple, str]:
    """(clip, protocol, method, settings) -> label. Where one label stands for several settings on the same task, shots
    and seed, the digest of its settings tells them apart."""
    several = status.groupby([*CELL, "seed"])["settings"].transform("nunique") > 1
    twice = set(status.loc[several, [*SWEEP, "method"]].itertuples(index=False, name=None))
    return {key: f"{key[2]} [{key[3]}]" if key[:3] in twice else key[2] for key in dict.fromkeys(_label_keys(status))}
