"""Beasts and birds among the things of ToyWorld, by their outline; facing right before a picture is mirrored.

The words "seal", "mouse", "bat" and "crane" mean the animal here; `homonyms` draws what else they can mean.
"""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Number, Sketch

COATS = ("gray", "brown", "beige", "white", "black", "orange", "blue", "pink")


def eye(s: Sketch, x: Number, y: Number, size: float, on: np.ndarray) -> None:
    """An eye that stands out from the colour (n, 3) that it lies on."""
    dark = on.mean(axis=1, keepdims=True) < 0.45
    s.shape("ellipse", x, y, size, color=np.where(dark, s.rgb("white"), s.rgb("black", jitter=0.02)), part="eye")


def legs(s: Sketch, xs: tuple[float, ...], top: float, bottom: float, width: float, color: np.ndarray) -> None:
    """Straight legs at each x; every second one lies farther away and is darker."""
    for i, x in enumerate(xs):
        s.line(x, top, x, bottom, width, color=s.shade(color, -0.3 * (i % 2)), part="legs")


def elephant(s: Sketch) -> None:
    coat = s.colour("gray", "gray", "brown", "blue", "pink", "beige")
    raised, tusk = s.chance(0.4), s.chance(0.6)
    legs(s, (-0.6, -0.38, 0.12, 0.34), 0.3, 0.82, 0.12, coat)
    s.line(-0.75, -0.1, -0.92, 0.3, 0.04, color=coat, part="tail")
    s.shape("ellipse", -0.15, -0.02, 0.66, s.uniform(0.42, 0.52), color=coat, part="body")
    s.shape("ellipse", 0.52, -0.25, 0.33, 0.34, color=coat, part="head")
    s.line(0.76, -0.2, 0.9, np.where(raised, -0.8, 0.5), 0.1, color=coat, part="trunk")
    s.shape("leaf", 0.68, 0.1, 0.22, 0.06, angle=40, color=s.rgb("white"), part="tusk", where=tusk)
    s.shape("ellipse", 0.32, -0.22, s.uniform(0.2, 0.28), 0.36, color=s.shade(coat, -0.3), part="ear")
    eye(s, 0.62, -0.36, 0.06, coat)
    s.trait("big ears"), s.trait("four legs"), s.trait("white tusks", tusk)
    s.trait(np.where(raised, "a raised trunk", "a long trunk"))


def giraffe(s: Sketch) -> None:
    coat = s.colour("yellow", "orange", "beige", "white", "brown")
    patch, lean = s.rgb("brown", "black", "orange"), s.uniform(0.3, 0.6)
    legs(s, (-0.55, -0.4, 0.02, 0.16), 0.2, 0.95, 0.06, coat)
    for color, pattern in ((coat, None), (patch, "dots")):
        fill = dict(color=color, pattern=pattern, freq=s.uniform(4, 5.5), duty=0.7)
        s.shape("ellipse", -0.2, 0.15, 0.46, 0.27, part="body", **fill)
        s.line(0.12, 0.08, lean, -0.78, 0.11, part="neck", **fill)
    s.shape("ellipse", lean + 0.14, -0.82, 0.24, 0.12, angle=18, color=coat, part="head")
    s.line(lean, -0.85, lean - 0.06, -1.02, 0.04, color=s.shade(patch, -0.3), part="horns")
    eye(s, lean + 0.1, -0.86, 0.05, coat)
    s.trait("a long neck"), s.trait("long legs"), s.trait("four legs"), s.trait("a spotted coat")


def rabbit(s: Sketch) -> None:
    coat, lean = s.colour(*COATS), s.uniform(55, 105)
    s.shape("ellipse", -0.85, 0.35, 0.17, color=s.shade(coat, 0.7), part="tail")
    for turn, by in ((0, -0.3), (20, 0.0)):
        way = np.deg2rad(lean + turn)
        s.shape("ellipse", 0.42 - 0.5 * np.cos(way), -0.25 - 0.5 * np.sin(way), 0.42, 0.13, angle=lean + turn,
                color=s.shade(coat, by), part="ears")  # fmt: skip
    s.shape("ellipse", -0.25, 0.3, 0.6, 0.5, color=coat, part="body")
    s.shape("ellipse", 0.45, -0.18, 0.34, 0.29, color=coat, part="head")
    for x in (-0.2, 0.4):
        s.shape("ellipse", x, 0.8, 0.28, 0.1, color=s.shade(coat, -0.3), part="feet")
    s.shape("ellipse", 0.77, -0.14, 0.07, color=s.rgb("pink", "black"), part="nose")
    eye(s, 0.55, -0.25, 0.07, coat)
    s.trait("long ears"), s.trait("a round tail"), s.trait("short legs"), s.trait("ears laid back", lean < 70)


def mouse(s: Sketch) -> None:
    coat, ears, wave = s.colour(*COATS), s.rgb("pink", "beige", "gray"), s.uniform(0.06, 0.14)
    s.shape("wave", -0.78, 0.32, 0.45, 0.045, p=wave, q=1.1, color=ears, part="tail")
    legs(s, (-0.35, 0.3), 0.5, 0.68, 0.08, ears)
    s.shape("dome", -0.1, 0.6, 0.6, s.uniform(0.7, 0.9), color=coat, part="body")
    s.shape("trapezoid", 0.62, 0.32, 0.3, 0.36, p=0.03, angle=95, color=coat, part="head")
    for x, color in ((0.48, s.shade(coat, -0.3)), (0.25, coat)):
        s.shape("ellipse", x, -0.15, 0.26, color=color, part="ears")
    s.shape("ellipse", 0.25, -0.15, 0.17, color=ears, part="ears")
    s.shape("ellipse", 0.98, 0.35, 0.07, color=s.rgb("black", "pink"), part="nose")
    eye(s, 0.65, 0.2, 0.06, coat)
    s.trait("round ears"), s.trait("a long thin tail"), s.trait("short legs"), s.trait("a pointed nose")


def bat(s: Sketch) -> None:
    skin, lift = s.colour("black", "brown", "gray", "purple", "blue", "orange", "red"), s.uniform(-0.25, 0.2)
    for side in (-1, 1):
        wrist = 0.52 * side
        for x, y, wide in ((0.98, 0.1, 0.13), (0.7, 0.42, 0.16), (0.3, 0.42, 0.2)):
            dx, dy = x * side - wrist, y - lift * 0.5 - (lift - 0.3)
            s.shape("leaf", wrist + dx / 2, lift - 0.3 + dy / 2, np.hypot(dx, dy) / 2 + 0.06, wide,
                    angle=np.rad2deg(np.arctan2(dy, dx)), color=s.shade(skin, 0.12), part="wings")  # fmt: skip
        s.line(0, -0.05, wrist, lift - 0.3, 0.07, color=s.shade(skin, -0.2), part="wings")
        s.shape("trapezoid", 0.14 * side, -0.5, 0.11, 0.18, angle=12 * side, color=skin, part="ears")
    s.shape("ellipse", 0, 0.12, 0.2, 0.42, color=s.shade(skin, -0.2), part="body")
    s.shape("ellipse", 0, -0.25, 0.23, color=skin, part="head")
    for x in (-0.09, 0.09):
        s.shape("ellipse", x, -0.28, 0.07, color=s.rgb("white", "yellow"), part="eyes")
    s.trait("two wings"), s.trait("pointed ears"), s.trait("wide wings")


def seal(s: Sketch) -> None:
    coat, ball, rise = s.colour(*COATS), s.chance(0.4), s.uniform(0.3, 0.5)
    for turn in (20, -35):
        s.shape("leaf", -0.85, 0.5, 0.22, 0.1, angle=turn, color=s.shade(coat, -0.25), part="tail")
    s.shape("leaf", -0.15, 0.4, 0.75, 0.3, angle=-12, color=coat, part="body")
    s.line(0.2, 0.25, 0.45, -rise, 0.22, color=coat, part="neck")
    s.shape("ellipse", 0.58, -rise, 0.28, 0.22, color=coat, part="head")
    s.shape("leaf", 0.3, 0.62, 0.35, 0.11, angle=50, color=s.shade(coat, -0.35), part="flipper")
    s.shape("ellipse", 0.85, -rise, 0.08, color=s.rgb("black"), part="nose")
    toy = s.rgb("red", "yellow", "green", "purple")
    s.shape("ellipse", 0.8, -rise - 0.38, 0.26, color=toy, part="ball", where=ball)
    eye(s, 0.62, -rise - 0.05, 0.06, coat)
    s.trait("flippers"), s.trait("a smooth body"), s.trait("a ball on its nose", ball), s.trait("a black nose")


def penguin(s: Sketch) -> None:
    coat, orange = s.colour("black", "black", "gray", "blue", "purple", "brown"), s.rgb("orange", "yellow", "red")
    spread = s.uniform(5, 40)
    for side in (-1, 1):
        s.shape("ellipse", 0.22 * side, 0.9, 0.2, 0.09, color=orange, part="feet")
        s.shape("leaf", side * (0.5 + spread / 250), 0.1, 0.42, 0.13, angle=90 - side * spread,
                color=s.shade(coat, -0.2), part="wings")  # fmt: skip
    s.shape("ellipse", 0, 0.2, 0.5, 0.68, color=coat, part="body")
    s.shape("ellipse", 0.04, 0.32, 0.34, 0.52, color=s.rgb("white"), part="belly")
    s.shape("ellipse", 0, -0.6, 0.34, 0.33, color=coat, part="head")
    s.shape("trapezoid", 0.42, -0.55, 0.1, 0.16, angle=90, color=orange, part="beak")
    eye(s, 0.15, -0.65, 0.07, coat)
    s.trait("a pale belly"), s.trait("a beak"), s.trait("two wings"), s.trait("two legs")


def owl(s: Sketch) -> None:
    coat, tufts = s.colour(*COATS), s.chance(0.7)
    ring = s.rgb("white", "yellow", "beige")
    for side in (-1, 1):
        s.shape("trapezoid", 0.4 * side, -0.82, 0.18, 0.2, angle=20 * side, color=coat, part="ears", where=tufts)
    s.shape("box", 0, 0.05, s.uniform(0.52, 0.64), 0.82, p=0.5, color=coat, part="body")
    s.shape("ellipse", 0, 0.42, 0.38, 0.42, color=s.shade(coat, 0.6), part="belly")
    s.shape("ellipse", 0, 0.42, 0.38, 0.42, color=s.shade(coat, -0.3), pattern="scales", freq=4, duty=0.3, part="belly")
    for side in (-1, 1):
        s.shape("leaf", 0.55 * side, 0.3, 0.5, 0.16, angle=90, color=s.shade(coat, -0.4), part="wings")
        s.shape("ellipse", 0.26 * side, -0.35, 0.25, color=ring, part="eyes")
        s.shape("ellipse", 0.26 * side, -0.35, 0.13, color=s.rgb("black", jitter=0.02), part="eyes")
    s.shape("trapezoid", 0, -0.12, 0.1, 0.13, angle=180, color=s.rgb("orange", "yellow"), part="beak")
    s.trait("big round eyes"), s.trait("a beak"), s.trait("two wings"), s.trait("pointed ears", tufts)


def crane(s: Sketch) -> None:
    coat, stand = s.colour("white", "white", "gray", "blue", "pink", "beige"), s.chance(0.5)
    leg = s.rgb("black", "orange", "gray")
    s.line(-0.15, 0.2, -0.15, 0.98, 0.045, color=leg, part="legs")
    s.line(0.05, 0.2, np.where(stand, 0.3, 0.12), np.where(stand, 0.5, 0.98), 0.045, color=leg, part="legs")
    s.line(0.3, 0.5, 0.0, 0.62, 0.045, color=leg, part="legs", where=stand)
    s.shape("leaf", -0.75, 0.22, 0.32, 0.12, angle=-30, color=s.shade(coat, -0.7), part="tail")
    s.shape("ellipse", -0.2, 0.05, 0.5, 0.26, angle=-18, color=coat, part="body")
    s.shape("leaf", -0.3, 0.05, 0.42, 0.13, angle=-18, color=s.shade(coat, -0.3), part="wings")
    s.line(0.2, -0.05, 0.42, -0.35, 0.09, color=coat, part="neck")
    s.line(0.42, -0.35, 0.34, -0.82, 0.08, color=coat, part="neck")
    s.shape("trapezoid", 0.75, -0.8, 0.07, 0.28, angle=95, color=s.rgb("yellow", "orange", "gray"), part="beak")
    s.shape("ellipse", 0.4, -0.84, 0.15, 0.13, color=s.rgb("red", "black", "white"), part="head")
    s.trait("a long neck"), s.trait("long legs"), s.trait("a beak"), s.trait("a raised leg", stand)


CLASSES = [
    ToyClass("elephant", elephant),
    ToyClass("giraffe", giraffe, spoken=0.4),
    ToyClass("rabbit", rabbit, also=("bunny", "hare")),
    ToyClass("mouse", mouse, also=("field mouse",)),
    ToyClass("bat", bat, also=("flying bat",), spoken=0.4),
    ToyClass("seal", seal, also=("sea lion",), spoken=0.3),
    ToyClass("penguin", penguin),
    ToyClass("owl", owl, spoken=0.4),
    ToyClass("crane", crane, also=("wading bird",), spoken=0.4),
]
