"""Aircraft from above and from the side: fourteen types, told apart by wings, engines and tail."""

from functools import partial

import numpy as np

from lessons_lib.toyworld.aircraft_views import DRAB, GLASS, PAINT, Above, Extra, Livery, Side, aircraft
from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Sketch

# --- what some types carry; the nose is to the right from the side, up from above


def _hump(s: Sketch, livery: Livery) -> None:
    s.shape("dome", 0.5, -0.12, 0.38, 0.24, color=livery.paint, part="upper deck", **livery.put)
    s.shape("box", 0.55, -0.22, 0.2, 0.04, color=GLASS, pattern="stripes", freq=8, part="windows", **livery.put)


def _nose_propeller(s: Sketch, livery: Livery, *, x: float, y: float = 0.0) -> None:
    """From the side: a spinner and the blades, seen edge-on."""
    dark, put = s.shade(livery.paint, -0.6), livery.put
    s.shape("box", x, y, 0.03, s.uniform(0.26, 0.36), p=0.03, color=dark, part="propeller", **put)
    s.shape("ellipse", x, y, 0.07, color=livery.second, part="spinner", **put)


def _struts(s: Sketch, livery: Livery, x: float, top: float, low: float, *, apart: float) -> None:
    """Two upright struts from y = top down to low, as one shape."""
    middle, half = (top + low) / 2, (low - top) / 2
    s.ring_of(
        "box", 2, apart, 0.03, half, x=x, y=middle, color=s.shade(livery.paint, -0.55), part="strut", **livery.put
    )


def _wheels(s: Sketch, livery: Livery, *, y: float) -> None:
    _struts(s, livery, 0.25, 0.1, y, apart=0.2)
    black = s.rgb("black", jitter=0.03)
    s.ring_of("ellipse", 2, 0.22, 0.11, 0.11, x=0.25, y=y, color=black, part="wheel", **livery.put)


def _floats(s: Sketch, livery: Livery) -> None:
    _nose_propeller(s, livery, x=0.84)
    _struts(s, livery, 0.15, 0.1, 0.45, apart=0.25)
    colour = s.rgb("white", "gray", "red", "yellow", "black")
    s.shape("box", 0.16, 0.5, 0.62, 0.11, p=0.1, color=colour, part="float", **livery.put)


def _two_wings(s: Sketch, livery: Livery) -> None:
    put, y = livery.put, s.uniform(-0.52, -0.44)
    _struts(s, livery, 0.3, y, 0.17, apart=0.25)
    s.shape("ellipse", -0.2, -0.24, 0.12, color=s.rgb("brown", "beige", "black"), part="pilot", **put)
    s.shape("box", 0.34, y, 0.46, 0.07, p=0.06, color=livery.wing, part="wing", **put)
    s.shape("box", 0.26, 0.17, 0.46, 0.07, p=0.06, color=livery.wing, part="wing", **put)
    _wheels(s, livery, y=0.46)
    _nose_propeller(s, livery, x=0.84)


def _cargo(s: Sketch, livery: Livery) -> None:
    dark, put = s.shade(livery.wing, -0.6), livery.put
    s.shape("box", 0.5, -0.17, 0.22, 0.1, p=0.08, color=dark, part="engine", **put)
    s.shape("box", 0.73, -0.17, 0.03, 0.25, p=0.03, color=dark, part="propeller", **put)
    s.shape("box", 0.1, 0.3, 0.3, 0.08, p=0.06, color=s.shade(livery.paint, -0.35), part="wheel housing", **put)


def _propeller_above(s: Sketch, livery: Livery) -> None:
    s.shape("box", 0, -0.8, 0.26, 0.04, p=0.04, color=s.shade(livery.paint, -0.6), part="propeller", **livery.put)
    s.shape("box", 0, -0.42, 0.1, 0.1, p=0.04, color=GLASS, part="cockpit", **livery.put)


def _rear_engines(s: Sketch, livery: Livery) -> None:
    dark = s.shade(livery.second, -0.3)
    s.ring_of("box", 2, 0.17, 0.08, 0.17, y=0.45, p=0.06, color=dark, part="engine", **livery.put)


def _canopy(s: Sketch, livery: Livery, *, y: float = -0.5, width: float = 0.08, length: float = 0.2) -> None:
    s.shape("ellipse", 0, y, width, length, color=s.shade(np.tile(GLASS, (s.n, 1)), -0.3), part="cockpit", **livery.put)


def _fighter(s: Sketch, livery: Livery) -> None:
    for side in (-1, 1):
        s.line(side * 0.17, 0.45, side * 0.26, 0.85, 0.04, color=s.shade(livery.paint, -0.5), part="fin", **livery.put)
    s.shape("box", 0, 0.93, 0.1, 0.07, color=s.rgb("orange", "black", "yellow"), part="exhaust", **livery.put)
    _canopy(s, livery)


def _delta(s: Sketch, livery: Livery) -> None:
    dark = s.shade(livery.paint, -0.55)
    s.ring_of("box", 2, 0.26, 0.08, 0.14, y=0.78, p=0.03, color=dark, part="engine", **livery.put)
    s.line(0, 0.4, 0, 0.9, 0.035, color=s.shade(livery.second, -0.2), part="fin", **livery.put)


def _flying_wing(s: Sketch, livery: Livery) -> None:
    put = livery.put
    s.shape("star", 0, 0.12, 0.42, p=4, q=0.7, color=livery.wing, part="body", **put)
    s.shape("ellipse", 0, 0.0, 0.13, 0.28, color=s.shade(livery.wing, 0.25), part="body", **put)
    s.shape("box", 0, -0.17, 0.09, 0.05, p=0.04, color=GLASS, part="cockpit", **put)
    dark = s.shade(livery.wing, -0.5)
    s.ring_of("box", 2, 0.25, 0.07, 0.12, y=0.08, p=0.04, color=dark, part="air intake", **put)


def helicopter(s: Sketch) -> None:
    """A cabin under a wide rotor, a thin boom with a small rotor, skids."""
    paint, second = s.colour(*PAINT), s.rgb("red", "blue", "yellow", "black", "white")
    dark, cabin = s.shade(paint, -0.55), s.uniform(0.32, 0.4)
    with s.inset(y=0.08, angle=s.uniform(-10, 14)):
        s.line(0.2, -0.05, -0.86, -0.18, 0.065, color=paint, part="boom")
        s.shape("trapezoid", -0.86, -0.28, 0.1, 0.2, p=0.06, q=-0.08, color=second, part="fin")
        s.ring_of("box", 4, 0.09, 0.1, 0.03, x=-0.9, y=-0.2, start=s.uniform(0, 90), color=dark, part="tail rotor")
        s.ring_of("box", 2, 0.2, 0.03, 0.2, x=0.3, y=0.36, color=dark, part="strut")
        s.line(-0.15, 0.55, 0.8, 0.55, 0.04, color=dark, part="skid")
        s.shape("ellipse", 0.3, 0.06, 0.5, cabin, color=paint, part="cabin")
        s.shape("ellipse", 0.5, -0.02, 0.24, cabin * 0.6, color=GLASS, part="window")
        s.shape("box", 0.25, -0.42, 0.05, 0.14, color=dark, part="mast")
        s.shape(
            "box", 0.25, -0.52, s.uniform(0.6, 0.95), 0.04, p=0.04, angle=s.uniform(-4, 4), color=dark, part="rotor"
        )
    for phrase in ("a rotor", "no wings", "a thin tail"):
        s.trait(phrase)


def _small(extra: Extra, *traits: str, wing: str = "high") -> Side:
    """A single-engined aeroplane with a thin tail."""
    nose = "a propeller on the nose"
    return Side((0.78, 0.2), (0.42, 0.18, 0.1), wing=wing, taper=True, extra=extra, traits=(*traits, nose))


def _light(s: Sketch, livery: Livery) -> None:
    _wheels(s, livery, y=0.44)
    _nose_propeller(s, livery, x=0.84)


SWEPT = (0.02, 0.24, 0.08, 0.9, 0.42)
TYPES = {
    "airliner": dict(
        above=Above((0.1, 0.95), SWEPT, engines=((0.36, -0.08),), traits=("swept wings", "two engines")),
        side=Side((0.95, 0.16), (0.5, 0.2, 0.1), windows=True, engines=((0.16, 0.3),), traits=("a row of windows",)),
    ),
    "jumbo jet": dict(
        above=Above((0.15, 0.98), SWEPT, engines=((0.34, -0.1), (0.62, 0.1)), traits=("swept wings", "four engines")),
        side=Side((0.95, 0.24), (0.56, 0.22, 0.12), windows=True, engines=((0.3, 0.36), (-0.08, 0.5)), extra=_hump,
                  traits=("a hump behind the nose", "two rows of windows", "two engines")),
    ),
    "business jet": dict(
        above=Above((0.08, 0.85), (0.06, 0.16, 0.07, 0.72, 0.2), (0.82, 0.11, 0.07, 0.34, 0.14), extra=_rear_engines,
                    traits=("engines at the tail", "short wings")),
        side=Side((0.82, 0.14), (0.46, 0.18, 0.12), tee=True, windows=True, engines=((-0.38, -0.14),),
                  traits=("engines at the tail", "a high tail")),
    ),
    "propeller plane": dict(
        above=Above((0.1, 0.75), (-0.28, 0.17, 0.14, 0.9, 0.0), (0.68, 0.12, 0.08, 0.34, 0.04), extra=_propeller_above,
                    traits=("a propeller on the nose", "straight wings")),
        side=_small(_light, "a high wing", "wheels"),
    ),
    "seaplane": dict(side=_small(_floats, "a high wing", "floats")),
    "biplane": dict(side=_small(_two_wings, "two wings, one above the other", "an open cockpit", wing="none")),
    "cargo plane": dict(
        side=Side((0.92, 0.28), (0.62, 0.18, 0.12), tee=True, wing="high", taper=True, extra=_cargo,
                  traits=("a fat body", "a high wing", "a high tail")),
        paint=DRAB,
    ),
    "glider": dict(
        above=Above((0.06, 0.6), (-0.12, 0.09, 0.045, 1.12, 0.02), (0.52, 0.06, 0.05, 0.2, 0.02),
                    extra=partial(_canopy, y=-0.36, width=0.06, length=0.14),
                    traits=("very long thin wings", "no engine", "straight wings")),
        paint=("white", "white", "white", "red", "yellow", "orange", "blue"),
    ),
    "fighter jet": dict(
        above=Above((0.13, 1.0), (0.16, 0.34, 0.1, 0.62, 0.28), (0.72, 0.15, 0.08, 0.42, 0.16), pointed=True,
                    extra=_fighter, traits=("a pointed nose", "two fins", "short wings", "swept wings")),
        paint=DRAB,
    ),
    "delta-wing jet": dict(
        above=Above((0.09, 1.0), (0.2, 0.66, 0.06, 0.62, 0.54), None, pointed=True, extra=_delta,
                    traits=("triangular wings", "a pointed nose", "no tailplane")),
    ),
    "stealth bomber": dict(
        above=Above((0.1, 0.1), (-0.02, 0.24, 0.07, 1.05, 0.5), None, extra=_flying_wing,
                    traits=("no tail", "a flat body", "swept wings")),
        paint=("black", "black", "gray", "gray", "blue", "brown"), marked=0.0,
    ),
    "heavy bomber": dict(
        above=Above((0.12, 0.92), (-0.12, 0.19, 0.09, 1.0, 0.08), (0.76, 0.12, 0.09, 0.46, 0.02), props=True,
                    engines=((0.32, -0.26), (0.62, -0.22)), traits=("four propellers", "straight wings")),
        paint=DRAB,
    ),
    "turboprop": dict(
        above=Above((0.12, 0.85), (-0.05, 0.17, 0.09, 0.92, 0.04), (0.74, 0.11, 0.08, 0.36, 0.03), props=True,
                    engines=((0.4, -0.22),), traits=("two propellers", "straight wings")),
    ),
}  # fmt: skip

ALSO = {
    "airliner": ("passenger plane",), "jumbo jet": ("wide-body jet",), "business jet": ("private jet",),
    "propeller plane": ("light aircraft",), "seaplane": ("floatplane",), "cargo plane": ("military transport",),
    "glider": ("sailplane",), "fighter jet": ("fighter", "warplane"), "delta-wing jet": ("supersonic jet",),
    "stealth bomber": ("flying wing",), "heavy bomber": ("bomber",), "turboprop": ("twin-engine plane",),
    "helicopter": ("chopper",),
}  # fmt: skip
RARE = {"turboprop": 0.15, "heavy bomber": 0.3, "business jet": 0.25, "delta-wing jet": 0.3, "cargo plane": 0.35}

CLASSES = [ToyClass("helicopter", helicopter, also=ALSO["helicopter"])] + [
    ToyClass(name, partial(aircraft, **views), also=ALSO.get(name, ()), spoken=RARE.get(name, 1.0))
    for name, views in TYPES.items()
]
