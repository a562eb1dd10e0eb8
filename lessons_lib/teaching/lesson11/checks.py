"""Checks of lesson 11's exercises: three ways through a last block, the pixel-text loss, a told class, and a block."""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.teaching.checks import (
    answer_of,
    difference,
    drawn,
    explain,
    of_unit,
    require,
    right,
    same,
    same_gradients,
)

WAYS = ("attention", "value", "correlative")
IGNORE = 255


def attended(student: Callable) -> None:
    """`attended(q, k, v, way)`: (N, h, L, e) each -> (N, h, L, e)."""
    for n, heads, rows, width in ((2, 3, 5, 4), (1, 2, 7, 9), (3, 1, 4, 16)):
        q, k, v = (2 * drawn(n, heads, rows, width, seed=seed) for seed in (rows, width, 1))
        for way in WAYS:
            name = f"attended(q, k, v, {way!r}) of {rows} rows, {width} wide"
            got, expected = answer_of(student, q, k, v, way, name="attended"), _attended(q, k, v, way)
            wrong = {hint: value for hint, value in _wrong_ways(q, k, v, way).items() if difference(value, expected)}
            explain(got, expected, wrong, name=name)
            same(got, expected, name=name)
            same_gradients(partial(_by, student, way), partial(_by, _attended, way), q, k, v, name="attended")
    right("attended: CLIP's own way, MaskCLIP's and SCLIP's, values and gradients.")


def _by(function: Callable, way: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = function(q, k, v, way)
    return out + 0 * (q.sum() + k.sum() + v.sum())  # a way that does not look at q or k has a gradient of 0


def _shares(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.mT / math.sqrt(a.shape[-1])).softmax(dim=-1)


def _attended(q: Tensor, k: Tensor, v: Tensor, way: str) -> Tensor:
    if way == "value":
        return v
    return _shares(q, k) @ v if way == "attention" else (_shares(q, q) + _shares(k, k)) @ v


def _wrong_ways(q: Tensor, k: Tensor, v: Tensor, way: str) -> dict[str, Tensor]:
    sharp = [(a @ b.mT).softmax(dim=-1) for a, b in ((q, k), (q, q), (k, k))]
    across = [(a @ b.mT / math.sqrt(q.shape[-1])).softmax(dim=-2) for a, b in ((q, k), (q, q), (k, k))]
    if way == "value":
        return {
            "here no patch looks at another: each keeps its own value.": _shares(q, k) @ v,
            "that is the mean of all patches' values. Each keeps its own.": v.mean(dim=-2, keepdim=True).expand_as(v),
            "those are the queries. The value path keeps v.": q,
            "those are the keys. The value path keeps v.": k,
        }
    scale = "divide by √e, the root of a row's width, before the softmax."
    rows = "each row's shares have to sum to 1: the softmax is over the last dimension."
    if way == "attention":
        return {
            scale: sharp[0] @ v,
            rows: across[0] @ v,
            "queries ask keys: q kᵀ. You have k qᵀ.": _shares(k, q) @ v,
            "that is the value path. Here every row looks at all.": v,
            "those are two ways in the place of one: this one is q kᵀ.": (_shares(q, q) + _shares(k, k)) @ v,
        }
    both = (q @ q.mT + k @ k.mT) / math.sqrt(q.shape[-1])
    return {
        scale: (sharp[1] + sharp[2]) @ v,
        rows: (across[1] + across[2]) @ v,
        "two softmaxes are added, not the scores inside one.": both.softmax(dim=-1) @ v,
        "the two are added, not averaged.": (_shares(q, q) + _shares(k, k)) @ v / 2,
        "the queries are half of it: add the keys' part.": _shares(q, q) @ v,
        "the keys are half of it: add the queries' part.": _shares(k, k) @ v,
        "likes meet likes here: q with q, and k with k.": _shares(q, k) @ v,
        "one is q with k, which this way leaves out.": (_shares(q, k) + _shares(k, q)) @ v,
    }


def pixel_loss(student: Callable) -> None:
    """`pixel_loss(features, texts, masks)` -> a scalar: the mean cross-entropy of the pixels that have a class."""
    for n, width, side, labels, size in ((2, 6, 4, 3, 8), (3, 5, 3, 7, 9), (1, 4, 4, 2, 16)):
        features = F.normalize(drawn(n, width, side, side, seed=size), dim=1)
        texts = F.normalize(drawn(labels, width, seed=labels), dim=1)
        masks = torch.randint(labels, (n, size, size), generator=torch.Generator().manual_seed(size))
        masks[:, :2], masks[0, :, :3] = IGNORE, IGNORE
        name = f"pixel_loss of {n} pictures and {labels} labels, {side} × {side} to {size} × {size}"
        got = answer_of(student, features, texts, masks, name="pixel_loss")
        expected = _pixel_loss(features, texts, masks)
        wrong = {hint: value for hint, value in _wrong_losses(features, texts, masks).items() if _far(value, expected)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
        each = (of_unit(loss, 0, dim=1) for loss in (student, _pixel_loss))
        same_gradients(*each, features, texts, masks, name="pixel_loss")
    right("pixel_loss: values and gradients. Text is the classifier, and nothing else.")


def _planes(features: Tensor, texts: Tensor, tau: float = 0.07) -> Tensor:
    return torch.einsum("ndhw,kd->nkhw", features, texts) / tau


def _pixel_loss(features: Tensor, texts: Tensor, masks: Tensor) -> Tensor:
    return _of_planes(_planes(features, texts), masks)


def _of_planes(planes: Tensor, masks: Tensor, reduction: str = "mean", **how) -> Tensor:
    how = {"mode": "bilinear", "align_corners": False} if not how else how
    planes = F.interpolate(planes, size=masks.shape[-2:], **how)
    return F.cross_entropy(planes, masks, ignore_index=IGNORE, reduction=reduction)


def _wrong_losses(features: Tensor, texts: Tensor, masks: Tensor) -> dict[str, Tensor]:
    planes, there = _planes(features, texts), masks != IGNORE
    each = _of_planes(planes, masks, "none")  # (n, H, W), 0 where there is no class
    small = masks[:, :: masks.shape[1] // planes.shape[2], :: masks.shape[2] // planes.shape[3]]
    small = small[:, : planes.shape[2], : planes.shape[3]]
    return {
        "divide the cosines by τ = 0.07.": _of_planes(_planes(features, texts, 1.0), masks),
        "cosines are divided by τ, not multiplied.": _of_planes(_planes(features, texts, 1 / 0.07), masks),
        "τ is 0.07 here; you have CLIP's own, 0.01.": _of_planes(_planes(features, texts, 0.01), masks),
        "pixels without a class (255) are no background: leave them out.": _of_planes(planes, masks * there),
        "the mean is over the pixels that have a class; you divide by all pixels.": each.mean(),
        "that is the sum over pixels; take the mean.": each.sum(),
        "each picture counts the same there; each pixel should.": (each.sum((1, 2)) / there.sum((1, 2))).mean(),
        "to the masks' size the planes go bilinear, not by repeating the nearest.": _of_planes(
            planes, masks, mode="nearest"
        ),
        "align_corners=True shifts the map: use False.": _of_planes(planes, masks, mode="bilinear", align_corners=True),
        "cross_entropy takes logits; yours went through a softmax before.": _of_planes(planes.softmax(dim=1), masks),
        "enlarge the planes; you have shrunk the masks.": F.cross_entropy(planes, small, ignore_index=IGNORE),
        "the sign: the loss is low where the right text is near.": -_of_planes(planes, masks),
    }


def told(student: Callable) -> None:
    """`told(planes, mask, c)` -> (pixels right, pixels that are c or were taken for it)."""
    for labels, size in ((4, 8), (6, 5), (3, 12)):
        planes = drawn(labels, size, size, seed=labels)
        mask = torch.randint(labels, (size, size), generator=torch.Generator().manual_seed(size))
        for c in range(1, labels):
            name = f"told(planes, mask, {c}) of {labels} labels, {size} × {size}"
            got = answer_of(student, planes, mask, c, name="told")
            require(
                got.shape == (2,) if isinstance(got, Tensor) else isinstance(got, tuple | list) and len(got) == 2,
                f"`{name}` should return two numbers: pixels right, and pixels that are c or were taken for it.",
            )
            said, there = planes[c] > planes[0], mask == c
            expected = _pair((said & there).sum(), (said | there).sum())
            best = planes.argmax(dim=0) == c
            mistakes = {
                "only two labels are in the game: c and the background, plane 0.": ((best & there), (best | there)),
                "the second number is a union: pixels in both count once.": ((said & there), said.sum() + there.sum()),
                "pixels that were wrongly taken for c belong to the second number, too.": ((said & there), there),
                "pixels of c that were missed belong to the second number, too.": ((said & there), said),
                "count the pixels that are c AND were taken for it.": (said, (said | there)),
                "you count the background's pixels as right, too.": ((said == there), (said | there)),
                "it is c where c's plane is above the background's.": ((~said & there), (~said | there)),
                "the union comes second.": ((said | there), (said & there)),
                "c's plane should be above the background's, not above 0.": (
                    (planes[c] > 0) & there,
                    (planes[c] > 0) | there,
                ),
            }
            wrong = {hint: _pair(*(part.sum() for part in parts)) for hint, parts in mistakes.items()}
            wrong = {hint: value for hint, value in wrong.items() if not torch.equal(value, expected)}
            try:
                numbers = _pair(*got)
            except (TypeError, ValueError, RuntimeError):
                numbers = got
            explain(numbers, expected, wrong, name=name)
            same(numbers, expected, name=name)
    right("told: two labels, one IoU. A picture is asked whether, not which.")


def _pair(first: object, second: object) -> Tensor:
    return torch.tensor([float(first), float(second)])


def smoothed(student: Callable) -> None:
    """`smoothed(planes, conv, depth)`: (n, K, h, w) -> the same, behind a bottleneck block."""
    for n, labels, size, depth in ((2, 3, 6, 1), (1, 5, 7, 2), (2, 4, 5, 3)):
        planes, conv = drawn(n, labels, size, size, seed=depth), _conv(depth)
        name = f"smoothed of {labels} labels, depth {depth}"
        with torch.no_grad():
            got, expected = answer_of(student, planes, conv, depth, name="smoothed"), _smoothed(planes, conv, depth)
            wrong = {hint: _smoothed(planes, conv, depth, **how) for hint, how in _WRONG_BLOCKS.items()}
            wrong = {hint: value for hint, value in wrong.items() if difference(value, expected)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
        run = (lambda x, function=function, conv=conv, depth=depth: function(x, conv, depth)
               for function in (student, _smoothed))  # fmt: skip
        same_gradients(*run, planes, name="smoothed")
    right("smoothed: ten numbers for any number of labels, in any order.")


_WRONG_BLOCKS = {
    "the last pass has no activation.": {"always": True},
    "between two passes stands a leaky ReLU.": {"never": True},
    "the maximum over the labels is missing.": {"top": False},
    "the maximum is of what comes in, before the convolution.": {"late": True},
    "the maximum is over the labels (dim=1), not over pixels.": {"pixels": True},
    "one pass was made; there are `depth` of them.": {"once": True},
    "the activation is leaky: F.leaky_relu.": {"hard": True},
    "add the maximum; do not take the larger of the two.": {"larger": True},
}


def _smoothed(planes: Tensor, conv: nn.Module, depth: int, *, always: bool = False, never: bool = False,
              top: bool = True, late: bool = False, pixels: bool = False, once: bool = False, hard: bool = False,
              larger: bool = False) -> Tensor:  # fmt: skip
    for left in reversed(range(1 if once else depth)):
        each = torch.stack([conv(plane[:, None])[:, 0] for plane in planes.unbind(1)], dim=1)
        of = each if late else planes
        strongest = of.amax(dim=(2, 3) if pixels else 1, keepdim=True)
        planes = torch.maximum(each, strongest) if larger else each + strongest if top else each
        if (left or always) and not never:
            planes = F.relu(planes) if hard else F.leaky_relu(planes)
    return planes


def _conv(seed: int) -> nn.Conv2d:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Conv2d(1, 1, 3, padding=1)


def _far(value: Tensor, expected: Tensor) -> bool:
    return bool(difference(value, expected))
