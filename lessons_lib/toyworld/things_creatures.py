"""Swimmers, crawlers and insects among the things of ToyWorld; facing right before a picture is mirrored."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch
from lessons_lib.toyworld.things_animals import eye, legs

SHELLS = tuple(c for c in PALETTE if c != "black")  # the pattern on a shell is darker than the shell


def fish(s: Sketch) -> None:
    skin, fin, tall = s.colour(*PALETTE), s.rgb(*PALETTE), s.uniform(0.35, 0.58)
    look = s.choice(0, 1, 2)
    s.shape("trapezoid", -0.72, 0, s.uniform(0.32, 0.5), 0.28, p=0.04, angle=90, color=fin, part="tail")
    s.shape("trapezoid", -0.05, -tall, 0.4, 0.2, p=0.15, q=-0.2, color=fin, part="fin")
    s.shape("ellipse", 0.15, 0, 0.7, tall, color=skin, part="body")
    for i, pattern in enumerate(("stripes", "scales"), start=1):
        s.shape("ellipse", 0.15, 0, 0.7, tall, color=s.shade(skin, -0.45), part="body", pattern=pattern, freq=3.5,
                duty=0.35, where=look == i)  # fmt: skip
    s.shape("trapezoid", 0.05, 0.1, 0.2, 0.14, p=0.04, angle=90, color=fin, part="fin")
    eye(s, 0.55, -0.1, 0.09, skin)
    s.trait("fins"), s.trait("a tail fin"), s.trait("stripes", look == 1), s.trait("scales", look == 2)


def shark(s: Sketch) -> None:
    skin, open_ = s.colour("gray", "blue", "black", "turquoise", "brown", "white", "purple"), s.chance(0.5)
    s.shape("moon", -0.92, -0.05, 0.42, 0.4, p=-0.2, color=skin, part="tail")
    s.shape("trapezoid", 0.0, -0.45, 0.26, s.uniform(0.25, 0.34), p=0.0, q=-0.25, color=skin, part="back fin")
    s.shape("trapezoid", 0.1, 0.42, 0.2, 0.24, p=0.0, q=0.2, angle=180, color=s.shade(skin, -0.3), part="fin")
    s.shape("leaf", 0.05, 0, 0.95, s.uniform(0.28, 0.36), color=skin, part="body")
    s.shape("leaf", 0.1, 0.17, 0.7, 0.1, color=s.shade(skin, 0.75), part="belly")
    s.shape("trapezoid", 0.68, 0.16, 0.18, 0.09, angle=-10, color=s.rgb("white"), part="teeth", where=open_)
    s.shape("box", 0.32, 0, 0.12, 0.14, color=s.shade(skin, -0.6), pattern="stripes", freq=9, part="gills")
    eye(s, 0.62, -0.07, 0.05, skin)
    s.trait("a pointed back fin"), s.trait("fins"), s.trait("a tail fin"), s.trait("white teeth", open_)


def whale(s: Sketch) -> None:
    skin, spout = s.colour("blue", "gray", "black", "turquoise", "purple", "white", "pink"), s.chance(0.65)
    for side in (-1, 1):
        s.shape("leaf", -0.82 + 0.17 * side, -0.5, 0.28, 0.11, angle=35 * side, color=skin, part="tail")
    s.line(-0.82, -0.4, -0.5, 0.2, 0.1, color=skin, part="tail")
    s.shape("dome", 0.2, 0.1, 0.75, s.uniform(0.5, 0.65), p=0.2, color=skin, part="body")
    s.shape("dome", 0.15, 0.15, 0.8, 0.42, angle=180, color=skin, part="body")
    s.shape("dome", 0.32, 0.22, 0.6, 0.32, angle=180, color=s.shade(skin, 0.75), part="belly")
    s.line(0.35, -0.45, 0.35, -0.8, 0.05, color=s.rgb("turquoise", "white"), part="water", where=spout)
    s.shape("arc", 0.35, -0.72, 0.24, 0.06, p=90, color=s.rgb("turquoise", "white"), part="water", where=spout)
    eye(s, 0.65, 0.0, 0.07, skin)
    s.trait("a round body"), s.trait("a tail fin"), s.trait("a jet of water", spout), s.trait("a pale belly")


def snake(s: Sketch) -> None:
    skin, mark = s.colour(*PALETTE), s.rgb(*PALETTE)
    coiled, striped = s.chance(0.4), s.chance(0.6)
    q, swing, wide = s.uniform(0.7, 1.1), s.uniform(0.2, 0.35), s.uniform(0.09, 0.13)
    hx, hy = np.where(coiled, 0.3, 0.85), np.where(coiled, -0.75, swing * np.sin(2 * np.pi * q * 0.85))
    for color, extra in ((skin, {}), (mark, dict(pattern="stripes", freq=4.5, duty=0.35))):
        shown = striped | (not extra)
        s.shape("wave", 0, 0, 0.85, wide, p=swing, q=q, color=color, part="body", where=~coiled & shown, **extra)
        s.line(0.1, 0.3, hx, hy, wide, color=color, part="body", where=coiled & shown, **extra)
    for i in range(3):
        s.shape("ellipse", 0, 0.65 - 0.25 * i, 0.8 - 0.2 * i, 0.24, color=s.shade(skin, -0.15 * (2 - i)), part="coils",
                where=coiled)  # fmt: skip
    s.line(hx, hy, hx + 0.28, hy + 0.05, 0.025, color=s.rgb("red"), part="tongue")
    s.shape("ellipse", hx, hy, 0.18, 0.13, color=skin, part="head")
    eye(s, hx + 0.04, hy - 0.05, 0.05, skin)
    s.trait("a long thin body"), s.trait("stripes", striped), s.trait(np.where(coiled, "a coiled body", "no legs"))


def turtle(s: Sketch) -> None:
    shell, skin, high = s.colour(*SHELLS), s.rgb("green", "beige", "brown", "gray", "yellow"), s.uniform(0.6, 0.8)
    s.shape("ellipse", 0.82, 0.1, 0.22, 0.17, angle=-15, color=skin, part="head")
    s.line(0.5, 0.35, 0.75, 0.15, 0.1, color=skin, part="neck")
    legs(s, (-0.5, 0.4), 0.4, 0.62, 0.13, skin)
    s.line(-0.65, 0.4, -0.92, 0.5, 0.05, color=skin, part="tail")
    s.shape("dome", -0.05, 0.4, 0.75, high, color=shell, part="shell")
    s.shape("dome", -0.05, 0.4, 0.75, high, color=s.shade(shell, -0.55), part="shell", pattern="honeycomb",
            freq=s.uniform(2.6, 3.6), duty=0.18)  # fmt: skip
    s.line(-0.75, 0.4, 0.65, 0.4, 0.05, color=s.shade(shell, -0.35), part="rim")
    eye(s, 0.88, 0.05, 0.06, skin)
    s.trait("a shell"), s.trait("short legs"), s.trait("a patterned shell")


def snail(s: Sketch) -> None:
    shell, skin, size = s.colour(*PALETTE), s.rgb("beige", "gray", "brown", "yellow", "pink"), s.uniform(0.48, 0.6)
    s.shape("trapezoid", -0.05, 0.6, 0.9, 0.14, p=0.7, color=skin, part="foot")
    s.line(0.65, 0.55, 0.78, 0.0, 0.13, color=skin, part="neck")
    for x in (0.66, 0.98):
        s.line(0.78, 0.0, x, -0.4, 0.04, color=skin, part="feelers")
        s.shape("ellipse", x, -0.42, 0.08, color=s.shade(skin, -0.6), part="feelers")
    s.shape("ellipse", -0.1, 0.48 - size, size, color=shell, part="shell")
    s.shape("ellipse", -0.1, 0.48 - size, size, color=s.shade(shell, -0.6), part="shell", pattern="spiral",
            freq=s.uniform(3.4, 4.6), duty=0.3)  # fmt: skip
    s.trait("a shell"), s.trait("a spiral"), s.trait("two feelers"), s.trait("no legs")


def spider(s: Sketch) -> None:
    body = s.colour("black", "brown", "gray", "red", "purple", "green", "orange")
    thread, spread = s.chance(0.5), s.uniform(-8, 8)
    s.line(0, 0, 0, -1.6, 0.025, color=s.rgb("white", "gray"), part="thread", where=thread)
    for side in (-1, 1):
        for y, size, turn in ((-0.3, 0.65, -40), (0.1, 0.5, 0), (0.35, 0.5, 20), (0.6, 0.55, 45)):
            s.shape("arc", 0.5 * side, y, size, 0.05, p=48, angle=side * (turn + spread), color=body, part="legs")
    s.shape("ellipse", 0, 0.28, s.uniform(0.32, 0.42), s.uniform(0.38, 0.5), color=body, part="body")
    s.shape("ellipse", 0, -0.22, 0.26, color=s.shade(body, -0.2), part="head")
    for x in (-0.11, 0.11):
        s.shape("ellipse", x, -0.3, 0.08, color=s.rgb("white", "yellow"), part="eye")
    s.trait("eight legs"), s.trait("long legs"), s.trait("a round body"), s.trait("a thread above", thread)


def bee(s: Sketch) -> None:
    body, black = s.colour("yellow", "yellow", "orange", "beige", "white"), s.rgb("black", "black", "brown")
    long, wing = s.uniform(0.55, 0.68), s.rgb("white", "white", "turquoise")
    s.shape("trapezoid", -long - 0.15, 0.2, 0.07, 0.14, angle=-90, color=black, part="sting")
    for x, turn in ((-0.18, 60), (0.16, 115)):
        s.shape("ellipse", x, -0.42, 0.45, 0.22, angle=turn, color=wing, alpha=0.85, part="wings")
    s.shape("ellipse", -0.1, 0.2, long, 0.38, color=body, part="body")
    s.shape("ellipse", -0.1, 0.2, long, 0.38, color=black, pattern="stripes", freq=s.uniform(2.4, 3.2), part="body")
    s.shape("ellipse", 0.6, 0.12, 0.26, color=black, part="head")
    s.line(0.7, -0.05, 0.9, -0.4, 0.035, color=black, part="feelers")
    eye(s, 0.68, 0.08, 0.08, black)
    s.trait("stripes"), s.trait("two wings"), s.trait("a round body"), s.trait("two feelers")


def ladybug(s: Sketch) -> None:
    shell, black = s.colour("red", "red", "orange", "yellow", "pink", "white"), s.rgb("black", jitter=0.03)
    for y in (-0.2, 0.2, 0.55):
        s.line(-0.9, y + 0.12, 0.9, y + 0.12, 0.05, color=black, part="legs")
    for side in (-1, 1):
        s.line(0.1 * side, -0.7, 0.35 * side, -1, 0.035, color=black, part="feelers")
    s.shape("ellipse", 0, -0.5, 0.42, 0.34, color=black, part="head")
    s.shape("ellipse", 0, 0.15, s.uniform(0.66, 0.78), 0.72, color=shell, part="shell")
    s.shape("ellipse", 0, 0.15, 0.62, 0.6, color=black, part="spots", pattern="dots", freq=s.uniform(1.8, 2.8),
            duty=0.55, phase=0)  # fmt: skip
    s.line(0, -0.55, 0, 0.85, 0.04, color=black, part="seam")
    s.trait("black spots"), s.trait("a round body"), s.trait("two feelers"), s.trait("short legs")


CLASSES = [
    ToyClass("fish", fish),
    ToyClass("shark", shark, spoken=0.5),
    ToyClass("whale", whale),
    ToyClass("snake", snake, also=("serpent",)),
    ToyClass("turtle", turtle, also=("tortoise",)),
    ToyClass("snail", snail, spoken=0.3),
    ToyClass("spider", spider),
    ToyClass("bee", bee, also=("bumblebee",)),
    ToyClass("ladybug", ladybug, also=("ladybird",), spoken=0.3),
]
