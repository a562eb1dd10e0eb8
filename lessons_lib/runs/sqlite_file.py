"""Opening SQLite files of runs, writing to them whole or not at all, and SQLite's errors in words."""

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

APPLICATION, VERSION = 0x6C736E73, 2  # what SQLite's header says of a file of ours
PATIENCE = 30  # seconds to wait for another program's lock


class Unfinished(ValueError):
    """Whoever made the file was stopped before there were tables in it."""


def open_to_write(path: Path, schema: str, later: Mapping[str, str]) -> sqlite3.Connection:
    """Makes the file where it is not there, or where whoever made it was stopped before it had tables. Others can read
    while it is written (SQLite's write-ahead log).

    later: table -> a column, with its type, that the schema has since and that an older file is given.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(
            error.errno, f"the folder of '{path}' cannot be made ({error.strerror}): give another path"
        ) from error
    file = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        if not is_unfinished(file):
            _check(file, path)
        file.execute("PRAGMA trusted_schema = OFF")  # a file from others may bring views and triggers
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        with transaction(file):
            if not _tables(file):
                for statement in schema.split(";"):
                    file.execute(statement)
                file.execute(f"PRAGMA application_id = {APPLICATION}")
                file.execute(f"PRAGMA user_version = {VERSION}")
            for table, column in later.items():
                known = {row[1] for row in file.execute(f"PRAGMA table_info({table})")}
                if column.split()[0] not in known:
                    file.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    except BaseException:
        file.close()
        raise
    return file


def open_to_read(path: Path) -> sqlite3.Connection:
    """Also where nothing can be written beside it, for want of permission or room, and so nobody can be writing it."""
    address = path.absolute().as_uri() + "?mode=ro"
    log = Path(f"{path}-wal")  # what is not in the file itself yet
    settled = not log.is_file() or not log.stat().st_size
    for more in ("", "&immutable=1"):
        file = sqlite3.connect(address + more, uri=True, timeout=PATIENCE, isolation_level=None)
        try:
            if is_unfinished(file):
                raise Unfinished(f"'{path}' has no runs yet: the sweep that made it was stopped. Run it again to go on")
            _check(file, path)
            return file
        except BaseException as error:
            file.close()
            if more or not settled or not any(said in str(error) for said in ("unable to open", "disk I/O")):
                raise
    raise AssertionError("unreachable")


def is_unfinished(file: sqlite3.Connection) -> bool:
    """Whether nobody's tables are in it: a full disk or a kill came first."""
    return not _tables(file) and not _number(file, "application_id") and not _number(file, "user_version")


@contextmanager
def transaction(file: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing, under a lock that is taken at once."""
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:  # a full disk has rolled back by itself
            file.execute("ROLLBACK")
        raise


@contextmanager
def errors_in_words(path: Path) -> Iterator[None]:
    """SQLite's errors, as those that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.Error, path: Path) -> Exception:
    said = str(error)  # Python 3.10 has no codes of SQLite's errors
    if "is full" in said:
        return OSError(
            errno.ENOSPC,
            f"the disk is full: '{path}' could not take the last run, and holds all before it. Free space in "
            f"'{path.absolute().parent}' and run the same again to go on",
        )
    if "disk I/O" in said:
        return OSError(
            errno.EIO,
            f"'{path}' could not be read or written ({said}): the disk is full or failing, or a network file system "
            "went away. What was there before is kept: mend that, and run the same again to go on",
        )
    if "readonly" in said or "unable to open" in said:
        return PermissionError(
            errno.EACCES, f"'{path}' cannot be opened or written ({said}): check permissions, or give another path"
        )
    if "locked" in said:
        return RuntimeError(f"'{path}' has been locked by another program for {PATIENCE} s: end that, and go on")
    return ValueError(
        f"'{path}' is damaged, or not a file of runs ({said}): give another path, or move it away to start again"
    )


def _check(file: sqlite3.Connection, path: Path) -> None:
    """Raises ValueError where the file is another program's, of another version of this one, or its pages do not belong
    together: a table may then seem empty, without a word from SQLite."""
    if _number(file, "application_id") != APPLICATION:
        raise ValueError(f"'{path}' is not a file of runs, but of another program: give another path")
    version = _number(file, "user_version")
    if version == 1:
        raise ValueError(
            f"'{path}' is of version 1, whose runs do not say on what data they were measured, so none can be taken "
            "over: give another path and run the sweep again"
        )
    if version != VERSION:
        raise ValueError(
            f"'{path}' is of version {version}, and this lessons_lib knows {VERSION}: update it, or give another path"
        )
    found = file.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise ValueError(
            f"'{path}' is damaged ({' '.join(found.split())[:200]}): take a copy of it, or move it away to start again"
        )


def _number(file: sqlite3.Connection, pragma: str) -> int:
    return file.execute(f"PRAGMA {pragma}").fetchone()[0]


def _tables(file: sqlite3.Connection) -> int:
    return file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
