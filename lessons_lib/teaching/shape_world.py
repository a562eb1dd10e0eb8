"""The smallest world that a CLIP can be trained on live: plain shapes in plain colours, each with a short caption.

Some combinations of a colour and a shape can be left out, so that one can ask a model for what it has never seen.
"""

import random
from collections.abc import Iterable

import numpy as np
from torch import Tensor

from lessons_lib.data.toyworld.basics import CLASSES
from lessons_lib.data.toyworld.captions import Dials, Wording, caption
from lessons_lib.data.toyworld.scenes import Scenes, draw_class
from lessons_lib.data.toyworld.sketch import PALETTE, Conditions

COLOURS = tuple(PALETTE)
SHAPES = tuple(cls.name for cls in CLASSES)
_CONDITIONS = Conditions(scale=(0.7, 0.9), backgrounds=("plain",))
_WORDING = Wording(name_share=0.9)
_DIALS = Dials(colour=0.9, background=0.1, type_of=0, place=0, size=0, lead_in=0, chatter=0, wrong=0)


def draw_shapes(
    n: int,
    *,
    seed: int | tuple[int, ...],
    without: Iterable[tuple[str, str]] = (),
    only: Iterable[tuple[str, str]] = (),
) -> tuple[Tensor, list[str], list[tuple[str, str]]]:
    """n pictures of one shape each, in random order. The same seed draws the same.

    without: (colour, shape) that are never drawn, such as ("red", "star"); only: draw no others than these.
    Returns the pictures (n, 3, 64, 64) uint8, their captions, and what they show, (colour, shape): for tests alone.
    Raises ValueError for a colour or shape that does not exist.
    """
    allowed = _allowed(without, only)
    rng = np.random.default_rng(seed)
    words = random.Random(int(rng.integers(2**31)))
    many, shown = [], []
    counts = rng.multinomial(n, [len(allowed[shape]) / sum(map(len, allowed.values())) for shape in SHAPES])
    for cls, count in zip(CLASSES, counts):
        left = int(count)
        while left:  # colours are drawn at random: draw on until enough of them are allowed
            scenes = draw_class(cls, 2 * left + 8, rng, category="shape", conditions=_CONDITIONS)
            keep = [i for i, facts in enumerate(scenes.facts) if facts.colours[0] in allowed[cls.name]][:left]
            many.append(scenes[keep])
            left -= len(keep)
    scenes = Scenes.cat(many)[rng.permutation(n)]
    shown = [(facts.colours[0], facts.name) for facts in scenes.facts]
    said = [caption(facts, words, wording=_WORDING, name=facts.name, dials=_DIALS) for facts in scenes.facts]
    return scenes.render(), said, shown


def _allowed(without: Iterable[tuple[str, str]], only: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """shape -> the colours that it may have"""
    without, only = set(without), set(only)
    for colour, shape in without | only:
        if colour not in COLOURS or shape not in SHAPES:
            raise ValueError(f"there is no {colour!r} {shape!r}: colours are {COLOURS}, shapes {SHAPES}")
    pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    pairs = [pair for pair in pairs if pair not in without and (not only or pair in only)]
    if not pairs:
        raise ValueError("nothing is left to draw: `without` holds all that `only` allows")
    return {shape: {colour for colour, s in pairs if s == shape} for shape in SHAPES}
