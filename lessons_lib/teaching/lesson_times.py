"""How long each lesson takes here: recorded times, scaled by how fast this machine does a small, fixed piece of work.

lesson_times.json beside this file holds seconds and memory of each lesson and the probe's seconds on one machine. It is
written by `python data_scripts/course/run_course.py --record`.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lessons_lib.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

RECORD = Path(__file__).with_name("lesson_times.json")


def probe(*, repeats: int = 5) -> float:
    """Seconds for a fixed piece of work on the CPU, of the lessons' two kinds: a transformer layer's step, and drawing.

    The median of `repeats` runs, after one that does not count; well below a second in all.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = torch.nn.TransformerEncoderLayer(192, 3, 768, dropout=0.0, batch_first=True)
        tokens, pixels = torch.randn(16, 65, 192), torch.rand(8, 10, 64, 64)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        layer(tokens).square().mean().backward()
        for _ in range(4):
            pixels = torch.hypot(pixels - 0.5, pixels.flip(-1)).sub_(0.3).clamp_(0, 1)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def record(runs: Mapping[str, tuple[float, float, float]], *, path: Path = RECORD) -> None:
    """Keep how long lessons took. runs: lesson -> (seconds, peak GiB, the probe's seconds beside it).

    All times of the file are those of one machine, the first that recorded: what another one measured, or the same one
    when it was busy, is scaled to its speed. Lessons that are not among `runs` keep their place.
    """
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
    else:
        speed = statistics.median(probed for _, _, probed in runs.values())
        machine = f"{platform.system()}, {os.cpu_count()} cores, torch {torch.__version__}"
        content = {"machine": machine, "probe_seconds": round(speed, 4), "lessons": {}}
    content["date"] = date.today().isoformat()
    for name, (seconds, gib, probed) in runs.items():
        there = seconds * content["probe_seconds"] / probed
        content["lessons"][name] = {"seconds": round(there, 1), "peak_gib": round(gib, 2)}
    content["lessons"] = dict(sorted(content["lessons"].items()))
    order = ("date", "machine", "probe_seconds", "lessons")
    atomic_write(path, (json.dumps({key: content[key] for key in order}, indent=1) + "\n").encode())


def lesson_times(*, probe_seconds: float | None = None, path: Path = RECORD) -> "pd.DataFrame":
    """One row a lesson: about how long it takes on this machine's CPU, and how much memory.

    probe_seconds: this machine's speed, where it is known already. A GPU is faster than this says.
    """
    import pandas as pd

    content = json.loads(path.read_text(encoding="utf-8"))
    scale = (probe() if probe_seconds is None else probe_seconds) / content["probe_seconds"]
    rows = {
        name: {"takes about": spoken(run["seconds"] * scale), "memory": f"{run['peak_gib']:.1f} GiB"}
        for name, run in content["lessons"].items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("lesson")


def spoken(seconds: float) -> str:
    """A duration that claims no more than it knows: "20 s", "1 min 10 s", "12 min"."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 5 * 60:
        tens = round(seconds / 10)
        return f"{tens // 6} min" + (f" {tens % 6 * 10} s" if tens % 6 else "")
    return f"{round(seconds / 60)} min"
