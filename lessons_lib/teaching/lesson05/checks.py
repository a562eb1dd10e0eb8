"""Checks of lesson 05's exercises: the meta-net, H, the texts of an epoch, and whether a difference is real."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from lessons_lib.metrics import harmonic_mean
from lessons_lib.teaching import verdicts
from lessons_lib.teaching.checks import answer_of, require, right, same


def meta_net(student: Callable) -> None:
    """`meta_net(features, w1, b1, w2, b2)` -> π (B, d): Linear, ReLU, Linear, with torch's (out, in) weights."""
    draw = torch.Generator().manual_seed(5)
    for images, joint, hidden, width in [(6, 16, 4, 10), (1, 8, 3, 8), (3, 12, 12, 12)]:
        features = F.normalize(torch.randn(images, joint, generator=draw), dim=-1)
        w1, w2 = torch.randn(hidden, joint, generator=draw), torch.randn(width, hidden, generator=draw)
        b1, b2 = torch.randn(hidden, generator=draw), torch.randn(width, generator=draw)
        got = answer_of(student, features, w1, b1, w2, b2, name="meta_net")
        inner = features @ w1.T + b1  # (B, hidden)
        expected = inner.relu() @ w2.T + b2  # (B, d)
        mistakes = {
            "the ReLU between the two layers is missing, so both together are one linear map.": inner @ w2.T + b2,
            "there is a ReLU behind the second layer too: π(x) must be able to go down as well as up.": expected.relu(),
            "the first bias is missing: features @ w1.T + b1.": (features @ w1.T).relu() @ w2.T + b2,
            "the second bias is missing: hidden @ w2.T + b2.": inner.relu() @ w2.T,
        }
        for hint, mistake in mistakes.items():
            alike = isinstance(got, torch.Tensor) and got.shape == mistake.shape and torch.allclose(got, mistake)
            require(not alike or torch.allclose(mistake, expected), hint)
        same(got, expected, name="meta_net(features, w1, b1, w2, b2)")
    right("meta_net: two small layers turn each image's embedding into a shift of the context.")


def harmonic(student: Callable) -> None:
    """`harmonic(base, new)` -> H = 2 · base · new / (base + new), 0 where both are 0."""
    for base, new in [(80.0, 60.0), (100.0, 1.0), (70.0, 70.0), (90.0, 0.0), (0.0, 0.0)]:
        got, call = answer_of(student, base, new, name="harmonic"), f"harmonic({base:.0f}, {new:.0f})"
        expected = harmonic_mean(base, new)
        if isinstance(got, (int, float)) and base != new:
            for wrong, hint in [
                ((base + new) / 2, f"`{call}` is the plain mean, which a low accuracy on one side hardly hurts."),
                ((base * new) ** 0.5, f"`{call}` is the geometric mean, the root of the product."),
                (expected / 2, f"`{call}` is half of H: a mean of two equal numbers is that number. Is the 2 missing?"),
            ]:
                require(abs(got - wrong) > 1e-6 or abs(wrong - expected) < 1e-6, hint)
        same(got, expected, name=call)
    right("harmonic: 100 and 1 make 2, where the plain mean would make 50. H is high only where both are.")


def texts_per_epoch(student: Callable) -> None:
    """`texts_per_epoch(images, classes, batch_size, per_image)` -> prompts that run through the text tower."""
    cases = [(1600, 100, 1, True), (1600, 100, 32, False), (80, 5, 32, False), (80, 5, 4, True), (7, 3, 8, False)]
    for images, classes, batch_size, per_image in cases:
        steps = -(-images // batch_size)
        expected = (images if per_image else steps) * classes
        call = f"texts_per_epoch({images}, {classes}, {batch_size}, per_image={per_image})"
        got = answer_of(student, images, classes, batch_size, per_image=per_image, name="texts_per_epoch")
        if isinstance(got, (int, float)):
            require(
                per_image or got != images * classes or images == steps,
                f"`{call}`: without a prompt of its own for every image, the C texts are encoded once a step, not once "
                "an image.",
            )
            require(
                not per_image or got != steps * classes or images == steps,
                f"`{call}`: a batch of B images asks for B × C texts here, each image for its own C.",
            )
            require(
                not (per_image and batch_size > 1 and got == steps * batch_size * batch_size * classes),
                f"`{call}`: the batch size is counted twice.",
            )
            require(
                per_image or got != images // batch_size * classes or images % batch_size == 0,
                f"`{call}`: the last batch may be smaller, and it costs a whole set of texts: round the steps up.",
            )
        same(got, expected, name=call)
    right(
        "texts_per_epoch: an epoch of 100 classes with 16 images each is 5,000 texts for CoOp in batches of 32, and "
        "160,000 for CoCoOp."
    )


def which_is_better(student: Callable) -> None:
    """`which_is_better(a, b)` -> "a", "b", or "neither" where the paired 95 % interval holds 0 or cannot be had."""
    verdicts.check(student, ("a", "b", "neither"), name="which_is_better")
