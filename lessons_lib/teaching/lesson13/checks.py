"""Checks of lesson 13's exercises: what CLIP sees of a region, logits with a background, distillation, the ensemble."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lessons_lib.teaching.checks import answer_of, drawn, explain, of_unit, require, right, same, same_gradients

WIDER = 1.5
KNOWN = 2 / 3  # the exponent of the head that knows a class better


def widened(boxes: Tensor, by: float = WIDER) -> Tensor:
    """boxes: (R, 4): left, top, right, bottom -> (R, 4), `by` times as wide and high around their middles."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, by * (boxes[:, 2:] - boxes[:, :2]) / 2
    return torch.cat([middle - half, middle + half], dim=1)


def _seen(boxes: Tensor, mix: Tensor) -> Tensor:
    """In the place of CLIP: a vector of length 1 a box."""
    return normalize((boxes @ mix).sin(), dim=-1)


def teacher(student: Callable) -> None:
    """`teacher(see, boxes)` -> (R, D): unit(see(boxes) + see(boxes 1.5 times as wide and high))."""
    for count, dim in ((5, 8), (3, 4), (1, 6)):
        corner, sides = 40 * drawn(count, 2, seed=dim).abs(), 20 + 30 * drawn(count, 2, seed=count).abs()
        boxes, see = torch.cat([corner, corner + sides], dim=1), partial(_seen, mix=drawn(4, dim, seed=7) / 20)
        name = f"teacher of {count} boxes"
        got, near, far = answer_of(student, see, boxes, name="teacher"), see(boxes), see(widened(boxes))
        at = boxes[:, :2]
        mistakes = {
            "the sum is right, but its rows are not of length 1: normalise it, dim=-1.": near + far,
            "the mean is not of length 1 either: normalise it, dim=-1.": (near + far) / 2,
            "the columns are normalised. A region is a row: dim=-1.": normalize(near + far, dim=0),
            "that is the tight crop alone.": near,
            "that is the wide crop alone.": far,
            "the wide box grows to the right and down. Keep its middle where it is.":
                normalize(near + see(torch.cat([at, at + WIDER * sides], dim=1)), dim=-1),
            "every coordinate is multiplied, so the box also moves away. Keep its middle where it is.":
                normalize(near + see(WIDER * boxes), dim=-1),
            "1.5 is for width and height, not for the area.": normalize(near + see(widened(boxes, WIDER**0.5)), dim=-1),
            "that box is twice as wide: half a width is added on both sides. A quarter is.":
                normalize(near + see(widened(boxes, 2)), dim=-1),
        }  # fmt: skip
        expected = normalize(near + far, dim=-1)
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
    right("teacher: what CLIP sees of a region, with some of what is around it.")


def with_background(e: Tensor, b: Tensor, texts: Tensor, tau: float) -> Tensor:
    return torch.cat([e @ normalize(b, dim=0)[:, None], e @ texts.T], dim=1) / tau


def logits(student: Callable) -> None:
    """`logits(e, b, texts, tau)` -> (R, 1 + C): the background first."""
    for count, classes, dim, tau in ((5, 3, 8, 0.01), (2, 4, 4, 0.5), (1, 6, 5, 0.1)):
        e, texts = (normalize(drawn(n, dim, seed=n), dim=-1) for n in (count, classes))
        b, name = 3 * drawn(dim, seed=dim), f"logits of {count} regions and {classes} classes, tau={tau:g}"
        got, expected = answer_of(student, e, b, texts, tau, name="logits"), with_background(e, b, texts, tau)
        unit = normalize(b, dim=0)
        mistakes = {
            "the background is missing: one logit more than there are classes.": expected[:, 1:],
            "the background stands last. It is number 0, as the labels have it.": expected.roll(-1, dims=1),
            "b is not of length 1 yet, so its logit may be as large as it likes.": torch.cat(
                [e @ b[:, None], e @ texts.T], dim=1
            )
            / tau,
            "tau is missing: divide by it.": expected * tau,
            "multiplied by tau? Divide: a small tau makes large logits.": expected * tau**2,
            "these are probabilities. The loss wants what comes before the softmax.": expected.softmax(dim=1),
            "the background's logit is not divided by tau.": torch.cat([e @ unit[:, None], e @ texts.T / tau], dim=1),
        }
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
        each = (of_unit(one, 0) for one in (student, with_background))
        same_gradients(*each, e, b, texts, tau, name="logits", learned=(0, 1))
    right("logits: a region is compared with texts, and with a vector for all the rest.")


def l1(e: Tensor, v: Tensor, there: Tensor) -> Tensor:
    return (e - v)[there].abs().sum() / there.sum().clamp(min=1)


def distillation(student: Callable) -> None:
    """`distillation(e, v, there)` -> a scalar: Σ_d |e_rd − v_rd|, the mean over the regions that are there."""
    name = "distillation"
    for count, dim, absent in ((6, 8, 2), (4, 5, 0), (3, 16, 1)):
        e, v = (normalize(drawn(count, dim, seed=seed), dim=-1) for seed in (count, dim))
        there = torch.arange(count) < count - absent
        v, off = v * there[:, None], (e - v * there[:, None]).abs()
        got, expected = answer_of(student, e, v, there, name=name), l1(e, v, there)
        mistakes = {
            "that is the mean over dimensions, which is what F.l1_loss takes: D times too weak. Sum over them.":
                off[there].mean(),
            "that is F.l1_loss: the mean over dimensions too, and over rows that only fill up.": off.mean(),
            "rows that only fill up are counted. Leave them out, of the sum and of the number.": off.sum(1).mean(),
            "rows that only fill up are left out of the sum, but counted in the mean.": off[there].sum() / count,
            "that is the sum over regions. It is their mean: otherwise full pictures weigh more.": off[there].sum(),
            "that is the squared distance. It is the absolute one: L1.": off[there].square().sum() / there.sum(),
            "that is the length of the difference (L2). L1 sums |e − v| over the dimensions.":
                off[there].square().sum(1).sqrt().mean(),
            "the differences are summed with their signs, and cancel. Take |e − v|.": (e - v)[there].sum(1).mean(),
            "that is 1 − cosine. It is the sum of |e − v|.": 1 - (e * v).sum(1)[there].mean(),
        }  # fmt: skip
        wrong = {said: value for said, value in mistakes.items() if not torch.allclose(value, expected, rtol=1e-3)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
        same_gradients(student, l1, e, v, there, name=name)
    none = answer_of(student, e, v, torch.zeros(count, dtype=torch.bool), name=name)
    require(
        bool(torch.as_tensor(none) == 0),
        "`distillation` of a batch without a region has to be 0: divide by at least 1 (.clamp(min=1)).",
    )
    right("distillation: summed over dimensions, a mean over regions, and nothing from those that are not there.")


def blended(p_text: Tensor, p_image: Tensor, is_base: Tensor) -> Tensor:
    of_text = torch.where(is_base, KNOWN, 1 - KNOWN)
    return p_text**of_text * p_image ** (1 - of_text)


def ensemble(student: Callable) -> None:
    """`ensemble(p_text, p_image, is_base)` -> (R, C): geometric means, weighted by who knows the class."""
    for count, classes in ((5, 3), (4, 4), (2, 6)):
        p_text, p_image = (drawn(count, classes, seed=seed).softmax(dim=1) for seed in (count, classes + 20))
        is_base, name = torch.arange(classes) % 3 != 1, f"ensemble of {count} regions and {classes} classes"
        got, expected = answer_of(student, p_text, p_image, is_base, name="ensemble"), blended(p_text, p_image, is_base)
        mine = torch.where(is_base, KNOWN, 1 - KNOWN)
        mistakes = {
            "base and novel are exchanged. The text's head learned base classes, so it has 2/3 there.":
                blended(p_text, p_image, ~is_base),
            "the two heads are exchanged.": blended(p_image, p_text, is_base),
            "every class is taken for a base class. Novel ones have the exponents the other way round.":
                blended(p_text, p_image, torch.ones_like(is_base)),
            "that is the arithmetic mean. The exponents make a geometric one: powers, multiplied.":
                mine * p_text + (1 - mine) * p_image,
            "both exponents are the same. They are 2/3 and 1/3.": (p_text * p_image).sqrt(),
            "the rows are brought to the sum 1. They stay as they are: what is left of 1 says “background”.":
                expected / expected.sum(dim=1, keepdim=True),
        }  # fmt: skip
        if count == classes:
            mistakes["`is_base` is read along the regions. It is one a class, along dim=1."] = blended(
                p_text.T, p_image.T, is_base
            ).T
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
    right("ensemble: each head speaks loudest where it knows more.")
