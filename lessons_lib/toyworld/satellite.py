"""Land seen from above, in the ten senses of EuroSAT (Helber et al., 2019)."""

from collections.abc import Callable

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Number, Sketch

GREENS = ((0.20, 0.33, 0.16), (0.30, 0.42, 0.20), (0.40, 0.50, 0.24), (0.27, 0.37, 0.26))
SOILS = ((0.50, 0.38, 0.26), (0.62, 0.50, 0.35), (0.70, 0.60, 0.44), (0.45, 0.33, 0.27))
WATERS = ((0.05, 0.13, 0.24), (0.08, 0.20, 0.30), (0.10, 0.26, 0.32), (0.16, 0.30, 0.30))
WOODS = ((0.07, 0.20, 0.10), (0.11, 0.25, 0.12), (0.09, 0.19, 0.15), (0.16, 0.27, 0.11))
ROOFS = ((0.62, 0.30, 0.22), (0.50, 0.25, 0.20), (0.60, 0.55, 0.50), (0.72, 0.45, 0.32))
SHEDS = ((0.90, 0.90, 0.90), (0.72, 0.75, 0.78), (0.55, 0.60, 0.68), (0.80, 0.72, 0.62))


def pick(s: Sketch, *sets: tuple[tuple[float, float, float], ...], jitter: float = 0.03) -> np.ndarray:
    """(n, 3) one of the colours of the given sets a picture, a little changed."""
    rgbs = np.array([rgb for some in sets for rgb in some])
    chosen = rgbs[s.rng.integers(len(rgbs), size=s.n)]
    return np.clip(chosen + s.rng.normal(0, jitter, chosen.shape), 0, 1)


def lie(s: Sketch, color: np.ndarray, pattern: str | None = None, *, kind: str = "box",
        x: Number = 0.0, y: Number = 0.0, a: Number = 1.5, **kwargs) -> None:  # fmt: skip
    """Covers the picture, or a shape in it, evenly or with a pattern; it belongs to no object."""
    s.shape(kind, x, y, a, color=color, pattern=pattern, background=True, **kwargs)


def land(s: Sketch, color: np.ndarray, *, mottle: Number = 0.5) -> None:
    """The ground, unevenly tinted."""
    s.whole_picture()
    lie(s, color, part="ground")
    patches = dict(freq=s.uniform(0.8, 1.6), turn=s.uniform(0, 180), part="ground")
    lie(s, s.shade(color, -0.25), "blotches", alpha=mottle, **patches)


def turned(s: Sketch, name: str, angle: Number | None = None) -> None:
    """An object as large as the picture, turned any way."""
    s.place(name, x=0, y=0, scale=1, angle=s.uniform(0, 360) if angle is None else angle)


def parcels(s: Sketch, *sets: tuple, furrows: float = 0.6, count: int = 6) -> None:
    """Fields side by side in a frame of their own, each with its colour."""
    x, y = s.uniform(-0.3, 0.3), s.uniform(-0.3, 0.3)
    plots = (
        (-1.0, -0.9, 0.98),
        (1.0, -1.0, 0.96),
        (-1.0, 0.4, 0.98),
        (1.0, 0.3, 0.96),
        (0.0, 1.5, 1.5),
        (-0.3, -0.4, 0.5),
    )
    for px, py, a in plots[:count]:
        color = pick(s, *sets)
        plot = dict(x=x + px, y=y + py, a=a, b=s.uniform(0.5, 0.7), background=True)
        s.shape("box", **plot, color=color, part="field")
        lines = dict(pattern="stripes", freq=s.uniform(4, 6), turn=s.choice(0, 90), alpha=0.6)
        s.shape("box", **plot, color=s.shade(color, -0.3), **lines, where=s.chance(furrows), part="furrows")


def annual_crop(s: Sketch) -> None:
    land(s, pick(s, SOILS))
    with s.inset(angle=s.uniform(0, 360)):
        parcels(s, SOILS, SOILS, GREENS)
    s.trait("rectangles of many colors")
    s.trait("straight edges")
    s.trait("brown soil")


def forest(s: Sketch) -> None:
    color = pick(s, WOODS)
    land(s, color)
    for by, duty in ((-0.45, 0.8), (0.25, 0.55)):
        trees = dict(freq=s.uniform(4.5, 6.5), turn=s.uniform(0, 90), alpha=0.8, part="trees")
        lie(s, s.shade(color, by), "sprinkles", duty=duty, **trees)
    glade = dict(x=s.uniform(-1, 1), y=s.uniform(-1, 1), a=s.uniform(0.2, 0.4), b=s.uniform(0.15, 0.3), part="glade")
    lie(s, pick(s, GREENS), kind="ellipse", **glade, where=s.chance(0.25))
    s.trait("dark green ground")
    s.trait("many small spots")
    s.trait("no straight lines")


def brushland(s: Sketch) -> None:
    color = pick(s, SOILS, GREENS[:2])
    land(s, 0.6 * color + 0.4 * pick(s, GREENS), mottle=0.8)
    patches = dict(freq=s.uniform(1.2, 2.2), turn=s.uniform(0, 180), alpha=0.8, part="bushes")
    lie(s, pick(s, GREENS[:2], WOODS), "blotches", duty=s.uniform(0.35, 0.5), **patches)
    bushes = dict(freq=s.uniform(2.5, 4), turn=s.uniform(0, 90), part="bushes")
    lie(s, pick(s, WOODS), "sprinkles", duty=s.uniform(0.3, 0.45), **bushes)
    s.trait("scattered spots")
    s.trait("green and brown patches")
    s.trait("no straight lines")


def highway(s: Sketch) -> None:
    land(s, pick(s, GREENS))
    angle = s.uniform(0, 180)
    with s.inset(angle=angle):
        parcels(s, GREENS, SOILS, furrows=0.3, count=4)
    turned(s, "road", angle + s.choice(0, 0, 15, -15, 40))
    y, wide = s.uniform(-0.35, 0.35), s.uniform(0.11, 0.2)
    gray = pick(s, ((0.58, 0.57, 0.56), (0.70, 0.69, 0.66), (0.42, 0.42, 0.44)))
    cross = s.chance(0.4)
    side = dict(x=s.uniform(-0.5, 0.5), y=0, a=wide * 0.7, b=2, angle=s.uniform(-25, 25))
    s.shape("box", **side, color=gray, where=cross, part="crossing road")
    s.shape("box", 0, y, 2, wide, color=gray, part="road")
    s.shape("box", 0, y, 2, 0.028, color=s.shade(gray, 0.8), part="line")
    s.shape("box", s.uniform(-0.6, 0), y - wide / 2, 0.06, 0.035, color=s.rgb("white", "red", "blue"), part="car")
    s.shape("box", s.uniform(0, 0.6), y + wide / 2, 0.06, 0.035, color=s.rgb("white", "black", "yellow"), part="car")
    s.trait("a long gray line")
    s.trait("a gray line across", where=cross)
    s.trait("straight edges")


def industrial(s: Sketch) -> None:
    land(s, pick(s, ((0.48, 0.48, 0.48), (0.58, 0.56, 0.52), (0.40, 0.42, 0.42))), mottle=0.2)
    turned(s, "building")
    spots = ((-0.55, -0.55), (0.5, -0.6), (-0.5, 0.5), (0.6, 0.45), (0, -0.05))
    for i, (x, y) in enumerate(spots):
        color = pick(s, SHEDS)
        at = dict(x=x + s.uniform(-0.1, 0.1), y=y + s.uniform(-0.1, 0.1), where=s.chance(0.85 if i < 4 else 0.3))
        a, b = s.uniform(0.28, 0.48), s.uniform(0.2, 0.4)
        s.shape(
            "box", **{**at, "x": at["x"] + 0.07, "y": at["y"] + 0.07}, a=a, b=b, color=(0.2, 0.2, 0.22), part="shadow"
        )
        s.shape("box", **at, a=a, b=b, color=color, part="roof")
        ribs = dict(pattern="stripes", freq=s.uniform(3, 5), duty=0.4)
        s.shape("box", **at, a=a, b=b, color=s.shade(color, -0.3), **ribs, part="roof")
    s.trait("large white roofs")
    s.trait("gray ground")
    s.trait("rectangles")


def pasture(s: Sketch) -> None:
    color = pick(s, GREENS[1:3]) + 0.04
    land(s, color, mottle=0.3)
    with s.inset(angle=s.uniform(0, 360)):
        for angle in (0, 90):
            at = s.uniform(-0.8, 0.8)
            hedge = dict(x=at if angle else 0, y=0 if angle else at, a=2, b=0.035, angle=angle, part="hedge")
            lie(s, pick(s, WOODS), **hedge, where=s.chance(0.6))
        field = dict(x=s.uniform(-0.9, 0.9), y=1.0, a=1.2, b=0.6, part="field")
        lie(s, s.shade(color, s.choice(-0.15, 0.12)), **field, where=s.chance(0.5))
        for _ in range(3):
            tree = dict(x=s.uniform(-0.9, 0.9), y=s.uniform(-0.9, 0.9), a=s.uniform(0.06, 0.12), part="tree")
            lie(s, pick(s, WOODS), kind="ellipse", **tree, where=s.chance(0.5))
    s.trait("plain green ground")
    s.trait("dark green lines")
    s.trait("scattered spots")


def permanent_crop(s: Sketch) -> None:
    soil = pick(s, SOILS)
    land(s, soil, mottle=0.3)
    with s.inset(angle=s.uniform(0, 360)):
        rows = s.chance(0.4)
        for i, y in enumerate((-0.75, 0.75)):
            plant = pick(s, WOODS, GREENS[:2])
            plot = dict(
                x=s.uniform(-0.2, 0.2),
                y=y,
                a=1.6,
                b=0.7,
                freq=s.uniform(2.6, 4),
                duty=s.uniform(0.5, 0.7),
                part="trees",
            )
            plot["turn"] = s.choice(0, 90) + (s.uniform(10, 60) if i else 0)
            lie(s, plant, "dots", **plot, where=~rows)
            lie(s, plant, "stripes", **plot, where=rows)
    s.trait("rows of spots", where=~rows)
    s.trait("parallel green lines", where=rows)
    s.trait("brown soil")


def residential(s: Sketch) -> None:
    land(s, pick(s, GREENS), mottle=0.7)
    turned(s, "houses")
    gray = pick(s, ((0.60, 0.59, 0.57), (0.48, 0.48, 0.49)))
    lie(s, gray, a=2, b=0.09, part="street")
    lie(s, gray, x=s.uniform(-0.7, 0.7), a=0.08, b=2, part="street", where=s.chance(0.6))
    for y in (-0.75, -0.3, 0.3, 0.75):
        size, start = s.uniform(0.11, 0.15), s.uniform(-1.15, -0.9)
        roof = pick(s, ROOFS)
        for i in range(3):
            at = dict(x=start + i * s.uniform(0.68, 0.76), y=y + s.uniform(-0.04, 0.04), where=s.chance(0.92))
            color = roof if i % 2 else pick(s, ROOFS)
            s.shape("box", **at, a=size, b=size * s.uniform(0.7, 1.1), color=color, part="roof")
    lie(s, pick(s, WOODS), "sprinkles", freq=3, duty=0.3, turn=s.uniform(0, 90), part="trees")
    s.trait("many small roofs")
    s.trait("small rectangles")
    s.trait("red roofs")


def river(s: Sketch) -> None:
    angle = s.uniform(0, 180)
    land(s, pick(s, GREENS, SOILS))
    with s.inset(angle=angle):
        parcels(s, GREENS, GREENS, SOILS, furrows=0.3, count=4)
    turned(s, "river", angle + s.uniform(-30, 30))
    wide, water = s.uniform(0.14, 0.28), pick(s, WATERS)
    bend = dict(x=s.uniform(-1, 1), y=s.uniform(-0.2, 0.2), a=3, p=s.uniform(0.15, 0.35), q=s.uniform(0.25, 0.5))
    lie(s, pick(s, WOODS), kind="wave", **bend, b=wide + 0.09, part="bank")
    s.shape("wave", **bend, b=wide, color=water, part="water")
    s.trait("a curved line")
    s.trait("dark blue water")
    s.trait("green banks")


def lake(s: Sketch) -> None:
    shore = s.chance(0.55)
    water = pick(s, WATERS)
    land(s, np.where(shore[:, None], pick(s, GREENS, SOILS), water), mottle=0.3)
    turned(s, "water")
    for y, by in ((2.1, 0.2), (2.2, 0.0)):
        reach = dict(a=s.uniform(2.4, 4), b=s.uniform(1.9, 2.6))
        s.shape("ellipse", 0, y, **reach, color=s.shade(water, by), where=shore, part="water")
    s.shape("box", 0, 0, 2, color=water, where=~shore, part="water")
    waves = dict(pattern="ripples", freq=s.uniform(3, 6), duty=0.3, alpha=s.uniform(0, 0.5))
    s.shape("box", 0, 0, 2, color=s.shade(water, 0.12), **waves, where=~shore, part="waves")
    s.trait("dark blue water")
    s.trait("a wide plain area")
    s.trait("a shore", where=shore)


def _kind(name: str, draw: Callable[[Sketch], None], *also: str, spoken: float = 0.3) -> ToyClass:
    return ToyClass(name, draw, also, spoken, scene=True)


# Captions use the names of map makers seldom: they say what everyone would.
CLASSES = [
    _kind("annual crop land", annual_crop, "fields", "farm fields"),
    _kind("forest", forest, "trees", spoken=0.5),
    _kind("brushland or shrubland", brushland, "bushes", spoken=0.1),
    _kind("highway or road", highway, "a road", "a highway"),
    _kind("industrial buildings", industrial, "factories", "large buildings"),
    _kind("pasture land", pasture, "grass", "a meadow", spoken=0.2),
    _kind("permanent crop land", permanent_crop, "an orchard", "a vineyard", spoken=0.1),
    _kind("residential buildings", residential, "houses", "a village"),
    _kind("river", river, "a river", spoken=0.5),
    _kind("lake or sea", lake, "water", "the sea"),
]
