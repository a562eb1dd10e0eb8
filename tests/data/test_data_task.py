"""Tasks and splits: few-shot sampling, base and new classes, and toy tasks by name."""

import pickle

import pytest
import torch
from photo_folders import photo_folder
from torch.utils.data import DataLoader
from torchvision.transforms.functional import pil_to_tensor

import lessons_lib as ll
from lessons_lib.data import Split, Task
from lessons_lib.data.fewshot import few_shot_indices, hold_out
from lessons_lib.data.toys import SceneImages
from lessons_lib.toyworld import TASKS


class CountingScenes:
    """Stands in for ToyWorld's scenes: picture i is evenly i, and every drawing is counted."""

    def __init__(self, numbers, drawn=None):
        self.numbers, self.drawn = torch.as_tensor(numbers), [] if drawn is None else drawn

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, indices):
        return CountingScenes(self.numbers[indices], self.drawn)

    def render(self, size=64):
        self.drawn.append(len(self))
        return self.numbers.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 8, 8).contiguous()

    @property
    def fingerprint(self):
        return str(self.numbers.tolist())


def drawn_split(n_classes, per_class):
    scenes = CountingScenes(torch.arange(n_classes * per_class))
    return Split(
        SceneImages(scenes), torch.arange(n_classes).repeat_interleave(per_class), list("abcdefgh")[:n_classes]
    )


def drawn_task(n_classes=5, per_class=20, **sampling):
    splits = {part: drawn_split(n_classes, per_class) for part in ("train", "val", "test")}
    return Task.from_pools("drawn", templates=["a {}."], **splits, **sampling)


def numbers(split):
    return split.scenes.numbers.tolist()


# Splits


def test_a_split_gives_pictures_with_their_labels():
    split = drawn_split(3, 2)
    assert len(split) == 6 and [label for _, label in split] == [0, 0, 1, 1, 2, 2]
    image, label = split[-1]
    assert image.mode == "RGB" and image.size == (8, 8) and image.getpixel((0, 0)) == (5, 5, 5) and label == 2
    with pytest.raises(IndexError):
        split[6]
    with pytest.raises(IndexError):
        split.image(6)


def test_drawing_waits_until_a_picture_is_asked_for_and_happens_once():
    split = drawn_split(2, 10)
    part = split.subset([3, 12])
    drawn = split.scenes.drawn
    assert drawn == []
    part.image(0), part.image(1), part.tensor()
    assert drawn == [2]
    split.tensor()
    assert torch.equal(split.subset(range(5)).tensor(), split.tensor()[:5]) and drawn == [2, 20]


def test_the_tensor_holds_the_same_pixels_as_the_pictures():
    split = ll.load_task("toy_flowers", shots=1).train
    pixels = split.tensor()
    assert pixels.dtype == torch.uint8 and pixels.shape == (len(split), 3, 64, 64)
    assert all(torch.equal(pil_to_tensor(split.image(i)), pixels[i]) for i in range(len(split)))


def test_a_subset_keeps_order_labels_and_names():
    part = drawn_split(3, 4).subset(torch.tensor([9, 0, 5]))
    assert numbers(part) == [9, 0, 5] and part.labels.tolist() == [2, 0, 1] and part.classnames == ["a", "b", "c"]
    assert part.counts.tolist() == [1, 1, 1]


def test_a_transform_changes_what_items_are_and_not_the_picture():
    split = drawn_split(2, 2).with_transform(pil_to_tensor)
    assert split[1][0].shape == (3, 8, 8) and split.subset([0])[0][0].shape == (3, 8, 8)
    assert split.image(1).mode == "RGB" and split.with_transform(None)[1][0].mode == "RGB"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_split_is_a_torch_data_set(tmp_path, workers):
    task = ll.load_task(photo_folder(tmp_path, {"cat": 6, "dog": 6}))
    loader = DataLoader(task.train.with_transform(pil_to_tensor), batch_size=4, num_workers=workers)
    images, labels = zip(*loader, strict=True)
    assert [tuple(batch.shape) for batch in images] == [(4, 3, 10, 12), (len(task.train) - 4, 3, 10, 12)][: len(images)]
    assert torch.equal(torch.cat(labels), task.train.labels)


def test_splits_can_be_pickled(tmp_path):
    for split in (
        ll.load_task("toy_flowers", shots=1).train,
        ll.load_task(photo_folder(tmp_path, {"cat": 3, "dog": 3})).train,
    ):
        again = pickle.loads(pickle.dumps(split))
        assert again.fingerprint == split.fingerprint and again.image(1).tobytes() == split.image(1).tobytes()


def test_scenes_come_with_drawn_pictures_only_and_paths_with_files_only(tmp_path):
    toys, files = drawn_split(2, 2), ll.load_task(photo_folder(tmp_path, {"cat": 3, "dog": 3})).train
    assert len(toys.scenes) == 4 and len(files.paths) == len(files) and files.tensor() is None
    with pytest.raises(AttributeError, match="only the images of a toy task come with scenes"):
        _ = files.scenes
    with pytest.raises(AttributeError, match="only images read from files have paths"):
        _ = toys.paths


@pytest.mark.parametrize(("labels", "words"), [([0], "need as many labels"), ([0, 7], r"must lie in 0 … 2")])
def test_labels_that_do_not_fit_are_refused(labels, words):
    with pytest.raises(ValueError, match=words):
        Split(SceneImages(CountingScenes(torch.arange(2))), labels, ["a", "b", "c"])


# Few shots


def test_shots_are_drawn_a_class_and_validation_gets_at_most_four():
    task = drawn_task(shots=8)
    assert task.train.counts.tolist() == [8] * 5 and task.val.counts.tolist() == [4] * 5
    assert len(task.test) == 100 and len(task.pool) == 100 and task.shots == 8
    assert drawn_task(shots=2).val.counts.tolist() == [2] * 5


def test_without_shots_everything_is_there():
    task = drawn_task()
    assert numbers(task.train) == numbers(task.pool) == list(range(100)) and task.shots is None


def test_sampling_is_the_same_for_a_seed_and_differs_between_seeds():
    assert numbers(drawn_task(shots=4, seed=3).train) == numbers(drawn_task(shots=4, seed=3).train)
    drawn = {tuple(numbers(drawn_task(shots=4, seed=seed).train)) for seed in range(1, 6)}
    assert len(drawn) == 5


def test_sampling_stays_the_same_for_ever():
    indices = few_shot_indices([torch.arange(10), torch.arange(10, 20)], ["cat", "dog"], 3, seed=1)
    assert indices.tolist() == [0, 1, 8, 10, 13, 18]


def test_fewer_shots_are_among_more_shots():
    samples = [set(numbers(drawn_task(shots=shots).train)) for shots in (1, 2, 4, 8, 16, 20)]
    assert all(fewer < more for fewer, more in zip(samples, samples[1:], strict=False))


def test_every_image_is_equally_likely():
    drawn = torch.cat([few_shot_indices([torch.arange(5)], ["cat"], 1, seed=seed) for seed in range(2000)])
    assert (torch.bincount(drawn, minlength=5) - 400).abs().max() < 90


def test_validation_takes_all_of_a_class_that_has_too_few():
    splits = {part: drawn_split(3, 6 if part == "train" else 2) for part in ("train", "val", "test")}
    task = Task.from_pools("small", templates=["{}"], shots=4, **splits)
    assert task.val.counts.tolist() == [2, 2, 2]


def test_sample_draws_again_from_the_same_pools():
    task = drawn_task(shots=4, seed=1)
    again = task.sample(8, seed=2)
    assert numbers(again.train) == numbers(drawn_task(shots=8, seed=2).train) and again.test is task.test
    assert numbers(task.sample(None).train) == numbers(task.pool)


@pytest.mark.parametrize("shots", [0, -1, 2.0, "4", True])
def test_shots_that_are_no_number_of_images_are_refused(shots):
    with pytest.raises(ValueError, match="give a whole number of images a class, at least 1, or None for all"):
        ll.load_task("toy_flowers", shots=shots)


def test_more_shots_than_images_name_the_classes():
    with pytest.raises(ValueError, match=r"21 shots need 21 training images a class, but class 'a' has 20, .*shots=20"):
        drawn_task(shots=21)


def test_splits_of_other_classes_do_not_make_a_task():
    with pytest.raises(ValueError, match="train, val and test must have the same classes in the same order"):
        Task.from_pools("odd", templates=["{}"], train=drawn_split(2, 3), val=drawn_split(2, 3), test=drawn_split(3, 3))


@pytest.mark.parametrize("count", [3, 4, 5, 7, 10, 33, 100])
def test_held_out_images_leave_some_of_each(count):
    parts = hold_out(count, val=True, test=True, seed=0, classname="cat")
    assert sorted(sum(parts.values(), [])) == list(range(count)) and all(parts.values())
    if count >= 10:
        assert abs(len(parts["test"]) - 0.3 * count) <= 1 and abs(len(parts["val"]) - 0.2 * count) <= 1


# Base and new


@pytest.mark.parametrize(("n_classes", "n_base"), [(2, 1), (5, 3), (8, 4)])
def test_base_is_the_first_half_rounded_up_and_new_the_rest_from_zero(n_classes, n_base):
    task = drawn_task(n_classes, shots=2)
    base, new = task.base(), task.new()
    assert base.classnames + new.classnames == task.classnames and len(base.classnames) == n_base
    assert sorted(set(new.test.labels.tolist())) == list(range(n_classes - n_base))
    assert numbers(base.test) + numbers(new.test) == numbers(task.test)
    assert new.test.classnames[new.test.labels[0]] == task.classnames[n_base]
    assert (base.name, new.name) == ("drawn/base", "drawn/new") and base.templates == task.templates


def test_halving_before_sampling_gives_what_sampling_before_halving_gives():
    task = drawn_task(seed=2)
    assert numbers(task.sample(4, seed=2).new().train) == numbers(task.new().sample(4, seed=2).train)


def test_one_class_cannot_be_halved():
    with pytest.raises(ValueError, match="has one class; base.. and new.. need at least two"):
        drawn_task(2).base().base()


def test_classes_can_be_picked_by_name_in_any_order():
    part = drawn_task(5, 2).of_classes(["d", "a"])
    assert (
        part.classnames == ["d", "a"]
        and part.test.labels.tolist() == [1, 1, 0, 0]
        and numbers(part.test) == [0, 1, 6, 7]
    )


def test_picking_a_class_that_is_not_there_gives_the_nearest_names():
    with pytest.raises(ValueError, match="task 'toy_flowers' has no class 'toolip'. Did you mean '.*tulip"):
        ll.load_task("toy_flowers").of_classes(["toolip"])
    with pytest.raises(ValueError, match="give at least one class name, each once"):
        drawn_task().of_classes(["a", "a"])


# Toy tasks by name


@pytest.mark.parametrize("name", list(TASKS))
def test_every_toy_task_loads(name):
    task = ll.load_task(name, shots=16)
    assert task.name == name and task.classnames == TASKS[name].classnames and len(task.classnames) >= 10
    assert task.train.counts.unique().tolist() == [16] and task.val.counts.unique().tolist() == [4]
    assert task.pool.counts.min() >= 32 and task.val_pool.counts.min() >= 16 and task.test.counts.min() >= 50
    assert all(template.count("{}") == 1 for template in task.templates)


def test_toy_splits_share_no_scene_and_are_drawn_anew_by_the_pool_seed():
    task, again, other = ll.load_task("toy_pets"), ll.load_task("toy_pets"), ll.load_task("toy_pets", pool_seed=1)
    prints = [split.fingerprint for split in (task.pool, task.val_pool, task.test, other.test)]
    assert len(set(prints)) == 4 and again.test.fingerprint == task.test.fingerprint
    pictures = [
        picture.numpy().tobytes() for split in (task.pool, task.val_pool, task.test) for picture in split.tensor()
    ]
    assert len(set(pictures)) == len(pictures)


def test_toy_pictures_say_what_drew_them():
    task = ll.load_task("toy_pets", shots=1)
    assert {"parts", "objects"} <= task.train.scenes.describe(0).keys()


def test_an_unknown_task_gets_the_nearest_names_and_the_folder_that_was_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"unknown task 'toy_flower'. Did you mean 'toy_flowers'") as error:
        ll.load_task("toy_flower", root=tmp_path)
    assert f"Nor is there a folder '{tmp_path / 'toy_flower'}'" in str(error.value)
    with pytest.raises(ValueError, match="unknown task 'zzz'. The tasks are .*toy_pets"):
        ll.load_task("zzz")


def test_a_folder_may_be_given_by_name_by_path_or_below_a_root(tmp_path, monkeypatch):
    photo_folder(tmp_path / "pets", {"cat": 3, "dog": 3})
    monkeypatch.chdir(tmp_path)
    prints = {
        ll.load_task(path, root=root).test.fingerprint
        for path, root in (
            ("pets", None),
            ("./pets", None),
            (tmp_path / "pets", None),
            ("pets", tmp_path),
            (".", "pets"),
        )
    }
    assert len(prints) == 1


def test_templates_can_be_given():
    assert ll.load_task("toy_pets", templates="a drawing of a {}.").templates == ["a drawing of a {}."]
    assert ll.load_task("toy_pets", templates=["{}", "a {}"]).templates == ["{}", "a {}"]
    assert len(ll.load_task("toy_pets", templates="imagenet80").templates) == 80


@pytest.mark.parametrize(
    ("templates", "words"),
    [("a photo.", "exactly once"), (["{} {}"], "exactly once"), ([], "no templates were given"), ([3], "got 3")],
)
def test_templates_without_one_place_for_the_name_are_refused(templates, words):
    with pytest.raises(ValueError, match=words):
        ll.load_task("toy_pets", templates=templates)


def test_a_task_shows_what_is_in_it():
    shown = repr(drawn_task(5, shots=4, seed=2))
    assert "Task 'drawn': 5 classes, 4-shot, seed 2" in shown and "a, b, c, d, e" in shown and "'a {}.'" in shown
    assert "20 images (4 a class, of 100)" in shown and "100 images (20 a class)" in shown
    assert repr(drawn_split(2, 3)) == "Split(6 images of 2 classes, 3 a class)"
