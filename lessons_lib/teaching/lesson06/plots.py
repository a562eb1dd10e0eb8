"""Lesson 06's figures: the shared ones, and the two towers as rows of tokens: where prompts enter, what the class token
looks at, and a frame of pixels.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Patch, Rectangle

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.images import pictures, show_images

FROZEN, LEARNED, CARRIED = "#e6e6e6", PALETTE[1], "#fbe0bf"  # a token; a learned row; what blocks made of one
PROJECTED = "#9fd3f0"  # computed from a learned row of the other tower
PARTS = ("itself", "patches", "prompts")


@styled()
def prompted_towers(
    *,
    text: tuple[int, int] = (0, 0),
    image: tuple[int, int] = (0, 0),
    coupled: bool = False,
    frame: bool = False,
    blocks: tuple[int, int] = (4, 6),
    words: Sequence[str] = ("a", "photo", "of", "a", "forest", "."),
    title: str | None = None,
) -> Figure:
    """What enters every block of both towers, a box a row of tokens, the first block at the bottom. Returns the Figure.

    text, image: (prompts, depth J) of each side; on the text side they stand in place of the first words.
    coupled: arrows from the text's learned rows to the image's.   frame: pixels around the image are learned.
    blocks: of the text and of the image tower.
    Raises ValueError where there are more prompts than words, or a depth beyond the blocks.
    """
    for side, (count, depth), layers in zip(("text", "image"), (text, image), blocks):
        if count and not 1 <= depth <= layers:
            raise ValueError(f"{side}: depth {depth}, but there are {layers} blocks")
    if text[0] > len(words):
        raise ValueError(f"{text[0]} text prompts cannot stand in place of {len(words)} words")
    sentence = ["start", *words, "end"]
    patches = ["class", *(f"patch\n{n}" for n in ("1", "2", "3", "…", "64"))]
    patches += [""] * image[0]
    widths = (len(sentence), max(8, len(patches)))
    figure, axes = panels(1, 2, size=(5.0, 0.95 + 0.42 * max(blocks)), width_ratios=widths)
    _tower(axes[0], sentence, slice(1, 1 + text[0]), text, blocks[0], "text tower: the prompt of one class")
    _tower(axes[1], patches, slice(6, 6 + image[0]), image, blocks[1], "image tower: one image", projected=coupled)
    axes[0].set_ylabel("rows that enter block …")
    for ax in axes:
        ax.set_ylim(-0.3, max(blocks) + 0.1)
        ax.patch.set_visible(False)  # arrows run behind the boxes
    if frame:
        axes[1].text(3.5, -0.05, "… of a picture with a learned frame", ha="center", va="top", fontsize=8,
                     bbox={"facecolor": LEARNED, "edgecolor": "black", "pad": 2})  # fmt: skip
    for level in range(min(text[1], image[1]) if coupled else 0):
        start, end = (1 + text[0] / 2, level + 0.72), (6 + image[0] / 2, level + 0.72)
        style = "arc,angleA=90,angleB=90,armA=7,armB=7,rad=3"
        arrow = ConnectionPatch(start, end, "data", "data", axesA=axes[0], axesB=axes[1], arrowstyle="-|>",
                                connectionstyle=style, color="black", lw=1, zorder=-1)  # fmt: skip
        figure.add_artist(arrow)
        axes[0].text(len(sentence) - 0.5, level + 0.91, f"$F_{{{level + 1}}}$", fontsize=9, ha="center", va="center",
                     bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    kinds = [Patch(facecolor=FROZEN, edgecolor=REFERENCE, label="a token, or what the frozen blocks made of it")]
    kinds += [Patch(facecolor=LEARNED, edgecolor="black", hatch="//", label="learned")]
    kinds += [Patch(facecolor=PROJECTED, edgecolor="black", label="projected from a learned row")] if coupled else []
    kinds += [Patch(facecolor=CARRIED, edgecolor=REFERENCE, label="what the blocks made of such a row")]
    figure.legend(handles=kinds, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    heading(figure, title)
    return figure


def _tower(
    ax: Axes, rows: Sequence[str], prompts: slice, prompted: tuple[int, int], blocks: int, title: str,
    projected: bool = False,
) -> None:  # fmt: skip
    count, depth = prompted
    given = PROJECTED if projected else LEARNED
    for level in range(blocks):
        for at, word in enumerate(rows):
            is_prompt = count and prompts.start <= at < prompts.stop
            kind = FROZEN if not is_prompt else given if level < depth else CARRIED
            ax.add_patch(Rectangle((at + 0.05, level + 0.1), 0.9, 0.62, facecolor=kind,
                                   edgecolor="black" if kind is given else REFERENCE, lw=0.8,
                                   hatch="//" if kind is LEARNED else ""))  # fmt: skip
            if is_prompt and kind is given:
                name = f"${'P' if 'text' in title else 'Z'}_{{{level + 1}}}$"
                ax.text(at + 0.5, level + 0.41, name, ha="center", va="center", fontsize=8,
                        bbox={"facecolor": given, "edgecolor": "none", "pad": 0.6})  # fmt: skip
            elif level == 0:
                ax.text(at + 0.5, level + 0.41, literal(word), ha="center", va="center", fontsize=6.5, linespacing=0.9)
    ax.set(xlim=(0, len(rows)), title=title)
    ax.set_yticks(np.arange(blocks) + 0.41, [str(level + 1) for level in range(blocks)])
    ax.set_xticks([])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


@styled()
def attention_shares(
    shares: Mapping[str, "torch.Tensor | np.ndarray"], *, columns: int = 4, title: str | None = None
) -> Figure:
    """How the class token divides its attention in every block, a panel a model. Returns the Figure.

    shares: (blocks, 3) each, shares of 1 that go to itself, to the patches and to the prompts.
    Raises ValueError for another shape, and where the shares of a block do not add up to 1.
    """
    columns = min(columns, len(shares))
    count = -(-len(shares) // columns)
    figure, axes = panels(count, columns, size=(2.5, 2.3), sharey=True)
    for ax, (name, share) in zip(axes, shares.items()):
        share = 100 * numbers(share)
        if share.ndim != 2 or share.shape[1] != len(PARTS) or not np.allclose(share.sum(axis=1), 100, atol=0.1):
            raise ValueError(f"{name!r}: give (blocks, 3) shares that add up to 1; got shape {share.shape}")
        where, below = np.arange(1, len(share) + 1), np.zeros(len(share))
        for part, colour, hatch, height in zip(PARTS, (REFERENCE, PALETTE[0], LEARNED), ("", "", "//"), share.T):
            ax.bar(where, height, 0.8, bottom=below, color=colour, hatch=hatch, edgecolor="white", lw=0.3, label=part)
            below = below + height
        ax.set(xlabel="block", title=name, ylim=(0, 100))
        ax.set_xticks(where)
        ax.grid(axis="x", visible=False)
    for ax in axes[len(shares) :]:
        ax.axis("off")
    for ax in axes[::columns]:
        ax.set_ylabel("attention (%)")
    figure.set_size_inches(figure.get_figwidth() + 1.0, figure.get_figheight())
    axes[columns - 1].legend(*_reversed(axes[0]), loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    heading(figure, title)
    return figure


def _reversed(ax: Axes) -> tuple[list, list]:
    """Legend entries in the order of the stack, the top one first."""
    handles, labels = ax.get_legend_handles_labels()
    return handles[::-1], labels[::-1]


@styled()
def attention_maps(
    picture: "torch.Tensor | np.ndarray",
    rows: Mapping[str, "torch.Tensor | np.ndarray"],
    *,
    prompts: int = 0,
    title: str | None = None,
) -> Figure:
    """Where the class token of one picture looks, block by block: its patches in place, below them a cell a prompt.

    rows: for each line of panels (blocks, 1 + patches + prompts), the class token's attention to itself, to the
        patches of a square grid and to the prompts. Panels share one scale; what it gives itself is not shown.
    Returns the Figure.
    """
    maps = {name: numbers(attention) for name, attention in rows.items()}
    blocks = len(next(iter(maps.values())))
    figure, axes = panels(len(maps), blocks + 1, size=(1.25, 1.6))
    top = max(attention[:, 1:].max() for attention in maps.values())
    grid = iter(axes)
    for name, attention in maps.items():
        ax = next(grid)
        ax.imshow(pictures([picture])[0])
        ax.set_title(name, fontsize=8)
        ax.axis("off")
        for block, looked in enumerate(attention, start=1):
            ax = next(grid)
            heat = ax.imshow(_as_grid(looked[1:], prompts), vmin=0, vmax=100 * top)
            ax.set_title(f"block {block}", fontsize=8, fontweight="normal", loc="center")
            ax.axis("off")
    figure.colorbar(heat, ax=axes, label="attention of the class token (%)", shrink=0.9, aspect=15)
    heading(figure, title)
    return figure


def _as_grid(looked: np.ndarray, prompts: int) -> np.ndarray:
    """(patches + prompts,) -> percent in a square of patches, a gap, and rows of prompts; NaN where nothing is."""
    patches = len(looked) - prompts
    side = round(patches**0.5)
    if side * side != patches:
        raise ValueError(f"{patches} patches are no square: is prompts={prompts} right?")
    below = -(-prompts // side)
    cells = np.full((side + below + bool(below), side), np.nan)
    cells[:side] = looked[:patches].reshape(side, side)
    for at, share in enumerate(looked[patches:]):
        cells[side + 1 + at // side, at % side] = share
    return 100 * cells


@styled()
def pixel_frame(
    images: torch.Tensor,
    frame: torch.Tensor,
    strengths: Sequence[float] = (0.0, 0.5, 1.0),
    *,
    mean: Sequence[float],
    std: Sequence[float],
    titles: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Preprocessed images with a frame added, one line of pictures for each of its strengths. Returns the Figure.

    images: (N, 3, S, S).   frame: (3, S, S), what is added at strength 1.   mean, std: of the preprocessing.
    titles: one a strength.
    """
    mean, std = (torch.as_tensor(values)[:, None, None] for values in (mean, std))
    framed = [image + strength * frame.detach().cpu() for strength in strengths for image in images.cpu()]
    shown = [(image * std + mean).clamp(0, 1) for image in framed]
    words = [f"frame × {strength:g}" for strength in strengths] if titles is None else titles
    return show_images(shown, columns=len(images), size=0.9, row_titles=words, title=title)
