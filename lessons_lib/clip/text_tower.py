"""The text tower opened up: from token ids to embeddings, and from embeddings to the joint space.

open_clip runs every text at its full context (77 positions for CLIP). Under the causal mask a position never sees what
comes after it, and the text's embedding is read at its end-of-text position, so everything behind the last end-of-text
of a batch may be cut: the values are the same.

Prompts with a learnable context go further. Rows before the class name are the same for all classes, at every layer,
also where deep prompts replace some of them. So the fast path of `encode_prompts` runs them once, and for each class
only the rows that are its own, which attend to the shared ones' keys and values; its last block computes only the rows
that are read. The plain path runs every prompt whole, at the full context, through open_clip's blocks.
"""

from collections.abc import Callable, Sequence

import torch
from open_clip.model import CLIP
from torch import Tensor, nn

from lessons_lib.clip.blocks import attend, causal_mask, finish, join_heads, opens_up, qkv, query_and_keys, split_heads
from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.clip.tokens import token_ids


class TextTower:
    """The text half of an open_clip model, in steps. Holds references to the model's parts, no weights of its own.

    cuts: whether the steps apply: open_clip's own CLIP class, causal, read at the end-of-text token. Other towers
        (text models from Hugging Face, CoCa, SigLIP) are run whole by the model's own `encode_text`.
    width: d, of the rows.   layers: blocks.   These two are None where `cuts` is false.
    """

    def __init__(self, model: nn.Module, name: str = "this model") -> None:
        self.model, self.name = model, name
        self.cuts = (
            isinstance(model, CLIP) and model.attn_mask is not None and model.text_pool_type in ("argmax", "eos")
        )
        self.plain = False  # what `encode_prompts` does unless told
        self.width = model.transformer.width if self.cuts else None
        self.layers = model.transformer.layers if self.cuts else None

    def check_promptable(self) -> None:
        """Raises ValueError, naming the model, where its text tower cannot be given context vectors."""
        if not self.cuts or not opens_up(self.model.transformer):
            raise ValueError(
                f"the text tower of {self.name} ({type(self.model).__name__}) is not CLIP's standard causal "
                "transformer, so learnable context cannot enter it: use ToyCLIP, ViT-B-16-quickgelu, RN50-quickgelu, "
                "or another model of open_clip's CLIP class"
            )

    def check_depth(self, depth: int) -> None:
        """Raises ValueError where `depth` is not a whole number of at least 1, or there are fewer blocks."""
        self.check_promptable()
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= self.layers:
            raise ValueError(
                f"depth={depth!r}: the text tower of {self.name} has {self.layers} blocks, so give 1 to {self.layers}"
            )

    def end_positions(self, tokens: Tensor) -> Tensor:
        """tokens: (N, L) -> (N,): where each text's embedding is read, its first end-of-text token."""
        if self.model.text_pool_type == "eos":
            return (tokens == self.model.text_eos_id).int().argmax(dim=-1)
        return tokens.argmax(dim=-1)  # end-of-text has the highest id

    def embed(self, tokens: Tensor) -> Tensor:
        """tokens: (N, L) -> (N, L, d): token embeddings, before the positional embedding is added."""
        return self.model.token_embedding(tokens)

    def word_embeddings(self, tokenizer: Callable, words: str) -> Tensor:
        """words: a text with at least one token -> (tokens, d), to start context vectors from."""
        ids = token_ids(tokenizer, words)
        if not ids:
            raise ValueError(f"{words!r} has no words to start context vectors from")
        return self.embed(torch.tensor(ids, device=self.model.positional_embedding.device)).detach().clone()

    def encode_embeddings(self, embeddings: Tensor, ends: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
        """Runs the tower from token embeddings, every row through open_clip's own blocks.

        embeddings: (N, L, d) from `embed`, L at most the context length; ends: (N,) positions to read.
        deep: for blocks 2, 3, …, the (b, d) that replace rows 1 … b before that block.
        Returns (N, D), not normalised.
        """
        model, length = self.model, embeddings.shape[1]
        x = embeddings + model.positional_embedding[:length]  # (N, L, d)
        mask = model.attn_mask[:length, :length]
        if len(deep) == 0:
            x = model.transformer(x, attn_mask=mask)  # (N, L, d)
        else:
            for i, block in enumerate(model.transformer.resblocks):
                if 1 <= i <= len(deep):
                    x = _replace(x, deep[i - 1])
                x = block(x, attn_mask=mask)
        return self._project(x[torch.arange(len(x), device=x.device), ends])  # (N, D)

    def encode(self, tokens: Tensor) -> Tensor:
        """tokens: (N, L) from the model's tokenizer -> (N, D), not normalised; equal to `model.encode_text(tokens)`."""
        if not self.cuts:
            return self.model.encode_text(tokens)
        ends = self.end_positions(tokens)  # (N,)
        tokens = tokens[:, : int(ends.max()) + 1] if len(tokens) else tokens  # nothing behind the last end is read
        return self.encode_embeddings(self.embed(tokens), ends)

    def encode_prompts(
        self, layout: PromptLayout, context: Tensor, deep: Sequence[Tensor] = (), *, plain: bool | None = None
    ) -> Tensor:
        """Text embeddings of prompts with this context.

        context: (M, d), the same for all classes, gives (C, D); (G, M, d), G contexts each for all classes, gives
            (G, C, D); a class-specific layout takes (C, M, d) and gives (C, D).
        deep: for blocks 2, 3, …, the (M, d) that replace the context's rows before that block; these must be rows 1 … M
            of every prompt, so the class name stands at the end.
        plain: every prompt whole, at the full context, through open_clip's own blocks; None for `self.plain`.
        Returns embeddings that are not normalised.
        """
        plain = self.plain if plain is None else plain
        self._check_context(layout, context, deep)
        one = layout.class_specific or context.ndim == 2  # one embedding a class, and no G in front
        context = context[None] if one else context  # (G, M, d), or (1, C, M, d)
        features = (self._encode_whole if plain else self._encode_shared)(layout, context, deep)  # (G, C, D)
        return features[0] if one else features

    def _encode_whole(self, layout: PromptLayout, context: Tensor, deep: Sequence[Tensor]) -> Tensor:
        """(G, M, d) or (1, C, M, d) -> (G, C, D): all prompts at the full context length."""
        classes = torch.arange(len(layout), device=layout.slots.device)[:, None].expand_as(layout.slots)  # (C, L)
        x = self._rows(layout.tokens, layout.slots, classes, layout.learned, context)  # (G, C, L, d)
        behind = self.model.positional_embedding.shape[0] - x.shape[2]
        x = torch.nn.functional.pad(x, (0, 0, 0, behind)).flatten(0, 1)  # (G · C, context length, d)
        features = self.encode_embeddings(x, layout.ends.repeat(len(context)), deep)
        return features.unflatten(0, (len(context), len(layout)))

    def _encode_shared(self, layout: PromptLayout, context: Tensor, deep: Sequence[Tensor]) -> Tensor:
        """(G, M, d) or (1, C, M, d) -> (G, C, D): the P shared rows once, and the T rows that are a class's own."""
        shared, own = layout.shared, (layout.own_class, layout.own_position)
        first = torch.zeros(shared, dtype=torch.long, device=layout.tokens.device)  # the shared rows are also class 0's
        x = torch.cat(
            [
                self._rows(layout.tokens[0, :shared], layout.slots[0, :shared], first, layout.learned_shared, context),
                self._rows(layout.tokens[own], layout.slots[own], layout.own_class, layout.learned_own, context),
            ],
            dim=1,
        )  # (G, P + T, d)
        positions = torch.cat([torch.arange(shared, device=x.device), layout.own_position])
        x = x + self.model.positional_embedding[positions]
        blocks = self.model.transformer.resblocks
        for i, block in enumerate(blocks[:-1]):
            if 1 <= i <= len(deep):
                x = _replace(x, deep[i - 1])
            q, k, v = (split_heads(each, block.attn.num_heads) for each in qkv(block, x))  # (G, h, P + T, e) each
            own = _attend_own(layout, q[:, :, shared:], k, v)
            before = attend(q[:, :, :shared], k[:, :, :shared], v[:, :, :shared], causal=True)
            x = finish(block, x, join_heads(torch.cat([before, own], dim=2)))
        if len(blocks) - 1 == len(deep) > 0:
            x = _replace(x, deep[-1])
        return self._project(self._last_block(layout, blocks[-1], x))  # (G, C, D)

    def _last_block(self, layout: PromptLayout, block: nn.Module, x: Tensor) -> Tensor:
        """(G, P + T, d) -> (G, C, d): only each class's end-of-text is read, so only that is computed."""
        rows = layout.shared + layout.last  # (C,)
        q, k, v = (split_heads(each, block.attn.num_heads) for each in query_and_keys(block, x, rows))
        attended = _attend_own(layout, q, k, v, ends_only=True)  # (G, h, C, e)
        return finish(block, x[:, rows], join_heads(attended))

    def _rows(self, tokens: Tensor, slots: Tensor, classes: Tensor, learned: Tensor, context: Tensor) -> Tensor:
        """tokens, slots, classes: (...) alike; learned: where the slots are of context vectors; context: (G, M, d) or
        (1, C, M, d) -> (G, ..., d), without positions."""
        fixed = self.embed(tokens).expand(len(context), *tokens.shape, -1)
        if len(learned) == 0:
            return fixed
        learned = learned.unbind(1)
        vectors = context[:, slots[learned]] if context.ndim == 3 else context[:, classes[learned], slots[learned]]
        return fixed.to(vectors.dtype).index_put(
            (torch.arange(len(context), device=tokens.device)[:, None], *learned), vectors
        )

    def _project(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., D)."""
        x = self.model.ln_final(x)
        projection = self.model.text_projection
        if isinstance(projection, nn.Linear):
            return projection(x)
        return x if projection is None else x @ projection

    def _check_context(self, layout: PromptLayout, context: Tensor, deep: Sequence[Tensor]) -> None:
        self.check_promptable()
        wanted = (len(layout), layout.n_ctx, self.width) if layout.class_specific else (layout.n_ctx, self.width)
        if context.ndim not in (len(wanted), 3) or tuple(context.shape[-len(wanted) :]) != wanted:
            raise ValueError(f"the context must be {wanted}, or (G, M, d) where shared; got {tuple(context.shape)}")
        if len(deep) and (layout.position != "end" or layout.class_specific or len(deep) >= self.layers):
            raise ValueError(
                f"deep prompts replace rows 1 to M before blocks 2 to {self.layers}, so the context must be shared by "
                f"all classes and stand in front; got {len(deep)} deep prompts, position {layout.position!r}, "
                f"class_specific={layout.class_specific}"
            )


def _replace(x: Tensor, prompts: Tensor) -> Tensor:
    """(N, L, d), (b, d) -> (N, L, d) with rows 1 … b replaced."""
    prompts = prompts.to(x.dtype).expand(len(x), -1, -1)
    return torch.cat([x[:, :1], prompts, x[:, 1 + prompts.shape[1] :]], dim=1)


def _attend_own(layout: PromptLayout, q: Tensor, k: Tensor, v: Tensor, *, ends_only: bool = False) -> Tensor:
    """Attention of the classes' own rows, each to the shared rows and to those of its class up to itself.

    q: (G, h, T, e), or (G, h, C, e) of the end-of-text rows alone; k, v: (G, h, P + T, e). Returns the shape of q.
    """
    shared, classes = layout.shared, len(layout)
    q = q * q.shape[-1] ** -0.5
    own_k, own_v = (
        _Grid.apply(each[:, :, shared:], layout.grid, layout.in_grid) for each in (k, v)
    )  # (G, h, C · S, e)
    own_k, own_v = (each.unflatten(2, (classes, -1)) for each in (own_k, own_v))  # (G, h, C, S, e)
    to_shared = q @ k[:, :, :shared].transpose(-1, -2)  # (G, h, T, P)
    if ends_only:
        to_own = (q[:, :, :, None] @ own_k.transpose(-1, -2))[:, :, :, 0]  # (G, h, C, S)
        behind = torch.arange(own_k.shape[3], device=q.device) > (layout.ends - shared)[:, None]  # (C, S)
        to_own = to_own.masked_fill(behind, float("-inf"))
    else:
        own_q = _Grid.apply(q, layout.grid, layout.in_grid).unflatten(2, (classes, -1))  # (G, h, C, S, e)
        to_own = own_q @ own_k.transpose(-1, -2)  # (G, h, C, S, S)
        to_own = to_own + causal_mask(to_own.shape[-1], to_own)
        to_own = _Ungrid.apply(to_own.flatten(2, 3), layout.grid, layout.in_grid)  # (G, h, T, S)
    weights = torch.cat([to_shared, to_own], dim=-1).softmax(dim=-1).to(v.dtype)  # (G, h, T, P + S)
    from_shared = weights[..., :shared] @ v[:, :, :shared]  # (G, h, T, e)
    if ends_only:
        return from_shared + (weights[:, :, :, None, shared:] @ own_v)[:, :, :, 0]
    own_weights = _Grid.apply(weights[..., shared:], layout.grid, layout.in_grid).unflatten(2, (classes, -1))
    return from_shared + _Ungrid.apply((own_weights @ own_v).flatten(2, 3), layout.grid, layout.in_grid)


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
