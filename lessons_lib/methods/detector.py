"""Methods of kind "detect", boxes with their classes, measured by average precision.

What a subclass gives:
    fit(task)                  learns, and returns self
    regions(pictures)          (n, 3, S, S) in 0 … 1 -> n `Regions`: where something may be, and what
    set_classes(classnames)    whatever depends on the class names
    image_size                 S: pictures are resized to S × S, and boxes found there back to the picture's own size
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import batched_nms, box_iou
from torchvision.transforms.functional import pil_to_tensor

from lessons_lib.methods.base import Method
from lessons_lib.methods.parts.cost import AT_LEAST, Sizes
from lessons_lib.methods.parts.regions import has_area
from lessons_lib.metrics.detection import BoxMatches

if TYPE_CHECKING:
    from lessons_lib.data import Split

BATCH = 16  # pictures
MOST, OVERLAP = 20, 0.5  # answers a picture; two of one class that overlap more are one


class Regions(NamedTuple):
    """Of one picture of S × S pixels."""

    boxes: Tensor  # (n, 4)
    objectness: Tensor  # (n,), 0 … 1: whether there is anything
    scores: Tensor  # (n, C), 0 … 1: whether it is this


class Detections(NamedTuple):
    """Of one picture, the surest first."""

    boxes: Tensor  # (n, 4): left, top, right, bottom in pixels of the picture
    scores: Tensor  # (n,), 0 … 1
    labels: Tensor  # (n,) long, positions in `classnames`


class Detector(Method):
    """Finds the things of a picture, around a frozen CLIP."""

    kind, metric = "detect", "AP50"
    ONCE = 0.0  # seconds of what is made of a training picture once
    DETECTING = 0.01  # seconds a picture
    boxes_mind_names = False  # whether where things are said to be depends on what is asked for
    image_size: int

    def regions(self, pictures: Tensor) -> list[Regions]:
        """pictures: (n, 3, S, S) in 0 … 1."""
        raise NotImplementedError

    def cost(self, sizes: Sizes) -> float | None:
        if self.PER_IMAGE is None or not sizes.known:
            return None
        each = self.ONCE + self.PER_IMAGE * self.fit_settings(sizes.shots, **sizes.fit)["epochs"]
        return AT_LEAST + each * sizes.trained_on + self.DETECTING * sizes.tested

    @torch.inference_mode()
    def detect(self, images: "Split | Tensor") -> list[Detections]:
        """images: a split, or (N, 3, S, S) in 0 … 1. Raises ValueError for tensors of another shape or range."""
        self.check_ready()
        return [self._answers(found, scale) for found, scale in self._found(images)]

    def measure(self, split: "Split") -> dict[str, float]:
        """AP50 and AP (COCO's), and recall, percent of the true boxes that some region overlaps by half.

        Beside each AP its ceiling, the region nearest to each true box with its right class, and its floor, the same
        regions with classes by chance. Raises ValueError where no picture has a box, else as `Method.measure`.
        """
        answers, ceiling, floor, any_thing = self._measured(split)
        found = {"recall": any_thing.recall()[0, 0].item()}
        for name in ("AP50", "AP"):
            for bound, each in (("", answers), ("_ceiling", ceiling), ("_floor", floor)):
                found[name + bound] = each.ap50 if name == "AP50" else each.ap
        return found

    def by_class(self, split: "Split") -> list[dict]:
        """A row a class, the worst first: class, images that show it, AP50 (percent)."""
        precision = self._measured(split)[0].precision()[0].tolist()
        rows = [
            {"class": name, "images": count, "AP50 (%)": round(value, 1)}
            for name, count, value in zip(split.classnames, split.counts.tolist(), precision, strict=True)
        ]
        return sorted(rows, key=lambda row: (row["images"] == 0, row["AP50 (%)"]))

    def _measured(self, split: "Split") -> list[BoxMatches]:
        return [BoxMatches.joined(parts) for parts in zip(*self.matches(split))]

    @torch.inference_mode()
    def matches(self, split: "Split") -> Iterator[tuple[BoxMatches, BoxMatches, BoxMatches, BoxMatches]]:
        """Of every picture what `measure` joins: answers, ceiling, floor, and regions of whatever class."""
        self.check_split(split)
        if not any(len(boxes) for boxes in split.targets.boxes):
            raise ValueError("no picture of the split has a box, so there is nothing to find")
        classes, chance = len(split.classnames), torch.Generator().manual_seed(0)
        for i, (found, scale) in enumerate(self._found(split)):
            answers, ceiling, floor, any_thing = (BoxMatches(n) for n in (classes, classes, classes, 1))
            truth, labels = split.targets.boxes[i], split.targets.labels[i]
            boxes = found.boxes.cpu() * scale
            told = self._answers(found, scale)
            answers.add(told.boxes, told.scores, truth, told.labels, labels)
            overlap, nearest = box_iou(truth, torch.cat([boxes, torch.zeros(1, 4)])).max(dim=1)
            best = torch.cat([boxes, torch.zeros(1, 4)])[nearest]
            ceiling.add(best, overlap, truth, labels, labels)
            by_chance = torch.randint(classes, (len(boxes),), generator=chance)
            floor.add(boxes, found.objectness, truth, by_chance, labels)
            any_thing.add(boxes, found.objectness, truth)
            yield answers, ceiling, floor, any_thing

    def _answers(self, found: Regions, scale: Tensor) -> Detections:
        """The surest of all pairs of region and class, each thing once."""
        n, classes = found.scores.shape
        scores, labels = found.scores.flatten(), torch.arange(classes, device=found.scores.device).repeat(n)
        boxes = found.boxes.repeat_interleave(classes, dim=0)
        sound = has_area(boxes).nonzero().flatten()
        sound = sound[scores[sound].argsort(descending=True, stable=True)[: 10 * MOST]]
        kept = sound[batched_nms(boxes[sound], scores[sound], labels[sound], OVERLAP)[:MOST]]
        return Detections(boxes[kept].cpu() * scale, scores[kept].cpu(), labels[kept].cpu())

    def _found(
        self, images: "Split | Tensor", regions: Callable[[Tensor], list[Regions]] | None = None
    ) -> Iterator[tuple[Regions, Tensor]]:
        """Of every picture its regions, and what takes them to the picture's own pixels, (4,).

        regions: what finds them; `self.regions` if not given.
        """
        find, room = regions or self.regions, self.clip.room("pictures")
        for pictures, scale in self._pictures(images):
            found: list[Regions] = []
            for some in room.parts(len(pictures)):
                with room.tried(some):
                    found += find(pictures[some])
            yield from zip(found, scale)

    def _pictures(self, images: "Split | Tensor") -> Iterator[tuple[Tensor, Tensor]]:
        """Batch by batch (n, 3, S, S) in 0 … 1 on the CLIP's device, and (n, 4), as `pictures_of` gives them."""
        if isinstance(images, Tensor):
            wanted = (3, self.image_size, self.image_size)
            if images.ndim != 4 or tuple(images.shape[1:]) != wanted or not images.is_floating_point():
                given = f"{tuple(images.shape)} {images.dtype}"
                raise ValueError(f"pictures are (N, {', '.join(map(str, wanted))}) float in 0 … 1; got {given}")
            if len(images) and not 0 <= float(images.min()) <= float(images.max()) <= 1:
                raise ValueError("pictures are float in 0 … 1, not preprocessed: give a split, or pixels over 255")
        for rows in torch.arange(len(images)).split(BATCH) if len(images) else ():
            if isinstance(images, Tensor):
                pictures, scale = images[rows], torch.ones(len(rows), 4)
            else:
                pictures, scale = pictures_of(images, rows, self.image_size)
            yield pictures.to(self.clip.device), scale


def pictures_of(split: "Split", rows: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(n, 3, S, S) in 0 … 1, resized to S × S; and (n, 4), what takes boxes there back to each picture's own pixels."""
    pixels = split.tensor()
    if pixels is not None:
        some = [pixels[row][None] for row in rows.tolist()]
    else:
        some = [pil_to_tensor(split.image(row))[None] for row in rows.tolist()]
    scale = torch.tensor([[each.shape[3] / size, each.shape[2] / size] * 2 for each in some]).view(-1, 4)
    resized = [
        each.float() / 255
        if each.shape[2:] == (size, size)
        else F.interpolate(each.float() / 255, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
        for each in some
    ]
    return torch.cat(resized) if resized else torch.empty(0, 3, size, size), scale
