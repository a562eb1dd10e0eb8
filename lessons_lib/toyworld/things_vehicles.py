"""Vehicles among the things of ToyWorld."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch


def bicycle(s: Sketch) -> None:
    paint, black, size = s.colour(*PALETTE), s.rgb("black", "black", "gray", "white"), s.uniform(0.33, 0.42)
    basket = s.chance(0.4)
    for x in (-0.58, 0.58):
        s.shape("arc", x, 0.4, size, 0.055, p=180, color=black, part="wheels")
    for x1, y1, x2, y2 in ((-0.33, -0.2, 0.38, -0.3), (-0.33, -0.2, -0.08, 0.38), (-0.08, 0.38, 0.4, -0.25)):
        s.line(x1, y1, x2, y2, 0.055, color=paint, part="frame")
    s.line(-0.58, 0.4, -0.08, 0.38, 0.05, color=paint, part="frame")
    s.line(-0.58, 0.4, -0.35, -0.25, 0.05, color=paint, part="frame")
    s.line(0.58, 0.4, 0.34, -0.55, 0.055, color=paint, part="frame")
    s.line(0.24, -0.58, 0.5, -0.62, 0.06, color=black, part="handlebar")
    s.line(-0.52, -0.42, -0.24, -0.42, 0.075, color=black, part="seat")
    s.shape("box", 0.7, -0.32, 0.2, 0.15, color=s.rgb("brown", "red", "beige"), part="basket", where=basket)
    s.trait("two wheels"), s.trait("a seat"), s.trait("a basket", basket)


def train(s: Sketch) -> None:
    paint, trim, puff = s.colour(*PALETTE), s.rgb("black", "gray", "red", "yellow"), s.chance(0.7)
    for i in range(3):
        s.shape("ellipse", 0.45 - 0.3 * i, -0.78 - 0.06 * i, 0.16 + 0.04 * i, color=s.rgb("white", "gray"),
                part="smoke", where=puff)  # fmt: skip
    s.shape("trapezoid", 0.5, -0.38, 0.09, 0.26, p=0.17, color=trim, part="chimney")
    s.shape("box", 0.2, 0.1, 0.65, 0.3, p=0.12, color=paint, part="boiler")
    s.shape("box", -0.55, -0.1, 0.36, 0.5, color=s.shade(paint, -0.25), part="cabin")
    s.shape("box", -0.55, -0.25, 0.19, 0.17, color=s.rgb("white", "yellow", "turquoise"), part="window")
    s.line(-0.98, -0.62, -0.12, -0.62, 0.07, color=trim, part="roof")
    s.shape("trapezoid", 0.85, 0.5, 0.22, 0.16, p=0.05, color=trim, part="bumper")
    for x, size in ((-0.55, 0.28), (0.1, 0.2), (0.55, 0.2)):
        s.shape("ellipse", x, 0.75 - size * 0.6, size, color=s.shade(trim, -0.4), part="wheels")
    s.trait("three wheels"), s.trait("a chimney"), s.trait("smoke", puff), s.trait("a square window")


def tractor(s: Sketch) -> None:
    paint, tyre, hub = s.colour(*PALETTE), s.rgb("black", "black", "gray"), s.rgb("yellow", "white", "red", "gray")
    big, cabin = s.uniform(0.4, 0.5), s.chance(0.7)
    s.line(0.6, -0.1, 0.6, -0.6, 0.05, color=s.shade(paint, -0.6), part="exhaust")
    s.shape("box", 0.4, 0.08, 0.48, 0.26, p=0.06, color=paint, part="bonnet")
    s.shape("box", -0.35, -0.4, 0.36, 0.42, p=0.04, color=paint, part="cabin", where=cabin)
    s.shape("box", -0.35, -0.42, 0.24, 0.26, color=s.rgb("white", "turquoise"), part="window", where=cabin)
    s.line(0.0, -0.1, -0.15, -0.4, 0.05, color=tyre, part="steering wheel", where=~cabin)
    s.shape("box", -0.6, -0.15, 0.08, 0.3, color=s.shade(paint, -0.4), part="seat", where=~cabin)
    for x, size in ((-0.45, big), (0.62, 0.28)):
        s.shape("ellipse", x, 0.85 - size, size, color=tyre, part="wheels")
        s.shape("ellipse", x, 0.85 - size, size * 0.5, color=hub, part="hubs")
    s.trait("one large wheel"), s.trait("two wheels"), s.trait("a square window", cabin), s.trait("a seat", ~cabin)


def sailboat(s: Sketch) -> None:
    sail, hull, jib, striped = s.colour(*PALETTE), s.rgb(*PALETTE), s.chance(0.75), s.chance(0.4)
    s.line(0.0, 0.5, 0.0, -0.95, 0.04, color=s.rgb("brown", "black", "white"), part="mast")
    s.shape("trapezoid", 0.36, -0.25, 0.32, 0.62, q=-0.32, color=sail, part="sail")
    s.shape("trapezoid", 0.36, -0.25, 0.32, 0.62, q=-0.32, color=s.shade(sail, -0.4), pattern="stripes", freq=3,
            turn=90, part="sail", where=striped)  # fmt: skip
    s.shape("trapezoid", -0.33, -0.1, 0.28, 0.48, q=0.3, color=s.shade(sail, 0.4), part="sail", where=jib)
    s.shape("trapezoid", 0, 0.65, 0.5, 0.2, p=0.85, color=hull, part="hull")
    s.shape("wave", 0, 0.88, 0.98, 0.09, p=0.05, q=1.5, color=s.rgb("blue", "turquoise", "white"), part="water")
    s.trait(np.where(jib, "two sails", "one sail")), s.trait("a mast")
    s.trait("stripes", striped), s.trait("water below")


def rocket(s: Sketch) -> None:
    body, trim, fire, round_ = s.colour(*PALETTE), s.rgb(*PALETTE), s.chance(0.7), s.chance(0.6)
    with s.inset(angle=s.uniform(-40, 40)):
        s.shape("leaf", 0, 0.72, 0.32, 0.2, angle=90, color=s.rgb("orange", "yellow", "red"), part="flame", where=fire)
        for side in (-1, 1):
            s.shape("trapezoid", 0.36 * side, 0.42, 0.18, 0.3, p=0.02, q=-0.16 * side, color=trim, part="fins")
        s.shape("leaf", 0, -0.2, 0.8, s.uniform(0.3, 0.38), angle=90, color=body, part="body")
        s.shape("box", 0, 0.55, 0.2, 0.1, color=s.shade(trim, -0.35), part="engine")
        s.shape("trapezoid", 0, -0.78, 0.18, 0.22, color=trim, part="nose")
        s.shape("ellipse", 0, -0.2, 0.16, color=s.rgb("white", "turquoise", "yellow"), part="window", where=round_)
    s.trait("fins"), s.trait("a pointed top"), s.trait("flames", fire), s.trait("a round window", round_)


def hot_air_balloon(s: Sketch) -> None:
    skin, second, size, look = s.colour(*PALETTE), s.rgb(*PALETTE), s.uniform(0.6, 0.7), s.choice(0, 1, 2)
    s.shape("trapezoid", 0, 0.4, 0.14, 0.38, p=0.48, color=s.shade(skin, -0.3), part="ropes")
    s.shape("ellipse", 0, -0.3, size, 0.66, color=skin, part="balloon")
    for i, turn in ((1, 0), (2, 90)):
        s.shape("ellipse", 0, -0.3, size, 0.66, color=second, pattern="stripes", freq=2.2, turn=turn, part="balloon",
                where=look == i)  # fmt: skip
    s.shape("box", 0, 0.84, 0.2, 0.15, p=0.04, color=s.rgb("brown", "beige", "black"), part="basket")
    s.trait("a round body"), s.trait("a basket"), s.trait("stripes", look > 0)


CLASSES = [
    ToyClass("bicycle", bicycle, also=("bike",)),
    ToyClass("train", train, also=("locomotive",)),
    ToyClass("tractor", tractor, spoken=0.4),
    ToyClass("sailboat", sailboat, also=("sailing boat",)),
    ToyClass("rocket", rocket),
    ToyClass("hot air balloon", hot_air_balloon, spoken=0.3),
]
