"""GLIP's network: looks at pictures, reads prompts, joins both, and compares every location with every token; and what
it should have said.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.methods.detector import Regions
from lessons_lib.methods.parts.alignment import Alignment, alignment_loss, box_loss, centerness
from lessons_lib.methods.parts.deep_fusion import FusionLayer, LookLayer
from lessons_lib.methods.parts.phrases import Prompt, stacked
from lessons_lib.methods.parts.pyramid import Maps, Pyramid, anchors_of, assigned, flat, middles_of
from lessons_lib.methods.parts.regions import moved, shifted
from lessons_lib.methods.parts.token_states import TokenStates

HEADS = 4


class Said(NamedTuple):
    """levels: maps behind fusion; logits: (n, A, L), S; deltas: (n, A, 4) of boxes; middles: (n, A), centerness's
    logits."""

    levels: Sequence[Tensor]
    logits: Tensor
    deltas: Tensor
    middles: Tensor


class Wanted(NamedTuple):
    """tokens: (n, A, L), 1 where the token is of a phrase about the location's thing; boxes: (n, A, 4), that thing's;
    things: (n, A) bool, whether the location speaks of one."""

    tokens: Tensor
    boxes: Tensor
    things: Tensor


class Grounder(nn.Module):
    """embed: token ids to CLIP's embeddings, of that width; else as `GLIP`.

    offset: (context_length, width), added to token states by their position; None until that is tuned.
    """

    def __init__(
        self,
        embed: Callable[[Tensor], Tensor],
        embedded_width: int,
        *,
        fusion: bool,
        layers: int,
        text_layers: int,
        context_length: int,
        anchor: float,
        size: int,
        width: int,
    ):
        super().__init__()
        self.embed, self.fusion, self.size = embed, fusion, size
        self.pyramid = Pyramid(width)
        self.words = TokenStates(embedded_width, width, context_length, text_layers, HEADS)
        made = [FusionLayer(width, HEADS, layers) if fusion else LookLayer(width) for _ in range(layers)]
        self.together = nn.ModuleList(made)
        self.alignment = Alignment(width, width)
        self.mover, self.middle = nn.Linear(width, 4), nn.Linear(width, 1)
        nn.init.normal_(self.mover.weight, std=0.01), nn.init.zeros_(self.mover.bias)
        self.register_parameter("offset", None)
        anchors = anchors_of(size, anchor)
        self.register_buffer("anchors", torch.cat(anchors), persistent=False)  # (A, 4)
        self.per_level = [len(level) for level in anchors]

    def add_offset(self) -> nn.Parameter:
        """From 0."""
        self.offset = nn.Parameter(torch.zeros_like(self.words.positions))
        return self.offset

    def look(self, pictures: Tensor) -> Maps:
        """(n, 3, S, S) in 0 … 1: all that can be known of them without a word."""
        maps = self.pyramid(pictures)
        for layer in () if self.fusion else self.together:
            maps = maps._replace(levels=layer(maps.levels))
        return maps

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, L), (n, L) -> token states (n, L, width), with nothing of a picture in them."""
        states = self.words(self.embed(ids).float(), mask)
        return states if self.offset is None else states + self.offset[: ids.shape[1]]

    def compare(self, maps: Maps, states: Tensor, mask: Tensor) -> Said:
        """states: (n, L, width); mask: (n, L), which tokens are there."""
        levels = maps.levels
        for layer in self.together if self.fusion else ():
            levels, states = layer(levels, states, mask)
        regions = flat(levels)  # (n, A, width)
        return Said(levels, self.alignment(regions, states), self.mover(regions), self.middle(regions)[..., 0])

    def asked(self, maps: Maps, prompts: Sequence[Prompt]) -> Said:
        """What it says to one prompt a picture, or to one for all."""
        ids, mask = stacked(prompts, self.anchors.device)
        n = len(maps.fine)
        return self.compare(maps, self.read(ids, mask).expand(n, -1, -1), mask.expand(n, -1))

    def boxes(self, said: Said) -> Tensor:
        """(n, A, 4), inside the picture."""
        n = len(said.deltas)
        return moved(self.anchors.repeat(n, 1), said.deltas.flatten(0, 1), self.size).view(n, -1, 4)

    # --- learning

    def wanted(self, boxes: Sequence[Tensor], told: Sequence[Tensor]) -> Wanted:
        """boxes: n of (m_i, 4) in pixels of S × S; told: n of (m_i, L): 1 on each token of a phrase about the box. A
        box that no phrase is about is nobody's."""
        n, length = len(boxes), told[0].shape[1]
        tokens = self.anchors.new_zeros(n, len(self.anchors), length)
        truth = self.anchors.new_zeros(n, len(self.anchors), 4)
        for i, (all_boxes, all_told) in enumerate(zip(boxes, told)):
            spoken = all_told.any(dim=1)
            which = assigned(self.anchors.split(self.per_level), all_boxes[spoken])  # (A,)
            things = which >= 0
            tokens[i, things], truth[i, things] = all_told[spoken][which[things]], all_boxes[spoken][which[things]]
        return Wanted(tokens, truth, tokens.any(dim=-1))

    def loss(self, said: Said, wanted: Wanted, mask: Tensor) -> Tensor:
        """mask: (n, L), which tokens are there. All parts are by the number of locations that speak of something."""
        things = wanted.things
        anchors, truth = self.anchors.expand_as(wanted.boxes)[things], wanted.boxes[things]  # (R, 4)
        middle = centerness(middles_of(anchors), truth)  # (R,)
        off = box_loss(shifted(anchors, said.deltas[things]), truth, middle)
        unsure = F.binary_cross_entropy_with_logits(said.middles[things], middle, reduction="sum")
        return alignment_loss(said.logits, wanted.tokens, mask) + off + unsure / things.sum().clamp(min=1)


def mirrored(pictures: Tensor, boxes: Sequence[Tensor], which: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The same, those that `which`, (n,) bool, names with left and right exchanged."""
    size = pictures.shape[-1]
    turned = [torch.stack([size - b[:, 2], b[:, 1], size - b[:, 0], b[:, 3]], dim=1) for b in boxes]
    pictures = torch.where(which.to(pictures.device)[:, None, None, None], pictures.flip(-1), pictures)
    return pictures, [other if turn else one for one, other, turn in zip(boxes, turned, which.tolist())]


def surest(boxes: Tensor, scores: Tensor, most: int) -> list[Regions]:
    """boxes: (n, R, 4); scores: (n, R, C). At most `most` regions a picture, the surest of anything first."""
    sure, order = scores.amax(dim=-1).sort(dim=1, descending=True, stable=True)
    return [Regions(b[o[:most]], s[:most], c[o[:most]]) for b, s, c, o in zip(boxes, sure, scores, order)]
