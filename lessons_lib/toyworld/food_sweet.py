"""Sweet dishes."""

import numpy as np

from lessons_lib.toyworld.food_parts import plate
from lessons_lib.toyworld.sketch import Sketch


def pancakes(s: Sketch) -> None:
    plate(s, 0.75)
    dough, layers = s.colour("orange", "beige", "brown", "yellow"), s.choice(3, 4, 5)
    for i in range(5):
        s.shape("box", s.uniform(-0.05, 0.05), 0.6 - 0.22 * i, 0.72, 0.12, p=0.12, color=s.shade(dough, (-0.3,
                0.1)[i % 2]), part="pancake",
                where=i < layers)  # fmt: skip
    top = 0.6 - 0.22 * (layers - 1)
    sauce = s.rgb("brown", "red", "orange")
    s.shape("ellipse", 0, top - 0.08, 0.6, 0.12, color=sauce, part="syrup")
    for x in (-0.4, 0.3):
        s.shape("box", x, top + 0.12, 0.1, s.uniform(0.15, 0.3), p=0.1, color=sauce, part="syrup")
    butter = s.chance(0.5)
    s.shape("box", 0, top - 0.18, 0.18, 0.1, color=s.rgb("yellow"), part="butter", where=butter)
    s.shape("ellipse", 0, top - 0.2, 0.15, color=s.rgb("red", "blue", "purple"), part="berry", where=~butter)
    s.trait("syrup")
    s.trait("butter", where=butter)
    s.trait("a berry on top", where=~butter)
    s.trait("a pile of round slices")


def waffles(s: Sketch) -> None:
    plate(s, 0.0)
    dough, square = s.colour("orange", "brown", "beige", "yellow"), s.chance(0.5)
    for kind, where in (("box", square), ("ellipse", ~square)):
        s.shape(kind, 0, 0, 0.62, p=0.08, color=dough, part="waffle", where=where)
        s.shape(kind, 0, 0, 0.57, p=0.06, color=s.shade(dough, -0.45), pattern="checks", freq=s.uniform(5, 6.5),
                part="waffle", where=where)  # fmt: skip
    s.shape("petals", 0, 0, 0.26, 1, p=6, q=0.8, color=s.rgb("white", jitter=0.02), part="cream", where=s.chance(0.5))
    s.shape("ellipse", 0, 0, 0.14, color=s.rgb("red", "blue", "yellow"), part="berry")
    s.trait("a grid of small squares")
    s.trait("a berry on top")


def donut(s: Sketch) -> None:
    icing = s.colour("pink", "brown", "white", "turquoise", "yellow", "purple")
    dough = s.rgb("beige", "brown", "orange")
    thick, bitten = s.uniform(0.3, 0.38), s.chance(0.25)
    ring = dict(p=np.where(bitten, 140, 180), angle=s.uniform(0, 360))
    s.shape("arc", 0, 0, 0.6, thick, color=dough, part="dough", **ring)
    s.ring_of("ellipse", s.choice(7, 9), 0.62, thick * 0.85, 0.2, start=s.uniform(0, 50), color=icing, part="icing",
              where=~bitten)  # fmt: skip
    s.shape("arc", 0, 0, 0.6, thick - 0.09, color=icing, part="icing", **ring)
    dotted = s.chance(0.6)
    s.shape("arc", 0, 0, 0.6, thick - 0.12, color=s.rgb("white", "red", "blue", "yellow", "brown"),
            pattern="sprinkles", freq=5.5,
            duty=0.4, part="sprinkles", where=dotted, **ring)  # fmt: skip
    s.trait("a bite missing", where=bitten)
    s.trait("a hole in the middle")
    s.trait("icing")
    s.trait("sprinkles", where=dotted)


def cupcake(s: Sketch) -> None:
    cream, paper = (
        s.colour("pink", "white", "brown", "turquoise", "purple", "yellow"),
        s.rgb("red", "blue", "brown", "yellow", "green"),
    )
    s.shape("trapezoid", 0, 0.55, 0.42, 0.42, p=0.6, color=paper, part="wrapper")
    s.shape("trapezoid", 0, 0.55, 0.42, 0.42, p=0.6, color=s.shade(paper, -0.4), pattern="stripes", freq=4.5,
            duty=0.45, part="wrapper")  # fmt: skip
    for i, (y, w) in enumerate(((0.05, 0.7), (-0.22, 0.54), (-0.46, 0.36))):
        s.shape("box", 0, y, w * s.uniform(0.95, 1.08), 0.19, p=0.19, color=s.shade(cream, (-0.18, 0.0, 0.2)[i]),
                part="cream")  # fmt: skip
    cherry = s.chance(0.5)
    s.shape("ellipse", 0, -0.72, 0.16, color=s.rgb("red", "purple"), part="cherry", where=cherry)
    s.shape("ellipse", 0, -0.1, 0.55, 0.4, color=s.rgb("red", "blue", "white"), pattern="sprinkles", freq=4.5,
            duty=0.35, part="sprinkles",
            where=~cherry)  # fmt: skip
    s.trait("cream")
    s.trait("a cherry on top", where=cherry)
    s.trait("sprinkles", where=~cherry)
    s.trait("a paper wrapper")


def ice_cream(s: Sketch) -> None:
    first, cone = s.colour("pink", "white", "brown", "green", "yellow", "blue"), s.rgb("orange", "brown", "beige")
    scoops = s.choice(1, 2, 3)
    s.shape("trapezoid", 0, 0.5, 0.03, 0.52, p=0.4, color=cone, part="cone")
    s.shape("trapezoid", 0, 0.5, 0.03, 0.52, p=0.4, color=s.shade(cone, -0.4), pattern="grid", freq=5, turn=45,
            duty=0.25, part="cone")  # fmt: skip
    for i, (x, y) in enumerate(((-0.27, -0.15), (0.27, -0.17), (0.0, -0.52))):
        lone = scoops == 1
        s.shape("petals", np.where(lone, 0, x), np.where(lone, -0.2, y), np.where(lone, 0.52, 0.4), 1, p=9, q=0.9,
                color=first if i == 0 else s.rgb("pink", "white", "brown", "green", "yellow"), part="scoop",
                                                 where=i < scoops)  # fmt: skip
    s.trait("a cone")
    s.trait(np.array(["one scoop", "two scoops", "three scoops"])[scoops - 1])


def cheesecake(s: Sketch) -> None:
    plate(s, 0.7)
    cream, berry = s.colour("white", "beige", "yellow", "pink", "brown"), s.rgb("red", "purple", "blue")
    s.shape("trapezoid", -0.05, -0.3, 0.85, 0.3, p=0.25, q=0.5, color=berry, part="jelly")
    s.shape("box", -0.05, 0.28, 0.85, 0.32, color=cream, part="cream")
    s.shape("box", -0.05, 0.06, 0.85, 0.1, color=s.shade(berry, -0.2), part="jelly")
    s.shape("box", -0.05, 0.56, 0.85, 0.1, color=s.shade(s.rgb("brown", "orange"), -0.1), part="crust")
    s.shape("ellipse", 0.1, -0.52, 0.17, color=s.shade(berry, 0.3), part="berry")
    s.trait("a crust")
    s.trait("a berry on top")
    s.trait("cream")
