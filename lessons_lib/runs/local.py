"""Runs on this machine: processes that each prepare once. One that dies is replaced, and its run has crashed."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait

from lessons_lib.runs.engine import DONE, FAILED, READY, STARTS, UNUSABLE, Job, Outcome, in_a_line
from lessons_lib.runs.work import Place, Work, Worker
from lessons_lib.threads import cores, of_each

GRACE = 5.0  # seconds to end in, before a process is killed


class Local:
    """An engine of `processes` processes (None: a core each, or a GPU each), and no more than there are runs.

    They share the cores: one thread each, more where there are fewer runs than cores.
    """

    def __init__(self, work: Work, runs: int, processes: int | None):
        devices = _devices(work.device)
        work.prepare({devices[0].partition(":")[0]})
        count = min(runs, processes or (cores() if devices[0] == "cpu" else len(devices)))
        threads = of_each(count)
        self.work, self.places = work, [Place(devices[i % len(devices)], threads) for i in range(count)]
        self.slots: list[_Process | None] = [None] * count
        self.host, self.died = socket.gethostname(), 0

    def room(self) -> int:
        return sum(slot is None or slot.job is None for slot in self.slots)

    def submit(self, job: Job) -> str:
        at = next(i for i, slot in enumerate(self.slots) if slot is None or slot.job is None)
        if self.slots[at] is None or not self.slots[at].process.is_alive():
            self.slots[at] = _Process(self.work, self.places[at])
        self.slots[at].give(job)
        return self.host

    def wait(self, seconds: float) -> list[Outcome]:
        busy = {slot.pipe: at for at, slot in enumerate(self.slots) if slot is not None and slot.job is not None}
        outcomes = [self._heard(busy[pipe]) for pipe in wait(list(busy), seconds)]
        return [outcome for outcome in outcomes if outcome is not None]

    def _heard(self, at: int) -> Outcome | None:
        slot = self.slots[at]
        try:
            what, content = slot.pipe.recv()
        except (EOFError, ConnectionError):
            return self._buried(at)
        if what == READY:
            slot.ready, self.died = True, 0
            return None
        if what == UNUSABLE:
            raise RuntimeError(f"no run could be started: {content}")
        job, slot.job = slot.job, None
        if what == DONE:
            return Outcome(job, self.host, content)
        said, may_pass = content
        if "CUDA" in said:  # nothing works any more in a process after some of its errors
            self._end(at)
        return Outcome(job, self.host, error=said, final=not may_pass)

    def _buried(self, at: int) -> Outcome:
        slot = self.slots[at]
        self._end(at)
        error = f"its process {how_it_ended(slot.process.exitcode)}"
        self.died += not slot.ready
        if self.died >= STARTS:
            raise RuntimeError(
                f"no process could be started: {self.died} in a row ended before they were ready, the last "
                f"{how_it_ended(slot.process.exitcode)}. In a script, call run() under: if __name__ == '__main__':"
            )
        return Outcome(slot.job, self.host, error=error, lost=not slot.ready)

    def _end(self, at: int) -> None:
        self.slots[at].end()
        self.slots[at] = None

    def close(self) -> None:
        for slot in self.slots:
            if slot is not None:
                slot.leave()  # all at once, and then each
        for slot in self.slots:
            if slot is not None:
                slot.end()


class _Process:
    """One process, and the run that it is at. It does not outlive this one."""

    def __init__(self, work: Work, place: Place):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.job: Job | None = None
        self.ready = False
        self.process = context.Process(target=_serve, args=(theirs, work, place))
        with _no_interrupts():
            self.process.start()
        theirs.close()

    def give(self, job: Job) -> None:
        self.job = job
        try:
            self.pipe.send(job.cell)
        except ConnectionError:
            pass  # it has just died, which `wait` is about to find

    def leave(self) -> None:
        """One that has no run ends by itself, and tidies up; else it may be in the middle of anything, since what is
        not written whole is not kept."""
        if self.ready and self.job is None:
            self.pipe.close()
        else:
            self.process.terminate()

    def end(self) -> None:
        self.leave()
        self.process.join(GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()


def _serve(pipe: Connection, work: Work, place: Place) -> None:
    """What the process does: run after run, until there is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which ends its processes itself
    signal.signal(signal.SIGTERM, _tidy_up_and_end)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, ConnectionError):  # nothing more to do, or nobody left to tell: the sweep was killed
        _answer(pipe, work, place)


def _tidy_up_and_end(*_) -> None:
    """Which a process that is killed does not. A second SIGTERM must not break in on it: a semaphore would leak."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def _answer(pipe: Connection, work: Work, place: Place) -> None:
    try:
        worker = Worker(work, place)
    except Exception as error:
        pipe.send((UNUSABLE, in_a_line(error)))
        return
    pipe.send((READY, None))
    while True:
        cell = pipe.recv()
        try:
            answer = DONE, worker(cell)
        except Exception as error:
            answer = FAILED, (in_a_line(error), work.may_pass(error))
        pipe.send(answer)


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """A process that starts within is deaf to Ctrl-C, which reaches this one afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def how_it_ended(code: int | None) -> str:
    """An exit code in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"was killed by {name}" + (", for want of memory perhaps" if name == "SIGKILL" else "")
    return f"ended with exit code {code}"


def _devices(device: str) -> list[str]:
    """Those that processes take in turn. Raises ValueError for one that is not here."""
    if device == "cpu":
        return ["cpu"]  # without torch
    from lessons_lib.device import all_of

    return all_of(device)
