"""Checks of lesson 14's exercises: which token is whose, S, its focal loss, a phrase's score, GLIPv2's contrast."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.methods.parts.alignment import token_targets
from lessons_lib.teaching.checks import answer_of, drawn, explain, right, same, same_gradients

ALPHA, GAMMA = 0.25, 2.0


def _through(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return x @ weight.T + bias


TARGETS = (  # spans (first, behind the last), whose box each is about, boxes, tokens
    ([(1, 2), (4, 7)], [1, 0], 2, 9),
    ([(1, 3), (5, 6), (7, 9)], [2, 0, 2], 4, 11),
    ([(2, 4), (2, 4)], [0, 1], 3, 6),
    ([(1, 4), (2, 3)], [0, 0], 2, 6),
)


def targets(student: Callable) -> None:
    """`targets(spans, about, m, length)` -> (m, length), 1 where a token is of a phrase about the box."""
    for spans, about, m, length in TARGETS:
        name = f"targets of {len(spans)} phrases and {m} boxes"
        ranges = [range(*span) for span in spans]
        got = answer_of(student, spans, about, m, length, name="targets")
        expected = token_targets(ranges, about, m, length)
        exclusive, inclusive, first, early, twice = (torch.zeros(m, length) for _ in range(5))
        for (start, end), box in zip(spans, about):
            exclusive[box] = 0
            exclusive[box, start:end] = 1
            inclusive[box, start : end + 1] = 1
            first[box, start] = 1
            early[box, start - 1 : end - 1] = 1
            twice[box, start:end] += 1
        mistakes = {
            "rows are boxes and columns tokens; this is the other way round.": expected.T,
            "each row is divided by its sum. A token belongs to the box or not: all of them are 1.":
                expected / expected.sum(dim=1, keepdim=True).clamp(min=1),
            "the token behind the phrase is counted too: a span ends before its second number.": inclusive,
            "only the first token of each phrase is there. All its tokens belong to it.": first,
            "a box with two phrases keeps only the last. Both are about it.": exclusive,
            "a token of two phrases about one box counts twice. It belongs to the box or not: 1.": twice,
            "everything stands one place too early. The start token is number 0, and the spans know it.": early,
            "0 and 1 are exchanged.": 1 - expected,
        }  # fmt: skip
        told = got.float() if isinstance(got, Tensor) and got.dtype in (torch.bool, torch.long) else got
        wrong = {said: value for said, value in mistakes.items() if not torch.equal(value, expected)}
        explain(told, expected, wrong, name=name)
        same(told, expected, name=name)
    right("targets: names of classes and phrases of a caption, one kind of target.")


def aligned(v: Tensor, e: Tensor, project: Callable, s: Tensor, beta: Tensor, b0: Tensor) -> Tensor:
    unit = F.normalize(e, dim=-1)
    return v @ project(unit / 2).mT / s.exp() + (unit @ beta + b0)[..., None, :]


def alignment(student: Callable) -> None:
    """`alignment(v, e, project, s, beta, b0)` -> (n, A, L)."""
    for n, places, tokens, width, seed in ((2, 5, 3, 4, 0), (1, 3, 4, 6, 1), (3, 4, 4, 5, 2)):
        v, e = drawn(n, places, width, seed=seed), 3 * drawn(n, tokens, width, seed=seed + 10)
        project = partial(_through, weight=drawn(width, width, seed=seed + 20), bias=drawn(width, seed=seed + 30))
        s, beta, b0 = torch.tensor(0.7), drawn(width, seed=seed + 40), torch.tensor(-4.6)
        given = (v, e, project, s, beta, b0)
        unit, name = F.normalize(e, dim=-1), f"alignment of {places} locations and {tokens} tokens"
        got, expected = answer_of(student, *given, name="alignment"), aligned(*given)
        lean = (unit @ beta + b0)[:, None]
        mistakes = {
            "the token states are not of length 1 yet: ê is e, normalised over its last dimension.":
                v @ project(e / 2).mT / s.exp() + (e @ beta + b0)[:, None],
            "the locations are normalised too. v stays as long as it is; only ê is a unit vector.":
                F.normalize(v, dim=-1) @ project(unit / 2).mT / s.exp() + lean,
            "half is missing: W gets ê / 2.": v @ project(unit).mT / s.exp() + lean,
            "divide by exp(s), not by s.": v @ project(unit / 2).mT / s + lean,
            "multiplied by exp(s)? Divide.": v @ project(unit / 2).mT * s.exp() + lean,
            "exp(s) is missing.": v @ project(unit / 2).mT + lean,
            "the token's own lean, ê · β, is missing.": v @ project(unit / 2).mT / s.exp() + b0,
            "b0 is missing. Without it every pair fits by one half at the start.": expected - b0,
            "everything is divided by exp(s). The lean and b0 are not.":
                (v @ project(unit / 2).mT + lean) / s.exp(),
            "locations and tokens are exchanged: a row is a location.": expected.mT,
            "these are probabilities already. The loss wants what comes before the sigmoid.": expected.sigmoid(),
        }  # fmt: skip
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
        same_gradients(student, aligned, *given, name="alignment", learned=(0, 1, 3, 4, 5))
    right("alignment: S compares every location with every token, values and gradients.")


def focused(S: Tensor, T: Tensor, there: Tensor) -> Tensor:
    p = S.sigmoid()
    fits = T * p + (1 - T) * (1 - p)
    each = (ALPHA * T + (1 - ALPHA) * (1 - T)) * (1 - fits) ** GAMMA
    cross = F.binary_cross_entropy_with_logits(S, T, reduction="none")
    return (each * cross * there[:, None]).sum() / T.any(dim=-1).sum().clamp(min=1)


def focal(student: Callable) -> None:
    """`focal(S, T, there)` -> a scalar: over tokens that are there, by the locations that speak of something."""
    name = "focal"
    for n, places, tokens, absent in ((2, 6, 5, 2), (1, 4, 3, 0), (3, 5, 6, 1)):
        S, there = 2 * drawn(n, places, tokens, seed=tokens), torch.arange(tokens) < torch.full((n, 1), tokens)
        there[0, tokens - absent :] = False
        T = (drawn(n, places, tokens, seed=places) > 0.6).float() * there[:, None]
        T[:, 0] = 0  # this location speaks of nothing
        p, cross = S.sigmoid(), F.binary_cross_entropy_with_logits(S, T, reduction="none")
        fits, alpha = T * p + (1 - T) * (1 - p), ALPHA * T + (1 - ALPHA) * (1 - T)
        kept, speaking = there[:, None], T.any(dim=-1).sum()
        got, expected = answer_of(student, S, T, there, name=name), focused(S, T, there)
        each = alpha * (1 - fits) ** GAMMA * cross
        mistakes = {
            "that is the plain cross-entropy: (1 − q)² is missing, and α.": (cross * kept).sum() / speaking,
            "α is missing: ¼ where the target is 1, ¾ where it is 0.":
                ((1 - fits) ** GAMMA * cross * kept).sum() / speaking,
            "α is ¼ everywhere. It is ¾ where the target is 0.":
                ((1 - fits) ** GAMMA * cross * kept).sum() * ALPHA / speaking,
            "α is the wrong way round: ¼ belongs to targets of 1.":
                ((1 - alpha) * (1 - fits) ** GAMMA * cross * kept).sum() / speaking,
            "(1 − q) is not squared.": (alpha * (1 - fits) * cross * kept).sum() / speaking,
            "q is squared in place of 1 − q: what is known already would count most.":
                (alpha * fits**GAMMA * cross * kept).sum() / speaking,
            "tokens that only fill up are counted.": each.sum() / speaking,
            "that is the mean over all pairs. Divide by the locations that speak of something.":
                (each * kept).sum() / (kept.expand_as(each)).sum(),
            "divided by all locations. Only those with a 1 in their row count.": (each * kept).sum() / (n * places),
            "divided by the number of ones. Divide by the locations that have one: a long phrase is still one.":
                (each * kept).sum() / T.sum(),
            "that is the sum: divide by the locations that speak of something.": (each * kept).sum(),
        }  # fmt: skip
        wrong = {said: value for said, value in mistakes.items() if not torch.allclose(value, expected, rtol=1e-3)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
        same_gradients(student, focused, S, T, there, name=name)
    nothing = answer_of(student, S, 0 * T, there, name=name)
    same(nothing, focused(S, 0 * T, there), name="focal, where no location speaks",
         hint="Divide by at least 1 (.clamp(min=1)).")  # fmt: skip
    right("focal: what is known already counts little, and what only fills up not at all.")


def phrase_score(student: Callable) -> None:
    """`phrase_score(S, span, middle)` -> (A,): √(mean over the phrase's tokens of σ(S) · σ(middle))."""
    for places, tokens, (start, end) in ((6, 7, (2, 5)), (4, 5, (1, 2)), (5, 8, (4, 8))):
        S, middle, name = 2 * drawn(places, tokens, seed=tokens), drawn(places, seed=places), "phrase_score"
        got, fits = answer_of(student, S, (start, end), middle, name=name), S.sigmoid()
        mean, centre = fits[:, start:end].mean(dim=1), middle.sigmoid()
        expected = (mean * centre).sqrt()
        mistakes = {
            "the square root is missing.": mean * centre,
            "the centerness is not taken through the sigmoid: `middle` are logits.": (mean * middle).sqrt(),
            "the centerness is missing.": mean.sqrt(),
            "that is the mean of the logits, through the sigmoid. First the sigmoid, then the mean.":
                (S[:, start:end].mean(dim=1).sigmoid() * centre).sqrt(),
            "that is the best token. A phrase's score is the mean of all its tokens.":
                (fits[:, start:end].amax(dim=1) * centre).sqrt(),
            "that is the phrase's first token alone.": (fits[:, start] * centre).sqrt(),
            "the mean goes over all tokens, not only those of the phrase.": (fits.mean(dim=1) * centre).sqrt(),
            "the tokens are summed. Their mean keeps long phrases comparable.":
                (fits[:, start:end].sum(dim=1) * centre).sqrt(),
            "the token behind the phrase is counted too.": (fits[:, start : end + 1].mean(dim=1) * centre).sqrt(),
        }  # fmt: skip
        near = {said: v for said, v in mistakes.items() if not torch.allclose(v.nan_to_num(), expected, rtol=1e-3)}
        explain(got, expected, near, name=name)
        same(got, expected, name=name)
    right("phrase_score: does it fit all of the phrase, and is this its middle?")


def both_ways(G: Tensor, fits: Tensor) -> Tensor:
    total = G.new_zeros(())
    for each, fit in ((G, fits), (G.T, fits.T)):
        shares = fit / fit.sum(dim=1, keepdim=True).clamp(min=1)
        total = total - (shares * each.log_softmax(dim=1)).sum()
    return total / 2 / max(1, len(G))


CONTRASTS = (  # regions, words, what fits
    (4, 3, [(0, 0), (1, 0), (2, 1), (2, 2), (3, 1)]),
    (3, 5, [(0, 1), (1, 1), (1, 2), (2, 4)]),
    (2, 2, [(0, 1)]),
)


def contrast(student: Callable) -> None:
    """`contrast(G, fits)` -> a scalar: GLIPv2's, regions against words and words against regions."""
    name = "contrast"
    for regions, words, pairs in CONTRASTS:
        G, fits = 2 * drawn(regions, words, seed=words), torch.zeros(regions, words, dtype=torch.bool)
        fits[tuple(zip(*pairs))] = True
        got, expected = answer_of(student, G, fits, name=name), both_ways(G, fits)
        rows = fits / fits.sum(dim=1, keepdim=True).clamp(min=1)
        columns = fits.T / fits.T.sum(dim=1, keepdim=True).clamp(min=1)
        one, other = -(rows * G.log_softmax(dim=1)).sum(), -(columns * G.T.log_softmax(dim=1)).sum()
        hard = -(fits * G.log_softmax(dim=1)).sum() - (fits.T * G.T.log_softmax(dim=1)).sum()
        mistakes = {
            "only the regions look for their words. Words look for their regions too.": one / regions,
            "only the words look for their regions. Regions look for their words too.": other / regions,
            "half is missing: it is the mean of the two ways.": (one + other) / regions,
            "the targets do not sum to 1: a region of two words shares itself between them.": hard / 2 / regions,
            "that is the sum: divide by the number of regions.": (one + other) / 2,
            "the words' way is divided by the number of words. Both are divided by that of regions.":
                (one / regions + other / words) / 2,
            "that is the focal loss's sigmoid, pair by pair. Here a softmax lets words compete.":
                F.binary_cross_entropy_with_logits(G, fits.float()),
        }  # fmt: skip
        wrong = {said: value for said, value in mistakes.items() if not torch.allclose(value, expected, rtol=1e-3)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name, hint="Are there rows in which nothing fits? They add 0.")
        same_gradients(student, both_ways, G, fits, name=name)
    right("contrast: all regions against all words of a batch, both ways.")
