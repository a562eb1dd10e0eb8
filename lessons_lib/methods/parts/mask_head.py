"""Which pixels of a box show its thing: Mask R-CNN's head (He et al., ICCV 2017), 14 × 14 cells to 28 × 28 answers,
whatever the class. GLIPv2 puts it on maps that have read the words; here the finest of those, doubled in size, is added
to the backbone's own.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.ops import roi_align

from lessons_lib.methods.parts.proposer import Residual

CELLS, STRIDE = 14, 4


class MaskHead(nn.Module):
    """width: channels."""

    def __init__(self, width: int):
        super().__init__()
        self.read = nn.Conv2d(width, width, 1)
        self.layers = nn.Sequential(Residual(width, 1), Residual(width, 1))
        self.larger = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.answer = nn.Conv2d(width, 1, 1)

    def forward(self, fine: Tensor, level: Tensor, rois: Tensor) -> Tensor:
        """fine: (n, width, S / 4, S / 4); level: (n, width, S / 8, S / 8), fused; rois: (R, 5): number of the picture,
        box. Returns (R, 28, 28) logits."""
        seen = fine + F.interpolate(self.read(level), scale_factor=2.0)
        cells = roi_align(seen, rois, CELLS, spatial_scale=1 / STRIDE, sampling_ratio=2, aligned=True)
        return self.answer(self.larger(self.layers(cells)).relu())[:, 0]


def mask_loss(logits: Tensor, rois: Tensor, masks: Tensor) -> Tensor:
    """logits: (R, 28, 28); rois: (R, 5); masks: (R, S, S) 0 … 1, of each box's thing. The mean cross-entropy of what
    lies in the boxes; 0 without any."""
    own = torch.cat([torch.arange(len(rois), device=rois.device)[:, None], rois[:, 1:]], dim=1)
    wanted = roi_align(masks[:, None], own, logits.shape[-1], sampling_ratio=2, aligned=True)[:, 0]
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / max(1, logits.numel())


def pasted(logits: Tensor, boxes: Tensor, size: int) -> Tensor:
    """(R, 28, 28), (R, 4) -> (R, S, S), 0 … 1: each where its box is."""
    if not len(boxes):
        return logits.new_zeros(0, size, size)
    return paste_masks_in_image(logits.sigmoid()[:, None], boxes, (size, size))[:, 0]


def resized(masks: Tensor, size: int) -> Tensor:
    """(m, H, W) bool -> (m, S, S), 0 … 1: the share of each pixel."""
    if not len(masks):
        return torch.zeros(0, size, size)
    return F.interpolate(masks[:, None].float(), (size, size), mode="area")[:, 0]


def check_masks(masks: Sequence[Tensor], counts: Sequence[int], sizes: Sequence[tuple[int, int]]) -> None:
    """masks: N of (m_i, H_i, W_i); counts: boxes of each picture; sizes: (H_i, W_i). Raises ValueError where they do
    not fit."""
    if len(masks) != len(counts):
        raise ValueError(f"{len(counts)} pictures need masks each, one a box; got those of {len(masks)}")
    for i, (some, count, size) in enumerate(zip(masks, counts, sizes)):
        if tuple(some.shape) != (count, *size):
            raise ValueError(
                f"picture {i} has {count} boxes and {size[0]} × {size[1]} pixels, so its masks are {(count, *size)}; "
                f"got {tuple(some.shape)}"
            )
