"""Sketch: n pictures of one class composed at once, shape by shape, with what is said about them.

A recipe is a function that takes a Sketch and adds shapes to it. Every number may be one number or an array of n, one
a picture:

    def mushroom(s):
        cap = s.colour("red", "brown")                     # one colour name a picture, and its rgb with some jitter
        s.shape("box", 0, 0.35, 0.2, 0.4, p=0.1, color=s.rgb("white"), part="stem")
        s.shape("dome", 0, 0.1, 0.8, 0.7, color=cap, part="cap")
        s.shape("dome", 0, 0.1, 0.8, 0.7, color=s.rgb("white"), pattern="dots", freq=3, part="spots")
        s.trait("a spotted cap")

Coordinates are the object's own: it should fill -1 … 1, y down, angles in degrees clockwise. Where it stands in the
picture, how large and how turned, is the frame's affair (`place`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from lessons_lib.toyworld.coverage import COL, COLUMNS, KIND, PATTERN
from lessons_lib.toyworld.looks import NO_LOOK, Look
from lessons_lib.toyworld.shapes import SCALES_WITH

PALETTE = {
    "red": (0.85, 0.12, 0.12),
    "orange": (0.95, 0.52, 0.08),
    "yellow": (0.97, 0.87, 0.15),
    "green": (0.16, 0.62, 0.22),
    "blue": (0.13, 0.32, 0.85),
    "purple": (0.52, 0.18, 0.70),
    "pink": (0.96, 0.52, 0.70),
    "brown": (0.47, 0.28, 0.12),
    "black": (0.08, 0.08, 0.09),
    "white": (0.96, 0.96, 0.95),
    "gray": (0.52, 0.53, 0.55),
    "turquoise": (0.15, 0.72, 0.74),
    "beige": (0.87, 0.78, 0.60),
}

Number = float | np.ndarray


@dataclass(frozen=True)
class Conditions:
    """How pictures are taken; a distribution shift is another set of these."""

    scale: tuple[float, float] = (0.62, 0.88)  # object's half-size in half pictures
    shift: float = 0.12  # how far its middle may lie from the picture's
    turn: float = 8.0  # degrees, either way
    colour_jitter: float = 0.06  # of each channel
    backgrounds: tuple[str, ...] = ("plain", "plain", "fade", "horizon", "patterned")
    styles: tuple[tuple[str, float], ...] = (("plain", 1.0),)  # style -> share
    brightness: float = 0.05
    contrast: tuple[float, float] = (0.85, 1.1)
    noise: tuple[float, float] = (0.0, 0.04)
    clutter: float = 0.0  # share of pictures with something in front of the object
    look: Look = NO_LOOK


@dataclass
class Facts:
    """What can be said about one picture."""

    name: str
    category: str
    colours: list[str] = field(default_factory=list)  # the main colour first
    traits: list[str] = field(default_factory=list)  # "six petals", "a red roof": what follows "with"
    background: str = ""
    place: str = ""  # "on the left", …
    size: str = ""  # "small", "large", …
    style: str = "plain"
    things: list["Facts"] = field(default_factory=list)  # of a picture of several: each one's own, from back to front


class Sketch:
    """n pictures in the making. `rng` is the only source of chance."""

    def __init__(
        self,
        n: int,
        rng: np.random.Generator,
        *,
        name: str = "",
        category: str = "",
        conditions: Conditions = Conditions(),
    ):
        self.n, self.rng, self.conditions = n, rng, conditions
        self.facts = [Facts(name, category) for _ in range(n)]
        self.rows: list[np.ndarray] = []  # each (n, len(COLUMNS))
        self.parts: list[str] = []
        self.objects: list[str] = []
        self._frame = (np.zeros(n), np.zeros(n), np.ones(n), np.zeros(n), np.ones(n))

    # --- chance

    def uniform(self, low: Number, high: Number) -> np.ndarray:
        """(n,) numbers between low and high."""
        return self.rng.uniform(low, high, self.n)

    def choice(self, *options: Number) -> np.ndarray:
        """(n,) picks among the options."""
        return np.asarray(options)[self.rng.integers(len(options), size=self.n)]

    def chance(self, share: float) -> np.ndarray:
        """(n,) booleans, True with this probability."""
        return self.rng.random(self.n) < share

    # --- colours

    def rgb(self, *names: str, jitter: float | None = None) -> np.ndarray:
        """(n, 3) colours: one of the named ones a picture, jittered. Says nothing about the picture."""
        return self._jittered(np.array([PALETTE[c] for c in names])[self.rng.integers(len(names), size=self.n)], jitter)

    def colour(self, *names: str) -> np.ndarray:
        """Like `rgb`, and noted as a colour of the picture that captions may name; the first call gives the main
        colour.
        """
        picks = self.rng.integers(len(names), size=self.n)
        for facts, i in zip(self.facts, picks, strict=True):
            facts.colours.append(names[i])
        return self._jittered(np.array([PALETTE[c] for c in names])[picks], None)

    def _jittered(self, base: np.ndarray, jitter: float | None) -> np.ndarray:
        width = self.conditions.colour_jitter if jitter is None else jitter
        return np.clip(base + self.rng.normal(0, width, (self.n, 3)), 0, 1)

    @staticmethod
    def shade(rgb: np.ndarray, by: Number) -> np.ndarray:
        """Darker (by < 0, to -1: black) or lighter (by > 0, to 1: white)."""
        by = np.asarray(by, dtype=float)
        by = by[:, None] if by.ndim == 1 else by
        return np.where(by < 0, rgb * (1 + by), rgb + (1 - rgb) * by)

    # --- words

    def trait(self, phrase: str | np.ndarray, where: np.ndarray | bool = True) -> None:
        """Notes something visible, worded to follow "with": "six petals". One phrase, or an array of n."""
        phrases = np.broadcast_to(np.asarray(phrase), self.n)
        for facts, text, said in zip(self.facts, phrases, np.broadcast_to(where, self.n), strict=True):
            if said and text:
                facts.traits.append(str(text))

    # --- frames

    def place(self, name: str, *, x: Number | None = None, y: Number | None = None, scale: Number | None = None,
              angle: Number | None = None, flip: Number | None = None) -> None:  # fmt: skip
        """Begins a new object (it gets a mask and a box of its own); what is not given is drawn by the conditions."""
        c = self.conditions
        x = self.uniform(-c.shift, c.shift) if x is None else x
        y = self.uniform(-c.shift, c.shift) if y is None else y
        scale = self.uniform(*c.scale) if scale is None else scale
        angle = self.uniform(-c.turn, c.turn) if angle is None else angle
        flip = self.choice(-1.0, 1.0) if flip is None else flip
        self._frame = tuple(
            np.broadcast_to(np.asarray(v, dtype=float), self.n) for v in (x, y, scale, np.deg2rad(angle), flip)
        )
        self.objects.append(name)

    def whole_picture(self) -> None:
        """What follows belongs to no object, in the picture's own coordinates."""
        self._frame = (np.zeros(self.n), np.zeros(self.n), np.ones(self.n), np.zeros(self.n), np.ones(self.n))

    @contextmanager
    def inset(
        self, x: Number = 0.0, y: Number = 0.0, scale: Number = 1.0, angle: Number = 0.0, flip: Number = 1.0
    ) -> Iterator[None]:
        """A frame inside the object's own, for a part that stands elsewhere, smaller or turned: a head on a body."""
        fx, fy, fs, fa, ff = outer = self._frame
        cos, sin = np.cos(fa), np.sin(fa)
        middle = fx + fs * (x * ff * cos - y * sin), fy + fs * (x * ff * sin + y * cos)
        self._frame = (*middle, fs * scale, fa + np.deg2rad(angle) * ff, ff * flip)
        yield
        self._frame = outer

    @property
    def mirrored(self) -> np.ndarray:
        """(n,) -1 where the frame is mirrored, else 1."""
        return self._frame[4]

    # --- shapes

    def shape(
        self,
        kind: str,
        x: Number,
        y: Number,
        a: Number,
        b: Number | None = None,
        *,
        angle: Number = 0.0,
        p: Number = 0.0,
        q: Number = 0.0,
        color: np.ndarray,
        part: str,
        alpha: Number = 1.0,
        pattern: str | None = None,
        freq: Number = 4.0,
        turn: Number = 0.0,
        duty: Number = 0.5,
        phase: Number | None = None,
        where: np.ndarray | bool = True,
        copies: Number = 0,
        orbit: Number = 0.0,
        background: bool = False,
    ) -> None:
        """Adds one shape to every picture (or where `where` is true), over what is already there.

        kind: a name of shapes.SHAPES, with its numbers a, b (default: a), p, q; x, y: its middle; angle: degrees
        clockwise. color: (n, 3) or (3,). pattern: a name of shapes.PATTERNS that covers part of the shape (freq: cells
        a unit of length,
        turn: degrees, duty: share covered, phase: 0 … 1, random if not given). part: what it is, for the learner who
        asks.
        background: belongs to no object. copies, orbit: see `ring_of`.
        """
        n, (fx, fy, fs, fa, flip) = self.n, self._frame
        b = a if b is None else b
        p_scales, q_scales = SCALES_WITH.get(kind, (0, 0))
        mirrored = flip if kind in ("trapezoid", "moon", "wave") else 1.0
        p, q = (mirrored * p, q) if kind in ("moon", "wave") else (p, mirrored * q)
        row = np.zeros((n, len(COLUMNS)), dtype=np.float32)
        cos, sin = np.cos(fa), np.sin(fa)
        mx = x * flip
        row[:, COL["kind"]] = np.where(where, KIND[kind], 0)
        row[:, COL["x"]] = fx + fs * (mx * cos - y * sin)
        row[:, COL["y"]] = fy + fs * (mx * sin + y * cos)
        row[:, COL["a"]], row[:, COL["b"]] = fs * a, (fs * b if kind not in ("petals", "star") else b)
        row[:, COL["angle"]] = fa + np.deg2rad(angle) * flip
        row[:, COL["p"]], row[:, COL["q"]] = fs**p_scales * p, fs**q_scales * q
        row[:, COL["red"] : COL["blue"] + 1] = color
        row[:, COL["alpha"]] = alpha
        row[:, COL["pattern"]] = PATTERN[pattern] if pattern else 0
        row[:, COL["freq"]], row[:, COL["duty"]] = freq / fs, duty
        row[:, COL["turn"]] = fa + np.deg2rad(turn) * flip
        row[:, COL["phase"]] = self.rng.random(n) if phase is None else phase
        row[:, COL["copies"]], row[:, COL["orbit"]] = copies, fs * orbit
        row[:, COL["object"]] = -1 if background or not self.objects else len(self.objects) - 1
        if part not in self.parts:
            self.parts.append(part)
        row[:, COL["part"]] = self.parts.index(part)
        self.rows.append(row)

    def line(self, x1: Number, y1: Number, x2: Number, y2: Number, width: Number, **kwargs) -> None:
        """A straight stroke with round ends; width is half its thickness."""
        x1, y1, x2, y2 = (np.asarray(v, dtype=float) for v in (x1, y1, x2, y2))
        length = np.hypot(x2 - x1, y2 - y1) / 2
        angle = np.rad2deg(np.arctan2(y2 - y1, x2 - x1))
        self.shape("box", (x1 + x2) / 2, (y1 + y2) / 2, length + width, width, p=width, angle=angle, **kwargs)

    def ring_of(
        self,
        kind: str,
        count: Number,
        radius: Number,
        a: Number,
        b: Number,
        *,
        x: Number = 0.0,
        y: Number = 0.0,
        start: Number = 0.0,
        **kwargs,
    ) -> None:
        """`count` copies of a shape on a circle around (x, y), each with its x axis pointing outwards, the first at
        `start` degrees.
        """
        self.shape(kind, x, y, a, b, angle=start, copies=count, orbit=radius, **kwargs)

    # --- the background that most tasks share

    def backdrop(self) -> None:
        """A plain, fading, two-part or patterned background in a colour that captions may name."""
        self.whole_picture()
        kinds = self.conditions.backgrounds
        kind = self.rng.integers(len(kinds), size=self.n)
        drawn = np.array(kinds)[kind]
        is_ = {k: drawn == k for k in set(kinds)}
        names = np.array(list(PALETTE))
        pick = self.rng.integers(len(names), size=self.n)
        for facts, i in zip(self.facts, pick, strict=True):
            facts.background = str(names[i])
        rgb = np.array(list(PALETTE.values()))
        base = self._jittered(0.55 * rgb[pick] + 0.45 * self.uniform(0.25, 0.95)[:, None], None)
        other = self.shade(base, -0.25)
        full = dict(part="background", background=True)
        self.shape("box", 0, 0, 1.5, color=base, **full)
        if "fade" in is_:
            self.shape(
                "box",
                0,
                0,
                1.5,
                color=self.shade(base, 0.45),
                pattern="fade",
                freq=0.6,
                turn=self.choice(0, 90, 180, 270),
                where=is_["fade"],
                **full,
            )
        if "horizon" in is_:
            y = self.uniform(0.3, 0.7)
            self.shape("box", 0, y + 1, 1.5, 1, color=other, where=is_["horizon"], **full)
        if "patterned" in is_:
            for pattern in ("blotches", "stripes", "speckles"):
                some = is_["patterned"] & (self.rng.integers(3, size=self.n) == 0)
                self.shape(
                    "box",
                    0,
                    0,
                    1.5,
                    color=self.shade(base, -0.15),
                    pattern=pattern,
                    freq=self.uniform(1.5, 4),
                    turn=self.uniform(0, 180),
                    where=some,
                    **full,
                )

    def clutter(self) -> None:
        """Bars and discs in front of the object, for the shifts that hide part of it."""
        if self.conditions.clutter <= 0:
            return
        self.whole_picture()
        some = self.chance(self.conditions.clutter)
        colour = self.rgb(*PALETTE)
        for i in range(2):
            self.shape(
                "box",
                self.uniform(-0.7, 0.7),
                self.uniform(-0.7, 0.7),
                self.uniform(0.05, 0.12),
                1.6,
                angle=self.uniform(0, 180),
                color=self.shade(colour, -0.2 * i),
                part="clutter",
                background=True,
                where=some,
            )

    def describe_place(self) -> None:
        """Notes where the (single) object stands and how large it is."""
        x, y, scale, *_ = self._frame
        for facts, px, py, s in zip(self.facts, x, y, scale, strict=True):
            facts.size = "small" if s < 0.5 else "large" if s > 0.82 else ""
            if abs(px) > 0.25 or abs(py) > 0.25:
                facts.place = (
                    ("on the left" if px < 0 else "on the right")
                    if abs(px) > abs(py)
                    else ("at the top" if py < 0 else "at the bottom")
                )


def with_conditions(base: Conditions, **changes) -> Conditions:
    """The same conditions but for the named ones."""
    return replace(base, **changes)
