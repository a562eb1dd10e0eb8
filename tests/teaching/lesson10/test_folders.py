"""Files in lesson 10: what lies there, what the loader says, what only the drawn album's maker can know, the script."""

import shutil

import pytest
from PIL import Image

from lessons_lib.data import Task
from lessons_lib.teaching.lesson10 import folders
from lessons_lib.teaching.lesson10.album import draw_album


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    return draw_album(tmp_path_factory.mktemp("drawn") / "my_photos", per_class=8, bursts=2, misfiled=4)


@pytest.fixture(scope="module")
def task(album):
    return folders.load(album.folder, quiet=True, skip_unreadable=True)


@pytest.fixture
def own(album, tmp_path):
    """The same photos as if they were a learner's."""
    shutil.copytree(album.folder, tmp_path / "holiday", ignore=shutil.ignore_patterns("*.json"))
    return folders.take_album(str(tmp_path / "holiday"), tmp_path / "never")


def without_tests(task: Task, gone: set) -> Task:
    kept = [i for i, path in enumerate(task.test.paths) if path not in gone]
    parts = {"train": task.pool, "val": task.val_pool, "test": task.test.subset(kept)}
    return Task.from_pools(task.name, **parts, templates=task.templates)


def test_a_learners_folder_is_taken_as_it_is_and_nothing_is_known_of_it(own, tmp_path):
    assert own.folder == tmp_path / "holiday" and not own.drawn and own.bursts == [] and own.misfiled == {}
    assert not (tmp_path / "never").exists()


def test_without_a_folder_an_album_is_drawn(monkeypatch, tmp_path, album):
    monkeypatch.setattr(folders, "draw_album", lambda folder: album if folder == tmp_path else None)
    assert folders.take_album(None, tmp_path) is album is folders.take_album("", tmp_path) and album.drawn


def test_the_overview_counts_photos_folder_by_folder_and_nothing_else(album, capsys):
    (album.folder / "notes.txt").write_text("no photo")
    (album.folder / ".hidden.jpg").write_bytes(b"")
    folders.overview(album.folder)
    (album.folder / "notes.txt").unlink()
    (album.folder / ".hidden.jpg").unlink()
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "my_photos: 101 photos" and len(lines) == 10
    assert [line.split()[0] for line in lines] == sorted(album.classnames)
    assert sum(int(line.split()[1]) for line in lines) == 101


def test_the_loader_is_quoted_without_the_path_in_lines_that_fit(album, capsys):
    with pytest.raises(ValueError) as refused:
        folders.load(album.folder)
    folders.say("refused", refused.value, album.folder)
    folders.load(album.folder, skip_unreadable=True)
    said = capsys.readouterr().out
    assert said.startswith("refused: 1 unreadable") and said.count("warned: ") == 2
    assert str(album.folder.parent) not in said and max(map(len, said.splitlines())) <= folders.WIDTH
    folders.load(album.folder, quiet=True, skip_unreadable=True)
    assert capsys.readouterr().out == ""


def test_the_drawn_albums_words_are_written_shown_and_loaded(album, task, capsys):
    plain, named, templated = folders.wordings(task, album).values()
    loaded = folders.load(album.folder, quiet=True, skip_unreadable=True, templates=folders.TEMPLATE)
    (album.folder / "classnames.json").unlink()
    assert '"stream": "river"' in capsys.readouterr().out
    assert plain.classnames == task.classnames and plain.templates == task.templates == named.templates
    assert named.classnames == templated.classnames == list(album.classnames.values())
    assert templated.identity() == loaded.identity(), "what a learner gets who loads it so"


def test_wordings_differ_in_words_alone(album, task):
    """A renamed class is dealt anew, so that two loads would be compared on other photos."""
    plain, named, templated = folders.wordings(task, album).values()
    (album.folder / "classnames.json").unlink()
    assert task.val.paths != named.val.paths
    for part in ("pool", "val", "test"):
        one, *others = (getattr(task, part) for task in (plain, named, templated))
        assert all(other.paths == one.paths and other.labels.equal(one.labels) for other in others)


def test_nothing_is_written_into_a_learners_folder(own, task, capsys):
    assert folders.wordings(task, own) == {"the folders' names": task}
    assert not (own.folder / "classnames.json").exists() and capsys.readouterr().out == ""
    (own.folder / "classnames.json").write_text("{}")
    assert list(folders.wordings(task, own)) == ["classnames.json"]


def test_pairs_apart_are_found_and_gone_with_their_test_photo(album, task):
    apart = folders.bursts_apart(album, task)
    assert apart and all(len(pair & set(task.pool.paths)) == len(pair & set(task.test.paths)) == 1 for pair in apart)
    twins = set().union(*apart) & set(task.test.paths)
    assert folders.bursts_apart(album, without_tests(task, twins)) == []


def test_photos_left_out_for_a_copy_are_told_from_those_left_out_for_nothing(album, task, capsys):
    twins = set().union(*folders.bursts_apart(album, task)) & set(task.test.paths)
    in_pairs = {album.folder / file for pair in [*album.bursts, album.copy] for file in pair}
    lonely = [path for path in task.test.paths if path not in in_pairs][:3]
    fewer = without_tests(task, {*twins, *lonely})
    assert folders.copies_dropped(album, task, fewer) == (len(twins), 3)
    folders.tell_copies(album, task, fewer)
    said = capsys.readouterr().out
    assert f"in train: {len(twins)}, now 0" in said
    assert f"{len(twins)} with a twin in train or val, 3 only looked like it" in said


def test_misfiled_photos_are_counted_among_all_the_tests_and_the_shown(album, task, capsys):
    wrong = [i for i, path in enumerate(task.test.paths) if path.relative_to(album.folder).as_posix() in album.misfiled]
    right = next(i for i in range(len(task.test)) if i not in wrong)
    folders.tell_misfiled(album, task.test, [*wrong[:1], right])
    said = capsys.readouterr().out
    assert f"4 photos of this album lie in a wrong folder, {len(wrong)} of them" in said
    assert f"in the figure above: {len(wrong[:1])}" in said


def test_of_a_learners_photos_nothing_is_told(own, task, capsys):
    folders.tell_copies(own, task, task)
    folders.tell_misfiled(own, task.test, [0, 1])
    assert capsys.readouterr().out == ""


def test_the_stranger_is_a_picture_on_disk(tmp_path):
    with Image.open(folders.draw_stranger(tmp_path / "stranger.png")) as picture:
        assert picture.mode == "RGB" and len(picture.getcolors(picture.width * picture.height)) > 20


def test_a_script_answers_a_line_a_file_and_its_failure_is_told(tmp_path):
    program = tmp_path / "say.py"
    program.write_text("import sys\nfor file in sys.argv[1:]:\n    print(file[0])\n")
    assert folders.run_script(program, ["a.jpg", "b.jpg"]) == ["a", "b"]
    program.write_text("raise OSError('no photo')")
    with pytest.raises(RuntimeError, match=r"say\.py failed:\n(.|\n)*no photo"):
        folders.run_script(program, [])
