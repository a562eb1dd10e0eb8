"""The lessons' figures: one look, a palette that colour-blind readers can tell apart, axes that say what they show.

Each function draws one figure and returns its Axes (or, where there are several panels, the Figure) to add to or to
save. In a notebook, end the line with ";" so that the figure alone is shown. Nothing here needs a display.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from PIL import Image

from .. import evaluation

if TYPE_CHECKING:
    from ..data import Split

PALETTE = sns.color_palette("colorblind").as_hex()  # ten colours, after Okabe & Ito
MARKERS = "osD^vPX*<>"  # with the colour, so that lines differ in print too
RIGHT, WRONG, REFERENCE = PALETTE[2], PALETTE[3], "#4d4d4d"  # green and orange-red of unlike lightness; dark grey
COLORMAP = "viridis"  # even in lightness, read alike by all
STYLE = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("notebook", font_scale=0.8),
    "figure.dpi": 100,
    "axes.prop_cycle": plt.cycler(color=PALETTE),
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "image.cmap": COLORMAP,
    "image.interpolation": "nearest",
}


def use_style() -> None:
    """The lessons' look for figures that you draw yourself."""
    plt.rcParams.update(STYLE)


def panels(rows: int = 1, columns: int = 1, *, size: tuple[float, float] = (4.0, 3.0), **kwargs) -> tuple[Figure, list]:
    """A figure of rows × columns panels in the lessons' style and the list of their Axes. size: inches a panel."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(size[0] * columns, size[1] * rows), squeeze=False, layout="constrained", **kwargs
        )
    return figure, list(axes.flat)


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, in order of first appearance."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(names))}


def pictures(images: "Split | torch.Tensor | np.ndarray | Iterable") -> list[np.ndarray]:
    """Images as (H, W, 3) arrays that matplotlib shows: from a split, a (N, 3, H, W) tensor, or a list of any of these.

    Raises ValueError for what is no image.
    """
    if hasattr(images, "image"):  # a split
        return [np.asarray(images.image(i)) for i in range(len(images))]
    return [_picture(image) for image in images]


def show_images(
    images: "Split | torch.Tensor | Sequence",
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    size: float = 1.2,
    title: str | None = None,
    title_colours: Sequence[str] | None = None,
) -> Figure:
    """Pictures in rows. images: see `pictures`. titles: one each. size: inches a picture. Returns the Figure."""
    shown = pictures(images)
    if titles is not None and len(titles) != len(shown):
        raise ValueError(f"{len(shown)} images need as many titles; got {len(titles)}")
    columns = max(1, min(columns, len(shown)))
    lines = 0 if titles is None else max(str(text).count("\n") + 1 for text in titles)
    figure, axes = panels(math.ceil(len(shown) / columns), columns, size=(size, size + 0.17 * lines))
    for i, ax in enumerate(axes):
        ax.axis("off")
        if i < len(shown):
            ax.imshow(shown[i])
            if titles is not None:
                colour = title_colours[i] if title_colours is not None else "black"
                ax.set_title(titles[i], fontsize=8, fontweight="normal", loc="center", color=colour)
    if title:
        figure.suptitle(title, fontsize=10, fontweight="bold", x=0.01, ha="left")
    return figure


def similarity_matrix(
    sim: "torch.Tensor | np.ndarray",
    row_labels: Sequence[str],
    col_labels: Sequence[str],
    *,
    images: "Split | torch.Tensor | Sequence | None" = None,
    title: str = "Similarity of every image (row) to every text (column)",
    value: str = "cosine similarity",
    fmt: str | None = ".2f",
    cell: float = 0.55,
    ax: Axes | None = None,
    **kwargs,
) -> Axes:
    """A matrix (N, M) as a picture, with its numbers. images: N pictures shown in front of the rows. Returns the Axes.

    fmt: of the numbers in the cells; None leaves them out.   cell: inches a cell.   kwargs: to imshow (vmin, vmax, …).
    """
    sim = _numbers(sim)
    if sim.shape != (len(row_labels), len(col_labels)):
        raise ValueError(f"a matrix {sim.shape} cannot carry {len(row_labels)} row and {len(col_labels)} column labels")
    if ax is None:
        extra = 1.3 + (1.0 if images is not None else 0.0)
        _, [ax] = panels(size=(cell * 1.15 * sim.shape[1] + 1.5 + extra, cell * sim.shape[0] + 1.3))
    heat = ax.imshow(sim, aspect="auto", **{"cmap": COLORMAP, **kwargs})
    ax.grid(False)
    ax.set_xticks(range(sim.shape[1]), col_labels, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(sim.shape[0]), row_labels)
    if fmt:
        for (i, j), number in np.ndenumerate(sim):
            dark = heat.norm(number) < 0.6
            ax.text(j, i, format(number, fmt), ha="center", va="center", fontsize=7, color="white" if dark else "black")
    if images is not None:
        ax.tick_params(axis="y", pad=34)
        for i, picture in enumerate(pictures(images)):
            inset = ax.inset_axes((-0.6, i - 0.45, 0.0, 0.9), transform=ax.transData)
            inset.remove()
            _beside_row(ax, picture, i, inches=0.85 * cell)
    ax.set_title(title)
    ax.figure.colorbar(heat, ax=ax, label=value, shrink=0.9)
    return ax
