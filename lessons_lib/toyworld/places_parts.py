"""What places are made of: skies, grounds, water, trees, and what stands about."""

import numpy as np

from lessons_lib.toyworld.sketch import Number, Sketch

SEA = ((0.10, 0.35, 0.62), (0.12, 0.48, 0.62), (0.16, 0.30, 0.48), (0.20, 0.52, 0.66))
GRASS = ((0.30, 0.55, 0.20), (0.42, 0.60, 0.26), (0.24, 0.44, 0.22), (0.55, 0.60, 0.30))
SAND = ((0.90, 0.80, 0.58), (0.86, 0.70, 0.45), (0.94, 0.86, 0.68), (0.80, 0.58, 0.36))
ROCK = ((0.45, 0.43, 0.42), (0.36, 0.38, 0.42), (0.52, 0.46, 0.40), (0.30, 0.32, 0.36))
WALL = (
    (0.88, 0.84, 0.76),
    (0.74, 0.82, 0.88),
    (0.84, 0.76, 0.80),
    (0.72, 0.80, 0.70),
    (0.92, 0.88, 0.66),
    (0.70, 0.66, 0.64),
)
WOOD = ((0.52, 0.34, 0.20), (0.66, 0.48, 0.30), (0.38, 0.24, 0.15), (0.76, 0.62, 0.44))
_SKIES = {
    "a blue sky": ((0.30, 0.58, 0.92), (0.75, 0.88, 0.97)),
    "an orange sky": ((0.85, 0.42, 0.35), (0.99, 0.76, 0.40)),
    "a gray sky": ((0.58, 0.62, 0.67), (0.78, 0.80, 0.82)),
    "a night sky": ((0.05, 0.06, 0.20), (0.18, 0.20, 0.42)),
}


def pick(s: Sketch, *colours: tuple[float, float, float], jitter: float = 0.03) -> np.ndarray:
    """(n, 3) one of the colours a picture, a little changed."""
    rgbs = np.array(colours)
    chosen = rgbs[s.rng.integers(len(rgbs), size=s.n)]
    return np.clip(chosen + s.rng.normal(0, jitter, chosen.shape), 0, 1)


def lie(s: Sketch, color: np.ndarray | tuple, *, kind: str = "box", x: Number = 0.0, y: Number = 0.0,
        a: Number = 1.6, **kwargs) -> None:  # fmt: skip
    """A part of the place itself, which belongs to no object."""
    s.shape(kind, x, y, a, color=color, background=True, **kwargs)


def sky(s: Sketch) -> np.ndarray:
    """Fills the picture with a sky, brighter below, with a sun or moon and clouds. Returns (n,) where it is night."""
    s.whole_picture()
    kind = s.rng.choice(len(_SKIES), size=s.n, p=(0.5, 0.18, 0.17, 0.15))
    high, low = (
        np.array([pair[i] for pair in _SKIES.values()])[kind] + s.rng.normal(0, 0.04, (s.n, 3)) for i in (0, 1)
    )
    lie(s, high.clip(0, 1), part="sky")
    lie(s, low.clip(0, 1), y=-1, a=1.6, b=3, pattern="fade", freq=0.7, part="sky")
    night = kind == 3
    disc = np.where(night[:, None], (0.95, 0.95, 0.85), (1.0, 0.93, 0.55))
    lie(s, disc, kind="ellipse", x=s.uniform(-0.8, 0.8), y=s.uniform(-0.85, -0.5), a=s.uniform(0.1, 0.16),
        where=s.chance(0.5) & (kind != 2), part="sun")  # fmt: skip
    for _ in range(2):
        cloud = dict(x=s.uniform(-0.9, 0.9), y=s.uniform(-0.9, -0.4), a=s.uniform(0.25, 0.5), b=s.uniform(0.07, 0.14))
        lie(s, (0.97, 0.97, 0.97), kind="ellipse", **cloud, alpha=0.75, where=s.chance(0.5) & (kind != 3), part="cloud")
    s.trait(np.array(list(_SKIES))[kind])
    return night


def floor(s: Sketch, color: np.ndarray, y: Number, *, part: str = "ground") -> None:
    """Everything below the height y."""
    lie(s, color, y=y + 1.5, a=1.6, b=1.5, part=part)


def water(s: Sketch, y: Number) -> None:
    """Water below the height y, with waves."""
    color = pick(s, *SEA)
    floor(s, color, y, part="water")
    lie(
        s,
        s.shade(color, 0.3),
        y=y + 1.5,
        b=1.5,
        pattern="ripples",
        freq=s.uniform(3, 5),
        turn=90,
        duty=0.2,
        alpha=0.7,
        part="waves",
    )


def tree(s: Sketch, x: Number, y: Number, size: Number, *, where: np.ndarray | bool = True) -> None:
    """A round or pointed tree that stands on the height y."""
    color, round_ = (
        pick(s, (0.16, 0.42, 0.18), (0.30, 0.50, 0.16), (0.10, 0.30, 0.20), (0.62, 0.42, 0.12)),
        s.chance(0.5),
    )
    lie(s, pick(s, *WOOD), x=x, y=y - 0.25 * size, a=0.09 * size, b=0.3 * size, where=where, part="trunk")
    top = dict(x=x, part="tree")
    lie(s, color, kind="ellipse", y=y - 0.9 * size, a=0.42 * size, b=0.5 * size, where=where & round_, **top)
    lie(s, color, kind="trapezoid", y=y - 0.9 * size, a=0.4 * size, b=0.6 * size, where=where & ~round_, **top)


def windows(s: Sketch, x: Number, y: Number, a: Number, b: Number, *, night: np.ndarray, freq: Number = 5.0) -> None:
    """Rows of windows on a wall, lit at night."""
    color = np.where(night[:, None], (1.0, 0.88, 0.45), (0.30, 0.38, 0.48))
    s.shape("box", x, y, a, b, color=color, pattern="checks", freq=freq, phase=0.0, part="windows")
