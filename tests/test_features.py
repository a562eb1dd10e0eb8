"""The feature cache: cached equals computed, and nothing stale or damaged is ever used."""

import errno
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from photo_folders import photo, photo_folder
from safetensors import torch as safetensors
from tiny_clip import tiny_clip
from torchvision import transforms

import lessons_lib as ll
from lessons_lib import feature_cache
from lessons_lib import features as features_module
from lessons_lib.feature_cache import cache_entries, cache_size, clear_cache
from lessons_lib.features import image_features, transform_name

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return photo_folder(tmp_path_factory.mktemp("photos"), {"cat": 4, "dog": 4})


@pytest.fixture
def split(folder):
    return ll.load_task(folder).test


@pytest.fixture
def toys():
    return ll.load_task("toy_flowers", shots=1).train


@pytest.fixture
def towers(clip, monkeypatch):
    """Counts the images that pass through the image tower."""
    passed, encode = [], clip.encode_images

    def counted(images, **settings):
        passed.append(len(images))
        return encode(images, **settings)

    monkeypatch.setattr(clip, "encode_images", counted)
    return passed


def plainly(clip, split):
    return clip.encode_images(torch.stack([clip.preprocess(split.image(i)) for i in range(len(split))]))


def damage(folder, change):
    [entry] = folder.glob("*")
    entry.write_bytes(change(entry.read_bytes()))
    return entry


# What comes back


def test_files_and_toys_give_what_preprocess_and_the_tower_give(clip, split, toys):
    for images in (split, toys):
        features = image_features(clip, images)
        assert features.shape == (len(images), clip.embed_dim) and features.dtype == torch.float32
        assert features.device == clip.device and not features.is_inference()
        torch.testing.assert_close(features, plainly(clip, images), rtol=0, atol=1e-6)
        torch.testing.assert_close(features.norm(dim=-1), torch.ones(len(images)))


def test_cached_equals_computed_bit_for_bit_and_skips_the_tower(clip, split, toys, towers):
    for images, settings in ((split, {}), (toys, {}), (split, {"view": 3}), (toys, {"view": 2, "seed": 5})):
        computed = image_features(clip, images, **settings)
        passes = len(towers)
        cached = image_features(clip, images, **settings)
        assert len(towers) == passes
        assert torch.equal(cached, computed)
        assert torch.equal(cached, image_features(clip, images, cache=False, **settings))
        assert cached.shape == computed.shape and cached.device == computed.device


def test_what_the_projection_is_given_becomes_the_embedding_and_is_kept_apart(clip, split, towers):
    rows = image_features(clip, split, output="unprojected")
    assert rows.shape == (len(split), clip.image_tower.width) and rows.device == clip.device
    embeddings = torch.nn.functional.normalize(rows @ clip.image_tower.projection, dim=-1)
    torch.testing.assert_close(image_features(clip, split), embeddings, rtol=0, atol=1e-6)
    passes = len(towers)
    assert torch.equal(image_features(clip, split, output="unprojected"), rows) and len(towers) == passes
    assert image_features(clip, split, output="unprojected", view=2).shape == (2, *rows.shape)
    images = torch.randn(2, 3, 32, 32)
    fast = clip.encode_images(images, projected=False)
    with clip.plain_towers():
        torch.testing.assert_close(clip.encode_images(images, projected=False), fast, rtol=0, atol=1e-5)


def test_raw_embeddings_have_their_length_and_pooled_ones_are_made_of_them(clip, split, towers):
    made = {"view": 3, "seed": 2, "progress": False}
    raw = image_features(clip, split, output="raw", **made)
    encoded = len(towers)
    pooled = image_features(clip, split, **made)
    assert len(towers) == encoded  # not once more
    assert not torch.allclose(raw.norm(dim=-1), torch.ones(()))
    assert torch.equal(pooled, image_features(clip, split, cache=False, **made))
    torch.testing.assert_close(pooled, torch.nn.functional.normalize(raw, dim=-1))


def test_batches_and_workers_change_nothing_but_rounding(clip, split):
    whole = image_features(clip, split, cache=False)
    parts = image_features(clip, split, cache=False, batch_size=3, num_workers=1)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-6)


def test_cached_features_can_be_trained_on(clip, split):
    for _ in range(2):
        weight = torch.randn(clip.embed_dim, 2, requires_grad=True)
        (image_features(clip, split) @ weight).sum().backward()
        assert weight.grad.abs().sum() > 0


def test_a_split_of_no_images_has_no_features(clip, split):
    assert image_features(clip, split.subset([])).shape == (0, clip.embed_dim)
    assert image_features(clip, split.subset([]), view=2).shape == (2, 0, clip.embed_dim)
    assert image_features(clip, split.subset([]), output="tokens").shape == (0, 4, 4, clip.embed_dim)


# Augmented views


def test_augmented_views_differ_and_are_the_augmented_pictures(clip, split):
    views = image_features(clip, split, view=3, seed=1)
    assert views.shape == (3, len(split), clip.embed_dim)
    torch.testing.assert_close(views.norm(dim=-1), torch.ones(3, len(split)))
    assert not torch.allclose(views[0], views[1], atol=1e-3)
    still = image_features(clip, split, view=2, augment=clip.preprocess)
    torch.testing.assert_close(still[1], image_features(clip, split), rtol=0, atol=1e-6)


def test_more_views_keep_the_first_ones_and_the_seed_draws_others(clip, split):
    three, two = image_features(clip, split, view=3), image_features(clip, split, view=2)
    torch.testing.assert_close(three[:2], two, rtol=0, atol=1e-6)
    assert not torch.allclose(image_features(clip, split, view=2, seed=1), two, atol=1e-3)


def test_drawing_views_leaves_the_generator_alone(clip, split):
    torch.manual_seed(7)
    image_features(clip, split, view=2, cache=False)
    after = torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize("view", ["augmented", 0, -1, 2.5, True, None])
def test_a_view_that_does_not_exist_is_refused(clip, split, view):
    with pytest.raises(ValueError, match="give 'plain', or the number of augmented views, at least 1"):
        image_features(clip, split, view=view)


# Tokens


@pytest.mark.parametrize("made", [{}, {"last": "value"}, {"last": "value", "residual": True}])
def test_tokens_are_the_towers_rounded_once(clip, split, toys, made):
    for images in (split, toys):
        tokens = image_features(clip, images, output="tokens", **made)
        pictures = torch.stack([clip.preprocess(images.image(i)) for i in range(len(images))])
        assert tokens.shape == (len(images), 4, 4, clip.embed_dim) and tokens.dtype == torch.float16
        torch.testing.assert_close(tokens.float(), clip.encode_dense(pictures, **made).tokens, rtol=1e-3, atol=1e-4)
        assert torch.equal(tokens, image_features(clip, images, output="tokens", **made))
        assert torch.equal(tokens, image_features(clip, images, output="tokens", cache=False, **made))


def test_tokens_of_augmented_views(clip, split):
    views = image_features(clip, split, output="tokens", view=2, augment=clip.preprocess)
    assert views.shape == (2, len(split), 4, 4, clip.embed_dim)
    plain = image_features(clip, split, output="tokens").float()
    torch.testing.assert_close(views[1].float(), plain, rtol=2e-3, atol=1e-4)


def test_tokens_are_entries_of_their_own_and_pooled_keys_know_nothing_of_them(clip, split, towers, cache_folder):
    pooled = image_features(clip, split)
    [entry] = cache_entries()
    assert "tokens" not in entry.key()
    image_features(clip, split, output="tokens")
    image_features(clip, split, output="tokens", last="attention", residual=True)  # the same, said in full
    image_features(clip, split, output="tokens", last="value")
    image_features(clip, split, output="tokens", last="value", residual=True)
    passes = len(towers)
    assert len(list(cache_folder.glob("*"))) == 4
    assert torch.equal(image_features(clip, split, output="pooled"), pooled) and len(towers) == passes


def test_the_key_is_the_content_s(clip, split):
    """Plain values, of the pictures' content and of all that turns them into numbers."""
    image_features(clip, split)
    [entry] = cache_entries()
    key = entry.key()
    assert key["images"] == split.fingerprint and key["model"] == clip.fingerprint and key["count"] == len(split)
    assert (key["precision"], key["device"], key["view"]) == ("fp32", "cpu", "plain")
    assert repr(clip.transforms) in key["transform"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"output": "token"}, r"output='token': give one of \('pooled', 'raw', 'unprojected', 'tokens'\)"),
        ({"output": "tokens", "last": "values"}, "last='values': the last block is run in one of"),
        ({"last": "value"}, "last='value', residual=None: these make tokens; give output='tokens' with them"),
        ({"residual": True}, "last=None, residual=True: these make tokens"),
    ],
)
def test_another_output_is_refused(clip, split, asked, words):
    with pytest.raises(ValueError, match=words):
        image_features(clip, split, **asked)


def test_tokens_that_are_not_finite_are_refused(clip, split, monkeypatch):
    broken = torch.ones(len(split), 4, 4, clip.embed_dim)
    broken[1, 1, 3, 0] = float("inf")
    monkeypatch.setattr(clip, "encode_dense", lambda images, **made: SimpleNamespace(tokens=broken))
    with pytest.raises(FloatingPointError, match="the embedding of image 1 is not finite"):
        image_features(clip, split, output="tokens")


# What an entry depends on


def test_every_ingredient_makes_an_entry_of_its_own(clip, split, folder, cache_folder):
    image_features(clip, split)
    image_features(tiny_clip(seed=1), split)  # other weights
    image_features(clip, split.subset([1, 0]))  # other images
    image_features(clip, split, view=2)
    image_features(clip, split, view=3)
    image_features(clip, split, view=2, seed=1)
    image_features(clip, split, view=2, augment=clip.make_augment(scale=(0.5, 1.0)))
    image_features(tiny_clip(precision="bf16"), split)
    image_features(clip, split, output="tokens")
    image_features(tiny_clip(), split)  # the first again
    assert len(list(cache_folder.glob("*"))) == 9


def test_other_normalisation_constants_are_another_transform(clip, split, towers, monkeypatch):
    image_features(clip, split)
    darker = transforms.Compose([*clip.preprocess.transforms[:-1], transforms.Normalize((0.1,) * 3, (0.2,) * 3)])
    monkeypatch.setattr(clip, "preprocess", darker)
    before = len(towers)
    image_features(clip, split)
    assert len(towers) == before + 1


def test_a_photo_that_changed_on_disk_is_encoded_again(clip, tmp_path):
    split = ll.load_task(photo_folder(tmp_path / "changing", {"cat": 4, "dog": 4}, first=30)).test
    before = image_features(clip, split)
    photo(99, width=40, height=40).save(split.paths[0])
    after = image_features(clip, split)
    assert not torch.allclose(after[0], before[0], atol=1e-4)
    assert torch.equal(after, image_features(clip, split, cache=False))


def test_the_same_photos_elsewhere_share_the_entry(clip, tmp_path, towers):
    for place in ("here", "there"):
        image_features(clip, ll.load_task(photo_folder(tmp_path / place, {"cat": 3, "dog": 3})).test)
    assert len(towers) == 1


def test_a_transform_is_told_by_its_settings_and_not_by_its_address():
    def inner(image):
        return image

    assert transform_name(transforms.Resize(5)) != transform_name(transforms.Resize(6))
    assert "0x" not in transform_name(transforms.Compose([_named, transforms.ToTensor()]))
    assert transform_name(lambda image: image) is None and transform_name(inner) is None
    assert transform_name(transforms.Compose([_Silent()])) is None


def _named(image):
    return image


class _Silent:
    """A transform whose repr says nothing of its settings."""

    def __call__(self, image):
        return image


def test_a_transform_that_cannot_be_told_is_not_cached(clip, split, cache_folder):
    image_features(clip, split, view=2, augment=lambda image: clip.augment(image))
    assert not cache_folder.exists()


def test_without_the_cache_nothing_is_written(clip, split, cache_folder):
    image_features(clip, split, cache=False)
    assert not cache_folder.exists()


# Entries that must not be used


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data[:3],
        lambda data: b"x" * len(data),
        lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
        lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
        lambda data: data.replace(b'"F32"', b'"I32"'),
    ],
    ids=["cut short", "empty", "a few bytes", "overwritten", "bit of a number", "bit of the header", "another type"],
)
def test_a_damaged_entry_is_rebuilt_with_a_warning(clip, split, cache_folder, change):
    features = image_features(clip, split)
    whole = next(cache_folder.glob("*")).read_bytes()
    damage(cache_folder, change)
    with pytest.warns(UserWarning, match="cached features in .* computed again"):
        assert torch.equal(image_features(clip, split), features)
    assert next(cache_folder.glob("*")).read_bytes() == whole


def test_any_single_damaged_byte_is_noticed_or_harmless(clip, split, cache_folder):
    features = image_features(clip, split)
    [entry] = cache_folder.glob("*")
    whole = entry.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert torch.equal(image_features(clip, split), features), place


def test_an_entry_of_another_key_under_this_name_is_not_used(clip, split, cache_folder):
    features = image_features(clip, split)

    def of_another_model(data):
        tensors = {"features": torch.zeros_like(features)}
        key = json.dumps({"model": "another"})
        about = {"key": key, "checksum": feature_cache._checksum(tensors["features"])}
        return safetensors.save(tensors, {"about": json.dumps(about)})

    damage(cache_folder, of_another_model)
    with pytest.warns(UserWarning, match="belong to other images or another model: computed again"):
        assert torch.equal(image_features(clip, split), features)


def test_an_entry_that_cannot_be_read_is_computed_again(clip, split, cache_folder, monkeypatch):
    features, read = image_features(clip, split), Path.read_bytes

    def refused(path):
        if path.is_relative_to(cache_folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.warns(UserWarning, match="cached features cannot be read and are computed again: .*Permission denied"):
        toys = image_features(clip, split.subset(range(len(split))))
    assert torch.equal(toys, features)


# Disks and processes


def test_a_full_disk_warns_and_costs_only_the_cache(clip, split, cache_folder, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.warns(UserWarning, match="the features were computed but not cached: .*disk is full"):
            features = image_features(clip, split)
    assert list(cache_folder.glob("*")) == [] and torch.equal(image_features(clip, split), features)


def test_a_cache_folder_that_cannot_be_made_warns(clip, split, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning) as said:
        assert image_features(clip, split).shape == (len(split), clip.embed_dim)
    assert "the features were computed but not cached" in str(said[-1].message)


WORKER = """
import sys, warnings
import torch
from tiny_clip import tiny_clip
import lessons_lib as ll
from lessons_lib.feature_cache import clear_cache
warnings.simplefilter("error")
clip, split = tiny_clip(), ll.load_task(sys.argv[1]).test
expected = ll.image_features(clip, split, cache=False)
for round in range(60):
    if round % 3 == 0:
        clear_cache()
    assert torch.equal(ll.image_features(clip, split), expected)
print("all equal")
"""


def test_two_processes_share_one_folder_and_a_third_finds_what_they_kept(folder, split, clip, cache_folder, towers):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    settings = {"env": environment, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen([sys.executable, "-c", WORKER, str(folder)], **settings) for _ in range(2)]
    for process in running:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0 and out == "all equal\n", err
    assert [file.suffix for file in cache_folder.glob("*")] == [".safetensors"]
    cached = image_features(clip, split)
    assert towers == [] and torch.equal(cached, image_features(clip, split, cache=False))


def test_the_cache_can_be_measured_and_cleared(clip, split, cache_folder):
    assert cache_size() == 0 and clear_cache() == 0
    image_features(clip, split), image_features(clip, split, view=2)
    size = cache_size()
    assert size == sum(file.stat().st_size for file in cache_folder.glob("*"))
    assert size > 3 * len(split) * clip.embed_dim * 4
    assert clear_cache() == size and cache_size() == 0


def test_clearing_spares_what_another_process_is_writing_and_takes_what_a_killed_one_left(clip, split, cache_folder):
    image_features(clip, split)
    young, old = (cache_folder / f".{letter * 32}.{letter * 12}.tmp.safetensors" for letter in "ab")
    young.write_bytes(b"1234")
    old.write_bytes(b"12")
    os.utime(old, (0, 0))
    clear_cache()
    assert list(cache_folder.glob("*")) == [young]


# Signs of life, and of trouble


def test_a_quick_job_shows_no_bar_and_a_long_one_does(clip, split, toys, capsys, monkeypatch):
    image_features(clip, split)
    assert "encoding images" not in capsys.readouterr().err
    monkeypatch.setattr(features_module, "tqdm", lambda **settings: _tqdm(**{**settings, "delay": 0}))
    image_features(clip, toys)
    assert f"{len(toys)}/{len(toys)}" in capsys.readouterr().err
    image_features(clip, toys, cache=False, progress=False)
    assert capsys.readouterr().err == ""


def test_a_process_of_a_sweep_shows_no_bar_over_the_sweeps_own(clip, toys, capsys, monkeypatch):
    monkeypatch.setattr(features_module, "tqdm", lambda **settings: _tqdm(**{**settings, "delay": 0}))
    monkeypatch.setattr(features_module, "parent_process", lambda: "the sweep's")
    image_features(clip, toys)
    assert capsys.readouterr().err == ""


_tqdm = features_module.tqdm


def test_embeddings_that_are_not_finite_are_refused_and_not_kept(clip, split, cache_folder, monkeypatch):
    def overflowing(images, **settings):
        features = torch.ones(len(images), clip.embed_dim)
        features[1, 3] = float("nan")
        return features

    monkeypatch.setattr(clip, "encode_images", overflowing)
    with pytest.raises(FloatingPointError, match="the embedding of image 1 is not finite with precision 'fp32'"):
        image_features(clip, split)
    assert not cache_folder.exists()
