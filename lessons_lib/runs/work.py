"""Long work of any kind, as data: what one piece of it is, what tells it from others, and how it is carried out.

A kind of work is a class of its own, in any file, also a script's:

    @dataclass(frozen=True)
    class Fit:                                     # a cell: plain values, which are the columns of the tables
        task: str
        seed: int

    class Probe(Work):
        kind = "a probe's fit"
        def identity(self, cell):                  # all that decides the numbers
            return {"task": load_task(cell.task).identity(), "seed": cell.seed}
        def start(self, place):                    # once in each process
            self.clip = load_clip("toyclip", device=place.device)
        def carry_out(self, cell):
            return Result([Row("test", "accuracy", ...)])

    plan = Plan(Probe(), [Fit("toy_pets", seed) for seed in (1, 2, 3)])
    run(plan, store); store.rows(plan)

Work goes to other processes by pickle, so what is large is made in `start`.
"""

import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

VERSIONED = {"lessons_lib": "lessons_lib", "torch": "torch", "open_clip": "open_clip_torch", "numpy": "numpy"}


class Row(NamedTuple):
    """One number. on: what was measured on, such as "test".   at: when, for a curve: an epoch, a step, pairs seen."""

    on: str
    metric: str
    value: float
    at: float | None = None


@dataclass(frozen=True)
class Result:
    """What came of a cell, and what it cost. seconds: None for all that `carry_out` took.

    Raises ValueError for two values of the same.
    """

    rows: Sequence[Row]
    n_parameters: int | None = None
    seconds: float | None = None
    peak_mib: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)  # of packages, filled in by the process
    machine: str = ""  # likewise: processor or GPU

    def __post_init__(self):
        rows = [Row(str(on), str(metric), float(value), at) for on, metric, value, at in self.rows]
        if len({(row.on, row.metric, row.at) for row in rows}) < len(rows):
            raise ValueError(f"a cell has one value of a metric on the same at the same time; got {rows}")
        object.__setattr__(self, "rows", rows)


@dataclass(frozen=True)
class Place:
    """Where a process works. threads: of it.   folder: where relative paths start.   environment: variables to set."""

    device: str = "cpu"
    threads: int = 1
    folder: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Work:
    """A kind of work. A subclass gives `kind`, `identity` and `carry_out`, and what else it needs.

    kind: its name, the same for ever.   device: what it computes on, as `load_clip` takes it.
    """

    kind: str
    device: str = "cpu"

    def identity(self, cell: Any) -> dict:
        """All that decides the cell's numbers, and nothing else: plain values (`lessons_lib.identity`)."""
        raise NotImplementedError

    def carry_out(self, cell: Any) -> Result:
        """Does it, in a process where `start` was called. What it raises is the cell's error."""
        raise NotImplementedError

    def start(self, place: Place) -> None:
        """Once in each process: loads what all cells share."""

    def may_pass(self, error: Exception) -> bool:
        """Whether what `carry_out` raised may not be raised when it is tried again."""
        return True

    def check(self, cells: Sequence[Any]) -> None:
        """Raises ValueError, in a sentence, for what cannot be carried out: called before anything runs."""

    def prepare(self, devices: set[str]) -> None:
        """Once, where the sweep is driven, before processes start on devices of these kinds, "cpu" or a GPU's."""

    def columns(self, cell: Any) -> dict[str, Any]:
        """What tables say of a cell."""
        return asdict(cell)

    def names(self, cell: Any) -> dict[str, str]:
        """What tables call a row's `on`, where that is another name than the one it is kept under."""
        return {}

    def unit(self, metric: str) -> str:
        """Of a metric's values, such as "%"."""
        return ""

    def cost(self, cell: Any) -> float | None:
        """Seconds on one core, roughly; None where that is not known before something has run."""
        return None

    def once(self, cells: Sequence[Any]) -> float:
        """Seconds that are spent once for all of these cells, beside their own."""
        return 0.0

    def alike(self, cell: Any) -> str:
        """The same for cells whose times tell something of each other's, in proportion to their `size`."""
        return self.kind

    def size(self, cell: Any) -> float:
        """How much there is to do, beside others that are alike."""
        return 1.0

    def shares(self, cell: Any) -> str:
        """What the first of several cells computes for all, such as a task's features; "" for nothing."""
        return ""

    def describe(self, cell: Any) -> str:
        """In a few words, for a line about it."""
        return ", ".join(f"{name} {value}" for name, value in self.columns(cell).items())


class Worker:
    """What a process does, on this machine or another: it prepares once, and then carries out cell after cell."""

    def __init__(self, work: Work, place: Place):
        os.environ.update(place.environment)
        if place.folder is not None and os.path.isdir(place.folder):
            os.chdir(place.folder)
        self.work, self.place = work, place
        os.environ["OMP_NUM_THREADS"] = str(place.threads)
        work.start(place)
        if "torch" in sys.modules:
            limit_threads(place.threads)

    def __call__(self, cell: Any) -> Result:
        start = time.perf_counter()
        found = self.work.carry_out(cell)
        seconds = time.perf_counter() - start if found.seconds is None else found.seconds
        peak = None if found.peak_mib is None or found.peak_mib != found.peak_mib else found.peak_mib
        return Result(found.rows, found.n_parameters, seconds, peak, versions(), machine(self.place.device))


def limit_threads(count: int) -> None:
    """Of torch, and of the libraries below numpy, in this process."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(count)
    threadpool_limits(count)


def versions() -> dict[str, str]:
    """Of Python, and of the packages that decide numbers, as far as this process has loaded them."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for module, package in VERSIONED.items():
        if module in sys.modules:
            try:
                found[module] = version(package)
            except PackageNotFoundError:
                found[module] = str(getattr(sys.modules[module], "__version__", "unknown"))
    return found


def machine(device: str = "cpu") -> str:
    """The GPU's or the processor's name."""
    if "torch" in sys.modules and device != "cpu":
        from lessons_lib.device import name_of, resolve_device

        if (found := resolve_device(device)).type != "cpu":
            return name_of(found)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
