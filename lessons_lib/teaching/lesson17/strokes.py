"""Strokes that a gradient can move (the idea of CLIPDraw; Frans et al., 2022), and views of a picture at random."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

SIZE, POINTS = 64, 12  # pixels; points on a curve
SOFT = 0.02  # how gradually a stroke ends, in half pictures


def curves(control: Tensor, points: int = POINTS) -> Tensor:
    """control: (S, 3, 2) start, handle and end of S strokes -> (S, points, 2) on their quadratic Bézier curves."""
    t = torch.linspace(0, 1, points)[:, None]  # (P, 1)
    start, handle, end = control[:, None].unbind(dim=2)  # each (S, 1, 2)
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * handle + t**2 * end


def pixels(size: int = SIZE) -> Tensor:
    """(size · size, 2): x and y of each pixel's middle, from -1 to 1, row by row."""
    line = (torch.arange(size) + 0.5) * 2 / size - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2)


def draw(control: Tensor, width: Tensor, colour: Tensor, size: int = SIZE) -> Tensor:
    """(3, size, size), 0 to 1: soft strokes on white, the later ones on top.

    control: (S, 3, 2), -1 to 1, y down.   width: (S,) half a stroke's width.   colour: (S, 3), 0 to 1.
    """
    far = torch.cdist(pixels(size), curves(control).flatten(0, 1)).view(size * size, len(control), POINTS)
    ink = torch.sigmoid((width - far.amin(dim=2)) / SOFT)  # (pixels, S): 1 on the stroke, 0 off it
    canvas = torch.ones(size * size, 3)
    for k in range(len(control)):
        canvas = canvas + ink[:, k : k + 1] * (colour[k] - canvas)
    return canvas.T.reshape(3, size, size)


def views(picture: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count, 3, H, W): the picture turned a little, shifted, and seen from nearer or farther, each at random."""
    angle = 0.3 * (2 * torch.rand(count, generator=generator) - 1)
    zoom = 0.7 + 0.4 * torch.rand(count, generator=generator)
    shift = 0.3 * (2 * torch.rand(count, 2, generator=generator) - 1)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    turn = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = affine_grid(turn, [count, *picture.shape], align_corners=False)
    return grid_sample(picture.expand(count, -1, -1, -1), grid, padding_mode="border", align_corners=False)


def blank(strokes: int, *, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Short strokes at random places, all three to be learned: control (S, 3, 2), width (S,), colour (S, 3)."""
    generator = torch.Generator().manual_seed(seed)
    middle = 1.2 * torch.rand(strokes, 1, 2, generator=generator) - 0.6
    control = middle + 0.25 * torch.randn(strokes, 3, 2, generator=generator)
    colour = torch.rand(strokes, 3, generator=generator)
    return tuple(each.requires_grad_() for each in (control, torch.full((strokes,), 0.06), colour))
