"""What a detector's second stage makes of a region: an embedding in CLIP's space."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

CELLS = 7  # of a region, along its edge


class Embedded(NamedTuple):
    """Of R regions: embeddings of the text's head and of the image's, (R, D) of unit length; deltas of boxes (R, 4)."""

    text: Tensor
    image: Tensor
    deltas: Tensor


class RegionHead(nn.Module):
    """Two layers, and the projection P into CLIP's space."""

    def __init__(self, width: int, hidden: int, dim: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width * CELLS**2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.projection = nn.Linear(hidden, dim)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """regions: (R, width, 7, 7) -> (R, hidden), (R, D)."""
        hidden = self.layers(regions.flatten(1))
        return hidden, F.normalize(self.projection(hidden), dim=-1)


def embedded_by(heads: nn.ModuleDict, mover: nn.Module, cells: Tensor) -> Embedded:
    """heads: one for both, or the text's and the image's; mover: hidden units to deltas; cells: (R, width, 7, 7)."""
    found = [head(cells) for head in heads.values()]
    return Embedded(found[0][1], found[-1][1], mover(found[0][0]))


def far_from(embeddings: Tensor, teacher: Tensor) -> Tensor:
    """ViLD's distillation: L1, summed over dimensions, the mean over regions; 0 of none. Both (R, D)."""
    return (embeddings - teacher).abs().sum() / max(1, len(teacher))
