"""Checks of lesson 17's exercises: the mean of frames, strokes with a gradient, and the transport of prompts."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lessons_lib.teaching.checks import answer_of, drawn, explain, right, same, same_gradients
from lessons_lib.teaching.lesson17 import strokes


def _video(frames: Tensor) -> Tensor:
    return normalize(normalize(frames, dim=-1).mean(dim=1), dim=-1)


def video_features(student: Callable) -> None:
    """`video_features(frames)`: (N, T, D) of any length -> (N, D), of length 1."""
    for n, t, d in ((3, 5, 8), (4, 4, 4), (2, 1, 6)):
        frames = drawn(n, t, d, seed=t) * torch.linspace(0.3, 4, t)[:, None]
        unit, name = normalize(frames, dim=-1), f"video_features of {n} films with {t} frames"
        got, expected = answer_of(student, frames, name="video_features"), _video(frames)
        if t > 1:
            hints = {
                "the mean of unit vectors is shorter than 1. Normalise once more.": unit.mean(1),
                "long frames count more than others. Normalise each frame first.": normalize(frames.mean(1), dim=-1),
                "that is one frame. All of them should speak.": unit[:, 0],
                "that is the last frame. All of them should speak.": unit[:, -1],
                "that keeps the largest of each number. The mean is wanted.": normalize(unit.amax(1), dim=-1),
            }  # fmt: skip
            if n == t == d:
                hints["that is the mean over films. Frames are dim=1."] = normalize(unit.mean(0), dim=-1)
            explain(got, expected, hints, name=name)
        same(got, expected, name=name)
        same_gradients(student, _video, frames, name=name)
    right("video_features: one vector a film, of length 1, and every frame has one voice.")


def _ink(control: Tensor, width: Tensor, pixels: Tensor, soft: float) -> Tensor:
    points = strokes.curves(control)
    far = (pixels[:, None, None] - points).square().sum(-1).add(1e-12).sqrt()
    return torch.sigmoid((width - far.amin(2)) / soft)


def ink(student: Callable) -> None:
    """`ink(control, width, pixels, soft)` -> (pixels, S): how much of each stroke covers each pixel."""
    for count, soft in ((3, 0.1), (1, 0.05), (5, 0.3)):
        control, pixels = 0.5 * drawn(count, 3, 2, seed=count), strokes.pixels(6)
        width, name = torch.linspace(0.1, 0.3, count), f"ink of {count} strokes, soft={soft:g}"
        got = answer_of(student, control, width, pixels, soft, name="ink")
        line = strokes.curves(control)
        far = torch.cdist(pixels, line.flatten(0, 1)).view(len(pixels), count, -1)
        mistakes = {
            "the ink is where the stroke is not. Inside, the distance is smaller than the width.":
                torch.sigmoid((far.amin(2) - width) / soft),
            "a hard edge has no gradient. Let a sigmoid soften it.": (far.amin(2) < width).float(),
            "`soft` is not used: divide by it before the sigmoid.": torch.sigmoid(width - far.amin(2)),
            "take the nearest point of the curve, not the mean of all.": torch.sigmoid((width - far.mean(2)) / soft),
            "take the nearest point of the curve, not the farthest.": torch.sigmoid((width - far.amax(2)) / soft),
            "that is the squared distance. Take its root.": torch.sigmoid((width - far.amin(2) ** 2) / soft),
        }  # fmt: skip
        expected = _ink(control, width, pixels, soft)
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name, rtol=1e-3, atol=1e-4)
        same_gradients(student, _ink, control, width, pixels, soft, name=name, learned=(0, 1))
    right("ink: soft strokes. Whatever looks at the picture can now say where a stroke should go.")


def _plan(cost: Tensor, eps: float, steps: int) -> Tensor:
    kernel = (-cost / eps).exp()  # (M, P)
    m, p = kernel.shape
    u, v = torch.ones(m), torch.ones(p)
    for _ in range(steps):
        u = (1 / m) / (kernel @ v)
        v = (1 / p) / (kernel.T @ u)
    return u[:, None] * kernel * v


def sinkhorn(student: Callable) -> None:
    """`sinkhorn(cost, eps, steps)`: (M, P) -> a plan (M, P): rows sum to 1/M, columns to 1/P."""
    for m, p, eps in ((6, 3, 0.1), (9, 1, 0.2), (4, 4, 0.5), (5, 2, 1.0)):
        cost = drawn(m, p, seed=m).abs()
        name, steps = f"sinkhorn of {m} patches and {p} prompts, eps={eps:g}", 100
        got = answer_of(student, cost, eps, steps, name="sinkhorn")
        mistakes = {
            "what is expensive gets the most. The kernel is exp of MINUS cost / eps.": _plan(-cost, eps, steps),
            "`eps` is not used.": _plan(cost, 1.0, steps),
            "multiply by `eps`? Divide: a small eps makes a sharp plan.": _plan(cost, 1 / eps, steps),
            "the whole plan sums to more than 1: rows should sum to 1/M, columns to 1/P.": m * _plan(cost, eps, steps),
            "each column sums to 1. All of them together should.": p * _plan(cost, eps, steps),
            "that is a softmax over the prompts: a prompt may get nothing.": (-cost / eps).softmax(1) / m,
            "that is a softmax over the patches: a patch may get nothing.": (-cost / eps).softmax(0) / p,
            "that is the kernel, not yet scaled to the sums.": (-cost / eps).exp(),
        }  # fmt: skip
        expected = _plan(cost, eps, steps)
        wrong = {said: value for said, value in mistakes.items() if not torch.allclose(value, expected, atol=1e-4)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name, rtol=1e-3)
    right("sinkhorn: every patch is served, every prompt gets its share.")
