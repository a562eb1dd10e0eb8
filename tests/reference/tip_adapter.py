"""Tip-Adapter (ECCV 2022), equations 3 to 6, and the released search: a loop over β and over α."""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import image, text


def cache_keys(views: Tensor) -> Tensor:
    """views: (K, N, D), embeddings of K augmented views as they leave the tower -> keys (N, D)."""
    mean = sum(views) / len(views)
    return mean / mean.norm(dim=-1, keepdim=True)


def tip_logits(
    features: Tensor, keys: Tensor, values: Tensor, texts: Tensor, scale: float, alpha: float, beta: float
) -> Tensor:
    """features: (N, D); keys: (NK, D); values: (NK, C), one-hot; texts: (C, D) -> (N, C)."""
    affinity = features @ keys.T
    cache_logits = torch.exp(-(beta - beta * affinity)) @ values
    return scale * features @ texts.T + alpha * cache_logits


def combination(features, labels, keys, values, texts, scale, alpha: float, beta: float) -> float:
    """The accuracy, in percent, of one α and β: everything is computed anew for each, as in the released loop."""
    logits = tip_logits(features, keys, values, texts, scale, alpha, beta)
    best = logits.topk(1, dim=1).indices[:, 0]
    return 100 * (best == labels).sum().item() / len(labels)


def search(features, labels, keys, values, texts, scale, alphas, betas) -> tuple[float, float, list[list[float]]]:
    """The first best α and β, and the accuracy of every pair, a row a β."""
    best, best_alpha, best_beta, table = 0.0, 0.0, 0.0, []
    for beta in betas:
        table.append([])
        for alpha in alphas:
            accuracy = combination(features, labels, keys, values, texts, scale, alpha, beta)
            table[-1].append(accuracy)
            if accuracy > best:
                best, best_alpha, best_beta = accuracy, alpha, beta
    return best_alpha, best_beta, table


def of_method(method, images: Tensor) -> Tensor:
    """With one template."""
    clip, [template] = method.clip, method.templates or [method.task_template]
    values = F.one_hot(method.key_labels, len(method.classnames)).float()
    texts, features = text.hand_made(clip, method.classnames, template), image.encode_plain(clip, images)
    scale = clip.model.logit_scale.exp()
    return tip_logits(features, method.keys, values, texts, scale, method.alpha, method.beta)
