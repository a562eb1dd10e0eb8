"""Lesson 16's checks: what is right passes, and usual mistakes are named."""

import math

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson16 import checks as check


def decibels(frames, window, *, power=2, keep=0, log=torch.log10, axis=None, floor=-80.0):
    spectrum = torch.fft.rfft(frames * window).abs().clamp(min=1e-10) ** power
    level = 10 * log(spectrum[:, 1 - keep :].T)
    top = level.max() if axis is None else level.amax(dim=axis)
    return (level - top).clamp(min=floor)


def three_way(*logits, over=math.factorial, rows=1, columns=1):
    given = [one for one in logits if one is not None]
    own = torch.arange(len(given[0]))
    total = sum(rows * F.cross_entropy(one, own) + columns * F.cross_entropy(one.T, own) for one in given)
    return total / over(len(given))


def added(*logits):
    return three_way(sum(one for one in logits if one is not None))


def learns(name):
    return name.startswith(("audio.", "logit_scale_a"))


def cosines(waves, names, hear, read):
    return F.normalize(hear(waves), dim=1) @ F.normalize(read(names), dim=1).T


def say(waves, names, hear, read):
    return [names[k] for k in cosines(waves, names, hear, read).argmax(dim=1)]


def say_loud(waves, names, hear, read):
    return [names[k] for k in (hear(waves) @ read(names).T).argmax(dim=1)]


def between(queries, gallery):
    return F.normalize(queries, dim=1) @ F.normalize(gallery, dim=1).T


def below_the_constant(frames, window):
    level = 20 * torch.fft.rfft(frames * window).abs().T.log10()
    return (level - level.max()).clamp(min=-80)[1:]


def zero_for_itself(queries, gallery, same):
    cosines = between(queries, gallery)
    return (cosines * (1 - torch.eye(len(cosines))) if same else cosines).argmax(dim=1)


def nearest(queries, gallery, same):
    found = between(queries, gallery)
    return (found - 9 * torch.eye(len(found)) if same else found).argmax(dim=1)


def always_without_itself(queries, gallery, same):
    found = between(queries, gallery)
    return (found - 9 * torch.eye(*found.shape)).argmax(dim=1)


def the_long_ones(queries, gallery, same):
    found = queries @ gallery.T
    return (found - 999 * torch.eye(len(found)) if same else found).argmax(dim=1)


RIGHT = [
    (check.decibels, decibels),
    (check.three_way, three_way),
    (check.learns, learns),
    (check.learns, lambda name: name.split(".")[0] in ("audio", "logit_scale_ai", "logit_scale_at")),
    (check.say, say),
    (check.nearest, nearest),
]
MISTAKES = [
    (check.decibels, None, "not written yet"),
    (check.decibels, lambda frames, window: decibels(frames, window, keep=1), "193 rows"),
    (check.decibels, below_the_constant, "sought with it"),
    (check.decibels, lambda frames, window: decibels(frames, window).T, "transpose"),
    (check.decibels, lambda frames, window: decibels(frames, 1 + 0 * window), "window is missing"),
    (check.decibels, lambda frames, window: decibels(frames, window, power=1), "its square"),
    (check.decibels, lambda frames, window: decibels(frames, window, log=torch.log), "natural logarithm"),
    (check.decibels, lambda frames, window: decibels(frames, window, axis=0), "its own loudest cell"),
    (check.decibels, lambda frames, window: decibels(frames, window, floor=-999), "clamp it"),
    (check.decibels, lambda frames, window: (frames * window).abs(), "decibels"),
    (check.three_way, None, "not written yet"),
    (check.three_way, added, "The losses are added"),
    (check.three_way, lambda *given: three_way(*given, columns=0), "only rows look"),
    (check.three_way, lambda *given: three_way(*given, rows=0), "only columns look"),
    (check.three_way, lambda *given: three_way(*given, over=lambda n: 1), "that is the sum"),
    (check.three_way, lambda *given: three_way(*given, over=lambda n: 2 * n), "mean of all cross-entropies"),
    (check.three_way, lambda *given: three_way(*given, over=lambda n: 6), "6 whatever"),
    (check.three_way, lambda *given: three_way(*given, over=lambda n: n), "has its factorial"),
    (check.three_way, lambda a, b, c: three_way(a @ a, b, c), "stopped with|`three_way"),
    (check.three_way, lambda *given: three_way(*given).detach(), "gradient"),
    (check.learns, None, "not written yet"),
    (check.learns, lambda name: name.startswith(("audio.", "logit_scale")), "pictures with texts"),
    (check.learns, lambda name: name.startswith("audio."), "scale of a pair with sounds"),
    (check.learns, lambda name: not learns(name), "learns with the audio tower|CLIP's"),
    (check.learns, lambda name: "visual" not in name, "stands still|frozen"),
    (check.learns, lambda name: "audio" in name or "a" in name, "stands still|frozen"),
    (check.learns, lambda name: int(learns(name)), "True or False"),
    (check.say, None, "not written yet"),
    (check.say, say_loud, "long texts win"),
    (check.say, lambda *given: cosines(*given).argmax(dim=1), "returns numbers"),
    (check.say, lambda waves, names, h, r: [names[k] for k in cosines(waves, names, h, r).argmin(dim=1)], "fits worst"),
    (check.say, lambda waves, names, h, r: [names[0]] * len(waves), "say, "),
    (check.say, lambda waves, names, h, r: say(waves, names, h, r)[::-1], "say, "),
    (
        check.say,
        lambda w, names, h, r: [names[k % len(names)] for k in cosines(w, names, h, r).argmax(0)],
        "each sound",
    ),
    (check.nearest, None, "not written yet"),
    (check.nearest, lambda queries, gallery, same: nearest(queries, gallery, False), "finds itself"),
    (check.nearest, zero_for_itself, "a 0 there"),
    (check.nearest, always_without_itself, "diagonal is left out"),
    (check.nearest, the_long_ones, "longest vectors win"),
    (check.nearest, lambda queries, gallery, same: between(queries, gallery).argmin(dim=1), "farthest"),
    (check.nearest, lambda queries, gallery, same: between(queries, gallery).amax(dim=1), "cosines|whole numbers"),
    (check.nearest, lambda queries, gallery, same: between(queries, gallery).argmax(dim=0), "of each row"),
]
