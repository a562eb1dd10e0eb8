"""The fingerprint of drawn pictures: over their pixels, and remembered, so that they need not be drawn for it again."""

import pickle

import pytest
import torch
from test_data_task import CountingScenes

import lessons_lib as ll
from lessons_lib.data import toys
from lessons_lib.data.toys import SceneImages
from lessons_lib.features import image_features


class Renamed(CountingScenes):
    """Scenes that say of themselves something else, and look the same."""

    def __getitem__(self, indices):
        return Renamed(self.numbers[indices], self.drawn)

    @property
    def fingerprint(self):
        return f"renamed {super().fingerprint}"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    return tmp_path


def another_source(monkeypatch, text):
    monkeypatch.setattr(toys, "renderer_fingerprint", lambda: text)


def test_the_fingerprint_follows_the_pixels_and_their_order():
    numbers = torch.arange(6)
    one, two = SceneImages(CountingScenes(numbers)), SceneImages(Renamed(numbers))
    assert one.fingerprint == two.fingerprint != SceneImages(CountingScenes(numbers + 1)).fingerprint
    assert one.subset([1, 2]).fingerprint == SceneImages(CountingScenes([1, 2])).fingerprint
    assert one.subset([2, 1]).fingerprint != one.subset([1, 2]).fingerprint


def test_it_is_remembered_for_all_subsets_so_that_nothing_is_drawn_again():
    whole = SceneImages(CountingScenes(torch.arange(9)))
    first, part = whole.fingerprint, whole.subset([4, 2]).fingerprint
    again = SceneImages(CountingScenes(torch.arange(9)))
    assert again.fingerprint == first and again.subset([4, 2]).fingerprint == part and again.scenes.drawn == []


def test_only_the_part_that_is_asked_for_is_drawn():
    whole = SceneImages(CountingScenes(torch.arange(9)))
    _ = whole.subset([0, 3]).fingerprint, whole.subset([3]).fingerprint
    assert whole.scenes.drawn == [2]


def test_a_change_of_the_source_costs_one_drawing_and_keeps_the_fingerprint(monkeypatch):
    another_source(monkeypatch, "before")
    before = SceneImages(CountingScenes(torch.arange(5))).fingerprint
    another_source(monkeypatch, "after")
    scenes = CountingScenes(torch.arange(5))
    assert SceneImages(scenes).fingerprint == before and scenes.drawn == [5]
    assert SceneImages(scenes).fingerprint == before and scenes.drawn == [5]


def test_a_change_of_the_source_keeps_cached_features(monkeypatch, clip):
    """With the source in the key, as it once was, one word in a docstring voided the features of every task."""
    task = ll.load_task("toy_pets", shots=1)
    another_source(monkeypatch, "before")
    before = image_features(clip, task.train, progress=False)
    monkeypatch.setattr(type(clip), "encode_images", lambda *_: pytest.fail("computed again"))
    another_source(monkeypatch, "after")
    again = ll.load_task("toy_pets", shots=1)
    assert torch.equal(image_features(clip, again.train, progress=False), before)


def test_another_look_of_the_pictures_changes_it(monkeypatch):
    before = ll.load_task("toy_pets", shots=1).train
    first = before.fingerprint
    another_source(monkeypatch, "after")
    after = ll.load_task("toy_pets", shots=1).train
    monkeypatch.setattr(type(after.scenes), "render", lambda self, **_: before.tensor() ^ 1)
    assert after.fingerprint != first


def test_a_damaged_memory_is_made_again(cache):
    scenes = CountingScenes(torch.arange(4))
    first = SceneImages(scenes).fingerprint
    (memory,) = (cache / "drawn").glob("*.json")
    for content in (b"{", b"[1]", b'{"x": 1}'):
        memory.write_bytes(content)
        assert SceneImages(scenes).fingerprint == first
    assert scenes.drawn == [4] * 4


def test_a_process_that_opens_images_is_not_sent_the_whole_pool():
    pool = ll.load_task("toy_pets").pool
    few = pool.subset([0, 1])
    assert len(pickle.dumps(few)) < len(pickle.dumps(pool)) / 10
    assert pickle.loads(pickle.dumps(few)).fingerprint == few.fingerprint


def test_identities_of_toy_tasks_need_no_drawing_the_second_time(monkeypatch):
    identity = ll.load_task("toy_pets").identity()
    monkeypatch.setattr(SceneImages, "tensor", lambda self: pytest.fail("drawn again"))
    assert ll.load_task("toy_pets", shots=4).identity() == identity
