"""Time of Tip-Adapter's grid and of a DAPT step, against the literal published computation:
`python benchmarks/adapters.py`

The grid: 200 β × 20 α on random embeddings of ImageNet's shape. The published loop computes everything anew for each of
the 4000 pairs, which would take hours: a few pairs are timed, in turn with the library's whole search, and the time of
all is 4000 times their median. The accuracies of these pairs are compared with the library's.
The step: loss and gradients of DAPT by the library and by tests/reference, on the same weights (random: nothing
is downloaded) and the same images. Runs alternate, and medians are reported. The results, with machine, versions and
settings, go to benchmarks/results/adapters.json; the exit status is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from measuring import ROOT, alternating, devices_here, machine, write_record
from prompt_learning import MODEL, class_names, make_clip
from torch import Tensor

import lessons_lib as ll
from lessons_lib.device import autocast, name_of
from lessons_lib.methods.parts.cache_search import search_alpha_beta

sys.path.insert(0, str(ROOT / "tests"))
from reference.dapt import dapt_loss  # noqa: E402
from reference.tip_adapter import combination  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "adapters.json"
WIDTH, SCALE = 512, 100.0  # of ViT-B/16
TARGETS = {"grid": 50, "dapt": 1.3}  # times as fast, on a CPU in fp32
FULL = {"grid": {"classes": 1000, "shots": 16, "images": 5000}, "dapt": {"classes": 100, "batch": 32}}


class Grid:
    """A search among embeddings that scatter about their class, so that neither term is always right."""

    def __init__(self, classes: int, shots: int, images: int, device: str, *, steps: tuple[int, int] = (200, 20)):
        draws = torch.Generator().manual_seed(0)
        centres = torch.randn(classes, WIDTH, generator=draws)

        def near(which: Tensor, spread: float) -> Tensor:
            noise = spread * torch.randn(len(which), WIDTH, generator=draws)
            return F.normalize(centres[which] + noise, dim=-1).to(device)

        key_labels = torch.arange(classes).repeat_interleave(shots)
        self.labels = torch.randint(classes, (images,), generator=draws)
        self.features, self.keys = near(self.labels, 3.0), near(key_labels, 3.0)
        self.texts = near(torch.arange(classes), 5.0)
        self.values = F.one_hot(key_labels, classes).float().to(device)
        self.labels = self.labels.to(device)
        self.betas, self.alphas = (0.1 + torch.arange(n) * (to - 0.1) / n for n, to in zip(steps, (7.0, 3.0)))
        self.found: Tensor | None = None

    def library(self) -> None:
        affinities, zero_shot = self.features @ self.keys.T, SCALE * self.features @ self.texts.T
        arguments = (affinities, self.values, zero_shot, self.labels, self.alphas, self.betas)
        self.found = search_alpha_beta(*arguments)[2]

    def published(self, b: int, a: int) -> float:
        pair = (float(self.alphas[a]), float(self.betas[b]))
        return combination(self.features, self.labels, self.keys, self.values, self.texts, SCALE, *pair)

    def disagreement(self, pairs: list[tuple[int, int]]) -> float:
        """The largest difference of accuracies, in images: rounding decides where two classes are as good as equal."""
        differences = [abs(self.published(b, a) - self.found[b, a].item()) for b, a in pairs]
        return max(differences) * len(self.labels) / 100


def measure_grid(args: argparse.Namespace, device: str) -> dict:
    grid = Grid(args.classes, args.shots, args.images, device, steps=tuple(args.steps))
    n_beta, n_alpha = args.steps
    pairs = [((2 * i + 1) * n_beta // (2 * args.pairs), i * n_alpha // args.pairs) for i in range(args.pairs)]
    works = {"library": grid.library, **{str(pair): lambda pair=pair: grid.published(*pair) for pair in pairs}}
    times = alternating(works, repeats=args.repeats, device=device)
    library = times.pop("library")
    a_pair = statistics.median(sum(times.values(), []))
    row = {
        "what": "grid",
        "device": device,
        "classes": args.classes,
        "shots": args.shots,
        "images": args.images,
        "steps": args.steps,
        "library_seconds": statistics.median(library),
        "library_runs": library,
        "published_seconds_a_pair": a_pair,
        "published_seconds": a_pair * n_beta * n_alpha,  # not run: so many times a pair
        "pairs_timed": pairs,
        "images_that_differ": grid.disagreement(pairs),
    }
    return {**row, "speedup": row["published_seconds"] / row["library_seconds"]}


class Step:
    """One training step of DAPT, both ways."""

    def __init__(self, model: str, classes: int, batch: int, device: str, precision: str = "fp32"):
        clip = make_clip(model, device, precision)
        self.method = ll.DAPT(clip)
        self.method.set_classes(class_names(classes))
        draws = torch.Generator().manual_seed(1)
        self.images = torch.randn(batch, 3, clip.image_size, clip.image_size, generator=draws).to(device)
        self.labels = torch.randint(classes, (batch,), generator=draws).to(device)
        self.method.prototypes = F.normalize(torch.randn(classes, clip.embed_dim, generator=draws), dim=1).to(device)

    def library(self) -> None:
        self.method.zero_grad(set_to_none=True)
        self.method.loss(self.images, self.labels).backward()

    def published(self) -> None:
        m = self.method
        m.zero_grad(set_to_none=True)
        learned = (m.ctx, m.visual_ctx, m.prototypes)
        with autocast(m.clip.device, m.clip.precision):
            betas = {"beta_t": m.beta_t, "beta_v": m.beta_v, "t": m.t}
            dapt_loss(m.clip, m.classnames, *learned, self.images, self.labels, **betas).backward()


def measure_step(args: argparse.Namespace, device: str) -> dict:
    step = Step(args.model, args.dapt_classes, args.batch, device)
    times = alternating({"library": step.library, "published": step.published}, repeats=args.repeats, device=device)
    row = {"what": "dapt", "device": device, "classes": args.dapt_classes, "batch": args.batch}
    for side, runs in times.items():
        row |= {f"{side}_seconds": statistics.median(runs), f"{side}_runs": runs}
    return {**row, "speedup": row["published_seconds"] / row["library_seconds"]}


def judge(rows: list[dict]) -> list[dict]:
    """The targets whose full-sized cases are among the rows, on a CPU."""
    targets = []
    for row in rows:
        full = FULL[row["what"]].items()
        if row["device"] == "cpu" and all(row[name] == size for name, size in full):
            least = TARGETS[row["what"]]
            what = f"{row['what']}, {', '.join(f'{size} {name}' for name, size in full)}: times as fast as published"
            targets.append({"what": what, "measured": row["speedup"], "target": least, "met": row["speedup"] >= least})
    return targets


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Measure Tip-Adapter's grid and DAPT against the published computation."
    )
    parser.add_argument("--only", choices=("grid", "dapt"), help="measure one of the two")
    parser.add_argument("--devices", nargs="+", choices=devices_here(), default=devices_here())
    parser.add_argument("--classes", type=int, default=FULL["grid"]["classes"], help="of the grid")
    parser.add_argument("--shots", type=int, default=FULL["grid"]["shots"])
    parser.add_argument("--images", type=int, default=FULL["grid"]["images"], help="for validation")
    parser.add_argument("--steps", type=int, nargs=2, default=[200, 20], help="values of beta and of alpha")
    parser.add_argument("--pairs", type=int, default=3, help="of beta and alpha that the published loop is timed on")
    parser.add_argument("--model", default=MODEL, help="of DAPT: an architecture of open_clip, or a JSON file")
    parser.add_argument("--dapt-classes", type=int, default=FULL["dapt"]["classes"])
    parser.add_argument("--batch", type=int, default=FULL["dapt"]["batch"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args(arguments)

    on = machine()
    if args.devices != ["cpu"]:
        on["gpu"] = name_of(args.devices[-1])
    rows = []
    for device in args.devices:
        for what, measure in (("grid", measure_grid), ("dapt", measure_step)):
            if args.only in (None, what):
                rows.append(measure(args, device))
                row = rows[-1]
                times = f"library {row['library_seconds']:.3f} s   published {row['published_seconds']:.3f} s"
                print(f"{device:5}{what:5} {times}   {row['speedup']:.1f} times", flush=True)
    targets = judge(rows) if args.model == MODEL and args.steps == [200, 20] else []
    settings = {
        "model": Path(args.model).name,
        "weights": "random",
        "precision": "fp32",
        "repeats": args.repeats,
        "statistic": "median of alternating runs, after one of each that is not counted; of the published grid, the "
        "median time of a pair times the number of pairs",
    }
    write_record(args.out, on, settings, {"targets": targets, "rows": rows})
    for row in targets:
        print(f"{'met ' if row['met'] else 'MISSED'}  {row['what']}: {row['measured']:.2f}, target {row['target']}")
    print(f"written to {args.out}")
    return 0 if all(row["met"] for row in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
