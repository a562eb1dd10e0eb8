"""Lesson 02's figures: the shared ones, exams on one picture and on eleven tasks, and how sure an answer may be."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.data import Split
from lessons_lib.look import PALETTE, REFERENCE, literal, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import answers, bar_comparison, describe, histograms, show_images


@styled()
def exams(picture: torch.Tensor, truth: str, given: Mapping[str, tuple[torch.Tensor, Sequence[str]]]) -> Figure:
    """A picture, and the five likeliest answers of several exams. given: question -> probabilities (C,), C names."""
    figure, (where, *axes) = panels(math.ceil((1 + len(given)) / 2), 2, size=(3.2, 2.1))
    for ax in axes[len(given) :]:
        ax.axis("off")
    for ax, (question, (p, names)) in zip(axes, given.items()):
        answers(p, names, truth=truth, image=picture, axes=(where, ax), title=question)
    return figure


@styled()
def toy_and_real(ours: pd.DataFrame, published: Mapping[str, float], classes: Mapping[str, int]) -> Figure:
    """Zero-shot on the toy tasks beside their twins. ours: columns task, twin, accuracy and chance, in percent;
    published: of each twin, percent; classes: of each twin, how many."""
    figure, (left, right) = panels(1, 2, size=(3.2, 3.6))
    real = pd.DataFrame({"task": ours.twin, "accuracy": ours.twin.map(published)})
    chance = ours.set_index("task").chance.to_dict()
    bar_comparison(ours, hue=None, chance=chance, title="Toy: ToyCLIP on ToyWorld", ax=left)
    guessing = {twin: 100 / classes[twin] for twin in real.task}
    bar_comparison(real, hue=None, chance=guessing, title="Real: ViT-B/16 on photos", ax=right)
    for ax in (left, right):
        ax.set_xlim(0, 100)
    right.get_legend().remove()
    left.legend(loc="lower right", fontsize=8)
    return figure


@styled()
def scales(confidence: Mapping[float, tuple[torch.Tensor, torch.Tensor]]) -> Figure:
    """`reliability` at several scales. confidence: scale -> (N,) probabilities of the answers, (N,) whether right."""
    figure, axes = panels(1, len(confidence), size=(2.2, 2.5), sharey=True)
    for ax, (scale, (sure, right)) in zip(axes, confidence.items()):
        gap = 100 * (sure.double().mean() - right.double().mean()).item()
        how = f"{abs(gap):.0f} points too {'sure' if gap > 0 else 'unsure'}"
        reliability(sure, right, title=f"scale {scale:.3g}:\n{how}", ax=ax)
        ax.get_legend().remove()
    for ax in axes[1:]:
        ax.set_ylabel("")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


@styled()
def thresholds(
    measured: Mapping[str, Mapping[str, torch.Tensor]], chosen: Mapping[str, float], *, known: str, unknown: str
) -> Figure:
    """Confidences of test pictures that are known and unknown, and the threshold, a panel for each measure.

    measured: measure -> "test known" and "test unknown" -> (N,).   chosen: measure -> threshold.
    """
    figure, axes = panels(1, len(measured), size=(3.2, 2.6))
    for ax, (by, parts) in zip(axes, measured.items()):
        groups = {f"{known} (known)": parts["test known"], f"{unknown} (unknown)": parts["test unknown"]}
        histograms(groups, threshold=chosen[by], xlabel=f"largest {by}", title=f"By {by}", ax=ax)
    return figure


@styled()
def probe_above_zero_shot(both: pd.DataFrame) -> Axes:
    """An arrow a task from zero-shot to the probe. both: columns task, accuracy, probe and chance, in percent."""
    both = both.sort_values("probe", ascending=False, ignore_index=True)
    _, [ax] = panels(size=(6.4, 3.6))
    for i, row in both.iterrows():
        ax.annotate("", (row.probe, i), (row.accuracy, i), arrowprops={"arrowstyle": "-|>", "color": REFERENCE})
        ax.plot([row.chance] * 2, [i - 0.3, i + 0.3], color="black", lw=1.5, label="" if i else "chance")
    ax.plot(both.accuracy, both.index, "o", color=PALETTE[0], label="zero-shot")
    ax.plot(both.probe, both.index, "s", color=PALETTE[1], label="probe, 16 a class")
    ax.set_yticks(both.index, both.task.map(literal))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlim=(0, 100), xlabel="accuracy (%)", title="What zero-shot uses, and what the features know")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    each = (f"{row.task} {row.accuracy:.0f} to {row.probe:.0f}" for row in both.itertuples())
    return describe(ax, f"Percent right, from zero-shot to the probe: {', '.join(each)}")


@styled()
def side_by_side(split: Split, *classes: int, n: int = 5) -> Figure:
    """The first n pictures of each of the classes, a row each."""
    rows = [split.subset((split.labels == c).nonzero().flatten()[:n]) for c in classes]
    pictures = [row.image(i) for row in rows for i in range(n)]
    return show_images(pictures, columns=n, size=0.8, row_titles=[split.classnames[c] for c in classes])


@styled()
def reliability(
    confidence: "torch.Tensor | np.ndarray", correct: "torch.Tensor | np.ndarray", *, bins: int = 10, title: str = "",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """How often the classifier is right at each confidence; on the diagonal, it knows what it knows. Returns the Axes.

    confidence: (N,), 0 to 1.   correct: (N,) of bool.   A dot's area is its bin's share of the images.
    """
    confidence, correct = numbers(confidence), numbers(correct).astype(float)
    if ax is None:
        _, [ax] = panels(size=(3.4, 3.2))
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)  # (N,)
    filled = np.unique(which)
    ax.plot([0, 100], [0, 100], color=REFERENCE, ls="--", lw=1, label="as right as it is sure")
    sure, right = (np.array([each[which == b].mean() for b in filled]) for each in (confidence, correct))
    share = np.array([(which == b).mean() for b in filled])
    ax.plot(100 * sure, 100 * right, color=PALETTE[0])
    ax.scatter(100 * sure, 100 * right, s=20 + 300 * share, color=PALETTE[0], zorder=3, label="images of one bin")
    ax.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 103), ylim=(0, 103), title=title)
    ax.legend(fontsize=8)
    return ax
