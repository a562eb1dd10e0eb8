"""Tools among the things of ToyWorld, upright or leaning. A "bow" is the weapon here, a ribbon in `homonyms`."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Number, Sketch

METALS = ("gray", "white", "black", "gray")


def _handle(s: Sketch, color: np.ndarray, *, top: Number = -0.6, width: Number = 0.1) -> None:
    """A straight handle from `top` down to the bottom of the frame."""
    s.line(0, top, 0, 0.88, width, color=color, part="handle")
    s.trait("a long handle")


def hammer(s: Sketch) -> None:
    grip, metal, claw = s.colour(*PALETTE), s.rgb(*METALS), s.chance(0.6)
    with s.inset(angle=s.uniform(-45, 45)):
        _handle(s, grip)
        s.shape("box", 0.1, -0.65, 0.42, 0.17, p=0.03, color=metal, part="head")
        s.shape("box", 0.48, -0.65, 0.12, s.uniform(0.2, 0.3), p=0.03, color=s.shade(metal, -0.3), part="head")
        s.shape("moon", -0.4, -0.38, 0.42, 0.4, p=0.2, angle=60, color=metal, part="claw", where=claw)
        s.shape("box", -0.4, -0.65, 0.14, 0.24, p=0.03, color=s.shade(metal, -0.3), part="head", where=~claw)
    s.trait("a metal head"), s.trait("a claw", claw)


def axe(s: Sketch) -> None:
    grip, metal, double = s.colour(*PALETTE), s.rgb(*METALS), s.chance(0.3)
    wide = s.uniform(0.34, 0.45)
    with s.inset(angle=s.uniform(-45, 45)):
        _handle(s, grip, top=-0.85)
        for side, shown in ((1, True), (-1, double)):
            s.shape("trapezoid", 0.3 * side, -0.5, wide, 0.28, p=0.14, angle=-90 * side, color=metal, part="blade",
                    where=shown)  # fmt: skip
            s.shape("ellipse", 0.55 * side, -0.5, 0.13, wide, color=s.shade(metal, 0.45), part="edge", where=shown)
    s.trait("a metal blade"), s.trait("two blades", double)


def saw(s: Sketch) -> None:
    grip, metal, tall = s.colour(*PALETTE), s.rgb("gray", "white", "gray"), s.uniform(0.2, 0.28)
    with s.inset(angle=s.uniform(-35, 35)):
        s.shape("box", 0.25, 0.2, 0.72, 0.16, color=s.shade(metal, -0.25), pattern="zigzag", freq=4.5, turn=0,
                duty=0.5, part="teeth")  # fmt: skip
        s.shape("trapezoid", 0.25, 0.2 - tall, tall, 0.72, p=tall * 0.5, angle=90, color=metal, part="blade")
        s.shape("box", -0.68, 0, 0.3, 0.4, p=0.12, angle=15, color=grip, part="handle")
        s.shape("box", -0.7, 0, 0.12, 0.2, p=0.1, angle=15, color=s.shade(grip, -0.75), part="hole")
    s.trait("a metal blade"), s.trait("teeth"), s.trait("a short handle")


def wrench(s: Sketch) -> None:
    metal, ringed = s.colour("gray", "gray", "white", "black", "red", "blue", "green", "orange"), s.chance(0.5)
    with s.inset(angle=s.uniform(-50, 50)):
        s.line(0, -0.35, 0, 0.5, 0.13, color=metal, part="handle")
        for y, turn, shown in ((-0.58, 180, True), (0.68, 0, ~ringed)):
            s.shape("arc", 0, y, 0.25, 0.12, p=130, angle=turn + s.choice(-15, 15), color=metal, part="jaw",
                    where=shown)  # fmt: skip
        s.shape("arc", 0, 0.68, 0.2, 0.1, p=180, color=metal, part="ring", where=ringed)
    s.trait("an open end"), s.trait("a ring", ringed), s.trait("a long handle")


def screwdriver(s: Sketch) -> None:
    grip, metal, wide = s.colour(*PALETTE), s.rgb(*METALS), s.uniform(0.17, 0.25)
    with s.inset(angle=s.uniform(-50, 50)):
        s.line(0, 0.2, 0, -0.9, 0.06, color=metal, part="shaft")
        s.shape("trapezoid", 0, -0.88, 0.11, 0.13, p=0.06, color=metal, part="tip")
        s.shape("box", 0, 0.5, wide, 0.45, p=0.14, color=grip, part="handle")
        s.shape("box", 0, 0.5, wide, 0.38, color=s.shade(grip, -0.45), pattern="stripes", freq=7, duty=0.35, phase=0,
                part="handle")  # fmt: skip
        s.shape("trapezoid", 0, 0.02, wide * 0.8, 0.09, p=0.08, color=s.shade(grip, -0.3), part="collar")
    s.trait("a thick handle"), s.trait("a thin metal shaft")


def key(s: Sketch) -> None:
    metal, square = s.colour("yellow", "gray", "orange", "brown", "black", "red", "blue", "white"), s.chance(0.35)
    notch, teeth = s.uniform(0.2, 0.32), s.choice(2, 3)
    with s.inset(angle=s.uniform(-90, 90)):
        s.line(-0.3, 0, 0.88, 0, 0.085, color=metal, part="shaft")
        for i, x in enumerate((0.82, 0.58, 0.34)):
            s.shape("box", x, notch / 2, 0.075, notch - 0.08 * (i == 1), color=metal, part="teeth", where=i < teeth)
        s.shape("arc", -0.55, 0, 0.3, 0.11, p=180, color=metal, part="ring", where=~square)
        s.shape("box", -0.55, 0, 0.4, p=0.08, angle=45, color=metal, part="ring", where=square)
        s.shape("ellipse", -0.55, 0, 0.17, color=s.shade(metal, -0.75), part="hole", where=square)
    s.trait("teeth"), s.trait("a ring", ~square), s.trait("a thin metal shaft"), s.trait("a square end", square)


def bow(s: Sketch) -> None:
    wood, arrow, deep = s.colour(*PALETTE), s.chance(0.75), s.uniform(0.15, 0.45)
    with s.inset(angle=s.uniform(-40, 40)):
        for y in (-0.86, 0.86):
            s.line(-0.1, y, -0.1 - deep * arrow, 0, 0.03, color=s.rgb("white", "beige"), part="string")
        s.shape("arc", -0.55, 0, 0.97, 0.075, p=62, angle=90, color=wood, part="limb")
        s.shape("box", 0.42, 0, 0.1, 0.2, p=0.08, color=s.shade(wood, -0.5), part="grip")
        s.line(-0.1 - deep, 0, 0.75, 0, 0.04, color=s.rgb("brown", "white", "red"), part="arrow", where=arrow)
        s.shape("trapezoid", 0.85, 0, 0.13, 0.14, angle=90, color=s.rgb("gray", "black"), part="arrow", where=arrow)
    s.trait("a string"), s.trait("an arrow", arrow), s.trait("a curved limb")


def shovel(s: Sketch) -> None:
    wood, metal, pointed = s.colour(*PALETTE), s.rgb(*METALS), s.chance(0.5)
    with s.inset(angle=s.uniform(-40, 40)):
        s.line(0, -0.65, 0, 0.3, 0.07, color=wood, part="handle")
        s.shape("arc", 0, -0.72, 0.2, 0.06, p=180, color=wood, part="grip")
        s.shape("box", 0, 0.4, 0.34, 0.24, p=0.06, color=metal, part="blade")
        s.shape("dome", 0, 0.52, 0.34, 0.45, angle=180, color=metal, part="blade", where=pointed)
        s.shape("box", 0, 0.68, 0.34, 0.24, p=0.06, color=metal, part="blade", where=~pointed)
        s.line(0, 0.3, 0, 0.55, 0.04, color=s.shade(metal, -0.4), part="ridge")
    s.trait("a long handle"), s.trait("a metal blade"), s.trait("a pointed end", pointed)


def pencil(s: Sketch) -> None:
    paint, wood, wide, rubber = s.colour(*PALETTE), s.rgb("beige", jitter=0.03), s.uniform(0.14, 0.22), s.chance(0.7)
    with s.inset(angle=s.uniform(-60, 60)):
        s.shape("box", 0, 0.8, wide, 0.2, p=0.08, color=s.rgb("pink", "red", "blue"), part="eraser", where=rubber)
        s.shape("box", 0, 0.65, wide, 0.09, color=s.rgb("gray", "yellow"), part="band", where=rubber)
        s.shape("box", 0, 0.08, wide, 0.54, color=paint, part="body")
        s.shape("box", 0, 0.08, wide * 0.35, 0.54, color=s.shade(paint, -0.35), part="body")
        s.shape("trapezoid", 0, -0.66, wide, 0.22, p=wide * 0.25, color=wood, part="tip")
        s.shape("trapezoid", 0, -0.86, wide * 0.5, 0.14, color=s.shade(paint, -0.6), part="lead")
    s.trait("a pointed end"), s.trait("an eraser", rubber), s.trait("a long thin body")


def ladder(s: Sketch) -> None:
    wood, wide, rungs = s.colour(*PALETTE), s.uniform(0.28, 0.42), s.uniform(2.4, 3.6)
    with s.inset(angle=s.uniform(-25, 25)):
        s.shape("box", 0, 0, wide, 0.92, color=s.shade(wood, -0.25), pattern="stripes", freq=rungs, turn=90, duty=0.3,
                part="rungs")  # fmt: skip
        for side in (-1, 1):
            s.shape("box", wide * side, 0, 0.07, 0.98, color=wood, part="rails")
    s.trait("rungs"), s.trait("two rails")


CLASSES = [
    ToyClass("hammer", hammer),
    ToyClass("axe", axe, also=("hatchet",), spoken=0.4),
    ToyClass("saw", saw),
    ToyClass("wrench", wrench, also=("spanner",), spoken=0.3),
    ToyClass("screwdriver", screwdriver, spoken=0.4),
    ToyClass("key", key),
    ToyClass("bow", bow, also=("archery bow",), spoken=0.3),
    ToyClass("shovel", shovel, also=("spade",), spoken=0.3),
    ToyClass("pencil", pencil),
    ToyClass("ladder", ladder, spoken=0.4),
]
