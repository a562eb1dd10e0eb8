"""ToyWorld's sounds: the same from the same seed, each like no other, and told apart by a plain classifier."""

import numpy as np
import pytest
import torch

from lessons_lib import toysound, toyworld
from lessons_lib.clip.audio import Spectrogram
from lessons_lib.toysound.take import RATE, Take
from lessons_lib.toysound.things import saw
from lessons_lib.waves import SAMPLES


@pytest.fixture(scope="module")
def drawn():
    """(384, 8000) and labels: 16 of each class."""
    return toysound.draw_sounds("val")


def seen(waves: torch.Tensor) -> torch.Tensor:
    """(N, 192 · 16): the picture of each, a quarter of its frames."""
    with torch.inference_mode():
        pictures = torch.cat([Spectrogram()(part.float()) for part in waves.split(64)]).flatten(1, 2)
    return pictures.unflatten(2, (16, 4)).mean(dim=3).flatten(1)


def test_24_things_and_actions_of_toyworld_are_heard():
    things, actions = (toyworld.TASKS[name].classnames for name in ("toy_things", "toy_actions"))
    names = list(toysound.CLASSES)
    assert len(names) == 24 and set(names) <= {*things, *actions}
    assert len(set(names) & set(things)) == 18 and set(toysound.BRIDGED) < set(names) and len(toysound.BRIDGED) == 6


def test_sounds_are_a_second_of_16_bits_neither_silent_nor_cut(drawn):
    waves, labels = drawn
    assert waves.dtype == torch.int16 and waves.shape == (24 * 16, 8000)
    assert labels.bincount().tolist() == [16] * 24
    peaks = waves.abs().amax(dim=1)
    assert peaks.min() > 0.29 * 32767 and peaks.max() < 0.96 * 32767


def test_the_same_seed_gives_the_same_sounds_and_another_seed_others(drawn):
    again, _ = toysound.draw_sounds("val")
    other, _ = toysound.draw_sounds("val", seed=1, per_class=1)
    assert torch.equal(again, drawn[0]) and not torch.equal(other[0], drawn[0][0])


def test_splits_and_classes_do_not_share_sounds():
    train, test = (toysound.draw_sounds(split, per_class=2)[0] for split in ("train", "test"))
    everything = torch.cat([train, test])
    assert len(everything.unique(dim=0)) == len(everything)


def test_no_two_sounds_are_alike(drawn):
    """Of a class either: their spectra, too, differ."""
    waves, labels = drawn
    pictures = seen(waves)
    apart = torch.cdist(pictures, pictures)
    assert apart[~torch.eye(len(apart), dtype=bool)].min() > 1.0


def test_a_plain_classifier_tells_the_classes_apart(drawn):
    """The nearest of 24 mean spectra, of 8 training sounds each; chance is 4 %."""
    waves, labels = drawn
    train, known = toysound.draw_sounds("train", per_class=8)
    centres = torch.stack([seen(train)[known == label].mean(dim=0) for label in range(24)])
    answers = torch.cdist(seen(waves), centres).argmin(dim=1)
    right = (answers == labels).float()
    assert right.mean() > 0.9
    assert min(right[labels == label].mean() for label in range(24)) > 0.5


def test_a_class_without_a_recipe_is_a_key_error():
    with pytest.raises(KeyError):
        toysound.draw_class("moon", 1, np.random.default_rng(0))
    assert toysound.draw_class("owl", 0, np.random.default_rng(0)).shape == (0, 8000)


# --- the tools


@pytest.fixture
def take():
    return Take(3, np.random.default_rng(0))


def spectrum(wave: np.ndarray) -> np.ndarray:
    """(n, 4001) power of each whole pitch, in Hz."""
    return np.abs(np.fft.rfft(wave, axis=1)) ** 2


def test_a_tone_has_its_pitch_and_its_overtones_alone(take):
    power = spectrum(take.tone(200.0, (1, 0, 0.5)))
    loud = [np.flatnonzero(row > 1e-3 * row.max()).tolist() for row in power]
    assert loud == [[200, 600]] * 3
    np.testing.assert_allclose(power[:, 600] / power[:, 200], 0.25, rtol=1e-2)


def test_a_glide_ends_at_its_last_pitch(take):
    wave = take.tone(300.0 + 600.0 * take.within(0.0, 0.5))
    late = spectrum(wave[:, 4000:])
    assert (late.argmax(axis=1) * 2 == 900).all()


def test_overtones_that_cannot_be_heard_are_left_out_and_do_not_fold_back(take):
    power = spectrum(take.tone(1500.0, (1, 1, 1, 1)))
    assert [np.flatnonzero(row > 1e-3 * row.max()).tolist() for row in power] == [[1500, 3000]] * 3


def test_noise_stays_in_its_band_and_has_power_1(take):
    wave = take.noise(500.0, 1000.0)
    power = spectrum(wave)
    assert (power[:, 350:1400].sum(axis=1) > 0.9 * power.sum(axis=1)).all()
    np.testing.assert_allclose((wave**2).mean(axis=1), 1, rtol=0.2)


def test_a_stroke_begins_where_it_is_struck_and_dies_away(take):
    loud = take.struck(np.full((3, 1), 0.5, dtype=np.float32), 0.05)
    assert (loud[:, :4000] == 0).all() and (loud[:, 4000] == 1).all()
    np.testing.assert_allclose(loud[:, 4000 + int(0.05 * RATE)], np.exp(-1), rtol=1e-3)


def test_strokes_before_the_beginning_and_behind_the_end_are_cut(take):
    at = np.array([[-0.01, 0.9999, 5.0]] * 3, dtype=np.float32)
    loud = take.struck(at, 0.02)
    assert (
        loud.shape == (3, 8000) and np.isfinite(loud).all() and (loud[:, 0] > 0.5).all() and (loud[:, -1] > 0.9).all()
    )
    assert (take.struck(np.full((3, 1), -9.0, dtype=np.float32), 0.01) == 0).all()


def test_a_saw_that_is_just_turning_round_is_heard(monkeypatch):
    """sin(π · u) is a little below 0 where u is 1 but for rounding: its root was no number, and the sound was noise."""
    take = Take(2, np.random.default_rng(0))
    u = np.full((2, SAMPLES), np.nextafter(1.0, 2.0))
    monkeypatch.setattr(take, "beat", lambda *_: (u, np.zeros_like(u)))
    assert np.isfinite(saw(take)).all()
