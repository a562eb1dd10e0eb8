"""One transformer block of open_clip, in pieces, so that fewer rows than all can go through it.

    x = x + out(attention(qkv(ln_1(x))));  x = x + mlp(ln_2(x))

`qkv` and `finish` are the two halves that treat every row alike; what is between them, attention, is the caller's.
"""

import torch
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock, Transformer
from torch import Tensor, nn


def opens_up(transformer: nn.Module) -> bool:
    """Whether the pieces here are those of this transformer: open_clip's standard blocks, in batch-first order."""
    if not isinstance(transformer, Transformer) or not transformer.batch_first:
        return False
    return all(
        type(block) is ResidualAttentionBlock
        and block.attn._qkv_same_embed_dim
        and block.attn.in_proj_bias is not None
        and block.attn.bias_k is None
        and not hasattr(block, "ln_1_kv")
        for block in transformer.resblocks
    )


def qkv(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x: (..., L, d) -> queries, keys and values, (..., L, d) each."""
    attn = block.attn
    return F.linear(block.ln_1(x), attn.in_proj_weight, attn.in_proj_bias).chunk(3, dim=-1)


def query_and_keys(block: nn.Module, x: Tensor, rows: Tensor | slice) -> tuple[Tensor, Tensor, Tensor]:
    """As `qkv`, with queries for some rows alone: (..., R, d), (..., L, d), (..., L, d). For a last block, where only
    one row is read."""
    attn, d = block.attn, x.shape[-1]
    x = block.ln_1(x)
    q = F.linear(x[..., rows, :], attn.in_proj_weight[:d], attn.in_proj_bias[:d])
    k, v = F.linear(x, attn.in_proj_weight[d:], attn.in_proj_bias[d:]).chunk(2, dim=-1)
    return q, k, v


def finish(block: nn.Module, x: Tensor, attended: Tensor) -> Tensor:
    """The rest of the block. x: (..., L, d), what came in; attended: (..., L, d), heads side by side."""
    x = x + block.ls_1(block.attn.out_proj(attended))
    return x + block.ls_2(block.mlp(block.ln_2(x)))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(..., L, d) -> (..., heads, L, d / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """(..., heads, L, e) -> (..., L, heads · e)."""
    return x.transpose(-2, -3).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False) -> Tensor:
    """q: (..., h, R, e); k, v: (..., h, L, e) -> (..., h, R, e)."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    # On a CPU, with rows as few as here, the plain form is faster than the fused one, and its gradient far faster.
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (..., h, R, L)
    if causal:
        scores = scores + causal_mask(scores.shape[-1], scores)
    return scores.softmax(dim=-1).to(v.dtype) @ v


def causal_mask(length: int, like: Tensor) -> Tensor:
    """(L, L): 0 where a row may look (itself and what comes before), -inf elsewhere."""
    return torch.full((length, length), float("-inf"), dtype=like.dtype, device=like.device).triu(1)
