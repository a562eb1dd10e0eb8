"""Plain shapes, alone and in pairs: what a CLIP learns first, and what lesson 1 trains on."""

from functools import partial

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch

# shape -> (kind, a, b, p, q, angle), filling about -1 … 1
PLAIN = {
    "circle": ("ellipse", 0.9, 0.9, 0, 0, 0),
    "square": ("box", 0.78, 0.78, 0, 0, 0),
    "triangle": ("trapezoid", 0.95, 0.8, 0, 0, 0),
    "star": ("star", 1.0, 1.0, 5, 0.42, 0),
    "ring": ("arc", 0.7, 0.18, 180, 0, 0),
    "moon": ("moon", 0.9, 0.8, 0.5, 0, 0),
    "diamond": ("star", 1.0, 1.0, 4, 0.7071, 0),
    "hexagon": ("star", 0.95, 0.95, 6, 0.8660, 0),
    "oval": ("ellipse", 1.0, 0.5, 0, 0, 0),
    "bar": ("box", 1.0, 0.25, 0.1, 0, 0),
    "half circle": ("dome", 0.95, 0.95, 0, 0, 0),
    "leaf": ("leaf", 1.0, 0.45, 0, 0, 0),
}


def plain(s: Sketch, kind: str) -> None:
    name, a, b, p, q, angle = PLAIN[kind]
    s.shape(name, 0, 0, a, b, p=p, q=q, angle=angle, color=s.colour(*PALETTE), part=kind)


def pair(s: Sketch) -> None:
    """Two plain shapes, side by side or one above the other; the caption is kept as one trait, since it says where
    each stands.
    """
    s.backdrop()
    kinds, colours = list(PLAIN), list(PALETTE)
    pick = [s.rng.integers(len(kinds), size=s.n) for _ in range(2)]
    names = [s.rng.integers(len(colours), size=s.n) for _ in range(2)]
    upright = s.chance(0.5)
    for k, side in enumerate((-1, 1)):
        s.place(
            f"shape {k + 1}",
            x=np.where(upright, 0, 0.48 * side) + s.uniform(-0.06, 0.06),
            y=np.where(upright, 0.48 * side, 0) + s.uniform(-0.06, 0.06),
            scale=s.uniform(0.32, 0.44),
        )
        rgb = np.clip(np.array([PALETTE[colours[i]] for i in names[k]]) + s.rng.normal(0, 0.05, (s.n, 3)), 0, 1)
        for i, kind in enumerate(kinds):
            where = pick[k] == i
            if where.any():
                name, a, b, p, q, angle = PLAIN[kind]
                s.shape(name, 0, 0, a, b, p=p, q=q, angle=angle, color=rgb, part=kind, where=where)
    for i, facts in enumerate(s.facts):
        first, second = (f"a {colours[names[k][i]]} {kinds[pick[k][i]]}" for k in range(2))
        facts.traits = [f"{first} {'above' if upright[i] else 'left of'} {second}"]


CLASSES = [ToyClass(kind, partial(plain, kind=kind)) for kind in PLAIN]
PAIRS = [ToyClass("two shapes", pair, scene=True)]
