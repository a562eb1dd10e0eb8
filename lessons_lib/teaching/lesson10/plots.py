"""Lesson 10's figures: the shared ones, photos as CLIP sees them, near copies, results class by class, mistakes."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.clip import Clip
from lessons_lib.data import Split
from lessons_lib.look import literal, looks, numbers, panels, styled
from lessons_lib.metrics import wilson
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import few_shot_curves, show_images

TITLE_WIDTH = 20  # characters that stand above a picture of 1.6 inches


def as_clip_sees(clip: Clip, split: Split, *, each: int = 5) -> Figure:
    """The first few photos of every class, a row a class, cut out and made small as the image tower is given them."""
    mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in (clip.transforms.config.mean, clip.transforms.config.std)
    )
    squares = []
    for label in range(len(split.classnames)):
        rows = (split.labels == label).nonzero().flatten()[:each].tolist()
        seen = [(clip.preprocess(split.image(i)) * std + mean).clamp(0, 1) for i in rows]  # (3, S, S) each
        squares += [*seen, *[torch.ones_like(seen[0])] * (each - len(rows))]  # white where there are no more
    figure = show_images(
        squares, columns=each, size=0.65, row_titles=split.classnames, title="Training photos, as CLIP sees them"
    )
    return describe(figure, f"{len(split.classnames)} rows, one a class, of up to {each} photos")


def most_alike(
    split: Split, others: Split, cosine: torch.Tensor, of: torch.Tensor, *, every: int = 4, shown: int = 8
) -> Figure:
    """Photos of `split` above those of `others` that look most like them, from the most alike on, with their cosine.

    cosine, of: (N,), how alike photo i of `split` is to photo of[i] of `others`.   every: of which one is shown.
    """
    rows = cosine.argsort(descending=True)[: every * shown : every].tolist()
    above, below = [split.image(i) for i in rows], [others.image(int(of[i])) for i in rows]
    titles = [f"{cosine[i]:.2f}" for i in rows] + [""] * len(rows)
    figure = show_images(above + below, titles, columns=len(rows), size=0.8,
                         title="Test photos (top) and the training photos most like them")  # fmt: skip
    return describe(figure, f"{len(rows)} pairs, cosines from {cosine[rows[0]]:.2f} down to {cosine[rows[-1]]:.2f}")


def to_choose_on(rows: pd.DataFrame) -> Figure:
    """Accuracy on the photos that choose, against shots. rows: method, task, shots, seed, accuracy.

    The axis starts a little below the worst fit, since what lies between the methods is small.
    """
    figure = few_shot_curves(rows, by_task=False, title="On the photos to choose on")
    figure.set_size_inches(figure.get_figwidth(), 3.8)
    figure.axes[0].set(ylabel="right (%)", ylim=(max(0, 10 * (rows.accuracy.min() // 10) - 10), 100))
    return figure


@styled()
def by_class(labels: torch.Tensor, answers: Mapping[str, torch.Tensor], classnames: Sequence[str]) -> Axes:
    """What each method gets right of each class, with Wilson's interval. Returns the Axes.

    labels: (N,).   answers: method -> (N,).
    """
    labels, look_of = numbers(labels), looks(answers)
    _, [ax] = panels(size=(5.6, 0.42 * len(classnames) + 1.2))
    said = []
    for i, (name, answer) in enumerate(answers.items()):
        right = numbers(answer) == labels
        counts = [(int(right[labels == c].sum()), int((labels == c).sum())) for c in range(len(classnames))]
        share = np.array([100 * hits / total if total else np.nan for hits, total in counts])
        said.append(f"{name}: " + ", ".join(f"{one} {value:.0f} %" for one, value in zip(classnames, share)))
        ends = np.array([wilson(hits, total) if total else (np.nan, np.nan) for hits, total in counts])  # (C, 2)
        where = np.arange(len(classnames)) + 0.5 * (i - (len(answers) - 1) / 2) / len(answers)
        ax.errorbar(share, where, xerr=np.abs(ends.T - share), fmt=look_of[name].marker, color=look_of[name].colour,
                    ms=5, lw=1.2, capsize=2, label=literal(name))  # fmt: skip
    totals = [int((labels == c).sum()) for c in range(len(classnames))]
    ax.set_yticks(range(len(classnames)), [f"{literal(name)} ({n})" for name, n in zip(classnames, totals)])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="right (%), with Wilson's 95 % interval", xlim=(-3, 103), title="By class (test photos)")
    ax.figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return describe(ax, "; ".join(said))


def mistakes(split: Split, rows: Sequence[int], answers: torch.Tensor, sure: torch.Tensor) -> Figure:
    """Photos with the folder that they lie in, the answer, and its probability. answers, sure: (N,), of all photos."""

    def title(i: int) -> str:
        said = f"in: {split.classnames[split.labels[i]]}", f"says: {split.classnames[answers[i]]}"
        lines = [line for text in said for line in textwrap.wrap(text, TITLE_WIDTH, subsequent_indent="  ")]
        return "\n".join([*lines, f"{100 * sure[i]:.0f} %"])

    return show_images(split.subset(rows), [title(i) for i in rows], columns=4, size=1.6, title="Wrong, and sure of it")
