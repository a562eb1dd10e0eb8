"""One transformer block of open_clip, in pieces, so that fewer rows than all can go through it.

    x = x + out(attention(qkv(ln_1(x))));  x = x + mlp(ln_2(x))

`qkv` and `finish` are the two halves that treat every row alike; what is between them, attention, is the caller's.
`through` puts them together. A `Change` adds to queries, keys and values: the one place where both towers can be given
other attention weights (LoRA), whatever path their rows take; `Merged` is such a change, added to the weight.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from open_clip.transformer import QuickGELU, ResidualAttentionBlock, Transformer
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

FUSED_FROM = 128  # rows


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


def check_depth(depth: int, layers: int, tower: str) -> None:
    """Raises ValueError where `depth` is not a whole number from 1 to `layers`."""
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= layers:
        raise ValueError(f"depth={depth!r}: the {tower} has {layers} blocks, so give 1 to {layers}")


@dataclass(frozen=True)
class Merged:
    """Another weight for the queries, keys and values of one block, (3 d, d), in the place of its own: a change that
    has been added to it, and so costs nothing. It goes wherever a `Change` goes."""

    weight: Tensor


def merged(blocks: Iterable[nn.Module], deltas: Iterable[Tensor]) -> list[Merged]:
    """deltas: (3 d, d) of each block, which its weight moves by."""
    return [Merged(block.attn.in_proj_weight + delta) for block, delta in zip(blocks, deltas, strict=True)]


class Change(Protocol):
    """What is added to the queries, keys and values of one block: functions of its layer-normed rows,
    (..., L, d) -> (..., L, d) each, or None where nothing is. LoRA (Hu et al., ICLR 2022) adds (x Aᵀ) Bᵀ, which is the
    weight W + B A; queries are asked for only where they are read, so the rows of q may be fewer than those of k, v.
    """

    q: Callable[[Tensor], Tensor] | None
    k: Callable[[Tensor], Tensor] | None
    v: Callable[[Tensor], Tensor] | None


def changes_of(change: Sequence[Change | None] | None, layers: int) -> Sequence[Change | None]:
    """One entry a block. Raises ValueError where `change` has another number of them."""
    if change is None:
        return [None] * layers
    if len(change) != layers:
        raise ValueError(
            f"change has {len(change)} entries, but the tower has {layers} blocks: give one, or None, each"
        )
    return change


def qkv(block: nn.Module, x: Tensor, change: Change | Merged | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """x: (..., L, d) -> queries, keys and values, (..., L, d) each."""
    attn, x = block.attn, block.ln_1(x)
    q, k, v = F.linear(x, _weight(attn, change), attn.in_proj_bias).chunk(3, dim=-1)
    return _changed(change, (q, k, v), (x, x, x))


def query_and_keys(
    block: nn.Module, x: Tensor, rows: Tensor | slice, change: Change | Merged | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """As `qkv`, with queries for some rows alone: (..., R, d), (..., L, d), (..., L, d). For a last block, where only
    these rows are read."""
    attn, d, x = block.attn, x.shape[-1], block.ln_1(x)
    read, weight = x[..., rows, :], _weight(attn, change)
    q = F.linear(read, weight[:d], attn.in_proj_bias[:d])
    k, v = F.linear(x, weight[d:], attn.in_proj_bias[d:]).chunk(2, dim=-1)
    return _changed(change, (q, k, v), (read, x, x))


def _weight(attn: nn.Module, change: Change | Merged | None) -> Tensor:
    return change.weight if isinstance(change, Merged) else attn.in_proj_weight


def _changed(change: Change | Merged | None, qkv: tuple[Tensor, ...], of: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if change is None or isinstance(change, Merged):
        return qkv
    terms = (change.q, change.k, change.v)
    return tuple(rows if term is None else rows + term(x) for rows, term, x in zip(qkv, terms, of))


def finish(block: nn.Module, x: Tensor, attended: Tensor) -> Tensor:
    """The rest of the block. x: (..., L, d), what came in; attended: (..., L, d), heads side by side."""
    x = x + block.ls_1(block.attn.out_proj(attended))
    return x + block.ls_2(_mlp(block.mlp, block.ln_2(x)))


def _mlp(mlp: nn.Module, x: Tensor) -> Tensor:
    if type(mlp.gelu) is not QuickGELU:
        return mlp(x)
    return mlp.c_proj(quick_gelu_(mlp.c_fc(x)))


def quick_gelu_(x: Tensor) -> Tensor:
    """x · sigmoid(1.702 x), where x is read nowhere else: its memory is used. That is silu(1.702 x) / 1.702, and its
    gradient is silu's at 1.702 x: one pass over the rows for the six of x * torch.sigmoid(1.702 * x)."""
    if torch.is_grad_enabled() and x.requires_grad:
        return _QuickGELU.apply(x)[1]
    return F.silu(x.mul_(1.702), inplace=True).mul_(1 / 1.702)


class _QuickGELU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.mark_dirty(x.mul_(1.702))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x, F.silu(x).mul_(1 / 1.702)

    @staticmethod
    @once_differentiable
    def backward(ctx, _: None, gradient: Tensor | None) -> Tensor | None:
        return gradient if gradient is None else torch.ops.aten.silu_backward(gradient, ctx.saved_tensors[0])


def through(block: nn.Module, x: Tensor, change: Change | Merged | None = None, *, causal: bool = False) -> Tensor:
    """The whole block: (N, L, d) -> (N, L, d)."""
    q, k, v = (split_heads(each, block.attn.num_heads) for each in qkv(block, x, change))  # (N, h, L, e) each
    return finish(block, x, join_heads(attend(q, k, v, causal=causal)))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(..., L, d) -> (..., heads, L, d / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """(..., heads, L, e) -> (..., L, heads · e)."""
    return x.transpose(-2, -3).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False) -> Tensor:
    """q: (..., h, R, e); k, v: (..., h, L, e) -> (..., h, R, e)."""
    if fuses(q.device, k.shape[-2]):
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (..., h, R, L)
    if causal:
        scores = scores + causal_mask(scores.shape[-1], scores)
    return scores.softmax(dim=-1).to(v.dtype) @ v


def fuses(device: torch.device, rows: int) -> bool:
    """Whether attention is fused. With few rows the plain form was faster on some CPUs, its gradient above all, and as
    fast on others; with 272 the fused one takes a third of its time, with 197 nine tenths."""
    return device.type != "cpu" or rows >= FUSED_FROM


def causal_mask(length: int, like: Tensor) -> Tensor:
    """(L, L): 0 where a row may look (itself and what comes before), -inf elsewhere."""
    return torch.full((length, length), float("-inf"), dtype=like.dtype, device=like.device).triu(1)


def replace_rows(x: Tensor, prompts: Tensor) -> Tensor:
    """(N, L, d), (b, d) -> (N, L, d) with rows 1 … b replaced: deep prompts, behind the first row."""
    prompts = prompts.to(x.dtype).expand(len(x), -1, -1)
    return torch.cat([x[:, :1], prompts, x[:, 1 + prompts.shape[1] :]], dim=1)


def unit(x: Tensor) -> Tensor:
    """(..., D) -> the same in float32, L2-normalised."""
    return F.normalize(x.float(), dim=-1)
