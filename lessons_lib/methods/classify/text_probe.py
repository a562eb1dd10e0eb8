"""ZS-LP and CLAP: a linear probe that starts as the zero-shot classifier (Silva-Rodríguez et al., "A Closer Look at the
Few-Shot Adaptation of Large Vision-Language Models", CVPR 2024).

One row a class, compared by cosine, with CLIP's own temperature:
    p(c | x) = softmax_c(s · cos(f(x), v_c))        v_c: learned; it starts as the hand-made prompt's text embedding
CLAP holds each row to its start, the more firmly the better zero-shot knows the class from the training images:
    L = L_CE + 1/C Σ_c λ_c ‖v_c − t_c‖²             λ_c: mean zero-shot p(c | x) over the class's training images
Settings and multipliers are the released code's. Its rows start from text embeddings before they are normalised: their
length sets how far a step turns a row, and how much the same turn costs in L. So they do here.
Unlike there, λ_c comes from the images as they are (there: from 20 augmented views), and the multipliers stay as they
are at the start (there, too, unless asked for).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.features import image_features
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.rows import known_rows, no_rows_for
from lessons_lib.methods.parts.texts import one_template, unnormalised_texts_of
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split

NO_ROW = (
    "there is a row for each class that it was fitted on: fit a new TextProbe on a task with these classes, or use a "
    "method whose prompts carry over, such as ZeroShot or CoOp"
)


class TextProbe(LearnedClassifier):
    """A linear probe on the image features that starts from the class names' text embeddings (ZS-LP).

    constrained: CLAP, the rows are held to where they started.   template: the hand-made prompt; None for the task's.
    Published training: lr 0.1, batches of 256, 300 epochs, no weight decay, with 20 augmented views; so give
    `fit(task, views=20)` to train as published.
    Before `fit` it is zero-shot CLIP, for any classes; then it knows those of its fit, and any choice of them.

    rows: what is learned, v, (C, D).   texts: where they start, t, (C, D), not normalised.   multipliers: λ, (C,).
    """

    LR, BATCH_SIZE, WEIGHT_DECAY, EPOCHS = 0.1, 256, 0.0, 300
    PAPER_NAME = "ZS-LP"
    IN_PAPER = ("constrained",)
    ALIASES = ("ZS-LP", "CLAP")
    PER_IMAGE = 2.7e-5

    def __init__(self, clip: "Clip", *, constrained: bool = False, template: str | None = None):
        super().__init__(clip)
        self.constrained, self.template = constrained, one_template(template)
        self.register_buffer("texts", None, persistent=False)
        self.rows: nn.Parameter | None = None
        self.register_buffer("multipliers", None, persistent=False)

    @property
    def paper_name(self) -> str:
        name = super().paper_name
        return "CLAP" if name and self.constrained else name

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = unnormalised_texts_of(self.clip, names, self.template or self.task_template)
        super().set_classes(names)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        self.rows = nn.Parameter(self.texts.clone())  # nothing is drawn

    def prepare(self, split: "Split", *, seed: int, progress: bool) -> None:
        """What zero-shot knows of the training images; validation images are not looked at."""
        if self.constrained:
            features = image_features(self.clip, split, progress=progress, num_workers=self.workers)
            self.multipliers = zero_shot_knowledge(self.compare(features).detach(), split.labels)

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        return no_rows_for(to, fitted_on, NO_ROW)

    def carried(self, classnames: list[str]) -> dict[str, Tensor] | None:
        return known_rows(self, classnames)

    def text_features(self) -> Tensor:
        return F.normalize(self.rows, dim=-1)  # (C, D)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: features (n, D); labels: (n,)."""
        loss = super().loss(inputs, labels)
        if self.constrained:
            loss = loss + (self.multipliers * (self.rows - self.texts).square().sum(dim=-1)).mean()
        return loss


def zero_shot_knowledge(logits: Tensor, labels: Tensor) -> Tensor:
    """(C,), 0 to 1: the mean probability of its own class over each class's images, 0 for a class without images.

    logits: (N, C) of zero-shot CLIP.   labels: (N,).
    """
    labels = labels.to(logits.device)
    own = logits.softmax(dim=1).gather(1, labels[:, None])[:, 0]  # (N,)
    count = labels.bincount(minlength=logits.shape[1])  # (C,)
    return torch.zeros_like(logits[0]).index_add(0, labels, own) / count.clamp(min=1)
