"""How often a caption's phrases find what they are about, and what a teacher makes of captions without boxes."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou

from lessons_lib.data import Captions, Split
from lessons_lib.methods.detector import BATCH, OVERLAP, Regions, pictures_of
from lessons_lib.methods.parts.phrases import Phrases, Prompt
from lessons_lib.methods.parts.regions import has_area
from lessons_lib.metrics.detection import grounding_accuracy

SURE = 0.5  # a score above which a teacher is believed


class Grounding(Protocol):
    """A detector of phrases, such as GLIP."""

    phrases: Phrases
    image_size: int

    def grounded(self, pictures: Tensor, prompts: Sequence[Prompt]) -> list[Regions]: ...


def found_in(method: Grounding, split: Split) -> Iterator[tuple[list[tuple[int, int]], Regions]]:
    """Of every captioned picture its different phrases, as (first letter, letter behind the last), and `Regions` of
    them, with boxes in the picture's own pixels."""
    for rows in torch.arange(len(split)).split(BATCH) if len(split) else ():
        pictures, scale = pictures_of(split, rows, method.image_size)
        told = [list(dict.fromkeys(one[:2] for one in split.targets.phrases[i])) for i in rows.tolist()]
        some = [i for i, phrases in enumerate(told) if phrases]
        captions = [split.targets.captions[i] for i in rows.tolist()]
        prompts = [method.phrases.of_caption(captions[i], told[i]) for i in some]
        found = iter(method.grounded(pictures[some].to(next(method.parameters()).device), prompts) if some else ())
        for i, phrases in enumerate(told):
            of_picture = [each.cpu() for each in (next(found) if phrases else (torch.zeros(0, 4),) * 3)]
            yield phrases, Regions(of_picture[0] * scale[i], *of_picture[1:])


def about(split: Split, picture: int, phrase: tuple[int, int]) -> list[int]:
    """Which of a picture's boxes a phrase, (first letter, letter behind the last), is about."""
    return [box for start, end, box in split.targets.phrases[picture] if (start, end) == phrase]


@torch.inference_mode()
def grounding(method: Grounding, split: Split) -> dict[str, float]:
    """Percent of phrases whose surest box overlaps one that they are about by half; its ceiling, any box that was
    proposed; its floor, the surest box of the whole caption, which minds no phrase.

    Raises ValueError where no caption has a phrase.
    """
    answers, floor, best = [], [], []
    for i, (phrases, found) in enumerate(found_in(method, split)):
        for number, phrase in enumerate(phrases):
            true = split.targets.boxes[i][about(split, i, phrase)]
            overlap = box_iou(found.boxes, true)  # (R, m)
            for rows, box in (
                (answers, found.scores[:, number].argmax()),
                (floor, found.objectness.argmax()),
                (best, overlap.amax(dim=1).argmax()),
            ):
                rows.append((found.boxes[box], true[overlap[box].argmax()]))
    named = {"grounding": answers, "grounding_floor": floor, "grounding_ceiling": best}
    if not answers:
        raise ValueError("no caption of the split has a phrase, so there is nothing to find")
    return {name: grounding_accuracy(*map(torch.stack, zip(*rows))) for name, rows in named.items()}


@torch.inference_mode()
def pseudo_labelled(teacher: Grounding, split: Split, sure: float = SURE) -> Split:
    """The captioned pictures with the boxes that a teacher finds for their phrases, in the place of their own.

    sure: a score that a box has to reach; of boxes of one phrase that overlap by half the surest stays. All boxes are
    of one class, "thing": only phrases say what they are. Raises ValueError where they are no captions.
    """
    if split.kind != "ground":
        raise ValueError(f"a teacher labels phrases of captions; the split is to {split.kind!r}: give captions")
    if not 0 < sure < 1:
        raise ValueError(f"sure={sure!r}: give a score between 0 and 1")
    boxes, told = [], []
    for size, (phrases, found) in zip(split.targets.sizes, found_in(teacher, split)):
        sound, number = (found.scores >= sure).nonzero(as_tuple=True)
        kept = batched_nms(found.boxes[sound], found.scores[sound, number], number, OVERLAP)
        height, width = size
        some = found.boxes[sound[kept]].clamp(min=0).minimum(torch.tensor([width, height, width, height]))
        whole = has_area(some)
        boxes.append(some[whole])
        told.append([(*phrases[n], box) for box, n in enumerate(number[kept][whole].tolist())])
    labels = [torch.zeros(len(some), dtype=torch.long) for some in boxes]
    targets = Captions(boxes, labels, split.targets.sizes, split.targets.captions, told)
    return Split(split.images, targets, ["thing"])
