"""What things and actions of ToyWorld sound like: one second each, synthesised by a recipe a class.

A recipe (`things`, `actions`) makes pitch, overtones, loudness over time, rhythm and noise from the tools of a `Take`,
each with chance in it. `draw_sounds` makes the sounds of a split, `draw_class` those of one class; all depend on a seed
alone. The names are those of "toy_things" and "toy_actions", so that each has its pictures, too.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lessons_lib.toysound import actions, things
from lessons_lib.toysound.take import Take
from lessons_lib.waves import RATE, SAMPLES

__all__ = ["BRIDGED", "CLASSES", "EDITION", "RATE", "SAMPLES", "SPLIT_SIZES", "TASK", "draw_class", "draw_sounds"]

CLASSES = {**things.CLASSES, **actions.CLASSES}  # name -> recipe
BRIDGED = ("owl", "train", "clock", "snake", "bicycle", "boxing")  # whose sounds meet pictures alone, in that study
SPLIT_SIZES = {"train": 32, "val": 16, "test": 50}  # sounds a class
EDITION = 1  # of the sounds, and part of their identity: raise it when any of them changes by more than rounding
AT_ONCE = 16  # sounds that are made together: more leave the processor's caches


@dataclass(frozen=True)
class SoundSpec:
    """The task of sounds; twin, eleven, shift_of: as a `TaskSpec`'s of ToyWorld. AudioCLIP's texts are bare labels."""

    name: str = "toy_sounds"
    twin: str = "ESC-50"
    templates: tuple[str, ...] = ("{}",)
    eleven: bool = False
    shift_of: str = ""

    @property
    def classnames(self) -> list[str]:
        return list(CLASSES)


TASK = SoundSpec()


def draw_class(name: str, n: int, rng: np.random.Generator) -> Tensor:
    """(n, 8000) int16: n sounds of a class, each as loud as chance has it, over a faint murmur.

    Raises KeyError for a class that has no sound.
    """
    recipe = CLASSES[name]
    parts = [_finished(Take(min(AT_ONCE, n - at), rng), recipe) for at in range(0, n, AT_ONCE)]
    return torch.cat(parts) if parts else torch.empty(0, SAMPLES, dtype=torch.int16)


def _finished(take: Take, recipe) -> Tensor:
    wave = recipe(take)
    wave = wave / np.abs(wave).max(axis=1, keepdims=True)
    wave = wave + 10 ** take.uniform(-3.0, -2.0) * take.murmur()
    peak = np.abs(wave).max(axis=1, keepdims=True)
    return torch.from_numpy(np.round(take.uniform(0.3, 0.95) * 32767 * wave / peak).astype(np.int16))


def draw_sounds(split: str = "test", *, seed: int = 0, per_class: int | None = None) -> tuple[Tensor, Tensor]:
    """The sounds of a split, class after class: (N, 8000) int16 at 8,000 a second, and their labels (N,) long.

    seed: another seed draws other sounds of the same kind.   per_class: how many (default: SPLIT_SIZES). Raises
    ValueError for a split that does not exist.
    """
    n = SPLIT_SIZES[split] if per_class is None else per_class
    place = list(SPLIT_SIZES).index(split)
    source = [seed, zlib.crc32(TASK.name.encode()), place]
    sounds = [draw_class(name, n, np.random.default_rng([*source, label])) for label, name in enumerate(CLASSES)]
    return torch.cat(sounds), torch.arange(len(CLASSES)).repeat_interleave(n)
