"""CLIP-Adapter (IJCV 2023), equations 4 to 8, on embeddings that are not normalised yet, as released."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import text


def adapter(x: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """x: (n, D); down: (D/4, D); up: (D, D/4); no biases, and a ReLU behind both -> (n, D)."""
    return F.relu(F.relu(x @ down.T) @ up.T)


def clip_adapter_logits(
    clip,
    classnames: Sequence[str],
    images: Tensor,
    weights: tuple[Tensor, Tensor],
    alpha: Tensor | float,
    *,
    text_weights: tuple[Tensor, Tensor] | None = None,
    beta: float = 0.2,
    template: str = text.DEFAULT,
) -> Tensor:
    """images: (N, 3, S, S) preprocessed -> (N, C). Both towers run whole, as in the released code."""
    f = clip.model.encode_image(images).float()
    f = alpha * adapter(f, *weights) + (1 - alpha) * f
    sentences = [template.format(text.spoken(name)) for name in classnames]
    length = clip.model.positional_embedding.shape[0]
    w = clip.model.encode_text(clip.tokenizer(sentences, context_length=length).to(images.device)).float()
    if text_weights is not None:
        w = beta * adapter(w, *text_weights) + (1 - beta) * w
    f, w = f / f.norm(dim=-1, keepdim=True), w / w.norm(dim=-1, keepdim=True)
    return clip.model.logit_scale.exp() * f @ w.T


def of_method(method, images: Tensor) -> Tensor:
    """With one template."""

    def weights(layers):
        return layers[0].weight, layers[2].weight

    texts = {"text_weights": weights(method.text_adapter_layers), "beta": method.beta} if method.text_adapter else {}
    alpha = torch.sigmoid(method.alpha_logit) if method.alpha == "learnable" else method.ratio
    [template] = method.templates or [method.task_template]
    return clip_adapter_logits(
        method.clip, method.classnames, images, weights(method.adapter), alpha, template=template, **texts
    )
