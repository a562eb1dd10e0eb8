"""The smallest world that a CLIP can be trained on live: plain shapes in plain colours, each with a short caption.

Some combinations of a colour and a shape can be left out, so that one can ask a model for what it has never seen.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np
from torch import Tensor

from lessons_lib.toyworld.basics import PLAIN
from lessons_lib.toyworld.scenes import Scenes, ToyClass, draw_class
from lessons_lib.toyworld.sketch import Conditions, Sketch

COLOURS = ("red", "yellow", "green", "blue", "purple", "pink", "black", "white")
SHAPES = ("circle", "square", "triangle", "star", "ring", "moon", "bar", "half circle")
_CONDITIONS = Conditions(scale=(0.7, 0.9), backgrounds=("plain",))
_FRAMES = ("a photo of a {}.", "a photo of a {}.", "a picture of a {}.", "a {}", "{}")
_NAMES_COLOUR, _NAMES_SHAPE = 0.6, 0.85  # shares of the captions


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
    pairs = allowed(without, only)
    of_shape = {shape: [colour for colour, each in pairs if each == shape] for shape in SHAPES}
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, [len(of_shape[shape]) / len(pairs) for shape in SHAPES])
    many = []
    for shape, count in zip(SHAPES, counts):
        recipe = ToyClass(shape, partial(_draw, kind=shape, colours=of_shape[shape]))
        if count:
            many.append(draw_class(recipe, int(count), rng, category="shape", conditions=_CONDITIONS))
    scenes = Scenes.cat(many)[rng.permutation(n)]
    shown = [(facts.colours[0], facts.name) for facts in scenes.facts]
    return scenes.render(), [written_under(rng, *pair) for pair in shown], shown


def _draw(s: Sketch, kind: str, colours: list[str]) -> None:
    name, a, b, p, q, angle = PLAIN[kind]
    s.shape(name, 0, 0, a, b, p=p, q=q, angle=angle, color=s.colour(*colours), part=kind)


def written_under(rng: np.random.Generator, colour: str, shape: str) -> str:
    """A sentence that names both, or only the shape, or only the colour, or neither: "a photo of a red star."."""
    words = [colour] if rng.random() < _NAMES_COLOUR else []
    words.append(shape if rng.random() < _NAMES_SHAPE else "thing")
    return _FRAMES[rng.integers(len(_FRAMES))].replace("{}", " ".join(words))


def allowed(without: Iterable[tuple[str, str]] = (), only: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """The combinations that are drawn, each as often as any other. Raises ValueError as `draw_shapes` does."""
    without, only = set(without), set(only)
    for colour, shape in without | only:
        if colour not in COLOURS or shape not in SHAPES:
            raise ValueError(f"there is no {colour!r} {shape!r}: colours are {COLOURS}, shapes {SHAPES}")
    pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    pairs = [pair for pair in pairs if pair not in without and (not only or pair in only)]
    if not pairs:
        raise ValueError("nothing is left to draw: `without` holds all that `only` allows")
    return pairs
