"""Groups of pixels, whoever made them: GroupViT's, or those of k-means; named, judged by the truth, and compared.

A map of groups is (N, G, h, w), how much of each place is in which group; `at_pixels` makes the answer of it: the group
of every pixel.
"""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score
from torch import Tensor

from lessons_lib.toyworld import Scenes, render
from lessons_lib.toyworld.coverage import COL

APART = 2.0  # what the picture's edge counts in k-means of colours: as much as from black to white, twice


def at_pixels(maps: Tensor, size: int) -> Tensor:
    """(N, G, h, w) -> (N, size, size) long: the group of each pixel, bilinear between the places."""
    return F.interpolate(maps.float(), (size, size), mode="bilinear", align_corners=False).argmax(dim=1)


def by_oracle(groups: Tensor, truth: Tensor) -> Tensor:
    """groups, truth: (N, H, W) long -> (N, H, W): every group has the class that it fits best, by IoU. Nobody who may
    not look at the truth can name them so; what is wrong still is the grouping's fault."""
    found = torch.zeros_like(truth)
    for answer, mine, is_ in zip(found, groups, truth):
        for g in mine.unique():
            here = mine == g
            ious = {c: _iou(here, is_ == c) for c in is_.unique().tolist()}
            answer[here] = max(ious, key=ious.get)
    return found


def found_things(groups: Tensor, truth: Tensor, least: float = 0.5) -> list[float]:
    """Of each picture the percent of its things (classes above 0) that some group fits with an IoU of `least`."""
    shares = []
    for mine, is_ in zip(groups, truth):
        things = [c for c in is_.unique().tolist() if c > 0]
        best = [max(_iou(mine == g, is_ == c) for g in mine.unique()) for c in things]
        shares.append(100 * sum(iou >= least for iou in best) / len(things))
    return shares


def _iou(one: Tensor, other: Tensor) -> float:
    return ((one & other).sum() / (one | other).sum()).item()


def agreement(groups: Tensor, truth: Tensor, there: Tensor | None = None) -> list[float]:
    """Of each picture, in percent: how well two partitions of its pixels agree, less what chance would give (adjusted
    mutual information): 100 for the same, whatever the groups are called, 0 for chance, however many they are.

    there: (N, H, W) bool, the pixels that count.
    """
    kept = torch.ones_like(truth, dtype=torch.bool) if there is None else there
    pairs = ((is_[on].numpy(), mine[on].numpy()) for mine, is_, on in zip(groups, truth, kept))
    return [100 * adjusted_mutual_info_score(is_, mine) for is_, mine in pairs]


def parts_at(scenes: Scenes, size: int) -> Tensor:
    """(N, size, size) long: which part of a thing each pixel shows (a wheel, a handle), -1 for the background."""
    tables = scenes.tables.clone()
    of_thing = tables[..., COL["object"]] >= 0
    tables[..., COL["object"]] = torch.where(of_thing, tables[..., COL["part"]], tables[..., COL["object"]])
    return render.owners(tables, size=size).long()


def k_means(rows: Tensor, groups: int) -> Tensor:
    """rows: (N, h, w, d) -> (N, G, h, w): the places of each picture in so many clusters, picture by picture."""
    n, h, w, _ = rows.shape
    labels = [
        KMeans(groups, n_init=2, random_state=0).fit_predict(picture.numpy().astype(np.float64))
        for picture in rows.flatten(1, 2).float()
    ]
    return F.one_hot(torch.from_numpy(np.stack(labels)).long(), groups).movedim(1, 2).unflatten(2, (h, w)).float()


def colours(pictures: Tensor, patch: int) -> Tensor:
    """pictures: (N, 3, S, S), 0 … 1 -> (N, S / patch, S / patch, 5): mean colour of a patch, and where it is."""
    mean = F.avg_pool2d(pictures, patch).movedim(1, -1)  # (N, h, w, 3)
    line = torch.linspace(0, APART / 2, mean.shape[1])
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.cat([mean, torch.stack([y, x], dim=-1).expand(len(mean), -1, -1, -1)], dim=-1)
