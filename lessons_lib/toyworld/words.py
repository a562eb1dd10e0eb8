"""Written words: twelve short ones on signs of any shape and colour, so that only the text tells them apart."""

from functools import partial

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Number, Sketch

# Strokes in a letter's own box, -1 … 1 both ways, y down. Four numbers are a straight stroke from x, y to x, y; six are
# a `cup`: its middle x, y, its half-width and half-depth, the side it is open to (0 up, 90 right, 180 down, 270 left),
# and whether it is round (1) or square (0).
_TOP, _BOTTOM, _STEM = (0, -0.5, 1, 0.5, 180, 1), (0, 0.5, 1, 0.5, 0, 1), (-1, -1, -1, 1)
_UPPER_BOWL, _LOWER_BOWL = (0, -0.5, 0.5, 1, 270, 1), (0, 0.5, 0.5, 1, 270, 1)
LETTERS: dict[str, tuple[tuple[float, ...], ...]] = {
    "A": ((-1, 1, 0, -1), (0, -1, 1, 1), (-0.6, 0.35, 0.6, 0.35)),
    "B": (_STEM, _UPPER_BOWL, _LOWER_BOWL),
    "C": ((0, 0, 1, 1, 90, 1),),
    "D": (_STEM, (0, 0, 1, 1, 270, 1)),
    "E": ((0, 0, 1, 1, 90, 0), (-1, 0, 0.7, 0)),
    "F": (_STEM, (-1, -1, 1, -1), (-1, 0, 0.7, 0)),
    "G": ((0, 0, 1, 1, 90, 1), (1, 1, 1, 0.15), (0.2, 0.15, 1, 0.15)),
    "H": (_STEM, (1, -1, 1, 1), (-1, 0, 1, 0)),
    "I": ((0, -1, 0, 1),),
    "J": ((1, -1, 1, 0.4), (0, 0.5, 1, 0.5, 0, 1)),
    "K": (_STEM, (-1, 0.1, 1, -1), (-0.3, -0.2, 1, 1)),
    "L": (_STEM, (-1, 1, 1, 1)),
    "M": (_STEM, (1, -1, 1, 1), (-1, -1, 0, 0.3), (0, 0.3, 1, -1)),
    "N": (_STEM, (1, -1, 1, 1), (-1, -1, 1, 1)),
    "O": (_TOP, _BOTTOM),
    "P": (_STEM, _UPPER_BOWL),
    "Q": (_TOP, _BOTTOM, (0.3, 0.4, 1, 1.1)),
    "R": (_STEM, _UPPER_BOWL, (-0.1, 0, 1, 1)),
    "S": ((0, -0.5, 0.5, 1, 90, 1), _LOWER_BOWL),
    "T": ((-1, -1, 1, -1), (0, -1, 0, 1)),
    "U": ((0, 0, 1, 1, 0, 1),),
    "V": ((-1, -1, 0, 1), (0, 1, 1, -1)),
    "W": ((-1, -1, -0.5, 1), (-0.5, 1, 0, -0.3), (0, -0.3, 0.5, 1), (0.5, 1, 1, -1)),
    "X": ((-1, -1, 1, 1), (1, -1, -1, 1)),
    "Y": ((-1, -1, 0, 0.1), (1, -1, 0, 0.1), (0, 0.1, 0, 1)),
    "Z": ((-1, -1, 1, -1), (1, -1, -1, 1), (-1, 1, 1, 1)),
}
LUMINANCE = np.array([0.3, 0.59, 0.11])
NARROW = {"I": 0.4}  # how wide a letter's place is, where it is not 1


def write(s: Sketch, text: str, *, color: np.ndarray, x: Number = 0.0, y: Number = 0.0, a: Number = 0.9,
          b: Number = 0.4, stroke: Number = 0.06, part: str = "letters", background: bool = False) -> None:  # fmt: skip
    """Writes capital letters around (x, y).

    a, b: the text's half-width and half-height; stroke: half of a line's thickness.

    A mirrored frame does not mirror the text. Raises ValueError for a character without strokes.
    """
    strange = sorted(set(text.upper()) - set(LETTERS))
    if strange:
        raise ValueError(f"no strokes for {strange}: texts are written with the letters A to Z")
    shares = [NARROW.get(letter, 1.0) for letter in text.upper()]
    how = dict(color=color, part=part, background=background)
    with s.inset(x, y, flip=s.mirrored):
        done = 0.0
        for letter, share in zip(text.upper(), shares, strict=True):
            middle = a * ((2 * done + share) / sum(shares) - 1)
            half = a * share / sum(shares) - 1.7 * stroke  # what is left of the place, with a gap to the neighbours
            done += share
            high = b - stroke
            for numbers in LETTERS[letter]:
                if len(numbers) == 4:
                    x1, y1, x2, y2 = numbers
                    s.line(middle + half * x1, high * y1, middle + half * x2, high * y2, stroke, **how)
                    continue
                cx, cy, wide, deep, side, is_round = numbers
                wide, deep = (wide * half, deep * high) if side % 180 == 0 else (wide * high, deep * half)
                corner = is_round * np.minimum(wide, deep)
                s.shape("cup", middle + half * cx, high * cy, wide, deep, angle=side, p=corner, q=stroke, **how)


def sign(s: Sketch, word: str) -> None:
    """A word on a board, a card or a wall."""
    s.backdrop()
    color = s.colour(*(name for name in PALETTE if name not in ("gray", "orange")))
    light = color @ LUMINANCE > 0.5
    letters = np.where(light, s.choice("black", "blue", "red"), s.choice("white", "white", "yellow"))
    ink = np.array([PALETTE[name] for name in letters])
    faint = np.abs((color - ink) @ LUMINANCE) < 0.35
    letters = np.where(faint, np.where(light, "black", "white"), letters)
    ink = np.array([PALETTE[name] for name in letters])

    middle = dict(x=s.uniform(-0.04, 0.04), y=s.uniform(-0.2, 0.2))
    s.place("sign", **middle, scale=s.uniform(0.88, 1.0), angle=s.uniform(-9, 9), flip=1.0)
    a = np.minimum(0.92, 0.3 * len(word) + s.uniform(-0.06, 0.22))
    b = s.uniform(0.3, 0.5)
    kind = s.rng.integers(5, size=s.n)  # board, rounded card, disc, octagon, the whole wall
    framed = s.chance(0.5) & (kind < 2)
    post = s.chance(0.4) & (kind < 4)
    s.shape("box", 0, 1.0, 0.08, 1.0, color=s.rgb("gray", "brown", "white"), where=post, part="post")
    large = np.maximum(a, b) + 0.12
    board = dict(p=np.where(kind == 1, 0.18, 0.0), part="board")
    s.shape("box", 0, 0, a + 0.17, b + 0.21, **board, color=ink, where=framed)
    s.shape("box", 0, 0, a + 0.1, b + 0.14, **board, color=color, where=kind < 2)
    s.shape("ellipse", 0, 0, large + 0.05, np.minimum(large, 0.95), color=color, where=kind == 2, part="board")
    s.shape(
        "star", 0, 0, large + 0.08, p=8, q=np.cos(np.pi / 8), angle=22.5, color=color, where=kind == 3, part="board"
    )
    s.shape("box", 0, 0, 2, color=color, where=kind == 4, part="wall")
    write(s, word, color=ink, a=a, b=b, stroke=s.uniform(0.05, 0.075))

    s.trait(np.array([f"{name} letters" for name in letters]))
    s.trait({2: "two letters", 3: "three letters", 4: "four letters"}[len(word)])
    s.trait("a post", where=post)
    s.trait("a frame", where=framed)
    s.trait("round edges", where=kind == 2)


RARE = ("zoo", "cafe", "taxi", "yes")
WORDS = ("stop", "go", "exit", "open", "sale", "hot", "taxi", "bus", "zoo", "yes", "no", "cafe")
CLASSES = [ToyClass(w, partial(sign, word=w), spoken=0.4 if w in RARE else 1.0, scene=True) for w in WORDS]
