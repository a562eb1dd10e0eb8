"""Lesson 1's exercises name the usual mistakes, and let right answers pass that are written in other ways."""

import math

import pytest
import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.lesson01 import checks as check


def rows(f, w, s):
    return -(s * f @ w.T).log_softmax(dim=1).diag()


def columns(f, w, s):
    return -(s * f @ w.T).log_softmax(dim=0).diag()


def overflowing(f, w, s):
    e = (s * f @ w.T).exp()
    return -(e.diag() / e.sum(1)).log().mean() / 2 - (e.diag() / e.sum(0)).log().mean() / 2


def masked(fill, keep_diagonal=True):
    def loss(f, w, s, captions):
        same = torch.tensor([[a == b for b in captions] for a in captions])
        twins = same & ~torch.eye(len(captions), dtype=torch.bool) if keep_diagonal else same
        logits, answer = (s * f @ w.T).masked_fill(twins, fill), torch.arange(len(captions))
        return (F.cross_entropy(logits, answer) + F.cross_entropy(logits.T, answer)) / 2

    return loss


def one_way_gradient(f, w, s):
    x = f @ w.T
    return ((s * x).softmax(dim=1) * x).sum(dim=1).mean() - x.diag().mean()


def autograd(f, w, s):
    s = torch.tensor(s, requires_grad=True)
    return torch.autograd.grad(clip_loss(f, w, s), s)[0]


MISTAKES = [
    (check.loss_of_knowing_nothing, lambda n: math.log2(n), "natural logarithm"),
    (check.loss_of_knowing_nothing, lambda n: 1 / n, "−log of it"),
    (check.loss_of_knowing_nothing, lambda n: 2 * math.log(n), "averaged, not added"),
    (check.loss_of_knowing_nothing, lambda n: math.log(64), r"\(1\)"),
    (check.symmetric_loss, lambda f, w, s: rows(f, w, s).mean(), "rows alone"),
    (check.symmetric_loss, lambda f, w, s: columns(f, w, s).mean(), "columns alone"),
    (check.symmetric_loss, lambda f, w, s: (rows(f, w, s) + columns(f, w, s)).mean(), "take their mean"),
    (check.symmetric_loss, lambda f, w, s: -clip_loss(f, w, s), "sign is turned"),
    (check.symmetric_loss, lambda f, w, s: len(f) * clip_loss(f, w, s), "take the mean over the N pairs"),
    (check.symmetric_loss, lambda f, w, s: clip_loss(f, w, 1.0), "temperature is not used"),
    (check.symmetric_loss, lambda f, w, s: clip_loss(f, w, 1 / s), "multiply by it"),
    (check.symmetric_loss, lambda f, w, s: rows(f, w, s), "should return one number"),
    (check.symmetric_loss, overflowing, "exp overflows"),
    (check.scale_gradient, one_way_gradient, "average it with the columns"),
    (check.scale_gradient, lambda f, w, s: s * autograd(f, w, s), "leave out the factor"),
    (check.scale_gradient, lambda f, w, s: -autograd(f, w, s), "opposite sign|it should be"),
    (check.masked_loss, lambda f, w, s, captions: clip_loss(f, w, s), "ignores that captions repeat"),
    (check.masked_loss, masked(0.0), "Use -inf"),
    (check.masked_loss, masked(-math.inf, keep_diagonal=False), "diagonal masked as well"),
]
RIGHT = [
    (check.loss_of_knowing_nothing, lambda n: -math.log(1 / n)),
    (check.symmetric_loss, lambda f, w, s: (rows(f, w, s) + columns(f, w, s)).mean() / 2),
    (check.symmetric_loss, clip_loss),
    (check.scale_gradient, autograd),
    (check.masked_loss, masked(-math.inf)),
]


@pytest.mark.parametrize("exercise", [check.symmetric_loss, check.scale_gradient, check.masked_loss])
@pytest.mark.parametrize("answer", [None, ..., lambda *args: None])
def test_an_exercise_that_is_not_written_yet_says_so(exercise, answer):
    with pytest.raises(ExerciseError, match="not written yet"):
        exercise(answer)
