"""What a detector of one stage looks with: a small convolutional backbone, read at two strides, and an anchor for each
location.

The coarser map also comes back into the finer one, as in a feature pyramid (Lin et al., CVPR 2017). Which locations
speak of which true box is ATSS (Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection via
Adaptive Training Sample Selection", CVPR 2020): of each level the 9 anchors with the nearest middles are candidates;
those whose overlap reaches the candidates' mean plus standard deviation, and whose middle lies in the box, are its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import box_iou

from lessons_lib.methods.parts.proposer import Residual, norm

STRIDES = (8, 16)  # pixels a location
NEAREST = 9  # candidates of a level
INSIDE = 0.01  # pixels
NOBODY = -1  # the number of the box of a location that speaks of none


class Maps(NamedTuple):
    """fine: (n, width, S / 4, S / 4), for masks; levels: one (n, width, S / stride, S / stride) a stride."""

    fine: Tensor
    levels: list[Tensor]


class Pyramid(nn.Module):
    """(n, 3, S, S) in 0 … 1 -> `Maps`.   width: channels."""

    def __init__(self, width: int):
        super().__init__()
        self.fine = nn.Sequential(_halved(3, width // 2), _halved(width // 2, width), Residual(width, 1))
        self.middle = nn.Sequential(_halved(width, width), Residual(width, 1), Residual(width, 2))
        self.coarse = nn.Sequential(_halved(width, width), Residual(width, 1))
        self.back = nn.Conv2d(width, width, 1)

    def forward(self, images: Tensor) -> Maps:
        fine = self.fine((images - 0.5) / 0.25)  # (n, width, S / 4, S / 4)
        middle = self.middle(fine)  # (n, width, S / 8, S / 8)
        coarse = self.coarse(middle)  # (n, width, S / 16, S / 16)
        return Maps(fine, [middle + F.interpolate(self.back(coarse), scale_factor=2.0), coarse])


def _halved(before: int, after: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), norm(after), nn.ReLU())


def flat(levels: Sequence[Tensor]) -> Tensor:
    """Maps (n, width, h, w) -> (n, A, width): all locations, level by level, row by row."""
    return torch.cat([level.flatten(2) for level in levels], dim=2).transpose(1, 2)


def unflat(rows: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """`flat` turned round: (n, A, width) -> maps of the sizes of those."""
    parts = rows.transpose(1, 2).split([level.shape[2] * level.shape[3] for level in like], dim=2)
    return [part.unflatten(2, level.shape[2:]) for part, level in zip(parts, like)]


def anchors_of(size: int, side: float) -> list[Tensor]:
    """One (A_l, 4) a level: a square at each location, in the order of `flat`.   size: S; side: of it, in strides."""
    found = []
    for stride in STRIDES:
        along = (torch.arange(size // stride) + 0.5) * stride
        middles = torch.cartesian_prod(along, along).flip(1)  # (A_l, 2): x, y, the rows from the top
        found.append(torch.cat([middles - side * stride / 2, middles + side * stride / 2], dim=1))
    return found


def middles_of(boxes: Tensor) -> Tensor:
    """(..., 4) -> (..., 2): x, y."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def assigned(anchors: Sequence[Tensor], truth: Tensor) -> Tensor:
    """(A,) long: the number of the true box that each location speaks of, `NOBODY` for most.

    anchors: of every level; truth: (m, 4). A location that two boxes want goes to the one it overlaps more.
    """
    every = torch.cat(list(anchors))
    if not len(truth):
        return torch.full((len(every),), NOBODY, device=every.device)
    overlap, middles = box_iou(every, truth), middles_of(every)[:, None]  # (A, m), (A, 1, 2)
    far = (middles - middles_of(truth)).square().sum(dim=-1)  # (A, m)
    near = torch.cat([_nearest(level) for level in far.split([len(level) for level in anchors])])  # (A, m) bool
    candidates = overlap.T[near.T].view(len(truth), -1)  # (m, candidates)
    enough = overlap >= candidates.mean(dim=1) + candidates.std(dim=1)
    inside = torch.cat([middles - truth[:, :2], truth[:, 2:] - middles], dim=-1).amin(dim=-1) > INSIDE
    best, which = overlap.masked_fill(~(near & enough & inside), -1.0).max(dim=1)
    return torch.where(best >= 0, which, NOBODY)


def _nearest(far: Tensor) -> Tensor:
    """(A_l, m) -> the same, bool: the nearest of each column."""
    rows = far.topk(min(NEAREST, len(far)), dim=0, largest=False).indices
    return torch.zeros_like(far, dtype=torch.bool).scatter_(0, rows, True)
