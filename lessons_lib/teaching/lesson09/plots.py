"""Lesson 09's figures: the shared ones, what was measured, what accuracy costs, mean ranks, and false alarms.

Accuracies are in percent, differences in points.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from lessons_lib.look import COLORMAP, REFERENCE, RIGHT, WRONG, look, panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.charts import lines
from lessons_lib.teaching.plots.gains import NOTHING, differences, name_fields
from lessons_lib.teaching.plots.generalisation import h_lines
from lessons_lib.teaching.plots.labels import label_dots, spoken


@styled()
def coverage(rows: pd.DataFrame, *, columns: str = "protocol", title: str = "", ax: Axes | None = None) -> Axes:
    """What was measured: a field for each method and value of `columns`, with "tasks × seeds"; grey where there is
    nothing. Returns the Axes.

    rows: method, task, on, seed and `columns`, a row for each accuracy. Where "on" names other tasks (the method was
    fitted on one task and tested on several), those are counted, and not the one that it was fitted on. A categorical
    column is shown in the order of its categories, others as they come.
    """
    methods, kinds = _in_order(rows["method"]), _in_order(rows[columns])
    rows = rows.astype({"method": str, columns: str})
    carried = rows["on"].map(lambda on: on not in ("test", "base", "new", "H"))
    elsewhere = rows[columns].isin(rows.loc[carried, columns])
    places = rows[carried | ~elsewhere].assign(place=lambda some: some["on"].where(elsewhere, some["task"]))
    counted = places.groupby(["method", columns])[["place", "seed"]].nunique()
    if ax is None:
        _, [ax] = panels(size=(1.6 + 0.95 * len(kinds), 0.9 + 0.27 * len(methods)))
    share = np.full((len(methods), len(kinds)), np.nan)
    most = counted["place"].groupby(columns).max()
    for (method, kind), (tasks, seeds) in counted.iterrows():
        i, j = methods.index(method), kinds.index(kind)
        share[i, j] = tasks / most[kind]
        colour = "white" if share[i, j] < 0.6 else "black"
        ax.text(j, i, f"{tasks} × {seeds}", ha="center", va="center", fontsize=8, color=colour)
    ax.imshow(share, cmap=COLORMAP, vmin=0, vmax=1.1, aspect="auto")
    ax.set_facecolor(NOTHING)
    name_fields(ax, methods, kinds)
    ax.set(title=title)
    return ax


@styled()
def accuracy_against_cost(
    results: pd.DataFrame,
    *,
    cost: str = "seconds",
    accuracy: str = "accuracy",
    error: str | None = "half_width",
    xlabel: str | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Each method's accuracy against what it costs, on a logarithmic axis, named where it stands. Returns the Axes.

    results: a row a method, with columns method, `accuracy`, `cost` (0 or more) and, unless it is None, `error`, the
        half-width of an interval. Costs of 0 stand at the left edge, on a mark of their own.
    A step line joins the methods that none beats at their cost or less.
    """
    missing = [name for name in ("method", accuracy, cost, error) if name is not None and name not in results]
    if missing:
        raise ValueError(f"there is no column {missing[0]!r} in {list(results.columns)}")
    costs, heights = results[cost].to_numpy(float), results[accuracy].to_numpy(float)
    if not (np.isfinite(costs).all() and (costs >= 0).all() and costs.max() > 0):
        raise ValueError(f"a logarithmic axis needs costs of at least 0, one of them above it; got {costs.tolist()}")
    free = costs[costs > 0].min() / 10  # where costs of 0 stand
    x = np.where(costs > 0, costs, free)
    if ax is None:
        _, [ax] = panels(size=(6.2, 4.0))
    whiskers = np.zeros(len(x)) if error is None else results[error].fillna(0).to_numpy(float)
    best = [i for i in np.lexsort((-heights, x)) if heights[i] >= heights[x <= x[i]].max()]
    steps_x, steps_y = np.repeat([*x[best], x.max() * 2.5], 2)[1:-1], np.repeat(heights[best], 2)
    steps = [*zip(steps_x, steps_y)]
    ax.plot(steps_x, steps_y, color=REFERENCE, ls=":", lw=1.2, label="best at this cost or less", zorder=1)
    for i in range(len(x)):
        ax.errorbar(x[i], heights[i], whiskers[i] or None, color=look(i).colour, marker=look(i).marker, ms=7,
                    mec="white", elinewidth=1.2, zorder=3)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(x.min() / 2.5, x.max() * 2.5)
    ax.margins(y=0.12)
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: "0" if costs.min() == 0 and abs(value / free - 1) < 0.01 else spoken(value))
    )
    if costs.min() == 0:
        ax.set_xticks([free, *(tick for tick in ax.get_xticks() if free * 5 < tick <= x.max() * 2.5)])
        ax.axvline(free * 10**0.5, color=REFERENCE, lw=0.6)
    ax.minorticks_off()
    ax.set(xlabel=xlabel or cost, ylabel="accuracy (%)", title=title)
    ax.legend(loc="lower right", fontsize=8)
    label_dots(ax, x, heights, list(results["method"]), whiskers, [*zip(steps, steps[1:])])
    return describe(ax, ", ".join(f"{name} {height:.1f} %" for name, height in zip(results["method"], heights)))


@styled()
def mean_ranks(ranks: Mapping[str, float], apart: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """A critical-difference diagram: methods on an axis of mean ranks, the best on the left; a thick bar joins methods
    of which no two are `apart`. Returns the Axes.

    ranks: method -> mean rank over tasks, 1 is best.   apart: square table of bool, methods by methods.
    """
    order = sorted(ranks, key=ranks.get)
    bars = alike(order, apart)
    half = (len(order) + 1) // 2
    if ax is None:
        _, [ax] = panels(size=(7.2, 0.9 + 0.24 * half + 0.1 * len(bars)))
    low, high = np.floor(min(ranks.values())), np.ceil(max(ranks.values()))
    first_row = 0.5 + 0.42 * len(bars)
    for i, bar in enumerate(bars):
        y = 0.4 + 0.42 * i
        ax.plot([ranks[bar[0]] - 0.04, ranks[bar[-1]] + 0.04], [y, y], color=REFERENCE, lw=4, solid_capstyle="butt")
    for i, name in enumerate(order):
        left = i < half
        y = first_row + 0.85 * (i if left else len(order) - 1 - i) + 0.5
        edge = low - 0.15 if left else high + 0.15
        colour, marker, dash, _ = look(i)
        ax.plot([ranks[name], ranks[name], edge], [0, y, y], color=colour, ls=dash, lw=1.2)
        ax.plot(ranks[name], 0, marker, color=colour, ms=6, clip_on=False, zorder=3)
        said = f"{name}  {ranks[name]:.1f}" if left else f"{ranks[name]:.1f}  {name}"
        ax.annotate(said, (edge, y), xytext=(-4 if left else 4, 0), textcoords="offset points", fontsize=8,
                    ha="right" if left else "left", va="center", annotation_clip=False)  # fmt: skip
    ax.set(xlim=(low, high), ylim=(first_row + 0.85 * half + 0.2, 0), title=title)
    ax.set_xlabel("mean rank over tasks (1 is best)")
    ax.xaxis.set_label_position("top")
    ax.xaxis.tick_top()
    ax.set_yticks([])
    ax.grid(False)
    ax.spines[["left", "right", "bottom"]].set_visible(False)
    joined = "; ".join(f"{bar[0]} to {bar[-1]}" for bar in bars) or "none"
    return describe(ax, ", ".join(f"{name} {ranks[name]:.1f}" for name in order) + f". Bars: {joined}")


def alike(order: Sequence[str], apart: pd.DataFrame) -> list[list[str]]:
    """The longest stretches of `order`, of at least two, in which no two are apart."""
    found = []
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and not any(apart.loc[order[stop], other] for other in order[start:stop]):
            stop += 1
        longer = not found or stop > found[-1][1]  # or the stretch before holds it
        if stop - start > 1 and longer:
            found.append((start, stop))
    return [list(order[start:stop]) for start, stop in found]


@styled()
def base_against_new(
    points: Mapping[str, tuple[float, float]], *, step: float = 2.0, title: str = "", ax: Axes | None = None
) -> Axes:
    """A close-up of `harmonic_plane`: as much of it as the points fill, each named, a level line every `step` points of
    H. Returns the Axes.

    points: name -> (base, new), in percent, above 0.
    """
    if ax is None:
        _, [ax] = panels(size=(6.0, 4.2))
    base, new = np.array([*points.values()], dtype=float).T
    room = 0.12 * max(np.ptp(base), np.ptp(new), 1.0)
    sides = [np.linspace(max(values.min() - room, 0.1), values.max() + room, 200) for values in (base, new)]
    lines = h_lines(ax, *sides, np.arange(0, 100 + step, step), alpha=0.5)
    ax.clabel(lines, fmt=lambda level: f"H = {level:g}", fontsize=7)
    for i, (x, y) in enumerate(zip(base, new)):
        ax.plot(x, y, look(i).marker, color=look(i).colour, ms=8, mec="white", mew=0.5, zorder=3)
    ax.set(xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]], title=title)
    ax.set(xlabel="base accuracy (%)", ylabel="new accuracy (%)")
    ax.grid(False)
    label_dots(ax, base, new, list(points), np.zeros(len(base)), [])
    said = ", ".join(f"{name} {base:.0f} and {new:.0f}" for name, (base, new) in points.items())
    return describe(ax, f"Base and new accuracy: {said}")


@styled()
def false_alarms(alarms: np.ndarray, *, pairs: int, most: int = 10, title: str = "", ax: Axes | None = None) -> Axes:
    """How many worlds (%) have how many false alarms among so many pairs; more than `most` stand in the last bar.
    Returns the Axes.

    alarms: (worlds,), how many of a world's pairs look real though nothing is.
    """
    if ax is None:
        _, [ax] = panels(size=(5.6, 2.7))
    shares = 100 * np.bincount(np.minimum(alarms, most), minlength=most + 1) / len(alarms)
    ax.bar(0, shares[0], color=RIGHT, label="none: as it is")
    ax.bar(range(1, most + 1), shares[1:], color=WRONG, hatch="///", edgecolor="white", label="false alarms")
    ax.set_xticks(range(most + 1), [*map(str, range(most)), f"{most}+"])
    ax.set(xlabel=f"pairs of {pairs} that look real", ylabel="worlds (%)", title=title)
    ax.legend(fontsize=8)
    return ax


@styled()
def carried(gains: pd.DataFrame, *, title: str = "") -> Axes:
    """Points above four plain words, with intervals: a line for each method (`what`), a mark for each `where` it was
    tested. Returns the Axes."""
    _, [ax] = panels(size=(6.2, 0.9 + 0.39 * gains["what"].nunique()))
    return differences(gains, kind="where", xlabel="points above “a photo of a”", title=title, ax=ax)


@styled()
def guide(tested: pd.DataFrame, *, title: str = "") -> Axes:
    """Accuracy against shots, a line for each `way` to choose, with 95 % bands over seeds. Returns the Axes.

    tested: as `record.leave_one_out` gives it.
    """
    ax = lines(tested, x="shots", y="accuracy", hue="way", seeds="seed", log_x=True, title=title,
               xlabel="labelled pictures a class", ylabel="accuracy (%)")  # fmt: skip
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    ax.figure.set_size_inches(ax.figure.get_figwidth() + 1.9, ax.figure.get_figheight())  # room for the legend
    return ax


def _in_order(column: pd.Series) -> list[str]:
    """The values of a column that are there: in the order of its categories, or as they come."""
    there = list(dict.fromkeys(column))
    return [value for value in column.cat.categories if value in there] if hasattr(column, "cat") else there
