"""Prompts of placeholders, whose embeddings learned vectors replace, through the whole text tower."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

DEFAULT = "a photo of a {}."


def spoken(name: str) -> str:
    return name.replace("_", " ")


def placeholder_tokens(clip, classnames: Sequence[str], n_ctx: int, words: str = "") -> Tensor:
    """Tokens of "X X … X <words> <name>.", with n_ctx times X, at the full context length: (C, L)."""
    sentences = [" ".join(["X"] * n_ctx + words.split() + [spoken(name)]) + "." for name in classnames]
    length = clip.model.positional_embedding.shape[0]
    return clip.tokenizer(sentences, context_length=length).to(clip.model.positional_embedding.device)


def embeddings_with_context(clip, tokens: Tensor, ctx: Tensor) -> Tensor:
    """[SOS] v_1 … v_M <the rest>: embeddings of tokens (C, L), rows 1 … M replaced by ctx, (M, d) or (C, M, d)."""
    embeddings = clip.model.token_embedding(tokens)  # (C, L, d)
    if ctx.ndim == 2:
        ctx = ctx.expand(len(tokens), -1, -1)  # (C, M, d)
    start, rest = embeddings[:, :1], embeddings[:, 1 + ctx.shape[1] :]
    return torch.cat([start, ctx, rest], dim=1)


def encode(clip, prompts: Tensor, tokens: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
    """prompts: (C, L, d) embeddings; tokens: (C, L) placeholders, whose end-of-text is read -> (C, D), normalised.

    deep: for blocks 2, 3, …, the (b, d) that replace what the block before made of rows 1 … b.
    """
    model = clip.model
    x = prompts + model.positional_embedding
    if len(deep) == 0:
        x = model.transformer(x, attn_mask=model.attn_mask)
    else:
        for depth, block in enumerate(model.transformer.resblocks, start=1):
            if 2 <= depth <= len(deep) + 1:
                rows = deep[depth - 2].expand(len(x), -1, -1).to(x.dtype)
                x = torch.cat([x[:, :1], rows, x[:, 1 + rows.shape[1] :]], dim=1)
            x = block(x, attn_mask=model.attn_mask)
    x = model.ln_final(x)
    x = x[torch.arange(len(x)), tokens.argmax(dim=-1)]  # end-of-text has the highest id
    return F.normalize((x @ model.text_projection).float(), dim=-1)


def encode_plain(clip, texts: Sequence[str]) -> Tensor:
    """The untouched text tower: texts -> (C, D), normalised."""
    length = clip.model.positional_embedding.shape[0]
    tokens = clip.tokenizer(list(texts), context_length=length).to(clip.model.positional_embedding.device)
    return F.normalize(clip.model.encode_text(tokens).float(), dim=-1)


def hand_made(clip, classnames: Sequence[str], template: str = DEFAULT) -> Tensor:
    """The zero-shot classifier of one template: (C, D)."""
    return encode_plain(clip, [template.format(spoken(name)) for name in classnames])


def similarities(clip, images: Tensor, texts: Tensor) -> Tensor:
    """s · f wᵀ of normalised embeddings (N, D) and (C, D): (N, C)."""
    return clip.model.logit_scale.exp() * images @ texts.T
