"""The published computation for a method of the library, with the very tensors that it learns; and how far apart."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from .cocoop import cocoop_logits
from .coop import coop_logits
from .ivlp import ivlp_logits
from .maple import maple_logits
from .text import hand_made
from .vpt import visual_prompting_logits, vpt_logits


def published_logits(method: nn.Module, images: Tensor, texts: Tensor | None = None) -> Tensor:
    """images: (N, 3, S, S) preprocessed -> (N, C).   texts: VPT's, where they are at hand."""
    clip, names, kind = method.clip, method.classnames, type(method).__name__
    if kind == "CoOp":
        return coop_logits(clip, names, method.ctx, images, method.class_token_position)
    if kind == "CoCoOp":
        return cocoop_logits(clip, names, method.ctx, method.meta_net, images)
    if kind == "VPT":
        return vpt_logits(clip, hand_made(clip, names) if texts is None else texts, method.prompts, images)
    if kind == "VisualPrompting":
        return visual_prompting_logits(clip, names, method.frame, method.width, images)
    if kind == "MaPLe":
        layers = list(method.projections) * (method.prompt_depth if method.shared_coupling else 1)
        words = " ".join(method.ctx_init.split()[method.n_ctx :])
        return maple_logits(clip, names, method.ctx, method.deep_ctx, layers, images, words=words)
    if kind == "IVLP":
        learned = dict(method.named_parameters())
        words = " ".join(method.ctx_init.split()[method.n_ctx_text :])
        return ivlp_logits(clip, names, images, words=words, **learned)
    raise ValueError(f"there is no published computation of a {kind} here")


def fast_logits(method: nn.Module, images: Tensor) -> Tensor:
    """What the library trains on: (N, C), differentiable."""
    inputs = method.image_features(images) if method.learns_from_pixels else method.clip.encode_images(images)
    return method.compare(inputs.clone())


def values_and_gradients(logits: Callable[[], Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """The logits, and for every parameter the gradient of a fixed sum of them with weights drawn at random: equal
    gradients of that, and those of every loss are equal."""
    values = logits()
    weights = torch.randn(values.shape, generator=torch.Generator().manual_seed(0)).to(values.device)
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


def assert_as_published(method: nn.Module, images: Tensor, tolerance: float = 1e-4) -> None:
    """Logits and the gradient of every learned parameter are those of the published computation."""
    names, parameters = zip(*method.named_parameters())
    found = values_and_gradients(lambda: fast_logits(method, images), parameters)
    wanted = values_and_gradients(lambda: published_logits(method, images), parameters)
    for name, gradient, parameter in zip(names, wanted[1:], parameters):
        assert parameter.numel() == 0 or gradient.abs().max() > 0, f"{name} has no gradient: nothing was compared"
    assert_same(found, wanted, ["logits", *names], tolerance)
