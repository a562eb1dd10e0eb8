"""What a detector is fed while it learns, batch by batch: pictures at its own size, larger than CLIP's."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from lessons_lib.methods.detector import Detector, pictures_of
from lessons_lib.methods.parts.proposer import Proposer
from lessons_lib.methods.parts.regions import kept_crop_embeddings

if TYPE_CHECKING:
    from lessons_lib.data import Split


class Seen(NamedTuple):
    """A batch: pictures (n, 3, S, S); scale (n, 4), to their own pixels; proposals (n, P, 4) and what CLIP sees there,
    (n, P, D), where it is distilled."""

    pictures: Tensor
    scale: Tensor
    proposals: Tensor | None
    teacher: Tensor | None


class RegionInputs:
    """Takes the place of `inputs.Inputs`: gives `Seen` for the rows of a split.

    proposals: (N, P, 4) and teacher: (N, P, D), None until `look`.
    """

    def __init__(self, method: Detector, split: "Split"):
        self.method, self.split = method, split
        self.proposals: Tensor | None = None
        self.teacher: Tensor | None = None

    def pictures(self, rows: Tensor) -> Tensor:
        """(n, 3, S, S) in 0 … 1, on the CLIP's device."""
        return pictures_of(self.split, rows, self.method.image_size)[0].to(self.method.clip.device)

    def look(self, proposer: Proposer, most: int, crops: tuple[float, ...]) -> None:
        """Fixes the `most` likeliest proposals of every picture, and what CLIP sees in each."""
        rows = torch.arange(len(self.split)).split(16)
        self.proposals = torch.cat([proposer.fixed(self.pictures(some), most) for some in rows])
        self.teacher = kept_crop_embeddings(self.method.clip, self.split, self.pictures, self.proposals, crops)

    def batches(self, epoch: int, chosen: list[Tensor]) -> Iterator[Seen]:
        """Of each tensor of row numbers, (n,)."""
        for rows in chosen:
            seen, device = pictures_of(self.split, rows, self.method.image_size), self.method.clip.device
            pictures, scale, rows = (each.to(device, non_blocking=True) for each in (*seen, rows))
            given = (None, None) if self.teacher is None else (self.proposals[rows], self.teacher[rows])
            yield Seen(pictures, scale, *given)
