"""Long comparisons of methods: cells that are carried out seed by seed, in parts side by side, and gone on with later.

    Run           one cell of a sweep: a method, its settings, a task, a protocol
    run_part      what is missing of one part, a core each; every run is on disk when it is done
    parts_rows    the rows of all parts, of which `whole_seeds` keeps the seeds that are complete
    difference    one method above another, paired seed by seed, with its interval
    finding       a claim, and whether its effects show it

Intervals are Student's t at 95 % (`evaluation.interval`).
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
from lessons_lib.metrics import interval
from lessons_lib.runs import kept as runs
from lessons_lib.runs import protocols

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

KEY = runs.KEY[:-1]  # a run, whatever its settings
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
    return protocols.settings_digest(methods.METHODS[method](clip, **json.loads(settings)), json.loads(fit))


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
    common = {"seeds": (seed,), "name": run.label, "path": path, "progress": False, **run.fit}
    if run.others:
        others = map(load, run.others)
        return protocols.carry_over(make, load(run.task), others, shots=run.shots, protocol=run.protocol, **common)
    if run.protocol == "few-shot":
        return protocols.few_shot(make, load(run.task), shots=(run.shots,), **common)
    return protocols.base_to_new(make, load(run.task), shots=run.shots, protocol=run.protocol, **common)


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
    elsewhere = [runs.Kept(file) for file in sorted(folder.glob("part-*.csv")) if file != path]
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


def effect(by_seed: Sequence[float]) -> dict:
    """One number a seed -> mean, half_width, n."""
    return {name: round(float(value), 3) for name, value in interval(by_seed)._asdict().items()}


def gains(rows: pd.DataFrame, first: str, second: str, value: str = "accuracy") -> pd.Series:
    """`first` above `second`, for each seed: paired by task, on, shots and seed, and averaged within each seed.

    Pairs of which one half is not there are left out; raises ValueError where none is whole.
    """
    pairs = rows[rows.method.isin([first, second])].pivot(
        index=["task", "on", "shots", "seed"], columns="method", values=value
    )
    absent = [method for method in (first, second) if method not in pairs]
    if absent:
        raise ValueError(f"there are no rows of {' and '.join(absent)} to compare")
    differences = (pairs[first] - pairs[second]).dropna()
    if differences.empty:
        raise ValueError(f"{first} and {second} share no task, shots and seed")
    return differences.groupby("seed").mean()


def difference(rows: pd.DataFrame, first: str, second: str, value: str = "accuracy") -> dict:
    """`first` above `second` in points, as `effect` gives it."""
    return effect(gains(rows, first, second, value))


def is_beyond(found: dict, sign: int) -> bool:
    """Whether an effect has this sign (+1, −1) beyond its interval; of a single seed nothing can be said."""
    return sign * found["mean"] > found["half_width"]


def finding(claim: str, *wanted: tuple[str, dict, int], other: dict | None = None) -> dict:
    """A claim, its effects by name, and whether it was seen: every effect that it names has its sign beyond its
    interval. `other` effects are shown beside, and decide nothing."""
    effects = {name: found for name, found, _ in wanted} | (other or {})
    return {"claim": claim, "seen": all(is_beyond(found, sign) for _, found, sign in wanted), "effects": effects}


def text_of(name: str, found: dict) -> str:
    """ "+1.2 ± 0.3"; two digits for a correlation, which `name` says."""
    digits = 2 if "correlation" in name else 1
    return f"{found['mean']:+.{digits}f} ± {found['half_width']:.{digits}f}"


def verdict(found: dict) -> str:
    return {True: "seen", False: "not seen", None: "not measured yet"}[found["seen"]]


def findings_table(found: dict[str, dict]) -> str:
    """Markdown: a line a finding, with the first of its effects."""
    lines = ["| finding | claim | first effect, points unless it says otherwise | |", "|---|---|---|---|"]
    for key, one in found.items():
        first = next((f"{name}: {text_of(name, size)}" for name, size in one["effects"].items()), "")
        said = "**not seen**" if one["seen"] is False else verdict(one)
        lines.append(f"| {key} | {one['claim']} | {first} | {said} |")
    return "\n".join(lines)


def effects_table(found: dict[str, dict]) -> str:
    """Markdown: a line an effect."""
    lines = ["| finding | effect | points, unless it says otherwise |", "|---|---|---|"]
    for key, one in found.items():
        lines += [f"| {key} | {name} | {text_of(name, size)} |" for name, size in one["effects"].items()]
    return "\n".join(lines)
