"""Charts of base-to-new generalisation: the plane of two accuracies with H's level lines, and where tasks move on it.

Accuracies are in percent. Tables have a row for each accuracy: method, on ("base", "new" or "H"), seed, accuracy, and
task where there are several.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from lessons_lib.look import PALETTE, REFERENCE, RIGHT, WRONG, heading, literal, look, panels, styled
from lessons_lib.metrics import harmonic_mean

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
    levels = [level for level in LEVELS if level > low]
    lines = h_lines(ax, side, side, levels, alpha=0.7)
    on_diagonal = [(level, level) for level in levels]
    ax.clabel(lines, fmt=lambda level: f"H = {level:.0f}", fontsize=7, manual=on_diagonal)
    if mean_lines:
        for i, level in enumerate(levels):
            label = "" if i else "the plain mean, same levels"
            ax.plot([low, 100], [2 * level - low, 2 * level - 100], color=PALETTE[1], ls=":", lw=1.2, label=label)
    for i, (name, (x, y)) in enumerate((points or {}).items()):
        ax.scatter(
            [x],
            [y],
            s=55,
            color=look(i).colour,
            marker=look(i).marker,
            zorder=3,
            edgecolor="white",
            label=literal(name),
        )
    ax.set(xlim=(low, 101), ylim=(low, 101), xlabel="base accuracy (%)", ylabel="new accuracy (%)", title=title)
    ax.set_aspect("equal")
    ax.grid(visible=False)
    if points or mean_lines:
        ax.legend(fontsize=8, loc="lower left")
    return ax


def h_lines(ax: Axes, base: np.ndarray, new: np.ndarray, levels: Sequence[float], *, alpha: float) -> QuadContourSet:
    """Level lines of H over a grid of base accuracies (across) and new ones (up), both above 0."""
    h = np.vectorize(harmonic_mean)(*np.meshgrid(base, new))
    return ax.contour(base, new, h, levels, colors=REFERENCE, linewidths=0.8, alpha=alpha)


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
            rises = harmonic_mean(*end) >= harmonic_mean(*begin)
            style = {"color": RIGHT if rises else WRONG, "lw": 1.6, "ls": "-" if rises else (0, (3, 1.5))}
            ax.annotate(
                "", tuple(end), tuple(begin), arrowprops={"arrowstyle": "->", "shrinkA": 0, "shrinkB": 0, **style}
            )
            ax.plot(*begin, "o", ms=4, color=REFERENCE)
            if np.hypot(*(end - begin)) >= named:
                ax.annotate(
                    literal(task.removeprefix("toy_")),
                    tuple(end),
                    xytext=(4, -9),
                    textcoords="offset points",
                    fontsize=7,
                )
        ax.set(title=literal(f"{start} → {name}"))
    for ax in axes[1:]:
        ax.set_ylabel("")
    handles = [
        axes[-1].plot([], [], "o", ms=4, color=REFERENCE, label=literal(start))[0],
        axes[-1].plot([], [], color=RIGHT, lw=1.6, label="H rises")[0],
        axes[-1].plot([], [], color=WRONG, lw=1.6, ls=(0, (3, 1.5)), label="H falls")[0],
    ]
    axes[-1].legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    figure.set_size_inches(figure.get_figwidth() + 0.9, figure.get_figheight())  # room for the legend
    heading(figure, title)
    return figure
