"""Lesson 04's figures: the shared ones, which rows of a prompt are learned, how the loss falls, what words lie near."""

import re
from collections.abc import Collection, Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, look, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403

LEARNED = re.compile(r"v\d+")  # how the boxes of context vectors are written: v1, v2, …
KINDS = {  # kind of row -> (fill, hatch, what the legend says)
    "learned": (PALETTE[1], "///", "learned"),
    "name": (PALETTE[0], "", "class name"),
    "fixed": ("#e6e6e6", "", "fixed"),
}


@styled()
def prompt_boxes(
    prompts: Mapping[str, Sequence[str]], names: Collection[str], *, shared: int = 0, title: str = "",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Prompts as rows of boxes, a box a token. Returns the Axes.

    prompts: what to call a row -> its tokens; "v1", "v2", … are learned, those in `names` are of class names.
    shared: a dashed line is drawn behind so many rows, which are the same for all classes.
    """
    longest = max(len(tokens) for tokens in prompts.values())
    if ax is None:
        _, [ax] = panels(size=(0.6 * longest + 2.2, 0.5 * len(prompts) + 0.9))
    for y, tokens in enumerate(prompts.values()):
        for x, token in enumerate(tokens):
            colour, hatch, _ = KINDS[kind_of(token, names)]
            ax.add_patch(Rectangle((x + 0.04, y - 0.36), 0.92, 0.72, facecolor=colour, hatch=hatch, edgecolor="white"))
            words = ax.text(x + 0.5, y, literal(token), ha="center", va="center", fontsize=8, color="black")
            words.set_bbox({"facecolor": "white", "alpha": 0.75, "pad": 1, "lw": 0})
    if shared:
        ax.axvline(shared, color="black", ls="--", lw=1.5)
        ax.text(shared, -0.55, "the same for all classes ←", ha="right", va="bottom", fontsize=8)
    ax.set(xlim=(0, longest), ylim=(len(prompts) - 0.5, -0.9 if shared else -0.5), title=title)
    ax.set_xticks([x + 0.5 for x in range(longest)], [str(x) for x in range(longest)])
    ax.set_yticks(range(len(prompts)), list(map(literal, prompts)))
    ax.set_xlabel("position in the prompt")
    ax.grid(False)
    ax.legend(
        handles=[Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=said) for colour, hatch, said in
                 KINDS.values()],
        loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8,
    )  # fmt: skip
    return ax


def kind_of(token: str, names: Collection[str]) -> str:
    """A key of `KINDS`."""
    return "name" if token in names else "learned" if LEARNED.match(token) else "fixed"


@styled()
def training(history: Sequence[Mapping], *, knowing_nothing: float | None = None, title: str = "") -> Figure:
    """The loss and the learning rate, epoch by epoch. Returns the Figure.

    history: a method's, rows with epoch, lr and loss.   knowing_nothing: a loss, drawn as a dashed line.
    """
    epochs = [row["epoch"] for row in history]
    figure, (left, right) = panels(1, 2, size=(3.6, 2.7))
    left.plot(epochs, [row["loss"] for row in history], color=PALETTE[0], marker="o", ms=3)
    if knowing_nothing is not None:
        left.axhline(knowing_nothing, color=REFERENCE, ls="--", lw=1.5, label="all classes alike")
        left.legend(fontsize=8)
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None), title="Loss")
    right.plot(epochs, [row["lr"] for row in history], color=PALETTE[1], marker="s", ms=3)
    right.set(xlabel="epoch", ylabel="learning rate", yscale="log", title="Learning rate")
    heading(figure, title)
    return figure


@styled()
def nearest_words(
    words: Mapping[str, Sequence[str]], cosines: Mapping[str, "torch.Tensor"], *, band: tuple[float, float],
    title: str = "",
) -> Figure:  # fmt: skip
    """For each vector the word that lies nearest, at its cosine; a panel a kind of vectors. Returns the Figure.

    words, cosines: kind of vectors -> M words, (M,).   band: where the nearest words of random directions lie.
    """
    for kind, found in words.items():
        if len(found) != len(cosines[kind]):
            raise ValueError(f"{kind}: {len(found)} words need as many cosines; got {len(cosines[kind])}")
    rows = max(map(len, words.values()))
    figure, axes = panels(1, len(words), size=(3.6, 0.22 * rows + 0.9), sharex=True, sharey=True)
    for i, (ax, (kind, found)) in enumerate(zip(axes, words.items())):
        where = range(1, len(found) + 1)
        values = numbers(cosines[kind])
        ax.axvspan(*band, color=REFERENCE, alpha=0.2, lw=0, label="random directions")
        ax.scatter(values, where, color=look(i).colour, marker=look(i).marker, s=22, zorder=3)
        for x, y, word in zip(values, where, found):
            ax.annotate(literal(word), (x, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8)
        ax.set(xlabel="cosine to the nearest word", xlim=(0, 1.15), title=kind)
        ax.set_yticks([])
        ax.grid(axis="y", visible=False)
    axes[0].set_ylabel("context vectors")
    axes[0].invert_yaxis()
    axes[0].set_yticks(range(1, rows + 1), [f"v{i}" for i in range(1, rows + 1)], fontsize=7)
    axes[-1].legend(fontsize=8, loc="lower right")
    heading(figure, title)
    return figure
