"""Lesson 08's checks: they pass what is right, and name the usual mistakes."""

import torch
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.metrics import interval, paired_difference
from lessons_lib.teaching.lesson08 import checks as check


def near(texts, t, power=2):
    distances = (2 - 2 * texts @ texts.T).clamp(min=0).sqrt()
    return (-t * distances**power).exp()


def potential(texts, t):
    return (-t * torch.pdist(texts).square()).exp().mean()


def all_pairs(texts, t):
    count = len(texts)
    return (near(texts, t).sum() - count) / (count * (count - 1))


def floor(prototypes, labels):
    return (1 - prototypes.norm(dim=1)[labels]).square().mean()


def summed(beta_t, beta_v, n_classes, width):
    return beta_t / (n_classes * (n_classes - 1)), beta_v / width


def parts(few, many):
    seeds = sorted(few)
    return (
        interval([few[seed] for seed in seeds]),
        interval([many[seed] for seed in seeds]),
        paired_difference([few[seed] for seed in seeds], [many[seed] for seed in seeds]),
    )


def vanishes(few, many):
    left, margin, change = parts(few, many)
    return bool(margin.low > 0 and change.high < 0 and left.low <= 0)


def over_zero(few, many):
    """What papers often do: the margin at few shots is within its interval of 0."""
    left, margin, _ = parts(few, many)
    return margin.low > 0 and left.low <= 0


def smaller(few, many):
    _, margin, change = parts(few, many)
    return margin.low > 0 and change.high < 0


def without_margin(few, many):
    left, _, change = parts(few, many)
    return change.high < 0 and left.low <= 0


def by_place(few, many):
    return vanishes(dict(enumerate(few.values())), dict(enumerate(many.values())))


RIGHT = [
    (check.potential, potential),
    (check.potential, all_pairs),
    (check.potential, lambda texts, t: float(potential(texts, t))),
    (check.floor, floor),
    (check.floor, lambda s, y: (torch.nn.functional.normalize(s, dim=1) - s)[y].square().sum(dim=1).mean()),
    (check.summed_betas, summed),
    (check.summed_betas, lambda *numbers: list(summed(*numbers))),
    (check.vanishes, vanishes),
]


MISTAKES = [
    (check.potential, lambda w, t: ..., "not written yet"),
    (check.potential, lambda w, t: near(w, t).mean(), "with itself"),
    (check.potential, lambda w, t: (near(w, t).sum() - len(w)) / len(w) ** 2, "number of pairs"),
    (check.potential, lambda w, t: near(w, t).sum() - len(w), "the sum over pairs; take"),
    (check.potential, lambda w, t: (-t * torch.pdist(w).square()).exp().sum(), "each once"),
    (check.potential, lambda w, t: (-t * torch.pdist(w)).exp().mean(), "square of the distance"),
    (check.potential, lambda w, t: (t * torch.pdist(w).square()).exp().mean(), "exponent is negative"),
    (check.potential, lambda w, t: (-2.0 * torch.pdist(w).square()).exp().mean(), "0.5.*times as much|is 0"),
    (check.potential, lambda w, t: (-torch.pdist(w).square()).exp().mean(), "`t` is not used"),
    (check.potential, lambda w, t: (-t * torch.pdist(w).square().mean()).exp(), "exponential of a mean"),
    (check.potential, lambda w, t: potential(w, t).log(), "logarithm"),
    (check.potential, lambda w, t: (-t * torch.pdist(w).square()).exp(), "should be one number"),
    (check.floor, lambda s, y: torch.tensor(0.0), "inside the sphere"),
    (check.floor, lambda s, y: (1 - s.norm(dim=1)[y] ** 2).mean(), "own scatter"),
    (check.floor, lambda s, y: (1 - s.norm(dim=1)[y]).mean(), "has its square"),
    (check.floor, lambda s, y: (1 - s.norm(dim=1)).square().mean(), "mean over classes"),
    (check.floor, lambda s, y: (1 - s.norm(dim=1)[y]).square().sum(), "the sum over images"),
    (check.floor, lambda s, y: (1 - s.norm(dim=1)[y]).mean() ** 2, "square of a mean"),
    (check.floor, lambda s, y: (1 + s.norm(dim=1)[y]).square().mean(), "farthest"),
    (check.floor, lambda s, y: None, "missing return"),
    (check.summed_betas, lambda a, b, c, d: (a * c * (c - 1), b * d), "β_t: the sum is larger"),
    (check.summed_betas, lambda a, b, c, d: (2 * a / (c * (c - 1)), b / d), "ordered pairs"),
    (check.summed_betas, lambda a, b, c, d: (a / c**2, b / d), "with itself"),
    (check.summed_betas, lambda a, b, c, d: (a, b), "still the weight"),
    (check.summed_betas, lambda a, b, c, d: (a / (c * (c - 1)), b * d), "β_v: the sum is larger"),
    (check.summed_betas, lambda a, b, c, d: (a / (c * (c - 1)), b), "β_v: it is still"),
    (check.summed_betas, lambda a, b, c, d: (a / (c * (c - 1)), b / d / c), "images are averaged"),
    (check.summed_betas, lambda a, b, c, d: a / d, "two numbers"),
    (check.vanishes, over_zero, "no equality either"),
    (check.vanishes, smaller, "still above 0"),
    (check.vanishes, without_margin, "cannot vanish|There has to be"),
    (check.vanishes, by_place, "Pair by seed"),
    (check.vanishes, lambda few, many: True, "where there is no margin at many"),
    (check.vanishes, lambda few, many: False, "All three that are needed"),
    (check.vanishes, lambda few, many: "yes", "True or False"),
]
