"""CoCoOp (CVPR 2022), section 3.2: an image at a time."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from . import image, text


def cocoop_logits(
    clip, classnames: Sequence[str], ctx: Tensor, meta_net: Callable[[Tensor], Tensor], images: Tensor
) -> Tensor:
    """ctx: (M, d); meta_net: (N, D) -> (N, d); images: (N, 3, S, S) preprocessed -> (N, C)."""
    tokens = text.placeholder_tokens(clip, classnames, len(ctx))
    features = image.encode_plain(clip, images)  # (N, D)
    moves = meta_net(features)  # (N, d)
    logits = []
    for feature, move in zip(features, moves):
        shifted = ctx + move  # (M, d): the same move for every vector
        texts = text.encode(clip, text.embeddings_with_context(clip, tokens, shifted), tokens)  # (C, D)
        logits.append(text.similarities(clip, feature[None], texts))
    return torch.cat(logits)


def of_method(method, images: Tensor) -> Tensor:
    return cocoop_logits(method.clip, method.classnames, method.ctx, method.meta_net, images)
