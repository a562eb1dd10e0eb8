"""Regions of pictures as tensors: what lesson 13's learner trains a second stage on, and what CLIP sees in them.

pictures, regions = true_regions(split, rows)     # or proposed(detector, split, rows)
see = Sight(clip, pictures, regions.picture)      # see(boxes) -> (R, D); see.passes counts
cells = cells_of(detector, pictures, regions)     # what the first stage knows of each
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.ops import roi_align
from torchvision.transforms.functional import pil_to_tensor

from lessons_lib.clip import Clip
from lessons_lib.data import Split
from lessons_lib.data.pictures import open_picture
from lessons_lib.methods.detect.vild import ViLD
from lessons_lib.methods.detector import pictures_of
from lessons_lib.methods.parts.proposer import STRIDE
from lessons_lib.methods.parts.region_head import CELLS, Embedded
from lessons_lib.methods.parts.regions import has_area, matched

BATCH = 32  # pictures


class Regions(NamedTuple):
    """R regions of several pictures.

    picture: (R,) long, whose it is.   boxes: (R, 4) in pixels of the detector's pictures.   labels: (R,) long: class c
    is c + 1, 0 is the background.   sure: (R,), 0 … 1, whether there is anything.
    """

    picture: Tensor
    boxes: Tensor
    labels: Tensor
    sure: Tensor


class Sight:
    """CLIP on crops: cuts each box out of its picture and encodes it. `passes` counts the tower's.

    pictures: (n, 3, S, S) in 0 … 1; picture: (R,) long, which one each box is cut from.
    """

    def __init__(self, clip: Clip, pictures: Tensor, picture: Tensor):
        self.clip, self.pictures, self.picture, self.passes = clip, pictures, picture, 0

    def cut(self, boxes: Tensor) -> Tensor:
        """(R, 3, edge, edge) in 0 … 1. boxes: (R, 4); what lies outside the picture is left out."""
        rois = torch.cat([self.picture[:, None].float(), boxes.clamp(0, self.pictures.shape[-1])], dim=1)
        return roi_align(self.pictures, rois, self.clip.transforms.size, sampling_ratio=2, aligned=True)

    @torch.no_grad()
    def __call__(self, boxes: Tensor) -> Tensor:
        """(R, 4) -> (R, D), of length 1."""
        mean, std = (torch.tensor(each).view(3, 1, 1) for each in (self.clip.image_mean, self.clip.image_std))
        self.passes += len(boxes)
        crops = (self.cut(boxes) - mean) / std
        return torch.cat([self.clip.encode_images(some.to(self.clip.device)).cpu() for some in crops.split(256)])


def true_regions(split: Split, rows: Sequence[int] | Tensor, size: int = 128) -> tuple[Tensor, Regions]:
    """The pictures (n, 3, S, S) in 0 … 1, and their true boxes."""
    rows = torch.as_tensor(rows)
    pictures, scale = pictures_of(split, rows, size)
    each = [(split.targets.boxes[i] / by, split.targets.labels[i]) for i, by in zip(rows.tolist(), scale)]
    picture = torch.cat([torch.full((len(boxes),), i) for i, (boxes, _) in enumerate(each)])
    boxes, labels = (torch.cat(parts) for parts in zip(*each))
    return pictures, Regions(picture, boxes, labels + 1, torch.ones(len(boxes)))


@torch.no_grad()
def proposed(detector: ViLD, split: Split, rows: Sequence[int] | Tensor) -> tuple[Tensor, Regions]:
    """The pictures, and the detector's likeliest proposals there, labelled by the true box they overlap by half."""
    pictures, true = true_regions(split, rows, detector.image_size)
    parts = []
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH].to(detector.clip.device)
        _, found, _ = detector.proposer(some)
        for i, (boxes, sure) in enumerate(zip(found, detector.proposer.rpn.objectness), start):
            boxes, sure = boxes[: detector.proposals].cpu(), sure[: detector.proposals].cpu()
            boxes, sure = boxes[has_area(boxes)], sure[has_area(boxes)]
            own = true.picture == i
            labels, _ = matched(boxes, true.boxes[own], true.labels[own] - 1)
            parts.append(Regions(torch.full((len(boxes),), i), boxes, labels, sure))
    return pictures, joined(parts)


def joined(parts: Sequence[Regions]) -> Regions:
    return Regions(*(torch.cat(each) for each in zip(*parts)))


@torch.no_grad()
def cells_of(detector: ViLD, pictures: Tensor, regions: Regions) -> Tensor:
    """(R, width, 7, 7): of each region the first stage's map, by RoIAlign; regions in the order of their pictures."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        maps = detector.proposer.backbone(pictures[start : start + BATCH].to(detector.clip.device))
        own = (regions.picture >= start) & (regions.picture < start + BATCH)
        rois = torch.cat([regions.picture[own][:, None] - start, regions.boxes[own]], dim=1).float().to(maps.device)
        parts.append(roi_align(maps, rois, CELLS, spatial_scale=1 / STRIDE, sampling_ratio=2, aligned=True).cpu())
    return torch.cat(parts)


@torch.no_grad()
def embedded(detector: ViLD, cells: Tensor, head: str = "image") -> Tensor:
    """(R, D): what the detector's second stage makes of each region. head: "text" or "image", where it has both."""
    heads = dict(detector.heads.items())
    return heads.get(head, heads.get("only", next(iter(heads.values()))))(cells.to(detector.clip.device))[1].cpu()


@torch.no_grad()
def one_batch(detector: ViLD, pictures: Tensor) -> tuple[Embedded, Tensor]:
    """What the heads make of the proposals in these pictures, and how sure it is that each is a thing, (R,)."""
    maps, found, _ = detector.proposer(pictures.to(detector.clip.device))
    most = detector.proposals
    rois = torch.cat([F.pad(boxes[:most], (1, 0), value=i) for i, boxes in enumerate(found)])
    return detector.embed(maps, rois), torch.cat([each[:most] for each in detector.proposer.rpn.objectness])


class Passes:
    """Counts the pictures that go through CLIP's image tower, in `count`, inside `with Passes(clip) as passes:`."""

    def __init__(self, clip: Clip):
        self.clip, self.count, self.encode = clip, 0, clip.encode_images

    def __enter__(self) -> "Passes":
        self.clip.encode_images = self._counted
        return self

    def _counted(self, images: Tensor, *args, **kwargs) -> Tensor:
        self.count += len(images)
        return self.encode(images, *args, **kwargs)

    def __exit__(self, *_) -> None:
        del self.clip.encode_images


def photo(path: str | Path, size: int) -> Tensor:
    """(1, 3, size, size) in 0 … 1: an image file, squeezed to a square. Raises as `open_picture` does."""
    pixels = pil_to_tensor(open_picture(path).resize((size, size), Image.Resampling.BICUBIC))
    return pixels[None].float() / 255


def windows(size: int, shares: Sequence[float] = (0.3, 0.45, 0.65)) -> Tensor:
    """(R, 4): squares all over a picture of size × size pixels, where no detector proposes any."""
    boxes = []
    for share in shares:
        side = share * size
        starts = torch.linspace(0, size - side, max(2, round(1.5 / share))).tolist()
        boxes += [[x, y, x + side, y + side] for y in starts for x in starts]
    return torch.tensor(boxes)


def percent_named(e: Tensor, texts: Tensor, labels: Tensor) -> float:
    """Percent of regions whose nearest text is their own. labels: (R,) long, class c is c + 1."""
    return 100 * ((F.normalize(e, dim=-1) @ texts.T).argmax(dim=1) == labels - 1).double().mean().item()
