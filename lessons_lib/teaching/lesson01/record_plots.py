"""Lesson 01's figures of what is on record: three objectives, more compute, and ToyCLIP's own pre-training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.look import PALETTE, REFERENCE, literal, look, panels, styled
from lessons_lib.metrics import summary
from lessons_lib.teaching.alt import describe

NARROW = 5.4  # inches: what is still read on a telephone


@styled()
def objectives(curves: pd.DataFrame) -> Axes:
    """Zero-shot accuracy by pairs seen, an objective a line, with 95 % bands over seeds. Returns the Axes."""
    figure, [ax] = panels(size=(NARROW, 3.4))
    rows = summary(curves, ("objective", "pairs"))
    for i, (objective, line) in enumerate(rows.groupby("objective", sort=False)):
        ax.plot(line.pairs, line["mean"], ms=4, label=literal(objective), **look(i).line)
        ax.fill_between(line.pairs, line["mean"] - line.half_width, line["mean"] + line.half_width,
                        color=look(i).colour, alpha=0.2, lw=0)  # fmt: skip
    ax.set(xlabel="pairs seen", ylabel="zero-shot accuracy (%)", ylim=(0, None))
    ax.set_title("One image tower, the same pairs, three things to learn")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.18), frameon=False, fontsize=8)
    return ax


PUBLISHED = (  # OpenAI's CLIPs as open_clip's maintainers measured them: GFLOP of one picture, ImageNet (%)
    ("RN50", 12.22, 59.82), ("RN101", 19.54, 62.28), ("RN50x4", 42.56, 66.27), ("RN50x16", 149.39, 70.72),
    ("RN50x64", 529.11, 73.91), ("B/32", 8.82, 63.32), ("B/16", 35.13, 68.34), ("L/14", 162.03, 75.54),
)  # fmt: skip


@styled()
def more_compute(toy: pd.DataFrame) -> Figure:
    """Zero-shot error by compute, both axes logarithmic: above of the toy models, as `recorded.scaling` gives them,
    below of OpenAI's. Returns the Figure."""
    figure, (up, down) = panels(2, 1, size=(NARROW, 3.1))
    rows = summary(toy, ("width", "teraflops"), "error")
    for i, (width, line) in enumerate(rows.groupby("width")):
        line = line.sort_values("teraflops")
        whiskers = {"elinewidth": 1, "capsize": 2, "ms": 4}
        up.errorbar(line.teraflops, line["mean"], line.half_width, label=f"width {width}", **look(i).line, **whiskers)
    up.legend(fontsize=8, frameon=False)
    up.set(title="Toy: three sizes of model, three amounts of pairs", xlabel="compute of the training (TFLOP)")
    up.set(ylabel="zero-shot error (%)")
    for i, (family, first) in enumerate((("ResNet", "RN"), ("ViT", ""))):
        points = [point for point in PUBLISHED if point[0].startswith("RN") == bool(first)]
        down.plot([x for _, x, _ in points], [100 - y for *_, y in points], label=family, ms=5, **look(i).line)
        for name, x, y in points:
            place = {"xytext": (4, 5) if i == 0 else (-4, -5), "ha": "left" if i == 0 else "right"}
            down.annotate(name, (x, 100 - y), textcoords="offset points", va="center", fontsize=8, **place)
    down.legend(fontsize=8, frameon=False)
    down.set(title="Real: eight of OpenAI's CLIPs", xlabel="compute of one picture (GFLOP)")
    down.set(ylabel="error on ImageNet (%)", xlim=(4, 1000), ylim=(21, 46))
    _plain_logarithms(up, (0.03, 0.1, 0.3, 1), np.arange(10, 101, 10))
    _plain_logarithms(down, (10, 30, 100, 300), (25, 30, 40))
    return figure


def _plain_logarithms(ax: Axes, across: Sequence[float], up: Sequence[float]) -> None:
    ends = ax.get_xlim(), ax.get_ylim()
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(across, [f"{tick:g}" for tick in across])
    ax.set_yticks(up, [f"{tick:g}" for tick in up])
    ax.minorticks_off()
    ax.set(xlim=(max(ends[0][0], 0.6 * min(across)), ends[0][1]), ylim=(max(ends[1][0], 1), ends[1][1]))


@styled()
def pretraining(record: Mapping[str, Any], tasks: Sequence[str]) -> Figure:
    """The record of a pre-training: loss above, zero-shot accuracy of each task and of their mean below. Returns the
    Figure."""
    figure, (up, down) = panels(2, 1, size=(NARROW, 3.0), sharex=True, height_ratios=(2, 3))
    batch = record["settings"]["batch_size"]
    up.plot(*zip(*record["loss"]), color=PALETTE[0], lw=1, label="loss")
    up.axhline(math.log(batch), color=REFERENCE, ls="--", lw=1.2, label=f"knows nothing: log {batch}")
    up.set(ylabel="loss", ylim=(0, math.log(batch) + 0.5), title="ToyCLIP's loss")
    up.legend(fontsize=8, frameon=False)
    steps = [step for step, _ in record["zero_shot"]]
    curves = {task: [scores[task] for _, scores in record["zero_shot"]] for task in tasks}
    for curve in curves.values():
        down.plot(steps, curve, color="#8c8c8c", lw=0.9)
    mean = np.mean(list(curves.values()), axis=0)
    down.plot(steps, mean, color="black", lw=2.5, marker="o", ms=4)
    ends = {task.removeprefix("toy_"): curve[-1] for task, curve in curves.items()}
    for name, height in _spread({**ends, "mean": mean[-1]}, gap=6.2).items():
        down.annotate(name, (steps[-1], {**ends, "mean": mean[-1]}[name]), xytext=(1.04, height),
                      textcoords=("axes fraction", "data"), va="center", fontsize=8, annotation_clip=False,
                      fontweight="bold" if name == "mean" else "normal",
                      arrowprops={"arrowstyle": "-", "lw": 0.5, "color": REFERENCE})  # fmt: skip
    down.set(xlabel="step", ylabel="zero-shot accuracy (%)", ylim=(0, 103), title="Zero-shot, on validation pictures")
    return describe(figure, f"The mean of {len(tasks)} tasks rises to {mean[-1]:.0f} %.")


def _spread(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """Names, from the lowest up, at heights at least `gap` apart, as near to their own as can be (least squares)."""
    names = sorted(heights, key=heights.__getitem__)
    groups: list[list[float]] = []  # of neighbours that touch: their heights less what lies below them
    for i, name in enumerate(names):
        groups.append([heights[name] - i * gap])
        while len(groups) > 1 and np.mean(groups[-2]) > np.mean(groups[-1]):
            above = groups.pop()
            groups[-1] += above
    foot = [np.mean(group) for group in groups for _ in group]
    return {name: float(foot[i] + i * gap) for i, name in enumerate(names)}
