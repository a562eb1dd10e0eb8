"""IVLP, independent prompts on both sides: MaPLe's baseline (CVPR 2023, section 3.2, table 1)."""

from collections.abc import Sequence

from torch import Tensor

from . import image, text


def ivlp_logits(
    clip,
    classnames: Sequence[str],
    images: Tensor,
    *,
    words: str,
    ctx: Tensor | None = None,
    deep_ctx: Sequence[Tensor] = (),
    visual_ctx: Tensor | None = None,
    deep_visual_ctx: Sequence[Tensor] = (),
) -> Tensor:
    """words: what stays visible between the context and the name; a side without prompts is untouched -> (N, C)."""
    if ctx is None:
        texts = text.hand_made(clip, classnames, f"{words} {{}}.".lstrip())
    else:
        tokens = text.placeholder_tokens(clip, classnames, len(ctx), words)
        texts = text.encode(clip, text.embeddings_with_context(clip, tokens, ctx), tokens, deep_ctx)
    if visual_ctx is None:
        features = image.encode_plain(clip, images)
    else:
        features = image.encode_with_prompts_last(clip, images, visual_ctx, deep_visual_ctx)
    return text.similarities(clip, features, texts)


def of_method(method, images: Tensor) -> Tensor:
    words = " ".join(method.ctx_init.split()[method.n_ctx_text :])
    return ivlp_logits(method.clip, method.classnames, images, words=words, **dict(method.named_parameters()))
