"""The whole image tower, with rows of prompts beside the patches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def encode_plain(clip, images: Tensor) -> Tensor:
    """The untouched image tower: (N, 3, S, S) -> (N, D), normalised."""
    return F.normalize(clip.model.encode_image(images).float(), dim=-1)


def patches_with_positions(clip, images: Tensor) -> Tensor:
    """(N, 3, S, S) -> (N, 1 + patches, d_v): the class token and the patches, each with its position."""
    visual = clip.model.visual
    patches = visual.conv1(images)  # (N, d_v, rows, columns)
    patches = patches.reshape(*patches.shape[:2], -1).permute(0, 2, 1)
    first = visual.class_embedding.to(patches.dtype).repeat(len(images), 1, 1)
    return torch.cat([first, patches], dim=1) + visual.positional_embedding


def read_class_token(clip, x: Tensor) -> Tensor:
    """(N, rows, d_v) behind the last block -> (N, D), normalised."""
    visual = clip.model.visual
    return F.normalize((visual.ln_post(x)[:, 0] @ visual.proj).float(), dim=-1)


def encode_with_prompts_last(clip, images: Tensor, prompts: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
    """MaPLe's and IVLP's: prompts (p, d_v) behind the patches and before `ln_pre`; deep sets replace them before
    blocks 2, 3, …"""
    visual = clip.model.visual
    x = patches_with_positions(clip, images)
    x = visual.ln_pre(torch.cat([x, prompts.expand(len(x), -1, -1).to(x.dtype)], dim=1))
    for depth, block in enumerate(visual.transformer.resblocks, start=1):
        if 2 <= depth <= len(deep) + 1:
            rows = deep[depth - 2].expand(len(x), -1, -1).to(x.dtype)
            x = torch.cat([x[:, : x.shape[1] - rows.shape[1]], rows], dim=1)
        x = block(x)
    return read_class_token(clip, x)
