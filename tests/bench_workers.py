"""Work that needs no torch, and so starts in tenths of a second: it does as labels say.

As a script, `bench_workers.py FILE FOLDER SECONDS` runs a plan of eight runs that each take so long.
"""

import json
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from lessons_lib.runs import Place, Plan, Result, Row, Work


@dataclass(frozen=True)
class Order:
    label: str
    task: str = "task"
    seed: int = 1


@dataclass
class Obedient(Work):
    """Notes each run in a file of its own, "label seed task process number", and does what its label begins with.

    "waits N": sleeps so many seconds, or until there is a file "go on".   "holds": has no other end than that.
    "raises": ValueError.   "raises once", "killed", "killed once", "exits": as they say.
    folder: of the notes.   settings: anything, which is part of what is to be done.
    """

    folder: str = ""
    settings: str = "a"
    kind = "an order"

    def identity(self, cell: Order) -> dict:
        return {"label": cell.label, "task": cell.task, "seed": cell.seed, "settings": self.settings}

    def shares(self, cell: Order) -> str:
        return cell.task

    def unit(self, metric: str) -> str:
        return "%"

    def start(self, place: Place) -> None:
        self.lock = multiprocessing.Lock()  # such as a progress bar's, which outlives a process that is killed
        (Path(self.folder) / f"process {os.getpid()}").touch()

    def carry_out(self, cell: Order) -> Result:
        folder, label = Path(self.folder), cell.label
        before = len(list(folder.glob(f"{label} {cell.seed} *")))
        (folder / f"{label} {cell.seed} {cell.task} {os.getpid()} {time.monotonic_ns()}").touch()
        seconds = float(label.split()[1]) if label.startswith("waits") else 1e9 * label.startswith("holds")
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (folder / "go on").exists():
            time.sleep(0.02)
        again = "once" not in label or not before
        if label.startswith("raises") and again:
            raise ValueError("it was\ntoo much")
        if label.startswith("killed") and again:
            os.kill(os.getpid(), signal.SIGKILL)
        if label.startswith("exits") and again:
            os._exit(7)
        return result(10.0 + cell.seed)


class Stubborn(Obedient):
    """What it raised it would raise again."""

    def may_pass(self, error: Exception) -> bool:
        return False


class Unwilling(Obedient):
    def start(self, place: Place) -> None:
        raise ValueError("unknown model 'none'")


class Dying(Obedient):
    def start(self, place: Place) -> None:
        os._exit(3)


class Tidy(Obedient):
    """Needs half a second to tidy up, and notes that it began, and that it did."""

    def start(self, place: Place) -> None:
        multiprocessing.util.Finalize(None, self.tidy_up, exitpriority=0)
        super().start(place)

    def tidy_up(self) -> None:
        (Path(self.folder) / "tidying up").touch()
        time.sleep(0.5)
        (Path(self.folder) / "tidied up").touch()


def orders(labels: list[str], folder: str, *, seeds=(1,), tasks=("task",), settings="a", kind=Obedient) -> Plan:
    """Seed by seed, task by task."""
    cells = [Order(label, task, seed) for seed in seeds for task in tasks for label in labels]
    about = {"labels": labels, "seeds": list(seeds), "settings": settings}
    return Plan(kind(folder, settings), cells, about)


def result(accuracy: float, *on: str) -> Result:
    return Result([Row(name, "accuracy", accuracy) for name in on or ("test",)], 5, 0.5, float("nan"))


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

    with Store(file) as store:
        summary = run(orders([f"waits {seconds}"], folder, seeds=range(8)), store, processes=2, progress=False)
        print(json.dumps(summary._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
