"""CoCoOp: conditional context (Zhou et al., "Conditional Prompt Learning for Vision-Language Models", CVPR 2022).

A small network, the meta-net π, reads the image's embedding and moves the context for it (section 3.2):
    v_m(x) = v_m + π(f(x)),     π = Linear(D → D/16) → ReLU → Linear(D/16 → d)
One π(x) is added to all M context vectors, so every image has its own prompts for every class: B × C texts a step.
Here those of all images run together, the rows before the class name once an image.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import Sizes
from lessons_lib.methods.parts.starts import check_whole, context_length, empty_linear, normal, reset_linear
from lessons_lib.room import Room

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class CoCoOp(LearnedClassifier):
    """A context that depends on the image.

    n_ctx: M, context vectors, as many as `ctx_init` has tokens.   ctx_init: words to start from, or None for
        N(0, 0.02²).
    max_prompts: prompts, images × classes, that run through the text tower together. More than that are split by
        images, and while training a part's activations are computed again for its gradient: memory is bounded, the
        values are the same.
    Published training: lr 0.002, batches of 1, 10 epochs.
    Raises ValueError as CoOp does.

    ctx: (M, d) and meta_net (D → D/16 → d): what is learned.
    """

    EPOCHS, BATCH_SIZE = 10, 1
    MEMORY_ONLY = ("max_prompts",)
    PER_IMAGE = 0.014

    def __init__(
        self,
        clip: "Clip",
        n_ctx: int | None = None,
        *,
        ctx_init: str | None = "a photo of a",
        max_prompts: int = 1000,
    ):
        super().__init__(clip)
        clip.text_tower.check_promptable()
        self.n_ctx = context_length(clip, n_ctx, ctx_init, default=4)
        self.ctx_init = ctx_init
        check_whole("max_prompts", max_prompts, "at least 1", 1)
        self.max_prompts = max_prompts
        hidden = max(1, clip.embed_dim // 16)
        self.meta_net = nn.Sequential(
            empty_linear(clip.embed_dim, hidden), nn.ReLU(), empty_linear(hidden, clip.text_tower.width)
        ).to(clip.device)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        draws = torch.Generator().manual_seed(seed)
        if self.ctx_init is None:
            start = normal(self.n_ctx, self.clip.text_tower.width, seed=draws)
        else:
            start = self.clip.text_tower.word_embeddings(self.clip.tokenizer, self.ctx_init)
        self.ctx = nn.Parameter(start.to(self.clip.device))
        for layer in (self.meta_net[0], self.meta_net[2]):
            reset_linear(layer, draws)

    def set_classes(self, classnames: Iterable[str]) -> None:
        self.layout = PromptLayout(self.clip, classnames, self.n_ctx)
        super().set_classes(self.layout.classnames)

    def cost(self, sizes: Sizes) -> float | None:
        """Every test image has texts of its own for all classes."""
        seconds = super().cost(sizes)
        return None if seconds is None else seconds + 5e-5 * sizes.tested * sizes.classes

    def contexts(self, features: Tensor) -> Tensor:
        """features: (B, D) -> (B, M, d): each image's own context."""
        return self.ctx + self.meta_net(features)[:, None]

    def compare(self, features: Tensor) -> Tensor:
        """features: (B, D) -> logits (B, C)."""
        logits, room = [features.new_zeros(0, len(self.classnames))], Room(self._at_once, "images")
        for rows in room.parts(len(features)):
            with room.tried(rows):
                again = torch.is_grad_enabled() and room.size < len(features)
                part = features[rows]
                logits.append(checkpoint(self._compare, part, use_reentrant=False) if again else self._compare(part))
        if room.size < self._at_once:
            self.max_prompts = room.size * len(self.classnames)
        return torch.cat(logits)

    @property
    def _at_once(self) -> int:
        """Images."""
        return max(1, self.max_prompts // len(self.classnames))

    def take_less_memory(self, images: int) -> str:
        fewer = min(self._at_once, images) // 2
        if not fewer:
            return ""
        self.max_prompts = fewer * len(self.classnames)
        return f"max_prompts={self.max_prompts}"

    def _compare(self, features: Tensor) -> Tensor:
        texts = self.clip.encode_prompts(self.layout, self.contexts(features))  # (B, C, D)
        return self.clip.logit_scale * (texts @ features[:, :, None])[:, :, 0]  # (B, C)
