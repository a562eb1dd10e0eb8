"""A trunk is the image tower before its projection: probes and neighbours read it, texts do not, and its file has
nothing else."""

import json

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from noise_task import noise_split, noise_task
from tiny_clip import tiny_clip

import lessons_lib as ll
from lessons_lib.metrics.retrieval import neighbours
from lessons_lib.pretrain.trunk import load_trunk, save_trunk, trunk_of


def test_its_features_times_the_projection_are_clips():
    clip, split = tiny_clip(), noise_split(2, 0)
    images = clip.preprocess_tensor(split.tensor())
    trunk = trunk_of(clip)
    assert trunk.embed_dim == 64 != clip.embed_dim and trunk.fingerprint != clip.fingerprint
    projected = F.normalize(trunk.encode_images(images) @ clip.image_tower.projection, dim=-1)
    torch.testing.assert_close(projected, clip.encode_images(images), rtol=1e-4, atol=1e-5)
    assert clip.model.visual.proj is not None, "the CLIP is left as it was"


def test_a_probe_reads_it_and_texts_are_refused():
    trunk = trunk_of(tiny_clip())
    task = noise_task()
    probe = ll.LinearProbe(trunk, C_grid=[1.0]).fit(task)
    assert probe.linear.in_features == 64 and 0 <= probe.score(task.test) <= 100
    with pytest.raises(ValueError, match="a trunk has no texts: ask the whole CLIP"):
        ll.ZeroShot(trunk).fit(task)


def test_neighbours_are_the_nearest_others():
    trunk, split = trunk_of(tiny_clip()), noise_split(3, 0)
    features = trunk.encode_images(trunk.preprocess_tensor(split.tensor()))
    found = neighbours(trunk, split, [4, 0], k=3)
    for query, row in zip((4, 0), found.indices.tolist()):
        by_hand = sorted(
            (i for i in range(len(features)) if i != query), key=lambda i: -float(features[query] @ features[i])
        )
        assert row == by_hand[:3]
    assert found.scores.shape == (2, 3) and (found.scores.diff(dim=1) <= 0).all()
    for which, k in (([0], len(features)), ([len(features)], 1), ([0], 0)):
        with pytest.raises(ValueError, match="images are numbered from 0 to"):
            neighbours(trunk, split, which, k)


def test_its_file_holds_the_tower_alone_and_comes_back(tmp_path):
    clip, split = tiny_clip(), noise_split(1, 0)
    save_trunk(clip, tmp_path / "t.safetensors")
    names = set(safetensors.torch.load_file(tmp_path / "t.safetensors"))
    assert names == set(clip.model.visual.state_dict()) - {"proj"}
    images = clip.preprocess_tensor(split.tensor())
    again = load_trunk(tmp_path / "t.safetensors", device="cpu")
    cosine = (again.encode_images(images) * trunk_of(clip).encode_images(images)).sum(dim=1)
    assert (cosine > 0.9999).all()
    assert again.name == "the trunk of tiny"


def test_what_is_no_trunk_is_one_sentence(tmp_path):
    path = tmp_path / "t.safetensors"
    with pytest.raises(FileNotFoundError):
        load_trunk(path)
    save_trunk(tiny_clip(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    others = (
        safetensors.torch.save({"a": torch.ones(2)}),
        safetensors.torch.save({"a": torch.ones(2)}, {"trunk": json.dumps({"model_cfg": 5})}),
    )
    for wrong in (bytes(content), b"", *others):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="is damaged, or holds no trunk .*: write it again with save_trunk"):
            load_trunk(path)
