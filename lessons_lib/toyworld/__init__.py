"""ToyWorld: 64×64 pictures drawn from signed-distance functions, in eleven tasks that mirror the literature's eleven
data sets, and in one of several things a picture.

`draw_scenes` and `draw_several` draw the pictures of a task; `draw_pairs` draws what ToyCLIP was pre-trained on. All
depend on a seed alone.
"""

import json
import random
import zlib
from dataclasses import replace
from functools import cache, partial
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from lessons_lib.toyworld.captions import DIALS, Dials, caption, caption_of_several
from lessons_lib.toyworld.looks import any_look
from lessons_lib.toyworld.render import EDITION
from lessons_lib.toyworld.scenes import Scenes, ToyClass, draw_class
from lessons_lib.toyworld.several import (
    CROWDS,
    SEVERAL,
    SeveralSpec,
    captions_of,
    class_masks,
    draw_several,
    draw_together,
    thing_boxes,
)
from lessons_lib.toyworld.sketch import Conditions, Facts, Sketch
from lessons_lib.toyworld.tasks import ELEVEN, EXTRAS, PRETRAINING, SHIFTS, TASKS, TaskSpec

__all__ = [
    "EDITION",
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
    "captions_of",
    "class_masks",
    "draw_pairs",
    "draw_scenes",
    "draw_several",
    "thing_boxes",
]

SPLIT_SIZES = {"train": 32, "val": 16, "test": 50}  # pictures a class
LOOKS = 1.0  # how strong the looks of tasks are
ADVERSARIAL_CANDIDATES = 3  # drawn for each that "toy_things_a" keeps


@cache
def _adversarial() -> dict[str, list[list[int]]]:
    """For each split and class, which of the candidates are kept: data_scripts/world/select_adversarial.py wrote it."""
    return json.loads(resources.files(__package__).joinpath("adversarial.json").read_text())


def draw_scenes(
    task: str, split: str = "test", *, seed: int = 0, per_class: int | None = None, looks: float = LOOKS
) -> tuple[Scenes, Tensor]:
    """The pictures of one split of a toy task, class after class, and their labels (N,) long.

    seed: another seed draws other pictures of the same kind; per_class: how many a class (default: SPLIT_SIZES); looks:
    how strong the look of the task is, 0 for none. Raises KeyError for a task or split that does not exist.
    "toy_things_a" keeps, at seed 0, only pictures that a judge got wrong; other seeds and sizes give it without that
    choice, and the first ADVERSARIAL_CANDIDATES times as many of seed 0 are those that it was made from.
    """
    spec, splits = TASKS[task], list(SPLIT_SIZES)
    n = SPLIT_SIZES[split] if per_class is None else per_class
    conditions = replace(spec.conditions, look=spec.look.at(looks)) if looks else spec.conditions
    many = []
    chosen = spec.adversarial and seed == 0 and per_class is None
    for label, cls in enumerate(spec.classes):
        rng = np.random.default_rng([seed, zlib.crc32(task.encode()), splits.index(split), label])
        draw = partial(draw_class, cls, rng=rng, category=spec.category, conditions=conditions)
        many.append(draw(n * ADVERSARIAL_CANDIDATES)[_adversarial()[split][label]] if chosen else draw(n))
    return Scenes.cat(many), torch.arange(len(spec.classes)).repeat_interleave(n)


def mistaken_for(spec: TaskSpec) -> dict[str, str]:
    """Class -> the one that it is taken for where a caption misnames it: the next on a fixed round through all."""
    order = np.random.default_rng(zlib.crc32(spec.name.encode())).permutation(len(spec.classes))
    names = [spec.classes[i].name for i in order]
    return dict(zip(names, names[1:] + names[:1]))


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
    several = int(rng.binomial(n, dials.several)) if dials.several and tasks is None else 0
    shares = np.array([spec.share for spec in specs])
    counts = rng.multinomial(n - several, shares / shares.sum())
    scenes, captions = [], []
    for spec, count in zip(specs, counts, strict=True):
        split = rng.multinomial(count, np.full(len(spec.classes), 1 / len(spec.classes)))
        mistaken = mistaken_for(spec)
        for cls, m in zip(spec.classes, split, strict=True):
            if m == 0:
                continue
            looked = dials.looks > 0 and rng.random() < dials.looks
            conditions = replace(PRETRAINING, look=any_look(rng)) if looked else PRETRAINING
            drawn = draw_class(cls, int(m), rng, category=spec.category, conditions=conditions)
            scenes.append(drawn)
            said = dict(wording=spec.wording, name=cls.name, also=cls.also, mistaken=mistaken[cls.name])
            captions += [caption(f, words, spoken=cls.spoken, dials=dials, **said) for f in drawn.facts]
    if several:
        drawn, _ = draw_together(CROWDS, several, rng)
        scenes.append(drawn)
        captions += [caption_of_several(f, words, dials=dials)[0] for f in drawn.facts]
    images = Scenes.cat(scenes).render(device=device)
    order = rng.permutation(n)
    captions = [captions[i] for i in order]
    (wrong,) = np.nonzero(rng.random(n) < dials.wrong)
    for i in wrong:
        captions[i] = captions[int(rng.integers(n))]
    return images[torch.from_numpy(order).to(images.device)], captions
