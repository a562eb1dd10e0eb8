"""People doing things: sixteen sports and exercises, told apart by the pose and by what is held."""

import numpy as np

from lessons_lib.toyworld.people import Pose, dressed, joints, person
from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Sketch

VIVID = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "turquoise")
DARK = ("black", "brown", "gray", "white")


def _between(a: tuple, b: tuple, share: float) -> tuple:
    """The point that lies `share` of the way from a to b (beyond b where it is above 1)."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _ground(s: Sketch, y: float) -> None:
    """A mat or a strip of floor, in half of the pictures."""
    s.shape("box", 0, y + 0.05, 1.0, 0.05, p=0.04, color=s.rgb(*VIVID, *DARK), part="mat", where=s.chance(0.5))


def archery(s: Sketch) -> None:
    at = person(s, Pose((-0.15, 0.2), 0, arms=((92, 90), (-85, 100)), legs=((18, 14), (-18, -14)), loose=5))
    (x, y), pull, bow = at.hands[0], at.hands[1], s.rgb("brown", "black", "red", "orange")
    r, half, thin = 0.62, 62.0, dict(color=s.rgb("white", "black", jitter=0.03), part="string")
    for side in (-1, 1):
        s.line(x - r + r * np.cos(np.deg2rad(half)), y + side * r * np.sin(np.deg2rad(half)), *pull, 0.02, **thin)
    s.shape("arc", x - r, y, r, 0.045, p=half, angle=90, color=bow, part="bow")
    s.line(*pull, x + 0.25, y, 0.03, color=s.rgb(*VIVID), part="arrow")
    for phrase in ("a bow", "one straight arm", "legs apart"):
        s.trait(phrase)


def juggling(s: Sketch) -> None:
    up = s.uniform(105, 150)
    at = joints(s, Pose((0, 0.28), 0, arms=((28, up), (-28, -up)), legs=((10, 8), (-10, -8))))
    radius, balls = s.uniform(0.42, 0.5), s.choice(3, 4, 5, 6, 7)
    where = dict(x=0, y=at.head[1] - 0.05, start=s.uniform(0, 360))
    s.ring_of("ellipse", balls, radius, 0.11, 0.11, color=s.rgb(*VIVID, "white"), part="ball", **where)
    dressed(s, at)
    for phrase in ("many balls", "bent arms"):
        s.trait(phrase)


def handstand(s: Sketch) -> None:
    split = s.choice(5, 14, 40)
    _ground(s, 0.88)
    legs = ((180 - split, 178 - split), (180 + split, 182 + split))
    person(s, Pose((0, -0.18), 180, arms=((34, -8), (-34, 8)), legs=legs, loose=5))
    for phrase in ("legs in the air", "straight arms", "head down"):
        s.trait(phrase)


def weightlifting(s: Sketch) -> None:
    bent = s.chance(0.5)
    thigh, shin = np.where(bent, 62, 22), np.where(bent, -12, 10)
    at = person(s, Pose((0, np.where(bent, 0.42, 0.25)), 0, arms=((140, 172), (-140, -172)), loose=4,
                        legs=((thigh, shin), (-thigh, -shin))))  # fmt: skip
    y = (at.hands[0][1] + at.hands[1][1]) / 2
    s.line(-0.85, y, 0.85, y, 0.04, color=s.rgb("gray", "black"), part="bar")
    s.ring_of("box", 2, 0.82, 0.09, s.uniform(0.22, 0.34), y=y, p=0.04, color=s.rgb(*VIVID, "black"), part="weight")
    s.trait("raised arms")
    s.trait("a heavy bar")
    s.trait("bent knees", bent)


def jumping_jacks(s: Sketch) -> None:
    arm, leg = s.uniform(118, 160), s.uniform(28, 42)
    person(s, Pose((0, 0.12), 0, arms=((arm, arm + 6), (-arm, -arm - 6)), legs=((leg, leg), (-leg, -leg))))
    for phrase in ("raised arms", "legs apart", "straight legs"):
        s.trait(phrase)


def yoga(s: Sketch) -> None:
    tree = s.chance(0.5)  # on one leg; or else with crossed legs
    arm, lower = np.where(tree, 158, 38), np.where(tree, 192, 20)
    legs = ((np.where(tree, 70, 76), np.where(tree, -72, -82)), (np.where(tree, 0, -76), np.where(tree, 0, 82)))
    with s.inset(y=np.where(tree, 0, -0.22), scale=np.where(tree, 1.0, 1.25)):
        _ground(s, 0.88)
        hip = np.where(tree, 0.15, 0.68)
        person(s, Pose((0, hip), 0, arms=((arm, lower), (-arm, -lower)), legs=legs, loose=4))
    s.trait("raised arms", tree)
    s.trait("one raised leg", tree)
    s.trait("crossed legs", ~tree)


def bowling(s: Sketch) -> None:
    pins = s.chance(0.6)
    at = person(s, Pose((-0.25, 0.28), 40, -20, arms=((22, 30), (-75, -70)), legs=((58, -8), (-42, -78))))
    s.shape("ellipse", at.hands[0][0] + 0.08, at.hands[0][1] + 0.12, 0.2, color=s.rgb(*VIVID, "black"), part="ball")
    s.shape("box", 0.82, 0.62, 0.18, 0.26, p=0.06, color=s.rgb("white"), pattern="stripes", freq=6, duty=0.62, phase=0,
            part="pins", where=pins)  # fmt: skip
    for phrase in ("a ball", "a bent back", "bent knees"):
        s.trait(phrase)
    s.trait("pins", pins)


def golf_swing(s: Sketch) -> None:
    with s.inset(y=0.13, scale=0.87):  # room for what is swung
        high = s.chance(0.6)
        arm = np.where(high, s.uniform(-150, -115), s.uniform(20, 45))
        at = person(
            s, Pose((0.0, 0.22), 24, arms=((arm, arm), (arm + 10, arm - 8)), legs=((16, 6), (-10, -4)), loose=4)
        )
        wrist = np.deg2rad(np.where(high, -215, arm - 5))
        x, y = at.hands[0]
        tip = x + 0.62 * np.sin(wrist), y + 0.62 * np.cos(wrist)
        s.line(x, y, *tip, 0.035, color=s.rgb("gray", "black", "white"), part="club")
        s.shape("box", *tip, 0.13, 0.07, p=0.05, color=s.rgb("black", "gray", "red"), part="club head")
        s.shape("ellipse", 0.62, 0.88, 0.09, color=s.rgb("white", jitter=0.02), part="ball")
    for phrase in ("a small ball", "straight arms", "a bent back", "a long stick"):
        s.trait(phrase)


def push_ups(s: Sketch) -> None:
    low = s.uniform(0, 1)
    bend, leg = 50 * low, (-66 - 10 * low, -62 - 10 * low)
    _ground(s, 0.72)
    arms = ((-bend, bend * 0.7), (-bend + 8, bend * 0.7))
    person(s, Pose((-0.1, 0.24 + 0.2 * low), 74 + 12 * low, -30, arms=arms, legs=(leg, leg), loose=4))
    for phrase in ("hands on the floor", "straight legs", "a flat back"):
        s.trait(phrase)


def biking(s: Sketch) -> None:
    frame, crank = s.rgb(*VIVID, "black", "white"), s.uniform(-25, 25)
    tyre = s.rgb("black", "gray", jitter=0.03)
    s.ring_of("arc", 2, 0.56, 0.34, 0.055, x=0, y=0.6, p=180, color=tyre, part="wheel")
    for a, b in (((-0.56, 0.6), (-0.2, 0.12)), ((-0.2, 0.3), (0.4, 0.2)), ((0.56, 0.6), (0.36, 0.02))):
        s.line(*a, *b, 0.045, color=frame, part="frame")
    person(s, Pose((-0.22, 0.02), 42, -25, loose=4, arms=((45, 62), (50, 58)),
                   legs=((52 + crank, -8 + crank), (40 - crank, -30 - crank))))  # fmt: skip
    for phrase in ("two wheels", "a bent back", "bent knees"):
        s.trait(phrase)


def rowing(s: Sketch) -> None:
    lean = s.uniform(-22, 30)
    person(s, Pose((-0.1, 0.38), lean, arms=((70, 82), (66, 86)), legs=((88, 78), (84, 80)), loose=4))
    x, y = 0.38 + 0.004 * lean, 0.06
    s.shape("trapezoid", 0, 0.52, 0.75, 0.17, p=1.0, color=s.rgb(*VIVID, "brown", "white"), part="boat")
    s.line(x, y, -0.35, 0.85, 0.045, color=s.rgb("brown", "beige", "white", "black"), part="oar")
    s.shape("box", -0.42, 0.86, 0.17, 0.08, p=0.05, angle=-48, color=s.rgb(*VIVID), part="blade")
    s.shape("wave", 0, 0.84, 1.1, 0.16, p=0.04, q=1.6, color=s.rgb("blue", "turquoise"), part="water", alpha=0.85)
    for phrase in ("a boat", "water", "straight arms"):
        s.trait(phrase)


def soccer_kick(s: Sketch) -> None:
    kick = s.uniform(45, 95)
    at = person(s, Pose((-0.2, 0.2), -14, arms=((-55, -40), (70, 85)), legs=((kick, kick - 6), (-12, -8))))
    x, y = at.feet[0]
    s.shape("ellipse", x + 0.24, y - 0.06, 0.2, color=s.rgb("white", "white", "orange", "yellow"), part="ball")
    s.shape("star", x + 0.24, y - 0.06, 0.11, p=5, q=0.8, color=s.rgb("black", jitter=0.03), part="ball")
    for phrase in ("a ball", "one raised leg", "arms apart"):
        s.trait(phrase)


def tennis_swing(s: Sketch) -> None:
    with s.inset(y=0.13, scale=0.87):  # room for what is swung
        arm = s.uniform(75, 160)
        at = person(s, Pose((-0.2, 0.2), 8, arms=((arm, arm + 5), (-60, -20)), legs=((26, 4), (-24, -30))))
        turn, (x, y) = np.deg2rad(arm + 5), at.hands[0]
        middle = x + 0.42 * np.sin(turn), y + 0.42 * np.cos(turn)
        rim = s.rgb(*VIVID, "black")
        s.line(x, y, *_between((x, y), middle, 0.5), 0.045, color=rim, part="racket")
        s.shape("ellipse", *middle, 0.27, 0.2, angle=90 - arm - 5, color=rim, part="racket")
        s.shape("ellipse", *middle, 0.2, 0.14, angle=90 - arm - 5, color=s.rgb("white", "beige"), part="strings")
        s.shape("ellipse", 0.8, s.uniform(-0.2, 0.4), 0.1, color=s.rgb("yellow"), part="ball")
    for phrase in ("a racket", "a small ball", "legs apart"):
        s.trait(phrase)


def boxer_athlete(s: Sketch) -> None:
    """Someone in a fighting stance, with thick round gloves; also the other sense of the word "boxer"."""
    punch = s.chance(0.5)
    near = np.where(punch, 86, 55), np.where(punch, 94, 125)
    at = person(s, Pose((-0.1, 0.22), 10, arms=(near, (15, 165)), legs=((30, 2), (-26, -34)), loose=6))
    glove = s.rgb("red", "red", "blue", "black", "yellow", "green", "white")
    for hand, colour in ((at.hands[1], glove * 0.8), (at.hands[0], glove)):
        s.shape("ellipse", *hand, 0.21, 0.18, color=colour, part="glove")
    s.trait("thick gloves")
    s.trait("bent arms", ~punch)
    s.trait("one straight arm", punch)
    s.trait("legs apart")


def pull_ups(s: Sketch) -> None:
    out = 170 - 105 * s.uniform(0, 1)  # from hanging to the chin over the bar
    tucked, steel = s.choice(-5, -40, -75), s.rgb("gray", "black", "brown", "white")
    s.ring_of("box", 2, 0.88, 0.05, 0.95, y=0.05, color=steel, part="post")
    s.shape("box", 0, -0.84, 0.92, 0.05, p=0.03, color=steel, part="bar")
    hip = -0.84 + 0.3 - 0.3 * np.cos(np.deg2rad(out)) + 0.5
    legs = ((8, 6 + tucked), (-8, -6 + tucked))
    person(s, Pose((0, hip), 0, arms=((out, 178), (-out, -178)), legs=legs, loose=3))
    for phrase in ("a high bar", "raised arms"):
        s.trait(phrase)
    s.trait("bent knees", tucked < -20)


def jump_rope(s: Sketch) -> None:
    over, arm = s.chance(0.5), s.uniform(60, 80)
    bent = s.choice(0, 35)
    at = joints(
        s, Pose((0, 0.16), 0, arms=((32, arm), (-32, -arm)), legs=((10 + bent, 6 - bent), (-10, -6 - bent)), loose=5)
    )
    (x0, y0), (x1, y1) = at.hands
    middle, height, half = (x0 + x1) / 2, (y0 + y1) / 2, np.abs(x0 - x1) / 2
    drop = np.where(over, 0.42, -0.3)  # the middle of the rope's circle lies above or below the hands
    side = np.rad2deg(np.arctan2(half, -np.abs(drop)))
    s.shape("arc", middle, height - drop, np.hypot(half, drop), 0.035, p=side, angle=np.where(over, 0, 180),
            color=s.rgb(*VIVID, "white", "black"), part="rope")  # fmt: skip
    dressed(s, at)
    s.trait("a rope")
    s.trait("bent arms")
    s.trait("bent knees", bent > 0)


CLASSES = [
    ToyClass("archery", archery, also=("shooting an arrow",)),
    ToyClass("juggling", juggling),
    ToyClass("handstand", handstand, also=("a headstand",)),
    ToyClass("weightlifting", weightlifting, also=("clean and jerk", "lifting weights")),
    ToyClass("jumping jacks", jumping_jacks, also=("star jumps",), spoken=0.3),
    ToyClass("yoga", yoga, also=("meditation",)),
    ToyClass("bowling", bowling),
    ToyClass("golf swing", golf_swing, also=("playing golf", "golf")),
    ToyClass("push ups", push_ups, also=("planks",), spoken=0.3),
    ToyClass("biking", biking, also=("cycling", "riding a bike")),
    ToyClass("rowing", rowing, also=("kayaking",)),
    ToyClass("soccer kick", soccer_kick, also=("playing football",), spoken=0.4),
    ToyClass("tennis swing", tennis_swing, also=("playing tennis", "tennis"), spoken=0.4),
    ToyClass("boxing", boxer_athlete, also=("fighting",)),
    ToyClass("pull ups", pull_ups, spoken=0.2),
    ToyClass("jump rope", jump_rope, also=("rope skipping",), spoken=0.3),
]
