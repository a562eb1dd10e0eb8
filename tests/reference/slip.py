"""SLIP's computation literally: NT-Xent anchor after anchor; three passes through open_clip's own towers; batch norm by
its definition."""

import torch
import torch.nn.functional as F
from torch import Tensor


def nt_xent(a: Tensor, b: Tensor, temperature: float = 0.1) -> Tensor:
    """SimCLR's algorithm 1: the loss of each of the 2N views, and their mean."""
    views = [*a, *b]
    n, losses = len(a), []
    for i, z in enumerate(views):
        positive = torch.exp(z @ views[(i + n) % (2 * n)] / temperature)
        others = sum(torch.exp(z @ other / temperature) for k, other in enumerate(views) if k != i)
        losses.append(-torch.log(positive / others))
    return sum(losses) / (2 * n)


def head(layers, h: Tensor) -> Tensor:
    first, norm_1, _, second, norm_2, _, third = layers
    h = F.relu(normed(norm_1, h @ first.weight.T + first.bias))
    h = F.relu(normed(norm_2, h @ second.weight.T + second.bias))
    return h @ third.weight.T + third.bias


def normed(norm, x: Tensor) -> Tensor:
    mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    return (x - mean) / torch.sqrt(variance + norm.eps) * norm.weight + norm.bias


def trunk(model, images: Tensor) -> Tensor:
    """open_clip's own image tower, without its projection."""
    projection, model.visual.proj = model.visual.proj, None
    try:
        return model.visual(images)
    finally:
        model.visual.proj = projection


def clip_part(model, images: Tensor, tokens: Tensor) -> Tensor:
    f = F.normalize(trunk(model, images) @ model.visual.proj, dim=-1)
    w = F.normalize(model.encode_text(tokens), dim=-1)
    logits, pairs = model.logit_scale.exp() * f @ w.T, torch.arange(len(f))
    return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2


def training_loss(model, layers, views: Tensor, tokens: Tensor, weight: float = 1.0) -> Tensor:
    a, b = (F.normalize(head(layers, trunk(model, views[:, k])), dim=-1) for k in (1, 2))
    return clip_part(model, views[:, 0], tokens) + weight * nt_xent(a, b)


def clip_gathered_without_gradients(f: Tensor, w: Tensor, scale: Tensor) -> Tensor:
    """The released CLIP loss of one of several processes whose rows these are: what was gathered is a constant."""
    pairs = torch.arange(len(f))
    images, texts = scale * f @ w.detach().T, scale * w @ f.detach().T
    return (F.cross_entropy(images, pairs) + F.cross_entropy(texts, pairs)) / 2
