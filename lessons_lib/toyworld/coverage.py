"""Shapes as rows of numbers, and how much of each pixel each shape covers."""

import torch
from torch import Tensor

from lessons_lib.toyworld.shapes import PATTERNS, SHAPES

SIZE = 64

# One shape is one row of numbers. Lengths in half pictures, angles in radians (clockwise), colours 0 … 1.
COLUMNS = ("kind", "x", "y", "a", "b", "angle", "p", "q", "red", "green", "blue", "alpha")
COLUMNS += ("pattern", "freq", "turn", "duty", "phase", "object", "part", "copies", "orbit")
COL = {name: i for i, name in enumerate(COLUMNS)}
KIND = {name: i + 1 for i, name in enumerate(SHAPES)}  # 0: no shape
PATTERN = {name: i + 1 for i, name in enumerate(PATTERNS)}  # 0: filled evenly


def pixel_grid(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The x and y of every pixel's centre, each (size, size), from -1 (left, top) to 1."""
    at = (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size * 2 - 1
    return at[None, :].expand(size, size), at[:, None].expand(size, size)


def _fold(x: Tensor, y: Tensor, copies: Tensor, orbit: Tensor) -> tuple[Tensor, Tensor]:
    """Folds the plane so that one shape appears `copies` times on a circle of radius `orbit`, each pointing
    outwards.
    """
    sector = 2 * torch.pi / copies
    angle = torch.atan2(y, x)
    angle = angle - sector * (angle / sector).round()
    radius = torch.hypot(x, y)
    return radius * torch.cos(angle) - orbit, radius * torch.sin(angle)


def coverage(shapes: Tensor, size: int = SIZE, at: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """How much of each pixel each shape covers, before anything hides it.

    shapes: (S, len(COLUMNS)); at: x and y of the pixels that are asked for, (S, 1, W) and (S, H, 1), of a picture of
    this size; all of it if not given. Returns (S, size, size), or (S, H, W), in 0 … 1.
    """
    if at is None:
        px, py = pixel_grid(size, shapes.device)
        at = px[None, :1].expand(len(shapes), 1, size), py[None, :, :1].expand(len(shapes), size, 1)
    all_x, all_y = at
    out = shapes.new_zeros(len(shapes), all_y.shape[1], all_x.shape[2])
    kinds, patterns = shapes[:, COL["kind"]].long(), shapes[:, COL["pattern"]].long()
    for name, kind in KIND.items():
        (which,) = torch.nonzero(kinds == kind, as_tuple=True)
        if len(which) == 0:
            continue
        col = dict(zip(COL, shapes[which, :, None, None].unbind(1)))  # each (S, 1, 1)
        dx, dy = all_x[which] - col["x"], all_y[which] - col["y"]  # (S, 1, W), (S, H, 1)
        cos, sin = torch.cos(col["angle"]), torch.sin(col["angle"])
        x, y = dx * cos + dy * sin, dy * cos - dx * sin
        (many,) = torch.nonzero(col["copies"][:, 0, 0] > 0, as_tuple=True)
        if len(many):
            x[many], y[many] = _fold(x[many], y[many], col["copies"][many], col["orbit"][many])
        distance = SHAPES[name](x, y, col["a"], col["b"], col["p"], col["q"])
        out[which] = (0.5 - distance * (size / 2)).clamp_(0, 1) * col["alpha"]
    for name, pattern in PATTERN.items():
        (which,) = torch.nonzero(patterns == pattern, as_tuple=True)
        if len(which) == 0:
            continue
        col = dict(zip(COL, shapes[which, :, None, None].unbind(1)))
        dx, dy = all_x[which] - col["x"], all_y[which] - col["y"]
        cos, sin = torch.cos(col["turn"]), torch.sin(col["turn"])
        u, v = (dx * cos + dy * sin) * col["freq"], (dy * cos - dx * sin) * col["freq"]
        if name not in ("spiral", "rings", "rays", "fade"):
            u, v = u + col["phase"] * 7, v + col["phase"] * 3
        out[which] *= PATTERNS[name](u, v, col["freq"] * 2 / size, col["duty"], col["phase"])
    return out
