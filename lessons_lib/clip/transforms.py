"""From pictures to what a model's image tower takes: its own size, interpolation, mean and standard deviation."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision.transforms import (
    Compose,
    InterpolationMode,
    Normalize,
    RandomHorizontalFlip,
    RandomResizedCrop,
    ToTensor,
)
from torchvision.transforms.functional import to_pil_image

from lessons_lib.rgb import as_rgb


class Preprocess(Compose):
    """PIL.Image -> (3, S, S): made upright RGB by `as_rgb`, the shorter edge resized, centre crop, normalised.

    Its name in caches is that of what follows after RGB: for pictures of a split, which are RGB, that is all.
    """

    def __call__(self, image: Image.Image) -> torch.Tensor:
        return super().__call__(as_rgb(image))

    def __repr__(self) -> str:
        return repr(Compose(self.transforms))


@dataclass(frozen=True)
class Transforms:
    """The transforms of one model, made from open_clip's `preprocess_cfg` (size, mean, std, interpolation, …)."""

    config: PreprocessCfg
    preprocess: Callable = field(init=False)  # PIL.Image -> (3, S, S), of any mode: see `Preprocess`

    def __post_init__(self) -> None:
        object.__setattr__(self, "preprocess", Preprocess(image_transform_v2(self.config, is_train=False).transforms))

    @property
    def size(self) -> tuple[int, int]:
        size = self.config.size
        return (size, size) if isinstance(size, int) else tuple(size)

    def make_augment(self, scale: tuple[float, float] = (0.08, 1.0)) -> Callable:
        """PIL.Image -> (3, S, S): the training transform that CoOp and its followers published.

        A random crop of `scale` of the area, resized as the model resizes, a horizontal flip half of the time,
        normalised. Tip-Adapter crops at scale (0.5, 1). Random numbers come from torch's generator.
        """
        low, high = scale
        if not 0 < low <= high <= 1:
            raise ValueError(f"scale={scale} must be two fractions of the area, such as (0.08, 1.0)")
        interpolation = (
            InterpolationMode.BILINEAR if self.config.interpolation == "bilinear" else InterpolationMode.BICUBIC
        )
        return Compose(
            [
                _to_rgb,
                RandomResizedCrop(self.size, scale=(low, high), interpolation=interpolation),
                RandomHorizontalFlip(),
                ToTensor(),
                Normalize(self.config.mean, self.config.std),
            ]
        )

    def preprocess_tensor(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, 3, H, W) uint8 -> (N, 3, S, S) float32 on the same device: the values that `preprocess` gives.

        Quick where the images already have the model's size; otherwise each is resized through PIL, like `preprocess`.
        """
        if (
            not isinstance(images, torch.Tensor)
            or images.ndim != 4
            or images.shape[1] != 3
            or images.dtype != torch.uint8
        ):
            raise ValueError(f"preprocess_tensor takes uint8 images (N, 3, H, W), not {describe(images)}")
        if tuple(images.shape[2:]) != self.size:
            resized = [self.preprocess(to_pil_image(image)) for image in images.cpu()]
            return (
                torch.stack(resized).to(images.device)
                if resized
                else images.new_empty(0, 3, *self.size, dtype=torch.float)
            )
        mean = torch.tensor(self.config.mean, device=images.device).view(3, 1, 1)
        std = torch.tensor(self.config.std, device=images.device).view(3, 1, 1)
        return images.float().div_(255).sub_(mean).div_(std)

    def __repr__(self) -> str:
        """Names everything that changes a pixel: caches of features use it as part of their key."""
        c = self.config
        return f"Transforms({self.size}, {c.mean}, {c.std}, {c.interpolation}, {c.resize_mode}, {c.fill_color})"


def check_images(images: object, size: tuple[int, int], patch: tuple[int, int] | None = None) -> None:
    """Raises ValueError, with what to do, for what is not (N, 3, *size) float; patch: for sides that are no multiples
    of it, in place of `size`."""
    expected = (3, *size)
    wanted = f"encode_images takes preprocessed images, (N, {', '.join(map(str, expected))}) float"
    if not isinstance(images, torch.Tensor):
        raise ValueError(
            f"{wanted}; got {describe(images)}: stack them with torch.stack([clip.preprocess(i) for i in images])"
        )
    if not images.is_floating_point():
        raise ValueError(f"{wanted}; got {describe(images)}: pass them through clip.preprocess_tensor first")
    if images.shape == expected:
        raise ValueError(f"{wanted}; got one image, {describe(images)}: add a dimension with images[None]")
    if patch and images.ndim == 4 and images.shape[1] == 3:
        if any(side == 0 or side % by for side, by in zip(images.shape[2:], patch)):
            raise ValueError(f"the sides of images must be multiples of the patch, {patch}; got {describe(images)}")
    elif images.ndim != 4 or tuple(images.shape[1:]) != expected:
        raise ValueError(f"{wanted}; got {describe(images)}: pass pictures through clip.preprocess first")


def describe(images: object) -> str:
    """What something is, in the words of an error: "a (2, 3, 8, 8) tensor of torch.uint8", "a list of 3 Image"."""
    if isinstance(images, torch.Tensor):
        return f"a {tuple(images.shape)} tensor of {images.dtype}"
    if isinstance(images, list | tuple) and images:
        return f"a {type(images).__name__} of {len(images)} {type(images[0]).__name__}"
    return f"a {type(images).__name__}"


def _to_rgb(image: Image.Image) -> Image.Image:  # kept features and checkpoints go by this name
    return as_rgb(image)
