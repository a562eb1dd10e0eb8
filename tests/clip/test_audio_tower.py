"""The audio tower: its spectrum is the published computation, loudness does not count, and it is saved beside the CLIP
that it belongs to."""

import json

import numpy as np
import pytest
import torch
from reference import audioclip as published
from tiny_clip import tiny_audioclip, tiny_clip, tiny_groupvit

import lessons_lib as ll
from lessons_lib.clip import load_audio_tower
from lessons_lib.clip.audio import AudioResNet, Spectrogram
from lessons_lib.clip.audio_files import as_clip, save_audio_tower, with_audio
from lessons_lib.sealed import to_bytes

SMALL = {"width": 4, "layers": [1, 1]}


def waves(n: int = 3, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(n, 8000, generator=torch.Generator().manual_seed(seed))


def test_the_spectrum_is_that_of_the_loop_over_frames_in_three_bands():
    wave = torch.sin(torch.linspace(0, 3000, 8000))[None] * torch.linspace(0, 1, 8000) + 0.01 * waves(1)
    wanted = published.spectrogram(wave[0].double().numpy())
    found = Spectrogram()(wave)
    assert found.shape == (1, 3, 64, 64)
    np.testing.assert_allclose(found[0].reshape(192, 64).numpy(), wanted, atol=2e-3)


def test_a_pitch_is_seen_in_its_row():
    pitch = 8000 / 384 * 100  # the hundredth row
    seen = Spectrogram()(torch.sin(2 * torch.pi * pitch * torch.arange(8000) / 8000)[None]).flatten(1, 2)
    assert (seen[0, :, 5:60].argmax(dim=0) == 99).all()


def test_what_is_louder_is_the_same_sound():
    clip = tiny_audioclip()
    quiet = clip.encode_sounds(waves())
    torch.testing.assert_close(clip.encode_sounds(20 * waves()), quiet, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(clip.encode_sounds(32768 * waves()), quiet, rtol=1e-4, atol=1e-5)


def test_silence_is_finite():
    assert tiny_audioclip().encode_sounds(torch.zeros(1, 8000)).isfinite().all()


def test_the_usual_tower_has_a_million_numbers():
    assert sum(p.numel() for p in AudioResNet(128).parameters()) == pytest.approx(1e6, rel=0.15)


def test_sounds_lie_in_the_joint_space_whatever_the_batches():
    clip = tiny_audioclip()
    assert list(clip.towers) == ["image", "text", "audio"]
    features = clip.encode_sounds(waves(5))
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(5))
    torch.testing.assert_close(clip.encode_sounds(waves(5), batch_size=2), features, rtol=1e-5, atol=1e-6)
    assert clip.towers["audio"].picture(waves()).shape == (3, 192, 64)


def test_adding_a_tower_changes_neither_texts_nor_pictures():
    clip, hears = tiny_clip(), tiny_audioclip()
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(clip.encode_images(pictures), hears.encode_images(pictures))
    assert torch.equal(clip.encode_texts(["a cat"]), hears.encode_texts(["a cat"]))
    assert repr(clip.transforms) == repr(hears.transforms) and clip.fingerprint != hears.fingerprint


@pytest.mark.parametrize(
    "wrong, said",
    [
        ([waves()], "got a list: stack"),
        (waves().short(), "torch.int16: whole numbers"),
        (waves()[0], r"add a dimension with waves\[None\]"),
        (waves()[:, :500], r"got \(3, 500\): lessons_lib.waves.as_wave"),
    ],
)
def test_what_is_no_second_of_sound_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        tiny_audioclip().encode_sounds(wrong)


def test_a_clip_without_the_tower_says_where_to_get_one():
    with pytest.raises(ValueError, match="tiny has no audio tower: .*load_audio_tower"):
        tiny_clip().encode_sounds(waves())


def test_only_a_clip_of_open_clips_class_is_given_a_tower():
    with pytest.raises(ValueError, match="GroupingCLIP"):
        with_audio(tiny_groupvit())
    with pytest.raises(ValueError, match="AudioCLIP"):
        with_audio(tiny_audioclip())


def test_a_part_that_learns_is_audio_or_all():
    with pytest.raises(ValueError, match="what='image'"):
        with_audio(tiny_clip(), SMALL).learn("image")


def test_a_saved_tower_is_loaded_beside_its_clip(tmp_path):
    clip = tiny_clip()
    model = with_audio(clip, SMALL, seed=4)
    path = save_audio_tower(model, tmp_path / "audio.safetensors", clip)
    assert path.stat().st_size < 60_000, "the other towers are in it"
    loaded = load_audio_tower(path, clip)
    assert torch.equal(loaded.encode_sounds(waves()), as_clip(model, clip).encode_sounds(waves()))


def test_a_tower_of_another_clip_or_a_damaged_one_is_refused(tmp_path):
    clip, path = tiny_clip(), tmp_path / "audio.safetensors"
    with pytest.raises(FileNotFoundError, match="no audio tower at"):
        load_audio_tower(path, clip)
    save_audio_tower(with_audio(clip, SMALL), path, clip)
    with pytest.raises(ValueError, match="trained against another CLIP"):
        load_audio_tower(path, tiny_clip(seed=1))
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load_audio_tower(path, clip)
    path.write_bytes(to_bytes({"a": torch.ones(1)}))
    with pytest.raises(ValueError, match="holds no audio tower"):
        load_audio_tower(path, clip)


def test_a_tower_is_not_saved_alone_where_the_others_were_trained_too(tmp_path):
    clip = tiny_clip()
    model = with_audio(clip, SMALL)
    with torch.no_grad():
        model.logit_scale.add_(0.1)
    with pytest.raises(ValueError, match="save the whole model"):
        save_audio_tower(model, tmp_path / "audio.safetensors", clip)


def test_a_whole_audioclip_is_loaded_from_a_folder_as_any_model(tmp_path):
    clip = tiny_audioclip()
    config = {"model_cfg": clip.model_cfg, "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_model.safetensors").write_bytes(to_bytes(clip.model.state_dict()))
    loaded = ll.load_clip(f"local-dir:{tmp_path}", device="cpu", precision="fp32", verbose=False)
    assert torch.equal(loaded.encode_sounds(waves()), clip.encode_sounds(waves()))
