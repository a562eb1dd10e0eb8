"""ProLIP: fine-tuning the image projection alone (Fahes et al., "Fine-Tuning CLIP's Last Visual Projector: A Few-Shot
Cornucopia", 2024), and its regularised linear adapter.

One matrix learns, and is held near where it starts; texts are the hand-made prompts' and stay:
    ProLIP            f(x) = norm(h(x) W)      h: what the tower's projection W₀ is given, (d_v,);   W starts from W₀
    linear adapter    f(x) = norm(f₀(x) A)     f₀: the frozen embedding, (D,);                       A starts from I
    L = cross-entropy of s · f(x) · w_cᵀ + λ ‖W − W₀‖²        (a sum over entries; ‖A − I‖² for the adapter)
λ = 1/N for N shots: the fewer the images, the nearer. With it any rate from 1e-5 to 1e-2 will do, so nothing is chosen
on validation images. What is learned knows no class, so it carries to others.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.texts import mean_texts_of, some_templates
from lessons_lib.recipe import Recipe
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split


class _HeldMatrix(LearnedClassifier):
    """A matrix behind the frozen features, held near its start."""

    LR, BATCH_SIZE, EPOCHS, WEIGHT_DECAY, WARMUP_EPOCHS, OPTIMIZER = 1e-3, None, 300, 0.0, 0, "adamw"
    PER_IMAGE = 1e-5

    def __init__(self, clip: "Clip", *, penalty: float | None = None, templates: str | list[str] | None = None):
        super().__init__(clip)
        if penalty is not None and not 0 <= penalty < float("inf"):
            raise ValueError(f"penalty={penalty!r}: give a number of at least 0, or None for 1 over the shots")
        self.penalty, self.templates = penalty, some_templates(templates)
        self.strength = penalty or 0.0  # λ, which `prepare` finds where it is not given
        self.register_buffer("texts", None, persistent=False)  # (C, D)
        self.reset(seed=1)

    def start(self) -> Tensor:
        """Where the matrix starts, and is held."""
        raise NotImplementedError

    def reset(self, seed: int) -> None:
        """Nothing is drawn."""
        self.matrix = nn.Parameter(self.start().clone())

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = mean_texts_of(self.clip, names, self.templates or [self.task_template])
        super().set_classes(names)

    def prepare(self, split: "Split", *, seed: int, progress: bool) -> None:
        if self.penalty is None:
            self.strength = len(split.classnames) / len(split)  # 1/N, of all images the mean N

    def recipe(
        self, shots: int | None, epochs: int | None, lr: float | None, batch_size: int | None, **settings
    ) -> Recipe:
        return super().recipe(shots, epochs, lr, batch_size, eps=1e-4, schedule="step", **settings)

    def text_features(self) -> Tensor:
        return self.texts  # (C, D)

    def compare(self, features: Tensor) -> Tensor:
        """features: (n, d_v), or (n, D) -> logits (n, C)."""
        return super().compare(F.normalize(features @ self.matrix, dim=-1))

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: features, as `compare` takes them; labels: (n,)."""
        departure = (self.matrix - self.start()).square().sum()
        return super().loss(inputs, labels) + self.strength * departure


class ProLIP(_HeldMatrix):
    """The image tower's projection learns.

    penalty: λ, at least 0; None for 1 over the shots.   templates: of the texts, as `ZeroShot` takes them; None for the
    task's.
    Published training: Adam (ε = 1e-4), 300 steps of all images, each on another augmented view (views="fresh"), a
    cosine; of the rates that the paper shows to be alike, 1e-5 to 1e-2, this takes 1e-3.
    Raises ValueError for models whose image tower does not open, and a penalty out of range.

    matrix: what is learned, W, (d_v, D).
    """

    learns_projection = True
    IN_PAPER = ("penalty",)

    def start(self) -> Tensor:
        return self.clip.image_tower.projection.detach()


class LinearAdapter(_HeldMatrix):
    """A linear layer behind the embeddings learns: CLIP-Adapter without its choices, for any model, from features.

    penalty, templates and training: as in `ProLIP`.

    matrix: what is learned, A, (D, D).
    """

    PAPER_NAME, IN_PAPER = "Regularized Linear Adapter", ("penalty",)

    def start(self) -> Tensor:
        return torch.eye(self.clip.embed_dim, device=self.clip.device)
