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


def of_method(method, images: Tensor) -> Tensor:
    layers = list(method.projections) * (method.prompt_depth if method.shared_coupling else 1)
    words = " ".join(method.ctx_init.split()[method.n_ctx :])
    return maple_logits(method.clip, method.classnames, method.ctx, method.deep_ctx, layers, images, words=words)
