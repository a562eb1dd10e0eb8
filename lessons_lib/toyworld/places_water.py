"""Places by the water."""

import numpy as np

from lessons_lib.toyworld.places_parts import GRASS, ROCK, SAND, WOOD, lie, pick, sky, water
from lessons_lib.toyworld.sketch import Sketch


def beach(s: Sketch) -> None:
    sky(s)
    water(s, s.uniform(-0.3, -0.05))
    sand, shore = pick(s, *SAND), s.uniform(0.2, 0.4)
    for y, color in ((shore - 0.07, np.array((0.95, 0.97, 0.97))), (shore, sand)):
        lie(
            s,
            color,
            kind="ellipse",
            x=s.uniform(-0.5, 0.5),
            y=y + 1.6,
            a=3,
            b=1.6,
            part="foam" if y is not shore else "sand",
        )
    palm, side = s.chance(0.5), s.choice(-1.0, 1.0)
    s.place("palm", x=0.6 * side, y=0.0, scale=s.uniform(0.6, 0.75), angle=s.uniform(-5, 10) * side, flip=side)
    s.shape("arc", 0.9, 0.35, 1.0, 0.08, p=35, angle=-70, color=pick(s, *WOOD), where=palm, part="trunk")
    s.ring_of(
        "leaf",
        6,
        0.4,
        0.42,
        0.13,
        x=0.1,
        y=-0.45,
        start=s.uniform(0, 60),
        color=pick(s, *GRASS),
        where=palm,
        part="leaves",
    )
    s.place("parasol", x=np.where(palm, -0.45, 0.3) * side, y=s.uniform(0.2, 0.35), scale=s.uniform(0.42, 0.55))
    color, shown = s.colour("red", "yellow", "blue", "green", "pink", "orange", "white"), s.chance(0.75)
    s.shape("box", 0, 0.2, 0.05, 1.0, color=s.rgb("white", "brown"), where=shown, part="pole")
    s.shape("dome", 0, -0.1, 1.0, 0.8, color=color, where=shown, part="parasol")
    s.shape(
        "dome", 0, -0.1, 1.0, 0.8, color=s.rgb("white", "yellow"), pattern="rays", duty=0.5, where=shown, part="parasol"
    )
    for trait in ("water", "sand", "waves"):
        s.trait(trait)
    s.trait("a palm tree", where=palm)


def harbor(s: Sketch) -> None:
    sky(s)
    water(s, s.uniform(-0.1, 0.05))
    quay = s.chance(0.7)
    lie(s, pick(s, *ROCK, *WOOD), y=1.15, b=0.35, where=quay, part="quay")
    many = s.chance(0.5)
    for i, (x, y, size) in enumerate(((-0.55, 0.02, 0.4), (0.62, -0.02, 0.36), (0.05, 0.3, 0.55))):
        s.place("boat", x=x + s.uniform(-0.12, 0.12), y=y, scale=size * s.uniform(0.9, 1.1), angle=s.uniform(-3, 3))
        hull = (
            s.colour("white", "red", "blue", "green", "black", "brown")
            if i == 2
            else s.rgb("white", "red", "blue", "black", "brown")
        )
        there = np.ones(s.n, bool) if i != 1 else many
        s.shape("box", 0.05, -0.5, 0.05, 0.95, color=s.rgb("brown", "white", "gray"), where=there, part="mast")
        sail = s.chance(0.55) & there
        s.shape(
            "trapezoid",
            0.45,
            -0.5,
            0.38,
            0.75,
            p=0.0,
            q=-0.36,
            color=s.rgb("white", "beige", "red", "orange"),
            where=sail,
            part="sail",
        )
        s.shape("box", -0.3, 0.1, 0.35, 0.2, color=s.rgb("white", "gray", "yellow"), where=there & ~sail, part="cabin")
        s.shape("trapezoid", 0, 0.45, 0.6, 0.25, p=1.0, color=hull, where=there, part="hull")
    s.whole_picture()
    for x in (-0.7, 0.75):
        lie(s, pick(s, *WOOD), x=x + s.uniform(-0.1, 0.1), y=0.85, a=0.07, b=0.25, where=quay, part="post")
    for trait in ("water", "boats", "masts"):
        s.trait(trait)
    s.trait("three boats", where=many)


def bridge(s: Sketch) -> None:
    sky(s)
    river = s.uniform(0.3, 0.5)
    lie(s, pick(s, *GRASS), kind="ellipse", x=s.uniform(-1, 1), y=river, a=1.2, b=s.uniform(0.2, 0.4), part="hill")
    water(s, river)
    arched, y = s.chance(0.5), s.uniform(-0.05, 0.15)
    s.place("bridge", x=0, y=y, scale=1, angle=s.uniform(-3, 3))
    color = s.colour("gray", "brown", "red", "orange", "beige", "green", "white")
    dark = s.shade(color, -0.3)
    gaps, wide = s.choice(0.36, 0.5), s.uniform(0.09, 0.14)
    s.shape("box", 0, 0, 1.3, 0.1, color=color, part="deck")
    for x in (-2, 0, 2):  # stone arches: an arc over each opening
        s.shape("arc", x * gaps, 0.55, gaps, wide, p=90, color=dark, where=arched, part="arch")
        s.shape("box", x * gaps + gaps, 0.6, wide * 1.3, 0.6, color=dark, where=arched, part="pier")
    s.shape("box", -3 * gaps, 0.6, wide * 1.3, 0.6, color=dark, where=arched, part="pier")
    for x in (-0.6, 0.6):  # or towers and cables
        s.shape("box", x, -0.1, 0.07, 0.75, color=dark, where=~arched, part="tower")
    for x, p in ((0, 40), (-1.2, 40), (1.2, 40)):
        s.shape("arc", x, -1.52, 0.9, 0.03, p=p, angle=180, color=dark, where=~arched, part="cable")
    s.shape("box", 0, -0.22, 1.3, 0.2, color=dark, pattern="stripes", freq=5, duty=0.2, where=~arched, part="ropes")
    s.trait("water")
    s.trait("round arches", where=arched)
    s.trait("two towers", where=~arched)
    s.trait("a road")


def lighthouse(s: Sketch) -> None:
    night = sky(s)
    water(s, s.uniform(0.3, 0.5))
    side = s.uniform(-0.45, 0.45)
    rock = dict(x=side + s.uniform(-0.4, 0.4), y=1.05, a=s.uniform(0.8, 1.1), b=s.uniform(0.35, 0.5), part="rock")
    lie(s, pick(s, *ROCK, *GRASS[:2]), kind="ellipse", **rock)
    beam = night | s.chance(0.15)
    for angle in (-8, 188):
        turn = np.deg2rad(angle)
        ray = dict(x=side + np.cos(turn), y=-0.62 + np.sin(turn), a=0.35, b=0.95, p=0.03, angle=angle - 90, alpha=0.7)
        lie(s, (1.0, 0.95, 0.6), kind="trapezoid", **ray, where=beam, part="light beam")
    s.place("tower", x=side, y=0.05, scale=s.uniform(0.85, 0.95), angle=s.uniform(-2, 2))
    tower, band = s.rgb("white", "beige", "yellow"), s.colour("red", "blue", "black", "green", "orange", "white")
    kind = s.rng.integers(3, size=s.n)  # level bands, one band, plain
    wide = s.uniform(0.24, 0.32)
    color = np.where((kind == 2)[:, None], band, tower)
    body = dict(a=wide, b=0.65, p=wide * 0.62)
    s.shape("trapezoid", 0, 0.15, **body, color=color, part="tower")
    s.shape(
        "trapezoid",
        0,
        0.15,
        **body,
        color=band,
        pattern="stripes",
        turn=90,
        freq=s.uniform(1.6, 2.6),
        where=kind == 0,
        part="bands",
    )
    s.shape(
        "trapezoid",
        0,
        0.15,
        **body,
        color=band,
        pattern="stripes",
        turn=90,
        freq=1,
        duty=0.4,
        where=kind == 1,
        part="bands",
    )
    s.shape("box", 0, -0.53, wide * 0.9, 0.05, color=(0.15, 0.15, 0.17), part="gallery")
    s.shape(
        "box",
        0,
        -0.68,
        wide * 0.5,
        0.13,
        color=np.where(beam[:, None], (1.0, 0.93, 0.5), (0.75, 0.85, 0.9)),
        part="lamp",
    )
    s.shape("dome", 0, -0.78, wide * 0.65, 0.2, color=np.where((kind == 2)[:, None], tower, band), part="roof")
    s.trait("water")
    s.trait("a tall tower")
    s.trait("stripes", where=kind == 0)
    s.trait("a light", where=beam)
