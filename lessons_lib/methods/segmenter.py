"""Methods of kind "segment", a class for every pixel, measured by the mean intersection over union.

What a subclass gives:
    fit(task)                   learns, and returns self
    patch_logits(images)        (n, 3, S, S) preprocessed -> (n, C, h, w)
    set_classes(classnames)     whatever depends on the class names
Between patches, logits are interpolated (bilinear) to the pixels of the preprocessed picture, S × S (a method that goes
there another way overrides `at_pixels`); masks are moved with their pictures to that size, and measured there.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.data.together import preprocess
from lessons_lib.methods.base import Method
from lessons_lib.metrics.segmentation import Confusion, constant_labels, patch_labels
from lessons_lib.training import processes

if TYPE_CHECKING:
    from lessons_lib.data import Split

BATCH = 32  # pictures


class Segmenter(Method):
    """Says of every pixel what it shows, around a frozen CLIP."""

    kind, metric = "segment", "mIoU"

    def patch_logits(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, C, h, w)."""
        raise NotImplementedError

    def at_pixels(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, C, S, S), differentiable in what is learned."""
        return F.interpolate(self.patch_logits(images), size=images.shape[-2:], mode="bilinear", align_corners=False)

    @property
    def patch(self) -> int:
        """Pixels along the side of the squares that get one answer each."""
        return self.clip.image_tower.patch_size

    @torch.inference_mode()
    def logits(self, images: "Split | Tensor") -> Tensor:
        """images: a split, or (N, 3, S, S) float, preprocessed. Returns (N, C, S, S), on the CLIP's device."""
        self.check_ready()
        size = self.clip.transforms.size
        empty = torch.empty(0, len(self.classnames), *size, device=self.clip.device)
        return torch.cat([empty, *self._at_pixels(images)])

    @torch.inference_mode()
    def predict(self, images: "Split | Tensor") -> Tensor:
        """The most likely class of each pixel: (N, S, S) long, positions in `classnames`."""
        self.check_ready()
        empty = torch.empty(0, *self.clip.transforms.size, dtype=torch.long, device=self.clip.device)
        return torch.cat([empty, *(logits.argmax(dim=1) for logits in self._at_pixels(images))])

    def measure(self, split: "Split") -> dict[str, float]:
        """mIoU, of all classes and, where one is the background, mIoU_things, without it; pixel_accuracy: percent.

        Beside each mIoU its ceiling, one right answer a patch, and its floor, the split's most frequent class for
        every pixel. Else as `Method.measure` says.
        """
        self.check_split(split)
        answers, ceiling, floor = self._confusions(split)
        background = split.background
        found = {"pixel_accuracy": answers.accuracy}
        for name, without in (("mIoU", None), ("mIoU_things", background)):
            if name == "mIoU" or background is not None:
                found[name] = answers.mean_iou(without=without)
                found[f"{name}_ceiling"] = ceiling.mean_iou(without=without)
                found[f"{name}_floor"] = floor.mean_iou(without=without)
        return found

    def by_class(self, split: "Split") -> list[dict]:
        """A row a class, the worst first: class, images that show it, IoU (percent)."""
        self.check_split(split)
        ious, counts = self._confusions(split)[0].iou.tolist(), split.counts.tolist()
        rows = [
            {"class": name, "images": count, "IoU (%)": round(iou, 1)}
            for name, count, iou in zip(split.classnames, counts, ious, strict=True)
        ]
        return sorted(rows, key=lambda row: (row["images"] == 0, row["IoU (%)"]))

    def _confusions(self, split: "Split") -> list[Confusion]:
        """Of its answers, of one right answer a patch, and of one answer for all pixels."""
        classes, patch = len(split.classnames), self.patch
        every_pixel = torch.cat([mask.flatten() for mask in split.targets.masks])
        found = [Confusion(classes) for _ in range(3)]
        rank, world = processes()
        for images, truth in self._pictures(split, range(rank, len(split), world)):
            found[0].add(self.predict(images).cpu(), truth)
            found[1].add(patch_labels(truth, patch, classes), truth)
            found[2].add(constant_labels(every_pixel, classes, truth), truth)
        for each in found if world > 1 else ():
            matrix = each.matrix.to(self.clip.device)
            dist.all_reduce(matrix)
            each.matrix = matrix.cpu()
        return found

    def _at_pixels(self, images: "Split | Tensor") -> Iterator[Tensor]:
        """`at_pixels` of all pictures, as many at once as there is room for."""
        room = self.clip.room("pictures")
        for batch in self._batches(images):
            found = []
            for rows in room.parts(len(batch)):
                with room.tried(rows):
                    found.append(self.at_pixels(batch[rows]))
            yield torch.cat(found)

    def _batches(self, images: "Split | Tensor") -> Iterator[Tensor]:
        if isinstance(images, Tensor):
            self.clip.check_images(images)
            return iter(images.split(BATCH) if len(images) else ())
        return (batch for batch, _ in self._pictures(images, range(len(images))))

    def _pictures(self, split: "Split", rows: range) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures (n, 3, S, S), preprocessed, and their masks (n, S, S), moved with them."""
        moved = split.with_transform(preprocess(self.clip.transforms))
        for start in range(0, len(rows), BATCH):
            pictures, masks = zip(*(moved[row] for row in rows[start : start + BATCH]))
            yield torch.stack(pictures).as_subclass(Tensor), torch.stack(masks).as_subclass(Tensor).long()
