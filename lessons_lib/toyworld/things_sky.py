"""The sky, the weather and a volcano among the things of ToyWorld."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch


def cloud(s: Sketch) -> None:
    mist, rain = s.colour("white", "white", "gray", "blue", "pink", "beige", "black"), s.chance(0.4)
    wide = s.uniform(0.85, 0.98)
    s.shape("box", 0, 0.5, 0.65, 0.32, color=s.rgb("blue", "turquoise"), pattern="stripes", freq=2.8, turn=20,
            duty=0.28, part="rain", where=rain)  # fmt: skip
    s.shape("box", 0, 0.12, wide, 0.28, p=0.27, color=mist, part="cloud")
    s.shape("ellipse", -0.35, -0.15, s.uniform(0.28, 0.4), color=mist, part="cloud")
    s.shape("ellipse", 0.2, -0.25, s.uniform(0.38, 0.5), color=mist, part="cloud")
    s.shape("ellipse", 0.55, -0.02, 0.3, color=mist, part="cloud")
    s.trait("a flat base"), s.trait("rain", rain), s.trait("a soft outline")


def sun(s: Sketch) -> None:
    light, kind = s.colour("yellow", "yellow", "orange", "red", "white", "pink"), s.choice(0, 1, 2)
    face = s.chance(0.35)
    rays, size = s.choice(8, 10, 12), s.uniform(0.42, 0.52)
    s.shape("star", 0, 0, 0.98, p=rays, q=0.62, color=s.shade(light, -0.15), part="rays", where=kind == 0)
    for i, (shape, wide) in enumerate((("box", 0.05), ("leaf", 0.09)), start=1):
        s.ring_of(shape, rays, 0.78, 0.18, wide, color=light, part="rays", where=kind == i)
    s.shape("ellipse", 0, 0, size, color=light, part="disc")
    for x in (-0.16, 0.16):
        s.shape("ellipse", x, -0.1, 0.07, color=s.rgb("black", "brown"), part="face", where=face)
    s.shape("arc", 0, 0.02, 0.22, 0.045, p=60, angle=180, color=s.rgb("black", "brown"), part="face", where=face)
    s.trait("rays"), s.trait("a round body"), s.trait("a smile", face)


def moon(s: Sketch) -> None:
    light, face = s.colour("yellow", "white", "gray", "orange", "beige", "blue", "pink"), s.chance(0.3)
    stars, away = s.choice(0, 1, 2), s.uniform(0.3, 0.48)
    with s.inset(angle=s.uniform(-35, 35)):
        s.shape("moon", 0.1, 0, 0.92, 0.78, p=away, color=light, part="crescent")
        s.shape("ellipse", -0.5, -0.15, 0.08, color=s.rgb("black", "brown"), part="face", where=face)
        for i, (x, y) in enumerate(((0.5, -0.15), (0.4, 0.4))):
            s.shape("star", x, y, 0.24, p=5, q=0.45, color=s.rgb("yellow", "white"), part="stars", where=stars > i)
    s.trait("two pointed ends"), s.trait(np.array(["", "one star beside it", "two stars beside it"])[stars])
    s.trait("a curved body")


def star(s: Sketch) -> None:
    light, points, ring = s.colour(*PALETTE), s.choice(5, 5, 5, 4, 6), s.chance(0.3)
    s.shape("star", 0, 0, 0.97, p=points, q=s.uniform(0.38, 0.52), angle=s.uniform(-20, 20), color=light, part="star")
    s.shape("star", 0, 0, 0.5, p=points, q=0.45, color=s.shade(light, 0.5), part="middle", where=ring)
    s.trait(np.array(["four points", "five points", "six points"])[points - 4])
    s.trait("a pale middle", ring), s.trait("sharp points")


def volcano(s: Sketch) -> None:
    rock, lava = s.colour("brown", "gray", "black", "purple", "green", "beige"), s.rgb("red", "orange", "yellow")
    smoke = s.chance(0.6)
    s.shape("ellipse", 0.1, -0.78, 0.35, 0.22, color=s.rgb("gray", "white", "black"), part="smoke", where=smoke)
    s.shape("ellipse", -0.15, -0.6, 0.26, 0.2, color=s.rgb("gray", "white", "black"), part="smoke", where=smoke)
    for turn in (-35, 0, 35):
        way = np.deg2rad(turn)
        s.line(0, -0.1, 0.62 * np.sin(way), -0.1 - 0.55 * np.cos(way), 0.08, color=lava, part="fire", where=~smoke)
    s.shape("trapezoid", 0, 0.35, 0.98, 0.55, p=s.uniform(0.2, 0.3), color=rock, part="slopes")
    s.shape("ellipse", 0, -0.18, 0.24, 0.09, color=lava, part="crater")
    for x, low in ((-0.14, s.uniform(0.1, 0.7)), (0.04, s.uniform(0.2, 0.8)), (0.18, s.uniform(0, 0.5))):
        s.line(x, -0.15, x * 1.8, low, 0.07, color=lava, part="lava")
    s.trait("red-hot streams"), s.trait("smoke", smoke), s.trait("flames", ~smoke), s.trait("steep slopes")


def snowflake(s: Sketch) -> None:
    ice, side = s.colour("white", "white", "blue", "turquoise", "gray", "pink", "purple"), s.uniform(0.18, 0.3)
    tip = s.choice(0, 1, 2)
    width = s.uniform(0.045, 0.075)
    s.ring_of("box", 6, 0.48, 0.48, width, color=ice, part="arms")
    s.ring_of("arc", 6, 0.78, side, width, start=0, p=180, color=ice, part="tips", where=tip == 0)
    s.ring_of("box", 6, 0.68, width, side, color=ice, part="tips", where=tip == 1)
    s.ring_of("star", 6, 0.82, 0.2, 0.2, p=4, q=0.6, color=ice, part="tips", where=tip == 2)
    s.shape("star", 0, 0, s.uniform(0.2, 0.42), p=6, q=s.uniform(0.5, 0.86), color=ice, part="middle")
    s.trait("six arms"), s.trait("round tips", tip == 0), s.trait("six points")


def lightning(s: Sketch) -> None:
    light, clouded = s.colour("yellow", "yellow", "white", "orange", "blue", "purple", "red"), s.chance(0.4)
    lean = s.uniform(-0.15, 0.1)
    s.shape("trapezoid", -0.2 - lean, -0.4, 0.34, 0.52, p=0.24, q=0.42 + lean, color=light, part="bolt")
    s.shape("trapezoid", 0.2, 0.4, 0.34, 0.55, p=0.0, q=0.55, angle=180, color=light, part="bolt")
    dark = s.rgb("gray", "black", "white")
    for x, size in ((-0.4, 0.3), (0.1, 0.38), (0.5, 0.28)):
        s.shape("ellipse", x, -0.75, size, size * 0.75, color=dark, part="cloud", where=clouded)
    s.trait("a zigzag shape"), s.trait("a pointed end"), s.trait("clouds above", clouded)


CLASSES = [
    ToyClass("cloud", cloud),
    ToyClass("sun", sun),
    ToyClass("moon", moon),
    ToyClass("star", star),
    ToyClass("volcano", volcano, spoken=0.3),
    ToyClass("snowflake", snowflake, spoken=0.4),
    ToyClass("lightning", lightning, also=("lightning bolt",), spoken=0.4),
]
