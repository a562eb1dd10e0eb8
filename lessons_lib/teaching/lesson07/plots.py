"""Lesson 07's figures: the shared ones, where a method learns, Tip-Adapter's cache, and its grid of α and β."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle

from lessons_lib.look import COLORMAP, PALETTE, REFERENCE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403

LOOK = {  # kind of box -> (fill, hatch, what the legend says)
    "given": ("white", "", "given"),
    "once": ("#bfe3f5", "", "computed once, and kept"),
    "step": ("#e6e6e6", "", "computed at every step"),
    "learned": (PALETTE[1], "///", "learned"),
    "maybe": ("#bfe3f5", "///", "kept; learned in Tip-Adapter-F"),
}


class Box(NamedTuple):
    """A box of the drawing: its middle, its words, and a key of `LOOK`."""

    x: float
    y: float
    words: str
    kind: str
    width: float = 1.5


TEXTS = {
    "text": Box(1, 0, "template and\nclass names", "given"),
    "text tower": Box(1, 1, "text tower", "once"),
    "w": Box(1, 2, "$w_1 … w_C$", "once"),
}
IMAGES = {
    "image": Box(3, 0, "picture", "given"),
    "image tower": Box(3, 1, "image tower", "once"),
    "f": Box(3, 2, "$f$", "once"),
}
UP = [("text", "text tower"), ("text tower", "w"), ("image", "image tower"), ("image tower", "f")]
PATHS: dict[str, tuple[dict[str, Box], list[tuple[str, str]]]] = {
    "CoOp: in front of the tower": (
        {
            "text": Box(0.55, 0, "$v_1 … v_M$", "learned", 0.95),
            "name": Box(1.55, 0, "names", "given", 0.8),
            "text tower": Box(1, 1, "text tower", "step"),
            "w": Box(1, 2, "$w_1 … w_C$", "step"),
            **IMAGES,
            "logits": Box(2, 5, "logits: $s\\,f\\,w_c^T$", "step", 2.4),
        },
        [*UP, ("name", "text tower"), ("w", "logits"), ("f", "logits")],
    ),
    "CLIP-Adapter: behind the tower": (
        {
            **TEXTS,
            **IMAGES,
            "A": Box(3.68, 3, "adapter $A$", "learned", 1.0),
            "f'": Box(3, 4, "$α\\,A(f) + (1 − α)\\,f$", "step", 2.0),
            "logits": Box(2, 5, "logits: $s\\,f'\\,w_c^T$", "step", 2.4),
        },
        [*UP, ("f", "A"), ("A", "f'"), ("f", "f'"), ("f'", "logits"), ("w", "logits")],
    ),
    "Tip-Adapter: beside the tower": (
        {
            **TEXTS,
            **IMAGES,
            "cache": Box(4.9, 2, "keys $F$, labels $L$\nof few pictures", "maybe", 1.9),
            "phi": Box(4.1, 3.5, "$α\\,φ(f F^T)\\,L$", "step", 1.6),
            "logits": Box(2.5, 5, "logits: $s\\,f\\,w_c^T$ + cache", "step", 3.2),
        },
        [*UP, ("f", "phi"), ("cache", "phi"), ("phi", "logits"), ("f", "logits"), ("w", "logits")],
    ),
}


@styled()
def adapter_paths(*, title: str | None = None) -> Figure:
    """CoOp, CLIP-Adapter and Tip-Adapter from words and pictures at the bottom to logits at the top. Returns the
    Figure, a panel a method."""
    widths = [4.0, 4.2, 6.0]
    figure, axes = panels(1, len(PATHS), size=(3.6, 3.4), width_ratios=widths)
    for ax, width, (name, (boxes, arrows)) in zip(axes, widths, PATHS.items()):
        _draw(ax, boxes, arrows)
        ax.set(xlim=(0, width), ylim=(-0.45, 5.4), title=name)
        ax.axis("off")
    kinds = [Patch(facecolor=fill, hatch=hatch, edgecolor=REFERENCE, label=said) for fill, hatch, said in LOOK.values()]
    figure.legend(handles=kinds, loc="outside lower center", ncols=len(kinds), fontsize=8, frameon=False)
    heading(figure, title)
    return figure


def _draw(ax: Axes, boxes: dict[str, Box], arrows: list[tuple[str, str]]) -> None:
    for start, end in arrows:
        a, b = boxes[start], boxes[end]
        land = min(max(a.x, b.x - 0.4 * b.width), b.x + 0.4 * b.width)  # as straight up as the upper box allows
        ax.add_patch(FancyArrowPatch((a.x, a.y + 0.3), (land, b.y - 0.3), arrowstyle="-|>", mutation_scale=9,
                                     shrinkA=0, shrinkB=0, color=REFERENCE, lw=1, zorder=1))  # fmt: skip
    for box in boxes.values():
        fill, hatch, _ = LOOK[box.kind]
        corner = (box.x - box.width / 2, box.y - 0.3)
        ax.add_patch(Rectangle(corner, box.width, 0.6, facecolor=fill, hatch=hatch, edgecolor=REFERENCE, zorder=2))
        words = ax.text(box.x, box.y, box.words, ha="center", va="center", fontsize=8, linespacing=1.0, zorder=3)
        if hatch:
            words.set_bbox({"facecolor": "white", "alpha": 0.8, "pad": 1, "lw": 0})


@styled()
def cache_heat(
    weights: "Mapping[str, torch.Tensor | np.ndarray]",
    labels: torch.Tensor,
    key_labels: torch.Tensor,
    classnames: Sequence[str],
    *,
    title: str | None = None,
) -> Figure:
    """How much each picture (row) makes of each key (column), both sorted by class, a panel a kind of weight. Returns
    the Figure.

    weights: (N, NK) each, from 0 to 1.   labels: (N,), of the pictures.   key_labels: (NK,), of the keys.
    Raises ValueError for another shape.
    """
    figure, axes = panels(1, len(weights), size=(3.6, 3.3), sharey=True)
    rows, columns = numbers(labels), numbers(key_labels)
    by_row, by_column = (each.argsort(kind="stable") for each in (rows, columns))
    first = [np.searchsorted(np.sort(each), np.arange(len(classnames))) for each in (rows, columns)]
    for ax, (name, weight) in zip(axes, weights.items()):
        weight = numbers(weight)
        if weight.shape != (len(rows), len(columns)):
            raise ValueError(
                f"{name!r}: {len(rows)} pictures and {len(columns)} keys need {(len(rows), len(columns))} weights; "
                f"got {weight.shape}"
            )
        shown = ax.imshow(weight[by_row][:, by_column], vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        for edge in first[0][1:]:
            ax.axhline(edge - 0.5, color="white", lw=0.5)
        for edge in first[1][1:]:
            ax.axvline(edge - 0.5, color="white", lw=0.5)
        ax.set(title=name, xlabel="keys, class by class", xticks=[])
        ax.grid(False)
    axes[0].set_yticks(
        (first[0] + np.append(first[0][1:], len(rows)) - 1) / 2, list(map(literal, classnames)), fontsize=7
    )
    axes[0].set_ylabel("pictures, class by class")
    figure.colorbar(shown, ax=axes, shrink=0.8)
    heading(figure, title)
    return figure


@styled()
def alpha_beta_grid(
    accuracies: "torch.Tensor | np.ndarray",
    alphas: "torch.Tensor | Sequence[float]",
    betas: "torch.Tensor | Sequence[float]",
    *,
    chosen: tuple[float, float] | None = None,
    within: float = 1.0,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Accuracy for every α (across) and β (up) as a heat map, with the pair that was chosen. Returns the Axes.

    accuracies: (n_beta, n_alpha).   alphas: (n_alpha,).   betas: (n_beta,); both ascending.   chosen: (α, β).
    within: a line is drawn around the pairs that are at most so many points below the best; the wider the region, the
        less it matters which pair is taken. None for no line.
    """
    accuracies, alphas, betas = (numbers(torch.as_tensor(each)) for each in (accuracies, alphas, betas))
    if accuracies.shape != (len(betas), len(alphas)):
        raise ValueError(
            f"{len(betas)} betas and {len(alphas)} alphas need accuracies {(len(betas), len(alphas))}; "
            f"got {accuracies.shape}"
        )
    if ax is None:
        _, [ax] = panels(size=(5.2, 3.6))
    heat = ax.pcolormesh(alphas, betas, accuracies, shading="nearest", cmap=COLORMAP, rasterized=True)
    ax.figure.colorbar(heat, ax=ax, label="validation accuracy (%)")
    level = None if within is None else float(accuracies.max()) - within
    if level is not None and accuracies.min() < level and min(accuracies.shape) > 1:
        ax.contour(alphas, betas, accuracies, [level], colors="black", linewidths=1.2)
        ax.plot([], [], color="black", lw=1.2, label=f"within {within:g} point{'s' * (within != 1)} of the best")
    if chosen is not None:
        said = f"chosen: α = {chosen[0]:.3g}, β = {chosen[1]:.3g}"
        ax.plot(*chosen, "*", ms=15, color=PALETTE[3], mec="white", label=said, clip_on=False)
    ax.grid(False)
    ax.set(xlabel="α, the weight of the cache", ylabel="β, how sharply it attends", title=title)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, frameon=False, fontsize=8)
    return ax
