"""Checks of lesson 10: photos taken twice, the surest mistakes, how far a small test can be trusted, a threshold."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from lessons_lib.metrics import wilson
from lessons_lib.teaching.checks import ExerciseError, answer_of, explain, require, right, same


def near_copies(student: Callable) -> None:
    """`near_copies(first, second, at_least)` -> which rows of `first` (N, D) have a near copy in `second` (M, D)."""
    name = "near_copies"
    draw = torch.Generator().manual_seed(1)
    for n, m, at_least in ((6, 9, 0.95), (8, 5, 0.8), (4, 4, 0.999)):
        second = F.normalize(torch.randn(m, 12, generator=draw), dim=1)  # (M, D)
        first = F.normalize(torch.randn(n, 12, generator=draw), dim=1)  # (N, D)
        first[1] = F.normalize(second[3] + 0.01 * first[1], dim=0)
        first[3] = F.normalize(second[0] + 0.02 * first[3], dim=0)
        across = F.normalize(first[2] - (first[2] @ second[1]) * second[1], dim=0)
        close = {0.95: 0.9, 0.8: 0.85, 0.999: 0.99}[at_least]  # alike, and a copy for one limit of the three alone
        first[2] = close * second[1] + (1 - close**2) ** 0.5 * across
        likeness = first @ second.T  # (N, M)
        expected = (likeness >= at_least).any(dim=1).nonzero().flatten()
        got = answer_of(student, first, second, at_least, name=name)
        if not isinstance(got, (torch.Tensor, list, tuple)):
            raise ExerciseError(f"`{name}` should return row numbers, as a tensor or a list; it returns {got!r}.")
        got = torch.as_tensor(got)
        require(
            got.dtype != torch.bool,
            f"`{name}` returns True and False; which rows are they? Add .nonzero().flatten().",
        )
        mistakes = {
            "these are rows of `second`: the question is which rows of `first` have a copy there.": (
                (likeness >= at_least).any(dim=0).nonzero().flatten()
            ),
            "these are the rows without a near copy.": (likeness < at_least).all(dim=1).nonzero().flatten(),
            "these rows are like all of `second`; one near copy is enough: any, not all.": (
                (likeness >= at_least).all(dim=1).nonzero().flatten()
            ),
            "these have a cosine of 0.95 and more, whatever the limit: compare with `at_least`.": (
                (likeness >= 0.95).any(dim=1).nonzero().flatten()
            ),
            "these are pairs of rows: only those of `first` are asked for, each once.": (
                (likeness >= at_least).nonzero()
            ),
        }
        explain(got.sort().values if got.ndim == 1 else got, expected, mistakes, name=name)
        same(got.sort().values, expected, name=f"{name}(first, second, at_least={at_least})")
    right("near_copies: a test photo that was trained on, or nearly, tests memory.")


def surest_mistakes(student: Callable) -> None:
    """`surest_mistakes(logits, labels, k)` -> the k wrong ones with the highest probability, the surest first."""
    name = "surest_mistakes"
    draw = torch.Generator().manual_seed(2)
    for n, classes, k in ((12, 3, 3), (30, 5, 4), (6, 4, 10)):
        logits = 3 * torch.randn(n, classes, generator=draw) + 20 * torch.rand(n, 1, generator=draw)  # (N, C)
        labels = torch.randint(classes, (n,), generator=draw)  # (N,)
        p, answer = logits.softmax(dim=1).max(dim=1)  # (N,) each
        wrong = answer != labels

        def first(score: torch.Tensor, among: torch.Tensor, k: int = k) -> torch.Tensor:
            return score.masked_fill(~among, -torch.inf).argsort(descending=True)[: min(k, int(among.sum()))]

        expected = first(p, wrong)
        mistakes = {
            "some of these are right: look among the wrong ones alone.": first(p, torch.ones_like(wrong)),
            "these are the surest *right* answers.": first(p, ~wrong),
            "these are the least sure: sort the other way round.": first(-p, wrong),
            "these have the largest logit. One photo's logits may all be large: take the softmax first.": first(
                logits.amax(dim=1), wrong
            ),
            "the right ones fill up the end: where there are fewer than k mistakes, return fewer.": (
                p.masked_fill(~wrong, -1).argsort(descending=True)[:k]
            ),
        }
        got = answer_of(student, logits, labels, k, name=name)
        explain(got, expected, mistakes, name=name)
        hint = "Among the photos whose answer is not their label, sort by the largest softmax probability."
        same(got, expected, name=f"{name} of {n} photos, k={k}", hint=hint)
    right("surest_mistakes: the first place to look for a wrong label, and the first thing that a user would notice.")


def honest_interval(student: Callable) -> None:
    """`honest_interval(right, total)` -> (low, high), in percent: Wilson's 95 % interval."""
    name = "honest_interval"
    for hits, total in ((15, 20), (150, 200), (20, 20), (0, 5), (97, 179)):
        expected, call = list(wilson(hits, total)), f"{name}({hits}, {total})"
        got = answer_of(student, hits, total, name=name)
        require(
            isinstance(got, (tuple, list, torch.Tensor)) and len(got) == 2,
            f"`{call}` should be two numbers, low and high; it is {got!r}.",
        )
        got = [float(value) for value in got]
        share, z = hits / total, 1.96
        plain = z * (share * (1 - share) / total) ** 0.5
        mistakes = {
            "these are shares, 0 to 1: percent are a hundred times as much.": [value / 100 for value in expected],
            "low and high are exchanged.": expected[::-1],
        }
        if plain > 0:
            mistakes["that is the plain p ± z·√(p(1−p)/N), which is wrong for few photos: use the formula above."] = [
                100 * (share - plain),
                100 * (share + plain),
            ]
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call, rtol=1e-3, atol=0.01)
    right("honest_interval: even 20 of 20 right does not mean 100 %.")


def threshold_of(student: Callable) -> None:
    """`threshold_of(confidence, keep)` -> the highest threshold that accepts at least `keep` percent."""
    name = "threshold_of"
    draw = torch.Generator().manual_seed(3)
    for n, keep in ((10, 90), (37, 80), (50, 95), (8, 50), (3, 99)):
        confidence = torch.rand(n, generator=draw)
        ordered = confidence.sort(descending=True).values
        accepted = -(-n * keep // 100)
        expected, call = ordered[accepted - 1].item(), f"{name}(confidence, {keep}) of {n} photos"
        got = answer_of(student, confidence.clone(), keep, name=name)
        lowest = ordered.flip(0)
        mistakes = {
            "that is as many photos as it should refuse: count from the most confident one.": lowest[
                accepted - 1
            ].item(),
            "it accepts one photo more than it must: a higher threshold keeps enough.": ordered[
                min(accepted, n - 1)
            ].item(),
            "it accepts one photo too few. At least `keep` percent: round up, not down.": ordered[
                max(accepted - 2, 0)
            ].item(),
            "that is the share itself. The threshold is a confidence.": keep / 100,
            "that lies between two photos: take the confidence of the last one that is accepted.": torch.quantile(
                confidence, 1 - keep / 100
            ).item(),
        }
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call)
    right("threshold_of: chosen on what is known; what it does to the unknown has to be measured.")
