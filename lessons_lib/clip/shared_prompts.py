"""Prompts that begin alike, run fast: the rows that all share once, and for each class only the rows that are its own.

Under the causal mask no row sees what stands behind it, so the rows in front of the class names (start, context, fixed
words) are the same for all classes, at every layer, also where deep prompts replace some of them. Each class's own rows
attend to the shared rows' keys and values, and to those of its class up to themselves. The last block computes only the
rows that are read. Values and gradients are those of `TextTower.encode_prompts(..., plain=True)`, which runs every
prompt whole; read that one first.

A `Change` of the blocks (LoRA) enters here as elsewhere; where it draws at random (dropout), a shared row is drawn once
for all classes, since there is one of it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.clip.blocks import (
    Change,
    attend,
    causal_mask,
    finish,
    join_heads,
    qkv,
    query_and_keys,
    replace_rows,
    split_heads,
)


class SharedRows:
    """The rows that are run for C prompts: P shared ones, and behind them the classes' own, one class after the other,
    T in all, none of them padding. Attention looks at the own rows class by class, in a grid of (C, S) places.

    tokens, slots: (C, L), ends: (C,), shared: P, as in `PromptLayout`.
    own_class, own_position: (T,) the class that an own row belongs to, and where in its prompt it stands.

    of_class, positions, tokens, slots: (P + T,) of every row; the shared rows are also class 0's.
    learned: (n,) the rows that are context vectors; found here once, since to find them on a GPU is to wait for it.
    grid: (C · S,) the own row that fills each place; behind a class's last row that row again, which no row before it
        sees and nothing reads.   in_grid: (T,) the place of each own row.
    last: (C,) the own row of each class that is read.   read: (C,) the same among all P + T.
    behind: (C, S) the places that the row that is read does not see.
    """

    def __init__(self, tokens: Tensor, slots: Tensor, ends: Tensor, shared: int) -> None:
        self.shared, self.classes = shared, len(tokens)
        lengths = ends + 1 - shared  # (C,)
        last_of = lengths.cumsum(0)  # (C,) rows up to and with this class
        width = int(lengths.max())  # S
        at = torch.arange(width)
        self.own_class, place = (at < lengths[:, None]).nonzero(as_tuple=True)  # (T,), (T,)
        self.own_position = shared + place
        self.of_class = torch.cat([torch.zeros(shared, dtype=torch.long), self.own_class])
        self.positions = torch.cat([torch.arange(shared), self.own_position])
        self.tokens, self.slots = (each[self.of_class, self.positions] for each in (tokens, slots))
        self.learned = (self.slots >= 0).nonzero()[:, 0]
        self.grid = ((last_of - lengths)[:, None] + torch.minimum(at, lengths[:, None] - 1)).flatten()
        self.in_grid = self.own_class * width + place
        self.last = last_of - 1
        self.read = shared + self.last
        self.behind = at > (ends - shared)[:, None]

    def to(self, device: torch.device) -> "SharedRows":
        for name, value in list(vars(self).items()):
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))
        return self

    def embed(self, table: nn.Module, context: Tensor) -> Tensor:
        """context: (G, M, d), or (1, C, M, d) where each class has its own -> (G, P + T, d), without positions."""
        fixed = table(self.tokens).expand(len(context), -1, -1)  # (G, P + T, d)
        if len(self.learned) == 0:
            return fixed
        slots, classes = self.slots[self.learned], self.of_class[self.learned]  # (n,), (n,)
        vectors = context[:, slots] if context.ndim == 3 else context[:, classes, slots]  # (G, n, d)
        groups = torch.arange(len(context), device=slots.device)[:, None]
        return fixed.to(vectors.dtype).index_put((groups, self.learned), vectors)


def encode_shared(
    model: nn.Module, rows: SharedRows, context: Tensor, deep: Sequence[Tensor], changes: Sequence[Change | None]
) -> Tensor:
    """(G, M, d) or (1, C, M, d) -> (G, C, d): what stands at each prompt's end after the last block, before `ln_final`.

    model: open_clip's CLIP.   deep: see `TextTower.encode_prompts`.   changes: one a block, or None.
    """
    x = rows.embed(model.token_embedding, context)  # (G, P + T, d)
    x = x + model.positional_embedding[rows.positions]
    *blocks, last = model.transformer.resblocks
    for i, block in enumerate(blocks):
        if 1 <= i <= len(deep):
            x = replace_rows(x, deep[i - 1])
        q, k, v = (split_heads(each, block.attn.num_heads) for each in qkv(block, x, changes[i]))  # (G, h, P + T, e)
        (q, own_q), k, v = (_parted(rows, each) for each in (q, k, v))
        own = _attend_own(rows, own_q, k, v)  # (G, h, T, e)
        before = attend(q, k[0], v[0], causal=True)  # (G, h, P, e)
        x = finish(block, x, join_heads(torch.cat([before, own], dim=2)))  # (G, P + T, d)
    if len(deep) == len(blocks) > 0:
        x = replace_rows(x, deep[-1])
    q, k, v = (split_heads(each, last.attn.num_heads) for each in query_and_keys(last, x, rows.read, changes[-1]))
    attended = _attend_own(rows, q, _parted(rows, k), _parted(rows, v), ends_only=True)  # (G, h, C, e)
    return finish(last, x[:, rows.read], join_heads(attended))  # (G, C, d)


def _parted(rows: SharedRows, x: Tensor) -> tuple[Tensor, Tensor]:
    """(G, h, P + T, e) -> (G, h, P, e), (G, h, T, e). In one go, so that the gradient is put together in one, too."""
    return x.split([rows.shared, x.shape[2] - rows.shared], dim=2)


def _attend_own(
    rows: SharedRows, q: Tensor, k: tuple[Tensor, Tensor], v: tuple[Tensor, Tensor], *, ends_only: bool = False
) -> Tensor:
    """Attention of the classes' own rows, each to the shared rows and to those of its class up to itself.

    q: (G, h, T, e), or (G, h, C, e) of the end-of-text rows alone; k, v: of the shared rows (G, h, P, e), and of the
    own (G, h, T, e). Returns the shape of q.
    """
    classes = rows.classes
    q = q * q.shape[-1] ** -0.5
    own_k, own_v = (_Grid.apply(own, rows.grid, rows.in_grid) for _, own in (k, v))  # (G, h, C · S, e)
    own_k, own_v = (each.unflatten(2, (classes, -1)) for each in (own_k, own_v))  # (G, h, C, S, e)
    to_shared = q @ k[0].transpose(-1, -2)  # (G, h, T, P)
    if ends_only:
        to_own = (q[:, :, :, None] @ own_k.transpose(-1, -2))[:, :, :, 0]  # (G, h, C, S)
        to_own = to_own.masked_fill(rows.behind, float("-inf"))
    else:
        own_q = _Grid.apply(q, rows.grid, rows.in_grid).unflatten(2, (classes, -1))  # (G, h, C, S, e)
        to_own = own_q @ own_k.transpose(-1, -2)  # (G, h, C, S, S)
        to_own = to_own + causal_mask(to_own.shape[-1], to_own)
        to_own = _Ungrid.apply(to_own.flatten(2, 3), rows.grid, rows.in_grid)  # (G, h, T, S)
    weights = torch.cat([to_shared, to_own], dim=-1).softmax(dim=-1).to(own_v.dtype)  # (G, h, T, P + S)
    shared_weights, own_weights = weights.split([to_shared.shape[-1], to_own.shape[-1]], dim=-1)
    from_shared = shared_weights @ v[0]  # (G, h, T, e)
    if ends_only:
        return from_shared + (own_weights[:, :, :, None] @ own_v)[:, :, :, 0]
    own_weights = _Grid.apply(own_weights, rows.grid, rows.in_grid).unflatten(2, (classes, -1))
    return from_shared + _Ungrid.apply((own_weights @ own_v).flatten(2, 3), rows.grid, rows.in_grid)


class _Grid(torch.autograd.Function):
    """Rows (G, h, T, e) set out class by class, (G, h, C · S, e). What lies behind a class's last row has no gradient:
    no row attends to it and nothing reads it. So the gradient is a gather too, where autograd's own would scatter."""

    @staticmethod
    def forward(ctx, x: Tensor, grid: Tensor, in_grid: Tensor) -> Tensor:
        ctx.save_for_backward(in_grid)
        return x.index_select(2, grid)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(2, ctx.saved_tensors[0]), None, None


class _Ungrid(torch.autograd.Function):
    """The reverse of `_Grid`: (G, h, C · S, e) -> (G, h, T, e)."""

    @staticmethod
    def forward(ctx, x: Tensor, grid: Tensor, in_grid: Tensor) -> Tensor:
        ctx.save_for_backward(in_grid)
        ctx.places = len(grid)
        return x.index_select(2, in_grid)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        places = gradient.new_zeros(*gradient.shape[:2], ctx.places, gradient.shape[3])
        return places.index_copy(2, ctx.saved_tensors[0], gradient), None, None
