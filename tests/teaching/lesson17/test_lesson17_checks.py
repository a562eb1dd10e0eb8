"""Lesson 17's checks: what is right passes, and usual mistakes are named."""

import torch
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401
from torch.nn.functional import normalize

from lessons_lib.teaching.lesson17 import checks as check
from lessons_lib.teaching.lesson17 import strokes


def video(frames):
    return normalize(normalize(frames, dim=-1).mean(dim=1), dim=-1)


def distances(control, pixels):
    points = strokes.curves(control)
    return torch.cdist(pixels, points.flatten(0, 1)).view(len(pixels), *points.shape[:2])


def ink(control, width, pixels, soft):
    return torch.sigmoid((width - distances(control, pixels).amin(dim=2)) / soft)


def sinkhorn(cost, eps, steps):
    kernel = torch.exp(-cost / eps)
    m, p = cost.shape
    v = torch.ones(p)
    for _ in range(steps):
        u = 1 / m / (kernel @ v)
        v = 1 / p / (kernel.T @ u)
    return u[:, None] * kernel * v


RIGHT = [(check.video_features, video), (check.ink, ink), (check.sinkhorn, sinkhorn)]
MISTAKES = [
    (check.video_features, None, "not written yet"),
    (check.video_features, lambda f: normalize(f, dim=-1).mean(1), "Normalise once more"),
    (check.video_features, lambda f: normalize(f.mean(1), dim=-1), "Normalise each frame first"),
    (check.video_features, lambda f: normalize(f[:, 0], dim=-1), "one frame"),
    (check.video_features, lambda f: normalize(f[:, -1], dim=-1), "last frame"),
    (check.video_features, lambda f: normalize(normalize(f, dim=-1).amax(1), dim=-1), "largest of each"),
    (check.video_features, lambda f: video(f).detach(), "no gradient flows back"),
    (check.ink, None, "not written yet"),
    (check.ink, lambda c, w, p, s: 1 - ink(c, w, p, s), "where the stroke is not"),
    (check.ink, lambda c, w, p, s: (distances(c, p).amin(2) < w).float(), "hard edge"),
    (check.ink, lambda c, w, p, s: ink(c, w, p, 1.0), "`soft` is not used"),
    (check.ink, lambda c, w, p, s: torch.sigmoid((w - distances(c, p).mean(2)) / s), "not the mean"),
    (check.ink, lambda c, w, p, s: torch.sigmoid((w - distances(c, p).amax(2)) / s), "not the farthest"),
    (check.ink, lambda c, w, p, s: torch.sigmoid((w - distances(c, p).amin(2) ** 2) / s), "squared distance"),
    (check.ink, lambda c, w, p, s: ink(c, w, p, s).detach(), "no gradient flows back"),
    (check.sinkhorn, None, "not written yet"),
    (check.sinkhorn, lambda c, e, n: sinkhorn(-c, e, n), "what is expensive"),
    (check.sinkhorn, lambda c, e, n: sinkhorn(c, 1.0, n), "`eps` is not used"),
    (check.sinkhorn, lambda c, e, n: sinkhorn(c, 1 / e, n), "Divide"),
    (check.sinkhorn, lambda c, e, n: len(c) * sinkhorn(c, e, n), "sums to more than 1"),
    (check.sinkhorn, lambda c, e, n: c.shape[1] * sinkhorn(c, e, n), "each column sums to 1"),
    (check.sinkhorn, lambda c, e, n: (-c / e).softmax(1) / len(c), "over the prompts"),
    (check.sinkhorn, lambda c, e, n: (-c / e).softmax(0) / c.shape[1], "over the patches"),
    (check.sinkhorn, lambda c, e, n: (-c / e).exp(), "not yet scaled"),
]
