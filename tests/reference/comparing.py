"""How far a method is from its published computation: in values, and in the gradient of everything that it learns.

Each file beside this one that has `of_method(method, images)` gives the published logits of a method of the library,
with the very tensors that it learns.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def fast_logits(method: nn.Module, images: Tensor) -> Tensor:
    """What the library trains on: (N, C), or (N, C, S, S) for a class a pixel, differentiable."""
    if method.kind == "segment":
        return method.at_pixels(images)
    if method.learns_from_pixels:
        return method.compare(method.image_features(images))
    return method.logits_from_features(method.features(images).clone())


def values_and_gradients(logits: Callable[[], Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """The logits, and for every parameter the gradient of a fixed sum of them with weights drawn at random: equal
    gradients of that, and those of every loss are equal."""
    values = logits()
    weights = torch.randn(values.shape, generator=torch.Generator().manual_seed(0)).to(values.device)
    if not parameters:
        return [values.detach()]
    gradients = torch.autograd.grad((weights * values).sum(), parameters, allow_unused=True)
    return [values.detach()] + [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, parameters)]


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """The largest difference, in units of the largest value wanted."""
    assert found.shape == wanted.shape, f"{tuple(found.shape)} is not {tuple(wanted.shape)}"
    if wanted.numel() == 0:
        return 0.0
    return ((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-30)).item()


def assert_same(found: Sequence[Tensor], wanted: Sequence[Tensor], names: Sequence[str], tolerance: float) -> None:
    for name, one, other in zip(names, found, wanted, strict=True):
        error = relative_error(one, other)
        assert error <= tolerance, f"{name} differs from the published computation by {error:.1e}"


def assert_as_published(
    method: nn.Module, published: Callable[[nn.Module, Tensor], Tensor], images: Tensor, tolerance: float = 1e-4
) -> None:
    """Logits, and the gradient of every learned parameter, are those of the published computation."""
    names = [name for name, _ in method.named_parameters()]
    parameters = list(method.parameters())
    found = values_and_gradients(lambda: fast_logits(method, images), parameters)
    wanted = values_and_gradients(lambda: published(method, images), parameters)
    for name, gradient, parameter in zip(names, wanted[1:], parameters):
        assert parameter.numel() == 0 or gradient.abs().max() > 0, f"{name} has no gradient: nothing was compared"
    assert_same(found, wanted, ["logits", *names], tolerance)
