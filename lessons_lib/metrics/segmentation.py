"""Masks against masks: intersection over union, and between what ceiling and floor it lies.

Pixels of all pictures are counted together, as PASCAL VOC does, not averaged picture by picture.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

IGNORE = 255


class Confusion:
    """Pixels by what they are and what they were taken for, picture after picture.

    classes: C. ignore: the true value of pixels that do not count.
    """

    def __init__(self, classes: int, *, ignore: int = IGNORE):
        self.classes, self.ignore = classes, ignore
        self.matrix = torch.zeros(classes, classes, dtype=torch.long)  # rows: the truth; columns: the answers

    def add(self, answers: Tensor, truth: Tensor) -> "Confusion":
        """answers, truth: class numbers of any shape that both have, (N, H, W) or (H, W), on any device.

        Raises ValueError for other shapes, or for classes that are not 0 … C-1 where the pixel counts.
        """
        if answers.shape != truth.shape:
            raise ValueError(f"answers of shape {tuple(answers.shape)} for masks of shape {tuple(truth.shape)}")
        counts = truth != self.ignore
        answers, truth = answers[counts].long(), truth[counts].long()
        for what, values in (("the answers", answers), ("the masks", truth)):
            if len(values) and not 0 <= int(values.min()) <= int(values.max()) < self.classes:
                found = f"{int(values.min())} to {int(values.max())}"
                raise ValueError(
                    f"{what} have classes {found}; of {self.classes} they must lie in 0 … {self.classes - 1}"
                )
        pairs = torch.bincount(truth * self.classes + answers, minlength=self.classes**2)
        self.matrix += pairs.view(self.classes, self.classes).cpu()
        return self

    @property
    def accuracy(self) -> float:
        """Percent of pixels right."""
        return 100 * (self.matrix.trace() / self.matrix.sum()).item()

    @property
    def iou(self) -> Tensor:
        """(C,) float64, percent: pixels right over pixels that are of the class or taken for it; NaN where none is."""
        return _iou(self.matrix)

    def mean_iou(self, *, without: int | None = None) -> float:
        """Percent: the mean over the classes that are there, or were answered.

        without: a class that is left out of the mean, such as the background; pixels taken for it still count as
            wrong for the others.
        """
        kept = [label for label in range(self.classes) if label != without]
        return self.iou[kept].nanmean().item()

    def two_class_iou(self, *, background: int) -> float:
        """Percent: the mean of two IoUs, of the background and of all else taken as one class (FB-IoU of PASCAL-5i)."""
        front = torch.arange(self.classes) != background
        group = one_hot(front.long(), 2)  # (C, 2)
        return _iou(group.T @ self.matrix @ group).nanmean().item()


class ToldClass:
    """The protocol of PASCAL-5i (Shaban et al., "One-Shot Learning for Semantic Segmentation", BMVC 2017): of each
    picture a class is told, and every pixel is that class or not. Far easier than to choose among the classes.

    classes: C. ignore: the true value of pixels that do not count.
    """

    def __init__(self, classes: int, *, ignore: int = IGNORE):
        self.ignore, self.pairs = ignore, [Confusion(2) for _ in range(classes)]

    def add(self, answers: Tensor, truth: Tensor, told: int) -> "ToldClass":
        """answers: where the class `told` is seen, bool; truth: class numbers, of the same shape, 0 … C-1."""
        counts = truth != self.ignore
        self.pairs[told].add(answers.bool()[counts].long(), (truth[counts] == told).long())
        return self

    @property
    def iou(self) -> Tensor:
        """(C,) float64, percent: of the pixels that are the told class; NaN for a class that was never told."""
        return torch.stack([pair.iou[1] for pair in self.pairs])

    @property
    def mean_iou(self) -> float:
        """Percent: the mean over the classes that were told."""
        return self.iou.nanmean().item()

    @property
    def two_class_iou(self) -> float:
        """Percent: FB-IoU, the mean of the IoUs of told and not told, all classes' pixels together."""
        return _iou(sum(pair.matrix for pair in self.pairs)).nanmean().item()


def mean_iou(answers: Tensor, truth: Tensor, classes: int, *, without: int | None = None) -> float:
    """Percent, of pictures that lie in one tensor; errors as `Confusion.add`, ``without`` as `Confusion.mean_iou`."""
    return Confusion(classes).add(answers, truth).mean_iou(without=without)


def _iou(matrix: Tensor) -> Tensor:
    right = matrix.diag().double()
    return 100 * right / (matrix.sum(dim=0) + matrix.sum(dim=1) - matrix.diag())


def patch_labels(masks: Tensor, patch: int, classes: int, *, ignore: int = IGNORE) -> Tensor:
    """(N, H, W) long: every patch's most frequent class on all of its pixels: the ceiling of one answer a patch.

    masks: (N, H, W) class numbers; H and W are multiples of `patch`. Pixels to ignore have no vote; a patch of them
    alone gets class 0. Raises ValueError for another size.
    """
    n, height, width = masks.shape
    if height % patch or width % patch:
        raise ValueError(f"masks of {height} × {width} pixels are not cut into patches of {patch}")
    tiles = masks.long().unflatten(2, (-1, patch)).unflatten(1, (-1, patch))  # (N, h, p, w, p)
    tiles = tiles.transpose(2, 3).flatten(3)  # (N, h, w, p·p)
    votes = torch.stack([((tiles == label) & (tiles != ignore)).sum(dim=-1) for label in range(classes)], dim=-1)
    return votes.argmax(dim=-1).repeat_interleave(patch, 1).repeat_interleave(patch, 2)


def constant_labels(masks: Tensor, classes: int, like: Tensor, *, ignore: int = IGNORE) -> Tensor:
    """The most frequent class of `masks` (those of training) as the answer for every pixel of `like`: a floor."""
    counts = torch.bincount(masks[masks != ignore].long().flatten(), minlength=classes)
    return torch.full(like.shape, int(counts.argmax()), dtype=torch.long)
