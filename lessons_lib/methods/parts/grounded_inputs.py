"""What a grounding detector is fed while it learns: boxes of classes and captions with phrases, as one kind of thing.

Of a picture with boxes of classes, the classes' names are the prompt: those that it shows and, of the others, as many
as the context holds, drawn anew every epoch and shuffled, so that no place in a prompt comes to mean a class. Of a
picture with a caption that is the prompt; boxes that no phrase is about are then told nowhere.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.data import Boxes, Captions
from lessons_lib.identity import digest
from lessons_lib.methods.detector import pictures_of
from lessons_lib.methods.parts.alignment import token_targets
from lessons_lib.methods.parts.phrases import Phrases, Prompt, stacked

if TYPE_CHECKING:
    from lessons_lib.data import Split

KINDS = ("detect", "ground")


class Seen(NamedTuple):
    """A batch: pictures (n, 3, S, S); scale (n, 4), to their own pixels; ids (n, L) of the prompts' tokens and mask
    (n, L), which are there; told, n of (m_i, L): 1 where a token is of a phrase about the box; said (n, L): a number
    from 1 for what the token's phrase says, the same in all pictures of the batch, 0 for a token of none; masks, n of
    (m_i, S, S), where those are learned."""

    pictures: Tensor
    scale: Tensor
    ids: Tensor
    mask: Tensor
    told: list[Tensor]
    said: Tensor
    masks: list[Tensor] | None = None


class Joined:
    """Splits one behind the other, as `training.train` asks for a split."""

    def __init__(self, splits: Sequence["Split"]):
        self.splits = list(splits)
        self.places = [(split, i) for split in self.splits for i in range(len(split))]
        each = ("boxes", "labels", "sizes")
        self.targets = Boxes(*([one for split in splits for one in getattr(split.targets, name)] for name in each))
        self.fingerprint = digest([split.identity() for split in self.splits])

    def __len__(self) -> int:
        return len(self.places)


class GroundedInputs:
    """Takes the place of `inputs.Inputs`: gives `Seen` for the rows of several splits.

    in_order: ask for all classes in their order, in the one prompt that then has to hold them.
    masks: of all pictures, (m_i, S, S) 0 … 1 of each box, where those are to be learned.
    Raises ValueError for a split that has neither boxes of classes nor captions, and for what no prompt holds.
    """

    def __init__(
        self,
        splits: Sequence["Split"],
        phrases: Phrases,
        *,
        size: int,
        device: torch.device,
        seed: int,
        in_order: bool = False,
        masks: Sequence[Tensor] | None = None,
    ):
        for split in splits:
            if split.kind not in KINDS:
                raise ValueError(f"boxes or captions with phrases can be learned from; got a split to {split.kind!r}")
        self.split, self.phrases, self.size, self.device = Joined(splits), phrases, size, device
        self.seed, self.in_order, self.masks = seed, in_order, masks
        self._captions = {
            row: phrases.of_caption(split.targets.captions[i], [one[:2] for one in split.targets.phrases[i]])
            for row, (split, i) in enumerate(self.split.places)
            if split.kind == "ground"
        }
        for split in splits:
            if split.kind == "detect":
                self._check_names(split)

    def _check_names(self, split: "Split") -> None:
        """Raises ValueError, before work starts, where one prompt does not hold what it has to."""
        if self.in_order:
            self.phrases.of_names(split.classnames)
        for present in {tuple(labels.unique().tolist()) for labels in split.targets.labels}:
            self.phrases.of_names([split.classnames[label] for label in present])

    def asked(self, row: int, epoch: int) -> tuple[Prompt, Tensor]:
        """The prompt of a picture, and (m, L): 1 on each token of a phrase about box m."""
        split, i = self.split.places[row]
        if isinstance(split.targets, Captions):
            prompt = self._captions[row]
            about = [box for _, _, box in split.targets.phrases[i]]
            return prompt, token_targets(prompt.spans, about, len(split.targets.boxes[i]), len(prompt.ids))
        labels, names = split.targets.labels[i].tolist(), split.classnames
        draws = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) * 1_000_003 + row)
        places = range(len(names)) if self.in_order else self.phrases.drawn(names, list(dict.fromkeys(labels)), draws)
        prompt = self.phrases.of_names([names[place] for place in places])
        at = {place: number for number, place in enumerate(places)}
        told = torch.zeros(len(labels), len(prompt.ids))
        for box, label in enumerate(labels):
            told[box, list(prompt.spans[at[label]])] = 1
        return prompt, told

    def batches(self, epoch: int, chosen: list[Tensor]) -> Iterator[Seen]:
        """Of each tensor of row numbers, (n,)."""
        for rows in chosen:
            if not len(rows):  # a process's share of a small batch
                yield None
                continue
            places = [self.split.places[row] for row in rows.tolist()]
            parts = [pictures_of(split, torch.tensor([i]), self.size) for split, i in places]
            pictures, scale = (torch.cat(each).to(self.device) for each in zip(*parts))
            prompts, told = zip(*(self.asked(row, epoch) for row in rows.tolist()))
            ids, mask = stacked(prompts, self.device)
            told = [F.pad(one, (0, ids.shape[1] - one.shape[1])).to(self.device) for one in told]
            said = numbered(prompts, ids.shape[1]).to(self.device)
            masks = None if self.masks is None else [self.masks[row].to(self.device) for row in rows.tolist()]
            yield Seen(pictures, scale, ids, mask, told, said, masks)


def numbered(prompts: Sequence[Prompt], length: int) -> Tensor:
    """(n, length) long: for each token a number from 1 for what its phrase says, 0 where it is in none."""
    numbers: dict[tuple[int, ...], int] = {}
    found = torch.zeros(len(prompts), length, dtype=torch.long)
    for row, prompt in zip(found, prompts):
        for i, span in enumerate(prompt.spans):
            row[span.start : span.stop] = numbers.setdefault(prompt.phrase(i), len(numbers) + 1)
    return found
