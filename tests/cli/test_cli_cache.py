"""`lessons cache`: what is there is listed, and cleared only when that was meant."""

import os
import time

import pytest
from noise_task import noise_task

from lessons_lib.cli import cache, main
from lessons_lib.feature_cache import cache_entries, cache_size
from lessons_lib.features import image_features
from lessons_lib.files import in_bytes


@pytest.fixture
def filled(clip, tmp_path, monkeypatch):
    """Two entries of 5 and 10 images, the first written 40 days ago."""
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    task = noise_task(shots=1)
    image_features(clip, task.train, progress=False)
    [first] = cache_entries()
    image_features(clip, task.train.subset([0, 1]), view=2, progress=False)
    old = time.time() - 40 * 86400
    os.utime(first.path, (old, old))
    return first


def test_entries_are_listed_by_model_and_view(filled, clip, capsys):
    assert main(["cache"]) == 0
    said = capsys.readouterr().out
    assert said.count(clip.fingerprint[:12]) == 2 and "plain" in said and "2 views" in said
    assert said.splitlines()[-1] == f"2 entries, {in_bytes(cache_size())}"


def test_an_empty_cache(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    assert main(["cache"]) == 0 and "0 entries, 0 bytes" in capsys.readouterr().out
    assert main(["cache", "clear", "--yes"]) == 0 and "nothing to clear" in capsys.readouterr().out


def test_only_what_is_older_is_cleared(filled, capsys):
    assert main(["cache", "clear", "--older-than", "41d", "--yes"]) == 0
    assert len(cache_entries()) == 2
    assert main(["cache", "clear", "--older-than", "30d", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"cleared {in_bytes(filled.size)} in '")
    assert not filled.path.exists() and len(cache_entries()) == 1


def test_what_is_not_ours_stays_and_what_cannot_be_deleted_is_said(filled, monkeypatch, capsys):
    folder = filled.path.parent
    (folder / "bert.safetensors").write_bytes(b"mine")
    (folder / "notes").mkdir()
    unlink = type(filled.path).unlink

    def refused(path, **how):
        if path == filled.path:
            raise PermissionError(13, "Permission denied")
        unlink(path, **how)

    monkeypatch.setattr(type(filled.path), "unlink", refused)
    assert main(["cache", "clear", "--yes"]) == 0
    assert f"1 cached files could not be deleted, such as '{filled.path}'" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == sorted([filled.path.name, "bert.safetensors", "notes"])


def test_nothing_is_cleared_without_an_answer(filled, monkeypatch, capsys):
    assert main(["cache", "clear"]) == 2
    assert "say --yes" in capsys.readouterr().err and len(cache_entries()) == 2


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("yes", 0), ("n", 2), ("", 2)])
def test_the_answer_counts(answer, left, filled, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(["cache", "clear"]) == 0
    assert len(cache_entries()) == left


def test_weights_in_the_same_folder_stay(filled, tmp_path):
    weights = tmp_path / "weights" / "ViT-B-16" / "mine.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    main(["cache", "clear", "--yes"])
    assert weights.read_bytes() == b"weights" and cache_entries() == []


def test_a_damaged_entry_is_listed_as_one(filled, capsys):
    filled.path.write_bytes(b"\xff" * 20)
    assert main(["cache"]) == 0
    assert "damaged or unfinished" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "seconds"), [("30d", 30 * 86400), ("1.5h", 5400), ("2w", 14 * 86400)])
def test_ages(text, seconds):
    assert cache.age(text) == seconds


def test_paths_are_shown_without_the_name_of_ones_home(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert cache.shown(tmp_path / "a" / "b") == "~/a/b"
    assert cache.shown(tmp_path.parent) == str(tmp_path.parent)
