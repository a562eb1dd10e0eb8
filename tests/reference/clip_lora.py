"""CLIP-LoRA (CVPR workshops 2024) on a copy of the model whose attention really has the weights W + (α / √r) B A."""

from copy import deepcopy

import torch
from torch import Tensor

from . import image, text


def adapted(method):
    """The CLIP of the method with its weights changed, differentiable in A and B."""
    clip = deepcopy(method.clip)
    for blocks, layers in (
        (clip.model.visual.transformer.resblocks, method.image),
        (clip.model.transformer.resblocks, method.text),
    ):
        for block, layer in zip(blocks, layers, strict=True):
            deltas = [each.B @ each.A * method.alpha / method.rank**0.5 for each in (layer.q, layer.k, layer.v)]
            weight = block.attn.in_proj_weight.detach() + torch.cat(deltas)
            del block.attn.in_proj_weight
            block.attn.in_proj_weight = weight
    return clip


def of_method(method, images: Tensor) -> Tensor:
    clip = adapted(method)
    texts = text.hand_made(clip, method.classnames, method.template or method.task_template)
    return text.similarities(clip, image.encode_plain(clip, images), texts)
