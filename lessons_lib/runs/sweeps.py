"""The sweeps of before, in CSV files by parts: only for the studies in data_scripts that are not plans yet.

New work is a `Plan` over a `Store` (`lessons_lib.runs`). This file goes when the last study has moved.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch
from tqdm.auto import tqdm

from lessons_lib import methods
from lessons_lib.data import Task, load_task
from lessons_lib.files import atomic_write
from lessons_lib.metrics import (  # noqa: F401  (studies take them from here)
    difference,
    effect,
    effects_table,
    finding,
    findings_table,
    gains,
    is_beyond,
    text_of,
    verdict,
)
from lessons_lib.runs import protocols

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

KEY = ["protocol", "method", "task", "shots", "seed"]  # a run, whatever its settings
Job = tuple["Run", int]  # a cell and a seed


@dataclass
class Run:
    """One cell of a sweep, for one seed.

    label: in the column `method`.   method: the class's name.   settings: of the constructor.   fit: of `fit`.
    others: tasks that what was learned is carried to. Without any, the protocol "few-shot" tests on the task itself,
        and every other on its base and new classes.
    """

    protocol: str
    label: str
    method: str
    task: str
    shots: int = 16
    settings: dict = field(default_factory=dict)
    fit: dict = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def cell(self) -> tuple[str, str, str, int]:
        return self.protocol, self.label, self.task, self.shots

    @property
    def content(self) -> str:
        """All that decides the cell's rows; equal for equal cells."""
        parts = [*self.cell, self.method, self.settings, self.fit, sorted(self.others)]
        return json.dumps(parts, sort_keys=True)

    def digest(self, clip: "Clip") -> str:
        """What the column `settings` of its rows holds: another one means that they are of other settings."""
        return _digest(clip, self.method, json.dumps(self.settings), json.dumps(self.fit))

    def make(self, clip: "Clip") -> methods.Method:
        return methods.METHODS[self.method](clip, **self.settings)


@cache
def _digest(clip: "Clip", method: str, settings: str, fit: str) -> str:
    return _settings_digest(methods.METHODS[method](clip, **json.loads(settings)), json.loads(fit))


def fingerprint(runs: Sequence[Run | str], clip_fingerprint: str) -> str:
    """Of what a sweep measured: its cells, or their `content`, in any order, and the weights that were adapted."""
    cells = sorted({run if isinstance(run, str) else run.content for run in runs})
    return sha256("\n".join([clip_fingerprint, *cells]).encode()).hexdigest()


@cache
def task_of(name: str) -> Task:
    """Drawn once a process."""
    return load_task(name)


def carry_out(
    run: Run,
    seed: int,
    clip: "Clip",
    path: Path | None,
    make: Callable[[], methods.Method] | None = None,
    load: Callable[[str], Task] | None = None,
) -> pd.DataFrame:
    """The rows of one cell and seed, from `path` where they are there already.

    make: gives the unfitted method, for a caller who wants to look at it after; `run.make(clip)` if not given.
    load: gives a task by its name; `task_of` if not given.
    """
    make, load = make or partial(run.make, clip), load or task_of
    kept = Kept(path)
    key = {**dict(zip(KEY, [*run.cell, seed])), "settings": run.digest(clip)}
    if not kept.has(key):
        common = {"seeds": (seed,), "name": run.label, "progress": False, **run.fit}
        task = load(run.task)
        if run.others:
            others = map(load, run.others)
            rows = protocols.carry_over(make, task, others, shots=run.shots, protocol=run.protocol, **common)
        elif run.protocol == "few-shot":
            rows = protocols.few_shot(make, task, shots=(run.shots,), **common)
        else:
            rows = protocols.base_to_new(make, task, shots=run.shots, protocol=run.protocol, **common)
        kept.add([{**row, **key} for row in rows.to_dict("records")])
    return kept.rows(key).drop(columns="settings")


def deal(jobs: Sequence[Job], parts: int, cost: Callable[[Run], float]) -> list[list[Job]]:
    """The jobs of each part, in their order: each goes to the part that has the least to do so far."""
    dealt, load = [[] for _ in range(parts)], [0.0] * parts
    for job in jobs:
        least = load.index(min(load))
        dealt[least].append(job)
        load[least] += cost(job[0])
    return dealt


def run_part(
    jobs: Sequence[Job],
    part: int,
    parts: int,
    folder: Path,
    clip: "Clip",
    *,
    cost: Callable[[Run], float] = lambda run: 1.0,
    carry: Callable = carry_out,
) -> None:
    """What `deal` gives this part and no file in `folder` has. Each part is one process, one core.

    cost: of a run, in any unit, so that parts take equally long.
    carry: `carry_out`, or what does more with (run, seed, clip, path).
    A sweep may be gone on with in another number of parts, as long as none of the parts before still runs.
    """
    if not 1 <= part <= parts:
        raise ValueError(f"part {part} of {parts}: give a part from 1 to {parts}")
    torch.set_num_threads(1)
    path = folder / f"part-{part}-of-{parts}.csv"
    elsewhere = [Kept(file) for file in sorted(folder.glob("part-*.csv")) if file != path]
    mine = deal(jobs, parts, cost)[part - 1]
    for run, seed in tqdm(mine, unit="run", desc=f"part {part} of {parts}"):
        key = dict(zip(KEY, [*run.cell, seed]), settings=run.digest(clip))
        if not any(kept.has(key) for kept in elsewhere):
            carry(run, seed, clip, path)


def parts_rows(folder: Path) -> pd.DataFrame:
    """The rows of all parts, of a run that is in several the last. Raises SystemExit where there are none."""
    files = sorted(folder.glob("part-*.csv"))
    if not files:
        raise SystemExit(f"there are no runs in {folder}: run the sweep first")
    rows = pd.concat([pd.read_csv(path, dtype={"settings": str}) for path in files], ignore_index=True)
    return rows.drop_duplicates([*KEY, "on", "settings"], keep="last")


def whole_seeds(rows: pd.DataFrame, jobs: Sequence[Job]) -> pd.DataFrame:
    """The rows of the seeds of which every job is there, sorted and rounded. Says which seeds are left out.

    Raises SystemExit where none is complete.
    """
    done = set(map(tuple, rows[KEY].drop_duplicates().values))
    missing = {seed for run, seed in jobs if (*run.cell, seed) not in done}
    whole = {seed for _, seed in jobs} - missing
    if not whole:
        raise SystemExit("no seed is complete yet: go on with the sweep")
    if missing:
        print(f"seeds {sorted(missing)} are not complete and are left out")
    rows = rows[rows.seed.isin(whole)].sort_values([*KEY, "on"], ignore_index=True)
    return rows.round({"accuracy": 4, "seconds": 2, "peak_mib": 1})


def part_of(text: str) -> tuple[int, int]:
    """ "1/2" -> (1, 2). Raises ValueError for anything else."""
    try:
        part, parts = map(int, text.split("/"))
    except ValueError:
        raise ValueError(f"--part {text}: give which part of how many, such as 1/2") from None
    if not 1 <= part <= parts:
        raise ValueError(f"--part {text}: the first number runs from 1 to the second")
    return part, parts


class Kept:
    """The rows of runs that are done, in a CSV file that is always whole; in memory alone where the path is None.

    One process writes to one file.
    """

    def __init__(self, path: str | Path | None):
        self.path = None if path is None else Path(path)
        self.table = pd.DataFrame(columns=[*KEY, "settings"])
        if self.path is not None and self.path.exists():
            try:
                self.table = pd.read_csv(self.path, dtype={"settings": str})
                self.table[[*KEY, "settings", "on", "accuracy"]]
            except Exception as error:
                raise ValueError(
                    f"'{self.path}' is not a table of runs ({error}): give another path, or delete it to start again"
                ) from error

    def _of(self, key: dict) -> pd.Series:
        same = pd.Series(True, index=self.table.index)
        for column, value in key.items():
            same &= self.table[column] == value
        return same

    def has(self, key: dict) -> bool:
        return bool(self._of(key).any())

    def rows(self, key: dict) -> pd.DataFrame:
        return self.table[self._of(key)]

    def add(self, rows: list[dict]) -> None:
        new = pd.DataFrame(rows)
        self.table = new if self.table.empty else pd.concat([self.table, new], ignore_index=True)
        if self.path is not None:
            atomic_write(self.path, self.table.to_csv(index=False).encode())


def _settings_digest(method: methods.Method, fit: dict) -> str:
    about = [type(method).__name__, method.settings(), method.clip.fingerprint, fit]
    return sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:12]
