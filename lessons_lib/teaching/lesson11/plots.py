"""Lesson 11's figures: pictures with their labels, ways to ask beside floor and ceiling, texts against confusion."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from torch import Tensor

from lessons_lib.look import HATCHES, PALETTE, REFERENCE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.images import _picture

NOTHING = ("background", "other", "others")  # names of what shows none of the labels: drawn grey
BOUNDS = {"floor": ":", "ceiling": "-"}  # and their lines
GREY, LETTERED = "#d9d9d9", 60  # pixels from which a region of a 64 × 64 map gets its letter


@styled()
def segmented(
    pictures: Sequence[Tensor], maps: Mapping[str, tuple[Sequence[Tensor], Sequence[str]]], *, title: str | None = None
) -> Figure:
    """A row a picture: the picture, and beside it each map of labels, every label with a colour and a letter.

    pictures: of (3, H, W).   maps: what is said above a column -> (a map (H, W) of label numbers for each picture, the
    names of the labels).   Labels that are "background" or "other(s)" are grey, without a letter.
    """
    shown = [names[number] for grids, names in maps.values() for grid in grids for number in _largest(grid)]
    found = list(dict.fromkeys(name for name in shown if name not in NOTHING))
    looks = {name: (PALETTE[i % len(PALETTE)], ascii_uppercase[i % 26]) for i, name in enumerate(found)}
    figure, axes = panels(len(pictures), 1 + len(maps), size=(1.75, 1.85))
    for row, picture in enumerate(pictures):
        line = axes[row * (1 + len(maps)) : (row + 1) * (1 + len(maps))]
        line[0].imshow(_picture(picture))
        line[0].set_title("picture" if row == 0 else "", fontsize=9)
        for ax, (said, (grids, names)) in zip(line[1:], maps.items()):
            _draw_map(ax, numbers(grids[row]).astype(int), names, looks)
            ax.set_title(literal(said) if row == 0 else "", fontsize=9)
        for ax in line:
            ax.axis("off")
    keys = [Patch(facecolor=colour, label=f"{letter} {literal(name)}") for name, (colour, letter) in looks.items()]
    keys += [Patch(facecolor=GREY, label="none of them")]
    figure.legend(handles=keys, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    heading(figure, title)
    words = [
        f"{said}, picture {row + 1}: {', '.join(names[number] for number in _largest(grid)) or 'none'}"
        for said, (grids, names) in maps.items()
        for row, grid in enumerate(grids)
    ]
    return describe(figure, "Pictures, and the largest labels of each map. " + "; ".join(words))


def _largest(grid: Tensor, most: int = 5) -> list[int]:
    """The labels of a map, the largest first."""
    values, counts = torch.as_tensor(grid).unique(return_counts=True)
    return values[counts.argsort(descending=True)][:most].tolist()


def _draw_map(ax: Axes, grid: np.ndarray, names: Sequence[str], looks: Mapping[str, tuple[str, str]]) -> None:
    colours = np.tile(np.array(to_rgb(GREY)), (*grid.shape, 1))
    for number in np.unique(grid):
        name = names[number]
        if name in NOTHING:
            continue
        colour, letter = looks.get(name, ("#8c8c8c", ""))  # too small to be named
        mine = grid == number
        colours[mine] = to_rgb(colour)
        if mine.sum() >= LETTERED * grid.size / 4096:
            y, x = np.nonzero(mine)
            middle = np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2)  # a pixel of the region itself
            words = ax.text(x[middle], y[middle], letter, ha="center", va="center", fontsize=9, weight="bold")
            words.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    ax.imshow(colours)


@styled()
def asked(
    found: Mapping[str, Mapping[str, dict]],
    *,
    ways: Mapping[str, str],
    title: str | None = None,
) -> Figure:
    """Bars of mIoU by the way of asking, with 95 % intervals, and lines at floor and ceiling.

    found: whose -> way -> {mIoU, low, high}; of "floor" and "ceiling", where they are there, lines are drawn.
    ways: way -> what is said of it.
    """
    whose = [who for who in found if who not in BOUNDS]
    figure, [ax] = panels(size=(6.4, 0.36 * len(ways) * (len(whose) + 0.8) + 0.9))
    place, ticks = 0.0, []
    for way in ways:
        ticks.append(place + (len(whose) - 1) / 2)
        for i, who in enumerate(whose):
            one = found[who][way]
            reach = [[max(one["mIoU"] - one["low"], 0)], [max(one["high"] - one["mIoU"], 0)]]
            ax.barh(place + i, one["mIoU"], 0.8, xerr=reach, color=PALETTE[i], hatch=HATCHES[i % len(HATCHES)],
                    ecolor="black", label=None if place else who)  # fmt: skip
            ax.text(one["high"] + 1, place + i, f"{one['mIoU']:.0f}", va="center", fontsize=8)
        for said, dash in BOUNDS.items():
            if said in found:
                value = found[said][way]["mIoU"]
                ax.plot([value] * 2, [place - 0.6, place + len(whose) - 0.4], color=REFERENCE, ls=dash, lw=2,
                        label=None if place else said)  # fmt: skip
        place += len(whose) + 0.8
    ax.set_yticks(ticks, [literal(said) for said in ways.values()])
    ax.invert_yaxis()
    ax.set(xlim=(0, 105), xlabel="mIoU over things (%)")
    ax.set_title(literal(title))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    words = [
        f"{said}: " + ", ".join(f"{who} {found[who][way]['mIoU']:.0f}" for who in found) for way, said in ways.items()
    ]
    return describe(figure, "Bars of mIoU by the way of asking. " + "; ".join(words))


@styled()
def near_and_taken(
    cosines: Tensor, shares: Tensor, rows: Sequence[str], columns: Sequence[str], *, named: int = 6
) -> Axes:
    """A dot a pair: how near the texts of a thing and of a label are, and which share of the thing's pixels got that
    label. cosines, shares (percent): (R, C). The largest shares have a letter. Returns the Axes."""
    figure, [ax] = panels(size=(5.6, 4.2))
    x, y = numbers(cosines).flatten(), numbers(shares).flatten()
    ax.scatter(x, y, s=12, color=PALETTE[0], alpha=0.6, lw=0)
    told, keys, places = [], [], np.argsort(-y)[:named]
    wide, high = np.ptp(x) / 20, np.ptp(y) / 12  # nearer than this, two letters would lie on each other
    for letter, place in zip(ascii_uppercase, places):
        name = f"{rows[place // len(columns)]} → {columns[place % len(columns)]}"
        told.append(f"{name} {y[place]:.0f} % at cosine {x[place]:.2f}")
        keys.append(ax.scatter([], [], marker=f"${letter}$", color="black", s=40, label=literal(name)))
        gaps = [x[i] - x[place] for i in places if i != place and abs(y[i] - y[place]) < high]
        gaps = [gap for gap in gaps if abs(gap) < wide]
        side, shift = (("right", -4) if gaps[0] > 0 else ("left", 4)) if gaps else ("center", 0)
        words = ax.annotate(letter, (x[place], y[place]), xytext=(shift, 3), fontsize=9, weight="bold",
                            textcoords="offset points", ha=side)  # fmt: skip
        words.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    figure.legend(handles=keys, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    ax.set(xlabel="cosine of the two texts", ylabel="share of the thing's pixels (%)")
    return describe(ax, f"Every thing that was not seen against every label that was. The largest: {'; '.join(told)}")
