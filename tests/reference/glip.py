"""GLIP's alignment, number by number."""

import math

import torch
from torch import Tensor


def alignment(module, regions: Tensor, tokens: Tensor) -> Tensor:
    """(n, A, L)."""
    out = []
    for of_picture, states in zip(regions, tokens):
        for v in of_picture:
            for e in states:
                e = e / e.square().sum().sqrt()
                word = module.projection.weight @ (e / 2) + module.projection.bias
                out.append((v * word).sum() / module.log_scale.exp() + (e * module.lean).sum() + module.prior)
    return torch.stack(out).view(*regions.shape[:2], tokens.shape[1])


def focal(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    total, positives = 0, 0
    for picture in range(len(logits)):
        for row, wanted in zip(logits[picture], targets[picture]):
            positives += any(wanted.tolist())
            for token in range(logits.shape[2]):
                if mask[picture, token]:
                    p = 1 / (1 + (-row[token]).exp())
                    if wanted[token] == 1:
                        total = total - 0.25 * (1 - p) ** 2 * p.log()
                    else:
                        total = total - 0.75 * p**2 * (1 - p).log()
    return total / max(1, positives)


def boxes(found: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    total = 0
    for a, b, weight in zip(found, truth, weights):
        area = [(one[2] - one[0]) * (one[3] - one[1]) for one in (a, b)]
        wide = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp(min=0)
        high = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp(min=0)
        union = area[0] + area[1] - wide * high
        around = (torch.maximum(a[2], b[2]) - torch.minimum(a[0], b[0])) * (
            torch.maximum(a[3], b[3]) - torch.minimum(a[1], b[1])
        )
        total = total + weight * (1 - (wide * high / union - (around - union) / around))
    return 2 * total / weights.sum()


def centerness(x: float, y: float, box: list[float]) -> float:
    left, top, right, bottom = x - box[0], y - box[1], box[2] - x, box[3] - y
    if min(left, top, right, bottom) <= 0:
        return 0.0
    return math.sqrt(min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom))
