"""Lesson 13's checks: what is right passes, and usual mistakes are named."""

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson13 import checks as check


def wider(boxes, by=1.5):
    at, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return torch.cat([at - by * sides / 2, at + by * sides / 2], dim=1)


def teacher(see, boxes, by=1.5):
    return F.normalize(see(boxes) + see(wider(boxes, by)), dim=-1)


def from_the_corner(see, boxes):
    far = torch.cat([boxes[:, :2], boxes[:, :2] + 1.5 * (boxes[:, 2:] - boxes[:, :2])], dim=1)
    return F.normalize(see(boxes) + see(far), dim=-1)


def logits(e, b, texts, tau):
    return e @ torch.cat([F.normalize(b, dim=0)[None], texts]).T / tau


def not_divided(e, b, texts, tau):
    return torch.cat([e @ F.normalize(b, dim=0)[:, None], e @ texts.T / tau], dim=1)


def distillation(e, v, there):
    return (e[there] - v[there]).abs().sum(dim=1).sum() / max(1, int(there.sum()))


def ensemble(p_text, p_image, is_base):
    of_text = torch.where(is_base, 2 / 3, 1 / 3)
    return p_text**of_text * p_image ** (1 - of_text)


def off(e, v, there):
    return (e - v)[there]


def as_rows(p_text, p_image, is_base):
    of_text = torch.where(is_base, 2 / 3, 1 / 3)[:, None]
    return p_text**of_text * p_image ** (1 - of_text)


def by_cosine(e, b, texts, tau):
    rows = torch.cat([b[None], texts])
    return F.cosine_similarity(e[:, None], rows[None], dim=-1) / tau


RIGHT = [
    (check.teacher, teacher),
    (check.logits, logits),
    (check.logits, by_cosine),
    (check.distillation, distillation),
    (check.ensemble, ensemble),
]
MISTAKES = [
    (check.teacher, None, "not written yet"),
    (check.teacher, lambda see, b: see(b) + see(wider(b)), "not of length 1: normalise"),
    (check.teacher, lambda see, b: (see(b) + see(wider(b))) / 2, "mean is not of length 1"),
    (check.teacher, lambda see, b: F.normalize(see(b) + see(wider(b)), dim=0), "columns are normalised"),
    (check.teacher, lambda see, b: see(b), "tight crop alone"),
    (check.teacher, lambda see, b: see(wider(b)), "wide crop alone"),
    (check.teacher, from_the_corner, "to the right and down"),
    (check.teacher, lambda see, b: F.normalize(see(b) + see(1.5 * b), dim=-1), "moves away"),
    (check.teacher, lambda see, b: teacher(see, b, 1.5**0.5), "not for the area"),
    (check.teacher, lambda see, b: teacher(see, b, 2), "twice as wide"),
    (check.logits, None, "not written yet"),
    (check.logits, lambda e, b, t, tau: e @ t.T / tau, "background is missing"),
    (check.logits, lambda e, b, t, tau: logits(e, b, t, tau).roll(-1, 1), "stands last"),
    (check.logits, lambda e, b, t, tau: e @ torch.cat([b[None], t]).T / tau, "b is not of length 1"),
    (check.logits, lambda e, b, t, tau: logits(e, b, t, 1), "tau is missing"),
    (check.logits, lambda e, b, t, tau: logits(e, b, t, 1) * tau, "Divide"),
    (check.logits, lambda e, b, t, tau: logits(e, b, t, tau).softmax(1), "before the softmax"),
    (check.logits, not_divided, "not divided"),
    (check.logits, lambda e, b, t, tau: logits(e, b.detach(), t, tau), "gradient"),
    (check.distillation, None, "not written yet"),
    (check.distillation, lambda e, v, t: off(e, v, t).abs().mean(), "D times too weak"),
    (check.distillation, lambda e, v, t: F.l1_loss(e, v), "D times too weak|F.l1_loss"),
    (check.distillation, lambda e, v, t: (e - v).abs().sum(1).mean(), "rows that only fill up are counted"),
    (check.distillation, lambda e, v, t: off(e, v, t).abs().sum() / len(e), "but counted in the mean"),
    (check.distillation, lambda e, v, t: off(e, v, t).abs().sum(), "It is their mean"),
    (check.distillation, lambda e, v, t: off(e, v, t).square().sum(1).mean(), "squared distance"),
    (check.distillation, lambda e, v, t: off(e, v, t).norm(dim=1).mean(), "L2"),
    (check.distillation, lambda e, v, t: off(e, v, t).sum(1).mean(), "cancel"),
    (check.distillation, lambda e, v, t: 1 - (e * v).sum(1)[t].mean(), "1 − cosine"),
    (check.distillation, lambda e, v, t: off(e, v, t).abs().sum() / t.sum(), "without a region has to be 0"),
    (check.distillation, lambda e, v, t: distillation(e.detach(), v, t), "gradient"),
    (check.ensemble, None, "not written yet"),
    (check.ensemble, lambda p, q, base: ensemble(p, q, ~base), "base and novel are exchanged"),
    (check.ensemble, lambda p, q, base: ensemble(q, p, base), "exchanged"),
    (check.ensemble, lambda p, q, base: ensemble(p, q, base | True), "taken for a base class"),
    (check.ensemble, lambda p, q, base: (p * q).sqrt(), "both exponents are the same"),
    (check.ensemble, lambda p, q, base: F.normalize(ensemble(p, q, base), p=1, dim=1), "brought to the sum 1"),
    (check.ensemble, lambda p, q, b: torch.where(b, 2 * p + q, p + 2 * q) / 3, "arithmetic mean"),
]
