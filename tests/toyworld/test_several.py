"""Pictures of several things: what is where agrees with what is drawn."""

import pytest
import torch

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.toyworld import captions_of, class_masks, draw_several, thing_boxes
from lessons_lib.toyworld.several import OF_SCENES, PICTURES, SEVERAL


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
    monkeypatch.setattr(
        toyworld, "class_masks", lambda *given, **size: calls.append(given) or class_masks(*given, **size)
    )
    again = ll.load_task("toy_masks")
    assert calls == [] and again.identity() == first.identity()
    for path in tmp_path.glob("drawn/*.masks.safetensors"):
        path.write_bytes(path.read_bytes()[:50])
    assert ll.load_task("toy_masks").identity() == first.identity() and len(calls) == 3


def test_scenes_have_all_things_and_every_fold_is_of_all_kinds():
    names = SEVERAL["toy_scene_boxes"].classnames
    assert sorted(names) == sorted(cls.name for cls in toyworld.TASKS["toy_things"].classes) and len(names) == 64
    assert names[:3] == ["cloud", "cactus", "whale"], "the order, and so the folds, are the same for ever"
    assert SEVERAL["toy_scene_masks"].classnames == ["background", *names]
    for start in range(0, 64, 16):
        order = [c.name for c in toyworld.TASKS["toy_things"].classes]
        quarters = {order.index(name) // 16 for name in names[start : start + 16]}
        assert quarters == {0, 1, 2, 3}


@pytest.mark.parametrize("size", [64, 128])
def test_boxes_are_tight_around_what_the_masks_show(size):
    scenes, classes = draw_several("toy_scene_boxes", "val", count=20)
    masks, boxes = class_masks(scenes, classes, size=size), thing_boxes(scenes, size=size)
    for i in range(len(scenes)):
        for k in range(4):
            if classes[i, k] == 0:
                assert boxes[i, k].isnan().all()
                continue
            ys, xs = (masks[i] == classes[i, k]).nonzero(as_tuple=True)
            assert boxes[i, k].tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def test_captions_name_things_and_say_which():
    scenes, classes = draw_several("toy_scene_captions", "val", count=200)
    told = captions_of("toy_scene_captions", scenes)
    assert told == captions_of("toy_scene_captions", scenes) != captions_of("toy_scene_captions", scenes, seed=1)
    twins = 0
    for i, (text, phrases) in enumerate(told):
        things = scenes.facts[i].things
        assert 1 <= len(phrases) <= 3 and len({thing for _, _, thing in phrases}) == len(phrases)
        for start, end, thing in phrases:
            one = things[thing]
            assert one.name in text[start:end] and not text[:start].endswith(("a", "an"))
            assert text[start:end].startswith((one.name, *one.colours[:1]))
        names = [one.name for one in things]
        twins += names[0] == names[1]
        assert len(set(names[1:])) == len(names[1:]) or names[0] == names[1]
    assert 60 < twins < 100 and int((classes[:, 0] == classes[:, 1]).sum()) == twins


@pytest.mark.parametrize("task", ["toy_scene_masks", "toy_scene_boxes", "toy_scene_captions"])
def test_scenes_are_tasks_at_both_sizes(task, monkeypatch):
    for role, count in (("train", 24), ("val", 4), ("test", 4)):
        monkeypatch.setitem(OF_SCENES, role, count)
    large, small = ll.load_task(task, size=128), ll.load_task(task, size=64)
    kind = {"masks": "segment", "boxes": "detect", "captions": "ground"}[SEVERAL[task].told]
    assert large.kind == small.kind == kind and large.train[0][0].size == (128, 128)
    assert small.train.tensor().shape == (24, 3, 64, 64) and large.identity() != small.identity()
    assert ll.load_task(task).identity() == (small if kind == "segment" else large).identity(), "and its own"
    assert ll.load_task(task, size=128, pool_seed=1).identity() != large.identity()
    base, new = large.fold(2)
    assert len(new.test.named) == 16 and len(base.test.named) == 48
    if kind != "segment":
        boxes, smaller = large.train.targets.boxes[0], small.train.targets.boxes[0]
        assert (boxes / 2 - smaller).abs().max() <= 1.5
