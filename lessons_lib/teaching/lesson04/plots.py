"""Lesson 04's figures: the shared ones, which rows of a prompt are learned, how the loss falls, what words lie near,
and what the record says of gains."""

import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, look, numbers, panels, styled
from lessons_lib.metrics import difference, summary
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import bar_comparison, describe

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
        box = max(0.6, 0.07 * max(len(token) for tokens in prompts.values() for token in tokens))
        _, [ax] = panels(size=(box * longest + 0.08 * max(map(len, prompts)) + 0.3, 0.5 * len(prompts) + 1.2))
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
    look_of = [{"facecolor": fill, "hatch": hatch, "label": said} for fill, hatch, said in KINDS.values()]
    handles = [Patch(edgecolor="white", **one) for one in look_of]
    ax.figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    rows = (f"{literal(row)}: {' '.join(map(literal, tokens))}" for row, tokens in prompts.items())
    describe(ax, f"Prompts as rows of boxes, a box a token. {'; '.join(rows)}")
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
def nearest_words(rows: Mapping[str, torch.Tensor], vocabulary: torch.Tensor, spelling: Sequence[str]) -> Figure:
    """For each row the word that lies nearest, at its cosine; a panel a kind of rows. Returns the Figure.

    rows: kind -> (M, d).   vocabulary: (V, d) rows of words, spelled so.   The band: where the nearest words of
    random directions lie.
    """
    words = F.normalize(vocabulary, dim=1)  # (V, d)
    random = torch.randn(1000, words.shape[1], generator=torch.Generator().manual_seed(0)).to(words)
    best = (F.normalize(random, dim=1) @ words.T).amax(dim=1)  # (1000,)
    longest = max(map(len, rows.values()))
    figure, axes = panels(1, len(rows), size=(2.3, 0.22 * longest + 0.9), sharex=True, sharey=True)
    for i, (ax, (kind, own)) in enumerate(zip(axes, rows.items())):
        found = (F.normalize(own, dim=1) @ words.T).max(dim=1)
        where, cosines = range(1, len(own) + 1), numbers(found.values)
        ax.axvspan(best.quantile(0.05).item(), best.quantile(0.95).item(), color=REFERENCE, alpha=0.2, lw=0,
                   label="random directions")  # fmt: skip
        ax.scatter(cosines, where, color=look(i).colour, marker=look(i).marker, s=22, zorder=3)
        for x, y, word in zip(cosines, where, found.indices.tolist()):
            said = literal(spelling[word])
            ax.annotate(said, (x, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8)
        ax.set(xlabel="cosine to the nearest word", xlim=(0, 1.5), title=kind)
        ax.set_yticks([])
        ax.grid(axis="y", visible=False)
    axes[0].set_ylabel("context rows")
    axes[0].invert_yaxis()
    axes[0].set_yticks(range(1, longest + 1), [f"v{i}" for i in range(1, longest + 1)], fontsize=7)
    axes[-1].legend(fontsize=8, loc="lower right")
    heading(figure, f"The nearest of {len(spelling):,} words, and how near it is")
    return figure


@styled()
def gains_by_task(runs: pd.DataFrame, first: str, second: str, *, title: str) -> Axes:
    """What `first` has above `second` on each task, with intervals over seeds, from where `second` is weakest.

    runs: as `recorded_runs.comparison` gives them, one protocol and number of shots.
    """
    level = runs[runs.method == second].groupby("task").accuracy.mean().sort_values()
    found = [difference(runs[runs.task == task], first, second) for task in level.index]
    table = pd.DataFrame(found).assign(task=[f"{task} ({mean:.0f})" for task, mean in level.items()])
    ax = bar_comparison(table, x="mean", hue=None, error="half_width", xlabel="points", title=title)
    ax.axvline(0, color="black", lw=1)
    return ax


@styled()
def under_shift(runs: pd.DataFrame) -> Axes:
    """Accuracy on what was learned from and on its shifts, a bar a method, with intervals over seeds."""
    table = summary(runs, ("method", "on"))
    table["on"] = table["on"].replace("test", "itself")
    return bar_comparison(table, y="on", x="mean", error="half_width", xlabel="accuracy (%)",
                          title="Learned on toy_things, tested on its shifts")  # fmt: skip
