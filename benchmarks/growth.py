"""How the cost grows: `python benchmarks/growth.py`

Seconds and memory of a training step and of an evaluation of ViT-B/16's shapes, one thing at a time made larger: the
classes, the images of a batch, the context, the image tower; and how long a sweep of ToyCLIP takes by the processes it
has. Of each line: the exponent, which is the slope between the logarithms of its last two points, and the straight line
a + b · x through all of them. A point that would take longer than --limit, as the one before foretells, is left out.

Steps are counted in seconds of one core (of a process's own processor time, so that other work on the machine hardly
counts), sweeps on the clock. Everything goes to benchmarks/results/growth.json and .png.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from measuring import ROOT, can_measure_memory, machine, peak_bytes, save_figure, write_record
from prompt_learning import GIB, MODEL, PHASES, Case, make_clip

RESULT = ROOT / "benchmarks" / "results" / "growth.json"
LEARNED = ("coop", "cocoop", "vpt", "maple")
TOWERS = {"ViT-B-32-quickgelu": 50, "ViT-B-16-quickgelu": 197, "ViT-L-14-quickgelu": 257}  # and their rows
SWEEP = ["--methods", "CoOp", "--tasks", "toy_pets", "--shots", "4", "--seeds", *map(str, range(1, 17))]
SWEEP += ["--fit", "CoOp.epochs=20", "--device", "cpu"]


class Point(NamedTuple):
    """One measurement's settings.   axis: what is made larger, to x."""

    axis: str
    x: int
    method: str
    model: str = MODEL
    classes: int = 100
    batch: int | None = None
    n_ctx: int | None = None

    def case(self) -> Case:
        settings = {} if self.n_ctx is None else {"n_ctx": self.n_ctx}
        return Case(make_clip(self.model, "cpu", "fp32"), self.method, self.classes, self.batch, **settings)


def lines(model: str, quick: bool) -> Iterator[list[Point]]:
    """Points of a line, the smallest first."""
    classes, batches, lengths = ((3, 6), (1, 2), (1, 2)) if quick else (
        (10, 30, 100, 300, 1000, 3000, 10000), (1, 4, 16, 64), (1, 4, 16, 40))  # fmt: skip
    for method in LEARNED:
        yield [Point("classes", n, method, model, classes=n) for n in classes]
        yield [Point("batch", n, method, model, classes=min(100, classes[-1]), batch=n) for n in batches]
    yield [Point("context", n, "coop", model, classes=min(100, classes[-1]), n_ctx=n) for n in lengths]
    if not quick:
        for method in ("vpt", "maple"):
            yield [Point("rows of the image", rows, method, name) for name, rows in TOWERS.items()]


def measure(points: list[Point], phase: str, limit: float, repeats: int, memory: bool) -> list[dict]:
    """A row a point; no more of the line after one that takes too long."""
    rows: list[dict] = []
    for point in points:
        if rows and rows[-1]["seconds"] * point.x / rows[-1]["x"] > limit:
            break
        work = point.case().work("library", phase)
        work()
        taken = []
        for _ in range(repeats):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
        row = {"axis": point.axis, "method": point.method, "phase": phase, "x": point.x, "seconds": min(taken)}
        rows.append(row | {"gib": peak(point, phase) if memory else None})
        print(f"{point.axis} {point.x}, {point.method}, {phase}: {row['seconds']:.3f} s", flush=True)
    return rows


def peak(point: Point, phase: str) -> float:
    """GiB above the model, in a process of its own."""
    command = [sys.executable, __file__, "--peak-of", json.dumps([*point]), phase]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def sweeps(counts: list[int]) -> list[dict]:
    """Seconds on the clock by processes, features at hand."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (counts[0], *counts):  # the first one makes the features, and is not counted
            command = [sys.executable, "-m", "lessons_lib.cli", "bench", *SWEEP, "--processes", str(count)]
            start = time.perf_counter()
            path = Path(folder) / f"{len(rows)} {count} {start}.sqlite"
            subprocess.run([*command, "--store", str(path)], check=True, capture_output=True, cwd=ROOT)
            rows.append({"axis": "processes", "method": "sweep", "phase": "whole", "x": count, "gib": None,
                         "seconds": time.perf_counter() - start})  # fmt: skip
    return rows[1:]


def fitted(rows: list[dict]) -> list[dict]:
    """Of each line with two points and more: exponent, a and b of its seconds and of its memory."""
    found = []
    keys = list(dict.fromkeys((row["axis"], row["method"], row["phase"]) for row in rows))
    for key in keys:
        own = [row for row in rows if (row["axis"], row["method"], row["phase"]) == key]
        for what in ("seconds", "gib"):
            points = [(row["x"], row[what]) for row in own if row[what]]
            if len(points) > 1:
                x, y = np.array(points, dtype=float).T
                b, a = np.polyfit(x, y, 1, w=1 / y)  # each point counts by its own size
                slope = float(np.log(y[-1] / y[-2]) / np.log(x[-1] / x[-2]))
                about = dict(zip(("axis", "method", "phase"), key))
                found.append(about | {"what": what, "exponent": slope, "a": float(a), "b": float(b), "points": len(x)})
    return found


def draw(rows: list[dict], path: Path) -> None:
    """Seconds above, GiB below, a column an axis, of a step; both scales logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    styles = dict(zip((*LEARNED, "sweep"), zip(("#0173b2", "#de8f05", "#029e73", "#d55e00", "#949494"), "os^Dv")))
    axes_of = list(dict.fromkeys(row["axis"] for row in rows))
    figure, axes = plt.subplots(2, len(axes_of), figsize=(2.5 * len(axes_of), 5), squeeze=False)
    for column, axis in enumerate(axes_of):
        for what, ax in zip(("seconds", "gib"), axes[:, column]):
            for method, (colour, marker) in styles.items():
                own = [r for r in rows if (r["axis"], r["method"]) == (axis, method) and r["phase"] != "evaluation"]
                points = [(r["x"], r[what]) for r in own if r[what]]
                if points:
                    ax.plot(*zip(*points), color=colour, marker=marker, label=method)
            ax.set(xscale="log", yscale="log", xlabel=axis)
            ax.grid(alpha=0.3)
    axes[0, 0].set_ylabel("seconds a step")
    axes[1, 0].set_ylabel("GiB a step, above the model")
    axes[0, 0].legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=MODEL, help="an architecture of open_clip, or a JSON file with one")
    parser.add_argument("--limit", type=float, default=25, help="seconds that one run may take")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--processes", nargs="*", type=int, default=[1, 2, 4], help="of a sweep")
    parser.add_argument("--without-memory", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two small points a line")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--peak-of", nargs=2, help=argparse.SUPPRESS)
    args, before = parser.parse_args(arguments), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return grow(args)
    finally:
        torch.set_num_threads(before)


def grow(args: argparse.Namespace) -> int:
    if args.peak_of:
        point, phase = Point(*json.loads(args.peak_of[0])), args.peak_of[1]
        print(peak_bytes(point.case().work("library", phase), "cpu") / GIB)
        return 0

    on = machine()
    memory = not args.without_memory and can_measure_memory("cpu")
    settings = {"model": Path(args.model).name, "weights": "random", "threads": 1, "repeats": args.repeats,
                "statistic": "least processor time", "limit": args.limit, "sweep": SWEEP}  # fmt: skip
    rows: list[dict] = []
    for points in lines(args.model, args.quick):
        for phase in PHASES:
            rows += measure(points, phase, args.limit, args.repeats, memory)
            write_record(args.out, on, settings, {"rows": rows, "fits": fitted(rows)})  # what is measured is not lost
    rows += sweeps(args.processes) if args.processes else []
    write_record(args.out, on, settings, {"rows": rows, "fits": fitted(rows)})
    draw(rows, args.out.with_suffix(".png"))
    print(f"written to {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
