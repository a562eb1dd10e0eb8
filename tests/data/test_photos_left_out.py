"""Nothing that lies in a folder of photos is passed over in silence: it is read, or counted in a warning."""

import os
import subprocess
import sys
import warnings

import pytest
from photo_folders import photo, photo_folder
from PIL import Image

import lessons_lib as ll
from lessons_lib.data import kinds
from lessons_lib.data.pictures import examine


def loaded(root, **how):
    """The number of photos that a task has, and what was said when it was loaded."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        task = ll.load_task(root, progress=False, **how)
    return sum(map(len, (task.pool, task.val_pool, task.test))), " | ".join(str(one.message) for one in said)


@pytest.mark.parametrize("name", ["img.jfif", "img.jpe", "img", "IMG.HEIC", "img.jpg_large", "img.jpg?size=2"])
def test_a_picture_is_known_by_its_beginning_where_its_ending_is_none(tmp_path, name):
    photo_folder(tmp_path, {"cat": 4, "dog": 4})
    photo(100).save(tmp_path / "cat" / name, format="jpeg")
    assert loaded(tmp_path) == (9, "")


@pytest.mark.skipif("AVIF" not in kinds.readable(), reason="this Pillow does not read AVIF")
def test_avif_is_read(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 4})
    photo(100).save(tmp_path / "dog" / "img.avif")
    assert loaded(tmp_path) == (9, "")


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.skipif("HEIF" in kinds.readable(), reason="HEIC is read here")
def test_an_iphone_album_is_counted_and_told_how_to_be_read(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 4})
    for number in range(30):
        (tmp_path / "cat" / f"IMG_{number}.HEIC").write_bytes(HEIC)
    (tmp_path / "dog" / "IMG_1.MOV").write_bytes(b"\0\0\0\x14ftypqt  ")
    used, said = loaded(tmp_path)
    assert used == 8 and "left out 31 file(s)" in said and ".heic (30), .mov (1)" in said
    assert "pip install 'lessons_lib[photos]', or convert to JPEG" in said
    (tmp_path / "dog" / "renamed.jpg").write_bytes(HEIC)
    with pytest.raises(ValueError, match=r"dog/renamed\.jpg \(HEIC is read where its plug-in is installed"):
        loaded(tmp_path)


@pytest.mark.skipif("HEIF" in kinds.readable(), reason="HEIC is read here")
def test_a_class_with_nothing_but_heic_says_how_to_read_it(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 0})
    (tmp_path / "dog" / "IMG_1.HEIC").write_bytes(HEIC)
    with (
        pytest.warns(UserWarning, match="left out 1"),
        pytest.raises(ValueError, match=r"'dog'.*\.heic \(1\)\. HEIC is"),
    ):
        ll.load_task(tmp_path, progress=False)


def test_the_plug_in_for_heic_is_used_where_it_is_installed(monkeypatch):
    called = []
    plug_in = type(sys)("pillow_heif")
    plug_in.register_heif_opener = lambda: called.append(1)
    monkeypatch.setitem(sys.modules, "pillow_heif", plug_in)
    kinds.readable.cache_clear()
    kinds.readable()
    kinds.readable.cache_clear()
    assert called


def test_photos_in_folders_inside_a_class_folder_are_taken_and_told(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "cat/2023": 3, "cat/2023/may": 2, "dog": 0, "dog/2024": 5})
    used, said = loaded(tmp_path)
    assert used == 14 and "10 pictures lie in folders inside" in said and "cat/2023 (3), cat/2023/may (2)" in said


def test_a_link_to_a_folder_above_is_no_endless_folder(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 4})
    (tmp_path / "cat" / "up").symlink_to(tmp_path / "cat")
    assert loaded(tmp_path)[0] == 8


def test_photos_beside_the_class_folders_of_train_are_told(tmp_path):
    photo_folder(tmp_path, {"train": 2, "train/cat": 6, "train/dog": 6})
    used, said = loaded(tmp_path)
    assert used == 12 and "train/photo 0.png, train/photo 1.png" in said


def test_what_systems_leave_behind_is_no_file_of_the_learners(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 4, "@eaDir": 1})
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._photo 0.png"):
        (tmp_path / "cat" / name).write_bytes(b"x")
    assert loaded(tmp_path) == (8, "")


@pytest.mark.parametrize(
    "names", [("train", "test"), ("Train", "test1"), ("train", "val", "test_images"), ("training", "validation")]
)
def test_parts_that_hold_photos_directly_are_no_classes(tmp_path, names):
    with pytest.raises(ValueError, match="hold pictures but no class folders, so nothing says which class they show"):
        ll.load_task(photo_folder(tmp_path, dict.fromkeys(names, 8)), progress=False)


def test_classes_called_train_and_test_among_others_are_warned_of(tmp_path):
    used, said = loaded(photo_folder(tmp_path, {"train": 4, "tram": 4, "test": 4}))
    assert used == 12 and "test, train of" in said and "taken for classes" in said


def test_a_folder_too_high_names_the_one_to_give(tmp_path):
    photo_folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=f"give the folder '{tmp_path / 'photos'}'"):
        ll.load_task(tmp_path, progress=False)


def test_a_class_folder_given_as_the_whole_names_the_one_above(tmp_path):
    photo_folder(tmp_path, {"cat": 4, "dog": 4})
    with pytest.raises(ValueError, match=f"give the folder above, '{tmp_path}'"):
        ll.load_task(tmp_path / "cat", progress=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("name", ["x.png", "x"])
def test_a_pipe_among_the_photos_is_not_waited_for(tmp_path, name):
    photo_folder(tmp_path, {"cat": 4, "dog": 4})
    os.mkfifo(tmp_path / "cat" / name)
    code = "import sys, lessons_lib as ll; ll.load_task(sys.argv[1], skip_unreadable=True, progress=False)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "no regular file" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device")
def test_a_link_to_a_device_is_not_read(tmp_path):
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    assert "no regular file" in examine(tmp_path / "endless.png").problem


def test_a_program_for_a_printer_is_no_picture(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "x.eps")
    (tmp_path / "x.eps").rename(tmp_path / "x.jpg")
    assert examine(tmp_path / "x.jpg").problem == "not an image"
