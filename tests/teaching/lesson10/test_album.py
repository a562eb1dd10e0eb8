"""The drawn album is a folder such as people have: real files, with the faults that it says it has."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lessons_lib as ll
from lessons_lib.teaching.lesson10.album import LAND, LONG, ORIENTATION, SHORT, SIDEWAYS, draw_album


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    return draw_album(tmp_path_factory.mktemp("photos"), per_class=8, bursts=2, misfiled=4)


def files(album) -> list[Path]:
    return sorted(album.folder.rglob("*.jpg"))


def small(path: Path) -> np.ndarray:
    picture = ll.data.pictures.open_picture(path)
    return np.asarray(picture.resize((16, 16), Image.Resampling.BOX), dtype=float)


def test_it_holds_a_folder_a_class_of_numbered_jpegs_and_one_copy(album):
    assert {path.parent.name for path in files(album)} == set(LAND) == set(album.classnames)
    assert len(files(album)) == len(LAND) * (8 + 2) + 1
    original, copy = (album.folder / name for name in album.copy)
    assert original != copy and original.read_bytes() == copy.read_bytes()


def test_the_loader_refuses_the_damaged_file_and_tells_the_copy(album):
    with pytest.raises(ValueError, match=album.damaged.replace(".", r"\.")):
        ll.load_task(album.folder, progress=False)
    with pytest.warns(UserWarning) as told:
        ll.load_task(album.folder, skip_unreadable=True, progress=False)
    said = " ".join(str(warning.message) for warning in told)
    assert all(name in said for name in (album.damaged, *album.copy))


def test_photos_stored_sideways_are_upright_when_opened(album):
    sound = [path for path in files(album) if path.relative_to(album.folder).as_posix() != album.damaged]
    sideways = [path for path in sound if Image.open(path).getexif().get(ORIENTATION) == SIDEWAYS]
    assert sideways and len(sideways) < len(sound)
    for path in sideways:
        assert Image.open(path).size == (LONG, SHORT)
        assert ll.data.pictures.open_picture(path).size == (SHORT, LONG)


def test_a_burst_is_two_photos_of_one_moment_that_differ(album):
    assert len(album.bursts) == 2 * len(LAND)
    pairs = [pair for pair in album.bursts if album.damaged not in pair]
    apart = [np.abs(small(album.folder / a) - small(album.folder / b)).mean() for a, b in pairs]
    others = [
        np.abs(small(album.folder / pairs[i][0]) - small(album.folder / pairs[i - 1][0])).mean() for i in range(9)
    ]
    assert 0 < min(apart) and np.median(apart) < np.median(others) / 3


def test_misfiled_photos_lie_in_a_folder_that_is_not_theirs(album):
    assert len(album.misfiled) == 4
    for file, belongs in album.misfiled.items():
        assert (album.folder / file).is_file() and file.split("/")[0] != belongs and belongs in LAND


def test_the_same_seed_writes_the_same_files_and_another_does_not(album, tmp_path):
    again = draw_album(tmp_path / "again", per_class=8, bursts=2, misfiled=4)
    names = [path.relative_to(album.folder) for path in files(album)]
    assert [path.relative_to(again.folder) for path in files(again)] == names
    assert all((again.folder / name).read_bytes() == (album.folder / name).read_bytes() for name in names)
    other = draw_album(tmp_path / "other", per_class=2, bursts=0, misfiled=0, seed=1)
    assert not other.misfiled and not other.bursts
    assert {path.read_bytes() for path in files(other)}.isdisjoint(path.read_bytes() for path in files(album))


def test_its_names_are_what_classnames_json_takes(album):
    (album.folder / "classnames.json").write_text(json.dumps(album.classnames))
    with pytest.warns(UserWarning):
        task = ll.load_task(album.folder, skip_unreadable=True, progress=False)
    (album.folder / "classnames.json").unlink()
    assert task.classnames == list(album.classnames.values())
