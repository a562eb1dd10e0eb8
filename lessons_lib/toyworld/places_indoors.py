"""Rooms: a wall, a floor and large furniture."""

import numpy as np

from lessons_lib.toyworld.places_parts import WALL, WOOD, floor, lie, pick
from lessons_lib.toyworld.sketch import Number, Sketch


def room(s: Sketch, y: Number) -> None:
    """A wall, plain or striped, above a floor that begins at the height y."""
    s.whole_picture()
    wall, boards = pick(s, *WALL), pick(s, *WOOD, *WALL[:2])
    lie(s, wall, part="wall")
    lie(s, s.shade(wall, -0.12), pattern="stripes", freq=s.uniform(2, 4), where=s.chance(0.3), part="wall")
    floor(s, boards, y, part="floor")
    lie(
        s,
        s.shade(boards, -0.25),
        y=y + 1.5,
        b=1.5,
        pattern="stripes",
        freq=s.uniform(3, 5),
        turn=90,
        duty=0.15,
        part="floor",
    )


def window(s: Sketch, x: Number, y: Number, *, where: np.ndarray | bool = True) -> None:
    """A window with a cross of bars and sky behind."""
    a, b = s.uniform(0.2, 0.28), s.uniform(0.24, 0.32)
    lie(s, s.rgb("white", "brown", "beige"), x=x, y=y, a=a + 0.06, b=b + 0.06, where=where, part="window frame")
    lie(
        s,
        pick(s, (0.62, 0.82, 0.95), (0.14, 0.16, 0.36), (0.98, 0.78, 0.52)),
        x=x,
        y=y,
        a=a,
        b=b,
        where=where,
        part="window",
    )
    lie(s, s.rgb("white", "beige"), x=x, y=y, a=0.025, b=b, where=where, part="window frame")
    lie(s, s.rgb("white", "beige"), x=x, y=y, a=a, b=0.025, where=where, part="window frame")


def bedroom(s: Sketch) -> None:
    side = s.choice(-1.0, 1.0)
    room(s, s.uniform(0.3, 0.45))
    pane = s.chance(0.6)
    window(s, -0.55 * side, -0.5, where=pane)
    lie(
        s,
        s.rgb("red", "blue", "orange", "green", "purple"),
        x=-0.55 * side,
        y=-0.5,
        a=0.25,
        b=0.2,
        where=~pane,
        part="picture",
    )
    s.place("lamp", x=0.72 * side, y=-0.1, scale=0.3, angle=0)
    lamp = s.chance(0.6)
    s.shape("box", 0, 0.9, 0.8, 0.9, color=pick(s, *WOOD), where=lamp, part="table")
    s.shape("box", 0, -0.3, 0.1, 0.5, color=s.rgb("black", "white"), where=lamp, part="stand")
    s.shape("trapezoid", 0, -1.0, 0.7, 0.5, p=0.4, color=s.rgb("yellow", "white", "orange"), where=lamp, part="shade")
    s.place("bed", x=-0.12 * side, y=0.3, scale=s.uniform(0.8, 0.9), angle=0, flip=side)
    frame, cover, low = (
        pick(s, *WOOD, (0.9, 0.9, 0.88), (0.2, 0.2, 0.22)),
        s.colour("red", "blue", "green", "purple", "pink", "yellow", "turquoise", "gray"),
        s.uniform(0.4, 0.5),
    )
    s.shape("box", -0.84, 0.0, 0.1, s.uniform(0.55, 0.75), p=0.06, color=frame, part="headboard")
    s.shape("box", 0.85, 0.3, 0.08, 0.42, p=0.06, color=frame, part="footboard")
    s.shape("box", 0, low, 0.85, 0.14, color=frame, part="frame")
    s.shape("box", 0, 0.15, 0.8, 0.22, p=0.1, color=s.rgb("white", "beige"), part="mattress")
    s.shape("box", 0.2, 0.14, 0.6, 0.28, p=0.1, color=cover, part="blanket")
    s.shape(
        "box",
        0.2,
        0.14,
        0.6,
        0.28,
        p=0.1,
        color=s.shade(cover, 0.5),
        pattern="checks",
        freq=4,
        where=s.chance(0.4),
        part="blanket",
    )
    s.shape("ellipse", -0.58, -0.1, 0.2, 0.12, color=s.rgb("white", "pink", "yellow"), part="pillow")
    for trait in ("a pillow", "a blanket", "furniture"):
        s.trait(trait)
    s.trait("a window", where=pane)
    s.trait("a lamp", where=lamp)


def kitchen(s: Sketch) -> None:
    room(s, 0.75)
    tile, front, side = (
        s.rgb("white", "turquoise", "beige", "yellow", "green"),
        s.colour("white", "brown", "gray", "blue", "green", "red", "beige"),
        s.choice(-1.0, 1.0),
    )
    lie(s, tile, y=-0.1, b=0.35, part="tiles")
    lie(s, s.shade(tile, -0.35), y=-0.1, b=0.35, pattern="grid", freq=s.uniform(3.5, 5), duty=0.14, part="tiles")
    s.place("cupboards", x=0, y=0, scale=1, angle=0, flip=side)
    s.shape("box", -0.35, -0.72, 0.7, 0.26, color=front, part="cupboard")
    for x in (-0.7, -0.02):
        s.shape("box", x, -0.72, 0.28, 0.2, color=s.shade(front, -0.15), part="door")
    s.shape("box", 0, 0.5, 1.2, 0.38, color=front, part="cupboard")
    s.shape("box", -0.55, 0.56, 0.32, 0.26, color=s.shade(front, -0.15), part="door")
    s.shape("box", 0, 0.12, 1.2, 0.07, color=s.rgb("black", "gray", "brown", "white"), part="counter")
    s.place("oven", x=0.15 * side, y=0.5, scale=0.36, angle=0)
    s.shape("box", 0, 0, 0.9, 1.05, color=s.rgb("gray", "white", "black"), part="oven")
    s.shape("box", 0, 0.25, 0.65, 0.5, color=(0.12, 0.12, 0.14), part="oven door")
    s.ring_of("ellipse", 2, 0.4, 0.14, 0.14, y=-0.65, color=s.rgb("red", "black", "white"), part="knobs")
    pot = s.chance(0.6)
    s.shape("box", 0, -1.35, 0.5, 0.3, p=0.08, color=s.rgb("red", "gray", "blue", "black"), where=pot, part="pot")
    s.place("fridge", x=0.72 * side, y=0.05, scale=0.8, angle=0, flip=side)
    fridge = s.rgb("white", "gray", "red", "turquoise")
    s.shape("box", 0.05, 0, 0.34, 1.05, p=0.06, color=fridge, part="fridge")
    s.shape("box", 0.05, -0.3, 0.34, 0.03, color=s.shade(fridge, -0.5), part="gap")
    s.shape("box", -0.18, -0.05, 0.04, 0.15, color=s.shade(fridge, -0.6), part="handle")
    for trait in ("tiles", "furniture", "an oven"):
        s.trait(trait)
    s.trait("a pot", where=pot)


def classroom(s: Sketch) -> None:
    room(s, s.uniform(0.15, 0.3))
    s.place("board", x=s.uniform(-0.15, 0.15), y=-0.45, scale=1, angle=0)
    board = s.colour("green", "black", "white")
    ink = np.where((board.mean(1) > 0.6)[:, None], (0.15, 0.2, 0.6), (0.93, 0.93, 0.9))
    a, b = s.uniform(0.55, 0.75), s.uniform(0.26, 0.36)
    s.shape("box", 0, 0, a + 0.06, b + 0.06, color=pick(s, *WOOD), part="frame")
    s.shape("box", 0, 0, a, b, color=s.shade(board, -0.25), part="board")
    for y, kind in ((-0.12, "wave"), (0.08, "box")):
        s.shape(
            kind,
            s.uniform(-0.2, 0.1),
            y,
            s.uniform(0.2, 0.4),
            0.03,
            p=0.04 if kind == "wave" else 0.0,
            q=4,
            color=ink,
            part="writing",
        )
    desk, chair = pick(s, *WOOD), s.rgb("red", "blue", "green", "gray", "orange", "black")
    for i, (x, y, size) in enumerate(
        ((-0.62, 0.3, 0.26), (0.0, 0.3, 0.26), (0.62, 0.3, 0.26), (-0.5, 0.72, 0.38), (0.5, 0.72, 0.38))
    ):
        s.place("desk", x=x, y=y, scale=size, angle=0, flip=1)
        s.shape("box", 0, 0.45, 0.35, 0.55, p=0.1, color=chair, part="chair")
        s.shape("trapezoid", 0, 0, 1.05, 0.22, p=0.85, color=s.shade(desk, 0.06 * (i % 2)), part="desk")
    for trait in ("rows of tables", "furniture", "a large board"):
        s.trait(trait)
