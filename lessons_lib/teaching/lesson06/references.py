"""What lesson 06's exercises should give, each with the ways in which it can be usual and wrong: for its checks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.teaching.lesson06.towers import causal_mask, read_class, read_end, rows_of


def image_features(
    visual: nn.Module, images: Tensor, prompts: Tensor, deep: Sequence[Tensor], before: bool, *, prompted: bool = True,
    positions: bool = False, blocks: int | None = None, how: str = "replace", late: int = 0,
) -> Tensor:  # fmt: skip
    """The tower with prompts, or with one thing wrong."""
    n, x = len(images), rows_of(visual, images)
    rows = prompts + visual.positional_embedding[1 : 1 + len(prompts)] if positions else prompts
    rows = rows if prompted else rows[:0]
    x = visual.ln_pre(torch.cat([x, _each(rows, n)], 1)) if before else torch.cat([visual.ln_pre(x), _each(rows, n)], 1)
    for i, block in enumerate(visual.transformer.resblocks[:blocks]):
        at = i - 1 - late
        if prompted and 0 <= at < len(deep):
            x = _put(x, _each(deep[at], n), how)
        x = block(x)
    return read_class(visual, x)


def _put(x: Tensor, rows: Tensor, how: str) -> Tensor:
    count = rows.shape[1]
    if how == "first":
        return torch.cat([rows, x[:, count:]], dim=1)
    if how == "append":
        return torch.cat([x, rows], dim=1)
    return torch.cat([x[:, :-count], rows + x[:, -count:] if how == "add" else rows], dim=1)


def text_features(
    model: nn.Module, tokens: Tensor, ctx: Tensor, deep: Sequence[Tensor], *, positions: str = "after", first: int = 1,
    mask: bool = True, learned: bool = True, late: int = 0,
) -> Tensor:  # fmt: skip
    x, where, b = model.token_embedding(tokens), model.positional_embedding, len(ctx)

    def put(x: Tensor, rows: Tensor) -> Tensor:
        return torch.cat([x[:, :first], _each(rows, len(x)), x[:, first + b :]], dim=1) if learned else x

    x = put(x + where, ctx) if positions == "before" else put(x, ctx) + (0 if positions == "none" else where)
    seen = causal_mask(x.shape[1], x) if mask else None
    for i, block in enumerate(model.transformer.resblocks):
        at = i - 1 - late
        if 0 <= at < len(deep):
            x = put(x, deep[at] + (where[1 : 1 + b] if positions == "deep" else 0))
        x = block(x, attn_mask=seen)
    return read_end(model, x, tokens)


def couple(texts: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return texts @ weights.mT + biases[:, None]


def maple_logits(
    model: nn.Module, images: Tensor, tokens: Tensor, texts: Tensor, weights: Tensor, biases: Tensor, *,
    scale: float | None = None, before: bool = True, deep_texts: bool = True, deep_images: bool = True,
    turned: bool = False,
) -> Tensor:  # fmt: skip
    first, *deep = couple(texts, weights, biases)
    f = image_features(model.visual, images, first, deep if deep_images else (), before)
    w = text_features(model, tokens, texts[0], texts[1:] if deep_texts else ())
    logits = (model.logit_scale.exp() if scale is None else scale) * f @ w.T
    return logits.T if turned else logits


def held_near(
    w: Tensor, w_frozen: Tensor, f: Tensor, f_frozen: Tensor, scale: float, *, texts: float = 25, images: float = 10,
    kl: float = 1.0, power: int = 1, mean: bool = True, kl_by: int | None = None, turned: bool = False,
    scaled: bool = True,
) -> Tensor:  # fmt: skip
    s = scale if scaled else 1.0
    own, frozen = (s * a @ b.T for a, b in ((f, w), (f_frozen, w_frozen)))
    own, frozen = own.log_softmax(dim=1), frozen.log_softmax(dim=1)
    target, given = (own, frozen) if turned else (frozen, own)
    divergence = (target.exp() * (target - given)).sum() / (own.numel() if kl_by is None else kl_by)

    def apart(a: Tensor, b: Tensor) -> Tensor:
        differences = (a - b).abs() ** power
        return differences.mean() if mean else differences.sum()

    return texts * apart(w, w_frozen) + images * apart(f, f_frozen) + kl * divergence


def _each(rows: Tensor, n: int) -> Tensor:
    """(P, d) -> (n, P, d)."""
    return rows.expand(n, -1, -1)
