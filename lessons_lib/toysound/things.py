"""What eighteen things of ToyWorld sound like: a recipe a class, from a `Take` to (n, 8000)."""

import numpy as np

from lessons_lib.toysound.take import Take

BRASS = (1.0, 0.9, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2)
REED = (1.0, 0.6, 0.7, 0.4, 0.45, 0.25, 0.3, 0.15, 0.2, 0.1)


def elephant(s: Take) -> np.ndarray:
    """A trumpet call, rough, rising and falling back."""
    start, length = s.uniform(0.02, 0.15), s.uniform(0.6, 0.8)
    u = s.within(start, length)
    pitch = s.uniform(330, 430) * (1 + s.uniform(0.25, 0.45) * np.sin(np.pi * u)) * s.wobble(s.uniform(6, 9), 0.03)
    return s.tone(pitch, BRASS) * (1 + 0.5 * s.tone(s.uniform(45, 70))) * s.swell(start, length, 0.04, 0.12)


def mouse(s: Take) -> np.ndarray:
    """A few short squeaks, very high, each gliding up."""
    at, out = s.times(s.uniform(0.05, 0.15), s.uniform(0.17, 0.24), 4, 0.03), 0
    for k in range(4):
        start, length = at[:, k : k + 1], s.uniform(0.05, 0.09)
        pitch = s.uniform(2500, 3000) + s.uniform(300, 700) * s.within(start, length)
        out = out + s.tone(pitch) * s.swell(start, length, 0.01, 0.03) * ((k < 3) | s.chance(0.5))
    return out


def seal(s: Take) -> np.ndarray:
    """Two or three hoarse barks, each falling at its end."""
    at, out = s.times(s.uniform(0.04, 0.12), s.uniform(0.29, 0.34), 3, 0.02), 0
    fall = 1.15
    for k in range(3):
        start, length = at[:, k : k + 1], s.uniform(0.15, 0.2)
        out = out + s.swell(start, length, 0.02, 0.06) * ((k < 2) | s.chance(0.5))
        fall = fall - 0.4 * s.within(start, length) * (s.t < start + length)
    return (s.tone(s.uniform(230, 300) * fall, (0.5, 0.9, 1, 0.9, 0.5, 0.3, 0.2)) + 0.7 * s.noise(300, 1500)) * out


def owl(s: Take) -> np.ndarray:
    """Hoo, hoo-oo: low soft tones with next to no overtones, a short one and a long one."""
    pitch, first = s.uniform(330, 430), s.uniform(0.05, 0.12)
    short, gap, long = s.uniform(0.12, 0.18), s.uniform(0.1, 0.16), s.uniform(0.38, 0.46)
    second = first + short + gap
    fall = 1 - 0.12 * s.within(second, long) - 0.04 * s.within(first, short)
    loud = s.swell(first, short, 0.05, 0.06) + s.swell(second, long, 0.08, 0.15)
    return (s.tone(pitch * fall * s.wobble(5, 0.01), (1, 0.08)) + 0.03 * s.noise(250, 700)) * loud


def whale(s: Take) -> np.ndarray:
    """A long moan that glides, slowly, far up and down again."""
    low, reach, peak = s.uniform(110, 160), s.uniform(250, 450), s.uniform(0.3, 0.7)
    u = s.within(0.0, 1.0)
    hill = np.sin(np.pi * u ** (np.log(0.5) / np.log(peak))) ** 2
    pitch = (low + reach * hill) * s.wobble(s.uniform(3, 5), 0.02)
    return s.tone(pitch, (1, 0.35, 0.15, 0.05)) * s.swell(0.0, 1.0, 0.15, 0.25)


def snake(s: Take) -> np.ndarray:
    """A hiss: high noise, one long breath."""
    start, length = s.uniform(0.0, 0.15), s.uniform(0.7, 0.9)
    return s.noise(s.uniform(2200, 2800), 3900) * s.swell(start, length, s.uniform(0.1, 0.3), s.uniform(0.15, 0.4))


def bee(s: Take) -> np.ndarray:
    """A buzz: a low pitch with all its overtones, wandering, near and far."""
    pitch = s.uniform(190, 250) * (1 + 0.06 * s.slow(4))
    partials = [1 / k**0.7 for k in range(1, 15)]
    return s.tone(pitch, partials) * (0.6 + 0.35 * s.slow(3)) * s.wobble(s.uniform(22, 30), 0.25)


def hammer(s: Take) -> np.ndarray:
    """Two to four blows on a nail: a hard knock and a short ring of metal."""
    at = s.times(s.uniform(0.04, 0.12), s.uniform(0.24, 0.32), 4, 0.015)
    loud = s.uniform(0.7, 1.0, 4)
    pitch = s.uniform(1000, 1250)
    ring = s.bell([0.2 * pitch, pitch, 1.83 * pitch, 2.64 * pitch], [0.9, 0.8, 0.6, 0.4], at, 0.035, loud)
    return s.noise(150, 3500) * s.struck(at, 0.008, loud) + ring


def saw(s: Take) -> np.ndarray:
    """To and fro: rasping strokes, the teeth heard one by one, the way back higher and softer."""
    stroke = s.uniform(0.2, 0.26)
    u, number = s.beat(stroke, s.uniform(0, 0.5))
    back = number - 2 * np.floor(number / 2)
    speed = np.sin(np.pi * u)
    teeth = s.tone(s.uniform(75, 100) * (0.6 + 0.8 * speed) * (1 + 0.35 * back), [1] * 4)
    return s.noise(700, 3000) * (0.4 + np.maximum(teeth, 0)) * np.sqrt(np.maximum(speed, 0)) * (1 - 0.45 * back)


def bicycle(s: Take) -> np.ndarray:
    """A bicycle's bell: rring, rring, high and long in dying away."""
    at = s.times(s.uniform(0.03, 0.1), s.uniform(0.36, 0.46), 2, 0.02)
    pitch = s.uniform(1750, 2100)
    ring = s.bell([pitch, 1.503 * pitch, 1.79 * pitch], [1, 0.7, 0.5], at, 0.28)
    return ring * s.wobble(s.uniform(24, 32), 0.6) + 0.2 * s.noise(2000, 3800) * s.struck(at, 0.01)


def train(s: Take) -> np.ndarray:
    """A steam engine: chuffs in a steady beat, and over them its whistle, a chord."""
    u, _ = s.beat(s.uniform(0.14, 0.2), s.uniform(0, 0.2))
    start, root = s.uniform(0.05, 0.3), s.uniform(520, 640)
    whistle = s.tone(root / 4 * (1 - 0.03 * s.within(start + 0.4, 0.2)), (0, 0, 0, 1, 1, 1, 0, 0.3, 0, 0.3, 0, 0.3))
    return 1.3 * s.noise(150, 1800) * np.exp(-5 * u) + 0.5 * whistle * s.swell(start, 0.55, 0.05, 0.12)


def tractor(s: Take) -> np.ndarray:
    """Putt, putt, putt: a slow engine, each stroke a low thump."""
    u, _ = s.beat(s.uniform(0.085, 0.12), s.uniform(0, 0.1), 0.05 * s.slow(3))
    thump = s.tone(s.uniform(60, 85), (1, 1, 0.8, 0.6, 0.4, 0.3))
    return thump * np.exp(-4 * u) + 0.5 * s.noise(150, 700) * np.exp(-9 * u) + 0.06 * s.noise(700, 2500)


def rocket(s: Take) -> np.ndarray:
    """A roar that grows, with crackling in it."""
    grow = s.within(0.0, s.uniform(0.6, 1.0))
    crackle = np.maximum(s.noise(20, 60), 0)
    return (s.noise(40, 900) + 0.5 * s.noise(400, 2500) * (0.2 + crackle * crackle)) * (0.08 + grow)


def teapot(s: Take) -> np.ndarray:
    """A kettle's whistle: one pure tone that climbs and then holds, and steam around it."""
    climb, low, high = s.uniform(0.3, 0.6), s.uniform(1100, 1400), s.uniform(2100, 2600)
    u = s.within(0.05, climb)
    pitch = (low + (high - low) * u) * s.wobble(s.uniform(6, 9), 0.006)
    return s.tone(pitch, (1, 0.15)) * (0.15 + 0.85 * u) + 0.12 * s.noise(1500, 3900)


def bottle(s: Take) -> np.ndarray:
    """Glug, glug: a bottle that is emptied, each gulp a short tone gliding up, each a little higher."""
    u, number = s.beat(s.uniform(0.13, 0.17), s.uniform(0.0, 0.1), 0.1 * s.slow(2))
    pitch = s.uniform(260, 340) * (1 + 0.05 * np.maximum(number, 0)) * (1 + 1.3 * u)
    loud = np.sin(np.pi * u)
    return (s.tone(pitch, (1, 0.25)) * loud * (number >= 0) + 0.08 * s.noise(800, 2500)) * loud


def clock(s: Take) -> np.ndarray:
    """Tick, tock: short dry clicks in a steady beat, a high one and a low one in turn."""
    gap, first = s.uniform(0.22, 0.28), s.uniform(0.02, 0.12)
    tick, tock = s.times(first, 2 * gap, 3), s.times(first + gap, 2 * gap, 2)
    high, low = s.uniform(2600, 3100), s.uniform(1600, 1900)
    return s.bell([high], [1], tick, 0.006) + s.bell([low], [1], tock, 0.008) + 0.3 * s.noise(1500, 3800) * s.struck(
        np.concatenate([tick, tock], axis=1), 0.003
    )  # fmt: skip


def door(s: Take) -> np.ndarray:
    """A creak, pulses that speed up and slow down, and the door shuts with a thud."""
    shut = s.uniform(0.72, 0.82)
    u = s.within(0.03, shut - 0.1)
    turns = s.uniform(12, 18) * s.t + s.uniform(22, 34) * u * u * (3 - 2 * u)
    voice = s.tone(s.uniform(550, 750) * (1 + 0.25 * u), (1, 0.3, 0.6, 0.2))
    creak = voice * np.exp(-6 * (turns - np.floor(turns))) * s.swell(0.03, shut - 0.1, 0.08, 0.08)
    thud = s.tone(s.uniform(75, 100), (1, 0.5)) + 0.8 * s.noise(60, 600)
    return 0.7 * creak + 1.2 * thud * s.struck(shut, 0.05)


def lightning(s: Take) -> np.ndarray:
    """Thunder: a crack, and a rumble that rolls away."""
    at = s.uniform(0.03, 0.2)
    crack = s.noise(300, 3500) * s.struck(at, s.uniform(0.02, 0.05))
    rolling = np.clip(1 + 0.9 * s.slow(9), 0, None)
    return 0.9 * crack + s.noise(25, 160) * s.struck(at, s.uniform(0.35, 0.6)) * rolling * s.swell(at, 1.2, 0.03, 0.3)


CLASSES = {
    one.__name__: one
    for one in (
        elephant, mouse, seal, owl, whale, snake, bee, hammer, saw, bicycle, train, tractor, rocket, teapot, bottle,
        clock, door, lightning,
    )
}  # fmt: skip
