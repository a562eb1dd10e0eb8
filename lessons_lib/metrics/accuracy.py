"""Accuracy: how many answers are right, in percent."""

from collections.abc import Sequence

import torch
from torch import Tensor


def accuracy(answers: Tensor | Sequence[int], labels: Tensor | Sequence[int]) -> float:
    """Percent right, 0 to 100.

    answers, labels: (N,) class numbers, on any device. Raises ValueError for no answer, or another number of labels.
    """
    return 100 * _right(answers, labels).double().mean().item()


def accuracy_by_class(answers: Tensor | Sequence[int], labels: Tensor | Sequence[int], classes: int) -> Tensor:
    """(C,) float64 on the CPU: percent right of the images of each class, NaN for a class without images."""
    right, labels = _right(answers, labels), torch.as_tensor(labels).cpu()
    hits = torch.bincount(labels[right], minlength=classes).double()
    return 100 * hits / torch.bincount(labels, minlength=classes)


def _right(answers: Tensor | Sequence[int], labels: Tensor | Sequence[int]) -> Tensor:
    """(N,) bool on the CPU."""
    answers, labels = torch.as_tensor(answers).cpu(), torch.as_tensor(labels).cpu()
    if answers.shape != labels.shape or answers.ndim != 1 or not len(answers):
        raise ValueError(
            f"accuracy takes as many answers as labels, at least one; got {tuple(answers.shape)} and "
            f"{tuple(labels.shape)}"
        )
    return answers == labels
