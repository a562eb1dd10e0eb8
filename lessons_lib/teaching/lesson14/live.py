"""A GLIP that learns within a minute, since it looks with eyes that are trained already.

What looks (the convolutions) is the shipped model's and stands still, so every picture's maps are made once. What
reads, what joins both, and what compares starts from noise, and learns with the losses that the lesson writes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.data import Split
from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.detector import pictures_of
from lessons_lib.methods.parts.alignment import box_loss, centerness
from lessons_lib.methods.parts.grounder import Grounder, Said, Wanted
from lessons_lib.methods.parts.phrases import Prompt, stacked
from lessons_lib.methods.parts.pyramid import Maps, flat, middles_of
from lessons_lib.methods.parts.region_word_contrast import fits
from lessons_lib.methods.parts.regions import shifted


class Step(NamedTuple):
    """A batch.   maps: what was seen; ids, there: (n, L), of the prompts' tokens, and which are there; boxes: n of
    (m_i, 4); told: n of (m_i, L)."""

    maps: Maps
    ids: Tensor
    there: Tensor
    boxes: list[Tensor]
    told: list[Tensor]


@torch.no_grad()
def looked(glip: GLIP, pictures: Tensor, prompts: Sequence[Prompt]) -> Step:
    """Pictures (n, 3, S, S) in 0 … 1, each with its prompt, as a batch of which no box is told."""
    device = glip.clip.device
    ids, there = stacked(prompts, device)
    return Step(glip.grounder.look(pictures.to(device)), ids, there, [], [])


def newborn(like: GLIP, seed: int = 0) -> GLIP:
    """The eyes of `like`, which stand still; all else from noise."""
    found = like.for_classes(like.classnames)
    found.reset(seed)
    found.grounder.pyramid.load_state_dict(like.grounder.pyramid.state_dict())
    found.grounder.pyramid.requires_grad_(False)
    return found


class Lessons:
    """What it learns from: splits of boxes of classes, and of captions with phrases, one behind the other."""

    def __init__(self, glip: GLIP, splits: Sequence[Split], seed: int = 1):
        self.inputs = glip.inputs(splits, seed=seed)
        pixels = [pictures_of(split, torch.arange(len(split)), glip.image_size)[0] for split in splits]
        self.device = glip.clip.device
        with torch.no_grad():
            seen = [glip.grounder.pyramid(some.to(self.device)) for some in torch.cat(pixels).split(64)]
        self.levels = [torch.cat([maps.levels[i] for maps in seen]) for i in range(len(seen[0].levels))]

    def __len__(self) -> int:
        return len(self.inputs.split)

    def epoch(self, number: int, batch_size: int = 16) -> Iterator[Step]:
        """Batches in an order by chance; which other names a list is filled up with is drawn anew."""
        draws = torch.Generator().manual_seed(number)
        chosen = list(torch.randperm(len(self), generator=draws).split(batch_size))
        for rows, seen in zip(chosen, self.inputs.batches(number, chosen)):
            targets = self.inputs.split.targets.batch(rows).to(self.device)
            boxes = [some[some[:, 0] >= 0, 1:] / scale.to(self.device) for some, scale in zip(targets, seen.scale)]
            maps = Maps(seen.pictures, [level[rows] for level in self.levels])
            yield Step(maps, seen.ids, seen.mask, boxes, seen.told)


def together(net: Grounder, step: Step) -> tuple[Tensor, Tensor]:
    """Locations (n, A, width) and token states (n, L, width), behind fusion."""
    levels, states = step.maps.levels, net.read(step.ids, step.there)
    for layer in net.together:
        levels, states = layer(levels, states, step.there)
    return flat(levels), states


def places(net: Grounder, v: Tensor, wanted: Wanted) -> Tensor:
    """The other half of the loss, of where things are: 2 · (1 − GIoU) + BCE(centerness)."""
    things = wanted.things
    anchors, truth = net.anchors.expand_as(wanted.boxes)[things], wanted.boxes[things]
    middle = centerness(middles_of(anchors), truth)
    off = box_loss(shifted(anchors, net.mover(v)[things]), truth, middle)
    unsure = F.binary_cross_entropy_with_logits(net.middle(v)[..., 0][things], middle, reduction="sum")
    return off + unsure / things.sum().clamp(min=1)


def whole_loss(net: Grounder, step: Step) -> Tensor:
    """The library's, of the same batch."""
    v, states = together(net, step)
    said = Said(step.maps.levels, net.alignment(v, states), net.mover(v), net.middle(v)[..., 0])
    return net.loss(said, net.wanted(step.boxes, step.told), step.there)


class Contrasted(NamedTuple):
    """Of a batch, before fusion.   v: (R, width), locations that speak of something; e: (W, width), states of all
    tokens that are there; fits: (R, W) bool; regions, words: how many of each picture."""

    v: Tensor
    e: Tensor
    fits: Tensor
    regions: list[int]
    words: list[int]


@torch.no_grad()
def contrasted(glip: GLIP, split: Split, rows: Sequence[int]) -> Contrasted:
    """What GLIPv2 contrasts: captioned pictures and their captions."""
    inputs, net = glip.inputs([split.subset(list(rows))], seed=0), glip.grounder
    [seen] = inputs.batches(0, [torch.arange(len(inputs.split))])
    boxes = [some / scale.to(some) for some, scale in zip(inputs.split.targets.boxes, seen.scale)]
    wanted = net.wanted(boxes, seen.told)
    told = [tokens[things] for tokens, things in zip(wanted.tokens, wanted.things)]
    v = flat(net.look(seen.pictures).levels)[wanted.things]
    fitting = fits(told, seen.said, seen.mask)
    return Contrasted(v, net.read(seen.ids, seen.mask)[seen.mask], fitting, [len(each) for each in told],
                      seen.mask.sum(dim=1).tolist())  # fmt: skip
