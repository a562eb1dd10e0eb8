"""Clothes among the things of ToyWorld."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch


def hat(s: Sketch) -> None:
    felt, tall, high = s.colour(*PALETTE), s.chance(0.5), s.uniform(0.55, 0.72)
    band = s.rgb(*PALETTE)
    s.shape("ellipse", 0, 0.45, s.uniform(0.8, 0.98), 0.2, color=s.shade(felt, -0.25), part="brim")
    s.shape("box", 0, 0.45 - high, 0.48, high, p=0.05, color=felt, part="crown", where=tall)
    s.shape("dome", 0, 0.42, 0.55, high + 0.15, color=felt, part="crown", where=~tall)
    s.shape("ellipse", 0, 0.45, np.where(tall, 0.48, 0.55), 0.09, color=felt, part="crown")
    s.shape("box", 0, 0.3, np.where(tall, 0.48, 0.53), 0.11, color=band, part="band")
    s.trait("a wide brim"), s.trait("a band"), s.trait(np.where(tall, "a flat top", "a round top"))


def shirt(s: Sketch) -> None:
    cloth, look, long = s.colour(*PALETTE), s.choice(0, 0, 1, 2, 3), s.chance(0.35)
    reach, cuff = np.where(long, 0.82, 0.78), np.where(long, 0.55, 0.0)
    for side in (-1, 1):
        s.line(0.42 * side, -0.5, reach * side, cuff, 0.18, color=s.shade(cloth, -0.2), part="sleeves")
    s.shape("box", 0, 0.08, 0.5, 0.8, p=0.08, color=cloth, part="body")
    second, turn = s.rgb(*PALETTE), s.choice(0, 90)
    for i, name in enumerate(("stripes", "checks", "dots"), start=1):
        fill = dict(color=second, pattern=name, freq=3.5, turn=turn, where=look == i)
        s.shape("box", 0, 0.15, 0.5, 0.7, part="body", **fill)
    s.shape("dome", 0, -0.74, 0.24, 0.24, angle=180, color=s.shade(cloth, -0.65), part="collar")
    s.trait(np.where(long, "long sleeves", "short sleeves"))
    s.trait("a round collar"), s.trait(np.array(["", "stripes", "checks", "dots"])[look])


def trousers(s: Sketch) -> None:
    cloth, short, flare = s.colour(*PALETTE), s.chance(0.3), s.uniform(0.14, 0.22)
    half = np.where(short, 0.4, 0.8)
    for side in (-1, 1):
        color = s.shade(cloth, -0.08 * side - 0.1)
        s.shape("trapezoid", 0.34 * side, half - 0.7, flare, half, p=0.25, q=-0.1 * side, color=color, part="legs")
    s.shape("box", 0, -0.68, 0.5, 0.26, p=0.03, color=cloth, part="hips")
    s.shape("box", 0, -0.86, 0.5, 0.08, color=s.rgb("black", "brown", "white", "red"), part="belt")
    s.shape("box", 0, -0.86, 0.11, 0.11, color=s.rgb("yellow", "gray"), part="buckle")
    s.trait("a belt"), s.trait(np.where(short, "short legs", "long legs"))


def shoe(s: Sketch) -> None:
    leather, heel, laces = s.colour(*PALETTE), s.chance(0.35), s.chance(0.7)
    sole = s.rgb("white", "black", "brown", "gray")
    s.shape("box", -0.6, 0.55, 0.16, 0.3, color=sole, part="heel", where=heel)
    s.shape("box", -0.45, -0.05, 0.38, s.uniform(0.4, 0.6), p=0.08, color=leather, part="ankle")
    s.shape("trapezoid", 0.1, 0.1, 0.8, 0.36, p=0.22, q=-0.3, color=leather, part="upper")
    s.shape("dome", 0.45, 0.45, 0.47, 0.42, color=s.shade(leather, -0.25), part="toe")
    for i in range(3):
        x, y = -0.05 + 0.16 * i, -0.2 + 0.15 * i
        s.line(x - 0.1, y + 0.14, x + 0.06, y - 0.06, 0.045, color=s.shade(sole, 0.3), part="laces",
               where=laces & ~heel)  # fmt: skip
    s.shape("box", 0.06, 0.52, 0.9, 0.1, p=0.08, color=sole, part="sole")
    s.trait("a thick sole"), s.trait("laces", laces & ~heel), s.trait("a high heel", heel)


def sock(s: Sketch) -> None:
    wool, trim, look = s.colour(*PALETTE), s.rgb(*PALETTE), s.choice(0, 1, 2)
    wide = s.uniform(0.26, 0.33)
    s.line(-0.2, 0.5, 0.5, 0.6, wide, color=wool, part="foot")
    s.shape("box", -0.25, -0.15, wide, 0.7, p=0.05, color=wool, part="leg")
    for i, name in enumerate(("stripes", "dots"), start=1):
        s.shape("box", -0.25, -0.1, wide, 0.6, color=trim, pattern=name, freq=3.2, turn=90, part="leg", where=look == i)
    s.shape("ellipse", 0.55, 0.61, wide * 0.85, color=trim, part="toe")
    s.shape("ellipse", -0.3, 0.58, wide * 0.85, color=trim, part="heel")
    s.shape("box", -0.25, -0.8, wide + 0.05, 0.13, p=0.05, color=trim, part="cuff")
    s.trait("a cuff"), s.trait("stripes", look == 1), s.trait("dots", look == 2), s.trait("a toe of another colour")


CLASSES = [
    ToyClass("hat", hat),
    ToyClass("shirt", shirt, also=("t-shirt",)),
    ToyClass("trousers", trousers, also=("pants",), spoken=0.4),
    ToyClass("shoe", shoe),
    ToyClass("sock", sock, spoken=0.3),
]
