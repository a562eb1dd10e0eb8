"""Lesson 01's figures: the shared ones, and what pre-training looks like: its scale, its course, its exams.
Those of what is on record stand in `record_plots.py`.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.look import PALETTE, REFERENCE, RIGHT, literal, look, numbers, panels, styled
from lessons_lib.metrics import summary, wilson
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.lesson01.puzzle import PARTS
from lessons_lib.teaching.lesson01.record_plots import *  # noqa: F403
from lessons_lib.teaching.lesson01.record_plots import NARROW
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import similarity_matrix


@styled()
def puzzle_matrix(
    similarity: Tensor, captions: Sequence[str], images: Sequence, *, title: str, ax: Axes | None = None, **kwargs
) -> Axes:
    """Pictures (rows) and captions (columns): pairs are framed, and a dot is on each row's brightest cell. Returns the
    Axes.

    similarity: (N, N).   kwargs: to imshow.
    """
    n = len(captions)
    if ax is None:
        _, [ax] = panels(size=(1.12 * NARROW, 0.36 * n + 1.9))
    short = list(map(_short, captions))
    similarity_matrix(similarity, [""] * n, short, images=images, title=title, fmt=None, cell=0.32, ax=ax, **kwargs)
    for i, best in enumerate(numbers(similarity).argmax(axis=1)):
        ax.add_patch(plt.Rectangle((i - 0.46, i - 0.46), 0.92, 0.92, fill=False, ec="white", lw=1.6))
        ax.plot(best, i, "o", ms=5, mfc="black", mec="white", mew=0.8)
    found = int((numbers(similarity).argmax(axis=1) == np.arange(n)).sum())
    return describe(ax, f"The brightest cell of {found} of {n} rows lies on the diagonal.")


@styled()
def at_scales(similarities: Tensor, captions: Sequence[str], right: int, scales: Sequence[float]) -> Figure:
    """One picture's probabilities for its captions, a panel a scale. Returns the Figure.

    similarities: (C,), cosines; right: the number of its own caption, whose bar is green and hatched.
    """
    figure, axes = panels(1, len(scales), size=((NARROW + 1) / len(scales), 2.7), sharey=True)
    for ax, scale in zip(axes, scales):
        p = 100 * numbers((scale * similarities).softmax(dim=0))
        bars = ax.barh(range(len(p)), p, color=[RIGHT if i == right else PALETTE[0] for i in range(len(p))])
        bars[right].set_hatch("///")
        ax.set(title=f"scale {scale:g}", xlim=(0, 100), xticks=(0, 50))
        ax.grid(axis="y", visible=False)
    figure.supxlabel("probability (%)", fontsize=9)
    axes[0].set_yticks(range(len(captions)), list(map(literal, map(_short, captions))), fontsize=8)
    axes[0].get_yticklabels()[right].set_fontweight("bold")
    axes[0].invert_yaxis()
    return describe(figure, f"The right caption is “{captions[right]}”: the larger the scale, the surer the answer.")


def _short(caption: str) -> str:
    return caption if len(caption) <= 32 else caption[:30] + " …"


class Watch:
    """A figure that is drawn anew while a model trains: its loss, and what it names rightly."""

    def __init__(self, steps: int, batch: int, best: float):
        """steps: of the whole run; batch: pairs a step; best: the loss below which no model gets, in the mean."""
        self.steps, self.batch, self.best = steps, batch, best
        self.figure, self.axes = panels(2, 1, size=(NARROW, 2.4), sharex=True)
        self.window = None

    @styled()
    def draw(self, losses: Sequence[float], exams: Sequence[Mapping[str, float]]) -> None:
        """losses: one a step; exams: rows of step and the percent right of `PARTS`."""
        up, down = self.axes
        up.clear(), down.clear()
        up.plot(range(1, len(losses) + 1), losses, color=PALETTE[0], lw=0.8, label="loss")
        for level, dash, said in ((math.log(self.batch), "--", f"knows nothing: log {self.batch}"),
                                  (self.best, ":", "knows everything")):  # fmt: skip
            up.axhline(level, color=REFERENCE, ls=dash, lw=1.2, label=said)
        up.set(ylabel="loss", xlim=(0, self.steps), ylim=(0, math.log(self.batch) + 1.2))
        up.set_title("The puzzle gets easier, towards what captions leave open")
        for i, part in enumerate(PARTS):
            steps, right = [row["step"] for row in exams], [row[part] for row in exams]
            down.plot(steps, right, label=part, ms=4, **look(i).line)
        down.set(xlabel="step", ylabel="named rightly (%)", xlim=(0, self.steps), ylim=(0, 100))
        down.set_title("Colours come first, shapes later")
        for ax in self.axes:
            ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
        describe(self.figure, f"The loss falls from log {self.batch} towards the best possible {self.best:.2f}.")
        if self.window is None:
            self.window = display(self.figure, display_id=True)
        else:
            self.window.update(self.figure)

    def close(self) -> None:
        """The figure stays as it was shown last."""
        plt.close(self.figure)


@styled()
def unseen(exams: Mapping[str, Mapping[str, float]], pictures: int, chance: Mapping[str, float]) -> Axes:
    """What is named rightly of combinations that were in the training and of others. Returns the Axes.

    exams: kind of combination -> percent right of `PARTS`; pictures: in each exam, for Wilson's intervals; chance: by
    part, drawn as a tick.
    """
    figure, [ax] = panels(size=(NARROW, 2.4))
    for j, (kind, right) in enumerate(exams.items()):
        at = np.arange(len(PARTS)) + 0.38 * (j - 0.5)
        low, high = np.transpose([wilson(round(right[part] * pictures / 100), pictures) for part in PARTS])
        middle = np.array([right[part] for part in PARTS])
        ax.barh(at, middle, 0.36, color=look(j).colour, hatch=("", "///")[j], edgecolor="white", label=kind,
                xerr=[middle - low, high - middle], error_kw={"elinewidth": 1.2, "ecolor": "black"})  # fmt: skip
    for i, part in enumerate(PARTS):
        ax.plot([chance[part]] * 2, [i - 0.42, i + 0.42], color="black", lw=1.6, label="" if i else "guessing")
    ax.set_yticks(range(len(PARTS)), PARTS)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="named rightly (%), with 95 % intervals", xlim=(0, 100))
    ax.set_title("Combinations that it has seen, and others")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    return describe(ax, "Unseen combinations are named less often than others, and far more often than by guessing.")


@styled()
def harder_exams(table: pd.DataFrame) -> Figure:
    """Loss and percent right by the size of the batch, of each `who`, with 95 % bands over batches, as
    `puzzle.by_size` gives them. Returns the Figure."""
    figure, axes = panels(2, 1, size=(NARROW, 2.5), sharex=True)
    sizes = sorted(table.N.unique())
    for ax, what in zip(axes, ("loss", "right")):
        rows = summary(table.rename(columns={"batch": "seed"}), ("who", "N"), what)
        for i, (who, line) in enumerate(rows.groupby("who", sort=False)):
            style = {**look(i).line, "ls": ("-", "--")[i % 2]}
            ax.plot(line.N, line["mean"], ms=5 - i, label=literal(who), **style)
            ax.fill_between(line.N, line["mean"] - line.half_width, line["mean"] + line.half_width,
                            color=look(i).colour, alpha=0.2, lw=0)  # fmt: skip
    axes[0].plot(sizes, np.log(sizes), color=REFERENCE, ls=":", label="knows nothing")
    axes[1].plot(sizes, 100 / np.array(sizes), color=REFERENCE, ls=":", label="knows nothing")
    axes[0].set(ylabel="loss", title="A larger batch is a harder exam …", ylim=(0, None))
    axes[1].set(ylabel="find their caption (%)", title="… for the best possible model, too", ylim=(0, 100))
    axes[1].set_xscale("log", base=2)
    axes[1].set_xticks(sizes, [f"{n:,}" for n in sizes], fontsize=8)
    axes[1].minorticks_off()
    axes[1].set_xlabel("pairs in the batch, N")
    axes[0].legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    return describe(figure, "The model's lines run close to those of the best possible model.")
