"""Places that people built on land."""

import numpy as np

from lessons_lib.toyworld.places_parts import GRASS, ROCK, SAND, floor, lie, pick, sky, tree, windows
from lessons_lib.toyworld.sketch import Sketch


def city_street(s: Sketch) -> None:
    night = sky(s)
    walls = [
        s.colour("gray", "brown", "beige", "red", "blue", "white"),
        pick(s, *ROCK, *SAND),
        pick(s, *ROCK),
        s.rgb("gray", "beige", "brown", "pink"),
    ]
    floor(s, pick(s, *ROCK), 0.35)
    for i, (x, a, top) in enumerate(((-0.3, 0.2, -0.2), (0.3, 0.2, -0.3), (-0.78, 0.3, -0.75), (0.78, 0.3, -0.65))):
        y = top + s.uniform(-0.2, 0.2)
        s.place("building", x=x, y=(y + 0.55) / 2, scale=1, angle=0, flip=1)
        b = (0.55 - y) / 2
        color = s.shade(walls[i], np.where(night, -0.55, 0.0))
        s.shape("box", 0, 0, a, b, color=color, part="building")
        windows(s, 0, -0.05, a * 0.82, b - 0.12, night=night, freq=s.uniform(4.5, 6.5))
    s.whole_picture()
    lie(s, (0.25, 0.26, 0.28), kind="trapezoid", y=0.7, a=1.0, b=0.42, p=0.12, part="road")
    lie(s, (0.95, 0.93, 0.8), kind="trapezoid", y=0.7, a=0.06, b=0.42, p=0.01, part="line")
    s.place("car", x=s.choice(-0.42, 0.42), y=0.66, scale=s.uniform(0.2, 0.28), angle=0)
    paint = s.rgb("red", "yellow", "blue", "white", "black", "green")
    s.shape("trapezoid", 0, -0.35, 0.75, 0.4, p=0.5, color=s.shade(paint, -0.2), part="car")
    s.shape("box", 0, 0.2, 1, 0.4, p=0.15, color=paint, part="car")
    s.ring_of("ellipse", 2, 0.6, 0.25, 0.25, y=0.55, color=(0.08, 0.08, 0.09), part="wheels")
    for trait in ("many windows", "a road", "high walls"):
        s.trait(trait)


def farm(s: Sketch) -> None:
    sky(s)
    field, low = pick(s, *GRASS, (0.80, 0.68, 0.30), (0.55, 0.40, 0.25)), s.uniform(0.25, 0.4)
    floor(s, field, low)
    lie(
        s,
        s.shade(field, -0.3),
        y=low + 1.5,
        b=1.5,
        pattern="stripes",
        freq=s.uniform(2.5, 4),
        turn=s.choice(0, 90),
        part="furrows",
    )
    side = s.choice(-1.0, 1.0)
    s.place("silo", x=0.62 * side, y=-0.1, scale=0.6, angle=0)
    silo = s.chance(0.65)
    gray = s.rgb("gray", "white", "beige")
    s.shape("box", 0, 0.1, 0.3, 0.8, color=gray, where=silo, part="silo")
    s.shape("dome", 0, -0.68, 0.3, 0.3, color=s.shade(gray, -0.4), where=silo, part="dome")
    s.place("barn", x=-0.2 * side, y=0.05, scale=s.uniform(0.5, 0.62), angle=0)
    wall, roof = (
        s.colour("red", "red", "brown", "white", "blue", "green", "gray"),
        s.rgb("black", "gray", "brown", "white"),
    )
    s.shape("box", 0, 0.35, 0.95, 0.6, color=wall, part="wall")
    s.shape("trapezoid", 0, -0.35, 1.1, 0.25, p=0.75, color=roof, part="roof")
    s.shape("trapezoid", 0, -0.78, 0.78, 0.22, p=0.05, color=roof, part="roof")
    s.shape("box", 0, 0.5, 0.36, 0.45, color=s.rgb("white", "beige"), part="gate")
    s.shape("box", 0, 0.5, 0.28, 0.37, color=s.shade(wall, -0.35), part="gate")
    for turn in (-52, 52):
        s.shape("box", 0, 0.5, 0.44, 0.05, angle=turn, color=s.rgb("white", "beige"), part="gate")
    s.whole_picture()
    fence = s.chance(0.5)
    lie(s, s.rgb("white", "brown"), y=0.78, b=0.05, where=fence, part="fence")
    lie(s, s.rgb("white", "brown"), y=0.8, b=0.2, pattern="stripes", freq=3, duty=0.25, where=fence, part="fence")
    s.trait("a large roof")
    s.trait("a field")
    s.trait("a round tower", where=silo)
    s.trait("a fence", where=fence)


def castle(s: Sketch) -> None:
    night = sky(s)
    hill = s.uniform(0.45, 0.6)
    lie(s, pick(s, *GRASS, *ROCK), kind="ellipse", y=hill + 0.9, a=s.uniform(1.3, 2.2), b=1.0, part="hill")
    s.place("castle", x=0, y=0.05, scale=s.uniform(0.78, 0.88), angle=0)
    stone, roof = s.colour("gray", "beige", "brown", "pink", "white"), s.rgb("red", "blue", "black", "green", "purple")
    pointed, high = s.chance(0.55), s.uniform(0.0, 0.25)
    dark = s.shade(stone, -0.18)
    merlons = dict(pattern="stripes", freq=3.6, turn=0, duty=0.55, phase=0.0)
    s.shape("box", 0, 0.3, 0.7, 0.4, color=stone, part="wall")
    s.shape("box", 0, -0.16, 0.7, 0.08, color=stone, **merlons, part="battlements")
    s.shape("box", 0.05, -0.2 - high / 2, 0.22, 0.5 + high / 2, color=dark, part="tower")
    for x, top in ((-0.72, -0.35), (0.72, -0.3 - high), (0.05, -0.72 - high)):
        if x != 0.05:
            s.shape("box", x, (top + 0.75) / 2, 0.2, (0.75 - top) / 2, color=dark, part="tower")
        s.shape("box", x, top - 0.06, 0.26, 0.09, color=stone, **merlons, where=~pointed, part="battlements")
        s.shape("trapezoid", x, top - 0.2, 0.27, 0.24, p=0.0, color=roof, where=pointed, part="roof")
        lit = np.where(night[:, None], (1.0, 0.85, 0.4), (0.15, 0.15, 0.2))
        s.shape("box", x, top + 0.28, 0.06, 0.1, p=0.06, color=lit, part="window")
    s.shape("dome", 0.05, 0.7, 0.2, 0.42, color=(0.2, 0.13, 0.1), part="gate")
    s.trait("towers")
    s.trait("stone walls")
    s.trait("pointed roofs", where=pointed)
    s.trait("a gate")


def playground(s: Sketch) -> None:
    sky(s)
    floor(s, pick(s, *GRASS, *SAND), s.uniform(0.3, 0.5))
    side = s.choice(-1.0, 1.0)
    tree(s, s.uniform(-0.9, 0.9), 0.45, s.uniform(0.5, 0.8), where=s.chance(0.6))
    s.place("slide", x=-0.42 * side, y=0.25, scale=s.uniform(0.5, 0.6), angle=0, flip=side)
    chute, steel = (
        s.colour("red", "yellow", "blue", "green", "orange", "purple"),
        s.rgb("gray", "red", "blue", "yellow", "green"),
    )
    for x in (-0.75, -0.4):
        s.line(x, -0.9, x - 0.05, 1.0, 0.08, color=steel, part="ladder")
    s.shape("box", -0.6, 0.1, 0.2, 0.85, color=steel, pattern="stripes", freq=3, turn=90, duty=0.35, part="steps")
    s.shape("box", -0.5, -0.55, 0.34, 0.09, color=steel, part="platform")
    s.line(-0.25, -0.5, 0.75, 0.8, 0.13, color=chute, part="chute")
    s.line(0.75, 0.82, 1.05, 0.85, 0.11, color=chute, part="chute")
    roof = s.chance(0.5)
    s.shape(
        "trapezoid",
        -0.55,
        -1.1,
        0.45,
        0.28,
        p=0.0,
        color=s.rgb("red", "blue", "green", "yellow"),
        where=roof,
        part="roof",
    )
    s.place("swing", x=0.52 * side, y=0.22, scale=s.uniform(0.5, 0.6), angle=0)
    frame, there = s.rgb("red", "blue", "brown", "gray", "green"), s.chance(0.85)
    for x in (-0.75, 0.75):
        s.line(x, -1.0, x * 1.2, 1.0, 0.08, color=frame, where=there, part="post")
    s.line(-0.75, -1.0, 0.75, -1.0, 0.08, color=frame, where=there, part="bar")
    sway = s.uniform(-0.3, 0.3)
    for x in (-0.3, 0.3):
        s.line(x, -1.0, x + sway, 0.45, 0.04, color=(0.2, 0.2, 0.2), where=there, part="rope")
    s.shape("box", sway, 0.5, 0.42, 0.09, color=s.rgb("yellow", "brown", "black", "red"), where=there, part="seat")
    s.trait("a ladder")
    s.trait("bright colors")
    s.trait("ropes", where=there)
    s.trait("a roof", where=roof)
