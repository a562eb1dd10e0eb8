"""Places without buildings."""

import numpy as np

from lessons_lib.toyworld.places_parts import GRASS, ROCK, SAND, SEA, WOOD, floor, lie, pick, sky, tree
from lessons_lib.toyworld.sketch import Sketch


def mountain(s: Sketch) -> None:
    sky(s)
    rock, snow = pick(s, *ROCK, (0.30, 0.42, 0.30), (0.55, 0.36, 0.30)), s.chance(0.75)
    for i, (x, a) in enumerate(
        ((s.uniform(-0.8, -0.4), 0.9), (s.uniform(0.4, 0.9), 0.8), (s.uniform(-0.25, 0.3), 1.0))
    ):
        b, lean = s.uniform(0.5, 0.62) + 0.12 * (i == 2), s.uniform(-0.15, 0.15)
        s.place("mountain", x=x, y=0.65 - b, scale=1, angle=0, flip=1)
        color = s.shade(rock, 0.25 - 0.12 * i)
        s.shape("trapezoid", 0, 0, a, b, q=lean, color=color, part="rock")
        s.shape(
            "trapezoid",
            0.25 * a + lean * 0.4,
            0,
            a * 0.6,
            b,
            q=lean - 0.25 * a - lean * 0.4,
            color=s.shade(color, -0.3),
            part="shadow",
        )
        s.shape(
            "trapezoid",
            lean * 0.64,
            -0.64 * b,
            a * 0.36,
            b * 0.36,
            q=lean * 0.36,
            color=(0.97, 0.98, 1.0),
            where=snow,
            part="snow",
        )
    lake = s.chance(0.3)
    s.whole_picture()
    floor(s, np.where(lake[:, None], pick(s, *SEA), pick(s, *GRASS)), s.uniform(0.55, 0.7))
    for x in (-0.7, 0.65):
        tree(s, x + s.uniform(-0.2, 0.2), 0.95, s.uniform(0.35, 0.55), where=s.chance(0.6))
    s.trait("snow on top", where=snow)
    s.trait("water", where=lake)
    s.trait("high rocks")
    s.trait("sharp tops")


def desert(s: Sketch) -> None:
    sky(s)
    sand = pick(s, SAND[1], SAND[3], (0.85, 0.55, 0.30), SAND[0])
    for i, y in enumerate((0.0, 0.25, 0.55)):
        dune = dict(x=s.uniform(-0.9, 0.9), y=y + 1.0 + s.uniform(-0.08, 0.08), a=s.uniform(1.4, 2.2), b=1.0)
        lie(s, sand, y=y + 1.9, b=1.5, part="sand")
        lie(s, s.shade(sand, 0.18 - 0.16 * i), kind="ellipse", **dune, part="dune")
    side, there = s.choice(-1.0, 1.0), s.chance(0.8)
    s.place("cactus", x=side * s.uniform(0.3, 0.6), y=s.uniform(0.1, 0.3), scale=s.uniform(0.4, 0.6), angle=0)
    green = pick(s, (0.20, 0.45, 0.22), (0.32, 0.50, 0.26), (0.15, 0.38, 0.28))
    s.shape("box", 0, 0, 0.2, 1.0, p=0.2, color=green, where=there, part="stem")
    s.shape("cup", 0, s.uniform(-0.4, -0.1), 0.6, 0.35, p=0.3, q=0.13, color=green, where=there, part="arms")
    s.place("rock", x=-side * 0.55, y=0.6, scale=s.uniform(0.2, 0.35))
    s.shape("trapezoid", 0, 0, 1, 0.5, p=0.5, q=0.2, color=pick(s, *ROCK), where=s.chance(0.5), part="rock")
    for trait in ("sand", "round hills"):
        s.trait(trait)
    s.trait("a cactus", where=there)


def forest_path(s: Sketch) -> None:
    s.whole_picture()
    leaves = pick(s, (0.16, 0.36, 0.16), (0.28, 0.46, 0.18), (0.60, 0.42, 0.14), (0.10, 0.26, 0.18))
    lie(s, leaves, part="leaves")
    lie(s, s.shade(leaves, -0.4), pattern="blotches", freq=s.uniform(1.8, 3), alpha=0.7, part="leaves")
    lie(s, s.shade(leaves, 0.6), kind="ellipse", y=-0.2, a=s.uniform(0.2, 0.4), b=0.5, alpha=0.7, part="light")
    floor(s, s.shade(leaves, s.uniform(-0.35, 0.1)), 0.2)
    path = pick(s, *SAND, *WOOD[:2])
    lie(s, path, kind="trapezoid", y=0.62, a=s.uniform(0.5, 0.9), b=0.45, p=0.1, q=s.uniform(-0.3, 0.3), part="path")
    bark = pick(s, *WOOD, (0.85, 0.84, 0.8))
    for x, wide, foot in (
        (-0.35, 0.05, 0.35),
        (0.4, 0.06, 0.4),
        (-0.62, 0.1, 0.65),
        (0.68, 0.1, 0.7),
        (-0.93, 0.14, 1.1),
        (0.97, 0.13, 1.1),
    ):
        s.place("tree", x=x + s.uniform(-0.08, 0.08), y=0, scale=1, angle=s.uniform(-3, 3), flip=1)
        s.shape("trapezoid", 0, (foot - 1.3) / 2, wide * s.uniform(1.0, 1.5), (foot + 1.3) / 2, p=wide * 0.7,
                color=s.shade(bark, s.uniform(-0.35, 0.1)), where=s.chance(0.9), part="trunk")  # fmt: skip
    for trait in ("tall trees", "leaves", "a way between trees"):
        s.trait(trait)
