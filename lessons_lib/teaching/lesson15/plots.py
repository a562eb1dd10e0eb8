"""Lesson 15's figures: one trunk with two tasks, views and who has to find whom, what a picture's neighbours share."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import Tensor

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, look, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import arms, describe, show_images
from lessons_lib.teaching.plots.images import pictures

BOXES = {  # what stands where: left, height, width, words, and whether it is thrown away in the end
    "view": (0.0, 2.0, 1.5, "a gentle crop", False),
    "views": (0.0, 0.55, 1.5, "two hard views", False),
    "trunk": (2.2, 1.27, 1.1, "trunk", False),
    "projection": (4.0, 2.0, 1.35, "projection", False),
    "head": (4.0, 0.55, 1.35, "head", True),
    "caption": (0.0, 3.2, 1.5, "the caption", False),
    "text": (2.2, 3.2, 1.5, "text tower", False),
    "clip": (6.0, 2.6, 1.9, "CLIP: whose\ncaption is it?", False),
    "ssl": (6.0, 0.55, 1.9, "NT-Xent: whose\nother view is it?", False),
}
WAYS = [("view", "trunk"), ("views", "trunk"), ("trunk", "projection"), ("trunk", "head"), ("caption", "text"),
        ("projection", "clip"), ("text", "clip"), ("head", "ssl")]  # fmt: skip
ARROW = {"arrowstyle": "-|>", "color": "black", "lw": 1, "shrinkA": 1, "shrinkB": 1}


@styled()
def two_tasks(*, title: str | None = None) -> Figure:
    """SLIP's parts: what sees which view, and what is thrown away. Returns the Figure."""
    figure, [ax] = panels(size=(6.6, 3.1))
    for left, middle, width, words, lost in BOXES.values():
        tall = 1.9 if words == "trunk" else 0.74
        ax.add_patch(FancyBboxPatch(
            (left, middle - tall / 2), width, tall, boxstyle="round,pad=0,rounding_size=0.06", lw=1.2,
            facecolor="#fff3d6" if words == "trunk" else "white", edgecolor="black", ls=":" if lost else "-",
        ))  # fmt: skip
        ax.text(left + width / 2, middle, words, ha="center", va="center", fontsize=9)
    for first, second in WAYS:
        (x, y, width, _, _), (to, end, _, _, _) = BOXES[first], BOXES[second]
        reach = 0.5 if second == "trunk" else 0.12
        middle = end + np.clip(y - end, -reach, reach)
        start = y if first != "trunk" else y + np.clip(end - y, -0.5, 0.5)
        ax.annotate("", xy=(to, middle), xytext=(x + width, start), arrowprops=ARROW)
    ax.set(xlim=(-0.1, 8.1), ylim=(0, 3.75))
    ax.axis("off")
    heading(figure, title)
    said = (
        "A gentle crop and two hard views of a picture pass one trunk. The crop goes on to the projection and is "
        "matched with the caption from the text tower: CLIP's task. The two views go on to a head, which is thrown "
        "away in the end, and are matched with each other: NT-Xent"
    )
    return describe(figure, said)


@styled()
def who_finds_whom(logits: Tensor, *, title: str | None = None) -> Axes:
    """The cosines of 2N views, the other view of each picture framed, the diagonal crossed out. Returns the Axes.

    logits: (2N, 2N) cosines, the first views first.
    """
    values = numbers(logits)
    n = len(values) // 2
    figure, [ax] = panels(size=(4.6, 3.9))
    heat = ax.imshow(values, vmin=min(0.0, float(values.min())), vmax=1)
    for i in range(2 * n):
        other = (i + n) % (2 * n)
        ax.add_patch(Rectangle((other - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=PALETTE[3], lw=2.2))
        ax.plot([i - 0.4, i + 0.4], [i - 0.4, i + 0.4], color="white", lw=1.2)
    names = [f"{kind}{i + 1}" for kind in "ab" for i in range(n)]
    ax.set_xticks(range(2 * n), names)
    ax.set_yticks(range(2 * n), names)
    ax.grid(False)
    ax.set_title(literal(title), fontsize=10)
    figure.colorbar(heat, ax=ax, shrink=0.8, label="cosine")
    without = np.where(np.eye(2 * n, dtype=bool), -np.inf, values)
    found = int((without.argmax(axis=1) == (np.arange(2 * n) + n) % (2 * n)).sum())
    return describe(ax, f"Cosines of {2 * n} views with each other. {found} find the other view of their picture first")


@styled()
def neighbours(
    images: "Tensor | Sequence", found: Mapping[str, Sequence[int]], at: int, *, names: Sequence[str],
    title: str | None = None,
) -> Figure:  # fmt: skip
    """The picture, and in a row for each trunk what lies nearest to it. Returns the Figure.

    found: whose trunk -> numbers of the pictures, the nearest first.   at: the number of the picture asked for.
    names: what each picture shows.
    """
    k = min(len(row) for row in found.values())
    shown = [images[i] for row in found.values() for i in (at, *row[:k])]
    above = [said for who in found for said in (who, *[f"{j + 1}." for j in range(k)])]
    said = "; ".join(f"{who}: {', '.join(names[i] for i in row[:k])}" for who, row in found.items())
    figure = show_images(pictures(shown), above, columns=1 + k, size=1.0, title=title)
    return describe(figure, f"What lies nearest to a picture of {names[at]}. {said}")


@styled()
def losses(curves: Mapping[str, Sequence[float]], knows_nothing: float, *, title: str | None = None) -> Axes:
    """A loss by step, a line each, and what it is while nothing is known. Returns the Axes."""
    _, [ax] = panels(size=(5.2, 2.8))
    for i, (who, curve) in enumerate(curves.items()):
        ax.plot(range(1, len(curve) + 1), curve, label=literal(who), color=look(i).colour, ls=look(i).dash)
    ax.axhline(knows_nothing, color=REFERENCE, lw=1.2, ls="-.", label="nothing is known")
    ax.set(xlabel="step", ylabel="NT-Xent", ylim=(0, None), title=literal(title))
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.01, 1))
    return ax


def alike(found: Mapping[str, Mapping[str, float]], *, chance: float, title: str | None = None) -> Axes:
    """Of a picture's nearest neighbours: how many share its shape, its colour; a row a trunk. Returns the Axes.

    found: whose trunk -> {"shape": percent, "colour": percent}.
    """
    rows = [{"arm": who, "seed": 0, "on": part, "accuracy": share} for who, shares in found.items()
            for part, share in shares.items()]  # fmt: skip
    names = {who: who for who in found}
    ax = arms(pd.DataFrame(rows), names, {"colour": "its colour", "shape": "its shape"}, chance=chance, title=title)
    ax.set_xlabel("neighbours that share it (%)")
    return ax
