"""Where every second of a step goes: `python benchmarks/floor.py`

For each method and phase (a training step, an evaluation) of ViT-B/16's shapes, three numbers, of one run:

arithmetic    each matrix product, convolution and fused attention that the step does, counted as it is done
floor         the seconds that those take one by one, each timed by itself on tensors of its own shape and layout, as
              fast as this machine did it in the best of several tries: what is left if nothing else cost anything
taken         the median time of the step; and what torch's profiler says of the rest: softmax, norms and activations,
              copies, sums and other steps over elements, and what no operation accounts for (Python, allocation)

Written with machine, versions and settings to benchmarks/results/floor.json and .png. A product that two layouts make
slower than another counts as slow as it is: the floor is of these products, not of the best that could be found.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from adapters import Step as DaptStep
from measuring import ROOT, machine, median_seconds, save_figure, seconds, write_record
from prompt_learning import METHODS, MODEL, PHASES, Case, make_clip
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

RESULT = ROOT / "benchmarks" / "results" / "floor.json"
PRODUCTS = {
    "mm", "addmm", "bmm", "baddbmm", "convolution", "convolution_backward",
    "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_for_cpu_backward",
}  # fmt: skip
KINDS = {  # of what the profiler names, by what its name holds; the first that fits
    "products": ("mm", "convolution", "conv", "flash_attention", "linear", "matmul"),
    "softmax": ("softmax",),
    "norms and activations": ("layer_norm", "gelu", "sigmoid", "norm", "relu", "silu"),
    "copies": ("copy", "cat", "stack", "clone", "index", "gather", "scatter", "fill", "zero_", "to_", "contiguous"),
}
REST, NOBODY = "over elements", "no operation"


class Counted(TorchDispatchMode):
    """Counts the products that are done inside it: what was asked for, of which tensors -> how often."""

    def __init__(self):
        super().__init__()
        self.found: Counter = Counter()
        self.calls: dict[tuple, tuple] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in PRODUCTS:
            key = (func, *map(_told, args), *((name, _told(value)) for name, value in sorted((kwargs or {}).items())))
            self.found[key] += 1
            if key not in self.calls:
                self.calls[key] = (func, [_outline(value) for value in args], kwargs or {})
        return func(*args, **(kwargs or {}))


def _told(value: object) -> object:
    if isinstance(value, Tensor):
        return ("tensor", tuple(value.shape), value.stride(), str(value.dtype))
    return tuple(map(_told, value)) if isinstance(value, list | tuple) else value


def _outline(value: object, device: str = "meta") -> object:
    """A tensor of the same shape, layout and type, on "meta" without any memory; anything else as it is."""
    if isinstance(value, Tensor):
        made = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=device)
        return made.normal_() if value.is_floating_point() else made.zero_()
    return value


def arithmetic(key: tuple) -> float:
    """Floating-point operations of one product, two for a multiplication with its sum; attention: its two products,
    backward five."""
    name = key[0].overloadpacket.__name__
    shapes = [each[1] for each in key[1:] if isinstance(each, tuple) and each[:1] == ("tensor",)]
    if name in ("mm", "bmm"):
        first, second = shapes
        return 2.0 * math.prod(first) * second[-1]
    if name in ("addmm", "baddbmm"):
        _, first, second = shapes
        return 2.0 * math.prod(first) * second[-1]
    if "attention" in name:
        backward = name.endswith("backward")
        q, k = shapes[1:3] if backward else shapes[:2]
        return (5 if backward else 2) * 2.0 * math.prod(q) * k[-2]
    if name == "convolution_backward":
        grad, _, weight = shapes[:3]
        return 2 * 2.0 * math.prod(grad) * math.prod(weight[1:])
    image, weight = shapes[:2]
    stride = key[4]
    out = [-(-(side - kernel + 1) // step) for side, kernel, step in zip(image[2:], weight[2:], stride)]
    return 2.0 * image[0] * math.prod(weight) * math.prod(out)


def best_seconds(call: tuple, tries: int) -> float:
    """Of one product by itself, on fresh tensors of its own kind."""
    func, args, kwargs = call
    given = [_outline(value, "cpu") for value in args]
    with torch.no_grad():
        return min(seconds(lambda: func(*given, **kwargs)) for _ in range(tries))


def account(work: Callable[[], object], *, repeats: int, tries: int) -> dict:
    """GFLOP, seconds taken, the floor, and where the profiler's seconds go."""
    work()
    with Counted() as counted:
        work()
    flops = sum(arithmetic(key) * count for key, count in counted.found.items())
    floor = sum(best_seconds(counted.calls[key], tries) * count for key, count in counted.found.items())
    counted.calls.clear()
    taken = median_seconds(work, repeats=repeats)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        whole = seconds(work)
    where = dict.fromkeys([*KINDS, REST], 0.0)
    for event in profiled.key_averages():
        if event.key.startswith("aten::"):
            where[kind_of(event.key)] += event.self_cpu_time_total / 1e6
    where[NOBODY] = max(whole - sum(where.values()), 0.0)
    return {
        "gflop": flops / 1e9,
        "products": sum(counted.found.values()),
        "floor_seconds": floor,
        "taken_seconds": taken,
        "share_of_floor": floor / taken,
        "gflops_a_second": {"floor": flops / floor / 1e9, "taken": flops / taken / 1e9},
        "profiled": {name: value * taken / whole for name, value in where.items()},
    }


def kind_of(name: str) -> str:
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), REST)


def works(model: str, method: str, classes: int, precision: str) -> dict[str, tuple[Callable[[], object], int]]:
    """Phase -> what to run, and the pictures in it."""
    if method == "dapt":
        step = DaptStep(model, classes, 32, "cpu")
        return {"step": (step.library, 32)}
    case = Case(make_clip(model, "cpu", precision), method, classes)
    return {phase: (case.work("library", phase), len(case.images)) for phase in PHASES}


def draw(rows: list[dict], path: Path) -> None:
    """Bars of a step's seconds by what they went to, as shares of the time taken, the floor as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#949494")
    figure, ax = plt.subplots(figsize=(8, 0.42 * len(rows) + 1.6))
    for y, row in enumerate(rows):
        left = 0.0
        for colour, (kind, value) in zip(colours, row["profiled"].items()):
            share = 100 * value / row["taken_seconds"]
            ax.barh(y, share, left=left, color=colour, edgecolor="white", label=None if y else kind)
            left += share
        at = 100 * row["share_of_floor"]
        ax.plot([at, at], [y - 0.45, y + 0.45], color="black", lw=2.5, label=None if y else "floor")
    ax.set_yticks(range(len(rows)), [f"{r['method']}, {r['phase']}, {r['precision']}: {r['taken_seconds']:.2f} s"
                                     for r in rows], fontsize=9)  # fmt: skip
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="% of the time taken")
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.12 - 0.6 / len(rows)), ncols=4, fontsize=8, frameon=False)
    save_figure(figure, path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=MODEL, help="an architecture of open_clip, or a JSON file with one")
    parser.add_argument("--methods", nargs="+", choices=[*METHODS, "dapt"], default=[*METHODS, "dapt"])
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["fp32"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tries", type=int, default=5, help="of each product by itself")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args(arguments)
    on, rows = machine(), []
    for precision in args.precisions:
        for method in args.methods:
            if method == "dapt" and precision != "fp32":
                continue
            for phase, (work, batch) in works(args.model, method, args.classes, precision).items():
                found = account(work, repeats=args.repeats, tries=args.tries)
                rows.append({"method": method, "phase": phase, "precision": precision, "batch": batch,
                             "classes": args.classes} | found)  # fmt: skip
                rate = found["gflops_a_second"]
                took = f"{100 * found['share_of_floor']:.0f} % of the {found['taken_seconds']:.3f} s taken"
                print(f"{method:7} {phase:10} {precision}: {found['gflop']:8.1f} GFLOP at {rate['floor']:.0f} GFLOP/s: "
                      f"the floor, {found['floor_seconds']:.3f} s, is {took}", flush=True)  # fmt: skip
    settings = {"model": Path(args.model).name, "weights": "random", "repeats": args.repeats, "tries": args.tries,
                "statistic": "median; of single products the best"}  # fmt: skip
    write_record(args.out, on, settings, {"rows": rows})
    draw(rows, args.out.with_suffix(".png"))
    print(f"written to {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
