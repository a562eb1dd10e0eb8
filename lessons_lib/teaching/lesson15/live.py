"""SLIP small enough to be trained in a lesson: lesson 01's plain shapes in plain colours, a ViT of 16 patches.

    pairs, seen = draw(2_048), draw(300, seed=1)
    live = train(SLIP, pairs)                       # or CLIP, SIMCLR; or step by step, with `start`
    alike(live.clip, seen)                          # how many of a picture's neighbours have its shape, its colour
    neighbours(trunk_of(live.clip), live.clip.preprocess_tensor(seen.images), [0], k=8).indices

The objectives are `pretrain.slip`'s, `neighbours` is `metrics.retrieval`'s, `trunk_of` is `pretrain.trunk`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lessons_lib.clip import Clip
from lessons_lib.clip.building import build, make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.metrics.retrieval import neighbours
from lessons_lib.pretrain.loop import Run, Settings, learning_rate
from lessons_lib.pretrain.passes import passes, with_views
from lessons_lib.pretrain.slip import Objective
from lessons_lib.pretrain.trunk import trunk_of
from lessons_lib.teaching.lesson01.shape_world import draw_shapes

SMALL = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": 3, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
PREPROCESS = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic"}
HEAD = (256, 64)
STEPS, BATCH, LR = 72, 128, 2e-3


class Pairs(NamedTuple):
    """images: (N, 3, 64, 64) uint8.   captions: N texts.   shown: N (colour, shape), for looking at results alone."""

    images: Tensor
    captions: list[str]
    shown: list[tuple[str, str]]


class Live(NamedTuple):
    """clip: the towers that were trained, without the head.   losses: one a step."""

    clip: Clip
    losses: list[float]


def draw(n: int, *, seed: int = 0) -> Pairs:
    """The same seed draws the same."""
    return Pairs(*draw_shapes(n, seed=seed))


@dataclass
class Start:
    """A training before its first step.   rates: of each step.   batches: endless (views, tokens);
    views (N, V, 3, S, S) are as the towers take them."""

    run: Run
    rates: list[float]
    batches: Iterator[tuple[Tensor, Tensor]]

    @property
    def towers(self) -> nn.Module:
        return self.run.towers

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        return self.run.optimizer

    def clamp(self) -> None:
        """CLIP keeps its scale between 1 and 100."""
        self.run.clamp_scale()

    def ended(self, name: str) -> Clip:
        """The towers, without the head."""
        tokenizer = make_tokenizer("small CLIP", SMALL)
        with torch.random.fork_rng():
            return frozen_copy(self.run.model, SMALL, PREPROCESS, tokenizer, name=f"small {name}")


def start(objective: Objective, pairs: Pairs, *, steps: int = STEPS, batch_size: int = BATCH, lr: float = LR,
          seed: int = 0) -> Start:  # fmt: skip
    """Passes over the pairs with the objective's views, a tenth of the steps as warm-up, then half a cosine. The same
    seed starts the same, and leaves torch's generator alone."""
    settings = Settings(steps=steps, batch_size=batch_size, lr=lr, warmup=max(1, steps // 10), patch_dropout=0.0,
                        weight_decay=objective.weight_decay, seed=seed)  # fmt: skip
    tokens = make_tokenizer("small CLIP", SMALL)(pairs.captions)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        run = Run(build(SMALL), settings, _normalise, make_towers=objective.make_towers(*HEAD), loss=objective.loss)
    run.learned.train()
    batches = with_views(passes(pairs.images, tokens, batch_size=batch_size, seed=seed), objective.views, seed=seed)
    rates = [learning_rate(step, settings) for step in range(steps)]
    return Start(run, rates, ((_normalise(views), tokens) for views, tokens in batches))


def train(objective: Objective, pairs: Pairs, *, progress: bool = True, **settings) -> Live:
    """All steps.   settings: of `start`. The same seed trains the same."""
    ready = start(objective, pairs, **settings)
    turns = tqdm(range(len(ready.rates)), desc=objective.name, unit="step", disable=not progress)
    with torch.random.fork_rng():
        losses = [ready.run.step_on(*next(ready.batches)) for _ in turns]
    return Live(ready.ended(objective.name), losses)


def alike(clip: Clip, pairs: Pairs, *, k: int = 5, of: Sequence[int] | None = None) -> dict[str, float]:
    """Of the k nearest pictures in the trunk: which share, in percent, has the picture's own shape, which its colour.

    of: numbers of the pictures that are asked for; all by default. By chance: about 12 %.
    """
    which = range(len(pairs.images)) if of is None else of
    near = neighbours(trunk_of(clip), clip.preprocess_tensor(pairs.images), which, k).indices.tolist()
    hits = {"shape": 1, "colour": 0}
    return {
        name: 100 * sum(pairs.shown[j][part] == pairs.shown[i][part] for i, row in zip(which, near) for j in row)
        / (k * len(near))
        for name, part in hits.items()
    }  # fmt: skip


def _normalise(images: Tensor) -> Tensor:
    return (images.float() / 255 - 0.5) / 0.25
