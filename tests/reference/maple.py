"""MaPLe (CVPR 2023), equations 4 to 9."""

from collections.abc import Callable, Sequence

from torch import Tensor

from . import image, text


def maple_logits(
    clip,
    classnames: Sequence[str],
    ctx: Tensor,
    deep_ctx: Sequence[Tensor],
    projections: Sequence[Callable[[Tensor], Tensor]],
    images: Tensor,
    *,
    words: str = "of a",
) -> Tensor:
    """ctx: (b, d) and deep_ctx: J − 1 of them; projections: F_1 … F_J, (b, d) -> (b, d_v); images -> (N, C)."""
    tokens = text.placeholder_tokens(clip, classnames, len(ctx), words)
    texts = text.encode(clip, text.embeddings_with_context(clip, tokens, ctx), tokens, deep_ctx)
    first = projections[0](ctx)
    deep = [project(prompts) for project, prompts in zip(projections[1:], deep_ctx)]
    return text.similarities(clip, image.encode_with_prompts_last(clip, images, first, deep), texts)
