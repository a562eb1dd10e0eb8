"""The one process that deals out a sweep's runs and writes what comes back."""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tqdm.auto import tqdm

from lessons_lib.runs.store import Store, Waiting
from lessons_lib.runs.work import Worker
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.runs.spec import Bench

ENGINES = ("local", "ray")
TICK = 0.5  # seconds after which to look whether to stop
BEAT = 15.0  # seconds between signs of life in the file
LOST = 10  # times that one run may be lost


class Summary(NamedTuple):
    """How a sweep ended: runs that were done before, done now, and failed."""

    skipped: int
    done: int
    failed: int


class Outcome(NamedTuple):
    """What became of a run. rows: None where it came to nothing, for the reason that `error` says.

    lost: its machine went away, or its process before it began, which is no fault of its own.
    """

    job: Waiting
    host: str
    rows: list[dict] | None = None
    error: str = ""
    lost: bool = False


class Engine(Protocol):
    """Where runs are carried out."""

    def room(self) -> int:
        """How many more runs can be submitted now."""

    def submit(self, job: Waiting) -> str:
        """Starts a run. Returns the host, as far as it is known."""

    def wait(self, seconds: float) -> list[Outcome]:
        """What has ended, as soon as something has, or after so many seconds. Raises RuntimeError where no process can
        be started."""

    def close(self) -> None:
        """Ends everything, also in the middle of runs."""


def run(
    spec: "Bench",
    store: Store,
    engine: str = "local",
    *,
    processes: int | None = None,
    retries: int = 1,
    progress: bool = True,
    address: str = "auto",
    gpus_per_run: float | None = None,
    cpus_per_run: float = 1,
    make_worker: Callable = Worker,
) -> Summary:
    """Carries out what is not done yet of a sweep, and writes every run when it is done. Call it again to go on.

    engine: "local", processes on this machine, or "ray", a Ray cluster that runs already (docs/cluster.md).
    processes: at most so many runs at a time; None for one a core, or one a GPU, or all that the cluster holds.
    retries: how often a run that crashed is tried again, at once; failed ones are tried anew by the next call.
    progress: show a bar; failed runs are named on stderr in any case.
    address: of the cluster, "auto" for the one that this machine belongs to.   gpus_per_run: such as 0.25; None for one
        where the cluster has GPUs and the device may be one.   cpus_per_run: cores of a run.
    make_worker: called once in each process, it gives what carries runs out (`work.Worker`).

    Returns how many were skipped, done and failed: `store.status()` has each run's error. A process that is killed, or
    runs out of memory, counts as a crash of its run; a lost node of a cluster does not. Ctrl-C, or a SIGTERM, stops,
    and all that is done is kept.
    Raises RuntimeError where another sweep is writing the file or no process can be started, ConnectionError where the
    cluster does not answer, ModuleNotFoundError without ray, OSError on a full disk, and as `Bench.check_data`.
    """
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}: use 'local' or 'ray'. {nearest(engine, ENGINES)}".strip())
    if retries < 0 or (processes is not None and processes < 1):
        raise ValueError(f"processes must be at least 1 and retries at least 0; got {processes} and {retries}")
    spec.check_data()
    store.claim()
    try:
        waiting = store.plan(spec)
        total = len(spec.jobs())
        skipped = total - len(waiting)
        if not waiting:
            return Summary(skipped, 0, 0)
        if engine == "local":
            from lessons_lib.runs.local import Local

            workers = Local(spec, len(waiting), processes, make_worker)
        else:
            from lessons_lib.runs.on_ray import OnRay

            workers = OnRay(spec, len(waiting), processes, make_worker, address, gpus_per_run, cpus_per_run)
        with tqdm(total=total, initial=skipped, unit="run", disable=not progress) as bar, _stopping() as stop:
            try:
                return _drive(workers, waiting, store, retries, skipped, bar, stop)
            finally:
                workers.close()
    finally:
        store.release()


def _drive(
    engine: Engine, waiting: list[Waiting], store: Store, retries: int, skipped: int, bar: tqdm, stop: list[int]
) -> Summary:
    waiting, tries, lost = list(waiting), Counter(), Counter()
    running: dict[int, Waiting] = {}
    warm: set[str] = set()  # tasks of which some run is done, so that their features are in the cache
    done = failed = 0
    beaten = time.monotonic()
    while waiting or running:
        for _ in range(min(engine.room(), len(waiting)) if not stop else 0):
            job = _next(waiting, running, warm)
            store.start(job.id, engine.submit(job))
            running[job.id] = job
        ended = engine.wait(0 if stop else TICK)
        for job, host, rows, error, was_lost in ended:
            del running[job.id]
            if rows is not None:
                store.finish(job.id, rows, host)
                warm.add(job.run.task)
                done += 1
                bar.update()
                continue
            counted, limit = (lost, LOST) if was_lost else (tries, retries)
            counted[job.id] += 1
            again = counted[job.id] <= limit
            store.fail(job.id, error, host, again=again)
            if again:
                waiting.insert(0, job)
                continue
            failed += 1
            bar.update()
            bar.write(f"failed: {described(job)}: {error}", file=sys.stderr)
            bar.set_postfix(failed=failed)
        if stop and not ended:
            said = f"stopped: {skipped + done} runs are in '{store.path}'; run the same again to go on"
            bar.write(said, file=sys.stderr)
            raise KeyboardInterrupt if stop[0] == signal.SIGINT else SystemExit(128 + stop[0])
        if time.monotonic() - beaten > BEAT:
            store.beat()
            beaten = time.monotonic()
    return Summary(skipped, done, failed)


def _next(waiting: list[Waiting], running: dict[int, Waiting], warm: set[str]) -> Waiting:
    """The first run whose task's features no other run is just computing; the first of all where there is none."""
    computing = {job.run.task for job in running.values()} - warm
    at = next((i for i, job in enumerate(waiting) if job.run.task not in computing), 0)
    return waiting.pop(at)


def described(job: Waiting) -> str:
    """ "CoOp on toy_pets, 4 shots, seed 2"."""
    return f"{job.run.label} on {job.run.task}, {job.run.shots} shots, seed {job.seed}"


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
