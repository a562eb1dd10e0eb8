"""Pictures beside maps that say of each pixel what it shows."""

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

from lessons_lib.look import PALETTE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots.images import _picture

NOTHING = ("background", "other", "others")  # names of what shows none of the labels: drawn grey
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
    figure, axes = panels(len(pictures), 1 + len(maps), size=(1.6, 1.7))
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
