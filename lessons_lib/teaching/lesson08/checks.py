"""Checks of lesson 08's exercises: texts' potential, how low images can get, the summed form, a margin that is gone."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from lessons_lib.methods.classify.dapt import inter_dispersion
from lessons_lib.metrics import interval, paired_difference
from lessons_lib.teaching.checks import ExerciseError, answer_of, difference, explain, require, right, same


def potential(student: Callable) -> None:
    """`potential(texts, t)` -> mean over pairs m ≠ n of exp(−t ‖w_m − w_n‖²), a scalar; texts: (C, D), of length 1."""
    name = "potential"
    for count, width, t in ((4, 2, 2.0), (7, 5, 0.5), (3, 16, 1.0)):
        texts = F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(count)), dim=1)
        call = f"{name} of {count} texts, t = {t:g}"
        got = answer_of(student, texts, t, name=name)
        square = torch.cdist(texts, texts).square().fill_diagonal_(0)  # (C, C)
        others = ~torch.eye(count, dtype=torch.bool)
        near = (-t * square).exp()  # (C, C)
        expected = inter_dispersion(texts, t=t)
        mistakes = {
            "each text is counted with itself as well, at distance 0. Leave m = n out.": near.mean(),
            "the sum leaves the texts themselves out; then divide by the number of pairs, C (C − 1).": near[
                others
            ].sum()
            / count**2,
            "that is the sum over pairs; take the mean.": near[others].sum(),
            "that is the sum over pairs, each once; take the mean.": near[others].sum() / 2,
            "take the square of the distance.": (-t * square.sqrt())[others].exp().mean(),
            "the exponent is negative: near pairs have a high potential, far ones a low one.": (t * square)[others]
            .exp()
            .mean(),
            "`t` is not used.": (-square)[others].exp().mean(),
            "that is the exponential of a mean; take the mean of exponentials.": (-t * square[others].mean()).exp(),
            "that is uniformity, the logarithm of what is asked for.": expected.log(),
            "those are cosines; the potential is of squared distances, 2 − 2 cosine.": (-t * (texts @ texts.T))[others]
            .exp()
            .mean(),
        }
        if t == 1.0:
            mistakes.pop("`t` is not used.")
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call)
    right("potential: 1 where all texts agree, and next to nothing once they are far apart.")


def floor(student: Callable) -> None:
    """`floor(prototypes, labels)` -> the least mean of ‖z_i − s_y(i)‖² that unit vectors z can have."""
    name = "floor"
    for count, images, width in ((3, 8, 4), (5, 20, 6), (2, 5, 2)):
        draw = torch.Generator().manual_seed(images)
        lengths = torch.linspace(0.4, 0.97, count)[:, None]
        prototypes = lengths * F.normalize(torch.randn(count, width, generator=draw), dim=1)  # (C, D)
        labels = torch.cat(
            [torch.arange(count), torch.zeros(images - count, dtype=torch.long)]
        )  # (N,): most of class 0
        r = prototypes.norm(dim=1)[labels]  # (N,)
        expected = (1 - r).square().mean()
        call = f"{name} of {images} images and {count} prototypes"
        got = answer_of(student, prototypes, labels, name=name)
        mistakes = {
            "0 would need images inside the sphere: z has length 1, and a prototype is shorter.": torch.tensor(0.0),
            "that is how far the images' own scatter is, 1 − ‖s‖². Where on the sphere is one nearest to s?": (
                1 - r.square()
            ).mean(),
            "that is the distance; the loss has its square.": (1 - r).mean(),
            "that is the mean over classes; the loss is the mean over images, and classes may have unlike numbers.": (
                (1 - prototypes.norm(dim=1)).square().mean()
            ),
            "that is the sum over images; take the mean.": (1 - r).square().sum(),
            "that is the square of a mean; take the mean of squares.": (1 - r).mean().square(),
            "that is the farthest that z can be, opposite the prototype.": (1 + r).square().mean(),
        }
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call)
    right("floor: reached where every image lies in its prototype's direction. The loss never gets to 0.")


def summed_betas(student: Callable) -> None:
    """`summed_betas(beta_t, beta_v, n_classes, width)` -> (β_t, β_v) of the summed form that do the same."""
    name = "summed_betas"
    for beta_t, beta_v, n_classes, width in ((1.0, 1000.0, 10, 128), (0.01, 10.0, 100, 512), (10.0, 100.0, 5, 64)):
        call = f"{name}({beta_t:g}, {beta_v:g}, {n_classes}, {width})"
        got = answer_of(student, beta_t, beta_v, n_classes, width, name=name)
        require(isinstance(got, (tuple, list)) and len(got) == 2, f"`{call}` should return two numbers, β_t and β_v.")
        pairs = n_classes * (n_classes - 1)
        for symbol, value, expected, mistakes in (
            ("β_t", got[0], beta_t / pairs, {
                "the sum is larger than the mean, so its weight has to be smaller: divide.": beta_t * pairs,
                "the sum is over ordered pairs, (m, n) and (n, m): there are C (C − 1).": beta_t / (pairs / 2),
                "no text is paired with itself: there are C (C − 1) pairs.": beta_t / n_classes**2,
                "it is still the weight of the mean.": beta_t,
            }),
            ("β_v", got[1], beta_v / width, {
                "the sum is larger than the mean, so its weight has to be smaller: divide.": beta_v * width,
                "in both forms images are averaged; only the D dimensions are summed or averaged.": beta_v
                / (width * n_classes),
                "it is still the weight of the mean.": beta_v,
            }),
        ):  # fmt: skip
            for mistake, wrong in mistakes.items():
                require(difference(value, wrong, atol=1e-9) != "", f"`{call}`: {symbol}: {mistake}")
            same(value, expected, name=f"{symbol} of {call}", atol=1e-9)
    right("summed_betas: the two forms differ by constants alone. But the constants depend on the task, so weights of "
          "one form say little about the other.")  # fmt: skip


def vanishes(student: Callable) -> None:
    """`vanishes(few, many)` -> bool; both {seed: margin in points}, at few shots and at many, in any order."""
    many = {1: 3.0, 2: 4.5, 3: 2.5, 4: 5.0, 5: 4.0}
    around = dict(zip(many, (0.3, -0.4, 0.2, 0.1, -0.3)))
    seeds_alike = {1: -9.0, 2: 6.0, 3: -12.0, 4: 12.0, 5: 0.5}  # few, where seeds move few and many alike
    wide = {1: 3.0, 2: 17.0, 3: 1.0, 4: 21.0, 5: 12.0}
    cases = {  # case -> few, many, expected, advice
        "there is a margin at many shots and none at few": (around, many, True, ""),
        "the margin turns round at few shots": ({s: -v / 2 for s, v in many.items()}, many, True, ""),
        "the seeds are listed in another order": (
            dict(sorted(seeds_alike.items(), key=lambda item: item[1])), wide, True,
            "Pair by seed, not by place in the list.",
        ),
        "there is no margin at many shots either": (
            around, dict(zip(many, (1.0, -2.0, 2.0, -1.5, 0.5))), False, "What is not there cannot vanish.",
        ),
        "few shots have less of it, but still some": (
            {s: v / 2 for s, v in many.items()}, many, False, "It shrinks, and is still above 0 beyond its interval.",
        ),
        "few shots are so noisy that nothing can be said": (
            dict(zip(many, (14.0, -9.0, 8.0, -11.0, 6.0))), many, False,
            "An interval that reaches over 0 shows no difference, and no equality either. Is `few − many` below 0 "
            "beyond its own interval?",
        ),
        "few shots have more": ({s: 2 * v for s, v in many.items()}, many, False, ""),
        "it is lower at few shots, but there was none at many": (
            {s: v - 6 for s, v in around.items()}, around, False, "There has to be a margin at many shots.",
        ),
    }  # fmt: skip
    for case, (few, at_many, expected, advice) in cases.items():
        got = answer_of(student, dict(few), dict(at_many), name="vanishes")
        if str(got) not in ("True", "False"):
            raise ExerciseError(f"`vanishes` should return True or False; it returns {got!r}.")
        change = paired_difference([few[seed] for seed in many], [at_many[seed] for seed in many])
        said = f"few: {interval(list(few.values()))}, many: {interval(list(at_many.values()))}, few − many: {change}"
        advice = advice or (
            "All three that are needed hold here." if expected else "One of the three needed fails here."
        )
        require(bool(got) == expected, f"`vanishes` says {bool(got)} where {case} ({said}). {advice}")
    right("vanishes: a margin at many shots, less at few beyond doubt, and nothing left there.")
