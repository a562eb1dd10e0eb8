"""Pets: breeds of dogs and cats, told apart by ears, muzzle, markings and coat; one drawing function and a table."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Number, Sketch


@dataclass(frozen=True)
class Breed:
    """What tells one breed from another.

    coats: its colours; ears: a key of `EARS`; head: half-width and half-height; muzzle: half-width and half-height of
    the snout (none: a cat's pads); snout: how its colour differs from the coat's, -1 black to 1 white; marks: keys of
    `MARKS`; eyes: the iris's colours; eye: its radius; fur: "short", "long", "curly" or "bare"; traits: what else is
    """

    coats: tuple[str, ...]
    ears: str
    head: tuple[float, float] = (0.6, 0.58)
    muzzle: tuple[float, float] | None = None
    snout: float = 0.3
    marks: tuple[str, ...] = ()
    eyes: tuple[str, ...] = ("brown", "black")
    eye: float = 0.12
    fur: str = "short"
    traits: tuple[str, ...] = ()


def _pair(s: Sketch, kind: str, x: Number, y: Number, a: Number, b: Number, *, angle: Number = 0.0, **kwargs) -> None:
    """A shape on the right and its mirror image on the left."""
    s.shape(kind, x, y, a, b, angle=angle, **kwargs)
    s.shape(kind, -np.asarray(x), y, a, b, angle=-np.asarray(angle), **kwargs)


def _pointed(s: Sketch, w: float, h: float, coat: np.ndarray, size: float = 1.0) -> None:
    """Upright triangles; size 1.4 makes them huge."""
    tall, lean = s.uniform(0.3, 0.36) * size, s.uniform(8, 22) * size**2
    x, y = w * (0.55 + 0.15 * size), -h * 0.72 - 0.12 * size
    _pair(s, "trapezoid", x, y, 0.28 * size, tall, p=0.03, angle=lean, color=s.shade(coat, -0.15), part="ear")
    _pair(s, "trapezoid", x, y + 0.05, 0.15 * size, tall * 0.68, p=0.02, angle=lean, color=s.rgb("pink"), part="ear")
    s.trait("huge ears" if size > 1.2 else "pointed ears")


def _floppy(s: Sketch, w: float, h: float, coat: np.ndarray) -> None:
    """Ellipses that hang at both sides of the face."""
    _pair(s, "ellipse", w * 0.98, s.uniform(0.03, 0.15), 0.19, 0.48, angle=s.uniform(-18, -4),
          color=s.shade(coat, -0.42), part="ear")  # fmt: skip
    s.trait("floppy ears")


def _half(s: Sketch, w: float, h: float, coat: np.ndarray) -> None:
    """Small triangles whose tips fall outwards and down."""
    _pair(s, "trapezoid", w * 0.86, -h * 0.55, 0.24, 0.24, p=0.02, angle=s.uniform(120, 150),
          color=s.shade(coat, -0.5), part="ear")  # fmt: skip
    s.trait("small dropped ears")


def _folded(s: Sketch, w: float, h: float, coat: np.ndarray) -> None:
    """Little flaps that lie flat on a round head."""
    _pair(s, "ellipse", w * 0.66, -h * 0.7, 0.2, 0.12, angle=s.uniform(28, 45), color=s.shade(coat, -0.38), part="ear")
    s.trait("folded ears")


def _woolly(s: Sketch, w: float, h: float, coat: np.ndarray) -> None:
    """Curly bunches that hang beside the face."""
    _pair(s, "petals", w + 0.12, 0.12, s.uniform(0.34, 0.42), 1, p=8, q=0.78, color=s.shade(coat, -0.25), part="ear")
    s.trait("floppy ears")


EARS = {"pointed": _pointed, "huge": partial(_pointed, size=1.45), "floppy": _floppy, "half": _half,
        "folded": _folded, "woolly": _woolly}  # fmt: skip


def _blaze(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    s.shape("trapezoid", face, -0.1, 0.2, h - 0.12, p=s.uniform(0.05, 0.12), color=s.rgb("white"), part="blaze")
    s.trait("a white blaze")


def _mask(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    """A white face under a dark cap that reaches down between the eyes."""
    white = s.rgb("white", jitter=0.02)
    _pair(s, "ellipse", 0.28, s.uniform(-0.12, -0.05), 0.22, 0.3, angle=14, color=white, part="mask")
    s.shape("ellipse", 0, 0.26, w * 0.85, h * 0.58, color=white, part="mask")
    s.trait("a white mask")


def _dark_face(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    s.shape("ellipse", face, 0.14, w * 0.62, h * 0.62, color=s.shade(coat, -0.75), part="face")
    s.trait("a dark face")


def _spots(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    s.shape("ellipse", 0, 0, w, h, color=s.rgb("black", "black", "brown"), pattern="sprinkles",
            freq=s.uniform(3.2, 4.4), duty=s.uniform(0.5, 0.7), part="spots")  # fmt: skip
    s.trait("dark spots")


def _stripes(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    dark = s.shade(coat, -0.6)
    s.shape("ellipse", 0, 0, w * 0.99, h * 0.99, color=dark, pattern="stripes", freq=s.uniform(3.2, 4.2),
            turn=90, phase=0, duty=s.uniform(0.35, 0.5), part="stripes")  # fmt: skip
    s.shape("ellipse", 0, 0.1, w * 0.6, h * 0.72, color=coat, part="face")
    s.shape("box", 0, -h * 0.66, 0.26, 0.18, color=dark, pattern="stripes", freq=5.5, phase=0, part="stripes")
    s.trait("stripes")


def _patches(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    s.shape("ellipse", 0.36, -0.24, 0.32, 0.4, angle=30, color=s.rgb("orange"), part="patch")
    s.shape("ellipse", -0.36, s.uniform(-0.32, -0.1), 0.3, s.uniform(0.25, 0.4), angle=-20, color=s.rgb("black"),
            part="patch")  # fmt: skip
    s.trait("orange and black patches")


def _wrinkles(s: Sketch, w: float, h: float, coat: np.ndarray, face: Number) -> None:
    s.shape("trapezoid", face, -0.3, 0.14, 0.22, p=0.36, color=s.shade(coat, -0.4), pattern="ripples", freq=6,
            turn=90, duty=0.4, part="wrinkles")  # fmt: skip
    s.trait("wrinkled skin")


MARKS = {"blaze": _blaze, "mask": _mask, "dark face": _dark_face, "spots": _spots, "stripes": _stripes,
         "patches": _patches, "wrinkles": _wrinkles}  # fmt: skip
ON_TOP = ("half", "folded")  # ears that lie on the head rather than behind or beside it


def _head(s: Sketch, breed: Breed, coat: np.ndarray) -> None:
    """A face from the front, filling -1 … 1."""
    w, h = breed.head[0] * s.uniform(0.92, 1.08), breed.head[1] * s.uniform(0.94, 1.06)
    face = s.uniform(-0.1, 0.1)  # it looks a little to one side
    ears, ear_coat = EARS[breed.ears], s.shade(coat, -0.65 if "dark face" in breed.marks else 0)
    if breed.ears not in ON_TOP:
        ears(s, w, h, ear_coat)
    if breed.fur == "long":
        s.shape("star", 0, 0.06, s.uniform(0.82, 0.95), p=s.choice(17, 20, 23), q=0.84, color=s.shade(coat, -0.12),
                part="fur")  # fmt: skip
    s.shape("ellipse", 0, 0, w, h, color=coat, part="head")
    if breed.fur == "curly":
        s.shape("petals", 0, -h * 0.85, s.uniform(0.4, 0.52), 1, p=9, q=0.8, color=s.shade(coat, -0.1), part="curls")
    for mark in breed.marks:
        MARKS[mark](s, w, h, coat, face)
    if breed.ears in ON_TOP:
        ears(s, w, h, ear_coat)
    _features(s, breed, coat, face)


def _features(s: Sketch, breed: Breed, coat: np.ndarray, face: np.ndarray) -> None:
    """Eyes, snout, nose and mouth."""
    apart, eye, dog = s.uniform(0.26, 0.31), breed.eye * s.uniform(0.9, 1.15), breed.muzzle is not None
    s.ring_of("ellipse", 2, apart, eye, eye * 0.9, x=face, y=-0.1, color=s.rgb(*breed.eyes), part="eye")
    s.ring_of("ellipse", 2, apart, eye * (0.55 if dog else 0.3), eye * (0.55 if dog else 0.75), x=face, y=-0.1,
              color=s.rgb("black", jitter=0.02), part="pupil")  # fmt: skip
    if breed.eyes == ("blue",):
        s.trait("blue eyes")
    if dog:
        _snout(s, breed, coat, face)
        return
    pads = s.shade(coat, breed.snout)
    s.ring_of("ellipse", 2, 0.12, 0.16, 0.14, x=face, y=0.27, color=pads, part="muzzle")
    s.shape("trapezoid", face, 0.17, 0.02, 0.06, p=0.1, color=s.rgb("pink", "brown"), part="nose")
    if breed.fur != "bare":
        hair = np.where(coat.mean(1, keepdims=True) > 0.6, 0.25, 0.97)
        for turn in (-9, 7):
            s.ring_of("box", 2, 0.6, 0.3, 0.02, x=face, y=0.26, start=turn, color=hair, part="whiskers")
        s.trait("whiskers", where=s.chance(0.4))


def _snout(s: Sketch, breed: Breed, coat: np.ndarray, face: np.ndarray) -> None:
    """A dog's muzzle with its nose on top, sometimes panting."""
    w, h = breed.muzzle
    middle, bottom, pants = 0.12 + h * 0.7, 0.12 + h * 1.5, s.chance(0.4)
    s.shape("box", face, bottom + 0.04, 0.11, 0.17, p=0.11, color=s.rgb("pink", "red"), part="tongue", where=pants)
    s.trait("its tongue out", where=pants)
    s.shape("box", face, middle, w, h, p=min(w, h) * 0.9, color=s.shade(coat, breed.snout), part="muzzle")
    s.shape("arc", face, bottom - 0.16, w * 0.55, 0.025, p=65, angle=180, color=s.rgb("black"), part="mouth")
    s.shape("ellipse", face, middle - h * 0.55, w * 0.3 + 0.06, 0.1, color=s.rgb("black", jitter=0.02), part="nose")


def pet(s: Sketch, breed: Breed) -> None:
    """A face close up, or the whole animal sitting."""
    coat = s.colour(*breed.coats)
    sits = s.chance(0.35)
    body = dict(color=s.shade(coat, -0.12), where=sits)
    s.shape("arc", 0.5, 0.62, 0.3, 0.09, p=100, angle=60, part="tail", **body)
    s.shape("ellipse", 0, 0.5, s.uniform(0.42, 0.52), 0.5, part="body", **body)
    for mark, pattern in (("spots", "sprinkles"), ("stripes", "stripes"), ("patches", "blotches")):
        if mark in breed.marks:
            s.shape("ellipse", 0, 0.5, 0.43, 0.47, color=s.shade(coat, -0.8), pattern=pattern, freq=4.5,
                    duty=0.5, turn=90, part="body", where=sits)  # fmt: skip
    legs = s.shade(coat, -0.65 if breed.snout < 0 and breed.muzzle is None else 0.25)
    s.ring_of("box", 2, 0.17, 0.12, 0.36, y=0.6, p=0.1, color=legs, part="leg", where=sits)
    s.trait("four legs and a tail", where=sits & s.chance(0.6))
    with s.inset(0, np.where(sits, -0.28, 0.08), np.where(sits, 0.7, s.uniform(0.98, 1.12)), angle=s.uniform(-12, 12)):
        _head(s, breed, coat)
    for trait in breed.traits:
        s.trait(trait)


_CAT = ("green", "yellow", "orange", "turquoise")
BREEDS = {
    "boxer": Breed(("brown", "orange", "beige"), "half", (0.56, 0.62), (0.38, 0.28), -0.8, ("blaze",),
                   traits=("a dark muzzle", "a square head")),
    "beagle": Breed(("brown", "orange", "black"), "floppy", (0.52, 0.6), (0.25, 0.25), 0.9, ("blaze",),
                    traits=("a white muzzle",)),
    "pug": Breed(("beige", "beige", "gray", "white"), "half", (0.72, 0.6), (0.4, 0.2), -0.85, ("dark face", "wrinkles"),
                 ("orange", "beige"), 0.17, traits=("a flat face", "big eyes")),
    "husky": Breed(("gray", "black", "brown"), "pointed", (0.62, 0.56), (0.2, 0.24), 0.9, ("mask",), ("blue",),
                   fur="long", traits=("long fur",)),
    "poodle": Breed(("white", "black", "brown", "gray", "beige"), "woolly", (0.46, 0.58), (0.18, 0.3), 0.12,
                    fur="curly", traits=("curly fur", "a long muzzle")),
    "dalmatian": Breed(("white",), "floppy", (0.52, 0.62), (0.25, 0.28), 0.5, ("spots",), traits=("a long muzzle",)),
    "chihuahua": Breed(("beige", "brown", "black", "white", "orange"), "huge", (0.52, 0.46), (0.17, 0.16), 0.3,
                       eye=0.17, traits=("big eyes", "a small head")),
    "corgi": Breed(("orange", "brown", "black", "beige"), "huge", (0.62, 0.52), (0.22, 0.24), 0.95, ("blaze",),
                   traits=("a white muzzle",)),
    "siamese": Breed(("beige", "white"), "pointed", (0.56, 0.54), None, -0.8, ("dark face",), ("blue",), 0.13),
    "persian": Breed(("white", "gray", "orange", "beige", "black"), "pointed", (0.7, 0.56), None, 0.2, (), _CAT,
                     0.17, "long", ("long fur", "a flat face", "big eyes")),
    "tabby": Breed(("gray", "brown", "orange"), "pointed", (0.62, 0.54), None, 0.5, ("stripes",), _CAT, 0.14),
    "sphynx": Breed(("pink", "beige", "gray"), "huge", (0.48, 0.56), None, 0.1, ("wrinkles",), _CAT, 0.16, "bare",
                    ("no fur", "a long face")),
    "calico": Breed(("white",), "pointed", (0.62, 0.54), None, 0.3, ("patches",), _CAT, 0.14),
    "scottish fold": Breed(("gray", "white", "orange", "brown", "black"), "folded", (0.72, 0.62), None, 0.25, (), _CAT,
                           0.17, traits=("a round head", "big eyes")),
}  # fmt: skip
RARE = {"chihuahua": 0.35, "sphynx": 0.3, "calico": 0.25, "scottish fold": 0.2, "boxer": 0.5, "corgi": 0.35}


def _class(name: str, breed: Breed) -> ToyClass:
    kind = "cat" if breed.muzzle is None else "dog"
    return ToyClass(name, partial(pet, breed=breed), also=(kind, f"{name} {kind}"), spoken=RARE.get(name, 1.0))


CLASSES = [_class(name, breed) for name, breed in BREEDS.items()]
