"""How well a number tells two groups apart: known images from unknown ones, by a classifier's confidence."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def separation(inside: "Tensor", outside: "Tensor") -> dict[str, float]:
    """How well a confidence tells known images (N,) from unknown ones (M,), in percent, 0 to 100.

    auroc: how often a known image is the more confident of the two; 50 is chance.
    fpr95: unknown images accepted when the threshold accepts at least 95 % of the known ones; lower is better.
    Raises ValueError where either is empty.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    labels, values = labelled(scores(inside, "known"), scores(outside, "unknown"))
    accepted_outside, accepted_inside, _ = roc_curve(labels, values, drop_intermediate=False)
    return {
        "auroc": 100 * float(roc_auc_score(labels, values)),
        "fpr95": 100 * float(accepted_outside[np.argmax(accepted_inside >= 0.95)]),
    }


def scores(confidences: "Tensor", which: str) -> np.ndarray:
    """(N,) float64. Raises ValueError where there are none."""
    if len(confidences) == 0:
        raise ValueError(f"there are no {which} images: give at least one")
    return confidences.cpu().double().numpy()


def labelled(inside: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (1 known, 0 unknown) and scores, as scikit-learn's curves take them."""
    return np.r_[np.ones(len(inside)), np.zeros(len(outside))], np.r_[inside, outside]
