"""What the image tower knows of every patch: tokens in the joint space beside the pooled vector.

A Vision Transformer's class token alone was trained to meet texts. Its patch tokens pass through the same last
projection, and three ways through the last block are in use:

attention    as trained: every patch attends to all.
value        out(v): no patch looks at another (MaskCLIP, Zhou et al., ECCV 2022).
correlative  (softmax(q qᵀ) + softmax(k kᵀ)) v: patches look at their likes (SCLIP, Wang et al., ECCV 2024).

Each with or without the residual and the MLP behind it. Both papers' released code keeps them; without, tokens are what
the block's attention adds and nothing else, which later work found to be the cleaner map (ClearCLIP, ECCV 2024).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import ModifiedResNet
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from lessons_lib.clip.blocks import Change, attend, finish, join_heads, qkv, split_heads
from lessons_lib.suggest import nearest

LAST = ("attention", "value", "correlative")


class Dense(NamedTuple):
    """pooled: (N, D), the image's own embedding.   tokens: (N, h, w, D), its patches', row by row from the top left.
    hooks: for each block that was asked for, (N, 1 + h · w, d_v): class token and patches as they come out of it."""

    pooled: Tensor
    tokens: Tensor
    hooks: tuple[Tensor, ...] = ()


def last_block(
    block: nn.Module, x: Tensor, rows: slice, last: str, residual: bool, change: Change | None = None
) -> Tensor:
    """x: (N, L, d) into the last block -> (N, R, d), these rows out of it, in one of the ways of LAST."""
    q, k, v = qkv(block, x, change)
    if last == "value":
        attended = v[:, rows]
    else:
        q, k, v = (split_heads(each, block.attn.num_heads) for each in (q, k, v))  # (N, h, L, e) each
        if last == "attention":
            attended = join_heads(attend(q[:, :, rows], k, v))
        else:
            attended = join_heads(attend(q[:, :, rows], q, v) + attend(k[:, :, rows], k, v))
    if residual:
        return finish(block, x[:, rows], attended)
    return block.ls_1(block.attn.out_proj(attended))


def check_last(last: str, residual: bool | None) -> bool:
    """Whether the residual is kept: by default everywhere but in the value path. Raises ValueError for another way."""
    if last not in LAST:
        raise ValueError(f"last={last!r}: the last block is run in one of {LAST}. {nearest(str(last), LAST)}")
    return last != "value" if residual is None else residual


def positions_at(table: Tensor, grid: tuple[int, int], trained: tuple[int, int]) -> Tensor:
    """Positional embeddings (1 + h · w, d) of the `trained` grid (h, w), for another one: the class token's as it is,
    the others interpolated (bicubic, smoothed where the grid shrinks)."""
    if grid == trained:
        return table
    patches = table[1:].unflatten(0, trained).permute(2, 0, 1)[None]  # (1, d, h, w)
    patches = F.interpolate(patches, grid, mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([table[:1], patches[0].flatten(1).T])


def foreign_tokens(visual: nn.Module, images: Tensor, name: str, last: str, residual: bool) -> Dense:
    """Tokens of an image tower that does not open, from the maps that open_clip gives.

    A ResNet has a value path alone, through its attention pool. Of Vision Transformers those that pool by a mean.
    Raises ValueError, naming the model, for others.
    """
    if isinstance(visual, ModifiedResNet) and last == "value" and not residual:
        found = visual.forward_intermediates(images, indices=1)
        pool, maps = visual.attnpool, found["image_intermediates"][0].permute(0, 2, 3, 1)  # (N, h, w, channels)
        return Dense(found["image_features"], pool.c_proj(pool.v_proj(maps)))
    if type(visual) is VisionTransformer and visual.attn_pool is None and last == "attention" and residual:
        found = visual.forward_intermediates(images, indices=1, normalize_intermediates=True)
        maps = found["image_intermediates"][0].permute(0, 2, 3, 1)  # (N, h, w, d_v)
        return Dense(found["image_features"], maps if visual.proj is None else maps @ visual.proj)
    ways = "last='value' alone" if isinstance(visual, ModifiedResNet) else "no such map in the joint space"
    raise ValueError(
        f"the image tower of {name} is a {type(visual).__name__}, which has {ways} (asked: last={last!r}, "
        f"residual={residual}): dense tokens need a standard Vision Transformer, such as ToyCLIP's or ViT-B-16's"
    )
