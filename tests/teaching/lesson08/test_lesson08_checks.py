"""Lesson 08's checks: they pass what is right, and name the usual mistakes."""

from functools import partial

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson08 import checks as check


def near(texts, t, power=2):
    distances = (2 - 2 * texts @ texts.T).clamp(min=0).sqrt()
    return (-t * distances**power).exp()


def potential(texts, t):
    return (-t * torch.pdist(texts).square()).exp().mean()


def all_pairs(texts, t):
    count = len(texts)
    return ((-t * (2 - 2 * texts @ texts.T)).exp().sum() - count) / (count * (count - 1))


def means(f, y, C):
    return torch.stack([f[y == c].mean(dim=0) for c in range(C)])


def one_hot(f, y, C):
    members = F.one_hot(y, C).float()
    return members.T @ f / members.sum(dim=0)[:, None]


def sums(f, y, C):
    return F.one_hot(y, C).float().T @ f


def intra(z, s, y):
    return (z - s[y]).square().mean()


def frozen_visual(prompts, *rest, **wrong):
    return check._train([prompts[0]], lambda own, rows: rest[0]([*own, prompts[1].detach()], rows), *rest[1:])


def without_return(*arguments):
    check._train(*arguments)


RIGHT = [
    (check.prototypes, means),
    (check.prototypes, one_hot),
    (check.intra, intra),
    (check.intra, lambda z, s, y: F.mse_loss(z, s[y])),
    (check.potential, potential),
    (check.potential, all_pairs),
    (check.train, check._train),
]

MISTAKES = [
    (check.prototypes, lambda f, y, C: ..., "not written yet"),
    (check.prototypes, lambda f, y, C: F.normalize(means(f, y, C), dim=1), "length 1"),
    (check.prototypes, sums, "those are sums"),
    (check.prototypes, lambda f, y, C: sums(f, y, C) / len(f), "not of its own"),
    (check.prototypes, lambda f, y, C: f.mean(dim=0).expand(C, -1), "mean of all images"),
    (check.prototypes, lambda f, y, C: torch.stack([f[y == c][0] for c in range(C)]), "one image of each"),
    (check.prototypes, lambda f, y, C: means(f, y, C)[y], "a row for each class"),
    (check.intra, lambda z, s, y: intra(z, F.normalize(s, dim=1), y), "do not normalise"),
    (check.intra, lambda z, s, y: (z - s[y]).square().sum(dim=1).mean(), "paper's form"),
    (check.intra, lambda z, s, y: (z - s[y]).square().sum(), "sum over all"),
    (check.intra, lambda z, s, y: (z - s[y]).norm(dim=1).mean(), "take its square"),
    (check.intra, lambda z, s, y: (z[:, None] - s).square().mean(), "You took all"),
    (check.intra, lambda z, s, y: -intra(z, s, y), "the sign"),
    (check.intra, lambda z, s, y: (1 - (z * s[y]).sum(dim=1)).mean(), "cosine"),
    (check.intra, lambda z, s, y: intra(z.detach(), s, y), "no gradient"),
    (check.potential, lambda w, t: ..., "not written yet"),
    (check.potential, lambda w, t: near(w, t).mean(), "with itself"),
    (check.potential, lambda w, t: (near(w, t).sum() - len(w)) / len(w) ** 2, "number of pairs"),
    (check.potential, lambda w, t: near(w, t).sum() - len(w), "the sum over pairs; take"),
    (check.potential, lambda w, t: (-t * torch.pdist(w).square()).exp().sum(), "each once"),
    (check.potential, lambda w, t: (-t * torch.pdist(w)).exp().mean(), "square of the distance"),
    (check.potential, lambda w, t: (t * torch.pdist(w).square()).exp().mean(), "exponent is negative"),
    (check.potential, lambda w, t: potential(w, 1.0), "`t` is not used"),
    (check.potential, lambda w, t: (-t * torch.pdist(w).square().mean()).exp(), "exponential of a mean"),
    (check.potential, lambda w, t: potential(w, t).log(), "logarithm"),
    (check.potential, lambda w, t: (-t * torch.pdist(w).square()).exp(), "should be one number"),
    (check.potential, lambda w, t: potential(w.detach(), t), "no gradient"),
    (check.train, frozen_visual, "visual prompts have not moved"),
    (check.train, partial(check._train, careful=False), "careful"),
    (check.train, partial(check._train, cosine=False), "along the cosine"),
    (check.train, partial(check._train, momentum=0.0), "momentum is 0.9"),
    (check.train, partial(check._train, decay=0.0), "decay is 5e-4"),
    (check.train, partial(check._train, forgets=False), "zero_grad"),
    (check.train, without_return, "missing return"),
]
