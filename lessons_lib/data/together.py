"""Transforms that move what is to be predicted with the picture: torchvision's v2, for every kind of target.

A label stays what it is; a mask is cut, mirrored and resized like its picture, by nearest neighbours; a box is moved
and clipped to what is left of the picture.
"""

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2

from lessons_lib.clip.transforms import Transforms


def together(transform: Callable[..., Any], image: Image.Image, target: Any) -> tuple[Any, Any]:
    """(transformed image, target moved with it).

    target: a label, a `tv_tensors.Mask`, `tv_tensors.BoundingBoxes`, or dicts and lists of them.
    Raises ValueError where the target has a place in the picture and the transform does not say where that goes, and
    for a mask of another size than the picture.
    """
    if isinstance(target, tv_tensors.Mask) and tuple(target.shape[-2:]) != (image.height, image.width):
        raise ValueError(
            f"a mask of {target.shape[-1]} × {target.shape[-2]} pixels does not belong to a picture of {image.width} × "
            f"{image.height}: masks have a value for every pixel of their picture"
        )
    if isinstance(transform, v2.Transform):
        return transform(image, target)
    if isinstance(target, int):
        return transform(image), target
    raise ValueError(
        f"{transform!r} changes pictures alone, and a {type(target).__name__} has to move with them: give a transform "
        "of torchvision.transforms.v2, such as those that lessons_lib.data.together makes"
    )


def preprocess(transforms: Transforms, size: int | None = None) -> v2.Compose:
    """What the model's ``preprocess`` does, to (image, target): the same values.

    size: another edge than the model's own, for towers that take it. Raises ValueError for a model that pads.
    """
    config, edge = transforms.config, transforms.size if size is None else (size, size)
    if config.resize_mode == "longest" or (config.resize_mode == "shortest" and edge[0] != edge[1]):
        raise ValueError(f"no transform of (image, target) is known for resize_mode={config.resize_mode!r} to {edge}")
    resize = v2.Resize(list(edge) if config.resize_mode == "squash" else edge[0], _interpolation(transforms))
    return v2.Compose([v2.RGB(), resize, v2.CenterCrop(list(edge)), *_to_values(transforms)])


def augment(transforms: Transforms, scale: tuple[float, float] = (0.08, 1.0), size: int | None = None) -> v2.Compose:
    """What ``make_augment(scale)`` does, to (image, target): a random crop, resized, mirrored half of the time."""
    edge = transforms.size if size is None else (size, size)
    crop = v2.RandomResizedCrop(list(edge), scale=scale, interpolation=_interpolation(transforms))
    return v2.Compose([v2.RGB(), crop, v2.RandomHorizontalFlip(), *_to_values(transforms)])


def _interpolation(transforms: Transforms) -> InterpolationMode:
    return InterpolationMode.BILINEAR if transforms.config.interpolation == "bilinear" else InterpolationMode.BICUBIC


def _to_values(transforms: Transforms) -> list[v2.Transform]:
    config = transforms.config
    return [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(config.mean), list(config.std))]
