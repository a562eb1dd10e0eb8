"""One SQLite file a sweep, or several: a row a run, whether it waits or is done, and its accuracies.

One process writes at a time; any number may read meanwhile. A run is written in one transaction: a kill or a full disk
in the middle leaves the file as it was before.
"""

import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from lessons_lib.runs.sqlite_file import errors_in_words, open_to_read, open_to_write, transaction
from lessons_lib.runs.work import MEASURED

if TYPE_CHECKING:
    import pandas as pd

    from lessons_lib.runs.spec import Bench
    from lessons_lib.runs.sweeps import Run

SILENT = 120.0  # seconds without a sign of life after which a writer on another host counts as dead
CLAIM = "token, host, pid, born, seen"
KEY = ("protocol", "method", "task", "shots", "seed", "settings")  # what tells a run from others

SCHEMA = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    protocol TEXT NOT NULL, method TEXT NOT NULL, task TEXT NOT NULL, shots INTEGER NOT NULL, seed INTEGER NOT NULL,
    settings TEXT NOT NULL,                 -- digest of all settings: another one is another run
    clip TEXT NOT NULL,
    run TEXT NOT NULL,                      -- what was asked for, JSON
    state TEXT NOT NULL DEFAULT 'waiting',  -- running, done, failed
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT, host TEXT, started REAL, finished REAL,
    UNIQUE (protocol, method, task, shots, seed, settings)
);
CREATE TABLE result (
    job INTEGER NOT NULL REFERENCES job (id), "on" TEXT NOT NULL,
    accuracy REAL NOT NULL, n_parameters INTEGER, seconds REAL, peak_mib REAL,
    PRIMARY KEY (job, "on")
);
CREATE TABLE sweep (spec TEXT PRIMARY KEY, started REAL NOT NULL);
CREATE TABLE writer (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, born REAL NOT NULL, seen REAL NOT NULL
)"""


_held: set[str] = set()  # the claims of this process


class Waiting(NamedTuple):
    """A run that is to do. id: in the file."""

    id: int
    run: "Run"
    seed: int


class Store:
    """The file of one or several sweeps. Use it in a `with`, or call `close`.

    path: made, with the folders above it, where it is not there.   read_only: it must be there, and is not changed.
    Raises FileNotFoundError, PermissionError, and ValueError for a file that is damaged or of something else.
    """

    def __init__(self, path: str | os.PathLike, *, read_only: bool = False):
        self.path, self.read_only = Path(path).expanduser(), read_only
        self.token: str | None = None  # of this object's claim to write
        if self.path.is_dir():
            raise ValueError(f"'{self.path}' is a folder: give the name of a file, such as '{self.path}/bench.sqlite'")
        if read_only and not self.path.is_file():
            raise FileNotFoundError(f"there are no runs at '{self.path}': run a sweep first, or check the path")
        with errors_in_words(self.path):
            self.file = open_to_read(self.path) if read_only else open_to_write(self.path, SCHEMA)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        try:
            self.release()
        finally:
            self.file.close()

    # --- what is there

    def rows(self, spec: "Bench | None" = None) -> "pd.DataFrame":
        """An accuracy a row, in the order of the sweep: protocol, method, task, on, shots, seed, accuracy (percent),
        n_parameters, seconds, peak_mib, settings, clip.   spec: only this sweep's runs; all that are there if None."""
        columns = 'protocol, method, task, "on", shots, seed, accuracy, n_parameters, seconds, peak_mib, settings, clip'
        found = self._table(f"SELECT {columns} FROM result JOIN job ON job.id = job ORDER BY job.id, result.rowid")
        return _of(found.astype({"seconds": float, "peak_mib": float}), spec)

    def status(self, spec: "Bench | None" = None) -> "pd.DataFrame":
        """A run a row: its key (protocol, method, task, shots, seed, settings), clip, state ("waiting", "running",
        "done" or "failed"), attempts, error (of its last crash), host, started and finished (UTC)."""
        import pandas as pd

        columns = ", ".join((*KEY, "clip", "state", "attempts", "error", "host", "started", "finished"))
        found = _of(self._table(f"SELECT {columns} FROM job ORDER BY id"), spec)
        if self.writer() is None:  # what a killed sweep was at
            found["state"] = found["state"].replace("running", "waiting")
        for column in ("error", "host"):
            found[column] = found[column].astype(object).where(found[column].notna(), None)
        for column in ("started", "finished"):
            found[column] = pd.to_datetime(found[column].astype(float), unit="s", utc=True)
        return found

    def specs(self) -> list[dict]:
        """What sweeps wrote here, the last one last: the arguments of each `Bench`."""
        with errors_in_words(self.path):
            return [json.loads(spec) for (spec,) in self.file.execute("SELECT spec FROM sweep ORDER BY started")]

    def writer(self) -> str | None:
        """The sweep that is writing now, "process 12 on host"; None where there is none."""
        with errors_in_words(self.path):
            found = self.file.execute(f"SELECT {CLAIM} FROM writer").fetchone()
        return None if found is None or not _alive(*found) else _named(*found[1:3])

    def _table(self, query: str) -> "pd.DataFrame":
        import pandas as pd

        with errors_in_words(self.path):
            cursor = self.file.execute(query)
            return pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])

    # --- what a sweep writes

    def claim(self) -> None:
        """Makes this the one that writes. What a sweep that was killed was at waits again.

        Raises RuntimeError, naming the other process and its host, where another sweep is writing.
        """
        if self.read_only:
            raise RuntimeError(f"'{self.path}' was opened to be read only")
        host, pid, born, token = socket.gethostname(), os.getpid(), psutil.Process().create_time(), uuid.uuid4().hex
        with errors_in_words(self.path), transaction(self.file):
            other = self.file.execute(f"SELECT {CLAIM} FROM writer").fetchone()
            if other is not None and _alive(*other):
                raise RuntimeError(
                    f"'{self.path}' is being written by another sweep, {_named(*other[1:3])}: let it end or stop it, "
                    "or give another path. Reading the file meanwhile is fine"
                )
            about = (token, host, pid, born, time.time())
            self.file.execute("INSERT OR REPLACE INTO writer VALUES (1, ?, ?, ?, ?, ?)", about)
            self.file.execute("UPDATE job SET state = 'waiting' WHERE state = 'running'")
        self.token = token
        _held.add(token)

    def release(self) -> None:
        """Lets others write. What was running waits again. Does nothing where another sweep has taken over."""
        token, self.token = self.token, None
        if token is None:
            return
        _held.discard(token)  # also where the disk is full, and the file says otherwise
        with errors_in_words(self.path), transaction(self.file):
            if self.file.execute("DELETE FROM writer WHERE token = ?", (token,)).rowcount:
                self.file.execute("UPDATE job SET state = 'waiting' WHERE state = 'running'")

    def beat(self) -> None:
        """A sign of life, for sweeps on other hosts."""
        with self._writing() as file:
            file.execute("UPDATE writer SET seen = ?", (time.time(),))

    def plan(self, spec: "Bench") -> list[Waiting]:
        """Enters the sweep's runs, and returns those that are not done, in order; failed ones are tried again."""
        waiting = []
        asked = json.dumps(spec.to_dict())
        entered = f"INSERT OR IGNORE INTO job ({', '.join(KEY)}, clip, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        found = f"SELECT id, state FROM job WHERE {' AND '.join(f'{name} = ?' for name in KEY)}"
        jobs = [(run, seed, key) for (run, seed), key in zip(spec.jobs(), keys(spec))]
        with self._writing() as file:
            file.execute("INSERT OR REPLACE INTO sweep VALUES (?, ?)", (asked, time.time()))
            for run, seed, key in jobs:
                file.execute(entered, (*key, spec.clip, run.content))
                id, state = file.execute(found, key).fetchone()
                if state != "done":
                    waiting.append(Waiting(id, run, seed))
            file.executemany("UPDATE job SET state = 'waiting' WHERE id = ?", [(job.id,) for job in waiting])
        return waiting

    def start(self, id: int, host: str) -> None:
        """A run is being carried out on a host."""
        self._set(id, "state = 'running', attempts = attempts + 1, host = ?, started = ?", host, time.time())

    def finish(self, id: int, rows: Sequence[dict], host: str) -> None:
        """Keeps what a run measured.   rows: on, accuracy, n_parameters, seconds, peak_mib."""
        results = [(id, *(row[name] for name in MEASURED)) for row in rows]
        with self._writing() as file:
            file.execute("DELETE FROM result WHERE job = ?", (id,))
            file.executemany("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?)", results)
            about = "state = 'done', error = NULL, host = ?, finished = ?"
            file.execute(f"UPDATE job SET {about} WHERE id = ?", (host, time.time(), id))

    def fail(self, id: int, error: str, host: str, *, again: bool) -> None:
        """Keeps why a run came to nothing.   again: whether it will be tried again."""
        state = "waiting" if again else "failed"
        self._set(id, "state = ?, error = ?, host = ?, finished = ?", state, error, host, time.time())

    def _set(self, id: int, what: str, *values) -> None:
        with self._writing() as file:
            file.execute(f"UPDATE job SET {what} WHERE id = ?", (*values, id))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. Raises RuntimeError where the file is no longer this sweep's to write."""
        with errors_in_words(self.path), transaction(self.file):
            found = self.file.execute(f"SELECT {CLAIM} FROM writer").fetchone()
            if self.token is None or found is None or found[0] != self.token:
                by = "another sweep" if found is None else f"another sweep, {_named(*found[1:3])}"
                raise RuntimeError(f"'{self.path}' is no longer this sweep's to write: it was taken over by {by}")
            yield self.file


def keys(spec: "Bench") -> list[tuple]:
    """The `KEY` of each of a sweep's jobs."""
    digests = {run.content: spec.digest(run) for run in spec.runs()}
    return [(*run.cell, seed, digests[run.content]) for run, seed in spec.jobs()]


def _alive(token: str, host: str, pid: int, born: float, seen: float) -> bool:
    """Whether a writer is still there: for certain on this host, by its last sign of life on another."""
    if host != socket.gethostname():
        return time.time() - seen < SILENT
    if pid == os.getpid():
        return token in _held
    try:
        return abs(psutil.Process(pid).create_time() - born) < 2
    except psutil.NoSuchProcess:
        return False


def _named(host: str, pid: int) -> str:
    return f"process {pid} on {host}"


def _of(table: "pd.DataFrame", spec: "Bench | None") -> "pd.DataFrame":
    """The rows of one sweep's runs."""
    if spec is None:
        return table
    wanted = set(keys(spec))
    found = table[list(KEY)].itertuples(index=False, name=None)
    return table.iloc[[i for i, key in enumerate(found) if key in wanted]].reset_index(drop=True)
