"""Boxes against boxes: COCO's average precision, the recall of proposals, and whether phrases found their box.

Answers are sought in order of their score; each takes, of the true boxes of its class that no better one took, that
with the largest overlap, if that reaches the threshold. COCO's AP is the mean over ten thresholds, of the precision at
101 levels of recall (Lin et al., "Microsoft COCO", ECCV 2014, and its evaluation code).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

THRESHOLDS = tuple(float(t) for t in np.linspace(0.5, 0.95, 10))  # of intersection over union
MOST = 100  # answers of a class in a picture that count
LEVELS = np.linspace(0, 1, 101)  # of recall


class BoxMatches:
    """Answers and true boxes, picture after picture.

    classes: C; 1 for proposals, which have none.   most: answers of a class in a picture that count, the surest.
    """

    def __init__(self, classes: int = 1, *, most: int = MOST, thresholds: Sequence[float] = THRESHOLDS):
        self.classes, self.most, self.thresholds = classes, most, np.asarray(thresholds, dtype=float)
        self.counts = np.zeros(classes, dtype=int)  # of true boxes
        self._scores: list[list[np.ndarray]] = [[] for _ in range(classes)]
        self._right: list[list[np.ndarray]] = [[] for _ in range(classes)]  # each (thresholds, answers)

    def add(
        self,
        boxes: Tensor,
        scores: Tensor,
        truth: Tensor,
        labels: Tensor | None = None,
        true_labels: Tensor | None = None,
    ) -> "BoxMatches":
        """Of one picture. boxes: (n, 4), left, top, right, bottom; scores: (n,); truth: (m, 4); labels: (n,) and
        true_labels: (m,), 0 … C-1, all 0 if not given.

        Raises ValueError where shapes do not fit, or for classes that are not 0 … C-1.
        """
        labels = torch.zeros(len(boxes)) if labels is None else labels
        true_labels = torch.zeros(len(truth)) if true_labels is None else true_labels
        given = [np.asarray(each.detach().cpu(), dtype=float) for each in (boxes, scores, labels, truth, true_labels)]
        boxes, scores, labels, truth, true_labels = given
        if not (boxes.shape == (len(scores), 4) and labels.shape == scores.shape and scores.ndim == 1):
            raise ValueError(f"boxes {boxes.shape} need a score and a label each; got {scores.shape}, {labels.shape}")
        if not (truth.shape == (len(true_labels), 4) and true_labels.ndim == 1):
            raise ValueError(f"true boxes {truth.shape} need a label each; got {true_labels.shape}")
        for what, values in (("the answers", labels), ("the true boxes", true_labels)):
            if len(values) and not 0 <= values.min() <= values.max() < self.classes:
                raise ValueError(
                    f"{what} have classes {values.min():g} to {values.max():g}; of {self.classes} they must lie in 0 … "
                    f"{self.classes - 1}"
                )
        for label in np.union1d(labels, true_labels).astype(int):
            mine = np.flatnonzero(labels == label)
            mine = mine[np.argsort(-scores[mine], kind="stable")][: self.most]
            of_class = truth[true_labels == label]
            self.counts[label] += len(of_class)
            self._scores[label].append(scores[mine])
            self._right[label].append(_matched(overlaps(boxes[mine], of_class), self.thresholds))
        return self

    @classmethod
    def joined(cls, parts: Sequence["BoxMatches"]) -> "BoxMatches":
        """All pictures of several as one; a part that stands there twice counts twice, as in a bootstrap's draws.

        Raises ValueError for none, and for parts of other classes or thresholds.
        """
        if not parts or len({(one.classes, *one.thresholds) for one in parts}) > 1:
            raise ValueError(f"{len(parts)} parts: give at least one, all of the same classes and thresholds")
        whole = cls(parts[0].classes, most=parts[0].most, thresholds=parts[0].thresholds)
        for one in parts:
            whole.counts += one.counts
            for label, (scores, right) in enumerate(zip(one._scores, one._right)):
                whole._scores[label] += scores
                whole._right[label] += right
        return whole

    def precision(self) -> Tensor:
        """(thresholds, C) float64, percent: average precision; NaN for a class without true boxes."""
        found = np.full((len(self.thresholds), self.classes), np.nan)
        for label in np.flatnonzero(self.counts):
            scores, right = self._of(label)
            right = right[:, np.argsort(-scores, kind="stable")].cumsum(axis=1)  # (T, n): right ones so far
            precision = right / np.arange(1, right.shape[1] + 1)
            precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]  # the best from here on
            for t, recall in enumerate(right / self.counts[label]):
                at = np.searchsorted(recall, LEVELS)
                found[t, label] = np.append(precision[t], 0)[at].mean()
        return 100 * torch.from_numpy(found)

    def recall(self) -> Tensor:
        """(thresholds, C) float64, percent of the true boxes that some answer found; NaN for a class without any."""
        found = np.full((len(self.thresholds), self.classes), np.nan)
        for label in np.flatnonzero(self.counts):
            found[:, label] = self._of(label)[1].sum(axis=1) / self.counts[label]
        return 100 * torch.from_numpy(found)

    def _of(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        nothing = np.zeros((len(self.thresholds), 0), dtype=bool)
        return np.concatenate([[], *self._scores[label]]), np.concatenate([nothing, *self._right[label]], axis=1)

    @property
    def ap(self) -> float:
        """Percent: COCO's AP, over all thresholds and the classes that are there; NaN where none is."""
        return self.precision().nanmean().item()

    @property
    def ap50(self) -> float:
        """Percent: the AP at the first threshold, 0.5."""
        return self.precision()[0].nanmean().item()


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n, 4), (m, 4) -> (n, m): intersection over union."""
    low, high = np.maximum(boxes[:, None, :2], others[:, :2]), np.minimum(boxes[:, None, 2:], others[:, 2:])
    both = (high - low).clip(min=0).prod(axis=-1)  # (n, m)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=-1) for each in (boxes, others)]
    either = areas[0][:, None] + areas[1] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _matched(ious: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(n, m), the surest answer first -> (thresholds, n) bool: whether each answer is right."""
    right = np.zeros((len(thresholds), len(ious)), dtype=bool)
    free = np.ones((len(thresholds), ious.shape[1]), dtype=bool)
    enough = np.minimum(thresholds, 1 - 1e-10)[:, None]
    for number, row in enumerate(ious if ious.size else ()):
        likely = np.where(free & (row >= enough), row, -1.0)  # (T, m)
        best = likely.shape[1] - 1 - likely[:, ::-1].argmax(axis=1)  # of equal ones the last, as COCO's code
        right[:, number] = hit = likely.max(axis=1) >= 0
        free[hit, best[hit]] = False
    return right


def grounding_accuracy(boxes: Tensor, truth: Tensor, threshold: float = 0.5) -> float:
    """Percent of phrases whose surest box overlaps the true one by `threshold` at least.

    boxes, truth: (P, 4), one a phrase. Raises ValueError for other shapes, or no phrase.
    """
    if boxes.shape != truth.shape or boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise ValueError(
            f"phrases have one box each, (P, 4), at least one; got {tuple(boxes.shape)} and {tuple(truth.shape)}"
        )
    pairs = zip(boxes.cpu().double().numpy(), truth.cpu().double().numpy(), strict=True)
    return 100 * float(np.mean([overlaps(one[None], other[None])[0, 0] >= threshold for one, other in pairs]))
