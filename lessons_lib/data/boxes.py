"""Boxes around the things of a picture, each with its class, and captions whose phrases are about such boxes."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors

NOTHING = -1  # the class in a batch's rows that stand for no box


class Boxes:
    """Of N pictures, how many boxes each may have, also none.

    boxes: N of (n_i, 4): left, top, right, bottom in pixels of the picture.   labels: N of (n_i,), 0 … C-1.
    sizes: N of (height, width), in pixels.
    Raises ValueError where they do not fit each other, and for a box of no area or outside its picture.
    """

    kind, one_class = "detect", False

    def __init__(self, boxes: Sequence[Tensor], labels: Sequence[Tensor], sizes: Sequence[tuple[int, int]]):
        self.boxes = [torch.as_tensor(each, dtype=torch.float32).reshape(-1, 4) for each in boxes]
        self.labels = [torch.as_tensor(each, dtype=torch.long).reshape(-1) for each in labels]
        self.sizes = [(int(height), int(width)) for height, width in sizes]
        if not len(self.boxes) == len(self.labels) == len(self.sizes):
            raise ValueError(
                f"boxes, labels and sizes are one each a picture; got {len(self.boxes)}, {len(self.labels)} and "
                f"{len(self.sizes)}"
            )
        for i, (some, named, size) in enumerate(zip(self.boxes, self.labels, self.sizes)):
            if len(some) != len(named):
                raise ValueError(f"picture {i} has {len(some)} boxes and {len(named)} labels: give one a box")
            check_boxes(some, size, f"picture {i}")

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """boxes: (n, 4) `tv_tensors.BoundingBoxes`, which move with their picture; labels: (n,) long.

        Pictures have different numbers of boxes: give a DataLoader a `collate_fn`, such as `lambda rows: rows`.
        """
        of_picture = tv_tensors.BoundingBoxes(self.boxes[index], format="XYXY", canvas_size=self.sizes[index])
        return {"boxes": of_picture, "labels": self.labels[index]}

    def check(self, classes: int) -> None:
        every = torch.cat([torch.empty(0, dtype=torch.long), *self.labels])
        if len(every) and not 0 <= int(every.min()) <= int(every.max()) < classes:
            raise ValueError(
                f"labels of boxes run from {int(every.min())} to {int(every.max())}; "
                f"with {classes} class names they must lie in 0 … {classes - 1}"
            )

    def members(self, label: int) -> Tensor:
        return torch.tensor([i for i, named in enumerate(self.labels) if (named == label).any()], dtype=torch.long)

    def subset(self, indices: Tensor) -> "Boxes":
        return Boxes(*([each[i] for i in indices.tolist()] for each in (self.boxes, self.labels, self.sizes)))

    def batch(self, rows: Tensor) -> Tensor:
        """(n, M, 5) float: class, left, top, right, bottom; M: the most of a picture; class -1: no box."""
        picked = [torch.cat([self.labels[i][:, None].float(), self.boxes[i]], dim=1) for i in rows.tolist()]
        out = torch.zeros(len(picked), max(map(len, picked), default=0), 5)
        out[:, :, 0] = NOTHING
        for row, some in zip(out, picked):
            row[: len(some)] = some
        return out

    def of_classes(self, labels: Sequence[int], background: int | None = None) -> tuple["Boxes", Tensor]:
        """Boxes of other classes are left out; what they show is then told by nobody."""
        kept = torch.tensor([i for i, named in enumerate(self.labels) if any(int(c) in labels for c in named)]).long()
        boxes, named = [], []
        for i in kept.tolist():
            new = torch.tensor([list(labels).index(c) if c in labels else NOTHING for c in self.labels[i].tolist()])
            boxes.append(self.boxes[i][new >= 0])
            named.append(new[new >= 0])
        return Boxes(boxes, named, [self.sizes[i] for i in kept.tolist()]), kept

    @property
    def fingerprint(self) -> str:
        return sha256(repr(self._content()).encode()).hexdigest()

    def _content(self) -> list:
        return [(size, named.tolist(), some.tolist()) for size, named, some in zip(self.sizes, self.labels, self.boxes)]


class Captions(Boxes):
    """A caption a picture, and which of its boxes each of the caption's phrases is about.

    captions: N texts.   phrases: N lists of (first letter, letter behind the last, number of the box).
    Else as `Boxes`. Raises ValueError for a phrase that is not in its caption, or is about a box that is not there.
    """

    kind = "ground"

    def __init__(
        self,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        sizes: Sequence[tuple[int, int]],
        captions: Sequence[str],
        phrases: Sequence[Sequence[tuple[int, int, int]]],
    ):
        super().__init__(boxes, labels, sizes)
        self.captions, self.phrases = list(captions), [[tuple(map(int, one)) for one in each] for each in phrases]
        if not len(self.captions) == len(self.phrases) == len(self):
            raise ValueError(
                f"{len(self)} pictures need a caption and a list of phrases each; got {len(self.captions)} and "
                f"{len(self.phrases)}"
            )
        for i, (text, told) in enumerate(zip(self.captions, self.phrases)):
            for start, end, box in told:
                if not 0 <= start < end <= len(text):
                    raise ValueError(
                        f"a phrase of picture {i} is from letter {start} to {end}, which is not in its caption of "
                        f"{len(text)} letters, {text!r}"
                    )
                if not 0 <= box < len(self.boxes[i]):
                    raise ValueError(
                        f"the phrase {text[start:end]!r} of picture {i} is about box {box}, but there are "
                        f"{len(self.boxes[i])} boxes"
                    )

    def __getitem__(self, index: int) -> dict[str, Any]:
        """As of `Boxes`, and caption, a text; phrases, as given."""
        return super().__getitem__(index) | {"caption": self.captions[index], "phrases": list(self.phrases[index])}

    def subset(self, indices: Tensor) -> "Captions":
        each = (self.boxes, self.labels, self.sizes, self.captions, self.phrases)
        return Captions(*([one[i] for i in indices.tolist()] for one in each))

    def of_classes(self, labels: Sequence[int], background: int | None = None) -> tuple["Captions", Tensor]:
        """Pictures whose caption speaks of these classes and no others; boxes of others are left out."""
        wanted = [
            i
            for i, told in enumerate(self.phrases)
            if told and all(int(self.labels[i][box]) in labels for _, _, box in told)
        ]
        part = self.subset(torch.tensor(wanted, dtype=torch.long))
        boxes, _ = Boxes.of_classes(part, labels)
        phrases = []
        for named, told in zip(part.labels, part.phrases):
            place = (torch.tensor([int(c) in labels for c in named]).cumsum(0) - 1).tolist()  # of the boxes that stay
            phrases.append([(start, end, place[box]) for start, end, box in told])
        kept = Captions(boxes.boxes, boxes.labels, boxes.sizes, part.captions, phrases)
        return kept, torch.tensor(wanted, dtype=torch.long)

    def _content(self) -> list:
        return [super()._content(), self.captions, self.phrases]


def check_boxes(boxes: Tensor, size: tuple[int, int], of: str = "the picture") -> None:
    """boxes: (n, 4); size: (height, width) of their picture. Raises ValueError for the first that is none."""
    height, width = size
    for number, (left, top, right, bottom) in enumerate(boxes.tolist()):
        said = f"box {number} of {of}, ({left:g}, {top:g}, {right:g}, {bottom:g}),"
        if not (right > left and bottom > top):  # also where one is not a number
            raise ValueError(f"{said} has no area: give left, top, right, bottom, right > left and bottom > top")
        if left < 0 or top < 0 or right > width or bottom > height:
            raise ValueError(f"{said} lies outside: it must be inside 0, 0, {width}, {height}")
