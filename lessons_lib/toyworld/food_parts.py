"""What several dishes share: plates, bowls, fillings, eggs."""

import numpy as np

from lessons_lib.toyworld.sketch import Number, Sketch

TABLEWARE = ("white", "blue", "gray", "green", "red", "black", "turquoise")
BREAD = ("brown", "beige", "orange")


def plate(s: Sketch, y: Number, *, chance: float = 0.8) -> None:
    """A plate, seen from above where y = 0, from the side where y > 0; `chance` is the share of pictures with one."""
    there, colour, flat = s.chance(chance), s.rgb(*TABLEWARE), 1.0 if y == 0 else 0.3
    s.shape("ellipse", 0, y, 1.0, flat, color=colour, part="plate", where=there)
    s.shape("ellipse", 0, y, 0.78, flat * 0.75, color=s.shade(colour, 0.35), part="plate", where=there)
    s.trait("a plate", where=there)


def bowl(s: Sketch) -> float:
    """A bowl from the side, its opening towards the viewer; returns the height of what is in it."""
    colour = s.rgb(*TABLEWARE)
    s.shape("dome", 0, -0.05, 0.92, s.uniform(0.8, 0.95), angle=180, color=colour, part="bowl")
    s.shape("box", 0, 0.82, 0.4, 0.08, color=s.shade(colour, -0.25), part="bowl")
    s.shape("ellipse", 0, -0.05, 0.92, 0.28, color=s.shade(colour, 0.35), part="bowl")
    return -0.05


def egg(s: Sketch, where: np.ndarray | bool = True) -> None:
    """One fried egg around the middle."""
    s.shape("petals", 0, 0, s.uniform(0.5, 0.62), 1, p=s.choice(4, 5, 6), q=0.82, angle=s.uniform(0, 90),
            color=s.rgb("white", jitter=0.02),
            part="egg white", where=where)  # fmt: skip
    s.shape("ellipse", s.uniform(-0.08, 0.08), s.uniform(-0.08, 0.08), s.uniform(0.2, 0.26),
            color=s.rgb("orange", "yellow"),
            part="yolk", where=where)  # fmt: skip


def fillings(s: Sketch, y: float, width: float, count: int, *, thick: float) -> None:
    """Layers of meat, cheese, lettuce and tomato, the lowest at y."""
    names, colours = ("meat", "lettuce", "cheese", "tomato"), ("brown", "green", "yellow", "red")
    first = s.rng.integers(4, size=s.n)
    for i in range(count):
        kind = (first + i) % 4
        for k, (name, colour) in enumerate(zip(names, colours)):
            row, some = y - 1.35 * thick * i, kind == k
            if name == "lettuce":
                s.shape(
                    "wave", 0, row, width + 0.06, thick * 0.8, p=0.05, q=2.2, color=s.rgb(colour), part=name, where=some
                )
            else:
                s.shape("box", 0, row, width, thick, p=thick * 0.6, color=s.rgb(colour), part=name, where=some)
            s.trait(name, where=some)
