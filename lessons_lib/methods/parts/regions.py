"""Boxes as regions of a picture: moved by what a head says, matched with true ones, sampled, and cut out for CLIP.

Boxes are (n, 4): left, top, right, bottom in pixels. The parametrisation is R-CNN's (Girshick et al., CVPR 2014), with
Faster R-CNN's weights; sampling is Fast R-CNN's.
"""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import box_iou, roi_align

from lessons_lib import feature_cache
from lessons_lib.identity import digest

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split

SHIFT, GROWTH = 10.0, 5.0  # weights of a middle's shift, and of the growth in width and height
MOST_GROWTH = 4.1  # log of a factor
BACKGROUND = 0  # the label of a region that shows nothing known; class c is label c + 1


def _middles(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 2), (n, 2): middles, and widths and heights."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + sides / 2, sides


def deltas_of(boxes: Tensor, truth: Tensor) -> Tensor:
    """(n, 4): what moves each box onto its true one."""
    (at, sides), (to, wanted) = _middles(boxes), _middles(truth)
    return torch.cat([(to - at) / sides * SHIFT, (wanted / sides).log() * GROWTH], dim=1)


def box_loss(deltas: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
    """Smooth L1 of the things' deltas, (R, 4) both, summed, over the number of all regions. labels: (R,)."""
    things = labels != BACKGROUND
    off = F.smooth_l1_loss(deltas[things], wanted[things], beta=1 / 9, reduction="sum")
    return off / max(1, len(labels))


def shifted(boxes: Tensor, deltas: Tensor) -> Tensor:
    """(n, 4): the boxes moved, wherever that is."""
    (at, sides), shift, growth = _middles(boxes), deltas[:, :2] / SHIFT, deltas[:, 2:] / GROWTH
    at, sides = at + shift * sides, sides * growth.clamp(max=MOST_GROWTH).exp()
    return torch.cat([at - sides / 2, at + sides / 2], dim=1)


def moved(boxes: Tensor, deltas: Tensor, size: int) -> Tensor:
    """(n, 4): the boxes moved, and cut at the edges of a picture of size × size pixels."""
    return shifted(boxes, deltas).clamp(0, size)


def scaled(boxes: Tensor, by: float, size: int) -> Tensor:
    """(n, 4): as many times as large around their middles, cut at the picture's edges."""
    at, sides = _middles(boxes)
    return torch.cat([at - by * sides / 2, at + by * sides / 2], dim=1).clamp(0, size)


def has_area(boxes: Tensor) -> Tensor:
    """(..., 4) -> (...) bool; a row that only fills up a batch has none."""
    return (boxes[..., 2] > boxes[..., 0]) & (boxes[..., 3] > boxes[..., 1])


def matched(boxes: Tensor, truth: Tensor, labels: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """(n,) long each: the label of every box, `BACKGROUND` where no true box overlaps enough, and which true box it is.

    truth: (m, 4); labels: (m,), classes from 0.
    """
    if not len(truth):
        return boxes.new_zeros(len(boxes), dtype=torch.long), boxes.new_zeros(len(boxes), dtype=torch.long)
    overlap, which = box_iou(boxes, truth).max(dim=1)
    return torch.where(overlap >= threshold, labels[which] + 1, BACKGROUND), which


def sampled(labels: Tensor, most: int = 64, share: float = 0.25) -> Tensor:
    """Numbers of at most `most` regions, drawn from torch's generator, of which up to `share` are no background."""
    things, others = ((labels != BACKGROUND) == wanted for wanted in (True, False))
    picked = []
    for which, count in ((things, int(most * share)), (others, most)):
        numbers = which.nonzero().flatten()
        count = count if not picked else most - len(picked[0])
        picked.append(numbers[torch.randperm(len(numbers))[:count].to(numbers.device, non_blocking=True)])
    return torch.cat(picked)


@torch.inference_mode()
def crop_embeddings(clip: "Clip", pictures: Tensor, boxes: Tensor, crops: tuple[float, ...]) -> Tensor:
    """What CLIP sees in each region: (n, P, D), L2-normalised; 0 for a box of no area.

    pictures: (n, 3, S, S) in 0 … 1; boxes: (n, P, 4). crops: the region and wider ones, as factors: their embeddings
    are added, as ViLD adds those of 1 and 1.5.
    """
    edge, size = clip.transforms.size, pictures.shape[-1]
    mean, std = (pictures.new_tensor(each).view(3, 1, 1) for each in (clip.image_mean, clip.image_std))
    total = torch.zeros(boxes.shape[0] * boxes.shape[1], clip.embed_dim, device=clip.device)
    for by in crops:
        wider = [scaled(some, by, size) for some in boxes]
        cut = roi_align(pictures, wider, edge, sampling_ratio=2, aligned=True)  # (n·P, 3, edge, edge)
        total += clip.encode_images((cut - mean) / std)
    found = F.normalize(total, dim=-1).view(*boxes.shape[:2], -1)
    return found * has_area(boxes)[..., None].to(found.device)


def kept_crop_embeddings(
    clip: "Clip", split: "Split", pictures_of, boxes: Tensor, crops: tuple[float, ...], batch: int = 8
) -> Tensor:
    """`crop_embeddings` of a whole split, (N, P, D), from the cache where they were computed before.

    pictures_of: rows -> their pictures (n, 3, S, S); boxes: (N, P, 4).
    """
    key = {
        "features": "crops of regions",
        "clip": [clip.fingerprint, clip.precision, clip.device.type],
        "images": split.fingerprint,
        "boxes": digest([tuple(boxes.shape), boxes.cpu().flatten().tolist()]),
        "crops": list(crops),
    }
    found = feature_cache.read(key)
    if found is None:
        rows = torch.arange(len(split)).split(batch)
        parts = [crop_embeddings(clip, pictures_of(some), boxes[some.to(boxes.device)], crops) for some in rows]
        found = torch.cat(parts) if parts else torch.zeros(*boxes.shape[:2], clip.embed_dim)
        feature_cache.write(key, found)
    return found.to(clip.device)
