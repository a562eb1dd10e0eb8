"""A person from joint angles: a figure with thick limbs, a head with hair, a shirt and trousers or shorts.

Angles are in degrees: 0 hangs straight down, 90 points forwards (right), 180 up, -90 backwards; for the torso and the
head 0 is upright
and 90 leans forwards. Lengths are in the object's units, where a person who stands is about 1.6 tall.
"""

from dataclasses import dataclass

import numpy as np

from lessons_lib.toyworld.sketch import Number, Sketch

TORSO, NECK, UPPER_ARM, FOREARM, THIGH, SHIN = 0.5, 0.24, 0.3, 0.3, 0.37, 0.38
HEAD, LIMB = 0.185, 0.09
SKIN = np.array([(0.97, 0.82, 0.70), (0.36, 0.22, 0.14)])  # from the palest to the darkest
Point = tuple[np.ndarray, np.ndarray]
Limb = tuple[Number, Number]


@dataclass(frozen=True)
class Pose:
    """hip: where it is; torso, head: how far they lean; arms, legs: (upper, lower) angles of the near and the far one.

    loose: how far each angle may differ from these, either way.
    """

    hip: tuple[Number, Number] = (0.0, 0.2)
    torso: Number = 0.0
    head: Number = 0.0
    arms: tuple[Limb, Limb] = ((12, 12), (-12, -12))
    legs: tuple[Limb, Limb] = ((8, 8), (-8, -8))
    loose: float = 7.0


@dataclass
class Joints:
    """Where a figure's joints are, each (x, y) with (n,) numbers; of the limbs, the near one first."""

    hip: Point
    neck: Point
    head: Point
    elbows: tuple[Point, Point]
    hands: tuple[Point, Point]
    knees: tuple[Point, Point]
    feet: tuple[Point, Point]


def _step(start: Point, angle: Number, length: float) -> Point:
    turn = np.deg2rad(angle)
    return start[0] + length * np.sin(turn), start[1] + length * np.cos(turn)


def joints(s: Sketch, pose: Pose) -> Joints:
    """The joints of a pose, each picture's angles a little different."""

    def loose(angle: Number) -> np.ndarray:
        return angle + s.uniform(-pose.loose, pose.loose)

    hip = tuple(np.broadcast_to(np.asarray(v, dtype=float), s.n) for v in pose.hip)
    torso = loose(pose.torso)
    neck = _step(hip, 180 - torso, TORSO)
    head = _step(neck, 180 - torso - pose.head, NECK)
    elbows = tuple(_step(neck, loose(upper), UPPER_ARM) for upper, _ in pose.arms)
    hands = tuple(_step(elbow, loose(lower), FOREARM) for elbow, (_, lower) in zip(elbows, pose.arms))
    knees = tuple(_step(hip, loose(upper), THIGH) for upper, _ in pose.legs)
    feet = tuple(_step(knee, loose(lower), SHIN) for knee, (_, lower) in zip(knees, pose.legs))
    return Joints(hip, neck, head, elbows, hands, knees, feet)


def dressed(s: Sketch, at: Joints) -> None:
    """Draws the figure: far limbs, torso, near leg, head, near arm. The shirt is what captions take for its colour."""
    shirt = s.colour(
        "red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "turquoise", "gray"
    )
    trousers = s.rgb("blue", "black", "gray", "brown", "white", "red", "green", "beige")
    tone = s.uniform(0, 1)[:, None]
    skin = SKIN[0] * (1 - tone) + SKIN[1] * tone
    bald, shorts, sleeves = s.chance(0.1), s.chance(0.45), s.chance(0.4)
    shin = np.where(shorts[:, None], skin, trousers)
    forearm = np.where(sleeves[:, None], shirt, skin)

    def limb(a: Point, b: Point, c: Point, upper: np.ndarray, lower: np.ndarray, width: float, part: str) -> None:
        s.line(*b, *c, width * 0.9, color=lower, part=part)
        s.line(*a, *b, width, color=upper, part=part)

    dim = 0.8  # of what is on the far side
    limb(at.neck, at.elbows[1], at.hands[1], shirt * dim, forearm * dim, LIMB, "far arm")
    limb(at.hip, at.knees[1], at.feet[1], trousers * dim, shin * dim, LIMB * 1.15, "far leg")
    s.line(*at.neck, *at.hip, 0.15, color=shirt, part="torso")
    limb(at.hip, at.knees[0], at.feet[0], trousers, shin, LIMB * 1.15, "near leg")
    up = np.rad2deg(np.arctan2(at.head[0] - at.neck[0], at.neck[1] - at.head[1]))
    s.shape("ellipse", *at.head, HEAD, color=skin, part="head")
    s.shape("dome", *at.head, HEAD + 0.02, p=s.uniform(-0.3, 0.1), angle=up - 25, where=~bald, part="hair",
            color=s.rgb("black", "brown", "brown", "yellow", "orange", "gray"))  # fmt: skip
    limb(at.neck, at.elbows[0], at.hands[0], shirt, forearm, LIMB, "near arm")
    s.trait("shorts", shorts)
    s.trait("long sleeves", sleeves)


def person(s: Sketch, pose: Pose) -> Joints:
    """Draws a person in a pose; returns the joints, for what the person holds."""
    at = joints(s, pose)
    dressed(s, at)
    return at
