"""Lesson 06's figures: the shared ones, the two towers as rows of tokens, who looks where, what a rate does, and what
the record says of methods, depth, length and tasks.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Patch, Rectangle

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, look, numbers, panels, styled
from lessons_lib.teaching.lesson06.record_plots import *  # noqa: F403
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.images import pictures

FROZEN, LEARNED, CARRIED = "#e6e6e6", PALETTE[1], "#fbe0bf"  # a token; a learned row; what blocks made of one
PROJECTED = "#9fd3f0"  # computed from a learned row of the other tower
PARTS = ("itself", "patches", "prompts")


@styled()
def prompted_towers(
    *,
    text: tuple[int, int] = (0, 0),
    image: tuple[int, int] = (0, 0),
    coupled: bool = False,
    blocks: tuple[int, int] = (4, 6),
    words: Sequence[str] = ("a", "photo", "of", "a", "forest", "."),
    title: str | None = None,
) -> Figure:
    """What enters every block of both towers, a box a row of tokens, the first block at the bottom. Returns the Figure.

    text, image: (prompts, depth J) of each side; on the text side they stand in place of the first words.
    coupled: arrows from the text's learned rows to the image's.
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
    figure, axes = panels(1, 2, size=(3.8, 0.95 + 0.42 * max(blocks)), width_ratios=widths)
    _tower(axes[0], sentence, slice(1, 1 + text[0]), text, blocks[0], "text tower: the prompt of one class")
    _tower(axes[1], patches, slice(6, 6 + image[0]), image, blocks[1], "image tower: one image", projected=coupled)
    axes[0].set_ylabel("rows that enter block …")
    for ax in axes:
        ax.set_ylim(-0.3, max(blocks) + 0.1)
        ax.patch.set_visible(False)  # arrows run behind the boxes
    for level in range(min(text[1], image[1]) if coupled else 0):
        start, end = (1 + text[0] / 2, level + 0.72), (6 + image[0] / 2, level + 0.72)
        style = "arc,angleA=90,angleB=90,armA=7,armB=7,rad=3"
        arrow = ConnectionPatch(start, end, "data", "data", axesA=axes[0], axesB=axes[1], arrowstyle="-|>",
                                connectionstyle=style, color="black", lw=1, zorder=-1)  # fmt: skip
        figure.add_artist(arrow)
        axes[0].text(len(sentence) - 0.5, level + 0.91, f"$F_{{{level + 1}}}$", fontsize=9, ha="center", va="center",
                     bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    carried = (text[0] and text[1] < blocks[0]) or (image[0] and image[1] < blocks[1])
    kinds = [Patch(facecolor=FROZEN, edgecolor=REFERENCE, label="a token, or what the frozen blocks made of it")]
    kinds += [Patch(facecolor=LEARNED, edgecolor="black", hatch="//", label="learned")] if text[0] or image[0] else []
    kinds += [Patch(facecolor=PROJECTED, edgecolor="black", label="projected from a learned row")] if coupled else []
    kinds += [Patch(facecolor=CARRIED, edgecolor=REFERENCE, label="what blocks made of such a row")] if carried else []
    figure.legend(handles=kinds, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
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
                ax.text(at + 0.5, level + 0.41, literal(word), ha="center", va="center", fontsize=7.5, linespacing=0.9)
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
    prompts: int,
    title: str | None = None,
) -> Figure:
    """Where rows of one picture look, block by block: its patches in place, as multiples of an even share.

    rows: for each line of panels (blocks, 1 + patches + prompts), a row's attention to the class token, to the patches
        of a square grid and to the prompts. Above a panel: how much of it goes to prompts.
    Panels share one scale, which ends where one patch in a hundred is brighter. Returns the Figure. Raises ValueError
    where the patches are no square.
    """
    maps = {name: numbers(attention) for name, attention in rows.items()}
    blocks = len(next(iter(maps.values())))
    squares = {name: [_square(looked[1:], prompts) * len(looked) for looked in each] for name, each in maps.items()}
    top = max(1.5, np.quantile(np.stack([square for each in squares.values() for square in each]), 0.99))
    figure, axes = panels(len(maps), blocks + 1, size=(1.15, 1.45))
    grid = iter(axes)
    for name, each in squares.items():
        ax = next(grid)
        ax.imshow(pictures([picture])[0])
        ax.set_title(literal(name), fontsize=8, loc="center")
        ax.axis("off")
        for block, square in enumerate(each):
            ax = next(grid)
            heat = ax.imshow(square, vmin=0, vmax=top)
            share = 100 * maps[name][block][-prompts:].sum()
            ax.set_title(f"block {block + 1}\nprompts {share:.0f} %", fontsize=8, fontweight="normal", loc="center")
            ax.axis("off")
    figure.colorbar(heat, ax=axes, label="times an even share", shrink=0.9, aspect=15, extend="max")
    heading(figure, title)
    return figure


def _square(looked: np.ndarray, prompts: int) -> np.ndarray:
    """(patches + prompts,) -> the patches in their square."""
    patches = len(looked) - prompts
    side = round(patches**0.5)
    if side * side != patches:
        raise ValueError(f"{patches} patches are no square: is prompts={prompts} right?")
    return looked[:patches].reshape(side, side)


@styled()
def by_rate(
    losses: Mapping[str, Sequence[float]], right: Mapping[str, float], *, zero_shot: float, title: str
) -> Figure:
    """What a learning rate does: the loss of each epoch, a line a rate, and the accuracy behind the last one.

    losses, right: name of a run -> its losses; percent.   zero_shot: percent, the dashed line.   Returns the Figure.
    """
    figure, (left, ax) = panels(2, 1, size=(5.0, 2.5), height_ratios=(3, 2))
    for i, (name, each) in enumerate(losses.items()):
        left.plot(range(1, len(each) + 1), each, ms=4, label=literal(name), **look(i).line)
        ax.barh(i, right[name], 0.7, color=look(i).colour)
        ax.text(right[name] + 1, i, f"{right[name]:.0f}", va="center", fontsize=8)
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None), title="Loss")
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(fontsize=8, loc="best")
    ax.axvline(zero_shot, color="black", ls="--", lw=1.2, label="zero-shot")
    ax.set_yticks(range(len(right)), list(map(literal, right)), fontsize=8)
    ax.set(xlim=(0, 108), ylim=(len(right) + 0.3, -0.6), xlabel="right (%)", title="Accuracy")
    ax.grid(axis="y", visible=False)
    ax.legend(fontsize=8, loc="lower left")
    heading(figure, title)
    return figure
