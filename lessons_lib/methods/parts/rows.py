"""What methods have in common that learn a row for each class, and from which no row for another class can be made."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def no_rows_for(to: Sequence[str], fitted_on: Sequence[str], why: str) -> str:
    """`why`, with the names of `to` that are not in `fitted_on`; "" where there are none."""
    unknown = [name for name in to if name not in set(fitted_on)]
    if not unknown:
        return ""
    return f"{why}: there is nothing for {', '.join(map(repr, unknown[:3]))}{', …' if len(unknown) > 3 else ''}"


def known_rows(method: nn.Module, to: Sequence[str]) -> dict[str, Tensor] | None:
    """The state of a method whose tensors have a row for each of its classes, for the classes `to`, in that order; None
    before `fit`, when the start is made anew."""
    if method.classnames is None:
        return None
    rows = [method.classnames.index(name) for name in to]
    return {name: tensor[rows] for name, tensor in method.state_dict().items()}


def check_every_class(labels: Tensor, classnames: Sequence[str], why: str) -> None:
    """labels: (N,), of the training images. Raises ValueError, with `why`, where a class has none of them."""
    counts = torch.bincount(labels, minlength=len(classnames))  # (C,)
    absent = [name for name, count in zip(classnames, counts.tolist()) if count == 0]
    if absent:
        raise ValueError(
            f"{len(absent)} of {len(classnames)} classes have no training image, the first is {absent[0]!r}: {why}"
        )
