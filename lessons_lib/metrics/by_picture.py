"""Masks against masks, with what each picture adds kept apart: so pictures can be drawn again, for an interval.

The sums over all pictures are `segmentation.Confusion`'s.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lessons_lib.metrics.segmentation import IGNORE


class Counts(NamedTuple):
    """Of each picture and class, pixels: right, and either (of the class, or taken for it). Both (N, C)."""

    right: Tensor
    either: Tensor

    def mean_iou(self, classes: Sequence[int] | slice = slice(None)) -> float:
        """Percent, of these classes; a class that is nowhere is left out."""
        return _mean_iou(self.right.sum(0), self.either.sum(0), classes).item()

    def spread(self, classes: Sequence[int] | slice = slice(None), *, draws: int = 1000, seed: int = 0) -> Tensor:
        """(draws,) percent: `mean_iou` of as many pictures, drawn again with repetition (bootstrap)."""
        n, chance = len(self.right), torch.Generator().manual_seed(seed)
        times = torch.zeros(draws, n, dtype=torch.double)
        times.scatter_add_(1, torch.randint(n, (draws, n), generator=chance), torch.ones(draws, n, dtype=torch.double))
        return _mean_iou(times @ self.right.double(), times @ self.either.double(), classes)

    def interval(self, classes: Sequence[int] | slice = slice(None)) -> tuple[float, float]:
        """Percent: the middle 95 % of `spread`."""
        return middle(self.spread(classes))


def middle(values: Tensor) -> tuple[float, float]:
    """Where the middle 95 % of what was drawn again begins and ends.   values: (draws,)."""
    low, high = values.double().quantile(torch.tensor([0.025, 0.975], dtype=torch.double)).tolist()
    return low, high


def difference(first: Counts, second: Counts, classes: Sequence[int] | slice = slice(None)) -> dict[str, float]:
    """Points of mIoU by which the first is above the second, of the same pictures in the same order: mean, low, high
    (95 %, the same pictures drawn again for both). Raises ValueError for other numbers of pictures."""
    if len(first.right) != len(second.right):
        raise ValueError(f"a paired difference needs the same pictures; got {len(first.right)} and {len(second.right)}")
    apart = first.spread(classes) - second.spread(classes)
    low, high = middle(apart)
    return {"mean": first.mean_iou(classes) - second.mean_iou(classes), "low": low, "high": high}


def _mean_iou(right: Tensor, either: Tensor, classes: Sequence[int] | slice) -> Tensor:
    iou = 100 * right.double()[..., classes] / either.double()[..., classes]  # NaN where a class is nowhere
    return iou.nanmean(dim=-1)


def counted(answers: Tensor, truth: Tensor, classes: int) -> Counts:
    """answers, truth: (N, H, W) class numbers; where the truth is 255 nothing counts."""
    right, either = torch.zeros(2, len(answers), classes, dtype=torch.long)
    for i, (said, is_) in enumerate(zip(answers, truth)):
        there = is_ != IGNORE
        said, is_ = said[there].long(), is_[there].long()
        right[i] = torch.bincount(is_[said == is_], minlength=classes)
        either[i] = torch.bincount(said, minlength=classes) + torch.bincount(is_, minlength=classes) - right[i]
    return Counts(right, either)
