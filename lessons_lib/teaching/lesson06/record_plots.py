"""Lesson 06's figures of the record: methods by task, differences in pairs, depth and length, and where it helps."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.look import PALETTE, REFERENCE, heading, panels, styled
from lessons_lib.metrics import interval
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import differences, gain_map, lines
from lessons_lib.teaching.plots.labels import label_dots

__all__ = ["depth_and_length", "gain_against_level", "gains_by_task", "pairs"]


@styled()
def gains_by_task(rows: pd.DataFrame, methods: Sequence[str], *, second: str = "ZeroShot", title: str) -> Axes:
    """A table of colours: what each method has above `second` in H, task by task, means over seeds. Returns the Axes.

    rows: of `record.base_to_new`, one setting. A field is pale where its interval holds 0, grey where none ran.
    """
    wide = rows[rows.on == "H"].pivot(index=["task", "seed"], columns="method", values="accuracy")
    level = wide[second].groupby("task").mean().sort_values()
    apart = {name: (wide[name] - wide[second]).dropna().groupby("task") for name in methods if name in wide}
    found = {name: each.apply(lambda runs: interval(runs)) for name, each in apart.items()}
    means = pd.DataFrame({name: each.map(lambda one: one.mean) for name, each in found.items()}).reindex(level.index)
    told = pd.DataFrame({name: each.map(lambda one: abs(one.mean) > one.half_width) for name, each in found.items()})
    told = told.reindex(level.index).eq(True)
    named = [f"{task.removeprefix('toy_')} ({value:.0f})" for task, value in level.items()]
    return gain_map(means.set_axis(named), told.set_axis(named), title=title)


@styled()
def pairs(found: Sequence[Mapping], *, title: str) -> Axes:
    """Differences with their intervals, a mark a setting. found: of `record.between`, with a `setting` each."""
    table = pd.DataFrame(found)
    return differences(table, what="difference", kind="setting", title=title)


@styled()
def depth_and_length(rows: pd.DataFrame, *, title: str) -> Figure:
    """MaPLe's base, new and H against J and against b, with bands over seeds. Returns the Figure.

    rows: of `record.ablation`; MaPLe itself has b = 2.
    """
    figure, axes = panels(1, 2, size=(3.6, 2.9), sharey=True)
    for ax, (what, says) in zip(axes, {"depth": "depth J (blocks)", "length": "length b (prompts)"}.items()):
        own = rows[rows.method.str.contains(what)]
        own = (
            pd.concat([own, rows[rows.method == "MaPLe"].assign(method="length 2")]) if what == "length" else own.copy()
        )
        own[what] = own.method.str.extract(r"(\d+)", expand=False).astype(int)
        own = own.groupby(["on", what, "seed"], sort=False).accuracy.mean().reset_index()
        lines(own, x=what, y="accuracy", hue="on", seeds="seed", ax=ax, title=f"MaPLe's {what}", xlabel=says)
        ax.set_xticks(sorted(own[what].unique()))
    axes[0].get_legend().remove()
    axes[1].set_ylabel("")
    axes[1].legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    heading(figure, title)
    return figure


@styled()
def gain_against_level(rows: pd.DataFrame, method: str = "MaPLe", *, title: str) -> Axes:
    """A dot a task: zero-shot's H across, what a method has above it up, whiskers over seeds. Returns the Axes."""
    wide = rows[rows.on == "H"].pivot(index=["task", "seed"], columns="method", values="accuracy")
    level = wide["ZeroShot"].groupby("task").mean()
    gain = (wide[method] - wide["ZeroShot"]).dropna().groupby("task").apply(lambda runs: interval(runs))
    y, reach = ([getattr(one, part) for one in gain] for part in ("mean", "half_width"))
    x = level[gain.index].to_numpy()
    _, [ax] = panels(size=(5.6, 3.6))
    ax.errorbar(x, y, yerr=reach, fmt="o", color=PALETTE[0], elinewidth=1, ms=4)
    ax.axhline(0, color=REFERENCE, ls="--", lw=1)
    ax.set(xlabel="zero-shot H (%)", ylabel=f"{method} − zero-shot, H (points)", title=title)
    ax.margins(0.12)
    names = [task.removeprefix("toy_") for task in gain.index]
    label_dots(ax, x, np.array(y), names, np.nan_to_num(np.array(reach)), [])
    said = [f"{name} {b:+.1f} ± {c:.1f} at {a:.0f}" for name, a, b, c in zip(names, x, y, reach)]
    return describe(ax, f"Gains by zero-shot's H: {'; '.join(said)}")
