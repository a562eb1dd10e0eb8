"""Checks of lesson 07: the blend, the cache, what a choice on test pictures pretends; from `learned`: what learns."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.teaching.checks import answer_of, explain, right, same, same_gradients
from lessons_lib.teaching.lesson07.learned import adapter_loss, blended_logits, held, learn_keys, probe_logits

__all__ = [
    "adapter_loss",
    "blend",
    "blended_logits",
    "cache_logits",
    "distance",
    "held",
    "learn_keys",
    "pretended",
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


def pretended(student: Callable) -> None:
    """`pretended(on_val, on_test)` -> points; both (n_beta, n_alpha): a grid's accuracies on two sets of pictures."""
    name = "pretended"
    for seed, shape in enumerate(((4, 5), (20, 3), (1, 6), (200, 20))):
        draw = torch.Generator().manual_seed(seed)
        on_val, on_test = (70 + 5 * torch.randn(*shape, generator=draw, dtype=torch.float64) for _ in range(2))
        if seed == 0:  # a clear case: the two disagree
            on_val[0, 0], on_test[-1, -1] = 99.0, 98.0
        at = on_val.argmax()
        expected = (on_test.max() - on_test.flatten()[at]).item()
        got = answer_of(student, on_val.clone(), on_test.clone(), name=name)
        mistakes = {
            "that is the best on test minus the best on validation pictures. Both numbers have to be of test pictures, "
            "or the two sets' difficulty comes in.": (on_test.max() - on_val.max()).item(),
            "the sign is turned: what the test choice reports, minus what the honest choice gets.": -expected,
            "that is what the honest choice gets on the test pictures. Subtract it from the best there.": on_test
            .flatten()[at]
            .item(),
            "that is the best on the test pictures. Subtract what the pair chosen on validation pictures gets "
            "there.": on_test.max().item(),
            "that is what the validation pictures lose by the choice on test. Look up the pair that `on_val` chooses "
            "in `on_test`.": (on_val.max() - on_val.flatten()[on_test.argmax()]).item(),
            "that compares with the mean of the grid. Compare with the pair that the validation pictures choose.": (
                on_test.max() - on_test.mean()
            ).item(),
        }  # fmt: skip
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=f"{name} of two grids {shape}")
    right("pretended: never below 0. Who chooses on the test pictures cannot look worse.")


def distance(student: Callable) -> None:
    """`distance(cosines)` -> of the same shape: how far apart two vectors of length 1 with these cosines are."""
    for seed, shape in enumerate(((7,), (3, 5))):
        cosines = 2 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 1
        expected = (2 * (1 - cosines)).sqrt()
        mistakes = {
            "that is the squared distance: take its root.": 2 * (1 - cosines),
            "1 − cos is half of the squared distance: multiply out ‖f − k‖².": (1 - cosines).sqrt(),
            "1 − cos is not yet a distance: multiply out ‖f − k‖² for two vectors of length 1.": 1 - cosines,
        }
        explain(answer_of(student, cosines, name="distance"), expected, mistakes, name="distance")
        same(student(cosines), expected, name="distance(cosines)")
    right("distance: what φ weighs with, 1 − cos, is half of its square.")
