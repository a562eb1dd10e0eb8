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

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.device import autocast
from lessons_lib.features import image_features
from lessons_lib.methods.base import Method
from lessons_lib.methods.learned import HandMadePrompt, Learned
from lessons_lib.templates import apply, check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task


class TextProbe(HandMadePrompt, Learned):
    """A linear probe on the image features that starts from the class names' text embeddings (ZS-LP).

    constrained: CLAP, the rows are held to where they started.   template: the hand-made prompt; None for the task's.
    Published training: lr 0.1, batches of 256, 300 epochs, no weight decay, with 20 augmented views; so give
    `fit(task, views=20)` to train as published.
    Before `fit` it is zero-shot CLIP, for any classes; then it knows those of its fit, and any choice of them.

    rows: what is learned, v, (C, D).   texts: where they start, t, (C, D), not normalised.   multipliers: λ, (C,).
    """

    LR, BATCH_SIZE, WEIGHT_DECAY = 0.1, 256, 0.0

    def __init__(self, clip: "Clip", *, constrained: bool = False, template: str | None = None):
        super().__init__(clip)
        self.constrained = constrained
        self.use_template(template)
        self.rows: nn.Parameter | None = None
        self.register_buffer("multipliers", None, persistent=False)

    def published_epochs(self, shots: int | None) -> int:
        return 300

    def set_classes(self, classnames: Iterable[str]) -> None:
        super().set_classes(classnames)
        self.reset(seed=1)

    def embed_texts(self, clip: "Clip", classnames: list[str], template: str) -> Tensor:
        return embedded(clip, classnames, template)

    def reset(self, seed: int) -> None:
        self.rows = nn.Parameter(self.texts.clone())  # nothing is drawn

    def fit(self, task: "Task", **settings) -> "TextProbe":
        """As `Learned.fit`: learns from `task.train`; validation images are not looked at."""
        if self.constrained:
            self.take_template(task)
            self.set_classes(task.classnames)
            features = image_features(self.clip, task.train, progress=settings.get("progress", True))
            self.multipliers = zero_shot_knowledge(self.compare(features).detach(), task.train.labels)
        return super().fit(task, **settings)

    def for_classes(self, classnames: Iterable[str]) -> "TextProbe":
        other = type(self)(self.clip, **self.settings())
        rows = None if self.classnames is None else known_rows(self, classnames)
        other.set_classes(classnames)
        if rows is not None:
            other.load_state_dict({"rows": self.rows.detach()[rows]})
        return other.eval()

    def text_features(self) -> Tensor:
        return F.normalize(self.rows, dim=-1)  # (C, D)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: features (n, D); labels: (n,)."""
        loss = super().loss(inputs, labels)
        if self.constrained:
            loss = loss + (self.multipliers * (self.rows - self.texts).square().sum(dim=-1)).mean()
        return loss


@torch.no_grad()
def embedded(clip: "Clip", classnames: list[str], template: str) -> Tensor:
    """(C, D): the text embeddings of one template as the tower gives them, before they are normalised."""
    tokens = clip.tokenize([apply(template, name) for name in classnames]).to(clip.device)  # (C, L)
    with autocast(clip.device, clip.precision):
        return clip.text_tower.encode(tokens).float()


def zero_shot_knowledge(logits: Tensor, labels: Tensor) -> Tensor:
    """(C,), 0 to 1: the mean probability of its own class over each class's images, 0 for a class without images.

    logits: (N, C) of zero-shot CLIP.   labels: (N,).
    """
    labels = labels.to(logits.device)
    own = logits.softmax(dim=1).gather(1, labels[:, None])[:, 0]  # (N,)
    count = labels.bincount(minlength=logits.shape[1])  # (C,)
    return torch.zeros_like(logits[0]).index_add(0, labels, own) / count.clamp(min=1)


def known_rows(method: Method, classnames: Iterable[str]) -> list[int]:
    """Where the classes stand among those of a method that has a row for each. Raises ValueError for any other."""
    names = check_classnames(classnames)
    unknown = [name for name in names if name not in method.classnames]
    if unknown:
        raise ValueError(
            f"this {type(method).__name__} has a row for each class that it was fitted on, and none for "
            f"{', '.join(map(repr, unknown[:3]))}{', …' if len(unknown) > 3 else ''}: fit a new one on a task with "
            "these classes, or use a method whose prompts carry over, such as ZeroShot or CoOp"
        )
    return [method.classnames.index(name) for name in names]
