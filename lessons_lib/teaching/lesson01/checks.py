"""Checks of lesson 01: the loss of a model that knows nothing, the symmetric loss, its temperature, false negatives."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.teaching.checks import ExerciseError, answer_of, difference, explain, require, right, same


def _pairs(n: int, width: int = 8, seed: int = 0, noise: float = 0.8) -> tuple[Tensor, Tensor]:
    """n pairs of unit vectors that resemble one another the less, the larger the noise."""
    generator = torch.Generator().manual_seed(seed)
    f = torch.randn(n, width, generator=generator)
    w = f + noise * torch.randn(n, width, generator=generator)
    return F.normalize(f, dim=-1), F.normalize(w, dim=-1)


def loss_of_knowing_nothing(student: Callable[[int], float]) -> None:
    """student: batch size N -> the loss of a model that finds all captions equally likely."""
    name = "loss_of_knowing_nothing"
    for n in (64, 1, 2, 32_768):
        got = answer_of(student, n, name=name)
        if n == 64:
            for base, spoken in ((2, "log2"), (10, "log10")):
                if difference(got, math.log(n, base)) == "":
                    raise ExerciseError(f"`{name}(64)` is {spoken}(64): cross-entropy takes the natural logarithm.")
            if difference(got, 1 / n) == "":
                raise ExerciseError(
                    f"`{name}(64)` is the probability of the right caption, 1/64. The loss is −log of it."
                )
            if difference(got, 2 * math.log(n)) == "":
                raise ExerciseError(f"`{name}(64)` is 2·log 64: the two directions are averaged, not added.")
        same(got, math.log(n), name=f"{name}({n})", hint="Each of the N captions has the probability 1/N.")
    right("log N: 0 for a single pair, 4.2 for 64, 10.4 for CLIP's batch of 32,768. The first loss of a healthy run.")


def symmetric_loss(student: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """student: (N, D), (N, D), scale -> scalar, `clip_loss` written without `cross_entropy`."""
    name = "symmetric_loss"
    for n, scale in ((6, 1.0), (6, 14.3), (1, 10.0), (12, 100.0)):
        f, w = _pairs(n, seed=n, noise=0.4)
        got = answer_of(student, f, w, scale, name=name)
        require(
            isinstance(got, Tensor) and got.ndim == 0,
            f"`{name}` should return one number, a tensor without dimensions.",
        )
        _must_be_finite(got, scale, name=name)
        _explain_loss(got, f, w, scale, name=name)
        same(got, clip_loss(f, w, scale), name=f"{name} of {n} pairs at scale {scale:g}")
    f, w = _pairs(12, seed=3, noise=1.5)
    got = answer_of(student, f, w, 5_000.0, name=name)
    _must_be_finite(got, 5_000.0, name=name)
    same(got, clip_loss(f, w, 5_000.0), name=f"{name} at scale 5000")
    right("symmetric_loss is CLIP's loss: rows ask for the caption, columns for the image, and both count alike.")


def _must_be_finite(got: Tensor, scale: float, *, name: str) -> None:
    hint = f"`{name}` is {got.item()} at scale {scale:g}: exp overflows. Use log_softmax or logsumexp."
    require(bool(torch.isfinite(got)), hint)


def _explain_loss(got: Tensor, f: Tensor, w: Tensor, scale: float, *, name: str) -> None:
    """Raises with the reason when the loss is wrong in one of the usual ways."""
    expected = clip_loss(f, w, scale)
    logits, n = scale * f @ w.T, len(f)
    rows, columns = -logits.log_softmax(1).diag().mean(), -logits.log_softmax(0).diag().mean()
    everywhere = -(logits.log_softmax(1).mean() + logits.log_softmax(0).mean()) / 2
    mistakes = {
        "it is the loss of the rows alone (image → text): average it with that of the columns (text → image).": rows,
        "it is the loss of the columns alone (text → image): average it with that of the rows (image → text).": columns,
        "the two directions are added: take their mean.": 2 * expected,
        "the sign is turned: a loss is −log of the probability.": -expected,
        "the pairs are summed: take the mean over the N pairs.": n * expected,
        "it averages the whole matrix: only the diagonal holds the pairs that belong together.": everywhere,
        "the temperature is not used: multiply the similarities by the scale.": clip_loss(f, w, 1.0),
        "the similarities are divided by the scale: multiply by it.": clip_loss(f, w, 1 / scale),
    }
    explain(got, expected, mistakes, name=f"{name} of {n} pairs at scale {scale:g}")


def _both_ways(logits: Tensor) -> Tensor:
    """(N, N) -> the mean loss of rows and columns."""
    return -(logits.log_softmax(1).diag().mean() + logits.log_softmax(0).diag().mean()) / 2


def scale_gradient(student: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """student: (N, D), (N, D), scale -> d loss / d scale, a scalar."""
    name = "scale_gradient"
    for n, scale, noise in ((5, 10.0, 0.8), (9, 2.0, 0.1), (7, 60.0, 1.5)):
        f, w = _pairs(n, seed=10 + n, noise=noise)
        s = torch.tensor(scale, requires_grad=True)
        (expected,) = torch.autograd.grad(clip_loss(f, w, s), s)
        got = answer_of(student, f, w, scale, name=name)
        got = got.detach() if isinstance(got, Tensor) else got
        sims = f @ w.T
        one_way = ((scale * sims).softmax(1) * sims).sum(1).mean() - sims.diag().mean()
        mistakes = {
            "that is the gradient of the rows' loss: average it with the columns'.": one_way,
            "that is the gradient with respect to log(scale): leave out the factor scale.": scale * expected,
            "the similarities are multiplied by the scale once too often: the derivative of s·x is x.": scale * one_way,
        }
        call = f"{name} of {n} pairs at scale {scale:g}"
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call, hint="Expected similarity minus the pair's own.")
    right("The scale grows while pairs are more alike than what the softmax expects, and shrinks when that is wrong.")


def masked_loss(student: Callable[[Tensor, Tensor, float, list[str]], Tensor]) -> None:
    """student: (N, D), (N, D), scale, N captions -> the loss without false negatives, a scalar."""
    name = "masked_loss"
    f, w = _pairs(6, seed=4)
    everyone = [f"caption {i}" for i in range(6)]
    got = answer_of(student, f, w, 10.0, everyone, name=name)
    hint = "Where no caption occurs twice, nothing may change. (Is the diagonal masked as well? Keep it.)"
    same(got, clip_loss(f, w, 10.0), name=f"{name} of six different captions", hint=hint)
    for captions in (["a", "b", "a", "c", "b", "a"], ["x"] * 6, ["a", "a", "b", "c", "d", "e"]):
        unlike = [[i == j or a != b for j, b in enumerate(captions)] for i, a in enumerate(captions)]
        logits = (10.0 * f @ w.T).masked_fill(~torch.tensor(unlike), -math.inf)
        expected = _both_ways(logits)
        got = answer_of(student, f, w, 10.0, captions, name=name)
        if isinstance(got, Tensor) and not torch.isfinite(got):
            raise ExerciseError(f"`{name}` is {got.item()} for {captions}: is the diagonal masked as well? Keep it.")
        zeroed = (10.0 * f @ w.T).masked_fill(~torch.tensor(unlike), 0.0)
        mistakes = {
            "it ignores that captions repeat: equal captions need -inf, all but the pair's own.": clip_loss(f, w, 10.0),
            "a logit of 0 still takes part in the softmax, as exp(0) = 1. Use -inf.": _both_ways(zeroed),
            "only rows are used: average with the columns.": -logits.log_softmax(1).diag().mean(),
        }
        explain(got, expected, mistakes, name=f"{name} for {captions}")
        same(got, expected, name=f"{name} for {captions}")
    right("A twin caption no longer counts as a wrong answer: the loss asks only for what can be known.")
