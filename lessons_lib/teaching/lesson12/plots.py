"""Lesson 12's figures: which patch is in which group, what naming and grouping are worth, thresholds."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.look import (
    DASHES,
    HATCHES,
    MARKERS,
    PALETTE,
    REFERENCE,
    heading,
    literal,
    look,
    numbers,
    panels,
    styled,
)
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.images import _picture

TINTS = 16  # colours of groups: each of the palette's, full and lightened


def _tint(group: int) -> np.ndarray:
    colour = np.array([int(PALETTE[group % len(PALETTE)][i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return colour if group < len(PALETTE) else 0.5 + 0.5 * colour


@styled()
def grouped(
    pictures: Sequence[Tensor], maps: Mapping[str, Sequence[Tensor]], *, title: str | None = None, edges: bool = True
) -> Figure:
    """A row a picture: the picture, and beside it maps of groups, a colour a group; borders are white lines.

    pictures: of (3, H, W).   maps: what is said above a column -> a map (h, w) of group numbers for each picture.
    Colours have no meaning but "the same group".
    """
    figure, axes = panels(len(pictures), 1 + len(maps), size=(1.45, 1.6))
    told = []
    for row, picture in enumerate(pictures):
        line = axes[row * (1 + len(maps)) : (row + 1) * (1 + len(maps))]
        line[0].imshow(_picture(picture))
        line[0].set_title("picture" if row == 0 else "", fontsize=9)
        for ax, (said, grids) in zip(line[1:], maps.items()):
            grid = numbers(grids[row]).astype(int)
            ax.imshow(np.stack([_tint(group) for group in range(grid.max() + 1)])[grid], interpolation="nearest")
            if edges:
                _borders(ax, grid)
            ax.set_title(literal(said) if row == 0 else "", fontsize=9)
            told.append(f"{said}, picture {row + 1}: {len(np.unique(grid))} groups")
        for ax in line:
            ax.axis("off")
    heading(figure, title)
    return describe(figure, "Pictures, and which place is in which group. " + "; ".join(told))


def _borders(ax: Axes, grid: np.ndarray) -> None:
    y, x = np.nonzero(grid[1:] != grid[:-1])
    ax.hlines(y + 0.5, x - 0.5, x + 0.5, color="white", lw=0.8)
    y, x = np.nonzero(grid[:, 1:] != grid[:, :-1])
    ax.vlines(x + 0.5, y - 0.5, y + 0.5, color="white", lw=0.8)


@styled()
def judged(
    found: Mapping[str, Mapping[str, float]], *, ceiling: float, floor: float, title: str | None = None
) -> Figure:
    """Bars of mIoU with their intervals, between two lines.   found: whose -> {mIoU, low, high}."""
    figure, [ax] = panels(size=(6.4, 0.42 * len(found) + 1.3))
    for i, (who, one) in enumerate(found.items()):
        reach = [[max(one["mIoU"] - one["low"], 0)], [max(one["high"] - one["mIoU"], 0)]]
        by_truth = "truth" in who
        ax.barh(i, one["mIoU"], 0.7, xerr=reach, color=PALETTE[1 if by_truth else 0], ecolor="black",
                hatch=HATCHES[1] if by_truth else "", edgecolor="white")  # fmt: skip
        ax.text(one["high"] + 1, i, f"{one['mIoU']:.0f}", va="center", fontsize=9)
    ax.axvline(ceiling, color=REFERENCE, lw=2)
    ax.axvline(floor, color=REFERENCE, lw=2, ls=":")
    ax.text(ceiling, -0.75, f"ceiling {ceiling:.0f}", ha="center", fontsize=8.5)
    ax.text(floor, -0.75, f"floor {floor:.0f}", ha="left", fontsize=8.5)
    ax.set_yticks(range(len(found)), [literal(who) for who in found])
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="mIoU of things (%)")
    heading(figure, title)
    words = ", ".join(f"{who} {one['mIoU']:.0f}" for who, one in found.items())
    return describe(figure, f"mIoU: {words}; ceiling {ceiling:.0f}, floor {floor:.0f}")


@styled()
def thresholds(
    grid: Sequence[float], curves: Mapping[str, Sequence[float]], best: Mapping[str, float], *, title: str | None = None
) -> Figure:
    """mIoU against the background's threshold, a line a set of names, with its best place marked."""
    figure, [ax] = panels(size=(6.0, 3.2))
    for i, (who, values) in enumerate(curves.items()):
        at = list(grid).index(best[who])
        style = look(i)
        ax.plot(grid, values, color=style.colour, ls=style.dash if i > 9 else DASHES[i % 3], label=literal(who))
        ax.plot(best[who], values[at], style.marker, color=style.colour, ms=9, mec="black")
        ax.annotate(f"{best[who]:.2f}", (best[who], values[at]), xytext=(4, 6), textcoords="offset points", fontsize=9)
    ax.set(xlabel="threshold t: below min(t, the surest) is background", ylabel="mIoU of things (%)", ylim=(0, None))
    ax.legend(fontsize=9)
    heading(figure, title)
    return describe(
        figure, "; ".join(f"{who}: best at {best[who]:.2f}, {max(values):.0f} %" for who, values in curves.items())
    )


@styled()
def becoming(steps: Sequence[int], lines: Mapping[str, Sequence[float]], *, title: str | None = None) -> Figure:
    """Numbers by training step, a panel each."""
    figure, axes = panels(1, len(lines), size=(2.6, 2.4))
    for ax, (said, values) in zip(axes, lines.items()):
        ax.plot(steps, values, MARKERS[0] + "-", color=PALETTE[0], ms=4)
        ax.set(xlabel="training step", ylim=(0, None))
        ax.set_title(literal(said), fontsize=9)
    heading(figure, title)
    return describe(figure, "; ".join(f"{said}: {values[0]:.1f} to {values[-1]:.1f}" for said, values in lines.items()))
