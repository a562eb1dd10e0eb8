"""Views of pictures, drawn at random for a whole batch at once: what self-supervised learning compares (SimCLR, Chen et
al., ICML 2020, appendix A; with the settings of SLIP, Mu et al., ECCV 2022).

    a part of the picture, resized → colours jittered → grey → blurred → turned round      each with its own probability

`draw_views` gives what torchvision's functions give picture by picture, for the same numbers. Cropping, turning and
blurring are linear along rows and along columns, so each is two products of matrices; each colour operation is done at
once for all pictures whose turn it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

TRIES = 10  # crops that are thought of before the whole picture is taken
GREY = (0.2989, 0.587, 0.114)  # of red, green and blue
AT = 224  # pixels of the pictures for which blurs are given


@dataclass(frozen=True)
class View:
    """How one view is drawn; the defaults are those of SLIP's two for self-supervision. 0 leaves a step out.

    scale, ratio: of the part's area, and width by height.   jitter: how far brightness, contrast and saturation go from
    1, and hue from 0 (in turns, at most 0.5), in an order of each picture's own.   sigma: of the blur, in pixels of a
    picture of 224; a smaller one is blurred by so much less.   jittered, grey, blurred, turned: probabilities.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)
    jittered: float = 0.8
    grey: float = 0.2
    blurred: float = 0.5
    sigma: tuple[float, float] = (0.1, 2.0)
    turned: float = 0.5


SSL_VIEW = View()
CLIP_VIEW = View(scale=(0.5, 1.0), jittered=0.0, grey=0.0, blurred=0.0, turned=0.0)


class Numbers(NamedTuple):
    """What was drawn for a view of N pictures, a row a picture."""

    box: Tensor  # (N, 4) top, left, height, width, in pixels
    turned: Tensor  # (N,) bool: left is right
    jittered: Tensor  # (N,) bool
    order: Tensor  # (N, 4) which of brightness, contrast, saturation and hue comes first, second, …
    factors: Tensor  # (N, 4) of these
    grey: Tensor  # (N,) bool
    blurred: Tensor  # (N,) bool
    sigma: Tensor  # (N,) pixels


def draw_views(
    images: Tensor, views: Sequence[View], *, seed: int | tuple[int, ...], size: int | None = None
) -> Tensor:
    """images: (N, 3, H, W) uint8 -> (N, V, 3, S, S) uint8, on the images' device; S: `size`, or else H.

    The same seed draws the same, and each view has numbers of its own. Raises ValueError for images of another shape or
    dtype.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != torch.uint8:
        raise ValueError(f"draw_views takes (N, 3, H, W) uint8; got {tuple(images.shape)} {images.dtype}")
    size = images.shape[2] if size is None else size
    out = torch.empty(len(images), len(views), 3, size, size, dtype=torch.uint8, device=images.device)
    x = images.float() / 255
    for k, view in enumerate(views):
        rng = np.random.default_rng([*(seed if isinstance(seed, tuple) else (seed,)), k])
        numbers = draw_numbers(view, len(images), tuple(images.shape[2:]), size, rng)
        out[:, k] = (seen(x, numbers, size) * 255).round_()
    return out


def draw_numbers(view: View, n: int, sides: tuple[int, int], size: int, rng: np.random.Generator) -> Numbers:
    """For n pictures of these sides (H, W), which become `size` square."""
    low, high = np.array([1 - np.array(view.jitter), 1 + np.array(view.jitter)])  # (4,) each
    low[3], high[3] = -view.jitter[3], view.jitter[3]
    drawn = Numbers(
        box=boxes(view, n, sides, rng),
        turned=rng.random(n) < view.turned,
        jittered=rng.random(n) < view.jittered,
        order=rng.random((n, 4)).argsort(axis=1),
        factors=rng.uniform(low.clip(min=[0, 0, 0, -1]), high, (n, 4)),
        grey=rng.random(n) < view.grey,
        blurred=rng.random(n) < view.blurred,
        sigma=rng.uniform(*view.sigma, n) * size / AT,
    )
    return Numbers(*(torch.from_numpy(np.ascontiguousarray(each)) for each in drawn))


def boxes(view: View, n: int, sides: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(n, 4) top, left, height, width: area and the ratio's logarithm uniform, the first of ten that fits; where none
    does, the largest in the middle whose ratio is allowed."""
    height, width = sides
    area = height * width * rng.uniform(*view.scale, (n, TRIES))
    ratio = np.exp(rng.uniform(*np.log(view.ratio), (n, TRIES)))
    w, h = np.sqrt(area * ratio).round(), np.sqrt(area / ratio).round()  # (n, TRIES)
    fits = (w >= 1) & (w <= width) & (h >= 1) & (h <= height)
    first = np.arange(n), fits.argmax(axis=1)
    w, h = w[first], h[first]
    top, left = (rng.random((2, n)) * (height - h + 1, width - w + 1)).astype(int)
    none = ~fits.any(axis=1)
    w[none] = min(width, round(height * view.ratio[1]))
    h[none] = min(height, round(width / view.ratio[0]))
    top[none], left[none] = (height - h[none]) // 2, (width - w[none]) // 2
    return np.stack([top, left, h, w], axis=1).astype(int)


def seen(x: Tensor, numbers: Numbers, size: int) -> Tensor:
    """x: (N, 3, H, W) float, 0 to 1 -> (N, 3, size, size), likewise: the view that the numbers say."""
    n = Numbers(*(each.to(x.device) for each in numbers))
    top, left, height, width = n.box.T
    rows, columns = resizing(top, height, x.shape[2], size), resizing(left, width, x.shape[3], size)
    columns = torch.where(n.turned[:, None, None], columns.flip(1), columns)
    x = both_ways(x, rows, columns).clamp_(0, 1)  # (N, 3, S, S)
    for place in range(4):
        for what, change in enumerate((brighter, contrasted, saturated, hued)):
            (which,) = torch.where(n.jittered & (n.order[:, place] == what))
            if len(which):
                x[which] = change(x[which], n.factors[which, what].to(x.dtype)[:, None, None, None])
    if n.grey.any():
        x[n.grey] = grey_of(x[n.grey]).expand(-1, 3, -1, -1)
    if n.blurred.any():
        blur = blurring(n.sigma[n.blurred], size)
        x[n.blurred] = both_ways(x[n.blurred], blur, blur)
    return x


def both_ways(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(N, 3, H, W), (N, S, H), (N, S, W) -> (N, 3, S, S)."""
    return rows[:, None] @ x @ columns.transpose(1, 2)[:, None]


def resizing(start: Tensor, length: Tensor, side: int, size: int) -> Tensor:
    """(N, size, side): how much of each pixel of a row goes into each of the `size` that its part, `length` from
    `start` on, becomes; (N,) both. Bilinear, and where it becomes smaller averaged, as PIL does."""
    start, length = start[:, None, None].float(), length[:, None, None].float()
    pixel = torch.arange(side, device=start.device) + 0.5  # (side,) middles
    step = length / size
    middle = start + (torch.arange(size, device=start.device)[:, None] + 0.5) * step  # (N, size, 1)
    weight = (1 - (pixel - middle).abs() / step.clamp(min=1)).clamp_(min=0)
    weight = weight * ((pixel > start) & (pixel < start + length))  # nothing from beside the part
    return weight / weight.sum(dim=2, keepdim=True)


def blurring(sigma: Tensor, size: int) -> Tensor:
    """(N, size, size): Gaussian weights in a row, mirrored at its ends, of each picture's own width (N,)."""
    reach = min(max(1, int(np.ceil(4 * float(sigma.max())))), size - 1)
    offsets = torch.arange(-reach, reach + 1, device=sigma.device)
    weights = (-(offsets**2) / (2 * sigma[:, None] ** 2)).float().softmax(dim=1)  # (N, offsets)
    place = torch.arange(size, device=sigma.device) + offsets[:, None]  # (offsets, size)
    mirrored = (size - 1) - ((size - 1) - place.abs()).abs()
    shifts = torch.nn.functional.one_hot(mirrored, size).float()  # (offsets, size, size)
    return torch.einsum("nd,dos->nos", weights, shifts)


def grey_of(x: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, 1, H, W)."""
    red, green, blue = x.unbind(1)
    return (GREY[0] * red + GREY[1] * green + GREY[2] * blue)[:, None]


def blended(x: Tensor, other: Tensor | float, factor: Tensor) -> Tensor:
    """x where the factor is 1, the other where it is 0, within 0 and 1."""
    return (factor * x + (1 - factor) * other).clamp_(0, 1)


def brighter(x: Tensor, factor: Tensor) -> Tensor:
    return (factor * x).clamp_(0, 1)


def contrasted(x: Tensor, factor: Tensor) -> Tensor:
    return blended(x, grey_of(x).mean(dim=(1, 2, 3), keepdim=True), factor)


def saturated(x: Tensor, factor: Tensor) -> Tensor:
    return blended(x, grey_of(x), factor)


def hued(x: Tensor, turn: Tensor) -> Tensor:
    """The hue turned, with value and chroma as they are:  c = value − chroma · clamp(min(k, 4 − k), 0, 1),
    k = (6 · hue + 5, 3, 1 for red, green, blue) mod 6."""
    red, green, blue = x.unbind(1)  # (N, H, W) each
    value, chroma = x.amax(dim=1), x.amax(dim=1) - x.amin(dim=1)
    parts = torch.where(chroma > 0, chroma, 1.0)
    below = torch.where(green == value, 2 + (blue - red) / parts, 4 + (red - green) / parts)
    hue = torch.where(red == value, (green - blue) / parts, below)  # -1 to 5
    sixths = hue + 6 * turn[:, 0]
    k = (sixths[:, None] + torch.tensor([5.0, 3.0, 1.0], device=x.device)[:, None, None]).remainder_(6)
    return (value[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp_(0, 1)).clamp_(0, 1)
