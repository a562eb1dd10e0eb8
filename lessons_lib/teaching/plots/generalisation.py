"""Charts of base-to-new generalisation: the plane of two accuracies with H's level lines, its bars, and what it cost.

Accuracies are in percent. Tables have a row for each accuracy: method, on ("base", "new" or "H"), seed, accuracy, and
task where there are several.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lessons_lib.metrics import statistics as evaluation
from lessons_lib.teaching.plots.charts import bar_comparison
from lessons_lib.teaching.plots.style import MARKERS, PALETTE, REFERENCE, RIGHT, WRONG, heading, panels, styled

LEVELS = (20, 40, 60, 70, 80, 90)


@styled()
def harmonic_plane(
    points: Mapping[str, tuple[float, float]] | None = None,
    *,
    low: float = 0.0,
    mean_lines: bool = False,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Base accuracy across, new accuracy up, level lines of the harmonic mean H, and named points. Returns the Axes.

    points: name -> (base, new).   low: where both axes begin.   mean_lines: also those of the plain mean, straight.
    """
    if ax is None:
        _, [ax] = panels(size=(4.4, 4.0))
    side = np.linspace(max(low, 0.5), 100, 300)
    base, new = np.meshgrid(side, side)
    levels = [level for level in LEVELS if level > low]
    lines = ax.contour(base, new, 2 * base * new / (base + new), levels, colors=REFERENCE, linewidths=0.8, alpha=0.7)
    on_diagonal = [(level, level) for level in levels]
    ax.clabel(lines, fmt=lambda level: f"H = {level:.0f}", fontsize=7, manual=on_diagonal)
    if mean_lines:
        for i, level in enumerate(levels):
            label = "" if i else "the plain mean, same levels"
            ax.plot([low, 100], [2 * level - low, 2 * level - 100], color=PALETTE[1], ls=":", lw=1.2, label=label)
    for (name, (x, y)), colour, marker in zip((points or {}).items(), PALETTE, MARKERS):
        ax.scatter([x], [y], s=55, color=colour, marker=marker, zorder=3, edgecolor="white", label=name)
    ax.set(xlim=(low, 101), ylim=(low, 101), xlabel="base accuracy (%)", ylabel="new accuracy (%)", title=title)
    ax.set_aspect("equal")
    ax.grid(visible=False)
    if points or mean_lines:
        ax.legend(fontsize=8, loc="lower left")
    return ax


@styled()
def base_new_arrows(
    results: pd.DataFrame,
    *,
    start: str = "ZeroShot",
    methods: Sequence[str] | None = None,
    low: float = 0.0,
    named: float = 6.0,
    title: str | None = None,
) -> Figure:
    """A panel a method: an arrow for each task from where `start` stands to where the method does, means over seeds.

    An arrow is solid and green where H rises, dashed and orange-red where it falls; tasks that move by at least `named`
    points are named. Returns the Figure. Raises ValueError where `start` or a method lacks a task of the others.
    """
    where = results.groupby(["method", "task", "on"], sort=False)["accuracy"].mean().unstack("on")[["base", "new"]]
    methods = [name for name in dict.fromkeys(results["method"]) if name != start] if methods is None else methods
    tasks = list(dict.fromkeys(results["task"]))
    absent = [(name, task) for name in (start, *methods) for task in tasks if (name, task) not in where.index]
    if absent:
        raise ValueError(f"{absent[0][0]} was not measured on {absent[0][1]}: every arrow needs both of its ends")
    figure, axes = panels(1, len(methods), size=(3.9, 3.9), sharex=True, sharey=True)
    for ax, name in zip(axes, methods):
        harmonic_plane(low=low, ax=ax)
        for task in tasks:
            begin, end = where.loc[(start, task)], where.loc[(name, task)]
            rises = evaluation.harmonic_mean(*end) >= evaluation.harmonic_mean(*begin)
            style = {"color": RIGHT if rises else WRONG, "lw": 1.6, "ls": "-" if rises else (0, (3, 1.5))}
            ax.annotate(
                "", tuple(end), tuple(begin), arrowprops={"arrowstyle": "->", "shrinkA": 0, "shrinkB": 0, **style}
            )
            ax.plot(*begin, "o", ms=4, color=REFERENCE)
            if np.hypot(*(end - begin)) >= named:
                ax.annotate(
                    task.removeprefix("toy_"), tuple(end), xytext=(4, -9), textcoords="offset points", fontsize=7
                )
        ax.set(title=f"{start} → {name}")
    for ax in axes[1:]:
        ax.set_ylabel("")
    handles = [
        axes[-1].plot([], [], "o", ms=4, color=REFERENCE, label=start)[0],
        axes[-1].plot([], [], color=RIGHT, lw=1.6, label="H rises")[0],
        axes[-1].plot([], [], color=WRONG, lw=1.6, ls=(0, (3, 1.5)), label="H falls")[0],
    ]
    axes[-1].legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    figure.set_size_inches(figure.get_figwidth() + 0.9, figure.get_figheight())  # room for the legend
    heading(figure, title)
    return figure


@styled()
def harmonic_bars(results: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Bars of base, new and H (the values of `on`, as they come), a colour a method, 95 % intervals over seeds as
    whiskers where there are several. Returns the Axes.

    results: method, on, seed, accuracy; tasks, if there are several, are averaged within each seed.
    """
    summed = evaluation.summary(results, ("on", "method"))
    bars = summed.rename(columns={"mean": "accuracy"}).fillna({"half_width": 0.0})
    ax = bar_comparison(bars, y="on", hue="method", error="half_width", title=title, ax=ax)
    ax.set_xlim(0, 100)
    return ax


@styled()
def cost_bars(
    costs: Mapping[str, float], *, unit: str, title: str = "", compared_to: str | None = None, ax: Axes | None = None
) -> Axes:
    """Bars on a logarithmic scale, each with its number, and what multiple of `compared_to` it is. Returns the Axes.

    costs: name -> a number above 0.   unit: the axis's label.   compared_to: a name; the cheapest unless given.
    """
    names, values = list(costs), [float(value) for value in costs.values()]
    if min(values) <= 0:
        raise ValueError(
            f"a logarithmic scale needs costs above 0; {names[int(np.argmin(values))]!r} has {min(values)}"
        )
    reference = min(costs, key=costs.get) if compared_to is None else compared_to
    if ax is None:
        _, [ax] = panels(size=(6.0, 0.8 + 0.36 * len(names)))
    ax.barh(names, values, 0.65, color=[PALETTE[i % len(PALETTE)] for i in range(len(names))])
    for i, (name, value) in enumerate(zip(names, values)):
        ratio = value / costs[reference]
        times = f"  = {_spoken(ratio)} ×" if ratio >= 1 else f"  = 1/{_spoken(1 / ratio)}"
        times = "" if name == reference else times
        ax.annotate(
            f"{_spoken(value)}{times}", (value, i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    ax.set_xscale("log")
    ax.set_xlim(min(values) / 2, max(values) * 8)  # room for the numbers
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _spoken(value)))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=unit, title=title)
    return ax


def _spoken(value: float) -> str:
    """Two digits that count, with the usual letters: 0.12, 3.4, 56, 7,800, 1.2 million."""
    for size, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{value / size:.2g}{word}" if value < 100 * size else f"{value / size:,.0f}{word}"
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
