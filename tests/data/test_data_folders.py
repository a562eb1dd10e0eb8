"""A learner's own folder: how it is read, and what is said of one that cannot be."""

import json
import os
import shutil
import warnings

import pytest
from photo_folders import photo, photo_folder

import lessons_lib as ll

PARTS = {f"{part}/{name}": count for part, count in (("train", 6), ("val", 3), ("test", 4)) for name in ("cat", "dog")}


def sizes(task):
    return len(task.pool), len(task.val_pool), len(task.test)


def test_one_folder_a_class_is_dealt_into_train_val_and_test(tmp_path):
    task = ll.load_task(photo_folder(tmp_path / "pets", {"cat": 10, "dog": 20}))
    assert task.name == "pets" and task.classnames == ["cat", "dog"]
    assert task.templates == ["a photo of a {}."]
    assert [split.counts.tolist() for split in (task.train, task.val, task.test)] == [[5, 10], [2, 4], [3, 6]]
    everything = [*task.train.paths, *task.val.paths, *task.test.paths]
    assert len(set(everything)) == 30


def test_three_images_a_class_are_just_enough(tmp_path):
    assert sizes(ll.load_task(photo_folder(tmp_path, {"cat": 3, "dog": 3}))) == (2, 2, 2)


def test_the_deal_is_the_same_for_every_seed_and_changes_with_the_pool_seed(tmp_path):
    photo_folder(tmp_path, {"cat": 20, "dog": 20})
    one, two = ll.load_task(tmp_path, shots=2, seed=1), ll.load_task(tmp_path, shots=2, seed=2)
    assert one.test.paths == two.test.paths and one.train.paths != two.train.paths
    assert ll.load_task(tmp_path, pool_seed=1).test.paths != one.test.paths


@pytest.mark.parametrize("val_name", ["val", "valid", "validation", "Val"])
def test_train_val_and_test_folders_are_taken_as_they_are(tmp_path, val_name):
    photo_folder(tmp_path, {name.replace("val/", f"{val_name}/"): count for name, count in PARTS.items()})
    task = ll.load_task(tmp_path)
    assert sizes(task) == (12, 6, 8)
    assert {path.parts[-3] for path in task.val.paths} == {val_name}
    assert {path.parts[-2] for path in task.test.subset([0, 1, 2, 3]).paths} == {"cat"}


def test_a_missing_val_is_taken_from_train_and_test_stays(tmp_path):
    task = ll.load_task(photo_folder(tmp_path, {k: v for k, v in PARTS.items() if not k.startswith("val")}))
    assert sizes(task) == (10, 2, 8)
    assert not set(task.val.paths) & set(task.train.paths)
    assert {path.parts[-3] for path in [*task.val.paths, *task.train.paths]} == {"train"}


def test_a_missing_test_is_taken_from_train_and_val_stays(tmp_path):
    task = ll.load_task(photo_folder(tmp_path, {k: v for k, v in PARTS.items() if not k.startswith("test")}))
    assert sizes(task) == (8, 6, 4)
    assert {path.parts[-3] for path in task.test.paths} == {"train"}


def test_classes_may_be_called_train_and_test(tmp_path):
    task = ll.load_task(photo_folder(tmp_path, {"train": 4, "tram": 4, "test": 4}))
    assert task.classnames == ["test", "train", "tram"]


def test_hidden_files_and_folders_and_other_files_are_ignored(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 4, ".ipynb_checkpoints": 3, "__MACOSX": 2})
    photo(50).save(tmp_path / "cat" / "._photo.png")
    (tmp_path / "cat" / "notes.txt").write_text("mine")
    (tmp_path / ".DS_Store").touch()
    task = ll.load_task(tmp_path)
    assert task.classnames == ["cat", "dog"] and sum(sizes(task)) == 8


def test_suffixes_count_whatever_their_case(tmp_path):
    photo_folder(tmp_path, {"cat": 4}, suffix=".JPG")
    photo_folder(tmp_path, {"dog": 4}, suffix=".jpeg", first=10)
    assert sum(sizes(ll.load_task(tmp_path))) == 8


def test_classes_and_files_are_in_natural_order(tmp_path):
    task = ll.load_task(photo_folder(tmp_path, {"type 10": 12, "Type 9": 4, "type 1": 4}))
    assert task.classnames == ["type 1", "Type 9", "type 10"]
    of_ten = [p.name for split in (task.train, task.val, task.test) for p in split.paths if p.parent.name == "type 10"]
    assert sorted(of_ten) != of_ten and len(of_ten) == 12


def test_underscores_and_hyphens_in_folder_names_become_spaces(tmp_path):
    task = ll.load_task(photo_folder(tmp_path, {"golden_retriever": 3, "saint-bernard": 3, "  pug": 3}))
    assert sorted(task.classnames) == ["golden retriever", "pug", "saint bernard"]


@pytest.mark.parametrize("content", [{"n01": "t-shirt", "n02": "hat", "n03": "unused"}, ["t-shirt", "hat"]])
def test_classnames_json_names_the_folders(tmp_path, content):
    photo_folder(tmp_path, {"n01": 3, "n02": 3})
    (tmp_path / "classnames.json").write_text(json.dumps(content), encoding="utf-8-sig")
    assert ll.load_task(tmp_path).classnames == ["t-shirt", "hat"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{not json", "classnames.json' is not valid JSON"),
        ('{"n01": "hat"}', "has no name for the class folders n02"),
        ('["hat"]', "lists 1 names for 2 class folders: n01, n02"),
        ('["hat", 3]', "class names must be strings; 3 is not"),
        ('"hat"', r"must hold \{folder: name, …\} or a list of names, not str"),
        ('["hat", " "]', "class name of folder 'n02' is empty"),
        ('["hat", "Hat"]', "'n01' and 'n02' have the same class name 'Hat'"),
    ],
)
def test_a_wrong_classnames_json_is_explained(tmp_path, content, words):
    photo_folder(tmp_path, {"n01": 3, "n02": 3})
    (tmp_path / "classnames.json").write_text(content)
    with pytest.raises(ValueError, match=words):
        ll.load_task(tmp_path)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({"cat": 5, "dog": 2}, r"'dog' has 2 image\(s\); dealing them into train and val and test takes at least 3"),
        ({"big_cat": 3, "big-cat": 3}, "'big(_cat' and 'big-|-cat' and 'big_)cat' have the same class name"),
        ({"_": 3, "cat": 3}, "class name of folder '_' is empty; rename it, or name it in classnames.json"),
        ({}, "no images in class folders under .*; it is empty"),
        ({"cat": 5}, "has one class, 'cat': a task needs at least two, one folder each"),
        ({**PARTS, "val/dog": 0}, r"class folder 'val/dog' of .* holds no readable images \(\.jpg, "),
        ({**PARTS, "train/bird": 3, "test/fish": 3, "val/bird": 3},
         r"train and test .* different classes \(only in train: bird; only in test: fish\)"),
        ({"test/cat": 3, "test/dog": 3}, "has test/ but no train/ with one folder a class in it"),
        ({**PARTS, "valid/cat": 1, "valid/dog": 1}, "has both (val/ and valid|valid/ and val)/"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_task_is_told_what_it_lacks(tmp_path, folders, words):
    with pytest.raises(ValueError, match=words):
        ll.load_task(photo_folder(tmp_path, folders))


def test_a_missing_folder_is_named_in_full(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"there is no folder '{tmp_path / 'photos'}'"):
        ll.load_task("photos/", root=tmp_path)


def test_an_archive_is_not_a_folder(tmp_path):
    (tmp_path / "photos.zip").touch()
    with pytest.raises(NotADirectoryError, match="is a file; give the folder of images"):
        ll.load_task(tmp_path / "photos.zip")


def test_files_of_a_kind_that_cannot_be_read_are_pointed_out(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "phone.HEIC").touch()
    with pytest.raises(ValueError, match=r"looked for \.jpg, .* there are files of these kinds: \.heic"):
        ll.load_task(tmp_path)


def test_images_outside_class_folders_are_explained(tmp_path):
    photo(1).save(tmp_path / "cat.png")
    with pytest.raises(ValueError, match="they must lie in one folder a class"):
        ll.load_task(tmp_path)


def test_images_beside_the_class_folders_are_ignored_with_a_warning(tmp_path):
    photo_folder(tmp_path, {"cat": 3, "dog": 3})
    photo(40).save(tmp_path / "cover.png")
    with pytest.warns(UserWarning, match="ignored beside the folders in .*: cover.png"):
        assert sum(sizes(ll.load_task(tmp_path))) == 6


def _spoil(folder, count):
    for place in range(count):
        (folder / f"photo {place}.png").write_bytes(b"spoilt")


def test_damaged_files_are_named_up_to_ten(tmp_path):
    photo_folder(tmp_path, {"cat": 15, "dog": 5})
    _spoil(tmp_path / "cat", 12)
    with pytest.raises(ValueError, match="12 unreadable image file") as error:
        ll.load_task(tmp_path)
    said = str(error.value)
    assert "cat/photo 0.png (not an image)" in said and "cat/photo 9.png" in said and "photo 10.png" not in said
    assert "and 2 more. Mend or remove them, or leave them out with skip_unreadable=True" in said


def test_damaged_files_are_skipped_on_request_with_a_warning(tmp_path):
    photo_folder(tmp_path, {"cat": 5, "dog": 5})
    _spoil(tmp_path / "cat", 1)
    with pytest.warns(UserWarning, match=r"left out 1 unreadable image file.*cat/photo 0\.png \(not an image\)"):
        task = ll.load_task(tmp_path, skip_unreadable=True)
    assert sum(sizes(task)) == 9


def test_a_class_with_nothing_left_after_skipping_is_named(tmp_path):
    photo_folder(tmp_path, {"cat": 2, "dog": 5})
    _spoil(tmp_path / "cat", 2)
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match="class folder 'cat' of .* holds no readable images"),
    ):
        ll.load_task(tmp_path, skip_unreadable=True)


def test_fewer_images_than_shots_name_the_class_and_both_numbers(tmp_path):
    photo_folder(tmp_path, {**PARTS, "train/cat": 6, "train/dog": 3})
    shutil.rmtree(tmp_path / "train" / "dog")
    photo_folder(tmp_path, {"train/dog": 3}, first=100)
    with pytest.raises(
        ValueError, match="4 shots need 4 training images a class, but class 'dog' has 3: ask for shots=3"
    ):
        ll.load_task(tmp_path, shots=4)


def test_the_same_photo_in_train_and_test_is_warned_of(tmp_path):
    photo_folder(tmp_path, PARTS)
    shutil.copy(tmp_path / "train/cat/photo 0.png", tmp_path / "test/cat/copy.png")
    with pytest.warns(
        UserWarning, match="the same photo lies in several places .*train/cat/photo 0.png = test/cat/copy.png"
    ):
        ll.load_task(tmp_path)


def test_a_sound_folder_gives_no_warning(tmp_path):
    photo_folder(tmp_path, PARTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ll.load_task(tmp_path, shots=2).train.counts.tolist() == [2, 2]


def test_real_photos_load(photos):
    task = ll.load_task(photos, shots=4)
    assert len(task.classnames) == 10 and "t shirt" in task.classnames
    assert task.pool.counts.tolist() == [16] * 10 and task.val_pool.counts.tolist() == [8] * 10
    assert len(task.test) == 179 and 12 <= task.test.counts.min() and task.test.counts.max() <= 20
    assert task.train.counts.tolist() == [4] * 10 and task.val.counts.tolist() == [4] * 10
    image, label = task.train[0]
    assert image.mode == "RGB" and min(image.size) == 224 and task.train.paths[0].parent.name == task.classnames[label]


def test_what_is_no_content_changes_nothing_in_what_a_task_is(tmp_path):
    root = photo_folder(tmp_path / "here", {"cat": 6, "dog": 6})
    before = ll.load_task(root).identity()
    for name in (".DS_Store", "Thumbs.db", "cat/.DS_Store", "cat/._photo 0.png"):
        (root / name).write_bytes(b"x")
    for photo_file in root.rglob("*.png"):
        os.utime(photo_file, (1, 1))
    assert ll.load_task(root).identity() == before
    assert ll.load_task(shutil.copytree(root, tmp_path / "elsewhere" / "under another name")).identity() == before


@pytest.mark.parametrize("change", ["another deal", "a photo added", "a class named otherwise", "another template"])
def test_what_decides_a_result_changes_what_a_task_is(tmp_path, change):
    root = photo_folder(tmp_path, {"cat": 6, "dog": 6})
    before, how = ll.load_task(root).identity(), {}
    if change == "a photo added":
        photo(900).save(root / "cat" / "new.png")
    elif change == "a class named otherwise":
        (root / "classnames.json").write_text('["kitten", "dog"]')
    else:
        how = {"pool_seed": 5} if change == "another deal" else {"templates": "{}"}
    assert ll.load_task(root, **how).identity() != before
