"""Measure what the course promises about speed: `python benchmarks/targets.py`

Drawing by ToyWorld, encoding by ToyCLIP (on the CPU, in fp32 and in the precision that "auto" chooses), and the time
that `import lessons_lib` adds to importing torch and open_clip. Every number is a median; measure on a quiet machine.
They are written with the machine, versions and settings to benchmarks/results/targets.json; the exit status is 1 when
a target is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

import torch
from measuring import ROOT, machine, median_seconds, write_record

import lessons_lib as ll
from lessons_lib import toyworld

RESULT = ROOT / "benchmarks" / "results" / "targets.json"

IMPORTS = """
import time
import torch, open_clip
start = time.perf_counter()
import lessons_lib
bare = time.perf_counter() - start
for name in lessons_lib.__all__:
    getattr(lessons_lib, name)
print(bare, time.perf_counter() - start)
"""


def drawing(*, repeats: int) -> float:
    """Images a second, over the validation images of every task: choosing what to draw, and drawing it."""
    counts = []

    def draw() -> None:
        scenes = (toyworld.draw_scenes(task, split="val")[0] for task in toyworld.TASKS)
        counts.append(sum(len(chosen.render()) for chosen in scenes))

    seconds = median_seconds(draw, repeats=repeats)
    return counts[0] / seconds


def encoding(*, precision: str, count: int, repeats: int) -> dict[str, str | float]:
    """Images and texts a second; the images are ready as tensors, the texts are captions of the default template."""
    clip = ll.load_clip("toyclip", device="cpu", precision=precision, verbose=False)
    images = torch.rand(count, 3, clip.image_size, clip.image_size)
    names = [name for task in toyworld.TASKS.values() for name in task.classnames]
    texts = [f"a photo of a {names[i % len(names)]}." for i in range(count)]
    return {
        "precision": clip.precision,
        "images_a_second": count / median_seconds(lambda: clip.encode_images(images), repeats=repeats),
        "texts_a_second": count / median_seconds(lambda: clip.encode_texts(texts), repeats=repeats),
    }


def importing(*, repeats: int) -> tuple[float, float]:
    """Seconds that `import lessons_lib` adds, and seconds until every public name is there; in fresh processes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    runs = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS], env=environment, check=True, capture_output=True, text=True
        )
        runs.append([float(word) for word in done.stdout.split()])
    return tuple(statistics.median(column) for column in zip(*runs))


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure drawing, encoding and import against their targets.")
    parser.add_argument("--images", type=int, default=1024, help="images and texts encoded in each run")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()

    on = machine()
    bare, complete = importing(repeats=args.repeats)
    drawn = drawing(repeats=args.repeats)
    encoded = {p: encoding(precision=p, count=args.images, repeats=args.repeats) for p in ("auto", "fp32")}
    rows = [  # what, measured, target, whether more is better
        ("images drawn a second", drawn, 2000, True),
        ("images encoded a second", encoded["auto"]["images_a_second"], 500, True),
        ("texts encoded a second", encoded["auto"]["texts_a_second"], 500, True),
        ("seconds to import lessons_lib", bare, 1.5, False),
        ("seconds to import all of its names", complete, 1.5, False),
    ]
    targets = [
        {
            "what": what,
            "measured": round(value, 4),
            "target": target,
            "met": value >= target if more else value <= target,
        }
        for what, value, target, more in rows
    ]
    settings = {"images": args.images, "repeats": args.repeats, "statistic": "median", "device": "cpu"}
    write_record(args.out, on, settings, {"targets": targets, "encoding": encoded})
    for row in targets:
        print(
            f"{'met ' if row['met'] else 'MISSED'}  {row['what']:36} {row['measured']:10.2f}   target {row['target']}"
        )
    print(f"written to {args.out}")
    return 0 if all(row["met"] for row in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
