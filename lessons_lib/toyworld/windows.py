"""Large pictures, several times as fast: each shape is worked out only in the window of pixels that it can reach.

Of twenty shapes in a picture most are small (an eye, a wheel), and `render.paint` asks all pixels about each. Here a
shape's window follows from its numbers; windows of one size are worked out together, and painted in their order.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lessons_lib.toyworld.coverage import COL, KIND, coverage, pixel_grid

EDGES = (12, 20, 32, 48, 72, 96)  # of windows, in pixels; what needs more gets the whole picture


def extents(shapes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """How far each shape can reach from its middle along x and y, in half pictures, with its anti-aliased edge.

    shapes: (S, len(COLUMNS)). Returns two (S,); never too little, where a distance is approximate rather too much.
    """
    kind = shapes[:, COL["kind"]].long()
    a, b, p, q = (shapes[:, COL[name]] for name in "abpq")
    edge = 1 / size  # half a pixel: where a distance is larger nothing is covered
    ex, ey = a + edge, b + edge  # box
    half = torch.pi / p.clamp(min=1)
    side = torch.hypot(a * torch.cos(half) - a * q, a * torch.sin(half))  # from a star's notch to its tip
    slope = (q.abs() + (a - p).abs()) / (2 * b)
    radius = (a * a + b * b) / (2 * b)
    pointed = torch.where(b > a, radius + edge, torch.sqrt(a * a + 2 * radius * edge + edge * edge))
    steep = torch.sqrt(1 + (2 * torch.pi * q * p) ** 2)
    oval = a + edge * (a / b).clamp(min=1), b + edge * (b / a).clamp(min=1)
    reach = a + edge * side / (a * q * torch.sin(half)).clamp(min=1e-6)
    special = {
        "ellipse": oval,
        "dome": oval,
        "trapezoid": (torch.maximum(a, p + q.abs()) + edge * (1 + 2 * slope), ey),
        "star": (reach, reach),
        "petals": (a * q.clamp(min=1) + edge / 0.7,) * 2,
        "arc": (a + b + edge,) * 2,
        "moon": (a + edge,) * 2,
        "wave": (ex, p.abs() + (b + edge) * steep),
        "leaf": (pointed, ey),
        "cup": (a + q + edge, b + q + edge),
    }
    for name, (wide, high) in special.items():
        is_one = kind == KIND[name]
        ex, ey = torch.where(is_one, wide, ex), torch.where(is_one, high, ey)
    cos, sin = torch.cos(shapes[:, COL["angle"]]).abs(), torch.sin(shapes[:, COL["angle"]]).abs()
    ring = shapes[:, COL["orbit"]].abs() + torch.hypot(ex, ey)
    many = shapes[:, COL["copies"]] > 0
    return torch.where(many, ring, ex * cos + ey * sin), torch.where(many, ring, ex * sin + ey * cos)


def covered(shapes: Tensor, size: int) -> Iterator[tuple[int, int, int, Tensor]]:
    """(number of the shape, top, left, what it covers there: (h, w)) of every shape that reaches the picture."""
    half_x, half_y = extents(shapes, size)
    low = torch.stack([shapes[:, COL["x"]] - half_x, shapes[:, COL["y"]] - half_y])  # (2, S)
    high = torch.stack([shapes[:, COL["x"]] + half_x, shapes[:, COL["y"]] + half_y])
    first = ((low + 1) * size / 2 - 1.5).floor().clamp(0, size)  # a pixel more than needed
    last = ((high + 1) * size / 2 + 1.5).ceil().clamp(0, size)
    needed = (last - first).amax(dim=0)
    there = ((last - first) > 0).all(dim=0) & (shapes[:, COL["kind"]] > 0)
    axis = pixel_grid(size, shapes.device)[0][0]  # (size,)
    smaller = 0
    for edge in (*(edge for edge in EDGES if edge < size), size):
        (which,) = torch.nonzero(there & (needed > smaller) & (needed <= edge), as_tuple=True)
        smaller = edge
        if not len(which):
            continue
        left, top = first[:, which].clamp(max=size - edge).long()  # each (s,)
        across, down = (axis[start[:, None] + torch.arange(edge)] for start in (left, top))  # each (s, edge)
        cover = coverage(shapes[which], size, (across[:, None], down[:, :, None]))
        yield from zip(which.tolist(), top.tolist(), left.tolist(), cover)


def paint(tables: Tensor, colours: Tensor, canvas: Tensor) -> Tensor:
    """Paints each picture's shapes over one another, first to last, on `canvas`, which it returns.

    tables: (N, P, len(COLUMNS)); colours: (N, P, K), of any K channels; canvas: (N, K, size, size).
    """
    (n, p, _), size = tables.shape, canvas.shape[-1]
    ready: list = [None] * (n * p)
    for number, top, left, cover in covered(tables.flatten(0, 1), size):
        ready[number] = top, left, cover
    flat = colours.flatten(0, 1)[:, :, None, None]  # (N·P, K, 1, 1)
    for number, one in enumerate(ready):
        if one is not None:
            top, left, cover = one
            edge = len(cover)
            canvas[number // p, :, top : top + edge, left : left + edge].lerp_(flat[number], cover)
    return canvas


def owners(tables: Tensor, size: int) -> Tensor:
    """As `render.owners`: who is seen of a pixel is a mixture like its colour, with a channel for every owner."""
    mine = one_hot(tables[:, :, COL["object"]].long() + 1).to(tables.dtype)  # (N, P, objects + 1)
    canvas = tables.new_zeros(len(tables), mine.shape[-1], size, size)
    canvas[:, 0] = 1  # the background
    most, *shares = paint(tables, mine, canvas).unbind(1)  # each (N, size, size)
    found = torch.full(most.shape, -1)
    for number, share in enumerate(shares):  # as argmax, which is slow across channels
        found[share > most] = number
        most = torch.maximum(most, share)
    return found
