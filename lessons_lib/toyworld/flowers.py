"""Flowers: told apart by the number, shape and layers of their petals, by the centre, and by how they stand."""

from lessons_lib.toyworld.flowers_side import bluebell, iris, lavender, lotus, snowdrop, stem, thistle, tulip
from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Sketch


def daisy(s: Sketch) -> None:
    petal = s.colour("white", "white", "pink", "yellow", "purple")
    stem(s, petal, 0, 0, leaves=0.3)
    s.ring_of("leaf", s.choice(9, 11, 13, 15), 0.47, s.uniform(0.33, 0.42), s.uniform(0.08, 0.13),
              start=s.uniform(0, 90), color=petal, part="petal")  # fmt: skip
    s.shape("ellipse", 0, 0, s.uniform(0.2, 0.28), color=s.rgb("yellow", "orange"), part="centre")
    s.trait("many narrow petals")
    s.trait("a round yellow centre")


def sunflower(s: Sketch) -> None:
    petal, start, count = s.colour("yellow", "yellow", "orange", "red"), s.uniform(0, 90), s.choice(14, 16, 18)
    stem(s, petal, 0, 0, leaves=0.9)
    s.ring_of("leaf", count, 0.65, 0.32, 0.13, start=start + 10, color=s.shade(petal, -0.25), part="petal")
    s.ring_of("leaf", count, 0.65, 0.28, 0.1, start=start, color=petal, part="petal")
    brown = s.rgb("brown", "brown", "black")
    s.shape("ellipse", 0, 0, s.uniform(0.45, 0.55), color=brown, part="centre")
    s.shape("ellipse", 0, 0, 0.42, color=s.shade(brown, 0.3), pattern="honeycomb", freq=6, duty=0.4, part="centre")
    s.trait("many pointed petals")
    s.trait("a large dark centre")


def marigold(s: Sketch) -> None:
    petal = s.colour("orange", "yellow", "red", "white")
    stem(s, petal)
    for i, radius in enumerate((0.82, 0.62, 0.42, 0.22)):
        s.shape("petals", 0, 0, radius * s.uniform(0.95, 1.08), 0.7, p=14 - 2 * i, q=0.78, angle=s.uniform(0, 90),
                color=s.shade(petal, -0.3 + 0.16 * i), part="petal")  # fmt: skip
    s.trait("many ruffled layers")
    s.trait("no centre to be seen", where=s.chance(0.5))


def dandelion(s: Sketch) -> None:
    blown = s.chance(0.6)
    tuft = s.colour("white", "gray", "yellow")
    stem(s, tuft, leaves=0.5)
    s.shape("ellipse", 0, -0.1, 0.75, color=s.shade(tuft, 0.3), alpha=0.35, part="down", where=blown)
    s.shape("ellipse", 0, -0.1, s.uniform(0.78, 0.88), color=tuft, pattern="rays", freq=2.5, duty=0.3,
            turn=s.uniform(0, 30), part="down")  # fmt: skip
    s.ring_of("ellipse", s.choice(16, 20), 0.76, 0.07, 0.07, y=-0.1, color=s.shade(tuft, 0.3), part="down", where=blown)
    s.ring_of("box", 24, 0.45, 0.4, 0.035, y=-0.1, color=tuft, part="petal", where=~blown)
    s.shape("ellipse", 0, -0.1, 0.16, color=s.rgb("brown", "green"), part="centre")
    s.trait("a fluffy round head")
    s.trait("seeds ready to fly", where=blown)


def rose(s: Sketch) -> None:
    petal, y = s.colour("red", "pink", "white", "yellow", "orange", "purple"), -0.15
    stem(s, petal, leaves=0.9)
    s.shape("petals", 0, y, s.uniform(0.7, 0.8), 0.6, p=5, q=0.8, angle=s.uniform(0, 72), color=petal, part="petal")
    s.shape("petals", 0, y, 0.55, 0.6, p=5, q=0.82, angle=s.uniform(0, 72), color=s.shade(petal, -0.22), part="petal")
    s.shape("ellipse", 0, y, 0.46, color=s.shade(petal, 0.12), part="petal")
    s.shape("ellipse", 0, y, 0.46, color=s.shade(petal, -0.5), pattern="spiral", freq=s.uniform(4.5, 6),
            duty=0.35, turn=s.uniform(0, 360),
            part="petal")  # fmt: skip
    s.trait("petals in a spiral")
    s.trait("many layers", where=s.chance(0.5))


def poppy(s: Sketch) -> None:
    petal, start = s.colour("red", "red", "orange", "yellow", "white", "pink"), s.uniform(0, 90)
    stem(s, petal, leaves=0.2)
    s.ring_of("ellipse", 2, 0.4, 0.45, 0.62, start=start + 90, color=s.shade(petal, -0.2), part="petal")
    s.ring_of("ellipse", 2, 0.4, 0.45, 0.6, start=start, color=petal, part="petal")
    s.ring_of("leaf", 4, 0.28, 0.26, 0.14, start=start, color=s.rgb("black"), part="blotch")
    s.shape("ellipse", 0, 0, 0.15, color=s.rgb("green", "black"), part="centre")
    s.trait("four petals")
    s.trait("wide round petals")
    s.trait("a dark centre")


def buttercup(s: Sketch) -> None:
    petal, start = s.colour("yellow", "yellow", "white", "pink", "orange"), s.uniform(0, 72)
    stem(s, petal, leaves=0.4)
    s.ring_of("ellipse", 5, 0.45, 0.4, 0.34, start=start, color=s.shade(petal, -0.25), part="petal")
    s.ring_of("ellipse", 5, 0.45, 0.36, 0.27, start=start, color=petal, part="petal")
    s.ring_of("ellipse", 12, 0.24, 0.06, 0.05, color=s.rgb("orange", "brown"), part="stamen")
    s.shape("ellipse", 0, 0, 0.17, color=s.rgb("green"), part="centre")
    s.trait("five petals")
    s.trait("wide round petals")
    s.trait("a green centre")


def pansy(s: Sketch) -> None:
    petal = s.colour("purple", "yellow", "blue", "white", "orange")
    face = s.shade(s.rgb("purple", "black", "red"), -0.5)
    stem(s, petal)
    s.ring_of("ellipse", 2, 0.33, 0.36, 0.4, y=-0.38, color=s.shade(petal, -0.4), part="petal")
    s.ring_of("ellipse", 2, 0.45, 0.38, 0.36, y=0.0, color=petal, part="petal")
    s.shape("ellipse", 0, 0.4, 0.5, 0.42, color=s.shade(petal, 0.15), part="petal")
    s.ring_of("ellipse", 2, 0.2, 0.24, 0.2, y=0.02, color=face, part="face")
    s.shape("ellipse", 0, 0.3, 0.26, 0.3, color=face, part="face")
    s.shape("trapezoid", 0, 0.12, 0.1, 0.1, p=0, color=s.rgb("yellow"), part="centre")
    s.trait("five petals")
    s.trait("a dark face")


def orchid(s: Sketch) -> None:
    petal, start = s.colour("pink", "purple", "white", "yellow", "orange"), s.uniform(-8, 8)
    s.line(-0.1, 1.2, s.uniform(-0.9, 0.9), -1.1, 0.045, color=s.rgb("green"), part="stem")
    s.ring_of("ellipse", 3, 0.48, 0.44, 0.2, start=start - 90, color=s.shade(petal, -0.22), part="petal")
    s.ring_of("ellipse", 2, 0.45, 0.45, 0.38, y=-0.1, start=start, color=petal, part="petal")
    s.ring_of("ellipse", 2, 0.4, 0.4, 0.3, y=-0.1, start=start, color=s.shade(petal, -0.45),
              pattern="sprinkles", freq=6, duty=0.4,
              part="spots", where=s.chance(0.4))  # fmt: skip
    lip = s.rgb("red", "purple", "yellow")
    s.shape("trapezoid", 0, 0.2, 0.26, 0.26, p=0.08, color=lip, part="lip")
    s.shape("ellipse", 0, -0.05, 0.13, color=s.shade(lip, 0.7), part="centre")
    s.trait("two broad petals and three narrow ones")
    s.trait("a lip")


def lily(s: Sketch) -> None:
    petal, start = s.colour("white", "orange", "pink", "yellow", "red"), s.uniform(0, 60)
    stem(s, petal, leaves=0.7)
    s.ring_of("leaf", 3, 0.5, 0.5, 0.27, start=start + 60, color=s.shade(petal, -0.18), part="petal")
    s.ring_of("leaf", 3, 0.5, 0.5, 0.27, start=start, color=petal, part="petal")
    s.ring_of("leaf", 6, 0.45, 0.4, 0.05, start=start, color=s.shade(petal, -0.4), part="vein")
    s.shape("ellipse", 0, 0, 0.5, color=s.shade(petal, -0.6), pattern="sprinkles", freq=8, duty=0.4, part="spots",
            where=s.chance(0.5))  # fmt: skip
    s.ring_of("box", 6, 0.24, 0.24, 0.025, start=start + 30, color=s.rgb("green", "yellow"), part="stamen")
    s.ring_of(
        "ellipse", 6, 0.5, 0.05, 0.11, start=start + 30, color=s.shade(s.rgb("brown", "red"), -0.2), part="stamen"
    )
    s.trait("six petals")
    s.trait("pointed petals")
    s.trait("long stamens")


def daffodil(s: Sketch) -> None:
    petal, start = s.colour("yellow", "yellow", "white", "orange", "pink"), s.uniform(0, 60)
    stem(s, petal, leaves=0.8)
    s.ring_of("ellipse", 6, 0.5, 0.38, 0.24, start=start, color=s.shade(petal, -0.2), part="petal")
    s.ring_of("ellipse", 6, 0.5, 0.34, 0.18, start=start, color=petal, part="petal")
    cup = s.rgb("orange", "orange", "yellow", "red")
    s.shape("petals", 0, 0, s.uniform(0.4, 0.48), 1, p=10, q=0.86, color=cup, part="trumpet")
    s.shape("ellipse", 0, 0, 0.28, color=s.shade(cup, -0.55), part="trumpet")
    s.trait("six petals")
    s.trait("a trumpet in the middle")


CLASSES = [
    ToyClass("daisy", daisy, also=("marguerite",)),
    ToyClass("sunflower", sunflower),
    ToyClass("marigold", marigold, spoken=0.3),
    ToyClass("dandelion", dandelion, also=("blowball",)),
    ToyClass("rose", rose, also=("rose blossom",)),
    ToyClass("poppy", poppy),
    ToyClass("buttercup", buttercup, spoken=0.35),
    ToyClass("pansy", pansy, spoken=0.4),
    ToyClass("iris", iris, spoken=0.4),
    ToyClass("orchid", orchid),
    ToyClass("lily", lily, also=("tiger lily",)),
    ToyClass("daffodil", daffodil, also=("narcissus",)),
    ToyClass("tulip", tulip),
    ToyClass("lotus", lotus, also=("water lily",)),
    ToyClass("bluebell", bluebell, spoken=0.3),
    ToyClass("snowdrop", snowdrop, spoken=0.2),
    ToyClass("lavender", lavender),
    ToyClass("thistle", thistle, spoken=0.25),
]
