"""What six actions of ToyWorld sound like: a recipe a class, from a `Take` to (n, 8000)."""

import numpy as np

from lessons_lib.toysound.take import Take


def bowling(s: Take) -> np.ndarray:
    """The ball rolls, nearer and nearer, and pins fall over each other."""
    hit = s.uniform(0.5, 0.65)
    roll = s.noise(50, 250) * (0.15 + 0.6 * s.within(0.0, hit)) * (s.t < hit) * s.wobble(s.uniform(9, 13), 0.4)
    out = roll + 0.5 * s.noise(200, 2500) * s.struck(hit, 0.03)
    for _ in range(7):  # pins, of wood
        out = out + s.bell([s.uniform(750, 1500)], [1], hit + s.uniform(0.0, 0.28), 0.018, s.uniform(0.3, 0.9))
    return out


def boxing(s: Take) -> np.ndarray:
    """Dull blows in quick combinations, out of beat."""
    at = np.concatenate([s.times(s.uniform(0.03, 0.1), s.uniform(0.1, 0.15), 2, 0.02),
                         s.times(s.uniform(0.45, 0.55), s.uniform(0.1, 0.15), 3, 0.02)], axis=1)  # fmt: skip
    loud = s.uniform(0.6, 1.0, 5)
    return s.tone(s.uniform(85, 120), (1, 0.4)) * s.struck(at, 0.035, loud) + 0.5 * s.noise(100, 500) * s.struck(
        at, 0.02, loud
    )


def rowing(s: Take) -> np.ndarray:
    """An oar goes through water: a splash that swells and ebbs, bubbles in it, and wood knocks on wood."""
    stroke, start = s.uniform(0.42, 0.52), s.uniform(-0.1, 0.1)
    u, _ = s.beat(stroke, start)
    wash = s.noise(500, 2200) * np.sin(np.pi * u) ** 2 * (0.7 + 0.5 * np.maximum(s.noise(10, 40), -1))
    bubbles = s.tone(s.uniform(700, 900) * (1 + 0.5 * s.slow(25)), (1,)) * np.maximum(s.noise(8, 25), 0) * (u > 0.4)
    knock = s.bell([s.uniform(280, 340), s.uniform(480, 560)], [1, 0.6], s.times(start + 0.02, stroke, 3), 0.02)
    return wash + 0.35 * bubbles + 1.2 * knock


def tennis_swing(s: Take) -> np.ndarray:
    """The racket goes through the air, and meets the ball: a pock of strings."""
    hit, ball = s.uniform(0.42, 0.62), s.uniform(360, 440)
    near = np.exp(-(((s.t - hit + 0.03) / 0.09) ** 2))
    whoosh = s.noise(500, 1600) * near * (s.t < hit)
    pock = s.bell([ball, 2.4 * ball, 3.9 * ball], [1, 0.5, 0.3], hit, 0.045)
    return 0.45 * whoosh + 1.6 * pock + 0.5 * s.noise(300, 3500) * s.struck(hit, 0.006)


def jump_rope(s: Take) -> np.ndarray:
    """The rope whirls by, and taps the floor, twice to three times a second."""
    u, _ = s.beat(s.uniform(0.3, 0.38), s.uniform(0, 0.35))
    swish = s.noise(1400, 3300) * np.exp(-(((u - 0.62) / 0.16) ** 2))
    tap = np.exp(-22 * u)
    return 0.55 * swish + (1.1 * s.tone(s.uniform(140, 180), (1, 0.5)) + 0.9 * s.noise(500, 3000)) * tap


def jumping_jacks(s: Take) -> np.ndarray:
    """Feet land and hands clap, in turn: a low thump, then a bright clap."""
    gap, first = s.uniform(0.4, 0.48), s.uniform(0.02, 0.12)
    feet, hands = s.times(first, gap, 3, 0.01), s.times(first + gap / 2, gap, 2, 0.01)
    thump = s.tone(s.uniform(65, 85), (1, 0.3)) * s.struck(feet, 0.04)
    clap = s.noise(900, 2400) * (s.struck(hands, 0.02) + 0.6 * s.struck(hands + 0.012, 0.03))
    return 1.1 * thump + 0.8 * clap


CLASSES = {
    one.__name__.replace("_", " "): one for one in (bowling, boxing, rowing, tennis_swing, jump_rope, jumping_jacks)
}
