"""A folder of WAV files is a task of kind "hear": what cannot be read is named; zero-shot and the probe run on it."""

import struct
import warnings

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from tiny_clip import tiny_audioclip, tiny_clip

import lessons_lib as ll
from lessons_lib import toysound
from lessons_lib.data import SoundLabels, Split
from lessons_lib.data.sounds import DrawnSounds, FileSounds, open_sound, problem_of_sound
from lessons_lib.data.toys import toy_splits


def wave(pitch: float = 440.0, rate: int = 8000, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    noise = 0.01 * np.random.default_rng(seed).standard_normal(int(rate * seconds))
    return ((np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate) / 2 + noise) * 20000).astype(np.int16)


@pytest.fixture
def folder(tmp_path):
    """Three classes of eight files, of two rates, some in stereo."""
    for number, name in enumerate(("bell", "frog", "rain_drop")):
        (tmp_path / name).mkdir()
        for i in range(8):
            rate = (8000, 44100)[i % 2]
            samples = wave(300.0 * (number + 1), rate, seed=i)
            wavfile.write(tmp_path / name / f"{i}.wav", rate, np.stack([samples] * 2, axis=1) if i > 5 else samples)
    return tmp_path


def test_a_folder_of_wav_files_is_a_task_of_sounds(folder):
    task = ll.load_task(folder, shots=2)
    assert task.kind == "hear" and task.classnames == ["bell", "frog", "rain drop"] and task.templates == ["{}"]
    sound, label = task.train[0]
    assert sound.dtype == torch.int16 and sound.shape == (8000,) and label == 0
    assert len(task.train) == 6 and "6 sounds (2 a class" in repr(task)
    assert task.train.labels.tolist() == [0, 0, 1, 1, 2, 2] and task.base().kind == "hear"
    assert isinstance(task.new().test.targets, SoundLabels)


def test_zero_shot_and_the_probe_run_on_sounds_as_on_pictures(folder, tmp_path):
    clip, task = tiny_audioclip(), ll.load_task(folder)
    zero_shot, probe = ll.ZeroShot(clip).fit(task), ll.LinearProbe(clip, C_grid=[100.0]).fit(task)
    assert 0 <= zero_shot.score(task.test) <= 100 and len(zero_shot.by_class(task.test)) == 3
    assert probe.score(task.test) > 60, "three pitches, of which chance knows a third"
    waves = torch.stack([task.test.image(i) for i in range(len(task.test))]).float() / 32768
    torch.testing.assert_close(probe.logits(waves), probe.logits(task.test), rtol=1e-4, atol=1e-4)
    path = probe.save(tmp_path / "probe.safetensors")
    torch.testing.assert_close(ll.load_method(path, clip).logits(task.test), probe.logits(task.test))


def test_a_clip_that_does_not_hear_and_a_method_that_does_not_say_so(folder):
    task = ll.load_task(folder)
    with pytest.raises(ValueError, match="tiny has no audio tower"):
        ll.ZeroShot(tiny_clip()).fit(task).score(task.test)
    with pytest.raises(ValueError, match="CoOp is a method of kind 'classify', but the task .* is of kind 'hear'"):
        ll.CoOp(tiny_audioclip()).fit(task)


def test_features_are_computed_once(folder, monkeypatch):
    clip, task = tiny_audioclip(), ll.load_task(folder)
    first = ll.ZeroShot(clip).fit(task).logits(task.test)
    monkeypatch.setattr(type(clip), "encode_sounds", lambda *_, **__: pytest.fail("computed again"))
    torch.testing.assert_close(ll.ZeroShot(clip).fit(task).logits(task.test), first)


def test_the_toy_task_is_one_of_sounds():
    splits = toy_splits("toy_sounds", seed=0)
    task = ll.Task.from_pools("toy_sounds", templates=["{}"], shots=2, **splits)
    assert task.kind == "hear" and len(task.classnames) == 24 and len(task.test) == 24 * 50
    assert torch.equal(task.pool.tensor()[:32], toysound.draw_sounds("train")[0][:32])
    with pytest.raises(ValueError, match="sounds, which have no size"):
        ll.load_task("toy_sounds", size=64)


def test_a_split_of_sounds_is_known_by_its_samples():
    waves = torch.arange(3 * 8000, dtype=torch.int16).view(3, 8000)
    split = Split(DrawnSounds(waves), SoundLabels([0, 1, 0]), ["a", "b"])
    assert torch.equal(split.subset([2]).image(0), waves[2]) and split.subset([2]).kind == "hear"
    assert split.fingerprint != Split(DrawnSounds(waves.flip(0)), SoundLabels([0, 1, 0]), ["a", "b"]).fingerprint
    assert split.of_classes([0]).counts.tolist() == [2]


def test_a_file_keeps_its_identity_wherever_it_lies(folder, tmp_path):
    paths = sorted((folder / "bell").iterdir())
    moved = tmp_path / "elsewhere.wav"
    moved.write_bytes(paths[0].read_bytes())
    assert FileSounds([moved], {}).fingerprint == FileSounds(paths[:1], {}).fingerprint


# --- what a file may be


def written(tmp_path, samples: np.ndarray, rate: int = 8000) -> bytes:
    path = tmp_path / "a.wav"
    wavfile.write(path, rate, samples)
    return path.read_bytes()


def of_24_bits(samples: np.ndarray, rate: int = 8000) -> bytes:
    body = b"".join(struct.pack("<i", int(s) << 16)[1:] for s in samples)
    about = struct.pack("<HHIIHH", 1, 1, rate, 3 * rate, 3, 24)
    rest = b"WAVEfmt " + struct.pack("<I", 16) + about + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(rest)) + rest


def test_24_bits_are_read():
    np.testing.assert_allclose(open_sound(of_24_bits(wave())).numpy(), wave(), atol=1)


def test_notes_of_a_recorder_are_passed_over(tmp_path):
    data = written(tmp_path, wave())
    data += b"LIST" + struct.pack("<I", 8) + b"INFOxxxx"
    assert problem_of_sound(data) == ""


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_recording_that_was_streamed_and_never_knew_its_length_is_read(tmp_path, claimed):
    whole = written(tmp_path, wave())
    streamed = whole[:4] + struct.pack("<I", claimed) + whole[8:40] + struct.pack("<I", claimed) + whole[44:]
    assert whole[36:40] == b"data"
    np.testing.assert_array_equal(open_sound(streamed).numpy(), wave())


def test_every_damage_is_a_sentence(tmp_path):
    whole = written(tmp_path, wave())
    compressed = whole[:20] + struct.pack("<H", 2) + whole[22:]
    said = {
        "empty file": b"",
        "not a WAV file": b"hello, this is no sound",
        "it is no WAV file but MP3: convert it": b"ID3" + bytes(100),
        "it is no WAV file but FLAC": b"fLaC" + bytes(100),
        "it ends too early": whole[:5000],
        "it is damaged": whole[:30],
        "its sound is compressed": compressed,
        "it is silent": written(tmp_path, np.zeros(8000, dtype=np.int16)),
        "it is too short": written(tmp_path, wave(seconds=0.02)),
        "it holds no samples": written(tmp_path, np.zeros(0, dtype=np.int16)),
    }
    for expected, data in said.items():
        found = problem_of_sound(data)
        assert found.startswith(expected), (expected, found)
        assert "\n" not in found


def test_unreadable_sounds_are_named_and_left_out_on_request_alone(folder):
    (folder / "bell" / "bad.wav").write_bytes(b"RIFF and nothing else")
    wavfile.write(folder / "frog" / "quiet.wav", 8000, np.zeros(8000, dtype=np.int16))
    with pytest.raises(
        ValueError, match=r"2 unreadable sound file\(s\).*bell/bad.wav.*frog/quiet.wav \(it is silent\)"
    ):
        ll.load_task(folder)
    with pytest.warns(UserWarning, match="left out 2 unreadable sound"):
        task = ll.load_task(folder, skip_unreadable=True)
    assert sum(len(part) for part in (task.pool, task.val_pool, task.test)) == 24


def test_what_lies_beside_the_sounds_is_counted(folder):
    (folder / "bell" / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.warns(UserWarning, match="left out 1 file.*which are no sounds that are read here"):
        assert ll.load_task(folder).kind == "hear"


def test_a_folder_of_mp3_says_how_to_convert_them(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.mp3").write_bytes(b"ID3")
    with pytest.raises(ValueError, match="sounds are read from WAV files: convert them"):
        ll.load_task(tmp_path)


def test_pictures_in_the_majority_make_it_a_task_of_pictures(folder):
    from photo_folders import photo

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("bell", "frog", "rain_drop"):
            for i in range(9):
                photo(i).save(folder / name / f"{i}.png")
        assert ll.load_task(folder).kind == "classify"


def test_a_sound_that_goes_or_breaks_later_is_named(folder):
    task = ll.load_task(folder)
    path = task.test.paths[0]
    path.write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="was sound when the task was loaded and cannot be read now"):
        task.test.image(0)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="is gone"):
        task.test.image(0)
