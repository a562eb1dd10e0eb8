"""Any recording becomes one second of one channel at 8,000 samples a second, or a sentence says why not."""

import numpy as np
import pytest

from lessons_lib.waves import as_wave


def tone(rate: int, seconds: float = 1.0, pitch: float = 440.0, loud: float = 0.5) -> np.ndarray:
    return loud * np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate)


WANTED = np.round(32768 * tone(8000)).astype(np.int16)


def test_a_second_at_8000_of_16_bits_stays_as_it_is():
    assert np.array_equal(as_wave(WANTED, 8000), WANTED)


@pytest.mark.parametrize("rate", [4000, 11025, 16000, 22050, 44100, 48000, 96000, 44101])
def test_any_rate_comes_to_the_same_sound(rate):
    found = as_wave(tone(rate), rate).astype(float)
    inside = slice(200, 7800)  # at the ends the filter rings
    assert found.shape == (8000,)
    assert np.abs(found - WANTED)[inside].max() < 0.01 * 16384


@pytest.mark.parametrize(
    "samples",
    [
        np.round(128 + 127 * tone(8000)).astype(np.uint8),
        np.round(2**31 * tone(8000)).astype(np.int32),
        np.round(2**55 * 256 * tone(8000)).astype(np.int64),
        tone(8000).astype(np.float32),
        tone(8000),
    ],
    ids=["8 bits", "32 bits", "64 bits", "float", "double"],
)
def test_any_width_comes_to_the_same_loudness(samples):
    assert np.abs(as_wave(samples, 8000).astype(float) - WANTED).max() <= 400


def test_channels_are_averaged():
    both = np.stack([tone(8000), np.zeros(8000)], axis=1)
    assert np.abs(as_wave(both, 8000).astype(float) - WANTED / 2).max() <= 1


def test_what_is_above_half_the_rate_does_not_fold_back():
    found = as_wave(tone(48000, pitch=6000.0) + 0.01 * tone(48000, pitch=500.0), 48000)
    assert np.abs(np.fft.rfft(found.astype(float)))[1900:2100].max() < np.abs(np.fft.rfft(found.astype(float)))[500]


def test_of_a_long_recording_the_loudest_second_is_taken():
    quiet = 0.01 * np.random.default_rng(0).standard_normal(5 * 16000)
    quiet[2 * 16000 : 3 * 16000] += tone(16000)
    found = as_wave(quiet, 16000)
    assert len(found) == 8000 and (found.astype(float) ** 2).mean() > 0.9 * (WANTED.astype(float) ** 2).mean()


def test_a_short_one_is_followed_by_silence():
    found = as_wave(tone(8000, 0.25), 8000)
    assert len(found) == 8000 and found[:2000].any() and not found[2000:].any()


def test_numbers_beyond_1_are_brought_down_not_cut():
    found = as_wave(8 * tone(8000, loud=1.0), 8000).astype(float)
    assert np.abs(found / found.max() - tone(8000, loud=1.0) / tone(8000, loud=1.0).max()).max() < 0.001


@pytest.mark.parametrize(
    "samples, rate, said",
    [
        (np.zeros(8000), 8000, "silent"),
        (np.full(8000, 0.7), 8000, "silent"),
        (tone(8000, 0.01), 8000, "too short: 80 samples, 10 ms"),
        (np.array([]), 8000, "too short: 0 samples"),
        (np.full(8000, np.nan), 8000, "not finite"),
        (np.array([np.inf] + [0.0] * 7999), 8000, "not finite"),
        (tone(8000), 0, "claims 0 samples a second"),
        (tone(8000), 2**31, "claims 2,147,483,648"),
        (np.array(["a"] * 8000), 8000, "not numbers"),
    ],
)
def test_what_cannot_be_heard_is_one_sentence(samples, rate, said):
    with pytest.raises(ValueError, match=said):
        as_wave(samples, rate)
