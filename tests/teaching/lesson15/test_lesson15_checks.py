"""Lesson 15's checks: what is right passes, and usual mistakes are named."""

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson15 import checks as check


def cosines(a, b, fill=-torch.inf):
    z = torch.cat([a, b])
    return (z @ z.T).masked_fill(torch.eye(len(z), dtype=torch.bool), fill)


def nt_xent(a, b, temperature, *, fill=-torch.inf, reduction="mean"):
    other = torch.arange(2 * len(a)).roll(len(a))
    return F.cross_entropy(cosines(a, b, fill) / temperature, other, reduction=reduction)


def by_shares(a, b, temperature):
    weight = (cosines(a, b) / temperature).exp()
    own = (a * b).sum(dim=1).div(temperature).exp().repeat(2)
    return -(own / weight.sum(dim=1)).log().mean()


def with_itself(a, b, temperature):
    z = torch.cat([a, b])
    return F.cross_entropy(z @ z.T / temperature, torch.arange(len(z)).roll(len(a)))


def finds_itself(a, b, temperature):
    z = torch.cat([a, b])
    return F.cross_entropy(z @ z.T / temperature, torch.arange(len(z)))


def half(a, b, temperature):
    n = len(a)
    return F.cross_entropy((cosines(a, b) / temperature)[:n], torch.arange(n) + n)


def clips(a, b, temperature):
    Z, own = a @ b.T / temperature, torch.arange(len(a))
    return (F.cross_entropy(Z, own) + F.cross_entropy(Z.T, own)) / 2


def joint(towers, views, tokens, weight=1.0, *, view=0, ways=2, captions=1.0, pictures=None, scaled=True):
    f, w, scale = towers.contrast(views[:, view], tokens)
    Z, own = (scale if scaled else 1) * f @ w.T, torch.arange(len(f))
    of_captions = (F.cross_entropy(Z, own) + (F.cross_entropy(Z.T, own) if ways == 2 else 0)) / ways
    return captions * of_captions + (weight if pictures is None else pictures) * nt_xent(*towers.pair(views), 0.1)


def same_compute(epochs, image, text, head):
    return round(epochs * (3 * image + text + 2 * head) / (image + text))


RIGHT = [
    (check.nt_xent, nt_xent),
    (check.nt_xent, by_shares),
    (check.joint, joint),
    (check.same_compute, same_compute),
    (check.same_compute, lambda e, i, t, h: int(e * (3 * i + t + 2 * h) / (i + t) + 0.5)),
]
MISTAKES = [
    (check.nt_xent, with_itself, "Leave the diagonal out"),
    (check.nt_xent, lambda a, b, t: nt_xent(a, b, t, fill=0), "Fill in −∞"),
    (check.nt_xent, lambda a, b, t: nt_xent(a, b, 1), "the temperature is missing"),
    (check.nt_xent, lambda a, b, t: nt_xent(a, b, 1 / t), "divided by the temperature, not multiplied"),
    (check.nt_xent, half, "Those of `b` do, too"),
    (check.nt_xent, lambda a, b, t: nt_xent(a, b, t, reduction="sum"), "The loss is their mean"),
    (check.nt_xent, clips, "CLIP's loss of a and b"),
    (check.nt_xent, lambda a, b, t: F.cross_entropy(a @ b.T / t, torch.arange(len(a))), "one way of CLIP's loss"),
    (check.nt_xent, lambda a, b, t: 2 * nt_xent(a, b, t), "Take the mean over all 2N"),
    (check.nt_xent, finds_itself, "told to find itself"),
    (check.nt_xent, lambda a, b, t: nt_xent(a.detach(), b, t), "gradient"),
    (check.nt_xent, lambda a, b, t: nt_xent(a, b, t).detach(), "no gradient flows back"),
    (check.nt_xent, lambda a, b, t: ..., "not written yet"),
    (check.joint, lambda *g: joint(*g, pictures=1.0), "`weight` is not used"),
    (check.joint, lambda t, v, k, w: joint(t, v, k, w, captions=w, pictures=1.0), "before the captions' loss"),
    (check.joint, lambda t, v, k, w: w * joint(t, v, k, 1.0), "before both"),
    (check.joint, lambda *g: joint(*g, pictures=0.0), "CLIP's loss alone"),
    (check.joint, lambda *g: joint(*g, captions=0.0), "the views alone"),
    (check.joint, lambda *g: joint(*g, view=1), "with the first view"),
    (check.joint, lambda *g: joint(*g, ways=1), "the transpose"),
    (check.joint, lambda *g: joint(*g, captions=2.0), "not their sum"),
    (check.joint, lambda *g: joint(*g, scaled=False), "the scale is missing"),
    (check.joint, lambda *g: joint(*g) / 2, "They are added"),
    (check.joint, lambda *g: joint(*g).detach(), "no gradient flows back"),
    (check.same_compute, lambda e, i, t, h: round(e * (2 * i + t + 2 * h) / (i + t)), "three views of a picture"),
    (check.same_compute, lambda e, i, t, h: 3 * e, "reads each caption once, in both"),
    (check.same_compute, lambda e, i, t, h: round(e * (3 * i + t) / (i + t)), "head"),
    (check.same_compute, lambda e, i, t, h: round(e * (3 * i + 3 * t + 2 * h) / (i + t)), "once, not once a view"),
    (check.same_compute, lambda e, i, t, h: round(e * (i + t) / (3 * i + t + 2 * h)), "the wrong way round"),
    (check.same_compute, lambda e, i, t, h: e * (3 * i + t + 2 * h) / (i + t), "whole epochs"),
    (check.same_compute, lambda e, i, t, h: "many", "should be a number"),
    (check.same_compute, lambda e, i, t, h: 1, "expected"),
]
