"""Time and memory of prompt learning, against the literal published computation: `python benchmarks/prompt_learning.py`

A training step (loss and gradients) and an evaluation of the same batch (its logits), by the library and by
tests/reference, on the same weights (drawn at random: nothing is downloaded) and the same images. Runs alternate, and
medians are reported. Where the frozen image tower's features do not change from step to step, the library has them at
hand, as in its fit; the published computation runs the tower. CoCoOp's takes the gradient image by image, which is the
same step in the memory of one. Peak memory on a CPU is measured in a process of its own for every case.

A published computation whose step would take longer than --limit, or more memory than there is, as fewer classes
foretell, is left out: null, with the reason. The results, with machine, versions and settings, go to
benchmarks/results/prompt_learning.json and .png, where cases that were measured before on the same machine, and are not
measured now, are kept: `--methods cocoop --classes 100` measures that one anew. The exit status is 1 when a target is
missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import open_clip
import psutil
import torch
import torch.nn.functional as F
from measuring import (
    ROOT,
    alternating,
    can_measure_memory,
    devices_here,
    machine,
    peak_bytes,
    same_as_before,
    save_figure,
    write_record,
)
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

import lessons_lib as ll
from lessons_lib.clip import Clip
from lessons_lib.clip.building import build
from lessons_lib.device import autocast, free_and_total, name_of

sys.path.insert(0, str(ROOT / "tests"))
from reference import cocoop, coop, ivlp, maple, vpt  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "prompt_learning.json"
MODEL = "ViT-B-16-quickgelu"
METHODS = {  # how to make it, images in a batch, and its published computation
    "coop": (ll.CoOp, {}, 32, coop.of_method),
    "cocoop": (ll.CoCoOp, {}, 8, cocoop.of_method),
    "maple": (ll.MaPLe, {}, 4, maple.of_method),
    "ivlp": (ll.IVLP, {}, 4, ivlp.of_method),
    "vpt": (ll.VPT, {"depth": "all"}, 4, vpt.of_method_with_its_texts),
}
SIDES, PHASES = ("library", "published"), ("step", "evaluation")
GIB = 2**30
SPEEDUPS = {"coop": 20, "cocoop": 15, "maple": 3}  # of a step at 100 classes, on a CPU in fp32
COOP_GIB = 4  # of a step of CoOp with 1000 classes, above the model


class Case:
    """One method for so many classes: its step and its evaluation, by the library and as published.

    batch: images; its own of `METHODS` by default.   settings: of the method, beside those.
    """

    def __init__(self, clip: Clip, method: str, classes: int, batch: int | None = None, **settings):
        kind, published, own, self.published_logits = METHODS[method]
        settings = published | settings
        batch = batch or own
        if "depth" in settings:
            settings = {"depth": clip.image_tower.layers}
        self.clip, self.name = clip, method
        self.method = kind(clip, **settings)
        self.method.set_classes(class_names(classes))
        draws = torch.Generator().manual_seed(1)
        self.images = torch.randn(batch, 3, clip.image_size, clip.image_size, generator=draws).to(clip.device)
        self.labels = torch.randint(classes, (batch,), generator=draws).to(clip.device)
        features = None if self.method.learns_from_pixels else clip.encode_images(self.images).clone()
        self.inputs = self.images if features is None else features

    def work(self, side: str, phase: str) -> Callable[[], object]:
        return getattr(self, f"{side}_{phase}")

    def library_step(self) -> None:
        self.method.zero_grad(set_to_none=True)
        self.method.loss(self.inputs, self.labels).backward()

    @torch.no_grad()
    def library_evaluation(self) -> Tensor:
        features = self.method.image_features(self.inputs) if self.method.learns_from_pixels else self.inputs
        return self.method.compare(features)

    def published_step(self) -> None:
        self.method.zero_grad(set_to_none=True)
        at_once = 1 if self.name == "cocoop" else len(self.images)
        for images, labels in zip(self.images.split(at_once), self.labels.split(at_once)):
            loss = F.cross_entropy(self._published(images).float(), labels, reduction="sum") / len(self.images)
            loss.backward()

    @torch.no_grad()
    def published_evaluation(self) -> Tensor:
        return self._published(self.images)

    def _published(self, images: Tensor) -> Tensor:
        with autocast(self.clip.device, self.clip.precision):
            return self.published_logits(self.method, images)


def class_names(count: int) -> list[str]:
    """ImageNet's; the two that open_clip says twice are told apart by a number."""
    names = open_clip.IMAGENET_CLASSNAMES
    return [name if name not in names[:i] else f"{name} 2" for i, name in enumerate(names)][:count]


def make_clip(model: str, device: str, precision: str) -> Clip:
    """model: an architecture of open_clip, or a JSON file with its configuration; the weights are drawn from a seed."""
    cfg = json.loads(Path(model).read_text()) if model.endswith(".json") else open_clip.get_model_config(model)
    torch.manual_seed(0)
    tokenizer = SimpleTokenizer(context_length=cfg["text_cfg"].get("context_length", 77))
    return Clip(build(cfg), tokenizer, name=model, model_cfg=cfg, device=device, precision=precision)


def measure(args: argparse.Namespace, device: str, method: str) -> list[dict]:
    """A row for every number of classes and phase: median seconds and peak GiB of both sides, None where left out."""
    clip = make_clip(args.model, device, args.precision)
    rows: list[dict] = []
    for classes in sorted(args.classes):
        case = Case(clip, method, classes)
        for phase in PHASES:
            before = next((row for row in reversed(rows) if row["phase"] == phase), None)
            reason = None if before is None else too_much(before, classes, args.limit, device)
            sides = [side for side in SIDES if side == "library" or reason is None]
            times = alternating({side: case.work(side, phase) for side in sides}, repeats=args.repeats, device=device)
            row = {"method": method, "device": device, "classes": classes, "phase": phase, "batch": len(case.images)}
            for side in SIDES:
                row[f"{side}_seconds"] = statistics.median(times[side]) if side in times else None
                row[f"{side}_runs"] = times.get(side)
                row[f"{side}_gib"] = peak(args, case, phase, side) if side in times else None
            if reason is not None:
                row["left_out"] = reason
            else:
                row["speedup"] = row["published_seconds"] / row["library_seconds"]
            rows.append(row)
            print(in_words(row), flush=True)
    return rows


def too_much(before: dict, classes: int, limit: float, device: str) -> str | None:
    """Why the published computation is left out, judged by a row of fewer classes: time and memory grow with them."""
    if before["published_seconds"] is None:
        return before["left_out"]
    more = 1 if before["method"] == "vpt" else classes / before["classes"]  # VPT's texts are computed once
    time = before["published_seconds"] * more
    if time > limit:
        return f"one run would take about {time:.0f} s, by {before['classes']} classes; the limit is {limit:.0f} s"
    room = psutil.virtual_memory().available if device == "cpu" else free_and_total(device)[0]
    need = (before["published_gib"] or 0) * more
    if need > 0.8 * room / GIB:
        return f"it would need about {need:.0f} GiB, by {before['classes']} classes; {room / GIB:.0f} GiB are free"
    return None


def peak(args: argparse.Namespace, case: Case, phase: str, side: str) -> float | None:
    """GiB that one run needs above the model and its inputs."""
    if not can_measure_memory(case.clip.device.type):
        return None
    if case.clip.device.type != "cpu":
        case.method.zero_grad(set_to_none=True)
        return peak_bytes(case.work(side, phase), case.clip.device.type) / GIB
    one = [case.name, str(len(case.method.classnames)), phase, side]
    command = [sys.executable, __file__, "--model", args.model, "--precision", args.precision, "--peak-of", *one]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"measuring the memory of {' '.join(one)} failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def peak_of(args: argparse.Namespace) -> float:
    """In the process of its own: GiB of the very first run, when nothing is left from others."""
    method, classes, phase, side = args.peak_of
    case = Case(make_clip(args.model, "cpu", args.precision), method, int(classes))
    return peak_bytes(case.work(side, phase), "cpu") / GIB


def judge(rows: list[dict]) -> list[dict]:
    """The targets whose cases are among the rows; one whose published side was left out counts as missed."""
    steps = {(r["method"], r["classes"]): r for r in rows if r["device"] == "cpu" and r["phase"] == "step"}
    targets = []
    for method, least in SPEEDUPS.items():
        if (method, 100) in steps:
            found = steps[method, 100].get("speedup")
            what = f"{method}, 100 classes: times as fast as published"
            targets.append({"what": what, "measured": found, "target": least, "met": bool(found and found >= least)})
    if ("coop", 1000) in steps:
        found = steps["coop", 1000]["library_gib"]
        met = found is not None and found < COOP_GIB
        what = "coop, 1000 classes: GiB above the model"
        targets.append({"what": what, "measured": found, "target": COOP_GIB, "met": met})
    return targets


def with_earlier(rows: list[dict], path: Path, on: dict, settings: dict) -> list[dict]:
    """These rows, and those of cases not among them that `path` has, of this machine, these versions, settings."""
    record = json.loads(path.read_text()) if path.exists() else {}
    if not same_as_before(record, on, settings):
        return rows

    def case(row: dict) -> tuple:
        return row["device"], list(METHODS).index(row["method"]), row["classes"], PHASES.index(row["phase"])

    return sorted(({case(row): row for row in record["rows"]} | {case(row): row for row in rows}).values(), key=case)


def in_words(row: dict) -> str:
    def cell(side: str) -> str:
        time, memory = row[f"{side}_seconds"], row[f"{side}_gib"]
        if time is None:
            return f"{side} left out"
        return f"{side} {time:8.3f} s" + ("" if memory is None else f" {memory:6.2f} GiB")

    head = f"{row['device']:5}{row['method']:8}{row['classes']:5} classes  {row['phase']:11}"
    return f"{head}{cell('library')}   {cell('published')}   " + (
        f"{row['speedup']:.1f} times" if "speedup" in row else row.get("left_out", "")
    )


def draw(rows: list[dict], path: Path) -> None:
    """Seconds and GiB of a step over the number of classes, a column a method, the first device that was measured."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    device = rows[0]["device"]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure, axes = plt.subplots(
        2, len(methods), figsize=(2.6 * len(methods) + 1, 5), sharex=True, sharey="row", squeeze=False
    )
    for column, method in enumerate(methods):
        steps = [r for r in rows if (r["method"], r["device"], r["phase"]) == (method, device, "step")]
        for (side, colour, marker), (row, quantity) in (
            (style, place)
            for style in (("library", "#0072B2", "o"), ("published", "#D55E00", "s"))
            for place in enumerate(("seconds", "gib"))
        ):
            points = [(r["classes"], r[f"{side}_{quantity}"]) for r in steps if r[f"{side}_{quantity}"] is not None]
            if points:
                axes[row, column].plot(*zip(*points), color=colour, marker=marker, label=side)
        axes[0, column].set_title(f"{method}, batch {steps[0]['batch']}")
        axes[1, column].set_xlabel("classes")
        for axis in axes[:, column]:
            axis.set(xscale="log", yscale="log")
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("seconds a step")
    axes[1, 0].set_ylabel("GiB a step, above the model")
    axes[0, 0].legend(frameon=False)
    figure.suptitle(f"A training step on {device}: the library and the literal published computation")
    save_figure(figure, path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure prompt learning against the literal published computation.")
    parser.add_argument(
        "--model", default=MODEL, help="an architecture of open_clip, or a JSON file that describes one"
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--classes", nargs="+", type=int, default=[10, 100, 1000])
    parser.add_argument("--devices", nargs="+", choices=devices_here(), default=devices_here())
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=150, help="seconds that one published run may take")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--peak-of", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak_of:
        print(peak_of(args))
        return 0

    on = machine()
    if args.devices != ["cpu"]:
        on["gpu"] = name_of(args.devices[-1])
    settings = {
        "model": Path(args.model).name,
        "weights": "random",
        "precision": args.precision,
        "repeats": args.repeats,
        "statistic": "median of alternating runs, after one of each that is not counted",
        "memory": "peak above model and inputs: of a process of its own (cpu), of torch's allocator (cuda)",
    }
    rows = [row for device in args.devices for method in args.methods for row in measure(args, device, method)]
    rows = with_earlier(rows, args.out, on, settings)
    targets = judge(rows) if args.model == MODEL and args.precision == "fp32" else []
    write_record(args.out, on, settings, {"targets": targets, "rows": rows})
    draw(rows, args.out.with_suffix(".png"))
    for row in targets:
        found = "not measured" if row["measured"] is None else f"{row['measured']:.2f}"
        print(f"{'met ' if row['met'] else 'MISSED'}  {row['what']:50} {found:>12}   target {row['target']}")
    print(f"written to {args.out}")
    return 0 if all(row["met"] for row in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
