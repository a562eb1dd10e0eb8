"""How that which is learned starts, and how much of it there is: drawn from a generator of its own, never torch's."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


def check_whole(name: str, value: object, what: str, least: int = 0, most: int | None = None) -> None:
    """Raises ValueError, "give `what`", where an argument is not a whole number of at least `least`, up to `most`."""
    wrong = isinstance(value, bool) or not isinstance(value, int) or value < least
    if wrong or (most is not None and value > most):
        raise ValueError(f"{name}={value!r}: give {what}")


def normal(*shape: int, seed: torch.Generator, std: float = 0.02) -> Tensor:
    """N(0, std²), as context vectors start."""
    return std * torch.randn(*shape, generator=seed)


def uniform_prompts(clip: "Clip", *shape: int, seed: torch.Generator) -> Tensor:
    """(*shape, d_v) from U(−a, a), as visual prompts start."""
    tower = clip.image_tower
    bound = math.sqrt(6 / (3 * tower.patch_size**2 + tower.width))
    return (2 * torch.rand(*shape, tower.width, generator=seed) - 1) * bound


def blocks_with_prompts(layers: int) -> int:
    """9 of 12 blocks, as MaPLe and PromptSRC publish it, and as large a share of a shallower tower."""
    return max(1, min(9, round(0.75 * layers)))


def empty_linear(n_in: int, n_out: int, *, bias: bool = True) -> nn.Linear:
    """A layer that has to be filled, by `reset_linear` for one: drawing nothing, it leaves torch's generator alone."""
    return nn.utils.skip_init(nn.Linear, n_in, n_out, bias=bias)


def reset_linear(layer: nn.Linear, draws: torch.Generator) -> None:
    """torch's own start of a linear layer, U(−1/√n, 1/√n) of n inputs for weight and bias, from one generator."""
    bound = layer.in_features**-0.5
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_((2 * torch.rand(p.shape, generator=draws) - 1) * bound)


def context_length(clip: "Clip", n_ctx: int | None, ctx_init: str | None, *, default: int) -> int:
    """How many context vectors: as asked for, as many as `ctx_init` has tokens, or the default.

    Raises ValueError where n_ctx is not a whole number of at least 1, or is not what `ctx_init` has.
    """
    if n_ctx is not None:
        check_whole("n_ctx", n_ctx, "a whole number of context vectors, at least 1", 1)
    if ctx_init is None:
        return default if n_ctx is None else n_ctx
    words = len(clip.text_tower.word_embeddings(clip.tokenizer, ctx_init))
    if n_ctx not in (None, words):
        raise ValueError(
            f"ctx_init={ctx_init!r} has {words} tokens, but n_ctx={n_ctx}: leave n_ctx out, or give {words}"
        )
    return words


def words_left(ctx_init: str, clip: "Clip", n_ctx: int) -> str:
    """The words of `ctx_init` behind its first n_ctx, which stay words: "a photo of a", 2 -> "of a". None are left
    where n_ctx is more than there are, as released.

    Raises ValueError where one of them is more than one token.
    """
    words = ctx_init.split()
    if len(clip.text_tower.word_embeddings(clip.tokenizer, ctx_init)) != len(words):
        raise ValueError(f"ctx_init={ctx_init!r}: give words that are one token each, such as 'a photo of a'")
    return " ".join(words[n_ctx:])


def first_rows(ctx_init: str, clip: "Clip", n_ctx: int, draws: torch.Generator) -> Tensor:
    """(n_ctx, d) that MaPLe's text side starts from: the embeddings of the first words; N(0, 0.02²) where there are
    fewer words than rows, as released.
    """
    words = clip.text_tower.word_embeddings(clip.tokenizer, ctx_init)
    if n_ctx <= len(words):
        return words[:n_ctx].clone()
    return normal(n_ctx, clip.text_tower.width, seed=draws).to(clip.device)
