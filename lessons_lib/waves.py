"""A sound as every model is given it: one second, one channel, 8,000 samples a second, 16 bits.

One way for the sound files of a task, and for the one that a learner reads himself.
"""

from math import gcd

import numpy as np
from scipy.signal import resample_poly

RATE = 8000  # samples a second
SAMPLES = 8000  # of a sound: one second
SHORTEST = 0.05  # seconds: less is a click, of which nothing can be told
SILENT = 1e-4  # of full scale: what stays below is silence, of 8 bits and of 24 (-80 dB)
RATES = (1000, 768_000)  # samples a second that can be meant


def as_wave(samples: np.ndarray, rate: int) -> np.ndarray:
    """Of any recording (8000,) int16: its channels averaged, its loudest second, at 8,000 samples a second.

    samples: (S,) or (S, channels): whole numbers of any width (8 bits without a sign), or numbers with a point, -1 … 1
    (brought down to that where they are larger).   rate: samples a second.
    What is shorter than a second is followed by silence. Nothing is made louder.
    Raises ValueError for a rate that cannot be meant, and for what is too short, silent, or not finite.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"it claims {rate:,} samples a second; {RATES[0]:,} to {RATES[1]:,} can be read")
    wave = _scaled(np.asarray(samples))
    if wave.ndim > 1:
        wave = wave.mean(axis=1)
    if len(wave) < SHORTEST * rate:
        raise ValueError(f"it is too short: {len(wave)} samples, {1000 * len(wave) / rate:.0f} ms of {rate:,} a second")
    if not np.isfinite(wave).all():
        raise ValueError("some of its samples are not finite numbers (NaN or infinite)")
    if np.abs(wave - wave.mean()).max() < SILENT:
        raise ValueError("it is silent")
    wave = _loudest_second(wave, rate)
    if rate != RATE:
        shared = gcd(RATE, rate)
        wave = resample_poly(wave, RATE // shared, rate // shared)[:SAMPLES]
    wave = np.pad(wave, (0, SAMPLES - len(wave)))
    return np.clip(np.round(32768 * wave), -32768, 32767).astype(np.int16)


def _scaled(samples: np.ndarray) -> np.ndarray:
    """float64, -1 … 1."""
    if samples.dtype.kind == "u":
        half = 2.0 ** (8 * samples.dtype.itemsize - 1)
        return samples.astype(np.float64) / half - 1
    if samples.dtype.kind == "i":
        return samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1)
    if samples.dtype.kind != "f":
        raise ValueError(f"its samples are {samples.dtype}, not numbers")
    wave = samples.astype(np.float64)
    peak = np.abs(wave).max(initial=0.0)
    return wave / peak if np.isfinite(peak) and peak > 1 else wave


def _loudest_second(wave: np.ndarray, rate: int) -> np.ndarray:
    """The first of those that are equally loud."""
    if len(wave) <= rate:
        return wave
    power = np.concatenate([[0.0], np.cumsum(np.square(wave - wave.mean()))])
    start = int(np.argmax(power[rate:] - power[:-rate]))
    return wave[start : start + rate]
