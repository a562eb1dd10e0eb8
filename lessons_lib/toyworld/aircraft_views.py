"""What every type of aircraft is drawn with: one drawing from above, one from the side, both from a few numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lessons_lib.toyworld.sketch import Sketch

PAINT = ("white", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "turquoise", "beige", "black")
DRAB = ("gray", "gray", "green", "black", "beige", "blue", "white")
GLASS = (0.22, 0.36, 0.5)
Extra = Callable[[Sketch, "Livery"], None]


@dataclass
class Livery:
    """What the parts of an aircraft share: three colours, each (n, 3), and in `put` where it is drawn at all."""

    paint: np.ndarray
    second: np.ndarray
    wing: np.ndarray
    put: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Above:
    """A type seen from above, its nose up: x sideways, y from -1 (nose) to 1 (tail).

    body: half-width and half-length of the fuselage; wing: y of the root's middle, half-chords at root and tip,
    half-span, and how far back the tip lies; tail: the same for the tailplane, or None; engines: x and y of those on
    the right wing.
    """

    body: tuple[float, float]
    wing: tuple[float, float, float, float, float]
    tail: tuple[float, float, float, float, float] | None = (0.78, 0.13, 0.07, 0.36, 0.14)
    engines: tuple[tuple[float, float], ...] = ()
    props: bool = False
    pointed: bool = False
    extra: Extra | None = None
    traits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Side:
    """A type seen from the side, its nose to the right: x from -1 (tail) to 1 (nose), y down.

    body: half-length and half-height of the fuselage; fin: its height, half-chords at the foot and at the top; tee: the
    tailplane sits on top of the fin; wing: "low", "high" or "none"; taper: the fuselage narrows towards the tail.
    """

    body: tuple[float, float]
    fin: tuple[float, float, float]
    tee: bool = False
    wing: str = "low"
    taper: bool = False
    windows: bool = False
    engines: tuple[tuple[float, float], ...] = ()
    extra: Extra | None = None
    traits: tuple[str, ...] = ()


def aircraft(
    s: Sketch,
    *,
    above: Above | None = None,
    side: Side | None = None,
    paint: tuple[str, ...] = PAINT,
    marked: float = 0.45,
) -> None:
    """A type in its own paint; a share `marked` has coloured wings or tail. A picture shows one view."""
    colour, second = s.colour(*paint), s.rgb("red", "blue", "yellow", "black", "orange", "green", "gray")
    marked = s.chance(marked)
    wing = np.where(marked[:, None], second, s.shade(colour, -0.15))
    seen_above = s.chance(0.5) if above and side else np.full(s.n, above is not None)
    if above:
        from_above(s, above, Livery(colour, second, wing, dict(where=seen_above)))
        s.trait("coloured wings", marked & seen_above)
    if side:
        from_side(s, side, Livery(colour, second, wing, dict(where=~seen_above)))
        s.trait("a coloured tail", marked & ~seen_above)


def _pair(s: Sketch, wing: tuple, stretch: np.ndarray | float, **kwargs) -> None:
    """A left and a right wing that narrow and lean back: trapezoids on their sides, the root their foot."""
    y, root, tip, span, back = wing
    span = span * stretch
    for side in (-1, 1):
        s.shape("trapezoid", side * span / 2, y, root, span / 2, angle=side * 90, p=tip, q=side * back, **kwargs)


def from_above(s: Sketch, plane: Above, livery: Livery) -> None:
    """Any of the types from above, flying up the picture, more or less to the left or right."""
    put, stretch, (width, length) = livery.put, s.uniform(0.88, 1.08), plane.body
    width, dark = width * s.uniform(0.85, 1.15), s.shade(livery.paint, -0.55)
    with s.inset(angle=s.uniform(-40, 40)):
        for x, y in plane.engines:
            s.ring_of("box", 2, x * stretch, 0.06, 0.16, y=y, p=0.05, color=dark, part="engine", **put)
        if plane.tail:
            _pair(s, plane.tail, 1.0, color=livery.wing, part="tailplane", **put)
        _pair(s, plane.wing, stretch, color=livery.wing, part="wing", **put)
        for x, y in plane.engines if plane.props else ():
            s.ring_of("box", 2, x * stretch, 0.15, 0.035, y=y - 0.16, p=0.03, color=dark, part="propeller", **put)
        if plane.pointed:
            s.shape("leaf", 0, 0, length, width, angle=90, color=livery.paint, part="fuselage", **put)
        else:
            s.shape("box", 0, 0, width, length, p=width, color=livery.paint, part="fuselage", **put)
        if plane.extra:
            plane.extra(s, livery)
    for phrase in plane.traits:
        s.trait(phrase, put["where"])


def from_side(s: Sketch, plane: Side, livery: Livery) -> None:
    """Any of the types from the side, level, climbing or sinking a little."""
    put, (length, high), (fin, root, tip) = livery.put, plane.body, plane.fin
    high, fin = high * s.uniform(0.88, 1.12), fin * s.uniform(0.9, 1.1)
    striped, dark = s.chance(0.4) & put["where"], s.shade(livery.wing, -0.35)
    with s.inset(angle=s.uniform(-16, 8)):
        x = -length + 0.3
        s.shape("trapezoid", x, -fin / 2, root, fin / 2, p=tip, q=-0.2, color=livery.wing, part="fin", **put)
        tail_x, tail_y = (x - 0.16, -fin) if plane.tee else (x - 0.1, -0.05)
        if plane.taper:
            s.shape("trapezoid", -length / 2, 0, high, length / 2, angle=-90, p=0.35 * high, q=0.65 * high,
                    color=livery.paint, part="fuselage", **put)  # fmt: skip
            s.shape("box", 0.35 * length, 0, 0.65 * length, high, p=high, color=livery.paint, part="fuselage", **put)
            tail_y = tail_y if plane.tee else -high
        else:
            s.shape("box", 0, 0, length, high, p=high, color=livery.paint, part="fuselage", **put)
        s.shape("box", tail_x, tail_y, 0.22, 0.05, p=0.05, color=dark, part="tailplane", **put)
        s.shape("box", 0.08, high * 0.45, length - 0.3, 0.04, color=livery.second, part="stripe", where=striped)
        if plane.windows:
            s.shape("box", 0, -high * 0.25, length - 0.32, 0.05, color=GLASS, pattern="stripes", freq=8, duty=0.6,
                    part="windows", **put)  # fmt: skip
        s.shape("box", length - 0.18, -high * 0.4, 0.1, 0.07, p=0.05, color=GLASS, part="cockpit", **put)
        if plane.wing == "low":
            s.shape("trapezoid", -0.05, high * 0.4 + 0.2, 0.3, 0.22, angle=180, p=0.11, q=0.42, color=dark,
                    part="wing", **put)  # fmt: skip
        elif plane.wing == "high":
            s.shape("box", 0.15, -high - 0.02, 0.42, 0.07, p=0.06, color=dark, part="wing", **put)
        for ex, ey in plane.engines:
            s.shape("box", ex, ey, 0.17, 0.09, p=0.06, color=s.shade(livery.second, -0.2), part="engine", **put)
        if plane.extra:
            plane.extra(s, livery)
    s.trait("a stripe along the side", striped)
    for phrase in plane.traits:
        s.trait(phrase, put["where"])
