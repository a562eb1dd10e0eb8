"""Figures that compare many methods: what was measured, who beats whom, mean ranks, and the papers' gains beside ours.

Accuracies are in percent, differences in points. None of these decides what is real: the tests come from the caller.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from lessons_lib.teaching.plots.adapters import _label_dots
from lessons_lib.teaching.plots.style import COLORMAP, MARKERS, PALETTE, REFERENCE, panels, styled

DIVERGING = "PuOr_r"  # purple below zero, orange above: told apart by colour-blind readers too
NOTHING = "#d9d9d9"  # where nothing was measured


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
    _named(ax, methods, kinds)
    ax.set(title=title)
    return ax


@styled()
def differences(
    data: pd.DataFrame, *, what: str = "what", kind: str = "random", xlabel: str = "difference (points)",
    title: str = "", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Differences with their intervals, a line for each `what`, a mark for each `kind`, and the line of no difference.
    Filled marks keep clear of zero. Returns the Axes.

    data: columns `what`, `kind`, mean and half_width.
    """
    whats, kinds = list(dict.fromkeys(data[what])), list(dict.fromkeys(data[kind]))
    if ax is None:
        _, [ax] = panels(size=(6.2, 0.9 + 0.24 * len(whats) * max(1.3, len(kinds))))
    for j, name in enumerate(kinds):
        rows = data[data[kind] == name]
        where = [whats.index(each) + (j - (len(kinds) - 1) / 2) * 0.26 for each in rows[what]]
        ax.hlines(where, rows["mean"] - rows["half_width"], rows["mean"] + rows["half_width"], PALETTE[j], lw=1.6)
        clear = (rows["mean"].abs() > rows["half_width"]).to_numpy()
        for y, mean, filled in zip(where, rows["mean"], clear):
            face = PALETTE[j] if filled else "white"
            ax.plot(mean, y, MARKERS[j], color=PALETTE[j], mfc=face, ms=6, mew=1.4)
        ax.plot([], [], MARKERS[j], ls="-", color=PALETTE[j], label=name)
    ax.axvline(0, color=REFERENCE, lw=1)
    ax.set_yticks(range(len(whats)), whats)
    ax.set_ylim(len(whats) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel, title=title)
    ax.locator_params(axis="x", nbins=6)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    return ax


@styled()
def gain_map(
    gains: pd.DataFrame, apart: pd.DataFrame | None = None, *, title: str = "", ax: Axes | None = None
) -> Axes:
    """A table of gains in points as colours, orange above and purple below zero, with numbers. Returns the Axes.

    gains: as shown, NaN is left grey.   apart: of the same shape, bool: a field is pale where False.
    """
    values = gains.to_numpy(float)
    there = np.isfinite(values)
    told = there if apart is None else there & apart.to_numpy(bool)
    if ax is None:
        _, [ax] = panels(size=(1.9 + 0.62 * len(gains.columns), 1.1 + 0.31 * len(gains)))
    reach = max(1.0, np.abs(values[there]).max())
    ax.imshow(values, cmap=DIVERGING, norm=TwoSlopeNorm(0, -reach, reach), alpha=np.where(told, 1.0, 0.12),
              aspect="auto")  # fmt: skip
    ax.set_facecolor("white" if apart is not None else NOTHING)
    for i, j in np.argwhere(there):
        strong = told[i, j] and abs(values[i, j]) > 0.6 * reach
        colour = "white" if strong else "black" if told[i, j] else "#767676"
        weight = "bold" if told[i, j] and apart is not None else "normal"
        ax.text(j, i, f"{values[i, j]:+.1f}", ha="center", va="center", fontsize=8, color=colour, fontweight=weight)
    _named(ax, list(gains.index), list(gains.columns))
    ax.set(title=title)
    return ax


def pairwise_matrix(
    differences: pd.DataFrame, apart: pd.DataFrame | None = None, *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Points by which each method (row) is above each other (column); a pale field where `apart` is False: the two
    cannot be told apart. Returns the Axes.

    differences, apart: square, the same methods as index and columns.
    """
    names = list(differences.index)
    if list(differences.columns) != names or (apart is not None and [*apart.index, *apart.columns] != names * 2):
        raise ValueError("rows and columns must be the same methods in the same order, in both tables")
    others = differences.mask(np.eye(len(names), dtype=bool))
    told = pd.DataFrame(True, names, names) if apart is None else apart
    return gain_map(others, told, title=title, ax=ax)


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
        colour = PALETTE[i % len(PALETTE)]
        ax.plot([ranks[name], ranks[name], edge], [0, y, y], color=colour, lw=1.2)
        ax.plot(ranks[name], 0, MARKERS[i % len(MARKERS)], color=colour, ms=6, clip_on=False, zorder=3)
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
    return ax


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
    across, up = np.meshgrid(*sides)
    levels = np.arange(0, 100 + step, step)
    h = 2 * across * up / (across + up)
    lines = ax.contour(across, up, h, levels, colors=REFERENCE, linewidths=0.8, alpha=0.5)
    ax.clabel(lines, fmt=lambda level: f"H = {level:g}", fontsize=7)
    for i, (x, y) in enumerate(zip(base, new)):
        ax.plot(x, y, MARKERS[i % len(MARKERS)], color=PALETTE[i % len(PALETTE)], ms=8, mec="white", mew=0.5, zorder=3)
    ax.set(xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]], title=title)
    ax.set(xlabel="base accuracy (%)", ylabel="new accuracy (%)")
    ax.grid(False)
    _label_dots(ax, base, new, list(points), np.zeros(len(base)), [])
    return ax


@styled()
def published_and_ours(data: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Gains in the papers across, ours up, a mark for each kind of test, and the line where both agree; whoever lies in
    the shaded quarters gained in one world and lost in the other. Returns the Axes.

    data: method, kind, published, ours (points), and half_width, the interval of ours.
    """
    if ax is None:
        _, [ax] = panels(size=(6.4, 4.6))
    x, y, whiskers = (data[column].to_numpy(float) for column in ("published", "ours", "half_width"))
    left, right = min(x.min(), 0) - 2, max(x.max(), 0) + 4
    low, high = min((y - whiskers).min(), 0) - 1.5, max((y + whiskers).max(), 0) + 1.5
    ax.fill_between([left, 0], 0, high, color=REFERENCE, alpha=0.1, lw=0)
    ax.fill_between([0, right], low, 0, color=REFERENCE, alpha=0.1, lw=0, label="gain in one world, loss in the other")
    ax.axline((0, 0), slope=1, color=REFERENCE, ls=":", lw=1.2, label="the same gain in both")
    for (kind, rows), colour, marker in zip(data.groupby("kind", sort=False), PALETTE, MARKERS):
        ax.errorbar(rows["published"], rows["ours"], rows["half_width"], fmt=marker, color=colour, ms=7, mec="white",
                    elinewidth=1.2, label=kind)  # fmt: skip
    ax.axhline(0, color=REFERENCE, lw=0.8)
    ax.axvline(0, color=REFERENCE, lw=0.8)
    ax.set(xlim=(left, right), ylim=(low, high), title=title)
    ax.set(xlabel="gain in the papers (points)", ylabel="gain here (points)")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    _label_dots(ax, x, y, list(data["method"]), whiskers, [])
    return ax


def _in_order(column: pd.Series) -> list[str]:
    """The values of a column that are there: in the order of its categories, or as they come."""
    there = list(dict.fromkeys(column))
    return [value for value in column.cat.categories if value in there] if hasattr(column, "cat") else there


def _named(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Names the fields of an image, columns above."""
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(range(len(columns)), columns, rotation=35, ha="left")
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
