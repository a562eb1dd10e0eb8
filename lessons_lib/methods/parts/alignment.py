"""GLIP's alignment of regions and words (Li et al., "Grounded Language-Image Pre-training", CVPR 2022): what takes the
classifier's place, and what it is trained with. Fusion, and the detector around it, are not here.

    S = v · W(ê / 2) / exp(s) + ê · β + b0      v: a region's features; ê: a token's state, of unit length; b0 = −log 99
    targets: 1 on every token of the phrase that a region is about, 0 on all others, separators and ends included
    L = focal(S, targets; α = 0.25, γ = 2) over tokens that are there, + 2 · (1 − GIoU) + BCE(centerness)
    score of a phrase = √(mean over its tokens of σ(S) · σ(centerness))
"""

import math
import re
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from lessons_lib.clip.tokens import token_ids

PRIOR = -math.log(99)  # b0: at the start every pair is said to fit with 1 %
ALPHA, GAMMA = 0.25, 2.0
BOX_WEIGHT = 2.0


class Alignment(nn.Module):
    """S of regions and tokens, in place of a classifier's logits.

    text_width, region_width: of a token's state and of a region's features.
    """

    def __init__(self, text_width: int, region_width: int):
        super().__init__()
        self.projection = nn.Linear(text_width, region_width)  # W
        self.log_scale = nn.Parameter(torch.zeros(()))  # s
        self.lean = nn.Parameter(torch.zeros(text_width))  # β
        self.prior = nn.Parameter(torch.tensor(PRIOR))  # b0

    def forward(self, regions: Tensor, tokens: Tensor) -> Tensor:
        """regions: (n, A, region_width); tokens: (n, L, text_width) -> (n, A, L)."""
        unit = F.normalize(tokens, dim=-1)
        product = regions @ self.projection(unit / 2).transpose(1, 2) / self.log_scale.exp()  # (n, A, L)
        return product + (unit @ self.lean + self.prior)[:, None]


def token_spans(
    tokenizer: Callable, caption: str, phrases: Sequence[tuple[int, int]], context_length: int
) -> list[range]:
    """Positions, from 1 behind the start token, of every phrase's tokens.

    phrases: (first letter, letter behind the last) of each. Raises ValueError for a phrase that is not in the caption
    or begins or ends inside a word, and for a caption of more tokens than the context holds.
    """
    count = len(token_ids(tokenizer, caption)) + 2  # with start and end
    if count > context_length:
        raise ValueError(f"the caption {caption!r} needs {count} tokens; the context holds {context_length}")
    found = []
    for start, end in phrases:
        if not 0 <= start < end <= len(caption):
            raise ValueError(f"a phrase from letter {start} to {end} is not in the caption {caption!r}")
        cut = [at for at in (start, end) if re.match(r"\w\w", caption[at - 1 : at + 1] if at else "")]
        if cut or caption[start:end] != caption[start:end].strip():
            raise ValueError(f"the phrase {caption[start:end]!r} is not of whole words of {caption!r}")
        first, last = (1 + len(token_ids(tokenizer, caption[:at])) for at in (start, end))
        found.append(range(first, last))
    return found


def token_targets(spans: Sequence[range], thing_of: Sequence[int], things: int, length: int) -> Tensor:
    """(things, length) float: 1 on every token of a phrase about the thing.

    spans: of each phrase; thing_of: which thing it is about. Raises ValueError for a thing that is not there.
    """
    out = torch.zeros(things, length)
    for span, thing in zip(spans, thing_of, strict=True):
        if not 0 <= thing < things:
            raise ValueError(f"a phrase is about thing {thing}, but there are {things}")
        out[thing, list(span)] = 1
    return out


def alignment_loss(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The focal loss of S, summed over the tokens that are there, by the number of regions with a phrase.

    logits, targets: (n, A, L); mask: (n, L) bool, False behind a caption's end.
    """
    there = mask[:, None].expand_as(logits)
    loss = sigmoid_focal_loss(logits[there], targets[there], ALPHA, GAMMA, reduction="sum")
    return loss / (targets.amax(dim=-1) > 0).sum().clamp(min=1)


def box_loss(boxes: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """2 · (1 − GIoU), the mean weighted by each region's centerness.   boxes, truth: (R, 4); weights: (R,)."""
    each = generalized_box_iou_loss(boxes, truth)  # (R,)
    return BOX_WEIGHT * (each * weights).sum() / weights.sum().clamp(min=1e-6)


def centerness(points: Tensor, boxes: Tensor) -> Tensor:
    """(R,), 0 at a box's edge and 1 in its middle (Tian et al., "FCOS", ICCV 2019); 0 outside.

    points: (R, 2): x, y; boxes: (R, 4).
    """
    low, high = (points - boxes[:, :2]).clamp(min=0), (boxes[:, 2:] - points).clamp(min=0)  # (R, 2)
    return (torch.minimum(low, high) / torch.maximum(low, high).clamp(min=1e-6)).prod(dim=-1).sqrt()


def phrase_scores(logits: Tensor, spans: Sequence[range], middles: Tensor) -> Tensor:
    """(..., A, phrases), 0 … 1.   logits: (..., A, L) of one prompt; middles: (..., A), the centerness's logits."""
    fits = logits.sigmoid()
    words = torch.stack([fits[..., span.start : span.stop].mean(dim=-1) for span in spans], dim=-1)
    return (words * middles.sigmoid()[..., None]).sqrt()
