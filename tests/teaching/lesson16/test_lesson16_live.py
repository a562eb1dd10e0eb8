"""Lesson 16's live training gets fresh sounds with frozen vectors, from the world or from a learner's own folders."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import wavfile
from tiny_clip import tiny_audioclip, tiny_clip

import lessons_lib as ll
from lessons_lib.pretrain.audio import AudioTowers, three_way_loss
from lessons_lib.teaching.lesson16 import live


@pytest.fixture(scope="module")
def clip():
    return tiny_clip()


@pytest.fixture(scope="module")
def triples(clip):
    return live.Triples(clip, pool=2)


def test_a_batch_depends_on_its_step_alone_and_belongs_together(triples):
    one, again, other = triples.batch(3, 8), triples.batch(3, 8), triples.batch(4, 8)
    assert torch.equal(one.sounds, again.sounds) and not torch.equal(one.sounds, other.sounds)
    assert one.sounds.shape == (8, 8000) and one.sounds.abs().max() <= 1
    torch.testing.assert_close(one.texts, triples.texts[one.labels])
    for picture, label in zip(one.pictures, one.labels):
        own = triples.pictures[2 * label : 2 * label + 2]
        assert (own == picture).all(dim=1).any()


def test_pictures_are_of_things_and_of_actions():
    shown = live.drawn(["owl", "bowling"], 2, seed=0)
    assert shown.shape == (4, 3, 64, 64) and shown.dtype == torch.uint8
    assert torch.equal(live.drawn(["bowling"], 2, seed=0), shown[2:])


def test_a_step_moves_the_ears_alone_and_the_mode_stays(triples, clip):
    model = tiny_audioclip().model
    assert live.same_weights(model, clip) == (len(clip.model.state_dict()),) * 2
    model.learn("audio").train()
    batch = triples.batch(0, 6)
    three_way_loss(*AudioTowers(model)(batch.sounds, batch.pictures, batch.texts)).backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1).step()
    assert live.same_weights(model, clip)[1] == len(clip.model.state_dict())
    value = live.percent_right(model, batch.sounds, triples.texts, batch.labels)
    assert 0 <= value <= 100 and model.audio.training
    with torch.no_grad():
        model.text_projection += 1
    count, equal = live.same_weights(model, clip)
    assert equal == count - 1


def test_noise_is_as_loud_as_asked_and_always_the_same():
    waves = (8000 * torch.sin(torch.arange(8000) / 5)).to(torch.int16)[None]
    noise = live.in_noise(waves, -20) - live.as_float(waves)
    share = (noise.square().mean() / live.as_float(waves).square().mean()).item()
    assert share == pytest.approx(0.01, rel=0.1)
    assert torch.equal(live.in_noise(waves, -20), live.in_noise(waves, -20))


def folders(root, *, sounds, photos):
    rng = np.random.default_rng(0)
    for kind, names in (("sounds", sounds), ("photos", photos)):
        for name in names:
            (root / kind / name).mkdir(parents=True)
            for i in range(8):
                if kind == "sounds":
                    wave = (9000 * rng.standard_normal(8000)).clip(-32768, 32767).astype(np.int16)
                    wavfile.write(root / kind / name / f"{i}.wav", 8000, wave)
                else:
                    pixels = rng.integers(255, size=(40, 40, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(root / kind / name / f"{i}.png")
    return ll.load_task(root / "sounds", shots=2), ll.load_task(root / "photos", shots=2)


def test_a_learners_own_folders_make_triples(tmp_path, clip):
    tasks = folders(tmp_path, sounds=["bell", "cat", "frog"], photos=["cat", "frog", "moon"])
    triples = live.OwnTriples(clip, *tasks)
    assert triples.names == ["cat", "frog"]
    batch = triples.batch(0, 6)
    assert batch.sounds.shape == (6, 8000) and batch.pictures.shape == batch.texts.shape
    torch.testing.assert_close(batch.texts, clip.encode_texts(["cat", "frog"])[batch.labels])


def test_folders_without_a_name_in_common_are_refused(tmp_path, clip):
    tasks = folders(tmp_path, sounds=["bell", "dog"], photos=["cat", "moon"])
    with pytest.raises(ValueError, match="name the folders of both alike"):
        live.OwnTriples(clip, *tasks)
