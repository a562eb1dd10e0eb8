"""The one process that deals out a plan's runs and writes what comes back."""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple

from tqdm.auto import tqdm

from lessons_lib.runs.engine import Engine, Job
from lessons_lib.runs.plan import Plan
from lessons_lib.runs.store import Store
from lessons_lib.suggest import nearest

ENGINES = {"local": ("lessons_lib.runs.local", "Local"), "ray": ("lessons_lib.runs.on_ray", "OnRay")}
TICK = 0.5  # seconds after which to look whether to stop
BEAT = 15.0  # seconds between signs of life in the file
LOST = 10  # times that one run may be lost


class Summary(NamedTuple):
    """How a plan ended: runs that were done before, done now, and failed."""

    skipped: int
    done: int
    failed: int


def run(
    plan: Plan,
    store: Store,
    engine: str = "local",
    *,
    processes: int | None = None,
    retries: int = 1,
    progress: bool = True,
    **settings,
) -> Summary:
    """Carries out what is not done yet of a plan, and writes every run when it is done. Call it again to go on.

    engine: "local", processes on this machine, or "ray", a Ray cluster that runs already (docs/cluster.md).
    processes: at most so many runs at a time; None for one a core, or one a GPU, or all that the cluster holds.
    retries: how often a run that crashed is tried again, at once, unless it would crash again (`Work.may_pass`);
        failed ones are tried anew by the next call.
    progress: show a bar; failed runs are named on stderr in any case.
    settings: of the engine; of "ray" `address`, `gpus_per_run` and `cpus_per_run`.

    Returns how many were skipped, done and failed: `store.status()` has each run's error. A process that is killed, or
    runs out of memory, counts as a crash of its run; a lost node of a cluster does not. Ctrl-C, or a SIGTERM, stops,
    and all that is done is kept.
    Raises RuntimeError where another sweep is writing the file or no process can be started, ConnectionError where the
    cluster does not answer, ModuleNotFoundError without ray, OSError on a full disk, ValueError for what the engine
    cannot do.
    """
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}: use 'local' or 'ray'. {nearest(engine, ENGINES)}".strip())
    if retries < 0 or (processes is not None and processes < 1):
        raise ValueError(f"processes must be at least 1 and retries at least 0; got {processes} and {retries}")
    total = len(plan.jobs)  # also finds out what is to run on what data, before anything is written
    store.claim()
    try:
        waiting = store.enter(plan)
        skipped = total - len(waiting)
        if not waiting:
            return Summary(skipped, 0, 0)
        module, name = ENGINES[engine]
        workers = getattr(import_module(module), name)(plan.work, len(waiting), processes, **settings)
        with tqdm(total=total, initial=skipped, unit="run", disable=not progress) as bar, _stopping() as stop:
            try:
                return _drive(workers, plan, waiting, store, retries, skipped, bar, stop)
            finally:
                workers.close()
    finally:
        store.release()


def _drive(
    engine: Engine,
    plan: Plan,
    waiting: list[Job],
    store: Store,
    retries: int,
    skipped: int,
    bar: tqdm,
    stop: list[int],
) -> Summary:
    waiting, tries, lost = list(waiting), Counter(), Counter()
    running: dict[int, Job] = {}
    warm: set[str] = set()  # what has been computed that several share
    done = failed = 0
    beaten = time.monotonic()
    while waiting or running:
        for _ in range(min(engine.room(), len(waiting)) if not stop else 0):
            job = _next(waiting, running, warm)
            store.start(job.id, engine.submit(job))
            running[job.id] = job
        ended = engine.wait(0 if stop else TICK)
        for job, host, result, error, was_lost, final in ended:
            del running[job.id]
            if result is not None:
                store.finish(job.id, result, host, {row.metric: plan.work.unit(row.metric) for row in result.rows})
                warm.add(job.shares)
                done += 1
                bar.update()
                continue
            counted, limit = (lost, LOST) if was_lost else (tries, retries)
            counted[job.id] += 1
            again = counted[job.id] <= limit and not final
            store.fail(job.id, error, host, again=again)
            if again:
                waiting.insert(0, job)
                continue
            failed += 1
            bar.update()
            bar.write(f"failed: {job.name}: {error}", file=sys.stderr)
            bar.set_postfix(failed=failed)
        if stop and not ended:
            said = f"stopped: {skipped + done} runs are in '{store.path}'; run the same again to go on"
            bar.write(said, file=sys.stderr)
            raise KeyboardInterrupt if stop[0] == signal.SIGINT else SystemExit(128 + stop[0])
        if time.monotonic() - beaten > BEAT:
            store.beat()
            beaten = time.monotonic()
    return Summary(skipped, done, failed)


def _next(waiting: list[Job], running: dict[int, Job], warm: set[str]) -> Job:
    """The first run for which no other is just computing what both share; the first of all where there is none."""
    computing = {job.shares for job in running.values()} - warm - {""}
    at = next((i for i, job in enumerate(waiting) if job.shares not in computing), 0)
    return waiting.pop(at)


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM are noted in the list, to stop between two writes; a second one stops at once."""
    noted: list[int] = []

    def note(number: int, frame) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    if threading.current_thread() is not threading.main_thread():  # where no handler can be set
        yield noted
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
