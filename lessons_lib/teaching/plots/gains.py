"""Charts of gains and losses in points: differences with their intervals, and tables as colours.

None of these decides what is real: the tests come from the caller.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from lessons_lib.look import REFERENCE, literal, look, panels, styled
from lessons_lib.teaching.alt import describe

DIVERGING = "PuOr_r"  # purple below zero, orange above: told apart by colour-blind readers too
NOTHING = "#d9d9d9"  # where nothing was measured


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
        colour, marker, *_ = look(j)
        ax.hlines(where, rows["mean"] - rows["half_width"], rows["mean"] + rows["half_width"], colour, lw=1.6)
        clear = (rows["mean"].abs() > rows["half_width"]).to_numpy()
        for y, mean, filled in zip(where, rows["mean"], clear):
            ax.plot(mean, y, marker, color=colour, mfc=colour if filled else "white", ms=6, mew=1.4)
        ax.plot([], [], marker, ls="-", color=colour, label=literal(name))
    ax.axvline(0, color=REFERENCE, lw=1)
    ax.set_yticks(range(len(whats)), list(map(literal, whats)))
    ax.set_ylim(len(whats) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel, title=title)
    ax.locator_params(axis="x", nbins=6)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    said = [
        f"{row[what]}{f', {row[kind]}' if len(kinds) > 1 else ''} {row['mean']:+.1f} ± {row['half_width']:.1f}"
        for _, row in data.iterrows()
    ]
    return describe(ax, "; ".join(said))


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
    name_fields(ax, list(gains.index), list(gains.columns))
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


def name_fields(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Names the fields of an image, columns above."""
    ax.set_yticks(range(len(rows)), list(map(literal, rows)))
    ax.set_xticks(range(len(columns)), list(map(literal, columns)), rotation=35, ha="left")
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
