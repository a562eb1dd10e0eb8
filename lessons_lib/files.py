"""Files that are written whole or not at all, their size in words, and the folder where computed things are kept."""

import errno
import json
import os
import re
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

DEEPEST = 100  # lists and objects within each other, in a file that somebody wrote
LEFT_BEHIND = 3600  # seconds without a change after which nobody is writing a temporary file any more


def atomic_write(
    path: str | os.PathLike,
    data: bytes | Callable[[Path], object],
    *,
    replace: bool = True,
    inputs: Iterable[str | os.PathLike | None] = (),
) -> Path:
    """Writes a file so that `path` holds either what it held before or all of `data`, whatever happens in between.

    The data goes to a temporary file in the same folder, reaches the disk, and takes the name in one step. A kill
    or a full disk in the middle leaves the old file untouched; folders above `path` are made. What a kill leaves beside
    it, a hidden temporary file, is removed by the next one to write the same file, an hour later or more.

    path: where to write; a link is followed, and a file that is there keeps its rights.
    data: the bytes, or a function that is given the temporary path (same suffix) and writes there, such as
        `lambda temporary: figure.savefig(temporary)`.
    replace: whether a file that is there may be written over.   inputs: files that `path` must not be.
    Returns the path. Raises OSError that says so when the disk is full, the folder cannot be written, or `path` is a
    folder, a device or the like; FileExistsError where it is there and is not to be replaced; ValueError for an input.
    """
    target = check_output(path, inputs=inputs)
    temporary = target.with_name(_hidden(target, uuid.uuid4().hex[:12]))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise why_not_written(error, target) from error
    try:
        if callable(data):
            data(temporary)
        else:
            temporary.write_bytes(data)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        with suppress(OSError):  # a nicety: some file systems (exFAT, SMB, buckets) have no rights to set
            # some writers (safetensors) make files that only their owner can read
            temporary.chmod(stat.S_IMODE(target.stat().st_mode) if os.path.exists(target) else 0o666 & ~_umask())
        if replace:
            os.replace(temporary, target)
        else:
            _take_free_name(temporary, target)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, f"'{path}' exists, and was not written over") from None
    except Exception as error:
        raise why_not_written(error, target) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)  # gone already when all went well
    _remove_left_behind(target)
    return Path(path)


def _hidden(target: Path, mark: str) -> str:
    """The name of a temporary file beside the target."""
    return f".{target.stem[:40]}.{mark}.tmp{target.suffix[:20]}"


def _remove_left_behind(target: Path) -> None:
    """Temporary files for the target that a kill left, long enough ago that nobody still writes them."""
    ours = re.compile("[0-9a-f]{12}".join(map(re.escape, _hidden(target, "\0").split("\0"))))
    with suppress(OSError):
        for path in target.parent.iterdir():
            if ours.fullmatch(path.name) and path.is_file() and time.time() - path.stat().st_mtime > LEFT_BEHIND:
                path.unlink(missing_ok=True)


def check_output(path: str | os.PathLike, *, inputs: Iterable[str | os.PathLike | None] = ()) -> Path:
    """The file that writing to `path` would write, links followed. For a look before work is done.

    Raises OSError for what is there and is no plain file, and for a name that the system's encoding cannot write;
    ValueError for one of the inputs.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, f"{ascii(os.fspath(path))} cannot be written ({error.reason}): choose another "
                      "place for it, or a locale of UTF-8 (such as LC_ALL=C.UTF-8)") from None  # fmt: skip
    target = Path(os.path.realpath(path))
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, f"'{path}' is a folder: give the path of a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, f"'{path}' is a device, a pipe or a socket: give the path of a plain file")
    if any(given is not None and target == Path(os.path.realpath(given)) for given in inputs):
        raise ValueError(f"'{path}' is what is read: writing there would lose it. Give another path")
    return target


@contextmanager
def only_one(lock: Path, busy: str, say: Callable[[str], object] = print) -> Iterator[None]:
    """What is done within is done by one process at a time; others wait, and say so once. The system gives a lock back
    when its holder ends, however that ends; the file is removed when it is done.

    lock: a file beside what is worked on.   busy: said by who waits.
    Where the file system knows no locks, nobody waits.
    """
    told = False
    while True:
        file = open(lock, "a+b")  # noqa: SIM115  (closed below)
        try:
            if not _locked(file):
                if not told:
                    say(f"{busy}: waiting for it")
                    told = True
                time.sleep(0.2)
                continue
            if not lock.exists() or not os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                continue  # the one before has just removed it
            try:
                yield
            finally:
                with suppress(OSError):  # Windows: open files stay
                    lock.unlink()
            return
        finally:
            file.close()


def _locked(file: IO[bytes]) -> bool:
    """Whether this process has the lock now, or there are none here."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def _take_free_name(temporary: Path, target: Path) -> None:
    """Raises FileExistsError where the name is not free any more."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: the name is taken first, and filled at once
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))
        os.replace(temporary, target)


def _umask() -> int:
    """The process's file mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def why_not_written(error: Exception, target: Path) -> Exception:
    """What keeps a file from being written, as an error that says what to do; any other as it is."""
    if _disk_is_full(error):
        message = f"the disk is full: '{target}' was not written (what was there before is untouched). Free space"
        return OSError(errno.ENOSPC, f"{message} in '{target.parent}' and run this again")
    if isinstance(error, PermissionError):
        return PermissionError(
            errno.EACCES, f"no permission to write in '{target.parent}': choose another folder for '{target.name}'"
        )
    if isinstance(error, OSError):
        said = error.strerror or str(error)
        return OSError(error.errno, f"'{target}' cannot be written ({said}): choose another place for it")
    return error


def _disk_is_full(error: Exception) -> bool:
    """Libraries that write in native code (safetensors, torch) report a full disk in their own error types."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "no space left on device" in str(error).lower()


def from_json(text: str | bytes) -> Any:
    """What JSON holds. Raises json.JSONDecodeError, a ValueError, for what is none, or is nested more than 100 deep."""
    try:
        value = json.loads(text)
        check_depth(value)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of too many digits
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise json.JSONDecodeError(why, "", 0) from None
    return value


def check_depth(value: Any, most: float = float("inf")) -> None:
    """Raises RecursionError where lists and dictionaries are more than 100 deep within each other, and ValueError where
    there are more than `most` values in all, which a few lines of YAML that refer to each other can make."""
    layer, count = [value], 0
    for _ in range(DEEPEST):
        parts = [list(one.values()) if isinstance(one, dict) else one for one in layer if isinstance(one, dict | list)]
        count += sum(map(len, parts))
        if count > most:
            raise ValueError(f"it holds more than {most:,} values")
        layer = [value for part in parts for value in part]
        if not layer:
            return
    raise RecursionError(f"it is nested more than {DEEPEST} deep")


def expanded(path: str | os.PathLike) -> Path:
    """A path as a user gives it, with "~" for the home folder. Raises ValueError where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        whose = Path(path).parts[0]
        raise ValueError(f"'{path}': there is no home folder '{whose}' here: write the path in full") from error


def in_bytes(count: float) -> str:
    """A size in words: "502 bytes", "94.3 MB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:.0f} bytes"


def cache_dir() -> Path:
    """The folder for what can be computed again: `$LESSONS_CACHE`, or `lessons_lib` in the user's cache folder."""
    chosen = os.environ.get("LESSONS_CACHE")
    if chosen:
        return expanded(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lessons_lib"
