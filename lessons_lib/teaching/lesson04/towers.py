"""The text tower as lesson 04 runs it by hand: from rows on; and with the rows that all classes share run once."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def finish(model: nn.Module, x: Tensor, tokens: Tensor) -> Tensor:
    """Lesson 02's text tower, from its rows with their positions on. x: (N, L, d); tokens: (N, L) -> (N, D), unit."""
    length = x.shape[1]
    mask = torch.full((length, length), -math.inf, device=x.device).triu(1)
    for block in model.transformer.resblocks:
        x = block(x, attn_mask=mask)
    return _read(model, x, tokens.argmax(dim=1))


def with_shared_rows(model: nn.Module, tokens: Tensor, ctx: Tensor, own_attention: Callable) -> Tensor:
    """Prompts "X … X name." with ctx (M, d) in the place of the X: (C, L) -> (C, D), unit. Start and context are run
    once, for all classes; nothing behind the last end is run.

    own_attention: (q, k, v, k_shared, v_shared) -> what a class's own rows read: the learner's.
    """
    ends = tokens.argmax(dim=1)  # (C,)
    first = 1 + len(ctx)  # the row where the names begin
    rows = model.token_embedding(tokens[:, : int(ends.max()) + 1])
    where = model.positional_embedding[: rows.shape[1]]
    shared = torch.cat([rows[0, :1], ctx]) + where[:first]  # (1 + M, d)
    own = rows[:, first:] + where[first:]  # (C, R, d)
    for block in model.transformer.resblocks:
        q_shared, k_shared, v_shared = _heads(block, shared[None])
        q, k, v = _heads(block, own)
        seen = F.scaled_dot_product_attention(q_shared, k_shared, v_shared, is_causal=True)
        own = _rest(block, own, own_attention(q, k, v, k_shared[0], v_shared[0]))
        shared = _rest(block, shared[None], seen)[0]
    return _read(model, own, ends - first)


def _heads(block: nn.Module, x: Tensor) -> list[Tensor]:
    """(N, R, d) -> queries, keys and values, each (N, heads, R, d / heads)."""
    attention = block.attn
    parts = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
    return [part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for part in parts]


def _rest(block: nn.Module, x: Tensor, read: Tensor) -> Tensor:
    """The block behind its attention. x: (N, R, d); read: (N, heads, R, d / heads)."""
    x = x + block.attn.out_proj(read.transpose(1, 2).flatten(-2))
    return x + block.mlp(block.ln_2(x))


def _read(model: nn.Module, x: Tensor, ends: Tensor) -> Tensor:
    x = model.ln_final(x[torch.arange(len(x), device=x.device), ends])
    return F.normalize(x @ model.text_projection, dim=-1)
