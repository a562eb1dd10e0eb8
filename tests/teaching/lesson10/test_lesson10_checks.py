"""Lesson 10's checks: they pass what is right, and name the usual mistakes."""

import numpy as np
import torch
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401
from scipy.stats import binomtest

from lessons_lib.teaching.lesson10 import checks as check


def copies(first, second, at_least):
    return [i for i in range(len(first)) if max(float(first[i] @ other) for other in second) >= at_least]


def surest(logits, labels, k):
    p, answer = logits.softmax(dim=1).max(dim=1)
    wrong = (answer != labels).nonzero().flatten()
    return wrong[p[wrong].argsort(descending=True)[:k]]


def by_scipy(right, total):
    low, high = binomtest(right, total).proportion_ci(method="wilson")
    return 100 * low, 100 * high


def plain(right, total):
    p = right / total
    return 100 * (p - 1.96 * (p * (1 - p) / total) ** 0.5), 100 * (p + 1.96 * (p * (1 - p) / total) ** 0.5)


def by_numpy(confidence, keep):
    refused = len(confidence) * (100 - keep) // 100
    return float(np.sort(confidence.numpy())[refused])


RIGHT = [
    (check.near_copies, copies),
    (check.near_copies, lambda a, b, t: ((a @ b.T).amax(dim=1) >= t).nonzero().flatten()),
    (check.surest_mistakes, surest),
    (check.honest_interval, by_scipy),
    (check.threshold_of, by_numpy),
]


MISTAKES = [
        (check.near_copies, lambda a, b, t: ..., "not written yet"),
        (check.near_copies, lambda a, b, t: copies(b, a, t), "rows of `second`"),
        (check.near_copies, lambda a, b, t: (a @ b.T >= t).any(1), "True and False"),
        (check.near_copies, lambda a, b, t: (a @ b.T < t).all(1).nonzero().flatten(), "without a near copy"),
        (check.near_copies, lambda a, b, t: (a @ b.T >= t).all(1).nonzero().flatten(), "any, not all"),
        (check.near_copies, lambda a, b, t: (a @ b.T >= t).nonzero(), "pairs of rows"),
        (check.near_copies, lambda a, b, t: 3, "row numbers"),
        (check.near_copies, lambda a, b, t: copies(a, b, 0.1), "near_copies"),
        (check.near_copies, lambda a, b, t: copies(a, b, 0.95), "whatever the limit"),
        (check.surest_mistakes, lambda x, y, k: None, "not written yet"),
        (check.surest_mistakes, lambda x, y, k: x.softmax(1).amax(1).argsort(descending=True)[:k], "are right"),
        (check.surest_mistakes, lambda x, y, k: surest(-x, y, k), "sort by the largest softmax"),
        (check.surest_mistakes, lambda x, y, k: surest(x, y, k).flip(0), "reversed order"),
        (
            check.surest_mistakes,
            lambda x, y, k: (x.argmax(1) != y).nonzero().flatten()[
                x.amax(1)[x.argmax(1) != y].argsort(descending=True)[:k]
            ],
            "largest logit",
        ),
        (
            check.surest_mistakes,
            lambda x, y, k: x.softmax(1).amax(1).masked_fill(x.argmax(1) == y, -1).argsort(descending=True)[:k],
            "return fewer",
        ),
        (check.honest_interval, plain, "wrong for few photos"),
        (check.honest_interval, lambda r, n: tuple(v / 100 for v in by_scipy(r, n)), "percent"),
        (check.honest_interval, lambda r, n: by_scipy(r, n)[::-1], "exchanged"),
        (check.honest_interval, lambda r, n: 100 * r / n, "two numbers"),
        (check.honest_interval, lambda r, n: (0.0, 100.0), "instead of"),
        (check.threshold_of, lambda c, keep: ..., "not written yet"),
        (check.threshold_of, lambda c, keep: keep / 100, "a confidence"),
        (check.threshold_of, lambda c, keep: torch.quantile(c, 1 - keep / 100), "between two photos"),
        (check.threshold_of, lambda c, keep: c.sort().values[-(-len(c) * keep // 100) - 1], "most confident"),
        (
            check.threshold_of,
            lambda c, keep: c.sort(descending=True).values[max(len(c) * keep // 100 - 1, 0)],
            "round up",
        ),
        (
            check.threshold_of,
            lambda c, keep: c.sort(descending=True).values[min(-(-len(c) * keep // 100), len(c) - 1)],
            "one photo more",
        ),
    ]  # fmt: skip
