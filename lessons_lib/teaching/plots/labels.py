"""Words on charts: names beside dots, and numbers as they are said."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from lessons_lib.look import REFERENCE, literal

WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # from a dot to its label


def label_dots(
    ax: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str], whiskers: np.ndarray, lines: Sequence, gap: int = 9
) -> None:
    """Writes each dot's name beside it, on the side where it covers least of other names, dots, whiskers and lines.

    lines: pairs of ends.   gap: points from a dot to its name.
    """
    figure = ax.figure
    figure.draw_without_rendering()  # the layout and the axes' limits are as they will be
    pixels, to_pixels = figure.dpi / 72, ax.transData.transform
    ends = [((a, b - w), (a, b + w)) for a, b, w in zip(x, y, whiskers)]
    taken = [Bbox(np.sort(to_pixels(pair), axis=0)).padded(5 * pixels) for pair in ends]
    taken += [Bbox(np.sort(to_pixels(pair), axis=0)).padded(pixels) for pair in lines]
    legend = ax.get_legend()
    taken += [] if legend is None else [legend.get_window_extent()]
    for at, name in zip(np.stack([x, y], axis=1), names):
        words = ax.annotate(
            literal(name), at, xytext=(0, 0), textcoords="offset points", va="bottom", fontsize=8, zorder=4
        )
        width, height = words.get_window_extent().size
        dot, tried = to_pixels(at), []
        for far, (right, up) in product((1, 2, 3), WAYS):
            offset = far * gap * np.array([right, up])  # points
            corner = dot + offset * pixels + np.array([right - 1, up - 1]) * (width, height) / 2
            place = Bbox.from_bounds(*corner, width, height)
            inside = ax.bbox.containsx(place.x0) and ax.bbox.containsx(place.x1)
            inside = inside and ax.bbox.containsy(place.y0) and ax.bbox.containsy(place.y1)
            tried.append((sum(map(place.overlaps, taken)) + (not inside), far, offset, corner, place))
        _, far, offset, corner, place = min(tried, key=lambda each: each[:2])
        words.set_position((corner - dot) / pixels)
        taken.append(place)
        if far > 1:  # a thin line leads from the dot to its name
            ax.annotate("", at, xytext=offset, textcoords="offset points", zorder=2,
                        arrowprops={"arrowstyle": "-", "lw": 0.5, "color": REFERENCE, "shrinkA": 0})  # fmt: skip


def spoken(value: float) -> str:
    """Two digits that count, with the usual letters: 0.12, 3.4, 56, 7,800, 1.2 million."""
    for size, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{value / size:.2g}{word}" if value < 100 * size else f"{value / size:,.0f}{word}"
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
