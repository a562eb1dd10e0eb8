"""ZS-LP and CLAP (CVPR 2024), as in the released code, on features that are at hand."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import text


@torch.no_grad()
def start(clip, classnames: Sequence[str], template: str) -> Tensor:
    """(C, D): text embeddings that are not normalised."""
    sentences = [template.format(text.spoken(name)) for name in classnames]
    tokens = clip.tokenizer(sentences, context_length=clip.model.positional_embedding.shape[0])
    return clip.model.encode_text(tokens.to(clip.device)).float()


def logits(clip, prototypes: Tensor, features: Tensor) -> Tensor:
    features = features / features.norm(dim=-1, keepdim=True)
    prototypes = prototypes / prototypes.norm(dim=-1, keepdim=True)
    return features @ prototypes.t() * clip.model.logit_scale.exp()


@torch.no_grad()
def multipliers(clip, base: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """(C,): the diagonal of softmaxᵀ · one-hot, over how many images each class has."""
    one_hot = F.one_hot(labels, len(base)).float()
    probabilities = torch.softmax(logits(clip, base, features), -1)
    return torch.diag(probabilities.t() @ one_hot) / one_hot.sum(0)


def clap_loss(clip, prototypes: Tensor, base: Tensor, weights: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """weights: (C,); zeros make it ZS-LP."""
    constraint = torch.mean(weights * (prototypes - base).pow(2).sum(-1))
    return F.cross_entropy(logits(clip, prototypes, features), labels) + constraint


def of_method(method, images: Tensor) -> Tensor:
    return logits(method.clip, method.rows, method.clip.model.encode_image(images).float())
