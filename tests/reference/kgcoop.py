"""KgCoOp (CVPR 2023), the loss of the released code: cosines by `CosineSimilarity`, texts through the whole tower."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import text
from .coop import prompts


def kgcoop_loss(
    clip, classnames: Sequence[str], ctx: Tensor, features: Tensor, labels: Tensor, *, weight: float, template: str
) -> Tensor:
    """ctx: (M, d); features: (n, D), normalised; labels: (n,) -> a scalar."""
    tokens = text.placeholder_tokens(clip, classnames, len(ctx))
    learned = text.encode(clip, prompts(clip, tokens, classnames, ctx), tokens)
    with torch.no_grad():
        original = text.hand_made(clip, classnames, template)
    score = 1.0 - torch.nn.CosineSimilarity(dim=1, eps=1e-7)(learned, original).mean()
    return F.cross_entropy(text.similarities(clip, features, learned), labels) + weight * score
