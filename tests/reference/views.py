"""Random views by torchvision's own functions, one picture after the other, one step after the other."""

import torch
import torchvision.transforms.functional as tv
from torch import Tensor
from torchvision.transforms import InterpolationMode

from lessons_lib.pretrain.views import Numbers

CHANGES = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)


def seen(x: Tensor, numbers: Numbers, size: int) -> Tensor:
    """(N, 3, H, W) float, 0 to 1 -> (N, 3, size, size)."""
    return torch.stack([one_seen(picture, i, numbers, size) for i, picture in enumerate(x)])


def one_seen(picture: Tensor, i: int, numbers: Numbers, size: int) -> Tensor:
    top, left, height, width = numbers.box[i].tolist()
    bilinear = InterpolationMode.BILINEAR
    picture = tv.resized_crop(picture, top, left, height, width, [size, size], bilinear, antialias=True)
    if numbers.jittered[i]:
        for what in numbers.order[i].tolist():
            picture = CHANGES[what](picture, numbers.factors[i, what].item())
    if numbers.grey[i]:
        picture = tv.rgb_to_grayscale(picture, num_output_channels=3)
    if numbers.blurred[i]:
        sigma = numbers.sigma[i].item()
        picture = tv.gaussian_blur(picture, 2 * max(1, round(6 * sigma)) + 1, sigma)
    return tv.hflip(picture) if numbers.turned[i] else picture
