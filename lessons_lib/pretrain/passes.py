"""A fixed set of pairs, seen in passes; and views of whatever pairs are seen. Batch k depends on (seed, k, rank) alone,
so a run can stop and go on anywhere."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np
import torch
from torch import Tensor

from lessons_lib.pretrain.views import View, draw_views


def passes(
    images: Tensor, tokens: Tensor, *, batch_size: int, seed: int, start: int = 0, rank: int = 0, world: int = 1
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of (images, tokens), pass after pass over all N pairs, each in an order of its own, from step
    `start` on. What is left of a pass when no batch is full any more is not seen in it.

    images: (N, …), tokens: (N, L).   batch_size: pairs a step, over all `world` processes; this one, `rank`, is given
    its share. Raises ValueError where a batch is larger than N, or cannot be shared.
    """
    steps = len(images) // batch_size
    if not steps or batch_size % world:
        raise ValueError(f"batch_size={batch_size} must be at most the {len(images)} pairs, and a multiple of {world}")
    share = batch_size // world
    for step in count(start):
        turn, place = divmod(step, steps)
        if place == 0 or step == start:
            order = torch.from_numpy(np.random.default_rng([seed, turn]).permutation(len(images)))
        rows = order[place * batch_size + rank * share :][:share]
        yield images[rows], tokens[rows]


def with_views(
    pairs: Iterable[tuple[Tensor, Tensor]], views: Sequence[View], *, seed: int, start: int = 0, rank: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """(images (n, 3, H, W) uint8, tokens) -> (views (n, V, 3, H, W) uint8, tokens), drawn when they are asked for.

    start: the step of the first of `pairs`.
    """
    for step, (images, tokens) in enumerate(pairs, start):
        yield draw_views(images, views, seed=(seed, step, rank)), tokens
