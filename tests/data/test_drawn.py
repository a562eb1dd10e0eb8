"""The fingerprint of drawn pictures: over what draws them, so that it is the same everywhere, and costs nothing."""

import pickle

import pytest
import torch
from test_data_task import CountingScenes

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.data.toys import SceneImages
from lessons_lib.features import image_features


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    return tmp_path


def test_it_follows_the_scenes_and_their_order():
    numbers = torch.arange(6)
    one, two = SceneImages(CountingScenes(numbers)), SceneImages(CountingScenes(numbers))
    assert one.fingerprint == two.fingerprint != SceneImages(CountingScenes(numbers + 1)).fingerprint
    assert one.subset([1, 2]).fingerprint == two.subset([0, 1, 2]).subset([1, 2]).fingerprint
    assert one.subset([2, 1]).fingerprint != one.subset([1, 2]).fingerprint
    assert one.fingerprint != SceneImages(CountingScenes(numbers), size=128).fingerprint


@pytest.mark.parametrize("name", ["toy_pets", "toy_scene_masks", "toy_sounds"])
def test_splits_seeds_and_tasks_are_told_apart(name):
    one, other = ll.load_task(name), ll.load_task(name, pool_seed=1)
    prints = [split.fingerprint for task in (one, other) for split in (task.pool, task.val_pool, task.test)]
    assert len(set(prints)) == 6
    assert prints[0] == ll.load_task(name).pool.fingerprint != ll.load_task("toy_cars").pool.fingerprint


def test_a_processor_that_rounds_a_pixel_differently_changes_neither_identity_nor_kept_features(monkeypatch, clip):
    """By pixels, as it once was, a sweep that went on with another processor measured everything anew."""
    task = ll.load_task("toy_pets", shots=1)
    identity, before = task.identity(), image_features(clip, task.train, progress=False)
    drawn = toyworld.Scenes.render
    monkeypatch.setattr(toyworld.Scenes, "render", lambda self, **how: drawn(self, **how) ^ 1)
    monkeypatch.setattr(type(clip), "encode_images", lambda *_: pytest.fail("computed again"))
    again = ll.load_task("toy_pets", shots=1)
    assert again.identity() == identity and torch.equal(image_features(clip, again.train, progress=False), before)


def test_another_edition_of_the_world_changes_it(monkeypatch):
    before = ll.load_task("toy_pets").identity()
    monkeypatch.setattr(toyworld, "EDITION", toyworld.EDITION + 1)
    assert ll.load_task("toy_pets").identity() != before


def test_identities_need_no_drawing(monkeypatch):
    monkeypatch.setattr(SceneImages, "tensor", lambda self: pytest.fail("drawn"))
    assert ll.load_task("toy_pets", shots=4).identity() == ll.load_task("toy_pets").identity()


def test_a_process_that_opens_images_is_not_sent_the_whole_pool():
    pool = ll.load_task("toy_pets").pool
    few = pool.subset([0, 1])
    assert len(pickle.dumps(few)) < len(pickle.dumps(pool)) / 10
    assert pickle.loads(pickle.dumps(few)).fingerprint == few.fingerprint
