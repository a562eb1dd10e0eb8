"""Runs of a long sweep: what each cost in memory, and a table of those that are done."""

import ctypes
import gc
from pathlib import Path

import pandas as pd
import torch

from lessons_lib.files import atomic_write

KEY = ["protocol", "method", "task", "shots", "seed", "settings"]  # what tells one run from another


class PeakMemory:
    """The most memory, above what was held before, that was held within a `with`: MiB, or NaN where unknown.

    On a CPU it is told on Linux alone.
    """

    def __init__(self, device: torch.device):
        self.device, self.mib = device, float("nan")

    def __enter__(self) -> "PeakMemory":
        gc.collect()  # or what is freed meanwhile would hide what is taken
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self.before = torch.cuda.memory_allocated(self.device)
        else:
            give_back_freed_memory()
            try:
                Path("/proc/self/clear_refs").write_text("5")  # Linux: starts the peak anew
                self.before = _status_kib("VmRSS")
            except OSError:
                self.before = None
        return self

    def __exit__(self, *_) -> None:
        if self.device.type == "cuda":
            self.mib = (torch.cuda.max_memory_allocated(self.device) - self.before) / 2**20
        elif self.before is not None:
            self.mib = max(0.0, (_status_kib("VmHWM") - self.before) / 2**10)


def give_back_freed_memory() -> None:
    """What has been freed goes back to the system, where the C library can (glibc); else it would be room for what
    comes, and not seen to be taken."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass


def _status_kib(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


class Kept:
    """The rows of runs that are done, in a CSV file that is always whole; in memory alone where the path is None.

    One process writes to one file.
    """

    def __init__(self, path: str | Path | None):
        self.path = None if path is None else Path(path)
        self.table = pd.DataFrame(columns=KEY)
        if self.path is not None and self.path.exists():
            try:
                self.table = pd.read_csv(self.path, dtype={"settings": str})
                self.table[[*KEY, "on", "accuracy"]]
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
