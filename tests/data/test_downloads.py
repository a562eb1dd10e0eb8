"""Downloads are whole or not at all: resumed, checked, and clear about what went wrong."""

import errno
import hashlib
import random
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from local_server import Files

from lessons_lib.data import downloads
from lessons_lib.data.downloads import difference, download

CONTENT = random.Random(1).randbytes(300_000)
SHA = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
HALF = CONTENT[:120_000]
HELLO = b"hello\n"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloads, "CHUNK", 40_000)
    files = Files()
    files.files["set.zip"] = CONTENT
    yield files
    files.close()


@pytest.fixture
def fetch(server, tmp_path):
    """Downloads set.zip quietly; `said` collects what it says."""
    said = []

    def fetch(path="set.zip", **options):
        options = {"size": len(CONTENT), "digest": SHA, "progress": False, "say": said.append} | options
        return download(server.url(path), tmp_path / "data" / "set.zip", **options)

    fetch.said, fetch.part = said, tmp_path / "data" / "set.zip.part"
    return fetch


def left_beside(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def test_a_file_arrives_whole_and_nothing_is_left_beside_it(fetch, server):
    path = fetch()
    assert path.read_bytes() == CONTENT and left_beside(path) == ["set.zip"]
    [said] = fetch.said
    assert "set.zip (300.0 kB)" in said and server.url("set.zip") in said and f"into '{path.parent}'" in said


def test_what_is_there_is_checked_and_not_downloaded_again(fetch, server):
    path = fetch()
    server.asked.clear()
    assert fetch() == path and server.asked == []


def test_what_is_there_and_is_something_else_is_refused_and_kept(fetch, server):
    path = fetch()
    path.write_bytes(HALF)
    with pytest.raises(ValueError, match=r"is not the published file: it has 120,000 bytes instead of 300,000"):
        fetch()
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(ValueError, match=r"its checksum \(sha256\) is not"):
        fetch()
    assert path.read_bytes() == CONTENT[:-1] + b"?"


def test_a_broken_line_is_taken_up_where_it_broke(fetch, server):
    server.cut["set.zip"] = [100_000, 250_000]
    assert fetch().read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-", "bytes=250000-"]
    assert "going on at 100.0 kB" in fetch.said[1]


def test_a_later_run_goes_on_with_what_an_earlier_one_kept(fetch, server):
    server.cut["set.zip"] = [100_000, 100_000]  # the second time, nothing more arrives
    with pytest.raises(ConnectionError, match=r"broke off at 100.0 kB of 300.0 kB\). 100.0 kB are kept in"):
        fetch()
    server.asked.clear()
    assert fetch().read_bytes() == CONTENT and server.asked == [("set.zip", "bytes=100000-")]


def test_a_file_that_changed_meanwhile_starts_over(fetch, server):
    other = CONTENT[::-1]
    server.cut["set.zip"] = [100_000, 100_000]
    with pytest.raises(ConnectionError):
        fetch(digest="")
    server.files["set.zip"], server.versions["set.zip"] = other, '"two"'
    assert fetch(digest="").read_bytes() == other  # not half of one and half of the other


def test_a_part_that_is_already_whole_is_only_checked(fetch, server):
    server.cut["set.zip"] = [100_000, 100_000]
    with pytest.raises(ConnectionError):
        fetch()
    fetch.part.write_bytes(CONTENT)
    assert fetch().read_bytes() == CONTENT


def test_a_part_of_unknown_origin_is_not_gone_on_with(fetch, server):
    fetch.part.parent.mkdir()
    fetch.part.write_bytes(b"something else")
    assert fetch().read_bytes() == CONTENT and server.asked == [("set.zip", None)]


def test_an_altered_file_is_removed_and_never_gets_the_name(fetch, server):
    server.files["set.zip"] = CONTENT[:-1] + b"?"
    with pytest.raises(ValueError, match=r"is not the published set.zip: its checksum .* It was removed"):
        fetch()
    assert list(fetch.part.parent.iterdir()) == []
    server.files["set.zip"] = CONTENT
    assert fetch().read_bytes() == CONTENT


def test_a_file_of_another_size_is_not_even_started(fetch, server):
    server.files["set.zip"] = HALF
    with pytest.raises(ValueError, match="offers 120,000 bytes, and 300,000 were published"):
        fetch()
    assert fetch.said == [] and not fetch.part.exists()


def test_a_web_page_in_place_of_the_file_is_recognised(fetch, server):
    server.pages.add("set.zip")
    with pytest.raises(ConnectionError, match="answers with a web page.*\nsave it yourself"):
        fetch(by_hand="save it yourself")


def test_an_address_that_is_gone_says_so_with_the_manual_steps(fetch):
    with pytest.raises(ConnectionError, match=r"HTTPError.*Not Found(.|\n)*save it yourself"):
        fetch("gone.zip", by_hand="save it yourself")


def test_without_a_network_the_manual_steps_are_said(tmp_path):
    with pytest.raises(ConnectionError, match=r"a.zip cannot be fetched from https://example(.|\n)*save it yourself"):
        download("https://example.invalid/a.zip", tmp_path / "a.zip", by_hand="save it yourself", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_other_addresses_than_the_webs_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a web address"):
        download("file:///etc/passwd", tmp_path / "passwd")


def test_a_disk_that_is_too_small_is_noticed_before_the_start(fetch, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=400_000))
    with pytest.raises(OSError, match=r"is full: set.zip needs 500.0 kB, and nothing was downloaded yet") as error:
        fetch(room=200_000)
    assert error.value.errno == errno.ENOSPC and fetch.said == []
    assert fetch(room=50_000).exists()


def test_a_disk_that_fills_up_keeps_what_arrived(fetch, server, monkeypatch):
    write = downloads._write

    def fills_up(file, chunk):
        if file.tell() >= 120_000:
            file = SimpleNamespace(name=file.name, write=lambda _: _raise(OSError(errno.ENOSPC, "no space")))
        write(file, chunk)

    monkeypatch.setattr(downloads, "_write", fills_up)
    with pytest.raises(OSError, match="is full: what arrived of set.zip is kept") as error:
        fetch()
    assert error.value.errno == errno.ENOSPC
    monkeypatch.setattr(downloads, "_write", write)
    server.asked.clear()
    assert fetch().read_bytes() == CONTENT and server.asked == [("set.zip", "bytes=120000-")]


def _raise(error):
    raise error


def test_every_kind_of_checksum_tells_a_file_from_another(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(HELLO)
    right = [
        "git:ce013625030ba8dba906f756967f9e9ca394464a",  # what `git hash-object` gives for these six bytes
        f"md5:{hashlib.md5(HELLO).hexdigest()}",
        f"sha256:{hashlib.sha256(HELLO).hexdigest()}",
    ]
    assert [difference(path, digest=digest) for digest in right] == ["", "", ""]
    path.write_bytes(b"hellO\n")
    assert all("its checksum" in difference(path, digest=digest) for digest in right)


def test_two_downloads_of_one_file_never_mix(server, tmp_path):
    code = (
        "import sys; from lessons_lib.data import downloads as d; d.CHUNK = 4_000; real = d._write\n"
        "import time; d._write = lambda file, chunk: (time.sleep(0.01), real(file, chunk))\n"
        "d.download(sys.argv[1], sys.argv[2], progress=False)"
    )
    path = tmp_path / "data" / "set.zip"
    command = [sys.executable, "-c", code, server.url("set.zip"), path]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = "".join(one.communicate()[0] for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert path.read_bytes() == CONTENT and left_beside(path) == ["set.zip"]
    assert said.count("Downloading set.zip") == 1 and len(server.asked) == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(fetch, monkeypatch):
    def refused(path, *rest, **more):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.mkdir", refused)
    with pytest.raises(PermissionError, match="no permission to write in .*: choose another folder for 'set.zip'"):
        fetch()
