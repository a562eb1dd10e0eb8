"""Lesson 01's exercises name the usual mistakes, and let right answers pass that are written in other ways."""

import math

import pytest
import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.pretrain.loop import Run, Settings
from lessons_lib.pretrain.losses import bag_of_words_loss, clip_loss
from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.lesson01 import checks as check


def rows(f, w, s):
    return -(s * f @ w.T).log_softmax(dim=1).diag()


def columns(f, w, s):
    return -(s * f @ w.T).log_softmax(dim=0).diag()


def both(f, w, s):
    return (rows(f, w, s) + columns(f, w, s)).mean() / 2


def by_cross_entropy(f, w, s):
    logits, answer = s * f @ w.T, torch.arange(len(f))
    return (F.cross_entropy(logits, answer) + F.cross_entropy(logits.T, answer)) / 2


def by_logsumexp(f, w, s):
    logits = s * f @ w.T
    return (logits.logsumexp(0) + logits.logsumexp(1)).mean() / 2 - logits.diag().mean()


def normalised_again(f, w, s):
    return both(F.normalize(f, dim=-1), F.normalize(w, dim=-1), s)


def softmax_twice(f, w, s):
    logits, answer = s * f @ w.T, torch.arange(len(f))
    return (F.cross_entropy(logits.softmax(1), answer) + F.cross_entropy(logits.T.softmax(1), answer)) / 2


def overflowing(f, w, s):
    e = (s * f @ w.T).exp()
    return -(e.diag() / e.sum(1)).log().mean() / 2 - (e.diag() / e.sum(0)).log().mean() / 2


def everywhere(f, w, s):
    logits = s * f @ w.T
    return -(logits.log_softmax(1).mean() + logits.log_softmax(0).mean()) / 2


def step(wrong=""):
    return lambda *batch: check.reference_step(*batch, wrong=wrong)


def another_step(model, optimizer, images, tokens):
    """The same in another order, with a tensor for the loss."""
    optimizer.zero_grad(set_to_none=False)
    f = model.encode_image(images)
    w = model.encode_text(tokens)
    logits = torch.exp(model.logit_scale) * (f / f.norm(dim=1, keepdim=True)) @ (w / w.norm(dim=1, keepdim=True)).T
    loss = (logits.logsumexp(0) / 2 + logits.logsumexp(1) / 2 - logits.diag()).mean()
    loss.backward()
    optimizer.step()
    model.logit_scale.data.clamp_(0, math.log(100))
    return loss.detach()


def keeps_the_graph(model, optimizer, images, tokens):
    f, w = (F.normalize(x, dim=-1) for x in (model.encode_image(images), model.encode_text(tokens)))
    loss = clip_loss(f, w, model.logit_scale.exp())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def another_parameter(*batch):
    loss = check.reference_step(*batch, wrong="no clamp")
    model = batch[0]
    del model.logit_scale
    model.logit_scale = torch.tensor(min(math.log(100), 2.0))
    return loss


def says_nothing(*batch):
    check.reference_step(*batch)


def half_a_step(model, optimizer, images, tokens):
    """Two optimiser steps a batch: none of the usual mistakes."""
    loss = check.reference_step(model, optimizer, images, tokens)
    optimizer.step()
    return loss


def shares(words):
    return words / words.sum(dim=1, keepdim=True)


MISTAKES = [
    (check.contrastive_loss, lambda f, w, s: rows(f, w, s).mean(), "only the rows ask"),
    (check.contrastive_loss, lambda f, w, s: columns(f, w, s).mean(), "only the columns ask"),
    (check.contrastive_loss, lambda f, w, s: 2 * both(f, w, s), "take their mean"),
    (check.contrastive_loss, lambda f, w, s: -both(f, w, s), "sign is turned"),
    (check.contrastive_loss, lambda f, w, s: len(f) * both(f, w, s), "take the mean over the N pairs"),
    (check.contrastive_loss, everywhere, "only the diagonal"),
    (check.contrastive_loss, lambda f, w, s: both(f, w, 1.0), "scale is not used"),
    (check.contrastive_loss, lambda f, w, s: both(f, w, 1 / s), "multiply by it"),
    (check.contrastive_loss, softmax_twice, "not probabilities"),
    (check.contrastive_loss, rows, "should return one number"),
    (check.contrastive_loss, overflowing, "exp overflows"),
    (check.contrastive_loss, lambda f, w, s: both(f, w, s).item(), "one number, a tensor"),
    (check.contrastive_loss, lambda f, w, s: both(f, w, s).detach(), "no gradient flows back"),
    (check.contrastive_loss, lambda f, w, s: both(f, w.detach(), s), "the gradient of argument 2 .* all learn"),
    (check.contrastive_loss, lambda f, w, s: both(f, w, s.item()), "the gradient of argument 3 .* all learn"),
    (check.contrastive_loss, lambda f, w, s: clip_loss(f, w, s), "is the finished thing"),
    *((check.training_step, step(wrong), said[:30]) for wrong, said in check.WRONG_STEPS.items()),
    (check.training_step, keeps_the_graph, "item()"),
    (check.training_step, another_parameter, "Change it in place"),
    (check.training_step, says_nothing, "a missing return"),
    (check.training_step, half_a_step, "weights after one or two steps are not"),
    (check.training_step, lambda *batch: check.reference_step(*batch) + 1, "the loss that training_step returns"),
    (check.word_loss, lambda z, t: -(t * z.log_softmax(1)).sum(1).mean(), "share a mass of 1"),
    (check.word_loss, lambda z, t: -(shares(t) * z.log_softmax(1)).mean(), "all cells are averaged"),
    (check.word_loss, lambda z, t: (shares(t) * z.log_softmax(1)).sum(1).mean(), "sign is turned"),
    (check.word_loss, lambda z, t: -(shares(t) * z.log_softmax(0)).sum(1).mean(), "over the words"),
    (check.word_loss, lambda z, t: -(z.softmax(1) * t).sum(1).log().mean(), "any one of the words"),
    (check.word_loss, lambda z, t: F.binary_cross_entropy_with_logits(z, t), "question of its own"),
    (check.word_loss, lambda z, t: -(shares(t) * z.log_softmax(1)).sum(), "take their mean"),
    (check.word_loss, lambda z, t: -(shares(t) * z.log_softmax(1)).sum(1), "should return one number"),
    (check.word_loss, lambda z, t: -(shares(t) * z.softmax(1).log()).sum(1).mean(), "not the log of a softmax"),
    (check.word_loss, lambda z, t: F.cross_entropy(z, shares(t)).detach(), "no gradient flows back"),
    (check.word_loss, lambda z, t: bag_of_words_loss(z, t), "is the finished thing"),
]
RIGHT = [
    (check.contrastive_loss, both),
    (check.contrastive_loss, by_cross_entropy),
    (check.contrastive_loss, by_logsumexp),
    (check.contrastive_loss, normalised_again),
    (check.training_step, check.reference_step),
    (check.training_step, another_step),
    (check.word_loss, lambda z, t: F.cross_entropy(z, shares(t))),
    (check.word_loss, lambda z, t: (z.logsumexp(1) - (z * t).sum(1) / t.sum(1)).mean()),
]


@pytest.mark.parametrize("exercise", [check.contrastive_loss, check.training_step, check.word_loss])
@pytest.mark.parametrize("answer", [None, ..., lambda *args: None])
def test_an_exercise_that_is_not_written_yet_says_so(exercise, answer):
    with pytest.raises(ExerciseError, match="not written yet"):
        exercise(answer)


def test_the_step_that_the_check_compares_with_is_the_librarys():
    """Run clips gradients as well, and follows a schedule: here neither does anything."""
    settings = Settings(steps=10**9, lr=1e-3, lr_end=1e-3, warmup=0, clip_grad=math.inf, patch_dropout=0)
    mine, theirs = check.small_clip(), check.small_clip()
    run = Run(theirs, settings, lambda images: images, autocast_dtype=None)
    optimizer, run.optimizer = (torch.optim.SGD(model.parameters(), lr=1e-3) for model in (mine, theirs))
    for seed in range(3):
        batch = check.small_batch(seed)
        assert check.reference_step(mine, optimizer, *batch) == pytest.approx(run.train_step(*batch), rel=1e-5)
    for a, b in zip(mine.parameters(), theirs.parameters()):
        torch.testing.assert_close(a, b)
