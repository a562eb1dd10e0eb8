"""PromptSRC (ICCV 2023), sections 3.2.1 to 3.2.3: IVLP's logits, the three pulls towards the frozen model, and the
Gaussian average of the prompts of all epochs."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import image, ivlp, text

of_method = ivlp.of_method


def frozen_classifier(clip, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
    """(C, D): the mean of the raw embeddings under all templates, then normalised."""
    length = clip.model.positional_embedding.shape[0]
    each = []
    for template in templates:
        sentences = [template.replace("{}", text.spoken(name)) for name in classnames]
        tokens = clip.tokenizer(sentences, context_length=length).to(clip.device)
        each.append(clip.model.encode_text(tokens).float())
    return F.normalize(torch.stack(each).mean(dim=0), dim=-1)


def loss(method, images: Tensor, labels: Tensor, templates: Sequence[str]) -> Tensor:
    """A scalar, one image and one class at a time."""
    clip, names = method.clip, method.classnames
    tokens = text.placeholder_tokens(clip, names, len(method.ctx), " ".join(method.words.split()))
    texts = text.encode(clip, text.embeddings_with_context(clip, tokens, method.ctx), tokens, method.deep_ctx)
    features = image.encode_with_prompts_last(clip, images, method.visual_ctx, method.deep_visual_ctx)
    held, frozen = frozen_classifier(clip, names, templates), image.encode_plain(clip, images)
    scale, (n, c, d) = clip.model.logit_scale.exp(), (len(images), len(names), texts.shape[1])
    cross_entropy = kl = 0
    for i in range(n):
        log_p = (scale * texts @ features[i]).log_softmax(dim=0)
        log_q = (scale * held @ frozen[i]).log_softmax(dim=0)
        cross_entropy = cross_entropy - log_p[labels[i]] / n
        kl = kl + (log_q.exp() * (log_q - log_p)).sum() / (n * c)
    text_pull = sum((texts[k] - held[k]).abs().sum() for k in range(c)) / (c * d)
    image_pull = sum((features[i] - frozen[i]).abs().sum() for i in range(n)) / (n * d)
    return cross_entropy + 25 * text_pull + 10 * image_pull + kl


def gaussian_average(prompts: Sequence[Tensor], mean: float, std: float) -> Tensor:
    """prompts: of every epoch, from the first."""
    weights = [math.exp(-0.5 * ((epoch - mean) / std) ** 2) for epoch in range(1, len(prompts) + 1)]
    return sum(w * each for w, each in zip(weights, prompts)) / sum(weights)
