"""Fruit and plants among the things of ToyWorld."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch

GREENS = ("green", "green", "turquoise", "yellow")


def apple(s: Sketch) -> None:
    skin, leaf, bitten = s.colour("red", "green", "yellow", "pink", "orange"), s.chance(0.75), s.chance(0.3)
    worm = s.chance(0.2)
    half, tall = s.uniform(0.36, 0.42), s.uniform(0.58, 0.7)
    s.line(0, -0.35, 0.12, -0.88, 0.06, color=s.rgb("brown", "black"), part="stalk")
    s.shape("leaf", 0.38, -0.75, 0.3, 0.13, angle=-20, color=s.rgb(*GREENS), part="leaf", where=leaf)
    for side in (-1, 1):
        s.shape("ellipse", 0.28 * side, 0.15, half + 0.12, tall, angle=-4 * side, color=skin, part="fruit")
    s.shape("ellipse", -0.38, -0.1, 0.12, 0.2, angle=25, color=s.shade(skin, 0.6), part="shine")
    s.shape("ellipse", 0.52, 0.05, 0.26, color=s.rgb("white", "beige"), part="bite", where=bitten)
    s.line(-0.35, 0.35, -0.7, 0.25, 0.08, color=s.rgb("pink", "green"), part="worm", where=worm)
    s.trait("a leaf", leaf), s.trait("a short stalk"), s.trait("a bite taken out", bitten), s.trait("a worm", worm)


def banana(s: Sketch) -> None:
    skin, spread, bunch = s.colour("yellow", "yellow", "green", "orange", "red"), s.uniform(48, 70), s.choice(0, 1, 2)
    with s.inset(angle=s.uniform(-60, 60)):
        for i, turn in enumerate((-24, 24)):
            s.shape("arc", 0, -0.3, 0.85, 0.13, p=spread, angle=180 + turn, color=s.shade(skin, -0.12 * (i + 1)),
                    part="fruit", where=bunch > i)  # fmt: skip
        s.shape("arc", 0, -0.35, 0.8, 0.19, p=spread, angle=180, color=skin, part="fruit")
        s.shape("arc", 0, -0.42, 0.78, 0.035, p=spread, angle=180, color=s.shade(skin, -0.3), part="edge")
        for way in (-1, 1):
            x, y = way * 0.92 * np.sin(np.deg2rad(spread)), -0.38 + 0.85 * np.cos(np.deg2rad(spread))
            s.shape("ellipse", x, y, 0.1, color=s.rgb("brown", "black"), part="ends")
    s.trait("a curved body"), s.trait(np.array(["", "two fruits", "three fruits"])[bunch])


def cherry(s: Sketch) -> None:
    skin, leaf, size = s.colour("red", "red", "purple", "pink", "yellow", "black"), s.chance(0.7), s.uniform(0.32, 0.42)
    stalk = s.rgb("green", "brown")
    for x, y in ((-0.45, 0.5), (0.45, 0.6)):
        s.line(0.1, -0.8, x, y - 0.2, 0.045, color=stalk, part="stalk")
    s.shape("leaf", 0.48, -0.78, 0.4, 0.18, angle=12, color=s.rgb(*GREENS), part="leaf", where=leaf)
    for x, y in ((-0.45, 0.5), (0.45, 0.6)):
        s.shape("ellipse", x, y, size, color=skin, part="fruit")
        s.shape("ellipse", x - 0.12, y - 0.12, 0.1, 0.07, angle=-40, color=s.shade(skin, 0.7), part="shine")
    s.trait("two fruits"), s.trait("long stalks"), s.trait("a leaf", leaf)


def strawberry(s: Sketch) -> None:
    skin, half, sliced = s.colour("red", "red", "pink", "white", "orange"), s.uniform(0.55, 0.68), s.chance(0.2)
    s.shape("trapezoid", 0, 0.3, half, 0.6, p=0.14, angle=180, color=skin, part="fruit")
    s.shape("dome", 0, -0.28, half, 0.36, color=skin, part="fruit")
    s.shape("ellipse", 0, 0.86, 0.16, 0.12, color=skin, part="fruit")
    s.shape("trapezoid", 0, 0.15, half * 0.85, 0.6, p=0.18, angle=180, color=s.rgb("yellow", "black", "white"),
            pattern="dots", freq=s.uniform(3, 4.2), duty=0.38, part="seeds", where=~sliced)  # fmt: skip
    s.shape("leaf", 0, 0.15, 0.5, 0.25, angle=90, color=s.shade(skin, 0.65), part="flesh", where=sliced)
    s.shape("star", 0, -0.52, 0.5, p=s.choice(5, 6, 7), q=0.45, angle=s.uniform(0, 60), color=s.rgb("green"),
            part="leaves")  # fmt: skip
    s.line(0, -0.55, 0.08, -0.95, 0.06, color=s.rgb("green"), part="stalk")
    s.trait("seeds", ~sliced), s.trait("a crown of leaves"), s.trait("a pointed end"), s.trait("pale flesh", sliced)


def pineapple(s: Sketch) -> None:
    skin = s.colour("yellow", "orange", "brown", "green", "beige", "pink")
    green, wide = s.rgb("green", "green", "turquoise"), s.uniform(0.38, 0.48)
    for turn in (-48, 48, -24, 24, 0):
        way = np.deg2rad(turn)
        s.shape("leaf", 0.42 * np.sin(way), -0.25 - 0.38 * np.cos(way), 0.4, 0.12, angle=90 + turn,
                color=s.shade(green, -0.3 * (turn != 0)), part="leaves")  # fmt: skip
    s.shape("box", 0, 0.33, wide, 0.6, p=0.36, color=skin, part="fruit")
    s.shape("box", 0, 0.33, wide, 0.6, p=0.36, color=s.shade(skin, -0.5), pattern="grid", freq=s.uniform(3, 4),
            turn=45, duty=0.25, part="fruit")  # fmt: skip
    s.trait("a crown of leaves"), s.trait("a patterned skin")


def mushroom(s: Sketch) -> None:
    cap, stem, spotted = s.colour(*PALETTE), s.rgb("white", "beige", "gray", "brown"), s.chance(0.55)
    flat = s.uniform(0.5, 0.85)
    gills = s.chance(0.4)
    s.shape("trapezoid", 0, 0.48, s.uniform(0.22, 0.36), 0.45, p=0.18, color=stem, part="stem")
    s.shape("ellipse", 0, 0.07, 0.82, 0.16, color=s.shade(stem, -0.3), part="gills", where=gills)
    s.shape("dome", 0, 0.1, 0.88, flat, color=cap, part="cap")
    s.shape("dome", 0, 0.1, 0.8, flat - 0.08, color=s.rgb("white", "white", "yellow"), pattern="dots",
            freq=s.uniform(1.8, 2.6), duty=0.55, part="spots", where=spotted)  # fmt: skip
    s.trait("a round top"), s.trait("a thick stem"), s.trait("dots", spotted)


def tree(s: Sketch) -> None:
    crown = s.colour("green", "green", "orange", "red", "yellow", "pink", "white")
    bark, kind = s.rgb("brown", "black", "gray"), s.choice(0, 1, 2)
    fruit = s.chance(0.35)
    s.shape("trapezoid", 0, 0.5, 0.2, 0.48, p=0.11, color=bark, part="trunk")
    s.line(0, 0.4, 0.35, 0.05, 0.06, color=bark, part="branch")
    s.shape("ellipse", 0, -0.35, s.uniform(0.55, 0.75), 0.6, color=crown, part="leaves", where=kind == 0)
    s.shape("petals", 0, -0.3, 0.72, 0.6, p=s.choice(7, 8, 9), q=0.75, color=crown, part="leaves", where=kind == 1)
    for x, y in ((-0.4, -0.15), (0.42, -0.2), (0.0, -0.52)):
        s.shape("ellipse", x, y, 0.42, color=s.shade(crown, -0.2 * (y > -0.5)), part="leaves", where=kind == 2)
    s.shape("ellipse", 0, -0.35, 0.5, color=s.rgb("red", "yellow", "white", "purple"), pattern="dots", freq=2.6,
            duty=0.42, part="fruit", where=fruit)  # fmt: skip
    s.trait("a trunk"), s.trait("a round top"), s.trait("fruit", fruit)


def pine_tree(s: Sketch) -> None:
    needles, lit = s.colour("green", "green", "turquoise", "blue", "yellow", "white"), s.chance(0.25)
    snow = s.chance(0.25)
    tiers, wide = s.choice(2, 3), s.uniform(0.5, 0.7)
    s.shape("box", 0, 0.8, 0.11, 0.2, color=s.rgb("brown", "black", "gray"), part="trunk")
    for i, y in enumerate((0.42, -0.02, -0.5)):
        shown = (tiers == 3) | (i != 1)
        grown = np.where(tiers == 3, 1.0, 1.25)
        half = wide * (1 - 0.22 * i)
        s.shape("trapezoid", 0, y, half, 0.36 * grown, p=half * 0.12, color=s.shade(needles, -0.12 * (2 - i)),
                part="needles", where=shown)  # fmt: skip
        s.shape("trapezoid", 0, y - 0.18, half * 0.45, 0.18, color=s.rgb("white"), part="snow", where=shown & snow)
    s.shape("star", 0, -0.85, 0.22, p=5, q=0.45, color=s.rgb("yellow", "red", "white"), part="star", where=lit)
    s.trait("a trunk"), s.trait("a pointed top"), s.trait("snow", snow), s.trait("a star on top", lit)


def cactus(s: Sketch) -> None:
    skin, left = s.colour("green", "green", "turquoise", "yellow", "purple", "gray"), s.chance(0.8)
    right = s.chance(0.8)
    pot, bloom, wide = s.chance(0.5), s.chance(0.4), s.uniform(0.18, 0.25)
    right = right | ~left
    for side, shown, y in ((-1, left, s.uniform(0.05, 0.3)), (1, right, s.uniform(-0.15, 0.15))):
        s.line(0, y, 0.55 * side, y, 0.12, color=s.shade(skin, -0.15), part="arms", where=shown)
        s.line(0.55 * side, y, 0.55 * side, y - 0.42, 0.12, color=s.shade(skin, -0.15), part="arms", where=shown)
    s.shape("box", 0, 0.05, wide, 0.85, p=0.17, color=skin, part="body")
    s.shape("box", 0, 0.05, wide, 0.75, color=s.shade(skin, -0.5), pattern="stripes", freq=7, duty=0.25, phase=0,
            part="ridges")  # fmt: skip
    s.shape("trapezoid", 0, 0.72, 0.32, 0.25, p=0.45, color=s.rgb("orange", "brown", "red", "white"), part="pot",
            where=pot)  # fmt: skip
    s.shape("star", 0, -0.82, 0.22, p=6, q=0.5, color=s.rgb("pink", "red", "yellow"), part="bloom", where=bloom)
    arms = left.astype(int) + right
    s.trait(np.array(["", "one arm", "two arms"])[arms]), s.trait("a pot", pot), s.trait("a bloom on top", bloom)


CLASSES = [
    ToyClass("apple", apple),
    ToyClass("banana", banana),
    ToyClass("cherry", cherry, also=("cherries",)),
    ToyClass("strawberry", strawberry),
    ToyClass("pineapple", pineapple, spoken=0.3),
    ToyClass("mushroom", mushroom, also=("toadstool",)),
    ToyClass("tree", tree),
    ToyClass("pine tree", pine_tree, also=("fir tree",), spoken=0.4),
    ToyClass("cactus", cactus, spoken=0.3),
]
