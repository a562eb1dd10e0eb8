"""What is to be predicted of each picture: one label, or a class for every pixel; of each sound: one label.

A :class:`Targets` is what a :class:`lessons_lib.data.Split` holds beside its images. Boxes, and captions with the box
of each phrase, are in `boxes`. A further kind is one more such class: a split, few-shot sampling and halves or folds of
the classes ask their targets alone.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Protocol

import torch
from torchvision import tv_tensors

IGNORE = 255  # a pixel of no class, in no loss and no metric: PASCAL VOC's "void"
BACKGROUND = "background"  # the name of the class of what shows none of the others


class Targets(Protocol):
    """Of N pictures, with classes 0 … C-1."""

    kind: str  # "classify", "segment", "detect", "ground", or "hear": what a task with these targets is
    fingerprint: str  # hex; over their content and order
    one_class: bool  # whether a picture shows one class, and so belongs to one

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...  # what a data set gives beside picture `index`
    def check(self, classes: int) -> None: ...  # ValueError for a class that is not 0 … classes-1
    def members(self, label: int) -> torch.Tensor: ...  # (n,) long, ascending: the pictures that show the class
    def subset(self, indices: torch.Tensor) -> "Targets": ...
    def batch(self, rows: torch.Tensor) -> torch.Tensor: ...  # of these pictures, in that order, for a loss
    def of_classes(self, labels: Sequence[int], background: int | None) -> tuple["Targets", torch.Tensor]:
        """With class ``labels[j]`` as class j, of the pictures that show any of them, and which pictures those are.

        background: the class among ``labels`` that what shows none of them becomes, where there is one.
        """
        ...


class Labels:
    """One class a picture.

    labels: (N,) whole numbers, 0 … C-1.
    """

    kind, one_class = "classify", True

    def __init__(self, labels: torch.Tensor | Sequence[int]):
        self.labels = torch.as_tensor(labels, dtype=torch.long)  # (N,)
        if self.labels.ndim != 1:
            raise ValueError(f"labels are one number a picture; got labels of shape {tuple(self.labels.shape)}")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> int:
        return int(self.labels[index])

    def check(self, classes: int) -> None:
        if len(self) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < classes:
            raise ValueError(
                f"labels run from {int(self.labels.min())} to {int(self.labels.max())}; "
                f"with {classes} class names they must lie in 0 … {classes - 1}"
            )

    def members(self, label: int) -> torch.Tensor:
        return (self.labels == label).nonzero().flatten()

    def subset(self, indices: torch.Tensor) -> "Labels":
        return Labels(self.labels[indices])

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """(n,) long."""
        return self.labels[rows]

    def of_classes(self, labels: Sequence[int], background: int | None = None) -> tuple["Labels", torch.Tensor]:
        new_label = torch.full((1 + max(*labels, int(self.labels.max()) if len(self) else 0, 0),), -1)
        new_label[torch.as_tensor(labels)] = torch.arange(len(labels))
        kept = (new_label[self.labels] >= 0).nonzero().flatten()
        return Labels(new_label[self.labels[kept]]), kept

    @property
    def fingerprint(self) -> str:
        return sha256(f"labels {self.labels.tolist()}".encode()).hexdigest()


class SoundLabels(Labels):
    """One class a sound."""

    kind = "hear"

    def subset(self, indices: torch.Tensor) -> "SoundLabels":
        return SoundLabels(super().subset(indices).labels)

    def of_classes(self, labels: Sequence[int], background: int | None = None) -> tuple["SoundLabels", torch.Tensor]:
        chosen, kept = super().of_classes(labels, background)
        return SoundLabels(chosen.labels), kept


class Masks:
    """A class for every pixel.

    masks: (N, H, W) uint8, or N of (H_i, W_i) where the pictures differ in size: 0 … C-1, or 255 (`IGNORE`) where a
        pixel has no class. Pixels that show none of the named things are a class of their own, called "background"
        and named with the others (PASCAL VOC with 21 classes), or are ignored (with 20).
    """

    kind, one_class = "segment", False

    def __init__(self, masks: torch.Tensor | Sequence[torch.Tensor]):
        self.masks = masks if isinstance(masks, torch.Tensor) else [torch.as_tensor(mask) for mask in masks]
        shape, given = (3, self.masks) if isinstance(masks, torch.Tensor) else (2, None)
        for mask in self.masks if given is None else [given]:
            if mask.ndim != shape or mask.dtype != torch.uint8:
                raise ValueError(
                    f"masks are uint8, (N, H, W) or a list of (H, W); got {mask.dtype} of shape {tuple(mask.shape)}"
                )
        self._shows: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, index: int) -> tv_tensors.Mask:
        """(H, W) uint8; torchvision's v2 transforms know by its type that it moves with the picture, by nearest."""
        return tv_tensors.Mask(self.masks[index])

    @property
    def shows(self) -> torch.Tensor:
        """(N, 256) bool: which values picture i has."""
        if self._shows is None:
            self._shows = torch.zeros(len(self), IGNORE + 1, dtype=torch.bool)
            for row, mask in zip(self._shows, self.masks, strict=True):
                row[mask.flatten().long().unique()] = True
        return self._shows

    def check(self, classes: int) -> None:
        strange = self.shows[:, classes:IGNORE].any(dim=0).nonzero().flatten() + classes
        if len(strange):
            raise ValueError(
                f"masks have the value {int(strange[0])}; with {classes} class names they must lie in "
                f"0 … {classes - 1}, or be {IGNORE} where a pixel has no class"
            )

    def members(self, label: int) -> torch.Tensor:
        return self.shows[:, label].nonzero().flatten()

    def subset(self, indices: torch.Tensor) -> "Masks":
        whole = isinstance(self.masks, torch.Tensor)
        part = Masks(self.masks[indices] if whole else [self.masks[i] for i in indices.tolist()])
        part._shows = self.shows[indices]
        return part

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, H, W) long. Raises ValueError for masks of several sizes."""
        if isinstance(self.masks, torch.Tensor):
            return self.masks[rows].long()
        picked = [self.masks[i] for i in rows.tolist()]
        if len(sizes := {tuple(mask.shape) for mask in picked}) > 1:
            raise ValueError(f"masks of several sizes do not make a batch: {sorted(sizes)}")
        return torch.stack(picked).long() if picked else torch.empty(0, 0, 0, dtype=torch.long)

    def of_classes(self, labels: Sequence[int], background: int | None = None) -> tuple["Masks", torch.Tensor]:
        """Pixels of classes that are left out become the background, or are ignored where ``background`` is None."""
        new_label = torch.full((IGNORE + 1,), IGNORE if background is None else list(labels).index(background))
        new_label[IGNORE] = IGNORE
        new_label[torch.as_tensor(labels)] = torch.arange(len(labels))
        new_label = new_label.to(torch.uint8)
        named = torch.as_tensor([label for label in labels if label != background], dtype=torch.long)
        kept = self.shows[:, named].any(dim=1).nonzero().flatten()
        part = self.subset(kept)
        part.masks = (
            new_label[part.masks.long()]
            if isinstance(part.masks, torch.Tensor)
            else [new_label[mask.long()] for mask in part.masks]
        )
        part._shows = None
        return part, kept

    @property
    def fingerprint(self) -> str:
        digest = sha256(b"masks")
        for mask in self.masks:
            digest.update(f" {tuple(mask.shape)} ".encode() + mask.numpy().tobytes())
        return digest.hexdigest()


def as_targets(targets: "Targets | torch.Tensor | Sequence[int]") -> Targets:
    """Targets as they are; plain labels as :class:`Labels`."""
    return targets if hasattr(targets, "kind") else Labels(targets)
