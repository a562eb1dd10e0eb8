"""ProLIP, and its regularised linear adapter (2024), on the whole model."""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import image, text


def features_of(method, images: Tensor) -> Tensor:
    """(N, D), normalised: the tower with the learned projection in the place of its own, or the matrix behind it."""
    clip, visual = method.clip, method.clip.model.visual
    if type(method).__name__ == "LinearAdapter":
        return F.normalize(image.encode_plain(clip, images) @ method.matrix, dim=-1)
    x = visual.ln_pre(image.patches_with_positions(clip, images))
    for block in visual.transformer.resblocks:
        x = block(x)
    return F.normalize(visual.ln_post(x)[:, 0] @ method.matrix, dim=-1)


def of_method(method, images: Tensor) -> Tensor:
    [template] = method.templates or [method.task_template]
    texts = text.hand_made(method.clip, method.classnames, template)
    return text.similarities(method.clip, features_of(method, images), texts)


def loss(method, images: Tensor, labels: Tensor, penalty: float) -> Tensor:
    if type(method).__name__ == "LinearAdapter":
        start = torch.eye(len(method.matrix)).to(method.matrix)
    else:
        start = method.clip.model.visual.proj
    away = sum(((new - old) ** 2).sum() for new, old in zip(method.matrix, start, strict=True))
    return F.cross_entropy(of_method(method, images), labels) + penalty * away
