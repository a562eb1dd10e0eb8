"""Vessels and furniture among the things of ToyWorld."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch


def mug(s: Sketch) -> None:
    clay, drink, look = s.colour(*PALETTE), s.rgb("brown", "black", "orange", "white"), s.choice(0, 1, 2, 3)
    wide, steam = s.uniform(0.48, 0.62), s.chance(0.4)
    for x in (-0.25, 0.15):
        s.shape("wave", x, -0.78, 0.24, 0.045, p=0.06, q=2.5, angle=90, color=s.rgb("white", "gray"), part="steam",
                where=steam)  # fmt: skip
    s.shape("arc", wide, 0.2, s.uniform(0.26, 0.34), 0.09, p=95, angle=90, color=s.shade(clay, -0.2), part="handle")
    s.shape("box", -0.05, 0.2, wide, 0.66, p=0.12, color=clay, part="body")
    for i, (pattern, turn) in enumerate((("stripes", 90), ("dots", 0)), start=1):
        s.shape("box", -0.05, 0.3, wide, 0.36, color=s.rgb(*PALETTE), pattern=pattern, freq=3, turn=turn, part="body",
                where=look == i)  # fmt: skip
    s.shape("ellipse", -0.05, -0.4, wide, 0.14, color=s.shade(clay, 0.4), part="rim")
    s.shape("ellipse", -0.05, -0.38, wide * 0.82, 0.09, color=drink, part="drink")
    s.trait("a handle"), s.trait("steam", steam), s.trait("stripes", look == 1), s.trait("dots", look == 2)


def teapot(s: Sketch) -> None:
    clay, banded, tall = s.colour(*PALETTE), s.chance(0.4), s.uniform(0.46, 0.58)
    s.line(0.4, 0.35, 0.88, -0.25, 0.11, color=s.shade(clay, -0.2), part="spout")
    s.shape("arc", -0.55, 0.15, 0.34, 0.08, p=110, angle=-90, color=s.shade(clay, -0.2), part="handle")
    s.shape("ellipse", 0, 0.25, 0.62, tall, color=clay, part="body")
    s.shape("box", 0, 0.25, 0.6, 0.12, color=s.rgb(*PALETTE), pattern="dots", freq=5, phase=0, part="band",
            where=banded)  # fmt: skip
    s.shape("dome", 0, 0.3 - tall, 0.36, 0.24, color=s.shade(clay, -0.35), part="lid")
    s.shape("ellipse", 0, 0.02 - tall, 0.11, color=clay, part="knob")
    s.shape("box", 0, 0.25 + tall, 0.34, 0.06, color=s.shade(clay, -0.35), part="base")
    s.trait("a spout"), s.trait("a handle"), s.trait("a lid"), s.trait("dots", banded)


def wine_glass(s: Sketch) -> None:
    glass, wine = s.rgb("white", "gray", "turquoise"), s.colour("red", "purple", "yellow", "orange", "green", "pink")
    wide, deep, full = s.uniform(0.36, 0.5), s.uniform(0.6, 0.75), s.uniform(0.25, 0.55)
    s.shape("ellipse", 0, 0.88, 0.42, 0.09, color=glass, part="foot")
    s.shape("trapezoid", 0, 0.5, 0.07, 0.4, p=0.05, color=s.shade(glass, -0.2), part="stem")
    s.shape("dome", 0, -0.6, wide, deep + 0.1, angle=180, color=s.shade(glass, 0.4), part="bowl")
    s.shape("dome", 0, -0.6 + deep * (1 - full), wide * (0.75 + 0.2 * full), deep * full + 0.05, angle=180, color=wine,
            part="wine")  # fmt: skip
    s.shape("ellipse", 0, -0.6, wide, 0.08, color=s.shade(glass, -0.15), part="rim")
    s.trait("a thin stem"), s.trait("a round foot"), s.trait("something to drink inside")


def bottle(s: Sketch) -> None:
    glass, wide, label, sloped = s.colour(*PALETTE), s.uniform(0.28, 0.4), s.chance(0.65), s.chance(0.5)
    s.shape("box", 0, -0.62, 0.11, 0.3, color=glass, part="neck")
    s.shape("box", 0, -0.9, 0.14, 0.09, p=0.03, color=s.rgb("red", "yellow", "black", "white", "brown"), part="cap")
    s.shape("trapezoid", 0, -0.2, wide, 0.28, p=0.11, color=glass, part="shoulder", where=sloped)
    s.shape("dome", 0, 0, wide, 0.42, color=glass, part="shoulder", where=~sloped)
    s.shape("box", 0, 0.45, wide, 0.52, p=0.07, color=glass, part="body")
    s.shape("box", 0, 0.4, wide, 0.24, color=s.rgb("white", "yellow", "beige", "red", "blue"), part="label",
            where=label)  # fmt: skip
    s.shape("box", -wide * 0.6, 0.3, 0.04, 0.55, p=0.04, color=s.shade(glass, 0.6), part="shine")
    s.trait("a narrow neck"), s.trait("a cap"), s.trait("a label", label), s.trait("round shoulders", ~sloped)


def clock(s: Sketch) -> None:
    rim, square, alarm = s.colour(*PALETTE), s.chance(0.3), s.chance(0.4)
    face, hand, hour = s.rgb("white", "beige", "yellow", "black"), s.uniform(0, 2 * np.pi), s.uniform(0, 2 * np.pi)
    ink = np.where(face.mean(axis=1, keepdims=True) < 0.45, 0.95, 0.08) * np.ones(3)
    for side in (-1, 1):
        s.shape("dome", 0.5 * side, -0.62, 0.28, 0.28, angle=38 * side, color=s.shade(rim, -0.35), part="bells",
                where=alarm)  # fmt: skip
        s.line(0.3 * side, 0.6, 0.55 * side, 0.92, 0.07, color=s.shade(rim, -0.35), part="feet", where=alarm)
    s.shape("ellipse", 0, 0, 0.8, color=rim, part="case", where=~square)
    s.shape("box", 0, 0, 0.78, p=0.1, color=rim, part="case", where=square)
    s.shape("ellipse", 0, 0, 0.62, color=face, part="face")
    s.ring_of("box", s.choice(4, 8, 12), 0.52, 0.07, 0.04, color=ink, part="marks")
    s.line(0, 0, 0.44 * np.cos(hand), 0.44 * np.sin(hand), 0.045, color=ink, part="hands")
    s.line(0, 0, 0.3 * np.cos(hour), 0.3 * np.sin(hour), 0.06, color=ink, part="hands")
    s.trait("two hands"), s.trait("a round face"), s.trait("two bells", alarm), s.trait("a square case", square)


def table(s: Sketch) -> None:
    wood, cloth, round_ = s.colour(*PALETTE), s.chance(0.3), s.chance(0.3)
    top, high = s.uniform(-0.35, -0.05), s.uniform(0.08, 0.12)
    for x in (-0.5, 0.5):
        s.line(x, top, x, 0.35, 0.07, color=s.shade(wood, -0.45), part="legs", where=~round_)
    for x in (-0.82, 0.82):
        s.line(x, top, x, 0.75, 0.08, color=s.shade(wood, -0.2), part="legs", where=~round_)
    s.shape("trapezoid", 0, 0.35, 0.4, 0.4, p=0.1, color=s.shade(wood, -0.3), part="foot", where=round_)
    s.shape("trapezoid", 0, top - 0.15, 0.95, 0.16, p=0.65, color=s.shade(wood, 0.15), part="top", where=~round_)
    s.shape("ellipse", 0, top - 0.1, 0.95, 0.25, color=s.shade(wood, 0.15), part="top", where=round_)
    s.shape("box", 0, top, 0.95, high, color=wood, part="edge", where=~round_)
    s.shape("trapezoid", 0, top - 0.15, 0.4, 0.16, p=0.28, color=s.rgb("white", "red", "blue"), part="cloth",
            where=cloth)  # fmt: skip
    s.trait("four legs", ~round_), s.trait("a flat top"), s.trait("a cloth", cloth), s.trait("a round top", round_)


def bed(s: Sketch) -> None:
    cover, wood, high = s.colour(*PALETTE), s.rgb("brown", "white", "black", "beige"), s.uniform(0.45, 0.8)
    pattern = s.choice(0, 1, 2)
    s.shape("box", 0, 0.42, 0.88, 0.14, color=s.shade(wood, -0.2), part="frame")
    for x, top in ((-0.88, 0.55 - high - 0.15), (0.88, 0.2)):
        s.shape("box", x, (top + 0.78) / 2, 0.08, (0.78 - top) / 2, p=0.05, color=wood, part="posts")
    s.shape("box", 0, 0.18, 0.8, 0.17, p=0.06, color=s.rgb("white"), part="mattress")
    s.shape("ellipse", -0.58, -0.05, 0.24, 0.14, angle=-15, color=s.rgb("white", "pink", "turquoise", "yellow"),
            part="pillow")  # fmt: skip
    s.shape("box", 0.22, 0.15, 0.6, 0.25, p=0.12, color=cover, part="blanket")
    for i, name in enumerate(("stripes", "checks"), start=1):
        s.shape("box", 0.22, 0.15, 0.6, 0.25, p=0.12, color=s.shade(cover, -0.4), pattern=name, freq=4, part="blanket",
                where=pattern == i)  # fmt: skip
    s.trait("a pillow"), s.trait("a blanket"), s.trait("stripes", pattern == 1), s.trait("checks", pattern == 2)


def door(s: Sketch) -> None:
    paint, arched, wide, glass = s.colour(*PALETTE), s.chance(0.35), s.uniform(0.42, 0.52), s.chance(0.35)
    frame = s.shade(paint, 0.55)
    inner = np.where(glass[:, None], s.rgb("turquoise", "white", "yellow"), s.shade(paint, -0.35))
    s.shape("box", 0, 0.1, wide + 0.1, 0.88, color=frame, part="frame", where=~arched)
    s.shape("dome", 0, -0.3, wide + 0.1, 0.68, color=frame, part="frame", where=arched)
    s.shape("box", 0, 0.34, wide + 0.1, 0.64, color=frame, part="frame", where=arched)
    s.shape("box", 0, 0.16, wide, 0.82, color=paint, part="door", where=~arched)
    s.shape("dome", 0, -0.3, wide, 0.56, color=paint, part="door", where=arched)
    s.shape("box", 0, 0.34, wide, 0.64, color=paint, part="door", where=arched)
    s.shape("box", 0, -0.24, wide * 0.6, 0.24, color=inner, part="panels")
    s.shape("box", 0, 0.6, wide * 0.6, 0.24, color=s.shade(paint, -0.35), part="panels")
    s.shape("ellipse", wide * 0.75, 0.18, 0.09, color=s.rgb("yellow", "white", "black"), part="knob")
    s.trait("a round knob"), s.trait("a round top", arched), s.trait("a square window", glass)


def window(s: Sketch) -> None:
    paint, arched, curtain = s.colour(*PALETTE), s.chance(0.35), s.chance(0.4)
    sky, wide = s.rgb("turquoise", "blue", "black", "yellow", "white"), s.uniform(0.6, 0.78)
    s.shape("dome", 0, -0.1, wide + 0.12, 0.88, color=paint, part="frame", where=arched)
    s.shape("box", 0, np.where(arched, 0.34, 0.0), wide + 0.12, np.where(arched, 0.46, 0.82), color=paint, part="frame")
    s.shape("dome", 0, -0.1, wide, 0.72, color=sky, part="glass", where=arched)
    s.shape("box", 0, np.where(arched, 0.3, 0.0), wide, np.where(arched, 0.4, 0.7), color=sky, part="glass")
    cloth, hung = s.rgb("red", "white", "pink", "green"), curtain & ~arched
    for x in (-0.78, 0.78):
        s.shape("trapezoid", wide * x, 0, 0.3, 0.72, p=0.22, color=cloth, part="curtains", where=hung)
    s.shape("box", 0, 0, 0.06, 0.78, color=paint, part="bars")
    s.shape("box", 0, -0.05, wide, 0.06, color=paint, part="bars")
    s.shape("box", 0, 0.84, wide + 0.2, 0.09, color=s.shade(paint, -0.25), part="sill")
    s.trait("four panes"), s.trait("curtains", hung), s.trait("a round top", arched)


CLASSES = [
    ToyClass("mug", mug),
    ToyClass("teapot", teapot, spoken=0.4),
    ToyClass("wine glass", wine_glass, also=("goblet",), spoken=0.4),
    ToyClass("bottle", bottle),
    ToyClass("clock", clock),
    ToyClass("table", table),
    ToyClass("bed", bed),
    ToyClass("door", door),
    ToyClass("window", window),
]
