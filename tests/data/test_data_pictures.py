"""Image files of every kind become upright RGB; damaged ones are told from sound ones."""

import os
import shutil
import time

import numpy as np
import pytest
from photo_folders import photo
from PIL import Image

from lessons_lib.data import pictures
from lessons_lib.data.pictures import EXTENSIONS, FileImages, examine, examine_all, open_picture


@pytest.mark.parametrize("suffix", EXTENSIONS)
def test_every_listed_kind_of_file_opens_as_rgb(tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    photo(1).save(path)
    assert examine(path).problem == ""
    opened = open_picture(path)
    assert opened.mode == "RGB" and opened.size == (12, 10)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_colour_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / "picture.tif"
    photo(2).convert("RGB").convert(mode).save(path)
    assert open_picture(path).mode == "RGB"


def test_the_exif_orientation_turns_the_picture_upright(tmp_path):
    lying = Image.new("RGB", (20, 10), "red")
    exif = lying.getexif()
    exif[0x0112] = 6  # "turn a quarter clockwise to see it upright"
    lying.save(tmp_path / "phone.jpg", exif=exif)
    assert open_picture(tmp_path / "phone.jpg").size == (10, 20)


def test_transparent_pixels_become_white(tmp_path):
    picture = Image.new("RGBA", (4, 4), (255, 0, 0, 255))
    picture.putpixel((0, 0), (0, 0, 0, 0))
    picture.save(tmp_path / "logo.png")
    opened = open_picture(tmp_path / "logo.png")
    assert opened.getpixel((0, 0)) == (255, 255, 255) and opened.getpixel((1, 1)) == (255, 0, 0)


def test_a_transparent_palette_colour_becomes_white(tmp_path):
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.putpixel((0, 0), 0)
    picture.save(tmp_path / "icon.gif", transparency=0)
    opened = open_picture(tmp_path / "icon.gif")
    assert opened.getpixel((0, 0)) == (255, 255, 255) and opened.getpixel((1, 1)) == (0, 0, 255)


def test_sixteen_bit_grey_keeps_its_shades(tmp_path):
    shades = np.linspace(0, 65535, 100).astype(np.uint16).reshape(10, 10)
    Image.fromarray(shades).save(tmp_path / "scan.png")
    opened = np.asarray(open_picture(tmp_path / "scan.png"))
    assert (opened[:, :, 0] == shades >> 8).all()


def test_a_dark_sixteen_bit_picture_stays_dark(tmp_path):
    Image.fromarray(np.full((8, 8), 200, dtype=np.uint16)).save(tmp_path / "night.png")
    assert np.asarray(open_picture(tmp_path / "night.png")).max() == 0


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tif"])
def test_a_file_cut_short_is_damaged(tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    photo(3, width=200, height=200).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert examine(path).problem not in ("", "not an image")


def test_a_flipped_bit_in_a_png_is_damage(tmp_path):
    path = tmp_path / "picture.png"
    photo(4, width=100, height=100).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert examine(path).problem != ""


def test_an_empty_file_and_a_text_file_say_what_they_are(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "notes.jpg").write_text("not a picture")
    found = examine_all([tmp_path / "empty.jpg", tmp_path / "notes.jpg"], progress=False)
    assert [seen.problem for seen in found.values()] == ["empty file", "not an image"]


def test_a_broken_link_is_named_as_unreadable(tmp_path):
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert "No such file" in examine(tmp_path / "link.jpg").problem


def _files(folder, count=3):
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        photo(number).save(path)
    return FileImages(paths, examine_all(paths, progress=False))


def test_the_fingerprint_follows_content_and_order_and_not_the_place(tmp_path):
    (tmp_path / "here").mkdir()
    images = _files(tmp_path / "here")
    before = images.fingerprint
    assert images.subset([0, 1, 2]).fingerprint == before
    assert images.subset([1, 0, 2]).fingerprint != before
    assert images.subset([0, 1]).fingerprint != before
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    there = [tmp_path / "there" / path.name for path in images.paths]
    assert FileImages(there, {}).fingerprint == before


def test_a_file_changed_after_loading_changes_the_fingerprint(tmp_path):
    images = _files(tmp_path)
    before = images.fingerprint
    photo(99).save(images.paths[1])
    assert images.fingerprint != before
    photo(1).save(images.paths[1])
    assert images.fingerprint == before


def test_a_file_that_is_gone_or_spoilt_after_loading_is_named(tmp_path):
    images = _files(tmp_path)
    images.paths[0].unlink()
    images.paths[1].write_bytes(b"spoilt")
    with pytest.raises(FileNotFoundError, match=r"0\.png' was there when the task was loaded and is gone"):
        images.image(0)
    with pytest.raises(FileNotFoundError, match="load it again"):
        _ = images.fingerprint
    with pytest.raises(ValueError, match=r"1\.png' was sound when the task was loaded and cannot be read now"):
        images.image(1)


@pytest.fixture
def looks(monkeypatch):
    """The names of the files that are read and decoded."""
    names, look = [], pictures.examine

    def noted(path, problem_of=pictures.problem_of_picture):
        names.append(path.name)
        return look(path, problem_of)

    monkeypatch.setattr(pictures, "examine", noted)
    return names


def test_what_was_found_is_remembered_until_a_file_changes(tmp_path, looks):
    paths, memory = _files(tmp_path).paths, tmp_path / "cache" / "memory.json"
    paths[2].write_bytes(b"spoilt")
    first = examine_all(paths, memory=memory, progress=False)
    looks.clear()
    assert examine_all(paths, memory=memory, progress=False) == first and looks == []
    assert first[paths[2]].problem == "not an image"
    photo(77).save(paths[0])
    again = examine_all(paths[:2], memory=memory, progress=False)
    assert looks == ["0.png"] and again[paths[0]] != first[paths[0]] and again.keys() == set(paths[:2])


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of change beside the time of writing")
def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path, looks):
    images = _files(tmp_path)
    path, before = images.paths[1], images.fingerprint
    data, stat = path.read_bytes(), path.stat()
    time.sleep(0.02)  # file systems count time in steps of some milliseconds
    path.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert images.fingerprint != before and looks[-1] == "1.png"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": [1]}', '{"a": [[1, 2, 3], "x", "", 5, 6]}'])
def test_a_damaged_memory_is_forgotten(tmp_path, content):
    paths, memory = _files(tmp_path).paths, tmp_path / "memory.json"
    memory.write_text(content)
    found = examine_all(paths, memory=memory, progress=False)
    assert all(not seen.problem for seen in found.values())
    assert examine_all(paths, memory=memory, progress=False) == found


def test_a_memory_that_cannot_be_written_costs_only_time(tmp_path):
    paths = _files(tmp_path).paths
    (tmp_path / "file").touch()
    assert len(examine_all(paths, memory=tmp_path / "file" / "memory.json", progress=False)) == 3
