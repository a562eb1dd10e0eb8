"""Lesson 05's checks: they pass what is right, and name the usual mistakes."""

import math

from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.metrics import paired_difference
from lessons_lib.teaching.lesson05 import checks as check


def net(f, w1, b1, w2, b2):
    return (f @ w1.T + b1).relu() @ w2.T + b2


def texts(images, classes, batch_size, per_image):
    return classes * (images if per_image else math.ceil(images / batch_size))


def better(a, b):
    difference = paired_difference(a, b)
    return "a" if difference.low > 0 else "b" if difference.high < 0 else "neither"


RIGHT = [
    (check.meta_net, net),
    (check.harmonic, lambda b, n: 2 * b * n / (b + n) if b + n else 0.0),
    (check.texts_per_epoch, texts),
    (check.which_is_better, better),
]


def highest_mean(a, b):
    return "a" if sum(a) > sum(b) else "b"


def nan_reads_as_real(a, b):
    difference = paired_difference(a, b)
    return "neither" if difference.low <= 0 <= difference.high else "a" if difference.mean > 0 else "b"


MISTAKES = [
    (check.meta_net, lambda f, w1, b1, w2, b2: (f @ w1.T + b1) @ w2.T + b2, "between the two layers is missing"),
    (check.meta_net, lambda *args: net(*args).relu(), "behind the second layer"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1, 0 * b1, w2, b2), "first bias"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1, b1, w2, 0 * b2), "second bias"),
    (check.meta_net, lambda *args: net(*args).T, "exchanged"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1.T, b1, w2, b2), "stopped with RuntimeError"),
    (check.meta_net, lambda *args: ..., "not written yet"),
    (check.harmonic, lambda b, n: (b + n) / 2, "plain mean"),
    (check.harmonic, lambda b, n: math.sqrt(b * n), "geometric"),
    (check.harmonic, lambda b, n: b * n / (b + n), "Is the 2 missing"),
    (check.harmonic, lambda b, n: 2 * b * n / (b + n), "ZeroDivisionError"),
    (check.texts_per_epoch, lambda i, c, b, per_image: i * c, "once a step"),
    (check.texts_per_epoch, lambda i, c, b, per_image: math.ceil(i / b) * c, "B × C texts"),
    (check.texts_per_epoch, lambda i, c, b, per_image: c * (i if per_image else i // b), "round the steps up"),
    (
        check.texts_per_epoch,
        lambda i, c, b, per_image: texts(i, c, b, per_image) * (b if per_image else 1),
        "twice",
    ),
    (check.which_is_better, highest_mean, "holds 0"),
    (check.which_is_better, nan_reads_as_real, "One run has no interval"),
    (check.which_is_better, lambda a, b: True, "'a', 'b', 'neither'"),
]
