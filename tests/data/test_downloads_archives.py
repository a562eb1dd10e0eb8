"""Archives are unpacked whole or not at all, and nothing leaves the folder."""

import errno
import io
import os
import stat
import tarfile
import zipfile

import pytest

from lessons_lib.data import archives
from lessons_lib.data.archives import extract

FILES = {"set/2750/River/1.jpg": b"one", "set/2750/River/2.jpg": b"two" * 100, "set/readme.txt": b"hello"}
KINDS = ["a.zip", "a.tar", "a.tar.gz", "a.tgz"]


def pack(path, files, links=()):
    """An archive of `files`; `links` are (name, target) symbolic links."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in files.items():
                package.writestr(name, content)
            for name, target in links:
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                package.writestr(info, target)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as package:
        for name, target in links:  # first, so that a file could be written through one
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            package.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    return path


def unpack(archive, into, **options):
    return extract(archive, into, **{"limit": 10_000, "progress": False} | options)


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture(params=KINDS)
def archive(request, tmp_path):
    """A path for an archive of every kind."""
    return tmp_path / request.param


def test_an_archive_is_unpacked_and_what_is_there_stays(archive, tmp_path):
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "mine.txt").write_text("mine")
    (tmp_path / "data" / "set" / "readme.txt").write_text("an old one")
    assert unpack(pack(archive, FILES), tmp_path / "data") == 3
    assert everything(tmp_path / "data") == sorted([*FILES, "set/mine.txt"])
    assert (tmp_path / "data" / "set" / "readme.txt").read_bytes() == b"hello"


def test_a_part_of_an_archive_goes_to_another_folder(archive, tmp_path):
    assert unpack(pack(archive, FILES), tmp_path / "data", prefix="set/2750/", under="images") == 2
    assert everything(tmp_path / "data") == ["images/River/1.jpg", "images/River/2.jpg"]


def test_an_archive_of_something_else_is_refused(archive, tmp_path):
    with pytest.raises(ValueError, match="holds no files below 'sketch/': it is not the published archive"):
        unpack(pack(archive, FILES), tmp_path / "data", prefix="sketch/")


@pytest.mark.parametrize("name", ["../out.txt", "set/../../out.txt", "/out.txt", "C:/out.txt", "set\\..\\..\\out.txt"])
def test_no_path_leaves_the_folder(archive, tmp_path, name):
    pack(archive, {**FILES, name: b"evil"})
    with pytest.raises(ValueError, match="leads out of the folder .*Nothing was unpacked"):
        unpack(archive, tmp_path / "data" / "set")
    assert everything(tmp_path) == [archive.name]


def test_links_are_neither_made_nor_followed(archive, tmp_path):
    (tmp_path / "secret").mkdir()
    links = [("set/link", str(tmp_path / "secret")), ("set/file", "/etc/passwd")]
    pack(archive, {**FILES, **({} if archive.suffix == ".zip" else {"set/link/planted.txt": b"evil"})}, links)
    with pytest.warns(UserWarning, match="2 links or devices, such as 'set/link'"):
        unpack(archive, tmp_path / "data")
    assert not any(path.is_symlink() for path in (tmp_path / "data").rglob("*"))
    assert list((tmp_path / "secret").iterdir()) == [] and not (tmp_path / "data" / "set" / "file").exists()


def test_hard_links_and_pipes_are_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as package:
        for name, kind in (("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            package.addfile(info)
        info = tarfile.TarInfo("file")
        package.addfile(info, io.BytesIO())
    with pytest.warns(UserWarning, match="2 links or devices"):
        unpack(tmp_path / "a.tar", tmp_path / "data")
    assert everything(tmp_path / "data") == ["file"]


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_an_archive_cut_short_changes_nothing(archive, tmp_path, kept):
    pack(archive, {f"set/{number}": os.urandom(20_000) for number in range(4)})
    archive.write_bytes(archive.read_bytes()[: int(kept * 80_000)])
    with pytest.raises(ValueError, match="is cut short or damaged .*Nothing was unpacked: remove it and fetch"):
        unpack(archive, tmp_path / "data", limit=10**6)
    assert everything(tmp_path) == [archive.name]


def test_an_archive_whose_entries_lie_before_its_beginning_changes_nothing(tmp_path):
    with zipfile.ZipFile(path := tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "content")
    content = bytearray(path.read_bytes())
    content[-6:-2] = (int.from_bytes(content[-6:-2], "little") + 500).to_bytes(4, "little")  # where its list begins
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a.zip' is cut short or damaged .*fetch it again"):
        unpack(path, tmp_path / "into", limit=10**6)
    assert everything(tmp_path / "into") == []


def test_an_altered_archive_changes_nothing(tmp_path):
    for archive in (tmp_path / "a.zip", tmp_path / "a.tar.gz"):
        content = bytearray(pack(archive, {f"set/{number}": os.urandom(20_000) for number in range(4)}).read_bytes())
        content[30_000] ^= 1
        archive.write_bytes(content)
        with pytest.raises(ValueError, match="is cut short or damaged"):
            unpack(archive, tmp_path / "data", limit=10**6)
        assert everything(tmp_path / "data") == []


def test_an_archive_that_swells_is_stopped(archive, tmp_path):
    pack(archive, {"bomb": bytes(5_000_000)})
    with pytest.raises(ValueError, match="unpacks to more than 1.0 MB: it is not the published archive"):
        unpack(archive, tmp_path / "data", limit=10**6)
    assert everything(tmp_path / "data") == []


def test_a_name_that_is_both_file_and_folder_is_refused(archive, tmp_path):
    pack(archive, {"a": b"file", "a/b": b"below it"})
    with pytest.raises(ValueError, match="a/b is both a file and a folder"):
        unpack(archive, tmp_path / "data")


def test_a_full_disk_changes_nothing_and_says_so(archive, tmp_path, monkeypatch):
    pack(archive, FILES)
    real_open = open

    def opens(path, mode="r", *args, **kwargs):
        if "2.jpg" in str(path) and "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_open(path, mode, *args, **kwargs)

    monkeypatch.setattr(archives, "open", opens, raising=False)
    with pytest.raises(OSError, match=r"is full: .* was not unpacked, and nothing was changed") as error:
        unpack(archive, tmp_path / "data")
    assert error.value.errno == errno.ENOSPC and list((tmp_path / "data").iterdir()) == []


def test_what_macos_adds_is_left_out(archive, tmp_path):
    pack(archive, {"set/1.jpg": b"one", "__MACOSX/set/._1.jpg": b"", "set/._1.jpg": b"", "set/.DS_Store": b""})
    assert unpack(archive, tmp_path / "data") == 1 and everything(tmp_path / "data") == ["set/1.jpg"]


def test_folders_left_by_a_killed_run_are_cleared_and_young_ones_stay(tmp_path):
    old, young = tmp_path / "data" / ".unpacking-old", tmp_path / "data" / ".unpacking-young"
    old.mkdir(parents=True), young.mkdir()
    os.utime(old, (0, 0))
    unpack(pack(tmp_path / "a.zip", FILES), tmp_path / "data")
    assert not old.exists() and young.exists()


def test_another_kind_of_file_is_named(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ValueError, match="a.rar' is not a .zip, .tar, .tar.gz or .tgz"):
        unpack(tmp_path / "a.rar", tmp_path / "data")
