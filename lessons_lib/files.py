"""Files that are written whole or not at all, their size in words, and the folder where computed things are kept."""

import errno
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path


def atomic_write(path: str | os.PathLike, data: bytes | Callable[[Path], object]) -> Path:
    """Writes a file so that `path` holds either what it held before or all of `data`, whatever happens in between.

    The data goes to a temporary file in the same folder, reaches the disk, and takes the name in one step. A kill
    or a full disk in the middle leaves the old file untouched; folders above `path` are made.

    path: where to write; a link is followed.
    data: the bytes, or a function that is given the temporary path (same suffix) and writes there, such as
        `lambda temporary: safetensors.torch.save_file(tensors, temporary)`.
    Returns the path. Raises OSError that says so when the disk is full or the folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.stem[:80]}.{uuid.uuid4().hex[:12]}.tmp{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if callable(data):
            data(temporary)
        else:
            temporary.write_bytes(data)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # some writers (safetensors) make files that only their owner can read
        os.replace(temporary, target)
    except Exception as error:
        if _disk_is_full(error):
            message = f"the disk is full: '{target}' was not written (what was there before is untouched). Free space"
            raise OSError(errno.ENOSPC, f"{message} in '{target.parent}' and run this again") from error
        if isinstance(error, PermissionError):
            raise PermissionError(
                errno.EACCES, f"no permission to write in '{target.parent}': choose another folder for '{target.name}'"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)  # gone already when all went well
    return Path(path)


def _umask() -> int:
    """The process's file mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _disk_is_full(error: Exception) -> bool:
    """Libraries that write in native code (safetensors, torch) report a full disk in their own error types."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "no space left on device" in str(error).lower()


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
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lessons_lib"
