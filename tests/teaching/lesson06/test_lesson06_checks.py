"""Lesson 06's checks: they pass what is right, and name the usual mistakes."""

import torch
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.metrics import paired_difference
from lessons_lib.teaching.lesson06 import checks as check


def append(x, prompts):
    return torch.cat([x, prompts.expand(len(x), -1, -1)], dim=1)


def replace(x, prompts):
    return append(x[:, : -len(prompts)], prompts)


def couple(texts, weights, biases):
    return texts @ weights.transpose(1, 2) + biases[:, None]


def count(d, wide, b, depth, shared):
    return depth * b * d + (1 if shared else depth) * (d * wide + wide)


def better(first, second):
    difference = paired_difference([first[seed] for seed in first], [second[seed] for seed in first])
    return "first" if difference.low > 0 else "second" if difference.high < 0 else "cannot tell"


def by_place(first, second):
    return better(dict(enumerate(first.values())), dict(enumerate(second.values())))


def by_mean(first, second):
    return "first" if sum(first.values()) > sum(second.values()) else "second"


RIGHT = [
    (check.with_prompts, (append, replace)),
    (check.couple, (couple,)),
    (check.couple, (lambda *parts: list(couple(*parts)),)),
    (check.maple_parameters, (count,)),
    (check.better, (better,)),
]


MISTAKES = [
    (check.with_prompts, (..., replace), "not written yet"),
    (check.with_prompts, (lambda x, p: None, replace), "missing return"),
    (check.with_prompts, (lambda x, p: torch.cat([p.expand(len(x), -1, -1), x], 1), replace), "in front of"),
    (check.with_prompts, (replace, replace), "rows were lost"),
    (check.with_prompts, (lambda x, p: append(x, p)[0], replace), "should have the shape"),
    (check.with_prompts, (append, append), "old prompts are still there"),
    (check.with_prompts, (append, lambda x, p: torch.cat([p.expand(len(x), -1, -1), x[:, len(p) :]], 1)), "last"),
    (check.with_prompts, (append, lambda x, p: append(x[:, : -len(p)], p + x[0, -len(p) :])), "differs|added"),
    (
        check.with_prompts,
        (append, lambda x, p: torch.cat([x[:, : -len(p)], x[:, -len(p) :] + p], 1)),
        "added to",
    ),
    (check.couple, (lambda t, w, b: t @ w.transpose(1, 2),), "bias is missing"),
    (check.couple, (lambda t, w, b: [x @ v.T + c for x, v, c in zip(t, w, b)],), "every depth uses it"),
    (check.couple, (lambda t, w, b: ...,), "not written yet"),
    (check.maple_parameters, (lambda d, v, b, j, s: count(d, v - 1, b, j, s),), "it should be"),
    (check.maple_parameters, (lambda d, v, b, j, s: j * b * d + (1 if s else j) * d * v,), "a bias as well"),
    (check.maple_parameters, (lambda d, v, b, j, s: (1 if s else j) * (d + 1) * v,), "projections alone"),
    (check.maple_parameters, (lambda d, v, b, j, s: count(d, v, b, j, s) + j * b * v,), "they are not learned"),
    (check.maple_parameters, (lambda d, v, b, j, s: b * d + (1 if s else j) * (d + 1) * v,), "of its own"),
    (check.maple_parameters, (lambda d, v, b, j, s: count(d, v, b, j, False),), "one projection"),
    (check.better, (by_place,), "Pair the runs by their seed"),
    (check.better, (by_mean,), "holds 0"),
    (check.better, (lambda first, second: 1.5,), "should return one of"),
]
