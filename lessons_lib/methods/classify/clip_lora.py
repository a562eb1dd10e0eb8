"""CLIP-LoRA: low-rank adaptation of both towers (Zanella and Ben Ayed, "Low-Rank Few-Shot Adaptation of
Vision-Language Models", CVPR workshops 2024, after LoRA, Hu et al., ICLR 2022).

In every attention layer of both towers the weights of queries, keys and values move within a low rank:
    W' = W + (α / √r) · B A        A: (r, d), Kaiming-uniform; B: (d, r), 0 at the start
    L = cross-entropy of s · f(x) · w_cᵀ, with the texts of all classes run through their tower at every step
α over the root of r, where LoRA divides by r, is theirs. Dropout is on the input of A, while learning. Afterwards W'
stands in the place of W: `merged`, so that an answer costs what it costs without.
"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.blocks import Merged
from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import BOTH_WAYS
from lessons_lib.methods.parts.starts import check_whole
from lessons_lib.methods.parts.texts import one_template
from lessons_lib.recipe import Recipe
from lessons_lib.templates import apply, check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class CLIPLoRA(LearnedClassifier):
    """Low-rank changes of queries, keys and values in both towers.

    rank: r.   alpha: α.   dropout: the share of the input that is dropped while learning.
    template: the prompt; None for the task's.
    Published training, the same everywhere: AdamW, lr 2e-4, weight decay 0.01, batches of 32, 500 steps times the
    shots, a cosine a step down to 1e-6.
    Raises ValueError for models whose towers do not open, and numbers out of range.

    image, text: what is learned, for each block of a tower q, k and v, each with A and B.
    """

    LR, BATCH_SIZE, WEIGHT_DECAY, WARMUP_EPOCHS, OPTIMIZER, STEPS_A_SHOT = 2e-4, 32, 1e-2, 0, "adamw", 500
    learns_from_pixels = True
    PAPER_NAME, ALIASES = "CLIP-LoRA", ("CLIP-LoRA", "LoRA")
    PER_IMAGE = 0.9 / BOTH_WAYS

    def __init__(
        self, clip: "Clip", rank: int = 2, *, alpha: float = 1.0, dropout: float = 0.25, template: str | None = None
    ):
        super().__init__(clip)
        clip.text_tower.check_promptable()
        clip.image_tower.check_promptable()
        check_whole("rank", rank, "a rank, at least 1", 1)
        if not 0 < alpha < float("inf"):
            raise ValueError(f"alpha={alpha!r}: give a number above 0")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout!r}: give a share of at least 0, below 1")
        self.rank, self.alpha, self.dropout, self.template = rank, alpha, dropout, one_template(template)
        self.image, self.text = (
            nn.ModuleList(LowRankAttention(tower.width, rank, alpha, dropout) for _ in range(tower.layers))
            for tower in (clip.image_tower, clip.text_tower)
        )
        self.to(clip.device)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        draws = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, LowRank):
                layer.reset(draws)

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        template = self.template or self.task_template
        self.layout = PromptLayout.of_texts(self.clip, [apply(template, name) for name in names])
        super().set_classes(names)

    def recipe(
        self, shots: int | None, epochs: int | None, lr: float | None, batch_size: int | None, **settings
    ) -> Recipe:
        return super().recipe(shots, epochs, lr, batch_size, schedule="step", min_lr=1e-6, **settings)

    def text_features(self) -> Tensor:
        return self.clip.encode_prompts(self.layout, change=self.changes("text"))  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(images, change=self.changes("image"))  # (n, D)

    def changes(self, tower: str) -> list["LowRankAttention | Merged"]:
        """One a block of the tower, "image" or "text": beside its weights while learning, else merged with them."""
        layers = list(getattr(self, tower))
        return layers if self.training else self.clip.towers[tower].merged([layer.delta() for layer in layers])


class LowRankAttention(nn.Module):
    """A `Change` of one block: what low rank adds to its queries, keys and values."""

    def __init__(self, width: int, rank: int, alpha: float, dropout: float):
        super().__init__()
        self.q, self.k, self.v = (LowRank(width, rank, alpha, dropout) for _ in range(3))

    def delta(self) -> Tensor:
        """(3 d, d): the same as a change of the weight."""
        return torch.cat([self.q.delta(), self.k.delta(), self.v.delta()])


class LowRank(nn.Module):
    """(..., d) -> (..., d): (α / √r) · B A x."""

    def __init__(self, width: int, rank: int, alpha: float, dropout: float):
        super().__init__()
        self.scale, self.dropout = alpha / math.sqrt(rank), dropout
        self.A, self.B = nn.Parameter(torch.empty(rank, width)), nn.Parameter(torch.empty(width, rank))

    @torch.no_grad()
    def reset(self, draws: torch.Generator) -> None:
        bound = self.A.shape[1] ** -0.5  # Kaiming-uniform with a = √5
        self.A.copy_((2 * torch.rand(self.A.shape, generator=draws) - 1) * bound)
        self.B.zero_()

    def delta(self) -> Tensor:
        return self.scale * self.B @ self.A  # (d, d)

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(x, self.dropout, self.training)
        return self.scale * F.linear(F.linear(x, self.A), self.B)
