"""Runs of any kind of work but protocols, summed up: a line for each number of a cell, over its seeds where it has any.

What a cell is, its kind says (`Work.columns`), so nothing is averaged but seeds.
"""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lessons_lib.metrics import interval
from lessons_lib.runs.tables import RUN

SEED = "seed"


@dataclass(frozen=True)
class OtherKind:
    """What a file holds of one kind. rows, status: as `Store.results` and `Store.status` give them."""

    name: str
    rows: pd.DataFrame
    status: pd.DataFrame

    @property
    def columns(self) -> list[str]:
        """Of its cells, without the seed."""
        of_runs = (*RUN, "identity", SEED)
        return [name for name in self.status if name not in of_runs and self.status[name].notna().any()]

    def summary(self) -> pd.DataFrame:
        """A row for each number: the cell's columns, on, (at,) metric, unit, mean, half_width, n (seeds done), asked
        (seeds in all). Runs that differ in what no column says are kept apart by `run`, the first digits of their
        identity. Without seeds a mean is of one run."""
        seeded = SEED in self.status and self.status[SEED].notna().any()
        runs, rows = (table.assign(run=table["identity"].str[:12]) for table in (self.status, self.rows))
        cell = self.columns
        named = [*cell, SEED] if seeded else cell
        if len(set(_keys(runs, [*named, "run"]))) > len(set(_keys(runs, named))):
            cell = [*cell, "run"]
        asked: dict[tuple, set] = {}
        for key, seed in zip(_keys(runs, cell), runs[SEED] if seeded else runs["run"]):
            asked.setdefault(key, set()).add(seed)
        what = ["on", *(["at"] if rows["at"].notna().any() else []), "metric", "unit"]
        values: dict[tuple, list[float]] = {}
        for key, value in zip(_keys(rows, [*cell, *what]), rows["value"]):
            values.setdefault(key, []).append(value)
        lines = [(*key, *interval(those), len(asked[key[: len(cell)]])) for key, those in values.items()]
        return pd.DataFrame(lines, columns=[*cell, *what, "mean", "half_width", "n", "asked"])

    def failures(self) -> pd.DataFrame:
        """A run that failed a row, and why."""
        named = [*self.columns, *([SEED] if SEED in self.status else []), "attempts", "error"]
        return self.status.loc[self.status["state"] == "failed", named].reset_index(drop=True)


def kinds(rows: pd.DataFrame, status: pd.DataFrame) -> list[OtherKind]:
    return [OtherKind(kind, rows[rows["kind"] == kind], runs) for kind, runs in status.groupby("kind", sort=False)]


def _keys(table: pd.DataFrame, columns: list[str]) -> list[tuple]:
    whole = table[columns].convert_dtypes()  # beside kinds without the column its integers have become floats
    return [tuple(map(_plain, line[1:])) for line in whole.itertuples(name=None)]


def _plain(value: Any) -> Any:
    """Of a cell's field; what holds several is a text, what is missing is None."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value)
    return None if pd.isna(value) else value
