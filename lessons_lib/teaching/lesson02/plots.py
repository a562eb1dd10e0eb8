"""Lesson 02's figures: the shared ones, and how sure an answer may be."""

import numpy as np
import torch
from matplotlib.axes import Axes

from lessons_lib.look import PALETTE, REFERENCE, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403


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
