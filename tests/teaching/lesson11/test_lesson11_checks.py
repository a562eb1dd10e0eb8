"""Lesson 11's checks: what is right passes, and usual mistakes are named."""

import math

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson11 import checks as check


def shares(a, b, dim=-1, scale=True):
    return (a @ b.transpose(-2, -1) / (math.sqrt(a.shape[-1]) if scale else 1)).softmax(dim=dim)


def attended(q, k, v, way):
    if way == "value":
        return v
    if way == "attention":
        return shares(q, k) @ v
    return shares(q, q) @ v + shares(k, k) @ v


def but(**ways):
    """The right answer, but for these ways."""
    return lambda q, k, v, way: ways.get(way, lambda q, k, v: attended(q, k, v, way))(q, k, v)


def pixel_loss(features, texts, masks, tau=0.07):
    logits = torch.einsum("ndhw,kd->nkhw", features, texts) / tau
    logits = F.interpolate(logits, masks.shape[-2:], mode="bilinear")
    return F.cross_entropy(logits, masks, ignore_index=255)


def planes(features, texts):
    return torch.einsum("ndhw,kd->nkhw", features, texts) / 0.07


def enlarged(logits, masks, **how):
    return F.interpolate(logits, masks.shape[-2:], **(how or {"mode": "bilinear"}))


def each_pixel(features, texts, masks):
    return F.cross_entropy(enlarged(planes(features, texts), masks), masks, ignore_index=255, reduction="none")


def both(said, there):
    return (said & there).sum(), (said | there).sum()


def told(planes, mask, c):
    return both(planes[c] > planes[0], mask == c)


def smoothed(planes, conv, depth):
    for left in reversed(range(depth)):
        top = planes.amax(dim=1, keepdim=True)
        planes = conv(planes.flatten(0, 1)[:, None])[:, 0].unflatten(0, planes.shape[:2]) + top
        planes = F.leaky_relu(planes) if left else planes
    return planes


def per_plane(planes, conv):
    return conv(planes.flatten(0, 1)[:, None])[:, 0].unflatten(0, planes.shape[:2])


def always_active(planes, conv, depth):
    for _ in range(depth):
        planes = F.leaky_relu(per_plane(planes, conv) + planes.amax(dim=1, keepdim=True))
    return planes


def never_active(planes, conv, depth):
    for _ in range(depth):
        planes = per_plane(planes, conv) + planes.amax(dim=1, keepdim=True)
    return planes


def late_maximum(planes, conv, depth):
    for left in reversed(range(depth)):
        planes = per_plane(planes, conv)
        planes = planes + planes.amax(dim=1, keepdim=True)
        planes = F.leaky_relu(planes) if left else planes
    return planes


RIGHT = [
    (check.attended, attended),
    (check.pixel_loss, pixel_loss),
    (check.pixel_loss, lambda f, t, m: pixel_loss(F.normalize(f, dim=1), t, m)),
    (check.told, told),
    (check.told, lambda p, m, c: torch.stack(told(p, m, c))),
    (check.told, lambda p, m, c: [each.item() for each in told(p, m, c)]),
    (check.smoothed, smoothed),
]
MISTAKES = [
    (check.attended, None, "not written yet"),
    (check.attended, lambda q, k, v, way: None, "returns None"),
    (check.attended, but(attention=lambda q, k, v: shares(q, k, scale=False) @ v), "divide by √e"),
    (check.attended, but(attention=lambda q, k, v: shares(q, k, dim=-2) @ v), "softmax is over the last"),
    (check.attended, but(attention=lambda q, k, v: shares(k, q) @ v), "queries ask keys"),
    (check.attended, lambda q, k, v, way: v, "that is the value path"),
    (check.attended, lambda q, k, v, way: shares(q, k) @ v, "no patch looks at another"),
    (check.attended, but(value=lambda q, k, v: v.mean(-2, keepdim=True).expand_as(v)), "mean of all patches"),
    (check.attended, but(value=lambda q, k, v: q), "those are the queries"),
    (check.attended, but(correlative=lambda q, k, v: attended(q, k, v, "correlative") / 2), "not averaged"),
    (check.attended, but(correlative=lambda q, k, v: shares(q, q) @ v), "add the keys' part"),
    (check.attended, but(correlative=lambda q, k, v: shares(q, k) @ v), "likes meet likes"),
    (
        check.attended,
        but(correlative=lambda q, k, v: ((q @ q.mT + k @ k.mT) / math.sqrt(q.shape[-1])).softmax(-1) @ v),
        "two softmaxes",
    ),
    (
        check.attended,
        but(correlative=lambda q, k, v: (shares(q, q, scale=False) + shares(k, k, scale=False)) @ v),
        "divide by √e",
    ),
    (check.attended, lambda q, k, v, way: attended(q, k, v, way).detach(), "gradient"),
    (check.attended, lambda q, k, v, way: shares(q, k), "shape"),
    (check.pixel_loss, None, "not written yet"),
    (check.pixel_loss, lambda f, t, m: pixel_loss(f, t, m, tau=1.0), "divide the cosines by τ"),
    (check.pixel_loss, lambda f, t, m: pixel_loss(f, t, m, tau=1 / 0.07), "not multiplied"),
    (check.pixel_loss, lambda f, t, m: pixel_loss(f, t, m, tau=0.01), "CLIP's own"),
    (check.pixel_loss, lambda f, t, m: pixel_loss(f, t, torch.where(m == 255, 0, m)), "no background"),
    (check.pixel_loss, lambda f, t, m: each_pixel(f, t, m).mean(), "divide by all pixels"),
    (check.pixel_loss, lambda f, t, m: each_pixel(f, t, m).sum(), "the sum over pixels"),
    (
        check.pixel_loss,
        lambda f, t, m: (each_pixel(f, t, m).sum((1, 2)) / (m != 255).sum((1, 2))).mean(),
        "each picture counts the same",
    ),
    (
        check.pixel_loss,
        lambda f, t, m: F.cross_entropy(enlarged(planes(f, t), m, mode="nearest"), m, ignore_index=255),
        "bilinear",
    ),
    (
        check.pixel_loss,
        lambda f, t, m: F.cross_entropy(
            enlarged(planes(f, t), m, mode="bilinear", align_corners=True), m, ignore_index=255
        ),
        "align_corners",
    ),
    (
        check.pixel_loss,
        lambda f, t, m: F.cross_entropy(enlarged(planes(f, t).softmax(1), m), m, ignore_index=255),
        "went through a softmax",
    ),
    (check.pixel_loss, lambda f, t, m: F.cross_entropy(planes(f, t), m), "stopped with"),
    (check.pixel_loss, lambda f, t, m: -pixel_loss(f, t, m), "the sign"),
    (check.pixel_loss, lambda f, t, m: pixel_loss(f, t, m).detach(), "gradient"),
    (check.pixel_loss, lambda f, t, m: pixel_loss(f.detach(), t.requires_grad_(), m), "gradient"),
    (check.told, None, "not written yet"),
    (check.told, lambda p, m, c: told(p, m, c)[0], "two numbers"),
    (
        check.told,
        lambda p, m, c: (((p.argmax(0) == c) & (m == c)).sum(), ((p.argmax(0) == c) | (m == c)).sum()),
        "two l",
    ),
    (check.told, lambda p, m, c: (told(p, m, c)[0], (p[c] > p[0]).sum() + (m == c).sum()), "count once"),
    (check.told, lambda p, m, c: (told(p, m, c)[0], (m == c).sum()), "wrongly taken for c"),
    (check.told, lambda p, m, c: (told(p, m, c)[0], (p[c] > p[0]).sum()), "were missed"),
    (check.told, lambda p, m, c: ((p[c] > p[0]).sum(), told(p, m, c)[1]), "AND"),
    (check.told, lambda p, m, c: (((p[c] > p[0]) == (m == c)).sum(), told(p, m, c)[1]), "background's pixels as right"),
    (check.told, lambda p, m, c: told(-p, m, c), "above the background's"),
    (check.told, lambda p, m, c: told(p, m, c)[::-1], "union comes second"),
    (check.told, lambda p, m, c: both(p[c] > 0, m == c), "not above 0"),
    (check.told, lambda p, m, c: (p, m), "."),
    (check.smoothed, None, "not written yet"),
    (check.smoothed, always_active, "last pass has no activation"),
    (check.smoothed, never_active, "leaky ReLU"),
    (check.smoothed, late_maximum, "before the convolution"),
    (check.smoothed, lambda p, conv, d: per_plane(p, conv), "maximum over the labels is missing"),
    (check.smoothed, lambda p, conv, d: smoothed(p, conv, 1), "`depth` of them"),
    (check.smoothed, lambda p, conv, d: smoothed(p, conv, d).detach(), "gradient"),
]
