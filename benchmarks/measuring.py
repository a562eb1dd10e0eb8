"""What the benchmarks share: medians, peaks of memory, and the record of machine and versions."""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lessons_lib import device as on_device
from lessons_lib.device import accelerator, synchronize
from lessons_lib.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("torch", "torchvision", "open_clip_torch", "numpy")


def seconds(work: Callable[[], object], device: str = "cpu") -> float:
    """How long one run takes, a GPU's own work included."""
    synchronize(device)
    start = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - start


def median_seconds(work: Callable[[], object], *, repeats: int) -> float:
    """The median time of several runs, after one that is not counted."""
    work()
    return statistics.median(seconds(work) for _ in range(repeats))


def alternating(works: dict[str, Callable[[], object]], *, repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of several runs of each work, in turn, so that a change in the machine's pace meets all of them; one run
    of each before is not counted."""
    for work in works.values():
        work()
    times = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds(work, device))
    return times


def devices_here() -> list[str]:
    """The CPU, and the accelerator where there is one."""
    return ["cpu", *([here.type] if (here := accelerator()) else [])]


def peak_bytes(work: Callable[[], object], device: str) -> int:
    """How much memory one run needs above what is held before it: on a GPU as torch's allocator counts it, on a CPU as
    Linux counts the process's resident memory (its high-water mark, set back before the run)."""
    if counted := on_device.peak_bytes(device):
        before, most = counted
        work()
        return most() - before
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)  # or memory that was freed, but kept, would hide what is needed
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    work()
    return _resident("VmHWM") - before


def can_measure_memory(device: str) -> bool:
    """On a GPU, and on Linux."""
    return device != "cpu" or os.access("/proc/self/clear_refs", os.W_OK)


def _resident(what: str) -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what + ":")]
    return int(line.split()[1]) * 1024


def machine() -> dict:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,  # near 0 on a quiet machine
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in VERSIONS}


def same_as_before(record: dict, on: dict, settings: dict) -> bool:
    """Whether a record is of this machine, whatever its load, of these versions and settings."""
    here = {name: value for name, value in on.items() if name != "load_before"}
    if record.get("versions") != versions() or record.get("settings") != settings:
        return False
    return here.items() <= record["machine"].items()


def save_figure(figure: Figure, path: Path) -> None:
    """As PNG, whole or not at all; the figure is closed."""
    import matplotlib.pyplot as plt

    figure.tight_layout()
    atomic_write(path, lambda temporary: figure.savefig(temporary, dpi=100, format="png"))
    plt.close(figure)


def write_record(path: Path, on: dict, settings: dict, results: dict) -> None:
    """Date, machine, versions and settings with the results, as JSON, whole or not at all."""
    record = {"date": date.today().isoformat(), "machine": on, "versions": versions(), "settings": settings, **results}
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, (json.dumps(record, indent=1) + "\n").encode())
