"""Sweeps that need no torch, and so start in tenths of a second: a plan of cells, and workers that do as labels say.

As a script, `bench_workers.py FILE FOLDER SECONDS` runs a sweep of eight runs that each take so long.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psutil


@dataclass
class Cell:
    """What the sweep needs to know of a `sweeps.Run`."""

    label: str
    task: str = "task"
    shots: int = 1

    @property
    def cell(self) -> tuple[str, str, str, int]:
        return "few-shot", self.label, self.task, self.shots

    @property
    def content(self) -> str:
        return json.dumps(self.cell)


@dataclass
class Plan:
    """What the sweep needs to know of a `Bench`. root: the folder where workers leave notes of what they did."""

    labels: list[str]
    root: str
    seeds: tuple[int, ...] = (1,)
    tasks: tuple[str, ...] = ("task",)
    settings: str = "a"
    model: str = "none"
    pretrained: None = None
    device: str = "cpu"
    precision: str = "fp32"
    clip: str = field(default="none", init=False)

    def runs(self) -> list[Cell]:
        return [Cell(label, task) for task in self.tasks for label in self.labels]

    def jobs(self) -> list[tuple[Cell, int]]:
        return [(run, seed) for seed in self.seeds for run in self.runs()]

    def digest(self, run: Cell) -> str:
        return sha256(f"{self.settings} {run.content}".encode()).hexdigest()[:12]

    def to_dict(self) -> dict:
        return {"labels": self.labels, "seeds": self.seeds}

    def check_data(self) -> None:
        pass


class Obedient:
    """Notes each run in a file of its own, "label seed process number", and then does what its label begins with.

    "waits N": sleeps so many seconds, or until there is a file "go on".   "holds": has no other end than that.
    "raises": ValueError.   "raises once", "killed", "killed once", "exits": as they say.
    """

    def __init__(self, setup):
        self.folder = Path(setup.root)
        self.lock = multiprocessing.Lock()  # such as a progress bar's, which outlives a process that is killed
        (self.folder / f"process {os.getpid()}").touch()

    def __call__(self, run: dict, seed: int) -> list[dict]:
        label = run["label"]
        before = len(list(self.folder.glob(f"{label} {seed} *")))
        note = self.folder / f"{label} {seed} {run['task']} {os.getpid()} {time.monotonic_ns()}"
        note.touch()
        seconds = float(label.split()[1]) if label.startswith("waits") else 1e9 * label.startswith("holds")
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (self.folder / "go on").exists():
            time.sleep(0.02)
        again = "once" not in label or not before
        if label.startswith("raises") and again:
            raise ValueError("it was\ntoo much")
        if label.startswith("killed") and again:
            os.kill(os.getpid(), signal.SIGKILL)
        if label.startswith("exits") and again:
            os._exit(7)
        return rows(run["shots"] * 10.0 + seed)


class Unwilling:
    def __init__(self, setup):
        raise ValueError("unknown model 'none'")


class Dying:
    def __init__(self, setup):
        os._exit(3)


def rows(accuracy: float, *on: str) -> list[dict]:
    cost = {"accuracy": accuracy, "n_parameters": 5, "seconds": 0.5, "peak_mib": float("nan")}
    return [{"on": name, **cost} for name in on or ("test",)]


def ran(folder: Path) -> list[str]:
    """ "label seed" of everything that workers began."""
    names = (path.name for path in folder.iterdir())
    return sorted(" ".join(name.split(" task ")[0].split()) for name in names if " task " in name)


def until(true, seconds: float = 300) -> None:
    """Waits for something that comes about soon, on a busy machine a little later."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def main(file: str, folder: str, seconds: str) -> None:
    from lessons_lib.runs import Store, run

    plan = Plan([f"waits {seconds}"], folder, seeds=tuple(range(8)))
    with Store(file) as store:
        summary = run(plan, store, processes=2, progress=False, make_worker=Obedient)
        print(json.dumps(summary._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
