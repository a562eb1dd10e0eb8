"""Files are written whole or not at all; names close to a wrong one are found; importing is quick."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from letters import needs_letters

import lessons_lib
from lessons_lib.files import atomic_write, cache_dir, in_bytes
from lessons_lib.suggest import nearest


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_arrive_and_folders_are_made(tmp_path):
    path = atomic_write(tmp_path / "a" / "b" / "file.bin", b"12345")
    assert path == tmp_path / "a" / "b" / "file.bin"
    assert path.read_bytes() == b"12345"


def test_a_function_writes_to_a_temporary_path_with_the_same_suffix(tmp_path):
    seen = []

    def write(temporary: Path) -> None:
        seen.append(temporary)
        temporary.write_text("drawn")

    atomic_write(tmp_path / "figure.png", write)
    assert seen[0].suffix == ".png" and seen[0].parent == tmp_path
    assert names_in(tmp_path) == ["figure.png"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = atomic_write(tmp_path / "file.txt", b"old")

    def breaks_off(temporary: Path) -> None:
        temporary.write_bytes(b"half of the n")
        raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        atomic_write(path, breaks_off)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file.txt"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path, error):
    path = atomic_write(tmp_path / "file.txt", b"old")

    def disk_is_full(temporary: Path) -> None:
        temporary.write_bytes(b"ha")
        raise error

    with pytest.raises(OSError, match=r"the disk is full: .*file\.txt.* was not written") as caught:
        atomic_write(path, disk_is_full)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old" and names_in(tmp_path) == ["file.txt"]


def test_a_killed_writer_leaves_the_old_file_and_what_it_hid_is_removed_later(tmp_path):
    path = atomic_write(tmp_path / "file.txt", b"old")
    code = (
        "import os; from lessons_lib.files import atomic_write\n"
        f"atomic_write({str(path)!r}, lambda t: (t.write_bytes(b'half'), os._exit(9)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert path.read_bytes() == b"old"
    (left,) = set(names_in(tmp_path)) - {"file.txt"}  # hidden, and nobody's any more
    others = (".file.txt", left.replace("file", "files"), "notes.tmp.txt")
    for name in others:
        (tmp_path / name).write_text("somebody's")
        os.utime(tmp_path / name, (0, 0))
    atomic_write(path, b"new")
    assert left in names_in(tmp_path), "another process may be writing it"
    an_hour_ago = time.time() - 3601
    os.utime(tmp_path / left, (an_hour_ago, an_hour_ago))
    atomic_write(path, b"newer")
    assert names_in(tmp_path) == sorted([*others, "file.txt"])


def test_a_reader_beside_many_writers_never_sees_half_a_file(tmp_path):
    path = atomic_write(tmp_path / "file.bin", b"0" * 200_000)
    threads = [
        threading.Thread(target=lambda n=n: [atomic_write(path, str(n).encode() * 200_000) for _ in range(5)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        content = path.read_bytes()
        seen.add((len(content), len(set(content))))
    assert seen <= {(200_000, 1)}
    assert names_in(tmp_path) == ["file.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs")
def test_only_plain_files_are_written(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (tmp_path / "pipe", tmp_path / "link", Path(os.devnull)):
        with pytest.raises(OSError, match="is a device, a pipe or a socket: give the path of a plain file"):
            atomic_write(path, b"new")
    with pytest.raises(IsADirectoryError, match="is a folder: give the path of a file"):
        atomic_write(tmp_path, b"new")
    assert names_in(tmp_path) == ["link", "pipe"] and Path(os.devnull).is_char_device()


def test_an_input_is_never_written_over_by_whatever_name(tmp_path):
    path = atomic_write(tmp_path / "file.txt", b"old")
    (tmp_path / "link").symlink_to(path)
    for name in (path, tmp_path / "link", tmp_path / "x" / ".." / "file.txt"):
        with pytest.raises(ValueError, match="is what is read: writing there would lose it"):
            atomic_write(name, b"new", inputs=[None, path])
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_name_that_is_taken_meanwhile_is_not_written_over(tmp_path, monkeypatch, links):
    def refused(*paths):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    atomic_write(tmp_path / "file.txt", b"first", replace=False)
    with pytest.raises(FileExistsError, match=r"file.txt' exists, and was not written over"):
        atomic_write(tmp_path / "file.txt", b"second", replace=False)
    assert (tmp_path / "file.txt").read_bytes() == b"first" and names_in(tmp_path) == ["file.txt"]


def test_a_disk_that_knows_no_rights_is_written_all_the_same(tmp_path, monkeypatch):
    def refused(path, *rest, **more):
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "chmod", refused)
    assert atomic_write(tmp_path / "file.txt", b"new").read_bytes() == b"new" and names_in(tmp_path) == ["file.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_a_private_file_stays_private(tmp_path):
    path = atomic_write(tmp_path / "file.txt", b"old")
    path.chmod(0o600)
    assert atomic_write(path, b"new").stat().st_mode & 0o777 == 0o600


def test_an_interruption_leaves_nothing_behind(tmp_path):
    def stopped(temporary: Path) -> None:
        temporary.write_bytes(b"ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "file.txt", stopped)
    assert names_in(tmp_path) == []


def test_a_place_that_cannot_be_is_one_sentence(tmp_path):
    atomic_write(tmp_path / "file", b"old")
    for path in (tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(OSError, match=r"cannot be written \(.*\): choose another place for it"):
            atomic_write(path, b"new")


@needs_letters
def test_letters_of_two_bytes_count_twice(tmp_path):
    assert atomic_write(tmp_path / ("ä" * 100 + ".txt"), b"new").read_bytes() == b"new"


def test_a_name_that_the_systems_encoding_cannot_write_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsencode", lambda path: os.fspath(path).encode("ascii"))
    with pytest.raises(OSError, match=r"\\xe4.* cannot be written \(ordinal not in range\(128\)\): .*UTF-8"):
        atomic_write(tmp_path / "ä.txt", b"new")


def test_a_link_is_written_through(tmp_path):
    atomic_write(tmp_path / "real.txt", b"old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    atomic_write(tmp_path / "link.txt", b"new")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "real.txt").read_bytes() == b"new"


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("LESSONS_CACHE")
    assert cache_dir().name == "lessons_lib" and cache_dir().is_absolute()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("toy_flower", "Did you mean 'toy_flowers'?"),
        ("ToyFlowers", "Did you mean 'toy_flowers'?"),
        ("pets", "Did you mean 'toy_pets'?"),
        ("zzzzzz", ""),
    ],
)
def test_the_nearest_name_is_suggested(name, expected):
    assert nearest(name, ["toy_flowers", "toy_pets", "toy_things_r"]) == expected


def test_several_near_names_are_all_suggested():
    assert nearest("ViT-B-1", ["ViT-B-16", "ViT-B-32", "RN50"]) in (
        "Did you mean 'ViT-B-16' or 'ViT-B-32'?",
        "Did you mean 'ViT-B-32' or 'ViT-B-16'?",
    )


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, lessons_lib; print(sorted({'torch', 'open_clip', 'numpy'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_public_names_are_listed_and_found():
    assert {"load_clip", "load_task", "ZeroShot", "LinearProbe", "image_features"} <= set(dir(lessons_lib))
    from lessons_lib.clip import load_clip

    assert lessons_lib.load_clip is load_clip


def test_an_unknown_name_in_the_package_names_the_nearest():
    with pytest.raises(AttributeError, match="no attribute 'load_clp'. Did you mean 'load_clip'"):
        lessons_lib.load_clp  # noqa: B018


def test_every_module_that_the_package_offers_is_imported_as_its_attribute():
    here = {path.stem for path in Path(lessons_lib.__file__).parent.iterdir() if not path.name.startswith("_")}
    missing = {name for name in here if name not in dir(lessons_lib)}
    assert not missing
    assert lessons_lib.suggest.nearest is nearest


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_others_may_read_what_a_private_writer_wrote(tmp_path):
    def private(temporary):
        temporary.write_bytes(b"x")
        temporary.chmod(0o600)

    mask = os.umask(0o022)
    try:
        assert atomic_write(tmp_path / "file", private).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(mask)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (502, "502 bytes"), (82_792, "82.8 kB"), (94_280_567, "94.3 MB"), (39_077_296_924, "39.1 GB")],
)
def test_sizes_are_said_in_words(count, words):
    assert in_bytes(count) == words
