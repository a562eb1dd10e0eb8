"""The file of a sweep: whole after a kill and on a full disk, read while it is written, written by one at a time."""

import errno
import os
import random
import socket
import sqlite3
import subprocess
import sys
import time
import warnings

import pandas as pd
import pytest
from bench_workers import orders, result
from sound_files import DAMAGES, KINDS

from lessons_lib.runs import Store
from lessons_lib.runs.writer import SILENT

CELL = ["label", "task", "seed"]
ORIGIN = ["n_parameters", "seconds", "peak_mib", "kind", "date", "versions", "machine", "identity"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "bench.sqlite"


@pytest.fixture
def store(path):
    with Store(path) as store:
        yield store


def planned(store: Store, *labels: str, **more) -> list:
    store.claim()
    return store.enter(orders(list(labels), "", **more))


def test_a_run_is_a_row_from_the_start_and_has_its_accuracies_when_it_is_done(store):
    one, two = planned(store, "one", "two")
    assert store.status().state.tolist() == ["waiting", "waiting"] and store.rows().empty
    store.start(one.id, "here")
    assert store.status().state.tolist() == ["running", "waiting"]
    store.finish(one.id, result(50.0, "base", "new"), "here")
    store.start(two.id, "there")
    store.fail(two.id, "ValueError: no", "there", again=False)
    status = store.status()
    assert status.state.tolist() == ["done", "failed"] and status.error.tolist() == [None, "ValueError: no"]
    assert status.attempts.tolist() == [1, 1] and status.host.tolist() == ["here", "there"]
    assert (status.finished >= status.started).all() and str(status.started.dt.tz) == "UTC"
    found = store.rows()
    assert found.columns.tolist() == [*CELL, "on", "accuracy", *ORIGIN]
    assert found.on.tolist() == ["base", "new"] and found.accuracy.tolist() == [50.0, 50.0]
    assert found.identity.tolist() == [status.identity[0]] * 2 and found.peak_mib.isna().all()


def test_empty_tables_have_their_columns(store):
    assert store.rows().columns.tolist() == ["on", *ORIGIN]
    assert store.status().empty and store.plans() == [] and store.writer() is None


def test_what_is_done_is_not_planned_again_but_what_failed_is(store):
    one, two, three = planned(store, "one", "two", "three")
    store.finish(one.id, result(1.0), "here")
    store.fail(two.id, "no", "here", again=False)
    assert [job.id for job in store.enter(orders(["one", "two", "three"], ""))] == [two.id, three.id]
    assert store.status().state.tolist() == ["done", "waiting", "waiting"]


def test_other_settings_are_another_run(store):
    [one] = planned(store, "one")
    store.finish(one.id, result(1.0), "here")
    [other] = store.enter(orders(["one"], "", settings="b"))
    assert other.id != one.id
    store.finish(other.id, result(2.0), "here")
    assert store.rows().accuracy.tolist() == [1.0, 2.0]
    assert store.rows(orders(["one"], "", settings="b")).accuracy.tolist() == [2.0]
    assert len(store.status(orders(["one"], "", settings="c"))) == 0


def test_a_run_that_is_done_twice_is_there_once(store):
    [one] = planned(store, "one")
    store.finish(one.id, result(1.0), "here")
    store.finish(one.id, result(3.0), "here")
    assert store.rows().accuracy.tolist() == [3.0]


def test_others_read_while_one_writes(store, path):
    one, two = planned(store, "one", "two")
    with Store(path, read_only=True) as reader:
        assert reader.rows().empty
        store.finish(one.id, result(1.0), "here")
        assert len(reader.rows()) == 1 and reader.writer() == f"process {os.getpid()} on {socket.gethostname()}"
        with pytest.raises(RuntimeError, match="read only"):
            reader.claim()
    script = f"from lessons_lib.runs import Store; print(len(Store({str(path)!r}, read_only=True).rows()))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == "1\n"


def test_the_sweeps_that_were_run_are_kept(store):
    planned(store, "one")
    store.enter(orders(["two"], ""))
    assert [spec["labels"] for spec in store.plans()] == [["one"], ["two"]]


# --- one writer


def test_a_second_sweep_is_told_who_is_writing_and_nothing_is_lost(store, path):
    [one] = planned(store, "one")
    with Store(path) as second, pytest.raises(RuntimeError, match=f"process {os.getpid()} on {socket.gethostname()}"):
        second.claim()
    store.finish(one.id, result(1.0), "here")
    store.release()
    with Store(path) as second:
        second.claim()
        assert len(second.rows()) == 1


def test_the_claim_of_a_process_that_died_is_taken_over_and_what_it_was_at_waits(path):
    script = (
        "import os, sys; from bench_workers import orders; from lessons_lib.runs import Store\n"
        f"store = Store({str(path)!r}); store.claim(); [one] = store.enter(orders(['one'], ''))\n"
        "store.start(one.id, 'there'); os._exit(1)"
    )
    folder = os.path.dirname(os.path.dirname(__file__))
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": folder}, cwd=os.getcwd())
    assert done.returncode == 1
    with Store(path, read_only=True) as reader:
        assert reader.writer() is None and reader.status().state.tolist() == ["waiting"]
    with Store(path) as store:
        store.claim()
        assert [job.cell.label for job in store.enter(orders(["one"], ""))] == ["one"]


def test_a_claim_that_a_full_disk_kept_from_being_given_back_is_taken_over_by_the_same_process(store, path):
    store.claim()
    store.file.execute("PRAGMA query_only = 1")  # nothing can be written any more
    with pytest.raises(OSError, match="cannot be opened or written"):
        store.release()
    with Store(path) as second:
        second.claim()
        assert second.writer() is not None


def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it(store, path):
    store.claim()
    with sqlite3.connect(path) as file:
        file.execute("UPDATE writer SET born = born - 1000, pid = ?", (os.getppid(),))
    with Store(path) as second:
        second.claim()
        assert second.writer() is not None


def test_a_writer_on_another_host_counts_as_dead_when_it_was_silent_for_long(store, path):
    [one] = planned(store, "one")
    with sqlite3.connect(path) as file:
        file.execute("UPDATE writer SET host = 'elsewhere'")
    with Store(path) as second:
        with pytest.raises(RuntimeError, match="on elsewhere"):
            second.claim()
        with sqlite3.connect(path) as file:
            file.execute("UPDATE writer SET seen = ?", (time.time() - SILENT - 1,))
        second.claim()
        with pytest.raises(RuntimeError, match="taken over by another sweep"):
            store.finish(one.id, result(1.0), "here")
        with pytest.raises(RuntimeError, match="taken over"):
            store.beat()
        store.release()
        assert second.rows().empty and second.writer() is not None


def test_a_sign_of_life_keeps_the_claim(store, path):
    store.claim()
    with sqlite3.connect(path) as file:
        file.execute("UPDATE writer SET host = 'elsewhere', seen = 0")
    store.beat()
    with Store(path) as second, pytest.raises(RuntimeError, match="on elsewhere"):
        second.claim()


# --- bad files, full disks


def test_a_full_disk_is_named_and_the_file_is_as_before(store, path):
    one, two = planned(store, "one", "two")
    store.finish(one.id, result(1.0), "here")
    pages = store.file.execute("PRAGMA page_count").fetchone()[0]
    store.file.execute(f"PRAGMA max_page_count = {pages}")  # no page more: as SQLite finds it on a full disk
    with pytest.raises(OSError, match=r"the disk is full: .*bench\.sqlite") as caught:
        store.finish(two.id, result(2.0, *(f"a task with a long name, number {i}" for i in range(500))), "here")
    assert caught.value.errno == errno.ENOSPC
    assert store.rows().accuracy.tolist() == [1.0] and store.status().state.tolist() == ["done", "waiting"]
    store.file.execute("PRAGMA max_page_count = 1000000")
    store.finish(two.id, result(2.0), "here")
    assert store.rows().accuracy.tolist() == [1.0, 2.0]


def test_a_file_of_before_runs_were_known_by_content_is_refused_with_what_to_do(path):
    Store(path).close()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 1")
    for read_only in (False, True):
        with pytest.raises(ValueError, match="is of version 1, .* give another path and run the sweep again"):
            Store(path, read_only=read_only)


@pytest.mark.parametrize("damage", ["text", "cut short", "another program's", "of a later version"])
def test_a_file_of_something_else_is_refused_and_left_alone(path, damage):
    Store(path).close()
    if damage == "text":
        path.write_text("protocol,method\n" * 100)
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "another program's":
        path.unlink()
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE job (id INTEGER)")
    else:
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(ValueError, match=r"bench\.sqlite' is (damaged|not a file of runs|of version 99)"):
            Store(path, read_only=read_only).rows()
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="no runs at"):
        Store(tmp_path / "none.sqlite", read_only=True)
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(ValueError, match="is a folder"):
        Store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be made"):
        Store(tmp_path / "file" / "bench.sqlite")


def test_a_file_of_which_the_folder_cannot_be_written_can_be_read(store, path):
    [one] = planned(store, "one")
    store.finish(one.id, result(1.0), "here")
    store.close()
    path.parent.chmod(0o555)
    try:
        with Store(path, read_only=True) as reader:
            assert isinstance(reader.rows(), pd.DataFrame) and len(reader.rows()) == 1
    finally:
        path.parent.chmod(0o755)


# --- damage, and a start that was stopped


def finished(store) -> list:
    jobs = planned(store, "one", "two")
    for job, value in zip(jobs, (50.0, 60.0)):
        store.finish(job.id, result(value, "base", "new"), "here")
    return jobs


def test_a_part_that_stands_twice_never_makes_runs_vanish_in_silence(tmp_path):
    """SQLite reads pages that moved as they come: a table may then seem empty."""
    kind = KINDS["a sweep's runs"]
    path = tmp_path / kind.name
    kind.make(path)
    sound, said, seen = path.read_bytes(), repr(kind.read(path)), 0
    for number in range(50):
        path.write_bytes(DAMAGES["a doubled part"](sound, random.Random(number), []))
        try:
            assert repr(kind.read(path)) == said, number
        except kind.errors:
            seen += 1
    assert seen > 10


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE result SET value = 51 WHERE job = 1 AND place = 0",
        "UPDATE result SET value = NULL WHERE job = 1 AND place = 0",
        "UPDATE result SET metric = 'mIoU' WHERE job = 1",
        "DELETE FROM result WHERE job = 1 AND place = 1",
        "UPDATE job SET n_parameters = 99 WHERE id = 1",
        "UPDATE job SET seconds = 'soon' WHERE id = 1",
        "UPDATE job SET versions = '[1]' WHERE id = 1",
        "UPDATE job SET content = replace(content, 'one', 'ome') WHERE id = 1",
        "UPDATE job SET identity = 'f' || substr(identity, 2) WHERE id = 1",
        "UPDATE job SET digest = 'f' || digest WHERE id = 1",
        """UPDATE asked SET columns = replace(columns, '"one"', '"ome"') WHERE job = 1""",
    ],
)
def test_a_damaged_run_counts_as_not_done_and_is_measured_again(store, path, damage):
    finished(store)
    store.release()
    with sqlite3.connect(path) as file:
        assert file.execute(damage).rowcount
    with Store(path) as store:
        with pytest.warns(UserWarning, match=r"1 of the runs in '.*sqlite' are damaged.* run the same sweep again"):
            assert store.rows().label.unique().tolist() == ["two"]
        store.claim()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for job in store.enter(orders(["one", "two"], "")):
                store.finish(job.id, result(50.0, "base", "new"), "here")
    with Store(path, read_only=True) as store, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.rows().accuracy.tolist() == [50.0, 50.0, 60.0, 60.0]


def test_runs_without_a_digest_are_read_and_new_ones_get_one(store, path):
    finished(store)
    store.close()
    with sqlite3.connect(path) as file:
        file.execute("ALTER TABLE job DROP COLUMN digest")
        file.execute("ALTER TABLE asked DROP COLUMN digest")
    with Store(path, read_only=True) as store:
        assert store.rows().accuracy.tolist() == [50.0, 50.0, 60.0, 60.0]
    with Store(path) as store:
        assert len(store.rows()) == 4
        [three] = planned(store, "three")
        store.finish(three.id, result(70.0, "base"), "here")
        assert [bool(job["digest"]) for job in store._jobs().values()] == [False, False, True]


@pytest.mark.parametrize("left", ["an empty file", "a file without tables"])
def test_a_sweep_that_was_stopped_while_it_made_its_file_goes_on(path, left):
    path.parent.mkdir()
    path.write_bytes(b"")
    if left == "a file without tables":
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(ValueError, match=r"bench.sqlite' has no runs yet: the sweep that made it was stopped"):
        Store(path, read_only=True)
    with Store(path) as store:
        assert len(finished(store)) == 2 and len(store.rows()) == 4


def test_another_programs_file_without_tables_is_left_alone(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA application_id = 77")
    with pytest.raises(ValueError, match="is not a file of runs, but of another program"):
        Store(path)
