"""Lesson 14's checks: what is right passes, and usual mistakes are named."""

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401
from torchvision.ops import sigmoid_focal_loss

from lessons_lib.teaching.lesson14 import checks as check


def targets(spans, about, m, length, *, behind=0, value=1.0):
    out = torch.zeros(m, length)
    for (start, end), box in zip(spans, about):
        out[box, start : end + behind] = value
    return out


def alignment(v, e, project, s, beta, b0):
    unit = F.normalize(e, dim=-1)
    return v @ project(unit / 2).mT / s.exp() + (unit @ beta + b0)[:, None]


def focal(S, T, there, *, alpha=0.25, gamma=2.0):
    there = there[:, None].expand_as(S)
    total = sigmoid_focal_loss(S[there], T[there], alpha, gamma, reduction="sum")
    return total / T.any(dim=-1).sum().clamp(min=1)


def phrase_score(S, span, middle):
    return (S.sigmoid()[:, span[0] : span[1]].mean(dim=1) * middle.sigmoid()).sqrt()


def contrast(G, fits):
    return (way(G, fits) + way(G.T, fits.T)) / 2 / len(G)


def way(G, fits):
    return -(fits / fits.sum(dim=1, keepdim=True).clamp(min=1) * G.log_softmax(dim=1)).sum()


def first_only(spans, about, m, length):
    return targets([(a, a + 1) for a, _ in spans], about, m, length)


def too_early(spans, about, m, length):
    return targets([(a - 1, b - 1) for a, b in spans], about, m, length)


def shared(spans, about, m, length):
    found = targets(spans, about, m, length)
    return found / found.sum(dim=1, keepdim=True).clamp(min=1)


def last_alone(spans, about, m, length):
    out = torch.zeros(m, length)
    for (start, end), box in zip(spans, about):
        out[box] = 0
        out[box, start:end] = 1
    return out


def added(spans, about, m, length):
    return sum(targets([span], [box], m, length) for span, box in zip(spans, about))


def unit(e):
    return F.normalize(e, dim=-1)


RIGHT = [
    (check.targets, targets),
    (check.targets, lambda *given: targets(*given).bool()),
    (check.alignment, alignment),
    (check.focal, focal),
    (check.phrase_score, phrase_score),
    (check.contrast, contrast),
]
MISTAKES = [
    (check.targets, None, "not written yet"),
    (check.targets, lambda *given: targets(*given).T, "other way round"),
    (check.targets, shared, "divided by its sum"),
    (check.targets, lambda *given: targets(*given, behind=1), "behind the phrase"),
    (check.targets, first_only, "only the first token"),
    (check.targets, last_alone, "keeps only the last"),
    (check.targets, too_early, "one place too early"),
    (check.targets, added, "counts twice"),
    (check.targets, lambda *given: 1 - targets(*given), "exchanged"),
    (check.alignment, None, "not written yet"),
    (check.alignment, lambda v, e, W, s, b, b0: v @ W(e / 2).mT / s.exp() + (e @ b + b0)[:, None], "not of length 1"),
    (check.alignment, lambda v, *rest: alignment(unit(v), *rest), "locations are normalised too"),
    (check.alignment, lambda v, e, W, *rest: alignment(v, e, lambda x: W(2 * x), *rest), "half is missing"),
    (check.alignment, lambda v, e, W, s, *rest: alignment(v, e, W, s.log(), *rest), "not by s"),
    (check.alignment, lambda v, e, W, s, *rest: alignment(v, e, W, -s, *rest), "Divide"),
    (check.alignment, lambda v, e, W, s, *rest: alignment(v, e, W, 0 * s, *rest), r"exp\(s\) is missing"),
    (check.alignment, lambda v, e, W, s, b, b0: alignment(v, e, W, s, 0 * b, b0), "own lean"),
    (check.alignment, lambda *given: alignment(*given[:-1], 0), "b0 is missing"),
    (check.alignment, lambda *given: alignment(*given).mT, "exchanged"),
    (check.alignment, lambda *given: alignment(*given).sigmoid(), "before the sigmoid"),
    (check.alignment, lambda v, e, *rest: alignment(v, e.detach(), *rest), "gradient"),
    (check.focal, None, "not written yet"),
    (check.focal, lambda S, T, there: 2 * focal(S, T, there, alpha=0.5, gamma=0), "plain cross-entropy"),
    (check.focal, lambda S, T, there: focal(S, T, there, alpha=-1), "α is missing"),
    (check.focal, lambda S, T, there: focal(S, T, there, alpha=0.75), "wrong way round"),
    (check.focal, lambda S, T, there: focal(S, T, there, alpha=-1) / 4, "¼ everywhere"),
    (check.focal, lambda S, T, there: focal(S, T, there, gamma=1), "not squared"),
    (check.focal, lambda S, T, there: focal(S, T, there | True), "only fill up"),
    (check.focal, lambda S, T, there: sigmoid_focal_loss(S, T, reduction="mean"), "mean over all|only fill up|`focal`"),
    (check.focal, lambda S, T, there: focal(S, T, there) * T.any(-1).sum(), "that is the sum"),
    (check.focal, lambda S, T, there: focal(S, T, there) * T.any(-1).sum() / T.sum(), "number of ones"),
    (check.focal, lambda S, T, there: focal(S, T, there) * T.any(-1).sum() / T[..., 0].numel(), "all locations"),
    (check.focal, lambda S, T, there: focal(S.detach(), T, there), "gradient"),
    (check.phrase_score, None, "not written yet"),
    (check.phrase_score, lambda *given: phrase_score(*given) ** 2, "square root"),
    (check.phrase_score, lambda S, span, middle: phrase_score(S, span, 99 + middle), "centerness is missing"),
    (check.phrase_score, lambda S, p, m: (S[:, p[0] : p[1]].mean(1).sigmoid() * m.sigmoid()).sqrt(), "First the sig"),
    (check.phrase_score, lambda S, p, m: (S.sigmoid()[:, p[0] : p[1]].amax(1) * m.sigmoid()).sqrt(), "best token"),
    (check.phrase_score, lambda S, span, middle: phrase_score(S, (span[0], span[0] + 1), middle), "first token alone"),
    (check.phrase_score, lambda S, span, middle: phrase_score(S, (0, 99), middle), "over all tokens"),
    (check.phrase_score, lambda S, span, middle: phrase_score(S, (span[0], span[1] + 1), middle), "behind the phrase"),
    (check.phrase_score, lambda S, p, m: (S.sigmoid()[:, p[0] : p[1]].sum(1) * m.sigmoid()).sqrt(), "summed"),
    (check.contrast, None, "not written yet"),
    (check.contrast, lambda G, fits: way(G, fits) / len(G), "only the regions"),
    (check.contrast, lambda G, fits: way(G.T, fits.T) / len(G), "only the words"),
    (check.contrast, lambda G, fits: 2 * contrast(G, fits), "half is missing"),
    (check.contrast, lambda G, fits: contrast(G, fits) * len(G), "that is the sum"),
    (check.contrast, lambda G, fits: (way(G, fits) / len(G) + way(G.T, fits.T) / len(G.T)) / 2, "number of words"),
    (check.contrast, lambda G, fits: F.binary_cross_entropy_with_logits(G, fits.float()), "words compete"),
    (check.contrast, lambda G, fits: contrast(G.detach(), fits), "gradient"),
]
