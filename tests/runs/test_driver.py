"""A plan on local processes: everything once, whatever crashes, is killed, or is stopped in the middle."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest
from bench_workers import Dying, Stubborn, Tidy, Unwilling, alive, orders, ran, until

from lessons_lib.runs import Place, Plan, Store, Summary, driver, local, run
from lessons_lib.runs.engine import Job
from lessons_lib.runs.local import how_it_ended

TESTS = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bench.sqlite"


def sweep(path: Path, plan: Plan, **more) -> tuple[Summary, Store]:
    more = {"processes": 2, "progress": False, **more}
    with Store(path) as store:
        return run(plan, store, **more), Store(path, read_only=True)


def test_every_run_is_done_once_by_processes_that_each_start_once_and_a_second_time_nothing(path, folder):
    plan = orders(["a", "b", "c"], str(folder), seeds=(1, 2, 3))
    summary, store = sweep(path, plan)
    assert summary == (0, 9, 0)
    assert ran(folder) == sorted(f"{label} {seed}" for label in "abc" for seed in (1, 2, 3))
    assert len(list(folder.glob("process *"))) == 2
    rows = store.rows()
    assert Counter(zip(rows.label, rows.seed)) == Counter((cell.label, cell.seed) for cell in plan.cells)
    assert (rows.accuracy == 10 + rows.seed).all()
    assert set(store.status().state) == {"done"} and set(store.status().attempts) == {1}
    assert sweep(path, plan)[0] == (9, 0, 0) and len(ran(folder)) == 9


def test_a_sweep_that_grew_runs_only_what_is_new(path, folder):
    sweep(path, orders(["a"], str(folder), seeds=(1,)))
    assert sweep(path, orders(["a", "b"], str(folder), seeds=(1, 2)))[0] == (1, 3, 0)
    assert ran(folder) == ["a 1", "a 2", "b 1", "b 2"]


@pytest.mark.parametrize("how", ["raises", "killed"])
def test_what_crashes_once_is_tried_again(path, folder, how):
    label = f"{how} once"
    summary, store = sweep(path, orders(["a", label], str(folder)))
    assert summary == (0, 2, 0) and ran(folder) == ["a 1", f"{label} 1", f"{label} 1"]
    assert store.status().attempts.tolist() == [1, 2] and store.status().error.tolist() == [None, None]
    assert len(store.rows()) == 2


def test_what_always_crashes_is_reported_and_the_sweep_goes_on(path, folder, capsys):
    summary, store = sweep(path, orders(["raises", "killed", "exits", "a"], str(folder)), retries=1, progress=True)
    assert summary == (0, 1, 3)
    status = store.status().set_index("label")
    assert status.state.to_dict() == {"raises": "failed", "killed": "failed", "exits": "failed", "a": "done"}
    assert status.attempts.to_dict() == {"raises": 2, "killed": 2, "exits": 2, "a": 1}
    assert status.error["raises"] == "ValueError: it was too much"
    assert "killed by SIGKILL" in status.error["killed"] and "exit code 7" in status.error["exits"]
    assert store.rows().label.tolist() == ["a"]
    assert "failed: label raises, task task, seed 1: ValueError: it was too much" in "".join(capsys.readouterr())


def test_an_error_that_cannot_change_is_not_tried_again(path, folder):
    summary, store = sweep(path, orders(["raises", "a"], str(folder), kind=Stubborn), retries=3)
    status = store.status().set_index("label")
    assert summary == (0, 1, 1) and status.attempts.to_dict() == {"raises": 1, "a": 1}
    assert sweep(path, orders(["raises"], str(folder), kind=Stubborn), retries=3)[0] == (0, 0, 1)
    assert store.status().set_index("label").attempts["raises"] == 2, "the next sweep tries it, once"


def test_failed_runs_are_tried_anew_by_the_next_sweep(path, folder):
    plan = orders(["raises once"], str(folder))
    assert sweep(path, plan, retries=0)[0] == (0, 0, 1)
    summary, store = sweep(path, plan, retries=0)
    assert summary == (0, 1, 0) and store.status().attempts.tolist() == [2]


@pytest.mark.parametrize("kind, said", [(Unwilling, "unknown model 'none'"), (Dying, "exit code 3.*__main__")])
def test_where_no_process_can_start_the_sweep_says_so_and_stops(path, folder, kind, said):
    with Store(path) as store:
        with pytest.raises(RuntimeError, match=said):
            run(orders(["a", "b"], str(folder), kind=kind), store, processes=1, progress=False)
        assert store.writer() is None and store.status().state.tolist() == ["waiting", "waiting"]


def test_two_runs_that_share_something_do_not_start_together():
    jobs = [Job(i, None, shares) for i, shares in enumerate(["one", "one", "two", "two"])]
    first = driver._next(jobs, {}, set())
    second = driver._next(jobs, {first.id: first}, set())
    assert (first.shares, second.shares) == ("one", "two")
    assert driver._next(jobs, {first.id: first, second.id: second}, set()).shares == "one", "rather than none"
    assert [job.shares for job in jobs] == ["two"]


def test_runs_that_share_nothing_or_what_is_there_do_not_wait_for_each_other():
    nothing = [Job(0, None), Job(1, None)]
    assert driver._next(nothing, {9: Job(9, None)}, set()).id == 0
    assert driver._next([Job(0, None, "one"), Job(1, None, "two")], {9: Job(9, None, "one")}, {"one"}).id == 0


def test_wrong_arguments_are_errors_before_anything_is_written(path, folder):
    for wrong in ({"engine": "lokal"}, {"retries": -1}, {"processes": 0}):
        with pytest.raises(ValueError, match="'local'|at least"):
            sweep(path, orders(["a"], str(folder)), **wrong)
    with Store(path) as store:
        assert store.status().empty


@pytest.mark.parametrize("kind", ["before it is ready", "while it waits"])
def test_a_process_whose_sweep_was_killed_ends_without_a_word(tmp_path, monkeypatch, kind):
    """Else a traceback of its pipe is the last that the user sees."""
    monkeypatch.setattr(local.signal, "signal", lambda *_: None)
    monkeypatch.setattr(local, "_end_with_parent", lambda: None)
    here, there = multiprocessing.Pipe()
    if kind == "while it waits":
        send = here.send

        def sent_and_never_read(connection, what):
            send(what)
            there.close()

        monkeypatch.setattr(type(here), "send", sent_and_never_read)
    else:
        there.close()
    assert local._serve(here, orders(["a"], str(tmp_path)).work, Place("cpu", 1)) is None


def test_a_process_in_the_middle_of_a_run_is_let_tidy_up(folder):
    plan = orders(["holds"], str(folder), kind=Tidy)
    engine = local.Local(plan.work, runs=1, processes=1)
    engine.submit(Job(0, plan.cells[0]))
    until(lambda: ran(folder))
    engine.slots[0].leave()
    until((folder / "tidying up").exists)
    engine.close()
    assert (folder / "tidied up").exists()


def test_how_a_process_ended_is_said_in_words():
    assert how_it_ended(-signal.SIGKILL) == "was killed by SIGKILL, for want of memory perhaps"
    assert how_it_ended(-signal.SIGSEGV) == "was killed by SIGSEGV" and how_it_ended(1) == "ended with exit code 1"


# --- stopped in the middle


def start(path: Path, folder: Path, seconds: float) -> subprocess.Popen:
    """A sweep of eight runs in a process of its own, two at a time."""
    command = [sys.executable, TESTS / "bench_workers.py", path, folder, str(seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    return subprocess.Popen(list(map(str, command)), env=environment, stdout=-1, stderr=-1, text=True)


def states(path: Path) -> Counter:
    if not path.exists():
        return Counter()
    try:
        with Store(path, read_only=True) as store:
            return Counter(store.status().state)
    except ValueError:  # it is just being made
        return Counter()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_that_is_stopped_keeps_what_is_done_leaves_no_process_and_goes_on(path, folder, number):
    started = start(path, folder, 0.4)
    try:
        until(lambda: states(path)["done"] >= 2)
        workers = [child.pid for child in psutil.Process(started.pid).children(recursive=True)]
        started.send_signal(number)
        started.wait(60)
    finally:
        started.kill()
    assert started.returncode in (-number, 128 + number)
    if number != signal.SIGKILL:
        said = started.stderr.read()
        assert "stopped: " in said and "leaked" not in said
    until(lambda: not any(map(alive, workers)))
    done = states(path)["done"]
    assert 2 <= done < 8 and states(path)["waiting"] == 8 - done
    with Store(path, read_only=True) as store:
        assert len(store.rows()) == done
    (folder / "go on").touch()
    output, _ = start(path, folder, 0.4).communicate(timeout=120)
    assert json.loads(output) == {"skipped": done, "done": 8 - done, "failed": 0}
    with Store(path, read_only=True) as store:
        assert sorted(store.rows().seed) == list(range(8))


def test_a_second_sweep_on_the_same_file_is_refused_while_the_first_goes_on(path, folder):
    first = start(path, folder, 0.3)
    try:
        until(lambda: states(path)["done"] >= 1)
        with Store(path) as store, pytest.raises(RuntimeError, match=f"another sweep, process {first.pid} on"):
            run(orders(["a"], str(folder)), store, progress=False)
        output, errors = first.communicate(timeout=120)
    finally:
        first.kill()
    assert json.loads(output) == {"skipped": 0, "done": 8, "failed": 0}, errors
    assert states(path) == {"done": 8}
