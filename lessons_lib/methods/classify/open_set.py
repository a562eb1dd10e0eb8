"""Open-set recognition: saying "none of these" where a picture shows no known class.

A classifier always names one of its classes. Its confidence is compared with a threshold that was chosen on validation
images: the largest softmax probability (Hendrycks & Gimpel, ICLR 2017), or the largest logit (Vaze et al., ICLR 2022),
which for CLIP is s times the largest cosine similarity.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.metrics import roc_curve
from torch import Tensor

from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.metrics.separation import labelled, scores, separation

if TYPE_CHECKING:
    from lessons_lib.data import Split
    from lessons_lib.methods.classifier import Classifier

NONE_OF_THESE = -1


def confidence(logits: Tensor, by: str = "probability") -> Tensor:
    """How sure the classifier is of its answer. logits: (N, C). Returns (N,).

    by: "probability", the largest softmax probability, 0 to 1, or "logit", the largest logit.
    """
    if by not in ("probability", "logit"):
        raise ValueError(f'confidence is measured by "probability" or "logit"; got {by!r}')
    return (logits.softmax(dim=1) if by == "probability" else logits).amax(dim=1)


class OpenSet:
    """A fitted method that may also answer -1, none of these.

    by: what the threshold is on, see `confidence`.
    keep: of the known classes' validation images, the percentage to accept when the threshold is chosen on them alone.
    After `fit`: `threshold`; images whose confidence is below it are refused.
    """

    def __init__(self, method: "Classifier", *, by: str = "probability", keep: float = 95.0):
        confidence(torch.zeros(1, 1), by)  # an unknown `by` is told now, not after the work
        if not 0 < keep < 100:
            raise ValueError(f"keep is a percentage between 0 and 100; got {keep}")
        self.method, self.by, self.keep = method, by, keep
        self.threshold: float | None = None

    def confidence(self, images: "Split | Tensor") -> Tensor:
        """(N,): how sure the method is of its answer for each image."""
        return confidence(self.method.logits(images), self.by)

    def fit(self, known: "Split | Tensor", unknown: "Split | Tensor | None" = None) -> "OpenSet":
        """Chooses the threshold on validation images: `known` of the method's classes, `unknown` of none of them.

        With both, the threshold is where the share of known images accepted exceeds the share of unknown images
        accepted by most (Youden's J). With `known` alone it is the highest that accepts `keep` percent of
        them, at least. Returns self.
        Raises ValueError where either is empty.
        """
        inside = scores(self.confidence(known), "known")  # (N,)
        if unknown is None:
            accepted = math.ceil(len(inside) * self.keep / 100 - 1e-9)  # a share such as 0.95 is no exact binary number
            self.threshold = float(np.sort(inside)[-accepted])
            return self
        outside = scores(self.confidence(unknown), "unknown")  # (M,)
        accepted_outside, accepted_inside, thresholds = roc_curve(*labelled(inside, outside), drop_intermediate=False)
        self.threshold = float(thresholds[np.argmax(accepted_inside - accepted_outside)])
        return self

    def predict(self, images: "Split | Tensor") -> Tensor:
        """(N,) long: the most likely class, or -1 where the confidence is below the threshold."""
        if self.threshold is None:
            raise RuntimeError("there is no threshold yet: call fit(known) on validation images first")
        logits = self.method.logits(images)  # (N, C)
        refused = confidence(logits, self.by).double() < self.threshold
        return logits.argmax(dim=1).masked_fill(refused, NONE_OF_THESE)

    def score(self, known: "Split", unknown: "Split | Tensor") -> dict[str, float]:
        """What the threshold does to images that it was not chosen on, in percent, 0 to 100.

        correct: known images given their class. refused: unknown images answered -1.
        auroc, fpr95: how well the confidence tells the two apart at any threshold, see `separation`.
        Raises ValueError where the known images are of other classes than the method's.
        """
        self.method.check_split(known)
        refused = self.predict(unknown) == NONE_OF_THESE
        return {
            "correct": accuracy(self.predict(known).cpu(), known.labels),
            "refused": 100 * refused.double().mean().item(),
            **separation(self.confidence(known), self.confidence(unknown)),
        }
