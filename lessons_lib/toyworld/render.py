"""From a table of shapes to pixels: every shape of every picture at once, on any device."""

import math
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from lessons_lib.toyworld import windows
from lessons_lib.toyworld.coverage import COL, SIZE, coverage, pixel_grid
from lessons_lib.toyworld.shapes import _hash

EDITION = 2  # of the pictures, and part of their identity: raise it when any of a task changes by more than rounding

# One picture's finish is one row of numbers.
FINISH = ("style", "brightness", "contrast", "noise", "seed", "warmth", "vignette", "softness")
STYLES = ("plain", "grey", "sketch", "poster", "negative", "mosaic", "blurred")
STYLE = {name: i for i, name in enumerate(STYLES)}


def paint(tables: Tensor, size: int = SIZE) -> Tensor:
    """Paints each picture's shapes over one another, first to last.

    tables: (N, P, len(COLUMNS)). Returns (N, 3, size, size) in 0 … 1.
    """
    n, p, _ = tables.shape
    cover = coverage(tables.flatten(0, 1), size).view(n, p, 1, size, size)
    rgb = tables[:, :, COL["red"] : COL["blue"] + 1, None, None]  # (N, P, 3, 1, 1)
    canvas = tables.new_zeros(n, 3, size, size)
    for i in range(p):
        canvas = torch.lerp(canvas, rgb[:, i].expand_as(canvas), cover[:, i])
    return canvas


def finish(canvas: Tensor, how: Tensor) -> Tensor:
    """The camera and the style: brightness, contrast, grain, and pictures that are not photos.

    canvas: (N, 3, H, W) in 0 … 1; how: (N, len(FINISH)). Returns the same shape.
    """
    style = how[:, 0].long()
    grey = canvas.mean(1, keepdim=True)
    for name in STYLES[1:]:
        (which,) = torch.nonzero(style == STYLE[name], as_tuple=True)
        if len(which) == 0:
            continue
        old = canvas[which]
        if name == "grey":
            new = grey[which].expand_as(old)
        elif name == "sketch":  # a pencil line wherever the colour changes
            step_x = (old[..., :, 1:] - old[..., :, :-1]).abs().amax(1, keepdim=True)
            step_y = (old[..., 1:, :] - old[..., :-1, :]).abs().amax(1, keepdim=True)
            line = torch.zeros_like(grey[which])
            line[..., :, 1:] = step_x
            line[..., 1:, :] = torch.maximum(line[..., 1:, :], step_y)
            new = (0.97 - (3.5 * line).clamp(max=0.9)).expand_as(old)
        elif name == "poster":  # three steps a channel
            new = (old * 2.999).floor() / 2
        elif name == "negative":
            new = 1 - old
        elif name == "mosaic":  # tiles of 4 × 4 pixels with dark joints
            tile = torch.nn.functional.avg_pool2d(old, 4)
            new = tile.repeat_interleave(4, 2).repeat_interleave(4, 3)
            new[..., ::4, :] *= 0.6
            new[..., :, ::4] *= 0.6
        else:  # blurred
            new = torch.nn.functional.avg_pool2d(
                torch.nn.functional.pad(old, (2, 2, 2, 2), mode="replicate"), 5, stride=1
            )
        canvas = canvas.index_copy(0, which, new)
    canvas = _looked(canvas, *how[:, 5:].unbind(1))
    brightness, contrast, noise, seed = (how[:, i, None, None] for i in range(1, 5))
    size = canvas.shape[-1]
    at = torch.arange(size, device=canvas.device)
    grain = _hash(at[None, None, :] + (seed * 997).long(), at[None, :, None].expand(1, size, size), seed)  # (N, H, W)
    shift = brightness + noise * (grain - 0.5) * 3.4  # a uniform grain with standard deviation `noise`
    return ((canvas - 0.5) * contrast[:, None] + 0.5 + shift[:, None]).clamp_(0, 1)


def _looked(canvas: Tensor, warmth: Tensor, vignette: Tensor, softness: Tensor) -> Tensor:
    """Out of focus, dark at the corners, and a colour cast: (N, 3, H, W), and (N,) each. What is 0 changes nothing."""
    size = canvas.shape[-1]
    (which,) = torch.nonzero(softness, as_tuple=True)
    if len(which):
        reach = max(1, size // 32)
        padded = torch.nn.functional.pad(canvas[which], (reach,) * 4, mode="replicate")
        soft = torch.nn.functional.avg_pool2d(padded, 2 * reach + 1, stride=1)
        canvas = canvas.index_copy(0, which, torch.lerp(canvas[which], soft, softness[which, None, None, None]))
    (which,) = torch.nonzero(vignette, as_tuple=True)
    if len(which):
        x, y = pixel_grid(size, canvas.device)
        dark = vignette[which, None, None] * ((x * x + y * y) / 2) ** 1.5  # (n, H, W): all of it in the very corner
        canvas = canvas.index_copy(0, which, canvas[which] * (1 - dark)[:, None])
    (which,) = torch.nonzero(warmth, as_tuple=True)
    if len(which):
        tint = warmth[which, None] * torch.tensor([1.0, 0.0, -1.0], device=canvas.device)  # (n, 3)
        canvas = canvas.index_copy(0, which, canvas[which] + tint[:, :, None, None])
    return canvas


@torch.inference_mode()
def _render_chunk(tables: Tensor, how: Tensor, size: int, device: torch.device) -> Tensor:
    used = (tables[:, :, COL["kind"]] > 0).any(0).nonzero()
    layers = int(used.max()) + 1 if len(used) else 1
    tables = tables[:, :layers].to(device)
    if size > SIZE and device.type == "cpu":
        rgb = tables[:, :, COL["red"] : COL["blue"] + 1]
        canvas = windows.paint(tables, rgb, tables.new_zeros(len(tables), 3, size, size))
    else:
        canvas = paint(tables, size)
    canvas = finish(canvas, how.to(device))
    return (canvas * 255 + 0.5).to(torch.uint8)


def render(
    tables: Tensor, how: Tensor, *, size: int = SIZE, device: str | torch.device = "cpu", chunk: int | None = None
) -> Tensor:
    """Draws pictures.

    tables: (N, P, len(COLUMNS)) float; how: (N, len(FINISH)) float; chunk: pictures drawn at a time; if not given,
    what was fastest: 8 on one thread, whose cache holds that; up to 32 on several, which wait for Python between
    operations, and where windows of large pictures are drawn; 512 on a GPU. Returns (N, 3, size, size) uint8 on
    `device`.
    """
    device = torch.device(device)
    if len(tables) == 0:
        return torch.empty(0, 3, size, size, dtype=torch.uint8, device=device)
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if chunk is None and device.type == "cpu":
        chunk = 8 if threads == 1 and size <= SIZE else min(32, math.ceil(len(tables) / threads))
    elif chunk is None:
        chunk = 512
    jobs = [(tables[i : i + chunk], how[i : i + chunk], size, device) for i in range(0, len(tables), chunk)]
    if threads == 1 or len(jobs) == 1:
        return torch.cat([_render_chunk(*job) for job in jobs])
    # Whole chunks side by side, each on one thread: sharing the small operations out among threads costs more than
    # it saves (three to four times as slow on two cores). The setting is each worker thread's own.
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return torch.cat(list(pool.map(lambda job: _render_chunk(*job), jobs)))


@torch.inference_mode()
def object_masks(table: Tensor, *, size: int = SIZE) -> Tensor:
    """Which pixels show each object of one picture, with what hides it taken away.

    table: (P, len(COLUMNS)). Returns (objects, size, size) bool; background shapes belong to no object.
    """
    table = table[table[:, COL["kind"]] > 0]
    cover = coverage(table, size)  # (P, H, W)
    count = int(table[:, COL["object"]].max().item()) + 1 if len(table) else 0
    seen = cover.new_zeros(max(count, 0), size, size)
    left = torch.ones_like(cover[0]) if len(cover) else cover.new_zeros(size, size)
    for i in range(len(table) - 1, -1, -1):
        owner = int(table[i, COL["object"]].item())
        if owner >= 0:
            seen[owner] += cover[i] * left
        left = left * (1 - cover[i])
    return seen > 0.5


@torch.inference_mode()
def owners(tables: Tensor, *, size: int = SIZE, chunk: int = 32) -> Tensor:
    """Which object is seen most in each pixel, for every picture.

    tables: (N, P, len(COLUMNS)); chunk: pictures at a time. Returns (N, size, size) long: -1 where the background is.
    """
    out = torch.empty(len(tables), size, size, dtype=torch.long)
    for start in range(0, len(tables), chunk):
        part = tables[start : start + chunk].clone()
        behind = (part[:, :, COL["object"]] >= 0).cumsum(1) == 0  # what hides no object need not be drawn
        part[:, :, COL["kind"]].masked_fill_(behind, 0)
        out[start : start + chunk] = windows.owners(part, size)
    return out
