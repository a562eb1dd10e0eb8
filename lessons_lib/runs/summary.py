"""Runs of protocols summed up: a line a cell and metric with its mean, its interval over seeds, and how many are done.

Means over tasks are taken within each seed first, over the seeds for which every task is there. H over tasks is there
twice, by name: "H of means" is that of the mean base and the mean new value, as in the papers; "mean of H" is the mean
of the tasks' H. Intervals are Student's t at 95 % (`metrics.interval`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from lessons_lib.metrics import h_of_means, harmonic_mean, interval, mean_of_h
from lessons_lib.runs.other_kinds import OtherKind, kinds

if TYPE_CHECKING:
    from lessons_lib.runs.store import Store

AVERAGE = "average"
H, H_OF_MEANS, MEAN_OF_H = "H", "H of means", "mean of H"
SWEEP = ["clip", "protocol"]  # what one set of tables is of
CELL = [*SWEEP, "method", "task", "shots"]
MEASURED = ["metric", "unit"]


class Runs:
    """What a file holds at one moment.

    rows: of protocols, a number each, with `metric`, `value` and `unit`.   status: of protocols, a run each.
    plans: what was asked for.   others: runs of other kinds of work.
    """

    def __init__(self, rows: pd.DataFrame, status: pd.DataFrame, plans: Sequence[dict] = (), writer: str | None = None,
                 others: Sequence[OtherKind] = ()):  # fmt: skip
        names = _labels(status, "method", "settings"), _labels(status, "task", "data")
        self.rows, self.status = (_relabelled(table, *names) if len(table) else table for table in (rows, status))
        self.plans, self.writer, self.others = list(plans), writer, list(others)

    @classmethod
    def of(cls, store: "Store") -> "Runs":
        rows, status = store.results(), store.status()
        about = [*CELL, "seed", "settings", "data"]  # runs of other kinds have columns of their own
        rows, status = (table.reindex(columns=list(dict.fromkeys([*table, *about]))) for table in (rows, status))
        others = kinds(*(table[table["protocol"].isna()] for table in (rows, status)))
        numbers = {"shots": int, "seed": int}
        rows, status = (
            table[table["protocol"].notna()].reset_index(drop=True).astype(numbers) for table in (rows, status)
        )
        return cls(rows, status, store.plans(), store.writer(), others)

    def counts(self) -> dict[str, int]:
        """done, running, waiting, failed: runs."""
        states = [state for runs in (self, *self.others) for state in runs.status["state"]]
        return {state: states.count(state) for state in ("done", "running", "waiting", "failed")}

    def progress(self) -> str:
        """How much is done, such as "12 of 40 runs are done (30 %), 1 failed." and who is at it."""
        counts = self.counts()
        total = sum(counts.values())
        share = f" ({100 * counts['done'] / total:.0f} %)" if total else ""
        said = [f"{counts['done']} of {total} runs are done{share}"]
        said += [f"{counts[state]} {state}" for state in ("running", "waiting", "failed") if counts[state]]
        who = f" {self.writer[0].upper()}{self.writer[1:]} is at it." if self.writer else ""
        return f"{', '.join(said)}.{who}"

    def failures(self) -> pd.DataFrame:
        """A run of a protocol that failed a row, and why."""
        failed = self.status[self.status["state"] == "failed"]
        return failed[["protocol", "method", "task", "shots", "seed", "attempts", "error"]].reset_index(drop=True)


def summarise(runs: Runs) -> pd.DataFrame:
    """A row a cell and metric: clip, protocol, method, task, on, shots, metric, unit, mean, half_width, n (seeds done),
    asked (seeds in all).

    task is "average" for the mean of all tasks. on is "H" of a task's base and new classes, "H of means" or "mean of H"
    of all tasks', and "average" for the mean of the tasks that was carried to.
    """
    columns = [*CELL, "on", *MEASURED, "mean", "half_width", "n", "asked"]
    if runs.rows.empty:
        return pd.DataFrame(columns=columns)
    asked = runs.status.groupby(CELL, sort=False)["seed"].nunique().to_dict()
    tasks = runs.status.groupby([*SWEEP, "shots"], sort=False)["task"].unique()
    found = []
    for measured, rows in runs.rows.groupby(MEASURED, sort=False):
        rows = _with(rows, _over_targets(rows), _of_each_task(rows), _over_tasks(rows, tasks))
        for key, cell in rows.groupby([*CELL, "on"], sort=False):
            clip, protocol, method, task, shots, on = key
            of_tasks = tasks.loc[clip, protocol, shots] if task == AVERAGE else [task]
            seeds = max(asked.get((clip, protocol, method, one, shots), 0) for one in of_tasks)
            found.append((*key, *measured, *interval(cell["value"]), seeds))
    return pd.DataFrame(found, columns=columns)


def shape(ons: Sequence[str]) -> str:
    """What kind of protocol measures on these: "halves" (base and new), "carried" (to other tasks) or "plain"."""
    if {"base", "new"} & set(ons):
        return "halves"
    return "carried" if set(ons) - {"test", AVERAGE, H, H_OF_MEANS, MEAN_OF_H} else "plain"


def tasks_of(cells: pd.DataFrame) -> list[str]:
    """Of some lines of `summarise`, without the average."""
    return [task for task in dict.fromkeys(cells["task"]) if task != AVERAGE]


def _with(*tables: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def _over_targets(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean of the tasks that was carried to, of the runs that have all of them."""
    part = rows[~rows["on"].isin(("test", "base", "new"))]
    if part.empty:
        return part
    targets = part.groupby([*SWEEP, "task"])["on"].transform("nunique")
    key = [*CELL, "seed"]
    whole = part[part.groupby(key)["on"].transform("nunique") == targets]
    return whole.groupby(key, sort=False)["value"].mean().reset_index().assign(on=AVERAGE)


def _of_each_task(rows: pd.DataFrame) -> pd.DataFrame:
    """H of each run that has both halves."""
    part = rows[rows["on"].isin(("base", "new"))]
    if part["on"].nunique() < 2:
        return part.iloc[:0]
    wide = part.pivot_table(index=[*CELL, "seed"], columns="on", values="value", sort=False).dropna()
    h = [harmonic_mean(base, new) for base, new in wide[["base", "new"]].values]
    return wide.index.to_frame(index=False).assign(on=H, value=h)


def _over_tasks(rows: pd.DataFrame, tasks: pd.Series) -> pd.DataFrame:
    """The means of all tasks of a sweep, of the seeds that have all of them."""
    found = []
    whole_key = [*SWEEP, "method", "shots", "seed"]
    for key, run in rows[rows["on"].isin(("test", "base", "new"))].groupby(whole_key, sort=False):
        about = {**dict(zip(whole_key, key)), "task": AVERAGE}
        wanted = set(tasks.loc[about["clip"], about["protocol"], about["shots"]])
        whole = {on: part.set_index("task")["value"] for on, part in run.groupby("on") if set(part["task"]) == wanted}
        ons = rows.loc[(rows[SWEEP] == [about["clip"], about["protocol"]]).all(axis=1), "on"]
        if len(wanted) < 2 or shape(ons) == "carried":
            continue
        found += [{**about, "on": on, "value": values.mean()} for on, values in whole.items()]
        if {"base", "new"} <= set(whole):
            base, new = whole["base"], whole["new"].loc[whole["base"].index]
            for on, average in ((H_OF_MEANS, h_of_means), (MEAN_OF_H, mean_of_h)):
                found.append({**about, "on": on, "value": average(list(base), list(new))})
    return pd.DataFrame(found, columns=[*CELL, "seed", "on", "value"])


def _labels(status: pd.DataFrame, column: str, digest: str) -> dict[tuple, str]:
    """(clip, protocol, name, digest) -> label. Where one name stands for several digests in the same cell, shots and
    seed, the digest tells them apart."""
    others = [name for name in (*CELL, "seed") if name != column]
    several = status.groupby([*others, column])[digest].transform("nunique") > 1
    twice = set(status.loc[several, [*SWEEP, column]].itertuples(index=False, name=None))
    keys = dict.fromkeys(status[[*SWEEP, column, digest]].itertuples(index=False, name=None))
    return {key: f"{key[2]} [{key[3]}]" if key[:3] in twice else key[2] for key in keys}


def _relabelled(table: pd.DataFrame, methods: dict[tuple, str], tasks: dict[tuple, str]) -> pd.DataFrame:
    for column, digest, labels in (("method", "settings", methods), ("task", "data", tasks)):
        keys = table[[*SWEEP, column, digest]].itertuples(index=False, name=None)
        table = table.assign(**{column: [labels[key] for key in keys]})
    return table
