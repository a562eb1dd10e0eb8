"""Checks of lesson 07: the blend and the cache; from `learned`: how keys learn, and three small rivals."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.teaching.checks import answer_of, explain, right, same_gradients
from lessons_lib.teaching.lesson07.learned import adapter_loss, blended_logits, learn_keys, probe_logits

__all__ = [
    "adapter_loss",
    "blend",
    "blended_logits",
    "cache_logits",
    "learn_keys",
    "probe_logits",
]


def mixed(f: Tensor, new: Tensor, alpha: float) -> Tensor:
    """f, new: (N, D) -> (N, D), L2-normalised."""
    return F.normalize(alpha * new + (1 - alpha) * f, dim=-1)


def blend(student: Callable) -> None:
    """`blend(f, new, alpha)` -> (N, D): CLIP-Adapter's residual blend, L2-normalised."""
    for n, width, alpha in ((6, 16, 0.2), (3, 40, 0.8), (1, 5, 1.0)):
        draw = torch.Generator().manual_seed(n)
        f = F.normalize(torch.randn(n, width, generator=draw), dim=-1)
        new = 3 * torch.randn(n, width, generator=draw).relu()
        call = f"blend(f, new, {alpha})"
        got, expected = answer_of(student, f, new, alpha, name="blend"), mixed(f, new, alpha)
        mistakes = {
            "new and old are exchanged: alpha is the share of what is new.": mixed(f, new, 1 - alpha),
            "the mix is right, but its rows are not of length 1: normalise it, dim=-1.": alpha * new + (1 - alpha) * f,
            "the columns are normalised. Every picture is a row: dim=-1.": F.normalize(
                alpha * new + (1 - alpha) * f, dim=0
            ),
            "the old features come in whole. They have the weight 1 − alpha.": F.normalize(alpha * new + f, dim=-1),
            "what is new is normalised before it is mixed in. Only the sum is.": mixed(
                f, F.normalize(new, dim=-1), alpha
            ),
        }
        explain(got, expected, mistakes, name=call)
        same_gradients(student, mixed, f, new, alpha, name="blend", learned=(1,))
    right("blend: at alpha = 0 it is CLIP, at alpha = 1 the adapter alone, and always of length 1.")


def evidence(f: Tensor, keys: Tensor, values: Tensor, alpha: float, beta: float) -> Tensor:
    """α φ(f Fᵀ) L: (N, C)."""
    return alpha * (-beta * (1 - f @ keys.T)).exp() @ values


def cache_logits(student: Callable) -> None:
    """`cache_logits(f, keys, values, alpha, beta)` -> (N, C): what the cache adds to the zero-shot logits."""
    name = "cache_logits"
    for n, classes, shots, alpha, beta in ((5, 3, 4, 2.0, 3.0), (2, 4, 1, 0.7, 1.5), (1, 2, 6, 5.0, 10.0)):
        draw = torch.Generator().manual_seed(classes)
        f = F.normalize(torch.rand(n, 12, generator=draw), dim=-1)
        keys = F.normalize(torch.rand(classes * shots, 12, generator=draw), dim=-1)
        order = torch.randperm(classes * shots, generator=draw)  # keys of a class need not stand together
        values = F.one_hot(torch.arange(classes).repeat(shots)[order]).float()
        call = f"{name}(f, keys, values, {alpha}, {beta})"
        got = answer_of(student, f, keys, values, alpha, beta, name=name)
        likeness = f @ keys.T  # (N, NK)
        weights = (-beta * (1 - likeness)).exp()
        mistakes = {
            "these are the weights of the keys. What their labels say is still missing: @ values.": alpha * weights,
            "the weights grow with the distance. exp gets −beta · (1 − A), which is 0 for an equal picture.": alpha
            * (beta * (1 - likeness)).exp()
            @ values,
            "exp gets −beta · A, so that the least like picture counts most. It is −beta · (1 − A).": alpha
            * (-beta * likeness).exp()
            @ values,
            "the weights are exp(beta · A), and grow with beta. With −beta · (1 − A) they are at most 1.": alpha
            * (beta * likeness).exp()
            @ values,
            "alpha is missing.": weights @ values,
            "the weights of a picture are made to add up to 1. A picture that is like no key should get little.": alpha
            * (beta * likeness).softmax(dim=1)
            @ values,
            "that is the mean over the keys of a class. It is the sum: more pictures, more evidence.": alpha
            * weights
            @ values
            / shots,
        }
        expected = evidence(f, keys, values, alpha, beta)
        explain(got, expected, mistakes, name=call)
        same_gradients(student, evidence, f, keys, values, alpha, beta, name=name, learned=(1,))
    right("cache_logits: no training, and yet it has learned. The few pictures are what it knows.")
