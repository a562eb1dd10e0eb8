"""Flowers seen from the side, and the stems and leaves that all flowers share."""

import numpy as np

from lessons_lib.toyworld.sketch import Number, Sketch


def stem(
    s: Sketch, bud: np.ndarray, x: Number = 0.0, y: Number = 0.0, *, leaves: float = 0.6, buds: float = 0.3
) -> None:
    """A stem from (x, y) down to the ground, some with leaves or with a bud of the colour `bud`."""
    green, foot, side = s.shade(s.rgb("green"), -0.2), s.uniform(-0.3, 0.3), s.choice(-1, 1)
    s.line(x, y, foot, 1.15, s.uniform(0.04, 0.07), color=green, part="stem")
    for way in (-1, 1):
        s.shape("leaf", foot + way * 0.25, s.uniform(0.7, 0.95), s.uniform(0.22, 0.36), 0.12,
                angle=way * s.uniform(-50, -15),
                color=s.shade(green, 0.15), part="leaf", where=s.chance(leaves))  # fmt: skip
    if buds:
        opens, high = s.chance(buds), s.uniform(0.3, 0.7)
        s.line(foot, 1.0, side * 0.85, high, 0.035, color=green, part="stem", where=opens)
        s.shape("leaf", side * 0.87, high - 0.12, 0.24, 0.14, angle=90 + side * 10, color=bud, part="bud", where=opens)
        s.trait("a bud", where=opens)


def fan(s: Sketch, lean: Number, a: Number, b: Number, x: Number, y: Number, **kwargs) -> None:
    """A leaf shape that grows from (x, y), `lean` degrees off upright."""
    way = np.deg2rad(lean)
    s.shape("leaf", x + a * np.sin(way), y - a * np.cos(way), a, b, angle=lean - 90, **kwargs)


def iris(s: Sketch) -> None:
    petal = s.colour("blue", "purple", "yellow", "white")
    stem(s, petal, leaves=0.9, buds=0)
    for side in (-1, 1):
        s.shape("leaf", side * 0.3, -0.42, 0.52, 0.24, angle=side * s.uniform(-75, -55), color=s.shade(petal, 0.3),
                part="petal")  # fmt: skip
    s.shape("leaf", 0, -0.45, 0.5, 0.26, angle=90, color=s.shade(petal, 0.15), part="petal")
    for side in (-1, 1):
        with s.inset(side * 0.42, 0.2, 1, side * s.uniform(35, 55)):
            s.shape("ellipse", 0, 0, 0.5, 0.25, color=s.shade(petal, -0.2), part="petal")
            s.shape("ellipse", -side * 0.15, 0, 0.3, 0.08, color=s.rgb("yellow", "orange"), part="beard")
    s.shape("ellipse", 0, 0.35, 0.22, 0.42, color=petal, part="petal")
    s.shape("ellipse", 0, 0.2, 0.08, 0.26, color=s.rgb("yellow", "orange"), part="beard")
    s.trait("petals that stand up and petals that hang")
    s.trait("a yellow stripe on each petal")


def tulip(s: Sketch) -> None:
    petal, y = s.colour("red", "yellow", "pink", "purple", "white", "orange"), s.uniform(-0.35, -0.2)
    stem(s, petal, 0, y, leaves=0, buds=0)
    for side in (-1, 1):
        s.shape(
            "leaf", side * 0.35, 0.65, 0.55, 0.17, angle=side * s.uniform(-75, -55), color=s.rgb("green"), part="leaf"
        )
    s.shape("leaf", 0, y - 0.08, 0.55, 0.3, angle=90, color=s.shade(petal, -0.3), part="petal")
    for side in (-1, 1):
        s.shape("leaf", side * 0.22, y, 0.6, 0.3, angle=90 + side * s.uniform(4, 14),
                color=s.shade(petal, 0.08 * side), part="petal")  # fmt: skip
    s.shape("dome", 0, y + 0.05, 0.42, 0.55, angle=180, color=petal, part="petal")
    s.trait("a cup of petals")
    s.trait("two long leaves")


def lotus(s: Sketch) -> None:
    petal = s.colour("pink", "white", "purple", "yellow", "blue")
    s.shape("ellipse", 0, 0.62, 1.0, 0.26, color=s.rgb("green"), part="pad")
    spread, length = s.uniform(20, 26), s.uniform(0.52, 0.64)
    for i, step in enumerate((3, 2, 1)):
        for way in (-1, 1):
            fan(s, way * step * spread, length, 0.18, 0.0, 0.58, color=s.shade(petal, -0.36 + 0.15 * i), part="petal")
    fan(s, 0, length, 0.2, 0.0, 0.6, color=s.shade(petal, 0.15), part="petal")
    s.trait("pointed petals")
    s.trait("a green pad on the water")


def bluebell(s: Sketch) -> None:
    bell = s.colour("blue", "purple", "blue", "pink", "white")
    green = s.rgb("green")
    s.shape("arc", -0.05, 0.1, 0.7, 0.045, p=75, angle=-15, color=green, part="stem")
    s.line(-0.75, 0.2, s.uniform(-0.75, -0.4), 1.15, 0.045, color=green, part="stem")
    for i, way in enumerate((-58, -22, 14, 50)):
        x, y = 0.7 * np.sin(np.deg2rad(way)) - 0.05, 0.1 - 0.7 * np.cos(np.deg2rad(way))
        with s.inset(x, y, s.uniform(0.85, 1.05), angle=s.uniform(-5, 15) + way / 4):
            s.shape("trapezoid", 0, 0.22, 0.2, 0.22, p=0.1, color=s.shade(bell, -0.15 * (i % 2)), part="bell")
            s.ring_of("leaf", 2, 0.13, 0.15, 0.1, y=0.43, color=bell, part="bell")
    s.trait("hanging bells")
    s.trait("a bent stem")


def snowdrop(s: Sketch) -> None:
    petal = s.colour("white", "white", "white", "yellow", "pink")
    green = s.rgb("green")
    s.shape("arc", -0.35, -0.3, 0.4, 0.05, p=90, color=green, part="stem")
    s.line(-0.75, -0.3, -0.7, 1.15, 0.05, color=green, part="stem")
    s.shape("leaf", -0.5, 0.6, 0.6, 0.13, angle=s.uniform(-85, -65), color=s.shade(green, -0.2), part="leaf")
    with s.inset(0.1, -0.2, 1.1, s.uniform(-12, 8)):
        s.shape("leaf", 0, 0.4, 0.42, 0.2, angle=90, color=s.shade(petal, -0.25), part="petal")
        for side in (-1, 1):
            s.shape("leaf", side * 0.24, 0.4, 0.48, 0.2, angle=90 - side * s.uniform(18, 34), color=petal, part="petal")
        s.shape("ellipse", 0, -0.02, 0.13, 0.17, color=green, part="bud")
        s.shape("ellipse", 0, 0.62, 0.12, 0.08, color=green, part="spot")
    s.trait("three petals")
    s.trait("a hanging head")


def lavender(s: Sketch) -> None:
    flower = s.colour("purple", "purple", "blue", "pink", "white")
    for x in (-0.55, 0.0, 0.55):
        top = s.uniform(-0.95, -0.7)
        s.line(x * 0.4, 1.15, x, top, 0.03, color=s.rgb("green"), part="stem")
        for i in range(4):
            s.ring_of("ellipse", 2, 0.1, 0.13, 0.12, x=x * (0.95 - 0.06 * i), y=top + 0.1 + 0.23 * i,
                      start=s.uniform(-30, 30),
                      color=s.shade(flower, 0.25 * (i % 2)), part="floret")  # fmt: skip
    s.trait("spikes of tiny blossoms")


def thistle(s: Sketch) -> None:
    tuft = s.colour("purple", "pink", "purple", "blue", "white")
    green = s.shade(s.rgb("green"), -0.2)
    stem(s, tuft, 0, 0.2, leaves=0.0, buds=0)
    for side in (-1, 1):
        s.shape("star", side * 0.42, 0.75, 0.34, p=7, q=0.4, color=green, part="leaf")
    for lean in (-52, 52, -26, 26, 0):
        fan(s, lean * s.uniform(0.85, 1.1), 0.5, 0.17, 0, 0.2, color=s.shade(tuft, abs(lean) / 100 - 0.35), part="tuft")
    s.shape("ellipse", 0, 0.25, s.uniform(0.34, 0.42), 0.36, color=green, part="ball")
    s.shape("ellipse", 0, 0.25, 0.36, 0.34, color=s.shade(green, -0.5), pattern="grid", freq=5, turn=45, duty=0.3,
            part="ball")  # fmt: skip
    s.trait("a tuft on top")
    s.trait("prickly leaves")
    s.trait("a prickly ball")
