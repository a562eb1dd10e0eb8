"""Checks of lesson 00's exercises: the level of chance, and a shape from its signed distance."""

from collections.abc import Callable

import torch

from lessons_lib.teaching.checks import answer_of, require, right, same, written
from lessons_lib.toyworld.shapes import SHAPES


def chance(percent: object, *, classes: int) -> None:
    """The accuracy in percent of guessing among `classes` equally frequent classes."""
    written(percent, name="chance")
    if isinstance(percent, (int, float)) and not isinstance(percent, bool):
        require(
            abs(percent - 1 / classes) > 1e-6,
            "`chance` is a share between 0 and 1. Scores are percent here, 0 to 100: multiply by 100.",
        )
        require(
            abs(percent - classes) > 1e-6,
            "`chance` is the number of classes. How often does one guess hit one of them?",
        )
        require(percent > 0, "`chance` should be above 0: even a blind guess is right now and then.")
    same(percent, 100 / classes, name="chance", rtol=0.01)
    right("chance: a score means something only beside what guessing would give.")


def ring(student: Callable) -> None:
    """`ring(x, y, radius, width)` -> the signed distance to a ring, negative on it; x, y: (H, W), two numbers."""
    x, y = torch.linspace(-1, 1, 40)[None, :], torch.linspace(-1, 1, 31)[:, None]
    x, y = x + 0 * y, y + 0 * x  # (31, 40) each
    for radius, width in ((0.6, 0.1), (0.3, 0.2), (0.8, 0.02)):
        call = f"ring(x, y, radius={radius}, width={width})"
        got = answer_of(student, x, y, radius, width, name="ring")
        distance = torch.hypot(x, y)
        expected = (distance - radius).abs() - width
        if isinstance(got, torch.Tensor) and got.is_floating_point() and got.shape == expected.shape:
            got = got.to(expected.dtype)
            hints = {
                "that is a disc, filled in the middle. The edges of a ring lie on both sides of the circle: take the "
                "absolute value of the distance to the circle, then subtract the width.": distance - radius - width,
                "that is a circle without a width: subtract `width`, so that what is near it lies inside.": expected
                + width,
                "that is a disc: `width` is not used yet.": distance - radius,
                "only half of `width` is taken off. It reaches from the middle line to either edge.": expected
                + width / 2,
                "a square root is missing in the distance from the middle: torch.hypot(x, y).": (
                    (x**2 + y**2 - radius).abs() - width
                ),
            }
            for hint, wrong in hints.items():
                require(not torch.allclose(got, wrong, atol=1e-5), f"`{call}`: {hint}")
        same(got, expected, name=call, hint="Inside the ring it should be negative, on its edges 0, outside positive.")
        ones = torch.ones_like(x)
        arc = SHAPES["arc"](x, y, radius * ones, width * ones, 180 * ones, 0 * ones)  # ToyWorld's own full ring
        same(got, arc, name=call, atol=1e-4)
    right("ring: the same distance as ToyWorld's own, so it can be painted.")
