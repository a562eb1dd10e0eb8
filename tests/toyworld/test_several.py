"""Pictures of several things: what is where agrees with what is drawn."""

import pytest
import torch

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.toyworld import class_masks, draw_several
from lessons_lib.toyworld.several import PICTURES, SEVERAL


@pytest.fixture(scope="module")
def drawn():
    scenes, classes = draw_several("toy_masks", "val", count=40)
    return scenes, classes, class_masks(scenes, classes)


def test_each_picture_shows_two_to_four_things_of_different_classes(drawn):
    scenes, classes, masks = drawn
    names = SEVERAL["toy_masks"].classnames
    for objects, row, mask in zip(scenes.objects, classes, masks, strict=True):
        assert 2 <= len(objects) <= 4 and len(set(objects)) == len(objects)
        assert [names[label] for label in row if label] == list(objects)
        assert {names[label] for label in mask.unique()} == {"background", *objects}
    counts = torch.bincount(classes.flatten(), minlength=21)[1:]
    assert counts.max() - counts.min() <= 2


def test_things_are_mostly_seen(drawn):
    scenes, classes, masks = drawn
    for i in range(len(scenes)):
        alone = [scenes[i].tables.clone() for _ in scenes.objects[i]]
        for k, table in enumerate(alone):
            others = (table[:, :, toyworld.render.COL["object"]] != k).nonzero(as_tuple=True)
            table[others[0], others[1], toyworld.render.COL["kind"]] = 0
            whole = (toyworld.render.owners(table) == k).sum()
            assert (masks[i] == classes[i, k]).sum() > 0.6 * whole > 50


def test_owners_masks_and_boxes_tell_the_same(drawn):
    scenes, classes, _ = drawn
    owners = scenes.owners()
    for i in range(12):
        seen = scenes.masks(i)
        assert len(seen) == len(scenes.objects[i])
        for k, mask in enumerate(seen):
            assert (owners[i][mask] == k).all(), "where an object is more than half of a pixel it is the most of it"
        left, top, right, bottom = scenes.boxes(i)[0].int().tolist()
        assert seen[0, top:bottom, left:right].sum() == seen[0].sum()


def test_owners_equal_the_plain_sum_over_the_shapes_from_front_to_back():
    scenes, _ = toyworld.draw_scenes("toy_things_a", "val", per_class=1, seed=3)  # with clutter in front
    scenes = scenes[list(range(0, len(scenes), 4))]
    owners = scenes.owners()
    for table, found in zip(scenes.tables, owners, strict=True):
        cover = toyworld.render.coverage(table)
        of = table[:, toyworld.render.COL["object"]].long()
        seen = torch.zeros(int(of.max()) + 2, 64, 64)
        left = torch.ones(64, 64)
        for i in reversed(range(len(table))):
            seen[of[i] + 1] += cover[i] * left
            left = left * (1 - cover[i])
        seen[0] += left
        assert (seen.argmax(0) - 1 == found).float().mean() > 0.9999


def test_a_seed_draws_the_same_and_another_others():
    first, second, third = (draw_several("toy_masks", "val", seed=seed, count=6) for seed in (1, 1, 2))
    assert torch.equal(first[0].render(), second[0].render()) and torch.equal(first[1], second[1])
    assert not torch.equal(first[0].render(), third[0].render())


def test_it_is_none_of_the_eleven_and_not_in_pre_training():
    assert "toy_masks" not in [*toyworld.ELEVEN, *toyworld.SHIFTS, *toyworld.TASKS]
    assert "toy_masks" not in [spec.name for spec in toyworld.EXTRAS]


def test_it_is_a_task_with_shots_halves_and_folds():
    task = ll.load_task("toy_masks", shots=2)
    assert task.kind == "segment" and len(task.classnames) == 21 and task.classnames[0] == "background"
    assert len(task.test) == PICTURES["test"] and task.train.counts[1:].min() >= 2
    assert task.base().classnames + task.new().classnames[1:] == task.classnames
    news = [task.fold(i)[1].classnames for i in range(4)]
    assert [name for new in news for name in new[1:]] == task.classnames[1:] and {len(new) for new in news} == {6}
    image, mask = task.test[3]
    assert image.size == (64, 64) and mask.shape == (64, 64)
    assert {task.classnames[label] for label in mask.unique()} == {"background", *task.test.scenes.objects[3]}


def test_masks_are_drawn_once_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    monkeypatch.setitem(PICTURES, "train", 20)
    monkeypatch.setitem(PICTURES, "val", 20)
    monkeypatch.setitem(PICTURES, "test", 4)
    first = ll.load_task("toy_masks")
    calls = []
    monkeypatch.setattr(toyworld, "class_masks", lambda *given: calls.append(given) or class_masks(*given))
    again = ll.load_task("toy_masks")
    assert calls == [] and again.identity() == first.identity()
    for path in tmp_path.glob("drawn/*.masks.safetensors"):
        path.write_bytes(path.read_bytes()[:50])
    assert ll.load_task("toy_masks").identity() == first.identity() and len(calls) == 3
