"""Who writes a file of runs: one process at a time, which others can tell from one that died."""

import os
import socket
import sqlite3
import time
import uuid
from pathlib import Path

import psutil

SILENT = 120.0  # seconds without a sign of life after which a writer on another host counts as dead
CLAIM = "SELECT token, host, pid, born, seen FROM writer"

_held: set[str] = set()  # the claims of this process


class Writer:
    """A store's claim to write its file. token: of the claim; None where there is none."""

    def __init__(self, file: sqlite3.Connection, path: Path):
        self.file, self.path, self.token = file, path, None

    def other(self) -> str | None:
        """Who is writing now, this one included: "process 12 on host"; None where nobody is."""
        found = self.file.execute(CLAIM).fetchone()
        return None if found is None or not _alive(*found) else _named(*found[1:3])

    def claim(self) -> None:
        """Within a transaction. Raises RuntimeError, naming the other process, where another one is writing."""
        if (other := self.other()) is not None:
            raise RuntimeError(
                f"'{self.path}' is being written by another sweep, {other}: let it end or stop it, "
                "or give another path. Reading the file meanwhile is fine"
            )
        token, process = uuid.uuid4().hex, psutil.Process()
        about = (token, socket.gethostname(), process.pid, process.create_time(), time.time())
        self.file.execute("INSERT OR REPLACE INTO writer VALUES (1, ?, ?, ?, ?, ?)", about)
        self.token = token
        _held.add(token)

    def check(self) -> None:
        """Raises RuntimeError where the claim is not this one's any more."""
        found = self.file.execute(CLAIM).fetchone()
        if self.token is None or found is None or found[0] != self.token:
            by = "another sweep" if found is None else f"another sweep, {_named(*found[1:3])}"
            raise RuntimeError(f"'{self.path}' is no longer this sweep's to write: it was taken over by {by}")

    def release(self) -> bool:
        """Within a transaction. Whether the claim was still there to be given back."""
        return self.file.execute("DELETE FROM writer WHERE token = ?", (self.token,)).rowcount > 0

    def forget(self) -> None:
        _held.discard(self.token)
        self.token = None


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
