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
from lessons_lib.methods.classify.coop import context_length
from lessons_lib.methods.learned import Learned, normal

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class CoCoOp(Learned):
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

    BATCH_SIZE = 1

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
        if max_prompts < 1:
            raise ValueError(f"max_prompts={max_prompts}: give at least 1")
        self.max_prompts = max_prompts
        hidden = max(1, clip.embed_dim // 16)
        self.meta_net = nn.Sequential(
            empty_linear(clip.embed_dim, hidden), nn.ReLU(), empty_linear(hidden, clip.text_tower.width)
        ).to(clip.device)
        self.reset(seed=1)

    def published_epochs(self, shots: int | None) -> int:
        return 10

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
        super().set_classes(classnames)
        self.layout = PromptLayout(self.clip, self.classnames, self.n_ctx)

    def contexts(self, features: Tensor) -> Tensor:
        """features: (B, D) -> (B, M, d): each image's own context."""
        return self.ctx + self.meta_net(features)[:, None]

    def compare(self, features: Tensor) -> Tensor:
        """features: (B, D) -> logits (B, C)."""
        at_once = max(1, self.max_prompts // len(self.classnames))  # images
        parts = features.split(at_once)
        again = torch.is_grad_enabled() and len(parts) > 1
        logits = [
            checkpoint(self._compare, part, use_reentrant=False) if again else self._compare(part) for part in parts
        ]
        return torch.cat(logits) if logits else features.new_zeros(0, len(self.classnames))

    def _compare(self, features: Tensor) -> Tensor:
        texts = self.clip.encode_prompts(self.layout, self.contexts(features))  # (B, C, D)
        return self.clip.logit_scale * (texts @ features[:, :, None])[:, :, 0]  # (B, C)


def empty_linear(n_in: int, n_out: int) -> nn.Linear:
    """A layer that `reset_linear` has to fill: drawing nothing, it leaves torch's own generator alone."""
    return nn.utils.skip_init(nn.Linear, n_in, n_out)


def reset_linear(layer: nn.Linear, draws: torch.Generator) -> None:
    """torch's own start of a linear layer, U(−1/√n, 1/√n) of n inputs for weight and bias, from one generator."""
    bound = layer.in_features**-0.5
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_((2 * torch.rand(p.shape, generator=draws) - 1) * bound)
