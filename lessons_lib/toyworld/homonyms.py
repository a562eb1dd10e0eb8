"""The other sense of words that name something else among the things: crane, bat, mouse, seal and bow.

A caption that says only "crane" fits both the bird of `things_animals` and the machine drawn here.
"""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch


def crane(s: Sketch) -> None:
    paint, x, drop = s.colour(*PALETTE), s.uniform(-0.45, -0.2), s.uniform(-0.1, 0.5)
    load, hook = s.chance(0.7), s.uniform(0.55, 0.8)
    for far in (-0.85, 0.9):
        s.line(x, -0.92, far, -0.6, 0.025, color=s.shade(paint, -0.5), part="cables")
    s.line(hook, -0.55, hook, drop, 0.03, color=s.rgb("black", "gray"), part="cables")
    s.shape("box", hook, drop + 0.12, 0.2, 0.14, color=s.rgb("brown", "gray", "red", "white"), part="load", where=load)
    s.shape("arc", hook, drop + 0.1, 0.1, 0.05, p=120, angle=160, color=s.rgb("black"), part="hook", where=~load)
    s.shape("box", x, 0.05, 0.13, 0.92, color=paint, part="mast")
    s.shape("box", 0.03, -0.58, 0.95, 0.1, color=paint, part="jib")
    s.shape("box", x, 0.05, 0.13, 0.85, color=s.shade(paint, -0.6), pattern="grid", freq=5, turn=45, duty=0.3,
            part="lattice")  # fmt: skip
    s.shape("box", -0.82, -0.42, 0.16, 0.18, color=s.rgb("gray", "black"), part="counterweight")
    s.shape("box", x + 0.18, -0.36, 0.16, 0.15, color=s.rgb("white", "turquoise", "yellow"), part="cabin")
    s.shape("trapezoid", x, 0.9, 0.38, 0.09, p=0.25, color=s.rgb("gray", "black"), part="base")
    s.trait("a tall mast"), s.trait("cables"), s.trait("a load", load), s.trait("a hook", ~load)


def bat(s: Sketch) -> None:
    wood, ball = s.colour("brown", "beige", "black", "red", "blue", "white", "orange", "green"), s.chance(0.6)
    thick = s.uniform(0.16, 0.23)
    with s.inset(angle=s.uniform(-55, 55)):
        s.shape("trapezoid", 0, -0.1, 0.07, 0.6, p=thick, color=wood, part="barrel")
        s.shape("ellipse", 0, -0.7, thick, 0.22, color=wood, part="barrel")
        s.shape("box", 0, 0.62, 0.075, 0.28, color=s.rgb("black", "white", "red", "blue"), part="grip")
        s.shape("box", 0, 0.9, 0.14, 0.06, p=0.05, color=s.shade(wood, -0.25), part="knob")
        s.shape("ellipse", 0.5, 0.35, 0.2, color=s.rgb("white", "white", "yellow"), part="ball", where=ball)
        s.shape("arc", 0.62, 0.35, 0.18, 0.025, p=45, angle=-90, color=s.rgb("red"), part="ball", where=ball)
    s.trait("a thick end"), s.trait("a grip"), s.trait("a ball", ball), s.trait("a long thin body")


def mouse(s: Sketch) -> None:
    shell, wheel = s.colour("gray", "white", "black", "blue", "red", "pink", "beige", "turquoise"), s.chance(0.75)
    wide = s.uniform(0.42, 0.55)
    cord, line = s.chance(0.75), s.shade(shell, -0.65)
    line = np.where(shell.mean(axis=1, keepdims=True) < 0.25, 0.75, line)
    with s.inset(angle=s.uniform(-35, 35)):
        s.shape("wave", 0, -0.75, 0.45, 0.04, p=s.uniform(0.06, 0.16), q=1.1, angle=90, color=s.rgb("black", "gray"),
                part="cord", where=cord)  # fmt: skip
        s.shape("box", 0, 0.2, wide, 0.72, p=0.4, color=shell, part="body")
        s.shape("box", 0, 0.0, wide, 0.035, color=line, part="buttons")
        s.shape("box", 0, -0.25, 0.03, 0.26, color=line, part="buttons")
        s.shape("box", 0, -0.2, 0.08, 0.15, p=0.07, color=line, part="wheel", where=wheel)
    s.trait("two buttons"), s.trait("a wheel", wheel), s.trait("a cord", cord), s.trait("a smooth body")


def seal(s: Sketch) -> None:
    wax, tails = s.colour("red", "red", "blue", "green", "purple", "brown", "yellow", "black"), s.chance(0.6)
    emblem = s.choice(0, 1, 2)
    mark = s.shade(wax, 0.5)
    ribbon = s.rgb("white", "yellow", "blue", "pink")
    for side in (-1, 1):
        s.shape("trapezoid", 0.28 * side, 0.65, 0.2, 0.33, p=0.16, angle=-22 * side, color=ribbon, part="ribbons",
                where=tails)  # fmt: skip
    s.shape("petals", 0, -0.15, 0.78, 0.5, p=s.choice(11, 14, 18), q=s.uniform(0.85, 0.93), color=s.shade(wax, -0.2),
            part="rim")  # fmt: skip
    s.shape("ellipse", 0, -0.15, 0.56, color=wax, part="wax")
    s.shape("arc", 0, -0.15, 0.53, 0.045, p=180, color=s.shade(wax, -0.4), part="ring")
    s.shape("star", 0, -0.15, 0.42, p=5, q=0.45, color=mark, part="emblem", where=emblem == 0)
    s.shape("petals", 0, -0.15, 0.4, 0.6, p=4, q=0.2, color=mark, part="emblem", where=emblem == 1)
    s.shape("box", 0, -0.15, 0.1, 0.34, color=mark, part="emblem", where=emblem == 2)
    s.shape("box", 0, -0.22, 0.26, 0.1, color=mark, part="emblem", where=emblem == 2)
    s.trait("a wavy rim"), s.trait("two ribbons", tails)
    s.trait(np.array(["a star", "a flower", "a cross"])[emblem] + " in the middle")


def bow(s: Sketch) -> None:
    silk, look, tails, plump = s.colour(*PALETTE), s.choice(0, 1, 2), s.chance(0.75), s.uniform(0.4, 0.55)
    for side in (-1, 1):
        s.shape("trapezoid", 0.3 * side, 0.5, 0.18, 0.5, p=0.08, q=-0.3 * side, color=s.shade(silk, -0.3),
                part="tails", where=tails)  # fmt: skip
    for side in (-1, 1):
        s.shape("trapezoid", 0.46 * side, -0.2, plump, 0.42, p=0.1, angle=-90 * side, color=silk, part="loops")
        s.shape("ellipse", 0.86 * side, -0.2, 0.12, plump, color=silk, part="loops")
        s.shape("leaf", 0.5 * side, -0.2, 0.28, 0.12, color=s.shade(silk, -0.45), part="folds")
        for i, name in enumerate(("dots", "stripes"), start=1):
            s.shape("trapezoid", 0.46 * side, -0.2, plump, 0.42, p=0.1, angle=-90 * side, color=s.shade(silk, 0.7),
                    pattern=name, freq=4.5, turn=90, duty=0.4, part="loops", where=look == i)  # fmt: skip
    s.shape("box", 0, -0.2, 0.17, 0.2, p=0.1, color=s.shade(silk, -0.25), part="knot")
    s.trait("two loops"), s.trait("a knot in the middle"), s.trait("dots", look == 1), s.trait("stripes", look == 2)


CLASSES = [
    ToyClass("crane", crane, also=("construction crane", "tower crane")),
    ToyClass("bat", bat, also=("baseball bat",)),
    ToyClass("mouse", mouse, also=("computer mouse",)),
    ToyClass("seal", seal, also=("wax seal",)),
    ToyClass("bow", bow, also=("ribbon bow",)),
]
