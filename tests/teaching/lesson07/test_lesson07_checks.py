"""Lesson 07's checks: they pass what is right, and name the usual mistakes."""

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

import lessons_lib as ll
from lessons_lib.methods.classify.clip_adapter import adapted
from lessons_lib.teaching.lesson07 import checks as check


def blended(f, new, alpha):
    mix = alpha * new + (1 - alpha) * f
    return mix / mix.norm(dim=1, keepdim=True)


def summed(f, keys, values, alpha, beta):
    return alpha * torch.exp(beta * (f @ keys.T) - beta) @ values


def points(on_val, on_test):
    best = (on_val == on_val.max()).nonzero()[0]
    return float(on_test.max() - on_test[best[0], best[1]])


RIGHT = [(check.blend, blended), (check.cache_logits, summed), (check.pretended, points)]


def test_a_tensor_of_one_number_passes_for_points():
    check.pretended(lambda val, test: test.max() - test.flatten()[val.argmax()])


MISTAKES = [
    (check.blend, lambda f, new, a: ..., "not written yet"),
    (check.blend, lambda f, new, a: blended(f, new, 1 - a), "exchanged"),
    (check.blend, lambda f, new, a: a * new + (1 - a) * f, "not of length 1"),
    (check.blend, lambda f, new, a: F.normalize(a * new + (1 - a) * f, dim=0), "columns"),
    (check.blend, lambda f, new, a: F.normalize(f + a * new, dim=1), "come in whole"),
    (check.blend, lambda f, new, a: blended(f, F.normalize(new, dim=1), a), "before it is mixed"),
    (check.blend, lambda f, new, a: f.mul_(1 - a).add_(a * new), "in place"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (f @ k.T - 1)).exp(), "@ values"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (1 - f @ k.T)).exp() @ v, "grow with the distance"),
    (check.cache_logits, lambda f, k, v, a, b: a * (-b * (f @ k.T)).exp() @ v, "counts most"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (f @ k.T)).exp() @ v, "at most 1"),
    (check.cache_logits, lambda f, k, v, a, b: summed(f, k, v, 1, b), "alpha is missing"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (f @ k.T)).softmax(1) @ v, "add up to 1"),
    (check.cache_logits, lambda f, k, v, a, b: summed(f, k, v, a, b) / v.sum(0), "mean over the keys"),
    (check.pretended, lambda val, test: test.max() - val.max(), "difficulty"),
    (check.pretended, lambda val, test: -points(val, test), "sign"),
    (check.pretended, lambda val, test: test.flatten()[val.argmax()], "Subtract it"),
    (check.pretended, lambda val, test: test.max(), "Subtract what"),
    (check.pretended, lambda val, test: val.max() - val.flatten()[test.argmax()], "Look up"),
    (check.pretended, lambda val, test: test.max() - test.mean(), "mean of the grid"),
    (check.pretended, lambda val, test: test - val, "one number"),
]


def test_the_references_are_the_librarys_methods(clip, task):
    f = ll.image_features(clip, task.train, progress=False)
    adapter = ll.CLIPAdapter(clip).for_classes(task.classnames).adapter
    with torch.no_grad():
        torch.testing.assert_close(check.mixed(f, adapter(f), 0.3), adapted(f, adapter, 0.3))

    tip = ll.TipAdapter(clip, n_views=0, search=False, init_alpha=2.0, init_beta=3.0).fit(task, progress=False)
    values = F.one_hot(task.train.labels, len(task.classnames)).float()
    added = check.evidence(f, f, values, 2.0, 3.0)
    torch.testing.assert_close(added + clip.logit_scale * f @ tip.texts.T, tip.logits_from_features(f))
