"""Tip-Adapter's cache by classes, and its search for α and β on a grid, exact and fast.

Values are one-hot, so that φ(A) L is a sum over each class's keys, K numbers instead of NK × C products. α enters
linearly: whether α S_y + Z_y is above α S_c + Z_c holds on one side of one number, so an image is classified rightly
for α in an interval, which one pass over its classes gives for all α. What is left is one exponential a β.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

AT_ONCE = 2**20  # affinities that are worked on together, to stay within a processor's caches


def places_by_class(labels: Tensor, n_classes: int) -> Tensor:
    """labels: (NK,) the class of each key -> (K, C): where each class's keys are, and NK where it has no more."""
    order = labels.argsort(stable=True)
    counts = torch.bincount(labels, minlength=n_classes)  # (C,)
    shot = torch.arange(int(counts.max()), device=labels.device)[:, None]
    at = counts.cumsum(0) - counts + shot  # (K, C)
    padded = torch.cat([order, order.new_tensor([len(labels)])])
    return padded[torch.where(shot < counts, at, len(labels))]


def spread(values: Tensor, places: Tensor, empty: float) -> Tensor:
    """values: (n, NK), one a key; places: (K, C) -> (K, n, C), and `empty` where a class has no more keys."""
    padded = torch.cat([values, values.new_full((len(values), 1), empty)], dim=1)  # (n, NK + 1)
    return padded[:, places.flatten()].unflatten(1, places.shape).transpose(0, 1).contiguous()


def grid(limit: float, steps: int) -> Tensor:
    """(steps,) float64: from 0.1 in equal steps up to the limit, which itself is left out, as released."""
    return 0.1 + torch.arange(steps, dtype=torch.float64) * (limit - 0.1) / steps


def check_grid(search_scale: Sequence[float], search_steps: Sequence[int]) -> None:
    """Raises ValueError unless they are two limits and two numbers of values, of β and α."""
    if len(search_scale) != 2 or len(search_steps) != 2 or min(search_scale) <= 0.1 or min(search_steps) < 1:
        raise ValueError(
            f"search_scale={search_scale}, search_steps={search_steps}: give two limits above 0.1, of beta and alpha, "
            "and two numbers of values, such as (7, 3) and (200, 20)"
        )


def search_alpha_beta(
    affinities: Tensor, values: Tensor, zero_shot_logits: Tensor, labels: Tensor, alphas: Tensor, betas: Tensor
) -> tuple[float, float, Tensor]:
    """The α and β with which α · exp(−β (1 − A)) L + Z classifies most images rightly.

    affinities: A (N, NK), of validation images and keys.   values: L (NK, C), one-hot.   zero_shot_logits: Z (N, C).
    labels: (N,) what is right.   alphas, betas: what to try, numbers above 0.
    Returns alpha, beta and the accuracies (n_beta, n_alpha) in percent. Of equally accurate pairs it is the one with
    the lowest β, and of those the lowest α, as the published loops over β and α find it first. A tie between the
    right class and another counts as wrong. Memory above the arguments' is bounded.
    Raises ValueError where shapes do not fit, or there are no images.
    """
    device = affinities.device
    labels, alphas, betas = (torch.as_tensor(each, device=device) for each in (labels, alphas, betas))
    _check(affinities, values, zero_shot_logits, labels)
    places = places_by_class(values.to(device).argmax(dim=1), values.shape[1])  # (K, C)
    grid = alphas.to(affinities.dtype)
    right = torch.zeros(len(betas), len(alphas), dtype=torch.long, device=device)
    rows = max(1, AT_ONCE // max(1, places.numel()))
    for A, Z, y in zip(affinities.split(rows), zero_shot_logits.split(rows), labels.split(rows)):
        distance = spread(A, places, -torch.inf) - 1  # (K, n, C), −(1 − A)
        ahead, y = Z - Z.gather(1, y[:, None]), y[:, None]  # Z_c − Z_y
        ahead.scatter_(1, y, -torch.inf)  # the right class is no rival of itself
        likeness = torch.empty_like(distance)
        for b, beta in enumerate(betas.tolist()):
            S = torch.mul(distance, beta, out=likeness).exp_().sum(dim=0)  # (n, C)
            gain = S.gather(1, y) - S  # S_y − S_c; α · gain has to be above `ahead`
            bound = ahead / gain
            above = torch.where(gain >= 0, bound, -torch.inf).amax(dim=1, keepdim=True)  # (n, 1)
            below = torch.where(gain < 0, bound, torch.inf).amin(dim=1, keepdim=True)
            right[b] += ((grid > above) & (grid < below)).sum(dim=0)
    accuracies = 100 * right.double().cpu() / len(labels)  # (n_beta, n_alpha)
    b, a = (accuracies == accuracies.max()).nonzero()[0].tolist()
    return float(alphas[a]), float(betas[b]), accuracies


def _check(affinities: Tensor, values: Tensor, zero_shot_logits: Tensor, labels: Tensor) -> None:
    n, keys = affinities.shape
    shapes = {"values": (keys, values.shape[-1]), "zero_shot_logits": (n, values.shape[-1]), "labels": (n,)}
    found = {"values": values, "zero_shot_logits": zero_shot_logits, "labels": labels}
    for name, shape in shapes.items():
        if tuple(found[name].shape) != shape:
            raise ValueError(f"with affinities {(n, keys)}, {name} must be {shape}; got {tuple(found[name].shape)}")
    if n == 0:
        raise ValueError("there are no images to choose alpha and beta on")
    if not ((values == 0) | (values == 1)).all() or not (values.sum(dim=1) == 1).all():
        raise ValueError("values must be one-hot: in each row a 1 for the key's class, and 0 elsewhere")
