"""One map of features from a Vision Transformer's rows at several depths: DPT (Ranftl et al., "Vision Transformers for
Dense Prediction", ICCV 2021, section 3), with sizes that follow the tower.

    read        GELU(W [patch, class token]) for every patch               (N, d_v, h, w), for each of n depths
    reassemble  1 × 1 convolution to f channels; resampled by 2^(n-2), …, 2, 1, ½; 3 × 3 convolution
    fuse        y ← U(y + U(x)), from the last depth to the first, with U(x) = x + conv(relu(conv(relu(x)))); each time
                bilinear to the next size, and a 1 × 1 convolution
so that a grid of h × w patches becomes a map of 2^(n-1) h × 2^(n-1) w.

DPT reads a tower of patch 16 at four depths, which ends at half the picture's size; so does n = log2(patch) for others.
Its f is 256 for widths of 768 and more. It reassembles in channels that grow with depth and puts batch normalisation
between the convolutions of U; here all depths have f channels, and nothing depends on a batch.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Fusion(nn.Module):
    """width: d_v of the rows.   channels: f.   depths: n, how many sets of rows, at least 2."""

    def __init__(self, width: int, channels: int, depths: int):
        super().__init__()
        self.read = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(depths))
        self.narrow = nn.ModuleList(nn.Conv2d(width, channels, 1) for _ in range(depths))
        self.resample = nn.ModuleList(_resampling(channels, depths - 2 - level) for level in range(depths))
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(depths))
        self.skip = nn.ModuleList(Unit(channels) for _ in range(depths - 1))  # of all depths but the last
        self.refine = nn.ModuleList(Unit(channels) for _ in range(depths))
        self.out = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(depths))

    def forward(self, rows: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
        """rows: n of (N, 1 + h · w, d_v), the class token first, from the first depth to the last; grid: (h, w).
        Returns (N, f, 2^(n-1) h, 2^(n-1) w)."""
        maps = [self.reassembled(level, each, grid) for level, each in enumerate(rows)]
        y = maps[-1]  # (N, f, h / 2, w / 2)
        for level in reversed(range(len(maps))):
            y = self.refine[level](y if level == len(maps) - 1 else y + self.skip[level](maps[level]))
            size = maps[level - 1].shape[-2:] if level else [2 * side for side in y.shape[-2:]]
            y = self.out[level](F.interpolate(y, size=size, mode="bilinear", align_corners=False))
        return y

    def reassembled(self, level: int, rows: Tensor, grid: tuple[int, int]) -> Tensor:
        """(N, 1 + h · w, d_v) -> (N, f, h', w') at this depth's size."""
        first, patches = rows[:, :1].expand(-1, rows.shape[1] - 1, -1), rows[:, 1:]
        x = F.gelu(self.read[level](torch.cat([patches, first], dim=-1)))  # (N, h · w, d_v)
        x = self.narrow[level](x.transpose(1, 2).unflatten(2, grid))  # (N, f, h, w)
        return self.smooth[level](self.resample[level](x))


class Unit(nn.Module):
    """x + conv(relu(conv(relu(x)))), (N, f, h, w) to the same: RefineNet's residual unit, without normalisation."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(F.relu(x))))


def _resampling(channels: int, power: int) -> nn.Module:
    """By 2^power: a transposed convolution without overlap, nothing, or, halved, a 3 × 3 convolution of stride 2."""
    if power > 0:
        return nn.ConvTranspose2d(channels, channels, 2**power, stride=2**power)
    return nn.Identity() if power == 0 else nn.Conv2d(channels, channels, 3, stride=2, padding=1)
