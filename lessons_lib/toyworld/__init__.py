"""ToyWorld: 64×64 pictures drawn from signed-distance functions, in eleven tasks that mirror the literature's eleven
data sets, and in one of several things a picture.

`draw_scenes` and `draw_several` draw the pictures of a task; `draw_pairs` draws what ToyCLIP was pre-trained on. All
depend on a seed alone.
"""

import json
import random
import zlib
from functools import cache
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from lessons_lib.toyworld.captions import DIALS, Dials, caption
from lessons_lib.toyworld.scenes import Scenes, ToyClass, draw_class
from lessons_lib.toyworld.several import SEVERAL, SeveralSpec, class_masks, draw_several
from lessons_lib.toyworld.sketch import Conditions, Facts, Sketch
from lessons_lib.toyworld.tasks import ELEVEN, EXTRAS, PRETRAINING, SHIFTS, TASKS, TaskSpec

__all__ = [
    "ELEVEN",
    "EXTRAS",
    "SEVERAL",
    "SHIFTS",
    "SPLIT_SIZES",
    "TASKS",
    "Conditions",
    "Dials",
    "Facts",
    "Scenes",
    "SeveralSpec",
    "Sketch",
    "TaskSpec",
    "ToyClass",
    "class_masks",
    "draw_pairs",
    "draw_scenes",
    "draw_several",
]

SPLIT_SIZES = {"train": 32, "val": 16, "test": 50}  # pictures a class
ADVERSARIAL_CANDIDATES = 3  # drawn for each that "toy_things_a" keeps


@cache
def _adversarial() -> dict[str, list[list[int]]]:
    """For each split and class, which of the candidates are kept: data_scripts/world/select_adversarial.py wrote it."""
    return json.loads(resources.files(__package__).joinpath("adversarial.json").read_text())


def draw_scenes(
    task: str, split: str = "test", *, seed: int = 0, per_class: int | None = None
) -> tuple[Scenes, Tensor]:
    """The pictures of one split of a toy task, class after class, and their labels (N,) long.

    seed: another seed draws other pictures of the same kind; per_class: how many a class (default: SPLIT_SIZES).
    Raises KeyError for a task or split that does not exist. "toy_things_a" keeps, at seed 0, only pictures that a
    weaker CLIP got wrong; other seeds and sizes give it without that choice.
    """
    spec, splits = TASKS[task], list(SPLIT_SIZES)
    n = SPLIT_SIZES[split] if per_class is None else per_class
    many = []
    for label, cls in enumerate(spec.classes):
        rng = np.random.default_rng([seed, zlib.crc32(task.encode()), splits.index(split), label])
        if spec.adversarial and seed == 0 and per_class is None:
            drawn = draw_class(cls, n * ADVERSARIAL_CANDIDATES, rng, category=spec.category, conditions=spec.conditions)
            many.append(drawn[_adversarial()[split][label]])
        else:
            many.append(draw_class(cls, n, rng, category=spec.category, conditions=spec.conditions))
    return Scenes.cat(many), torch.arange(len(spec.classes)).repeat_interleave(n)


def draw_pairs(
    n: int,
    *,
    seed: int | tuple[int, ...],
    device: str | torch.device = "cpu",
    tasks: list[str] | None = None,
    dials: Dials = DIALS,
) -> tuple[Tensor, list[str]]:
    """n freshly drawn pictures with captions, in random order: what pre-training streams.

    tasks: only these (default: all, each with its share; "toy_shapes", "toy_pairs" and "toy_homonyms" are there as
    well).
    Returns (n, 3, 64, 64) uint8 on `device` and n captions. The same seed gives the same pairs.
    """
    specs = [s for s in (*TASKS.values(), *EXTRAS) if (s.share > 0 if tasks is None else s.name in tasks)]
    rng = np.random.default_rng(seed)
    words = random.Random(int(rng.integers(2**31)))
    shares = np.array([spec.share for spec in specs])
    counts = rng.multinomial(n, shares / shares.sum())
    scenes, captions = [], []
    for spec, count in zip(specs, counts, strict=True):
        split = rng.multinomial(count, np.full(len(spec.classes), 1 / len(spec.classes)))
        for cls, m in zip(spec.classes, split, strict=True):
            if m == 0:
                continue
            drawn = draw_class(cls, int(m), rng, category=spec.category, conditions=PRETRAINING)
            scenes.append(drawn)
            captions += [
                caption(f, words, wording=spec.wording, name=cls.name, also=cls.also, spoken=cls.spoken, dials=dials)
                for f in drawn.facts
            ]
    images = Scenes.cat(scenes).render(device=device)
    order = rng.permutation(n)
    captions = [captions[i] for i in order]
    (wrong,) = np.nonzero(rng.random(n) < dials.wrong)
    for i in wrong:
        captions[i] = captions[int(rng.integers(n))]
    return images[torch.from_numpy(order).to(images.device)], captions
