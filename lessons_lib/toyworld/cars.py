"""Cars from the side: fourteen body styles, told apart by roof line, windows, length and wheels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Sketch

PAINT = ("red", "orange", "yellow", "green", "blue", "purple", "black", "white", "gray", "turquoise", "brown", "beige")
GROUND = 0.56  # where the wheels stand


@dataclass(frozen=True)
class Body:
    """A body style, its nose to the right: x from -1 (tail) to 1 (nose), y down.

    base, roof_line: the cabin's rear and front end at the belt and at the roof; glass: which part of the cabin has
    windows, as fractions from the rear; nose, tail: how far the lower body leans in at the belt; axles: the wheels' x.
    """

    belt: float  # y of the hood, the boot and the windows' lower edge
    roof: float  # y of the roof; the belt's y or below: no roof at all
    base: tuple[float, float] = (0.0, 0.0)
    roof_line: tuple[float, float] = (0.0, 0.0)
    windows: int = 2
    glass: tuple[float, float] = (0.0, 1.0)
    half_length: float = 1.0
    nose: float = 0.1
    tail: float = 0.06
    wheel: float = 0.22
    axles: tuple[float, float] = (-0.58, 0.6)
    sill: float = 0.38  # y of the body's lower edge
    rounded: bool = False  # a cabin that is a dome
    rack: float = 0.0  # share of pictures with a roof rack
    extra: Callable[[Sketch, "Look"], None] | None = None
    traits: tuple[str, ...] = field(default=())


@dataclass
class Look:
    """What a car shares with its extras: paint and glass (n, 3), and the stretched heights (n,)."""

    paint: np.ndarray
    glass: np.ndarray
    belt: np.ndarray
    roof: np.ndarray


def _slab(s: Sketch, low: np.ndarray, high: np.ndarray, base: tuple, top: tuple, **kwargs) -> None:
    """A trapezoid given by its lower and upper y and the x of its ends on both."""
    (b0, b1), (t0, t1) = base, top
    s.shape("trapezoid", (b0 + b1) / 2, (low + high) / 2, (b1 - b0) / 2, (low - high) / 2, p=(t1 - t0) / 2,
            q=(t0 + t1 - b0 - b1) / 2, **kwargs)  # fmt: skip


def car(s: Sketch, body: Body) -> None:
    """Any of the body styles, every picture with its own proportions, paint, glass, rims and trim."""
    paint = s.colour(*PAINT)
    bright = (paint @ np.array([0.3, 0.55, 0.15]) > 0.42)[:, None]
    glass = s.shade(np.where(bright, (0.2, 0.25, 0.33), (0.78, 0.88, 0.93)) * s.uniform(0.8, 1.1)[:, None], 0.0)
    tall, long = s.uniform(0.9, 1.12), s.uniform(0.92, 1.0)
    sill = body.sill + s.uniform(-0.02, 0.03)
    belt, roof = sill + (body.belt - body.sill) * tall, sill + (body.roof - body.sill) * tall
    half = body.half_length * long
    look = Look(paint, glass, belt, roof)
    if body.roof < body.belt:
        base, top = tuple(x * long for x in body.base), tuple(x * long for x in body.roof_line)
        if body.rounded:
            middle, wide = (base[0] + base[1]) / 2, (base[1] - base[0]) / 2
            s.shape("dome", middle, belt, wide, belt - roof, color=paint, part="cabin")
            s.shape("dome", middle, belt, wide - 0.1, belt - roof - 0.1, color=glass, part="window")
        else:
            _slab(s, belt + 0.05, roof, base, top, color=paint, part="cabin")
            _windows(s, body, look, base, top)
        racked = s.chance(body.rack)
        rail = dict(color=s.rgb("gray", "black"), part="roof rack", where=racked)
        s.line(top[0] + 0.12, roof - 0.07, top[1] - 0.12, roof - 0.07, 0.035, **rail)
        s.trait("a roof rack", racked)
    _slab(s, sill, belt, (-half, half), (-half + body.tail, half - body.nose), color=paint, part="body")
    trim = s.chance(0.35)
    s.shape(
        "box",
        0,
        (sill + belt) / 2,
        half - 0.09,
        0.045,
        color=s.rgb("white", "black", "gray", "red"),
        part="stripe",
        where=trim,
    )
    s.trait("a stripe along the side", trim)
    s.shape("box", 0, sill, half, 0.07, p=0.07, color=s.shade(paint, -0.45), part="bumper")
    if body.extra:
        body.extra(s, look)
    lamp = belt + 0.36 * (sill - belt)
    s.shape("ellipse", half - 0.5 * body.nose - 0.07, lamp, 0.07, color=s.rgb("yellow", "white"), part="headlight")
    s.shape("box", -half + 0.5 * body.tail + 0.05, lamp, 0.05, 0.08, color=s.rgb("red", "orange"), part="tail light")
    wheel = body.wheel * s.uniform(0.93, 1.07)
    middle, spread = long * sum(body.axles) / 2, long * (body.axles[1] - body.axles[0]) / 2
    wheels = dict(x=middle, y=GROUND - wheel)
    s.ring_of("ellipse", 2, spread, wheel, wheel, color=s.rgb("black", jitter=0.03), part="wheel", **wheels)
    rim = wheel * s.uniform(0.45, 0.65)
    s.ring_of(
        "ellipse", 2, spread, rim, rim, color=s.rgb("gray", "white", "white", "red", "yellow"), part="rim", **wheels
    )
    for phrase in body.traits:
        s.trait(phrase)


def _windows(s: Sketch, body: Body, look: Look, base: tuple, top: tuple) -> None:
    """One pane along the cabin, divided by pillars in the body's paint."""

    def at(ends: tuple, f: float) -> np.ndarray:
        return ends[0] + (ends[1] - ends[0]) * f

    (f0, f1), low, high = body.glass, look.belt - 0.02, look.roof + 0.09
    pane_base = at(base, f0) + 0.09, at(base, f1) - 0.09
    pane_top = at(top, f0) + 0.09, at(top, f1) - 0.09
    _slab(s, low, high, pane_base, pane_top, color=look.glass, part="window")
    for i in range(1, body.windows):
        f = i / body.windows
        s.line(at(pane_base, f), low, at(pane_top, f), high, 0.035, color=look.paint, part="pillar")


# --- what some styles carry


def _wing(s: Sketch, look: Look) -> None:
    winged, dark = s.chance(0.75), s.rgb("black", "gray", "white", "red")
    s.line(-0.8, look.belt - 0.1, -0.8, look.belt + 0.03, 0.035, color=dark, part="strut", where=winged)
    s.line(-0.97, look.belt - 0.15, -0.66, look.belt - 0.12, 0.045, color=dark, part="rear wing", where=winged)
    s.trait("a rear wing", winged)


def _open_top(s: Sketch, look: Look) -> None:
    seat, driven = s.rgb("black", "brown", "red", "beige", "white"), s.chance(0.5)
    y, hair = look.belt, s.rgb("black", "brown", "yellow")
    s.shape("box", -0.5, y - 0.02, 0.24, 0.08, p=0.08, color=s.shade(seat, -0.3), part="folded roof")
    for x in (-0.28, 0.08):
        s.shape("box", x, y - 0.06, 0.07, 0.16, p=0.06, angle=-12, color=seat, part="seat")
    s.shape("ellipse", 0.2, y - 0.22, 0.12, color=(0.9, 0.72, 0.58), part="driver", where=driven)
    s.shape("dome", 0.18, y - 0.24, 0.13, 0.13, p=0.2, color=hair, part="hair", where=driven)
    s.line(0.5, y + 0.02, 0.28, y - 0.34, 0.04, color=look.glass, part="windscreen")
    s.trait("a driver", driven)


def _bed(s: Sketch, look: Look, front: float) -> None:
    loaded, dark = s.chance(0.35), s.shade(look.paint, -0.6)
    y, middle = look.belt, (front - 0.95) / 2
    load = s.rgb("brown", "beige", "green", "yellow", "gray")
    s.shape("box", middle, y - 0.1, 0.2, 0.15, p=0.03, color=load, part="load", where=loaded)
    s.shape("box", middle, y + 0.03, (front + 0.93) / 2, 0.05, color=dark, part="bed")
    s.shape("box", front, y + 0.1, 0.025, 0.16, color=dark, part="gap")
    s.trait("an open bed")
    s.trait("a load in the back", loaded)


def _spare_wheel(s: Sketch, look: Look) -> None:
    y = look.belt + 0.02
    s.shape("box", -0.88, y, 0.1, 0.22, p=0.08, color=s.rgb("black", jitter=0.03), part="spare wheel")
    s.shape("box", 0.88, look.belt + 0.16, 0.05, 0.13, p=0.02, color=s.rgb("black", "gray"), part="grille")
    s.trait("a spare wheel at the back")


def _sign(s: Sketch, look: Look) -> None:
    lettered, colour = s.chance(0.5), s.rgb("red", "blue", "green", "yellow", "black", "white")
    y = look.roof + 0.32
    s.shape("box", -0.42, y, 0.34, 0.13, p=0.04, color=colour, part="sign", where=lettered)
    s.shape("box", -0.42, y, 0.26, 0.03, color=s.shade(colour, 0.8), part="lettering", where=lettered & s.chance(0.6))
    s.trait("a sign on the side", lettered)


BODIES = {
    "sedan": Body(0.0, -0.38, (-0.66, 0.5), (-0.36, 0.2), 2,
                  traits=("a boot at the back", "two side windows", "a long hood")),
    "coupe": Body(0.02, -0.33, (-0.86, 0.46), (-0.22, 0.14), 1, tail=0.02, nose=0.14,
                  traits=("a sloping back", "one side window", "a long hood", "a low roof")),
    "hatchback": Body(-0.04, -0.48, (-0.72, 0.5), (-0.56, 0.2), 2, half_length=0.78, axles=(-0.47, 0.47), tail=0.04,
                      traits=("a short body", "a steep back", "two side windows")),
    "station wagon": Body(0.0, -0.38, (-0.97, 0.48), (-0.86, 0.18), 3, tail=0.02, rack=0.4,
                          traits=("a steep back", "three side windows", "a long hood")),
    "convertible": Body(0.03, 0.03, nose=0.14, tail=0.1, extra=_open_top,
                        traits=("no roof", "open seats", "a long hood")),
    "sports car": Body(0.12, -0.2, (-0.6, 0.42), (-0.2, 0.08), 1, nose=0.42, tail=0.02, wheel=0.24, sill=0.42,
                       axles=(-0.6, 0.56), extra=_wing, traits=("a low roof", "a pointed nose", "one side window")),
    "suv": Body(-0.1, -0.54, (-0.93, 0.46), (-0.82, 0.26), 3, wheel=0.27, sill=0.33, axles=(-0.56, 0.56), rack=0.6,
                traits=("big wheels", "a steep back", "three side windows", "a high roof")),
    "jeep": Body(-0.08, -0.56, (-0.76, 0.24), (-0.74, 0.18), 2, half_length=0.86, nose=0.02, tail=0.02, wheel=0.29,
                 sill=0.3, axles=(-0.5, 0.54), extra=_spare_wheel,
                 traits=("big wheels", "a boxy body", "an upright windscreen")),
    "minivan": Body(-0.08, -0.54, (-0.95, 0.82), (-0.84, 0.2), 3, nose=0.12, tail=0.02, axles=(-0.58, 0.62), rack=0.2,
                    traits=("a sloping windscreen", "three side windows", "a short hood", "a high roof")),
    "cargo van": Body(-0.12, -0.74, (-0.97, 0.8), (-0.94, 0.42), 1, glass=(0.66, 1.0), nose=0.06, tail=0.02,
                      extra=_sign, traits=("a very high roof", "one side window", "a short hood", "a boxy body")),
    "pickup truck": Body(-0.04, -0.46, (-0.18, 0.48), (-0.12, 0.24), 1, wheel=0.26, nose=0.06, tail=0.02, sill=0.35,
                         extra=partial(_bed, front=-0.2), traits=("one side window", "big wheels", "a long hood")),
    "crew cab pickup": Body(-0.04, -0.46, (-0.4, 0.64), (-0.34, 0.4), 2, wheel=0.26, nose=0.06, tail=0.02, sill=0.35,
                            extra=partial(_bed, front=-0.42), traits=("two side windows", "big wheels")),
    "limousine": Body(0.06, -0.22, (-0.84, 0.68), (-0.7, 0.5), 6, wheel=0.16, axles=(-0.74, 0.78), sill=0.42, nose=0.06,
                      traits=("a very long body", "many side windows", "small wheels")),
    "microcar": Body(-0.04, -0.64, (-0.56, 0.5), (0.0, 0.0), 1, half_length=0.62, axles=(-0.38, 0.38), nose=0.12,
                     tail=0.1, rounded=True,
                     traits=("a short body", "a round roof", "one side window", "a high roof")),
}  # fmt: skip

ALSO = {
    "sedan": ("saloon car",), "coupe": ("two-door car",), "hatchback": ("compact car",),
    "station wagon": ("estate car",), "convertible": ("cabriolet", "roadster"), "sports car": ("supercar",),
    "suv": ("off-roader",), "jeep": ("4x4",), "minivan": ("people carrier",), "cargo van": ("delivery van",),
    "pickup truck": ("pickup",), "limousine": ("limo",), "crew cab pickup": ("double cab truck",),
    "microcar": ("city car",),
}  # fmt: skip
RARE = {"coupe": 0.3, "station wagon": 0.25, "crew cab pickup": 0.15, "microcar": 0.15, "minivan": 0.35}

CLASSES = [
    ToyClass(name, partial(car, body=body), also=ALSO[name], spoken=RARE.get(name, 1.0))
    for name, body in BODIES.items()
]
