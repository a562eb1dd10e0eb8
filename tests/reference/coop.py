"""CoOp (IJCV 2022), equations 1 to 3."""

from collections.abc import Sequence

import torch
from torch import Tensor

from . import image, text


def prompts(clip, tokens: Tensor, classnames: Sequence[str], ctx: Tensor, position: str = "end") -> Tensor:
    """(C, L, d): the placeholders' embeddings with the context, (M, d) or (C, M, d), and the name in its place.

    end      [SOS] v_1 … v_M name . [EOS]
    middle   [SOS] v_1 … v_M/2 name v_M/2+1 … v_M . [EOS]
    front    [SOS] name v_1 … v_M . [EOS]
    """
    if position == "end":
        return text.embeddings_with_context(clip, tokens, ctx)
    embeddings, rows = clip.model.token_embedding(tokens), []  # (C, L, d)
    for c, name in enumerate(classnames):
        vectors = ctx if ctx.ndim == 2 else ctx[c]  # (M, d)
        length = len(clip.tokenizer.encode(text.spoken(name)))
        start, rest = embeddings[c, :1], embeddings[c, 1 + len(vectors) :]
        said, behind = rest[:length], rest[length:]
        half = len(vectors) // 2
        order = {"middle": [vectors[:half], said, vectors[half:]], "front": [said, vectors]}[position]
        rows.append(torch.cat([start, *order, behind]))
    return torch.stack(rows)


def coop_logits(clip, classnames: Sequence[str], ctx: Tensor, images: Tensor, position: str = "end") -> Tensor:
    """images: (N, 3, S, S) preprocessed -> (N, C)."""
    tokens = text.placeholder_tokens(clip, classnames, ctx.shape[-2])
    texts = text.encode(clip, prompts(clip, tokens, classnames, ctx, position), tokens)
    return text.similarities(clip, image.encode_plain(clip, images), texts)


def of_method(method, images: Tensor) -> Tensor:
    return coop_logits(method.clip, method.classnames, method.ctx, images, method.class_token_position)
