"""One look for all figures, of lessons and reports: a palette that colour-blind readers can tell apart, a look for each
of any number of groups, and panels of a known size.
"""

from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from matplotlib.figure import Figure

PALETTE = sns.color_palette("colorblind").as_hex()  # ten colours, after Okabe & Ito
MARKERS = "osD^vPX*<>"  # with the colour, so that lines differ in print too
DASHES = ("-", "--", ":", "-.")
HATCHES = ("", "///", "...", "xxx")
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


@contextmanager
def styled() -> Iterator[None]:
    """The look for what is drawn inside; as `@styled()`, for what a function draws.

    It puts back only what it has changed. (plt.rc_context puts back all. After a notebook's first figure that includes
    the switch by which the backend has just made figures appear, and no later one would.)
    """
    before = {name: plt.rcParams[name] for name in STYLE}
    plt.rcParams.update(STYLE)
    try:
        yield
    finally:
        plt.rcParams.update(before)


@styled()
def panels(rows: int = 1, columns: int = 1, *, size: tuple[float, float] = (4.0, 3.0), **kwargs) -> tuple[Figure, list]:
    """A figure of rows × columns panels in the lessons' style and the list of their Axes. size: inches a panel."""
    size = (size[0] * columns, size[1] * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **kwargs)
    return figure, list(axes.flat)


class Look(NamedTuple):
    """What tells a group from the others: in colour, and in print."""

    colour: str
    marker: str
    dash: str
    hatch: str

    @property
    def line(self) -> dict[str, str]:
        """For `ax.plot`."""
        return {"color": self.colour, "marker": self.marker, "ls": self.dash}


def look(i: int) -> Look:
    """Of group number i, from 0. The first ten differ in colour and marker; after them colours come again, dashed, and
    with another marker and hatch. No two of the first forty are alike as lines, as dots or as areas."""
    tens, one = divmod(i, len(PALETTE))
    return Look(
        PALETTE[one], MARKERS[(i + tens) % len(MARKERS)], DASHES[tens % len(DASHES)], HATCHES[(i + tens) % len(HATCHES)]
    )


def looks(names: Iterable[Hashable]) -> dict[Hashable, Look]:
    """A look for each name, in order of first appearance."""
    return {name: look(i) for i, name in enumerate(dict.fromkeys(names))}


def heading(figure: Figure, text: str | None) -> None:
    """A title over all panels, at the left as the panels' own are."""
    if text:
        figure.suptitle(literal(text), fontsize=10, fontweight="bold", x=0.01, ha="left")


def literal(text: object) -> str | None:
    """A text that is drawn as it is written: a "$" in a class's name begins no formula. None stays None, no text."""
    return None if text is None else str(text).replace("$", r"\$")


def numbers(values: "torch.Tensor | np.ndarray") -> np.ndarray:
    """Numbers as matplotlib takes them, wherever they lie."""
    return values.detach().cpu().float().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
