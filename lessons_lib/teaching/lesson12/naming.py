"""Groups get names, as GroupViT names them: for groups that others made, too, and for any threshold at once.

    p_g = softmax_c(s · e_g · w_c) · softmax_c(s · e_g · w_c, over the picture's 5 likeliest classes alone)
    a group is its likeliest thing, or background where p is below min(t, the picture's largest p)
p is the method's (`lessons_lib.methods.segment.groupvit`); the rest of its steps stand apart here.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from lessons_lib.clip.blocks import unit
from lessons_lib.clip.model import Clip
from lessons_lib.data import Split
from lessons_lib.methods import METHODS
from lessons_lib.methods.segment.groupvit import Named, probabilities
from lessons_lib.metrics.by_picture import counted
from lessons_lib.teaching.lesson12.groups import at_pixels, k_means

BATCH = 50
GRID = tuple(round(0.025 * i, 3) for i in range(41))  # thresholds


def answers(found: Named, threshold: float, size: int) -> Tensor:
    """(N, size, size) long: 0 for background, 1 … K for things."""
    sure, thing = found.scores.max(dim=-1)  # (N, G)
    needed = sure.amax(dim=1, keepdim=True).clamp(max=threshold)  # (N, 1)
    said = torch.where(sure >= needed, thing + 1, 0)  # (N, G)
    mine = at_pixels(found.maps, size)
    return said.gather(1, mine.flatten(1)).unflatten(1, mine.shape[1:])


def by_groupvit(groupvit: Clip, split: Split, maps: str = "soft") -> Named:
    """What GroupViT makes of a split whose first class is the background."""
    method = METHODS["GroupViT"](groupvit, maps=maps)
    method.set_classes(split.classnames)
    found = [method.named_groups(x) for x in _batches(groupvit, split)]
    return Named(torch.cat([one.maps for one in found]), torch.cat([one.scores for one in found]))


@torch.no_grad()
def by_clusters(clip: Clip, split: Split, clusters: int = 6) -> Named:
    """K-means of a CLIP's patches (MaskCLIP's value path), picture by picture; a cluster's vector is their mean. Named
    by the same rule, with the CLIP's own picture vector for the likeliest classes."""
    texts = clip.encode_texts([f"a photo of a {name}." for name in split.classnames[1:]])  # (K, D)
    maps, scores = [], []
    for x in _batches(clip, split):
        tokens = clip.encode_dense(x, last="value").tokens  # (n, h, w, D)
        mine = k_means(tokens, clusters)  # (n, G, h, w)
        vectors = unit(torch.einsum("nghw,nhwd->ngd", mine, tokens.float().cpu()))
        logits = clip.logit_scale * vectors @ texts.cpu().T
        of_picture = clip.logit_scale * clip.encode_images(x).cpu() @ texts.cpu().T
        maps.append(mine)
        scores.append(probabilities(logits, of_picture))
    return Named(torch.cat(maps), torch.cat(scores))


def curve(found: Named, split: Split, thresholds: Iterable[float] = GRID) -> list[float]:
    """mIoU of things at each threshold."""
    truth = split.targets.masks.long()
    things = range(1, len(split.classnames))
    each = (counted(answers(found, t, truth.shape[-1]), truth, len(split.classnames)) for t in thresholds)
    return [one.mean_iou(list(things)) for one in each]


def best(values: Sequence[float], thresholds: Sequence[float] = GRID) -> float:
    """The threshold of the highest mIoU; of several, the one in their middle."""
    most = [t for t, value in zip(thresholds, values) if value >= max(values) - 1e-9]
    return most[len(most) // 2]


def _batches(clip: Clip, split: Split) -> Iterable[Tensor]:
    for start in range(0, len(split), BATCH):
        part = split.subset(range(start, min(start + BATCH, len(split))))
        yield clip.preprocess_tensor(part.tensor()).to(clip.device)
