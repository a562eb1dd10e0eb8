"""Split files and layouts that others' code writes are read, or named as what they are."""

import json
import shutil
import unicodedata

import pytest
from dataset_layouts import split_set, write
from letters import needs_letters

import lessons_lib as ll
from lessons_lib.data import PUBLISHED
from lessons_lib.data.published.splits import verify


def edited(root, name, change):
    file = root / PUBLISHED[name].folder / PUBLISHED[name].listing
    split = json.loads(file.read_text())
    changed = {part: [[change(path), label, title] for path, label, title in rows] for part, rows in split.items()}
    file.write_text(json.dumps(changed))


def sizes(name, root, **how):
    task = ll.load_task(name, root=root, progress=False, **how)
    assert all(path.is_file() for split in (task.pool, task.val_pool, task.test) for path in split.paths)
    return len(task.pool), len(task.val_pool), len(task.test)


def moved(folder, there):
    """All class folders of a set, to another place in it."""
    there.mkdir(parents=True, exist_ok=True)
    for one in list(folder.glob("Class*")):
        shutil.move(one, there / one.name)


def test_paths_that_were_written_on_windows_are_read(tmp_path):
    edited(split_set(tmp_path, "eurosat"), "eurosat", lambda path: path.replace("/", "\\"))
    assert sizes("eurosat", tmp_path) == (24, 8, 12)


@pytest.mark.parametrize("there", ["2750/2750", ".", "EuroSAT/2750", "2750/Class0"])
def test_images_that_lie_a_folder_too_high_or_too_deep_are_found(tmp_path, there):
    split_set(tmp_path, "eurosat")
    folder = tmp_path / "eurosat"
    if there == "2750/Class0":  # one class folder inside another of its name
        shutil.move(folder / there, folder / "once more")
        shutil.move(folder / "once more", folder / there / "Class0")
    else:
        moved(folder / "2750", folder / there)
    assert sizes("eurosat", tmp_path) == (24, 8, 12)
    assert not verify("eurosat", tmp_path).missing


def test_an_archive_in_a_folder_of_its_own_name_is_found(tmp_path):
    split_set(tmp_path, "stanford_cars")
    edited(tmp_path, "stanford_cars", lambda path: f"cars_train/{path}")
    moved(tmp_path / "stanford_cars", tmp_path / "stanford_cars/cars_train/cars_train")
    assert sizes("stanford_cars", tmp_path) == (24, 8, 12)


@needs_letters
def test_names_that_a_mac_takes_apart_are_found(tmp_path):
    split_set(tmp_path, "eurosat")
    edited(tmp_path, "eurosat", lambda path: path.replace("train_0", "café"))
    for label in range(4):
        write(tmp_path / "eurosat/2750" / f"Class{label}" / unicodedata.normalize("NFD", "café.jpg"), label)
    assert sizes("eurosat", tmp_path) == (24, 8, 12)


def test_where_it_lies_changes_nothing_in_what_a_task_is(tmp_path):
    one, two = split_set(tmp_path / "one", "eurosat"), split_set(tmp_path / "two", "eurosat")
    moved(two / "eurosat/2750", two / "eurosat/2750/2750")
    one, two = (ll.load_task("eurosat", root=root, progress=False).identity() for root in (one, two))
    assert one == two


def test_a_root_too_high_or_too_deep_names_the_one_to_give(tmp_path):
    split_set(tmp_path / "DATA", "eurosat")
    with pytest.raises(FileNotFoundError, match=f"Give the folder in it: '{tmp_path / 'DATA'}'"):
        ll.load_task("eurosat", root=tmp_path)
    with pytest.raises(FileNotFoundError, match=f"Give the folder above: '{tmp_path / 'DATA'}'"):
        ll.load_task("eurosat", root=tmp_path / "DATA" / "eurosat")


def test_a_set_that_is_all_missing_is_not_skipped(tmp_path):
    split_set(tmp_path, "eurosat")
    shutil.rmtree(tmp_path / "eurosat/2750")
    with pytest.warns(UserWarning), pytest.raises(FileNotFoundError, match="none of the 44 images is in"):
        ll.load_task("eurosat", root=tmp_path, skip_unreadable=True, progress=False)


def test_a_class_without_a_sound_image_is_named_rather_than_shots_of_0_advised(tmp_path):
    split_set(tmp_path, "food101")
    for file in (tmp_path / "food-101/images/Class1").glob("train_*"):
        file.write_bytes(b"")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="train has no sound image left of 'class b'"):
        ll.load_task("food101", root=tmp_path, shots=1, skip_unreadable=True, progress=False)


def test_no_advice_to_ask_for_no_shots():
    with pytest.raises(ValueError, match="class 'b' has none: leave such classes out, or add images"):
        ll.data.fewshot.check_enough([[1], []], ["a", "b"], 1)
