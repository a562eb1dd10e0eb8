"""DAPT (ICCV 2023): CoOp's texts, VPT's images, cross-entropy and the two dispersion losses, as released or summed."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import coop, image, text, vpt


def prototypes(clip, images: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """(C, D): the mean of each class's zero-shot normalised embeddings, not normalised again."""
    features = image.encode_plain(clip, images)
    return torch.stack([features[labels == c].mean(dim=0) for c in range(n_classes)])


def dapt_parts(
    clip, classnames: Sequence[str], ctx: Tensor, visual_ctx: Tensor, images: Tensor
) -> tuple[Tensor, Tensor]:
    """(N, D) and (C, D), normalised, of both prompted towers, whole."""
    tokens = text.placeholder_tokens(clip, classnames, len(ctx))
    texts = text.encode(clip, coop.prompts(clip, tokens, classnames, ctx), tokens)
    return vpt.vpt_features(clip, visual_ctx[None], images), texts


def dapt_loss(
    clip,
    classnames: Sequence[str],
    ctx: Tensor,
    visual_ctx: Tensor,
    class_prototypes: Tensor,
    images: Tensor,
    labels: Tensor,
    *,
    beta_t: float,
    beta_v: float,
    t: float = 2.0,
    summed: bool = False,
) -> Tensor:
    """A scalar. summed: the paper's form instead of the released one."""
    features, texts = dapt_parts(clip, classnames, ctx, visual_ctx, images)
    loss = F.cross_entropy(text.similarities(clip, features, texts), labels)
    own = class_prototypes[labels]
    if summed:
        inter = sum(
            torch.exp(-t * ((texts[m] - texts[n]) ** 2).sum())
            for m in range(len(texts))
            for n in range(len(texts))
            if m != n
        )
        intra = sum(((feature - prototype) ** 2).sum() for feature, prototype in zip(features, own)) / len(features)
    else:
        inter = torch.exp(-t * torch.pdist(texts) ** 2).mean()
        intra = F.mse_loss(features, own)
    return loss + beta_t * inter + beta_v * intra


def of_method(method, images: Tensor) -> Tensor:
    parts = dapt_parts(method.clip, method.classnames, method.ctx, method.visual_ctx, images)
    return text.similarities(method.clip, *parts)
