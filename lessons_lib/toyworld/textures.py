"""Textures that fill the picture, under names of the Describable Textures Dataset (Cimpoi et al., 2014)."""

from functools import partial

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Number, Sketch

DARK = ("red", "green", "blue", "purple", "brown", "black")
LIGHT = ("yellow", "pink", "white", "turquoise", "beige", "orange")


def two_colours(s: Sketch) -> tuple[np.ndarray, np.ndarray]:
    """A dark and a light colour in either order: (n, 3) each, the ground first."""
    dark, light = s.shade(s.colour(*DARK), -0.1), s.shade(s.colour(*LIGHT), 0.1)
    swap = s.chance(0.5)[:, None]
    return np.where(swap, light, dark), np.where(swap, dark, light)


def one_colour(s: Sketch) -> np.ndarray:
    """A colour (n, 3) that can be shaded both ways."""
    return (
        0.8
        * s.colour("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "gray", "turquoise", "beige")
        + 0.1
    )


def sheet(s: Sketch, color: np.ndarray, pattern: str | None = None, *, kind: str = "box",
          x: Number = 0.0, y: Number = 0.0, a: Number = 2.2, **kwargs) -> None:  # fmt: skip
    """Covers the picture, or a shape in it, evenly or with a pattern."""
    s.shape(kind, x, y, a, color=color, pattern=pattern, background=True, **{"part": "pattern", **kwargs})


def tell(s: Sketch, *traits: str) -> None:
    """Notes what can be seen in every picture."""
    for trait in traits:
        s.trait(trait)


def ground(s: Sketch, color: np.ndarray) -> None:
    """The colour that a pattern lies on, brighter to one side."""
    s.whole_picture()
    sheet(s, color, part="ground")
    sheet(s, s.shade(color, 0.4), "fade", freq=0.5, turn=s.uniform(0, 360), alpha=s.uniform(0, 0.6), part="light")


def patterned(s: Sketch, *, pattern: str, freq: tuple[float, float], duty: tuple[float, float] = (0.4, 0.6),
              turn: float = 180.0, traits: tuple[str, ...]) -> None:  # fmt: skip
    """Two colours, one pattern; freq: cells a half picture, from … to; turn: up to so many degrees."""
    base, mark = two_colours(s)
    ground(s, base)
    fine = s.uniform(*freq)
    sheet(s, mark, pattern, freq=fine, duty=s.uniform(*duty), turn=s.uniform(0, turn))
    middle = sum(freq) / 2
    tell(s, *traits)
    s.trait(np.where(fine > middle, "a fine pattern", "a coarse pattern"))


def banded(s: Sketch) -> None:
    base, mark = two_colours(s)
    third = s.colour("white", "gray", "black", "orange", "blue", "green", "pink")
    ground(s, base)
    angle = np.where(s.chance(0.6), s.uniform(-12, 12), s.uniform(0, 180))
    along = np.deg2rad(angle)
    for i, at in enumerate((-0.75, -0.2, 0.3, 0.8)):
        d = at + s.uniform(-0.12, 0.12)
        place = dict(x=-d * np.sin(along), y=d * np.cos(along), b=s.uniform(0.07, 0.24), angle=angle)
        sheet(s, third if i % 2 else mark, **place, part="band")
    tell(s, "wide parallel lines", "three colors")


def blotchy(s: Sketch) -> None:
    base, mark = two_colours(s)
    ground(s, base)
    fine = s.uniform(1.2, 2.6)
    sheet(s, mark, "blotches", freq=fine, duty=s.uniform(0.4, 0.6), turn=s.uniform(0, 180))
    sheet(
        s, (base + mark) / 2, "blotches", freq=fine * 1.3, duty=s.uniform(0.3, 0.45), turn=s.uniform(0, 180), alpha=0.8
    )
    tell(s, "irregular patches", "soft edges")


def bumpy(s: Sketch) -> None:
    base = one_colour(s)
    ground(s, s.shade(base, -0.15))
    like = dict(freq=s.uniform(2, 3.4), turn=s.uniform(0, 90), phase=s.uniform(0, 1))
    duty = s.uniform(0.75, 0.95)
    sheet(s, s.shade(base, -0.65), "sprinkles", duty=duty, x=0.07, y=0.07, part="shadow", **like)
    sheet(s, base, "sprinkles", duty=duty, part="bump", **like)
    sheet(s, s.shade(base, 0.75), "sprinkles", duty=duty * 0.4, x=-0.05, y=-0.05, alpha=0.9, part="shine", **like)
    tell(s, "round shapes", "shadows", "one color")


def cobwebbed(s: Sketch) -> None:
    base = s.shade(s.colour("black", "blue", "green", "brown", "purple"), -0.45)
    thread = s.shade(s.colour("white", "gray"), 0.4)
    ground(s, base)
    x, y = s.uniform(-0.45, 0.45), s.uniform(-0.45, 0.45)
    turn = s.uniform(0, 30)
    sheet(s, thread, "rays", x=x, y=y, turn=turn, duty=s.uniform(0.05, 0.08), part="thread")
    web = dict(freq=s.uniform(3.0, 4.5), duty=s.uniform(0.18, 0.26), part="thread")
    sheet(s, thread, "rings", kind="ellipse", x=x, y=y, a=s.uniform(1.0, 2.2), **web)
    tell(s, "thin lines", "lines from the middle", "rings")


def cracked(s: Sketch) -> None:
    base = one_colour(s)
    ground(s, base)
    sheet(s, s.shade(base, -0.3), "blotches", freq=2, alpha=0.5, part="stain")
    fine, turn = s.uniform(1.2, 2.8), s.uniform(0, 180)
    line = s.shade(base, -0.8)
    sheet(s, line, "cells", freq=fine, duty=s.uniform(0.08, 0.16), turn=turn, part="crack")
    tell(s, "irregular lines", "dark lines", "sharp corners")


def scaly(s: Sketch) -> None:
    base = one_colour(s)
    ground(s, base)
    like = dict(freq=s.uniform(2.0, 3.6), turn=s.choice(0, 0, 180, 90) + s.uniform(-20, 20), phase=s.uniform(0, 1))
    dark = s.chance(0.7)[:, None]
    sheet(
        s,
        np.where(dark, s.shade(base, -0.7), s.shade(base, 0.8)),
        "scales",
        duty=s.uniform(0.14, 0.24),
        part="scale",
        **like,
    )
    tell(s, "rows of curves", "round shapes", "one color")


def swirly(s: Sketch) -> None:
    base, mark = two_colours(s)
    ground(s, base)
    sheet(s, mark, "marble", freq=s.uniform(1.5, 2.2), duty=0.4, turn=s.uniform(0, 180))
    for x, y in ((-0.55, -0.5), (0.6, -0.55), (-0.6, 0.6), (0.5, 0.55), (0, 0)):
        at = dict(x=x + s.uniform(-0.15, 0.15), y=y + s.uniform(-0.15, 0.15), a=s.uniform(0.38, 0.55))
        at |= dict(kind="ellipse", where=s.chance(0.85))
        sheet(s, base, **at, part="ground")
        sheet(s, mark, "spiral", **at, freq=s.uniform(4, 5.5), turn=s.uniform(0, 360), part="curl")
    tell(s, "curved lines", "many curls")


def marbled(s: Sketch) -> None:
    base = s.shade(s.colour("white", "beige", "gray", "pink", "turquoise", "green", "black"), 0.15)
    vein = s.shade(s.rgb("black", "gray", "brown", "blue", "white", "orange"), -0.1)
    vein = np.where(np.abs(vein - base).sum(1, keepdims=True) < 0.6, 1 - base, vein)
    ground(s, base)
    turn, fine = s.uniform(0, 180), s.uniform(0.8, 1.5)
    sheet(s, (base + vein) / 2, "blotches", freq=fine, alpha=0.55, duty=0.4, turn=turn, part="cloud")
    sheet(s, vein, "marble", freq=fine, duty=s.uniform(0.08, 0.16), turn=turn, part="vein")
    sheet(s, vein, "marble", freq=fine * 1.7, duty=0.07, turn=turn + s.uniform(20, 50), alpha=0.7, part="vein")
    tell(s, "curved lines", "thin lines", "irregular lines")


def wrinkled(s: Sketch) -> None:
    base = one_colour(s)
    ground(s, base)
    turn = s.uniform(0, 180)
    for i, fine in enumerate((s.uniform(1.5, 2.2), s.uniform(2.2, 3.2))):
        like = dict(freq=fine, turn=turn + i * s.uniform(15, 35), phase=s.uniform(0, 1))
        sheet(s, s.shade(base, -0.5), "ripples", duty=0.34, alpha=0.85, part="fold", **like)
        sheet(s, s.shade(base, 0.6), "ripples", duty=0.2, x=0.09, y=0.09, alpha=0.75, part="fold", **like)
    tell(s, "soft folds", "shadows", "one color")


def woven(s: Sketch) -> None:
    base, other = one_colour(s), s.rgb("beige", "white", "brown", "red", "blue", "yellow", "green")
    ground(s, s.shade(base, -0.75))
    like = dict(freq=s.uniform(1.8, 3.2), turn=s.choice(0, 45, 0) + s.uniform(-10, 10), phase=s.uniform(0, 1))
    sheet(s, base, "weave", duty=s.uniform(0.7, 0.82), part="strand", **like)
    sheet(s, s.shade(base, 0.55), "weave", duty=0.28, part="strand", **like)
    sheet(s, other, "checks", alpha=np.where(s.chance(0.5), 0.4, 0.0), part="strand", **like)
    tell(s, "crossing lines", "strands over and under")


def sprinkled(s: Sketch) -> None:
    base, mark = two_colours(s)
    ground(s, base)
    fine = s.uniform(2.2, 3.6)
    for color, share in (
        (mark, 1.0),
        (s.rgb("red", "blue", "green", "white", "orange"), 0.9),
        (s.rgb("yellow", "pink", "turquoise"), 0.9),
    ):
        sheet(s, color, "sprinkles", freq=fine * s.uniform(0.8, 1.2), duty=s.uniform(0.3, 0.42), turn=s.uniform(0, 90),
              where=s.chance(share))  # fmt: skip
    tell(s, "many small spots", "many colors")


def spiralled(s: Sketch) -> None:
    base, mark = two_colours(s)
    ground(s, base)
    at = dict(x=s.uniform(-0.4, 0.4), y=s.uniform(-0.4, 0.4), a=np.where(s.chance(0.6), 3, s.uniform(0.8, 1.1)))
    curl = dict(freq=s.uniform(2.2, 4.2), turn=s.uniform(0, 360), duty=s.uniform(0.35, 0.6), part="curl")
    sheet(s, mark, "spiral", kind="ellipse", **at, **curl)
    tell(s, "curved lines", "one large curl")


def simple(
    name: str, pattern: str, *traits: str, also: tuple[str, ...] = (), spoken: float = 1.0, **ranges
) -> ToyClass:
    """A class that is one pattern in two colours."""
    return ToyClass(name, partial(patterned, pattern=pattern, traits=traits, **ranges), also, spoken, scene=True)


CLASSES = [
    simple("striped", "stripes", "parallel lines", "straight lines", freq=(1.8, 4.5), also=("stripy",)),
    simple(
        "polka-dotted",
        "dots",
        "round spots",
        "rows of spots",
        freq=(1.6, 3.6),
        duty=(0.45, 0.65),
        also=("dotted", "spotted"),
    ),
    simple("chequered", "checks", "squares", "straight lines", freq=(1.8, 4.2), also=("checkered",)),
    simple("zigzagged", "zigzag", "sharp corners", "parallel lines", freq=(1.6, 3.0), also=("zigzag",)),
    simple(
        "grid",
        "grid",
        "squares",
        "crossing lines",
        "straight lines",
        freq=(1.8, 4.0),
        duty=(0.16, 0.3),
        also=("meshed",),
    ),
    simple("honeycombed", "honeycomb", "hexagons", freq=(1.7, 3.2), duty=(0.14, 0.26), also=("hexagonal",), spoken=0.5),
    ToyClass("spiralled", spiralled, ("spiral",), scene=True),
    ToyClass("swirly", swirly, ("curly", "swirling"), 0.5, scene=True),
    ToyClass("cracked", cracked, ("broken",), scene=True),
    ToyClass("scaly", scaly, ("scaled",), 0.5, scene=True),
    ToyClass("marbled", marbled, ("marble",), 0.3, scene=True),
    ToyClass("blotchy", blotchy, ("stained", "patchy"), 0.2, scene=True),
    ToyClass("woven", woven, ("wicker",), 0.6, scene=True),
    ToyClass("sprinkled", sprinkled, ("speckled",), scene=True),
    ToyClass("wrinkled", wrinkled, ("creased", "folded"), 0.2, scene=True),
    ToyClass("bumpy", bumpy, ("lumpy",), 0.3, scene=True),
    ToyClass("banded", banded, ("layered",), 0.3, scene=True),
    ToyClass("cobwebbed", cobwebbed, ("webbed",), 0.2, scene=True),
]
