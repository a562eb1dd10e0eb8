"""The two towers as lesson 06 opens them: the image tower's rows and what is read of them; where rows look."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rows_of(visual: nn.Module, images: Tensor) -> Tensor:
    """What open_clip's image tower makes of pictures before its blocks and before `ln_pre`: a row for the class token,
    then one a patch, positions added. images: (N, 3, S, S) -> (N, 1 + patches, d_v)."""
    patches = visual.conv1(images).flatten(2).transpose(1, 2)  # (N, patches, d_v)
    x = torch.cat([visual.class_embedding.expand(len(images), 1, -1), patches], dim=1)
    return x + visual.positional_embedding


def read_class(visual: nn.Module, x: Tensor) -> Tensor:
    """The class token behind the last block, in the joint space: (N, rows, d_v) -> (N, D), unit."""
    return F.normalize(visual.ln_post(x[:, 0]) @ visual.proj, dim=-1)


def read_end(model: nn.Module, x: Tensor, tokens: Tensor) -> Tensor:
    """The end token behind the last block, in the joint space: (C, L, d), tokens (C, L) -> (C, D), unit."""
    ends = tokens.argmax(dim=1)  # (C,): the end token has the largest number
    x = model.ln_final(x[torch.arange(len(x), device=x.device), ends])
    return F.normalize(x @ model.text_projection, dim=-1)


def causal_mask(length: int, like: Tensor) -> Tensor:
    """(length, length): −∞ where a row would look at a later one (lesson 02)."""
    return torch.full((length, length), -math.inf, device=like.device).triu(1)


@torch.no_grad()
def attention(
    visual: nn.Module, images: Tensor, prompts: Tensor, deep: Sequence[Tensor] = (), before_ln_pre: bool = False
) -> Tensor:
    """Who looks at whom: (blocks, N, rows, rows), mean over heads; a row of the last dimension sums to 1. The rows are
    the class token, the patches and the P prompts. prompts and each of deep: (P, d_v)."""

    def given(rows: Tensor) -> Tensor:
        return rows.expand(len(images), -1, -1)

    x, looked = rows_of(visual, images), []
    x = torch.cat([x, given(prompts)], dim=1) if before_ln_pre else x
    x = visual.ln_pre(x)
    x = x if before_ln_pre else torch.cat([x, given(prompts)], dim=1)
    for i, block in enumerate(visual.transformer.resblocks):
        if 1 <= i <= len(deep):
            x = torch.cat([x[:, : -len(prompts)], given(deep[i - 1])], dim=1)
        h = block.ln_1(x)
        looked.append(block.attn(h, h, h, need_weights=True)[1])  # (N, rows, rows)
        x = block(x)
    return torch.stack(looked)


def shared_out(looked: Tensor, prompts: int) -> Tensor:
    """How the class token divides its attention: (blocks, N, rows, rows) -> (blocks, 3), the mean shares that go to
    itself, to the patches and to the prompts, which are the last rows."""
    own = looked[:, :, 0].mean(dim=1)  # (blocks, rows)
    return torch.stack([own[:, 0], own[:, 1:-prompts].sum(dim=1), own[:, -prompts:].sum(dim=1)], dim=1)
