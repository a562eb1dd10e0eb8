"""The text tower opened up: from token ids to the joint space.

    x = token embeddings + positions          (N, L, d)
    x = block(x), for each causal block       (N, L, d)
    ln_final(x at the end-of-text) @ projection   (N, D)

`TextTower.encode` is all of it, for texts; `encode_embeddings` starts from rows of one's own making, and
`encode_prompts` puts learnable context vectors among them (where they stand: `prompts.PromptLayout`).

Two things are quick without changing a value. open_clip runs every text at its full context (77 positions for CLIP);
under the causal mask a position never sees what comes after it, and the text's embedding is read at its end-of-text
position, so everything behind the last end-of-text of a batch is cut. And prompts that begin alike run the rows that
they share once: that is `shared_prompts`, which equals the path here in values and gradients.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from open_clip.model import CLIP
from torch import Tensor, nn

from lessons_lib.clip.blocks import Change, Merged, changes_of, check_depth, merged, opens_up, replace_rows, through
from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.clip.shared_prompts import encode_shared
from lessons_lib.clip.tokens import token_ids


class Words(NamedTuple):
    """A text's positions in the joint space, beside the one that stands for the whole text."""

    rows: Tensor  # (N, L, D)
    mask: Tensor  # (N, L) bool: up to and with the end-of-text, where the text's own embedding stands


class TextTower:
    """The text half of an open_clip model, in steps. Holds references to the model's parts, no weights of its own.

    cuts: whether the steps apply: open_clip's own CLIP class, causal, read at the end-of-text token. Other towers
        (text models from Hugging Face, CoCa, SigLIP) are run whole by the model's own `encode_text`.
    width: d, of the rows.   layers: blocks.   These two are None where `cuts` is false.
    """

    def __init__(self, model: nn.Module, name: str = "this model") -> None:
        self.model, self.name = model, name
        self.cuts = (
            isinstance(model, CLIP)
            and model.transformer.batch_first
            and model.attn_mask is not None
            and model.text_pool_type in ("argmax", "eos")
        )
        self.plain = False  # what `encode_prompts` does unless told
        self.width = model.transformer.width if self.cuts else None
        self.layers = model.transformer.layers if self.cuts else None

    def encode(self, tokens: Tensor, *, change: Sequence[Change | None] | None = None) -> Tensor:
        """tokens: (N, L) from the model's tokenizer -> (N, D), not normalised; equal to `model.encode_text(tokens)`.

        change: what is added to the blocks' queries, keys and values, one `Change` or None a block.
        """
        if not self.cuts and change is None:
            return self.model.encode_text(tokens)
        self.check_cuts()
        ends = self.end_positions(tokens)  # (N,)
        tokens = tokens[:, : int(ends.max()) + 1] if len(tokens) else tokens  # nothing behind the last end is read
        return self.encode_embeddings(self.embed(tokens), ends, change=change)

    def embed(self, tokens: Tensor) -> Tensor:
        """tokens: (N, L) -> (N, L, d): token embeddings, before the positional embedding is added."""
        return self.model.token_embedding(tokens)

    def end_positions(self, tokens: Tensor) -> Tensor:
        """tokens: (N, L) -> (N,): where each text's embedding is read, its first end-of-text token."""
        if self.model.text_pool_type == "eos":
            return (tokens == self.model.text_eos_id).int().argmax(dim=-1)
        return tokens.argmax(dim=-1)  # end-of-text has the highest id

    def encode_embeddings(
        self,
        embeddings: Tensor,
        ends: Tensor | None,
        deep: Sequence[Tensor] = (),
        *,
        change: Sequence[Change | None] | None = None,
    ) -> Tensor:
        """Runs the tower from token embeddings, every row through open_clip's own blocks.

        embeddings: (N, L, d) from `embed`, L at most the context length.
        ends: (N,) positions to read; None to read all.
        deep: for blocks 2, 3, …, the (b, d) that replace rows 1 … b before that block.   change: as in `encode`.
        Returns (N, D), or (N, L, D) for all positions, not normalised.
        """
        return self.project(self._rows(embeddings, ends, deep, change))

    def encode_unprojected(self, tokens: Tensor) -> Tensor:
        """tokens: (N, L) -> (N, d), at each text's end before `ln_final` and the projection; the batch is cut at its
        last end. For projections that look at a whole batch: see `project`."""
        self.check_cuts()
        ends = self.end_positions(tokens)  # (N,)
        tokens = tokens[:, : int(ends.max()) + 1]
        return self._rows(self.embed(tokens), ends)

    def _rows(
        self,
        embeddings: Tensor,
        ends: Tensor | None,
        deep: Sequence[Tensor] = (),
        change: Sequence[Change | None] | None = None,
    ) -> Tensor:
        """(N, L, d) -> (N, d) or (N, L, d), behind the last block."""
        changes = self._changes(change)
        length = embeddings.shape[1]
        mask = self.model.attn_mask[:length, :length]  # -inf above the diagonal

        x = embeddings + self.model.positional_embedding[:length]  # (N, L, d)
        for i, block in enumerate(self.model.transformer.resblocks):
            if 1 <= i <= len(deep):
                x = replace_rows(x, deep[i - 1])
            if changes[i] is None:
                x = block(x, attn_mask=mask)  # (N, L, d)
            else:
                x = through(block, x, changes[i], causal=True)
        if ends is not None:
            x = x[torch.arange(len(x), device=x.device), ends]  # (N, d)
        return x

    def project(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., D)."""
        x = self.model.ln_final(x)
        projection = self.model.text_projection
        if isinstance(projection, nn.Module):
            return projection(x)
        return x if projection is None else x @ projection

    def encode_words(self, tokens: Tensor) -> Words:
        """tokens: (N, L) -> every position, not normalised. Raises ValueError where `cuts` is false."""
        self.check_cuts()
        ends = self.end_positions(tokens)  # (N,)
        words = self.encode_embeddings(self.embed(tokens), None)  # (N, L, D)
        return Words(words, torch.arange(tokens.shape[1], device=tokens.device) <= ends[:, None])

    def word_embeddings(self, tokenizer: Callable, words: str) -> Tensor:
        """words: a text with at least one token -> (tokens, d), to start context vectors from."""
        ids = token_ids(tokenizer, words)
        if not ids:
            raise ValueError(f"{words!r} has no words to start context vectors from")
        return self.embed(torch.tensor(ids, device=self.model.positional_embedding.device)).detach().clone()

    @torch.no_grad()
    def nearest_tokens(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """rows: (n, d) -> (n,) ids of the tokens whose embeddings are nearest, and (n,) how far off these are, in units
        of their length."""
        table = self.model.token_embedding.weight.float()  # (V, d)
        rows, back = rows.to(table).unique(dim=0, return_inverse=True)
        lengths = table.square().sum(dim=1)  # (V,)
        ids = torch.cat([(lengths - 2 * part @ table.T).argmin(dim=1) for part in rows.split(256)])
        far = (rows - table[ids]).norm(dim=1) / lengths[ids].sqrt()
        return ids[back], far[back]

    def encode_prompts(
        self,
        layout: PromptLayout,
        context: Tensor | None = None,
        deep: Sequence[Tensor] = (),
        *,
        change: Sequence[Change | None] | None = None,
        plain: bool | None = None,
    ) -> Tensor:
        """Text embeddings of prompts with this context.

        context: (M, d), the same for all classes, gives (C, D); (G, M, d), G contexts each for all classes, gives
            (G, C, D); a class-specific layout takes (C, M, d) and gives (C, D). None where M is 0.
        deep: for blocks 2, 3, …, the (M, d) that replace the context's rows before that block; these must be rows 1 … M
            of every prompt, so the class name stands at the end.   change: as in `encode`.
        plain: every prompt whole, at the full context; None for `self.plain`.
        Returns embeddings that are not normalised.
        """
        plain = self.plain if plain is None else plain
        self.check_promptable()
        if context is None:
            context = self.model.positional_embedding.new_empty(0, self.width)
        self._check_context(layout, context, deep)
        one = layout.class_specific or context.ndim == 2  # one embedding a class, and no G in front
        context = context[None] if one else context  # (G, M, d), or (1, C, M, d)
        if plain:
            features = self._encode_whole(layout, context, deep, change)  # (G, C, D)
        else:
            features = self.project(encode_shared(self.model, layout.rows, context, deep, self._changes(change)))
        return features[0] if one else features

    def _encode_whole(
        self, layout: PromptLayout, context: Tensor, deep: Sequence[Tensor], change: Sequence[Change | None] | None
    ) -> Tensor:
        """(G, M, d) or (1, C, M, d) -> (G, C, D): all prompts at the full context length."""
        x = self.embed(layout.tokens).expand(len(context), -1, -1, -1)  # (G, C, L, d)
        if layout.n_ctx:
            slots = layout.slots.clamp(min=0)  # (C, L)
            classes = torch.arange(len(layout), device=slots.device)[:, None]
            vectors = context[:, slots] if context.ndim == 3 else context[:, classes, slots]  # (G, C, L, d)
            x = torch.where(layout.slots[..., None] < 0, x, vectors)
        behind = self.model.positional_embedding.shape[0] - x.shape[2]
        x = nn.functional.pad(x, (0, 0, 0, behind)).flatten(0, 1)  # (G · C, context length, d)
        features = self.encode_embeddings(x, layout.ends.repeat(len(context)), deep, change=change)
        return features.unflatten(0, (len(context), len(layout)))

    def merged(self, deltas: Sequence[Tensor]) -> list[Merged]:
        """As `ImageTower.merged`."""
        self.check_promptable()
        return merged(self.model.transformer.resblocks, deltas)

    def check_promptable(self) -> None:
        """Raises ValueError, naming the model, where its text tower cannot be given context vectors or a change."""
        if not self.cuts or not opens_up(self.model.transformer):
            raise ValueError(
                f"the text tower of {self.name} ({type(self.model).__name__}) is not CLIP's standard causal "
                "transformer, so learnable context cannot enter it: use ToyCLIP, ViT-B-16-quickgelu, RN50-quickgelu, "
                "or another model of open_clip's CLIP class"
            )

    def check_depth(self, depth: int) -> None:
        """Raises ValueError where `depth` is not a whole number of at least 1, or there are fewer blocks."""
        self.check_promptable()
        check_depth(depth, self.layers, f"text tower of {self.name}")

    def check_cuts(self) -> None:
        """Raises ValueError, naming the model, where `cuts` is false."""
        if not self.cuts:
            raise ValueError(
                f"the text tower of {self.name} ({type(self.model).__name__}) cannot be read row by row, nor be given "
                "another attention: that needs open_clip's CLIP class, causal and read at its end-of-text"
            )

    def _changes(self, change: Sequence[Change | None] | None) -> Sequence[Change | None]:
        if change is not None:
            self.check_promptable()
        return changes_of(change, self.layers)

    def _check_context(self, layout: PromptLayout, context: Tensor, deep: Sequence[Tensor]) -> None:
        wanted = (len(layout), layout.n_ctx, self.width) if layout.class_specific else (layout.n_ctx, self.width)
        if context.ndim not in (len(wanted), 3) or tuple(context.shape[-len(wanted) :]) != wanted:
            raise ValueError(f"the context must be {wanted}, or (G, M, d) where shared; got {tuple(context.shape)}")
        if len(deep) and (layout.position != "end" or layout.class_specific or len(deep) >= self.layers):
            raise ValueError(
                f"deep prompts replace rows 1 to M before blocks 2 to {self.layers}, so the context must be shared by "
                f"all classes and stand in front; got {len(deep)} deep prompts, position {layout.position!r}, "
                f"class_specific={layout.class_specific}"
            )
