"""Lesson 05's figures: the shared ones, where CoCoOp learns, accuracies on both halves, what π is, and costs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, panels, styled
from lessons_lib.metrics import difference, wilson
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import bar_comparison, confusion, describe, differences
from lessons_lib.teaching.plots.labels import label_dots, spoken
from lessons_lib.teaching.plots.parts import BOXES, IMAGE, LEARNED, TEXT, where_it_learns


@styled()
def where_cocoop_learns(title: str | None = None) -> Figure:
    """CLIP's two towers with the context and the meta-net, which reads a picture's vector and moves the context."""
    figure = where_it_learns({"context": r"$v_m + \pi(f)$"}, once=["image projection"], title=title)
    [ax] = figure.axes
    left, right, low, high = 1.85, 3.2, 0.36, 0.64  # between the lanes
    ax.add_patch(FancyBboxPatch(
        (left, low), right - left, high - low, boxstyle="round,pad=0,rounding_size=0.06", facecolor=LEARNED,
        edgecolor="black", hatch="//", lw=0.9,
    ))  # fmt: skip
    back = {"facecolor": LEARNED, "edgecolor": "none", "pad": 1.2}
    ax.text((left + right) / 2, 0.5, r"meta-net $\pi$", ha="center", va="center", fontsize=8.5, bbox=back)
    away = {"arrowstyle": "-|>", "color": "black", "lw": 1, "shrinkA": 1, "shrinkB": 1}
    start, _, width, _ = BOXES["image projection"]
    ax.annotate("", (right, 0.5), (start + width / 2, IMAGE - 0.31), arrowprops=away)
    ax.annotate("", (0.9, TEXT + 0.31), (left, 0.5), arrowprops=away)
    return figure


@styled()
def halves(
    rights: Mapping[str, tuple[int, int]], totals: tuple[int, int], *, line: str | None = None, title: str = ""
) -> Figure:
    """Accuracy on base classes and on new ones, a row a method, with Wilson's 95 % interval over pictures.

    rights: name -> right answers on base and on new.   totals: pictures of each.   line: whose accuracy is drawn on as
    a dashed line.
    """
    least = min(wilson(right, total)[0] for both in rights.values() for right, total in zip(both, totals))
    figure, axes = panels(1, 2, size=(3.4, 0.9 + 0.34 * len(rights)), sharey=True)
    for i, (ax, on) in enumerate(zip(axes, ("base classes", "new classes"))):
        for y, both in enumerate(rights.values()):
            share, (low, high) = 100 * both[i] / totals[i], wilson(both[i], totals[i])
            ax.hlines(y, low, high, PALETTE[i], lw=1.6)
            ax.plot(share, y, "os"[i], color=PALETTE[i], ms=6)
            words = ax.annotate(f"{share:.0f}", (share, y), xytext=(0, 6), textcoords="offset points", ha="center")
            words.set(fontsize=8, bbox={"facecolor": "white", "alpha": 0.85, "pad": 0.5, "lw": 0})
        if line is not None:
            ax.axvline(100 * rights[line][i] / totals[i], color=REFERENCE, ls="--", lw=1.2)
        ax.set(xlabel="accuracy (%)", xlim=(min(40, least) - 3, 103), title=on)
        ax.set_yticks(range(len(rights)), list(map(literal, rights)))
        ax.grid(axis="y", visible=False)
    axes[0].set_ylim(len(rights) - 0.5, -0.7)
    heading(figure, title)
    percent = {name: [f"{100 * n / of:.0f}" for n, of in zip(both, totals)] for name, both in rights.items()}
    each = (f"{name} {', '.join(both)}" for name, both in percent.items())
    return describe(figure, f"Percent right on base classes and on new ones: {'; '.join(each)}")


@styled()
def two_confusions(answers: Mapping[str, Tensor], labels: Tensor, names: Sequence[str]) -> Figure:
    """What pictures show and what they are taken for, a panel a method, one below the other.

    answers: method -> (n,).   labels: (n,) into names.
    """
    figure, axes = panels(len(answers), 1, size=(5.6, 2.7), sharex=True)
    for ax, (method, given) in zip(axes, answers.items()):
        confusion(labels, given, names, title=literal(method), ax=ax)
        ax.set_aspect("auto")
    for ax in axes[:-1]:
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)
    return figure


@styled()
def lengths(vectors: Mapping[str, float], *, title: str = "") -> Axes:
    """Bars of lengths, each with its number. Returns the Axes."""
    table = pd.DataFrame({"vector": list(vectors), "length": [float(length) for length in vectors.values()]})
    ax = bar_comparison(table, y="vector", x="length", hue=None, title=title)
    for y, length in enumerate(table.length):
        ax.annotate(spoken(length), (length, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_xlim(0, 1.12 * table.length.max())
    return ax


@styled()
def map_of_pi(
    places: np.ndarray, labels: Sequence[int], names: Sequence[str], seen: int, *, title: str = ""
) -> Axes:  # fmt: skip
    """A dot a picture, in two directions of π; each class named at its middle. The first `seen` classes were learned on
    (circles), the others are new (triangles).

    places: (n, 2).   labels: (n,) into names.
    """
    labels = np.asarray(labels)
    _, [ax] = panels(size=(6.0, 4.2))
    for c in range(len(names)):
        mine, marker = places[labels == c], "o" if c < seen else "^"
        ax.scatter(*mine.T, s=16, color=PALETTE[c % len(PALETTE)], marker=marker, alpha=0.55, lw=0)
    ax.scatter([], [], s=20, color="black", marker="o", label="base classes")
    ax.scatter([], [], s=20, color="black", marker="^", label="new classes")
    ax.set(xlabel="first direction", ylabel="second direction", title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    middles = np.stack([places[labels == c].mean(axis=0) for c in range(len(names))])
    for (x, y), c in zip(middles, range(len(names))):
        ax.scatter(x, y, s=60, color=PALETTE[c % len(PALETTE)], marker="o" if c < seen else "^", edgecolor="black",
                   zorder=4)  # fmt: skip
    label_dots(ax, *middles.T, names, np.zeros(len(names)), ())
    for words in ax.texts:
        words.set_bbox({"facecolor": "white", "alpha": 0.75, "pad": 0.6, "lw": 0})
    kinds = ("new", "base")
    each = (f"{name} ({kinds[c < seen]}) {x:+.1f}, {y:+.1f}" for c, (name, (x, y)) in enumerate(zip(names, middles)))
    return describe(ax, f"The middles of the classes, across and up: {'; '.join(each)}")


@styled()
def costs(numbers: Mapping[str, float], *, unit: str, compared_to: str, title: str = "") -> Axes:
    """Dots on a logarithmic scale, each with its number, and what multiple of `compared_to` it is. Returns the Axes.

    numbers: name -> a number above 0.   unit: the axis's label.
    """
    names, values = list(numbers), [float(value) for value in numbers.values()]
    if min(values) <= 0:
        least = names[int(np.argmin(values))]
        raise ValueError(f"a logarithmic scale needs numbers above 0; {least!r} has {min(values)}")
    _, [ax] = panels(size=(6.0, 0.8 + 0.36 * len(names)))
    ax.plot(values, range(len(names)), "o", color=PALETTE[0], ms=7)
    for y, (name, value) in enumerate(zip(names, values)):
        ratio = value / numbers[compared_to]
        times = f" = {spoken(ratio)} ×" if ratio >= 1 else f" = 1/{spoken(1 / ratio)}"
        words = f"{spoken(value)}{'' if name == compared_to else times}"
        ax.annotate(words, (value, y), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_xscale("log")
    ax.set_xlim(min(values) / 2, max(values) * 12)  # room for the numbers
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: spoken(value)))
    ax.set_yticks(range(len(names)), list(map(literal, names)))
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set(xlabel=unit, title=title)
    return describe(ax, "; ".join(f"{name}: {spoken(value)} {unit}" for name, value in zip(names, values)))


@styled()
def against_zero_shot(
    rows: pd.DataFrame, on: str, methods: Sequence[str] = ("CoOp (words)", "CoCoOp"), *, title: str = ""
) -> Axes:
    """Each method minus zero-shot, task by task, with intervals over seeds; tasks by how much the first one loses.

    rows: as `record.base_to_new` gives them.   on: "base", "new" or "H".
    """
    rows = rows[rows.on == on]
    found = [
        {"what": task, "kind": method, **difference(part, method, "ZeroShot")}
        for task, part in rows.groupby("task")
        for method in methods
    ]
    table = pd.DataFrame(found)
    first = table[table.kind == methods[0]].set_index("what")["mean"]
    table = table.sort_values("what", key=lambda names: names.map(first), kind="stable")
    ax = differences(table, kind="kind", xlabel="points above zero-shot", title=title)
    each = (f"{one.what}, {one.kind}: {one.mean:+.1f} ± {one.half_width:.1f}" for one in table.itertuples())
    return describe(ax, f"Points above zero-shot, with their intervals. {'; '.join(each)}")
