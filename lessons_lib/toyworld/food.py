"""Dishes: on plates, in bowls or by themselves, told apart by form, layers and toppings."""

import numpy as np

from lessons_lib.toyworld.food_parts import BREAD, bowl, egg, fillings, plate
from lessons_lib.toyworld.food_sweet import cheesecake, cupcake, donut, ice_cream, pancakes, waffles
from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Sketch


def pizza(s: Sketch) -> None:
    slice_ = s.chance(0.35)
    whole, crust, cheese = ~slice_, s.rgb("brown", "orange", "beige"), s.colour("yellow", "yellow", "orange", "red")
    salami = s.shade(s.rgb("red", "brown", "black", "green"), -0.1)
    s.shape("ellipse", 0, 0, 0.95, color=crust, part="crust", where=whole)
    s.shape("ellipse", 0, 0, 0.8, color=cheese, part="cheese", where=whole)
    start, count = s.uniform(0, 90), s.choice(5, 6, 7)
    s.ring_of("ellipse", count, 0.52, 0.16, 0.16, start=start, color=salami, part="topping", where=whole)
    s.ring_of(
        "box", 4, 0.42, 0.4, 0.02, start=start + 20, color=s.shade(crust, -0.3), part="cut", where=whole & s.chance(0.5)
    )
    s.shape("ellipse", 0, 0, 0.16, color=salami, part="topping", where=whole)
    s.shape("box", 0, -0.72, 0.72, 0.15, p=0.15, color=crust, part="crust", where=slice_)
    s.shape("trapezoid", 0, 0.15, 0.6, 0.82, p=0.02, angle=180, color=cheese, part="cheese", where=slice_)
    for x, y in ((-0.25, -0.35), (0.22, -0.2), (-0.05, 0.25)):
        s.shape("ellipse", x, y, s.uniform(0.12, 0.18), color=salami, part="topping", where=slice_)
    s.ring_of(
        "leaf", 3, 0.28, 0.13, 0.06, start=s.uniform(0, 90), color=s.rgb("green"), part="basil", where=s.chance(0.5)
    )
    s.trait("cheese")
    s.trait("slices of salami")
    s.trait("a crust")


def hamburger(s: Sketch) -> None:
    bun = s.colour("brown", "orange", "beige", "black")
    plate(s, 0.78, chance=0.4)
    s.shape("box", 0, 0.62, 0.78, 0.22, p=0.18, color=bun, part="bun")
    fillings(s, 0.42, 0.82, 3, thick=0.13)
    s.shape("dome", 0, -0.05, s.uniform(0.78, 0.86), s.uniform(0.65, 0.85), color=bun, part="bun")
    sesame = s.chance(0.6)
    s.shape("dome", 0, -0.2, 0.6, 0.5, color=s.rgb("white"), pattern="sprinkles", freq=5, duty=0.35, part="sesame",
            where=sesame)  # fmt: skip
    s.trait("sesame seeds", where=sesame)
    s.trait("a round bun")


def sandwich(s: Sketch) -> None:
    bread, slant = s.colour(*BREAD), s.uniform(0.1, 0.3)
    plate(s, 0.75, chance=0.5)
    s.shape("box", 0, 0.62, 0.85, 0.14, p=0.04, color=bread, part="bread")
    fillings(s, 0.4, 0.88, 3, thick=0.1)
    s.shape("box", 0, -0.12, 0.85, 0.14, p=0.04, color=bread, part="bread")
    s.shape("trapezoid", 0, -0.42, 0.85, 0.2, p=s.uniform(0.4, 0.6), q=slant, color=s.shade(bread, 0.4), part="bread")
    s.trait("slices of bread")


def hot_dog(s: Sketch) -> None:
    bun = s.colour("orange", "beige", "brown")
    plate(s, 0.65, chance=0.4)
    sausage, sauce, turn = s.rgb("red", "brown", "orange"), s.rgb("yellow", "red", "yellow"), s.uniform(-35, 35)
    with s.inset(0, 0, angle=turn):
        s.shape("box", 0, 0.2, 0.85, 0.3, p=0.3, color=bun, part="bun")
        s.shape("box", 0, -0.22, 0.85, 0.22, p=0.22, color=s.shade(bun, -0.2), part="bun")
        s.shape("box", 0, 0, s.uniform(0.92, 1.02), 0.2, p=0.2, color=sausage, part="sausage")
        s.shape("wave", 0, 0, 0.8, 0.05, p=0.09, q=s.choice(2.0, 2.6, 3.2), color=sauce, part="sauce")
    s.trait("a long bun")
    s.trait("a sausage")
    s.trait("a wavy line of sauce")


def taco(s: Sketch) -> None:
    shell = s.colour("yellow", "orange", "beige", "brown")
    plate(s, 0.62, chance=0.3)
    width, high = s.uniform(0.82, 0.92), s.uniform(0.72, 0.88)
    for x, turn in ((-0.55, -40), (0.55, 40), (-0.2, -12), (0.25, 14)):
        s.shape("petals", x, -0.02 + 0.5 * x * x, 0.34, 1, p=6, q=0.8, angle=turn,
                color=s.shade(s.rgb("green"), x / 3), part="lettuce")  # fmt: skip
    for name, xs, colour in (("tomato", (-0.45, 0.02, 0.5), "red"), ("cheese", (-0.2, 0.28), "yellow")):
        for x in xs:
            s.shape("ellipse", x + s.uniform(-0.05, 0.05), -0.12 + 0.7 * x * x, 0.16, color=s.rgb(colour), part=name)
    s.shape("dome", 0, 0.75, width, high, color=shell, part="shell")
    s.shape("dome", 0, 0.72, width * 0.9, high * 0.88, color=s.shade(shell, -0.3), pattern="sprinkles",
            freq=3.5, duty=0.4,
            part="shell")  # fmt: skip
    s.trait("a folded shell")
    s.trait("lettuce")
    s.trait("tomato")


def french_fries(s: Sketch) -> None:
    box, fry = s.colour("red", "white", "blue", "yellow", "green"), s.rgb("yellow", "orange", "beige")
    for i, x in enumerate((-0.45, 0.45, -0.22, 0.22, 0.0)):
        s.shape("box", x, s.uniform(-0.5, -0.25), 0.1, 0.55, angle=x * 40 + s.uniform(-6, 6),
                color=s.shade(fry, -0.3 + 0.09 * i), part="fry")  # fmt: skip
    s.shape("trapezoid", 0, 0.45, 0.42, 0.52, p=0.62, color=box, part="box")
    s.shape("trapezoid", 0, 0.45, 0.42, 0.52, p=0.62, color=s.shade(box, -0.4), pattern="stripes", freq=4, part="box",
            where=s.chance(0.4))  # fmt: skip
    s.shape("dome", 0, -0.07, 0.5, 0.24, angle=180, color=s.shade(fry, -0.2), part="fry")
    s.trait("long sticks in a box")


def sushi(s: Sketch) -> None:
    plate(s, 0.4)
    fish = s.colour("orange", "red", "pink", "yellow", "white")
    rolls = s.chance(0.5)
    for x, y in ((-0.48, -0.3), (0.48, -0.3), (0.0, 0.42)):
        with s.inset(x, y, 1, s.uniform(-12, 12)):
            s.shape("ellipse", 0, 0, 0.42, color=s.shade(s.rgb("black", "green"), -0.6), part="seaweed", where=rolls)
            s.shape("ellipse", 0, 0, 0.33, color=s.rgb("white", jitter=0.02), part="rice", where=rolls)
            s.shape("ellipse", 0, 0, 0.17, color=fish, part="fish", where=rolls)
            s.shape("box", 0, 0.14, 0.38, 0.2, p=0.15, color=s.rgb("white", jitter=0.02), part="rice", where=~rolls)
            s.shape("box", 0, -0.08, 0.43, 0.16, p=0.15, color=fish, part="fish", where=~rolls)
            s.shape("box", 0, 0.03, 0.09, 0.3, color=s.shade(s.rgb("green"), -0.8), part="seaweed",
                    where=~rolls & s.chance(0.6))  # fmt: skip
    s.trait("rice")
    s.trait("fish")
    s.trait("black rings of seaweed", where=rolls)


def spaghetti(s: Sketch) -> None:
    plate(s, 0.0)
    noodle = s.colour("yellow", "beige", "orange", "white")
    s.shape("petals", 0, 0, 0.72, 1, p=s.choice(7, 9, 11), q=0.86, color=s.shade(noodle, -0.3), part="noodles")
    s.shape("ellipse", 0, 0, 0.66, color=noodle, pattern="marble", freq=s.uniform(4.5, 6), duty=0.55, part="noodles")
    sauce = s.rgb("red", "red", "green", "brown")
    s.shape("petals", 0, 0, s.uniform(0.3, 0.42), 1, p=5, q=0.8, angle=s.uniform(0, 72), color=sauce, part="sauce")
    balls = s.chance(0.5)
    s.ring_of(
        "ellipse", 3, 0.2, 0.15, 0.15, start=s.uniform(0, 120), color=s.rgb("brown"), part="meatball", where=balls
    )
    s.trait("long noodles")
    s.trait("sauce")
    s.trait("meatballs", where=balls)


def soup(s: Sketch) -> None:
    broth = s.colour("red", "orange", "green", "yellow", "white", "beige")
    top = bowl(s)
    s.shape("ellipse", 0, top, 0.78, 0.2, color=broth, part="soup")
    for x in (-0.35, 0.05, 0.4):
        s.shape("ellipse", x, top + s.uniform(-0.08, 0.08), 0.1, 0.06, color=s.rgb("green", "orange", "red", "white"),
                part="vegetables")  # fmt: skip
    steam = s.chance(0.5)
    for x in (-0.3, 0.3):
        s.shape("wave", x, -0.62, 0.32, 0.04, p=0.08, q=2, angle=90, color=s.rgb("white"), alpha=0.8, part="steam",
                where=steam)  # fmt: skip
    s.line(0.35, top, 0.95, -0.75, 0.06, color=s.rgb("gray", "white"), part="spoon", where=s.chance(0.5))
    s.trait("a bowl")
    s.trait("steam", where=steam)


def fried_eggs(s: Sketch) -> None:
    plate(s, 0.0)
    two = s.chance(0.6)
    s.colour("white")
    with s.inset(np.where(two, -0.3, 0), np.where(two, -0.2, 0), np.where(two, 0.85, 1.2)):
        egg(s)
    with s.inset(0.32, 0.25, 0.85):
        egg(s, where=two)
    s.shape("box", 0.1, 0.62, 0.5, 0.09, p=0.09, angle=s.uniform(-20, 20), color=s.rgb("brown", "red"), part="bacon",
            where=s.chance(0.4))  # fmt: skip
    s.trait("round yellow yolks")


CLASSES = [
    ToyClass("pizza", pizza),
    ToyClass("hamburger", hamburger, also=("burger", "cheeseburger")),
    ToyClass("hot dog", hot_dog),
    ToyClass("sandwich", sandwich, spoken=0.5),
    ToyClass("taco", taco, spoken=0.4),
    ToyClass("french fries", french_fries, also=("fries", "chips")),
    ToyClass("sushi", sushi),
    ToyClass("spaghetti", spaghetti, also=("pasta",)),
    ToyClass("soup", soup),
    ToyClass("fried eggs", fried_eggs, also=("eggs",)),
    ToyClass("pancakes", pancakes, spoken=0.35),
    ToyClass("waffles", waffles, spoken=0.3),
    ToyClass("donut", donut, also=("doughnut",)),
    ToyClass("cupcake", cupcake, also=("muffin",)),
    ToyClass("ice cream", ice_cream),
    ToyClass("cheesecake", cheesecake, also=("cake",), spoken=0.2),
]
