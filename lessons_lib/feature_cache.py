"""The files of cached features: each says its key and the checksum of its numbers.

One that does not match, or is damaged, is computed again, never used. Entries are replaced whole, so processes can
share the folder (`$LESSONS_CACHE`, or `lessons_lib` in the user's cache folder): the last writer wins, with the same
content. What is kept, and under which key: `features`.
"""

import json
import re
import time
import warnings
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors

from lessons_lib.files import atomic_write, cache_dir, from_json
from lessons_lib.identity import canonical, digest

OURS = re.compile(r"[0-9a-f]{32}\.safetensors|\.[0-9a-f]{32}\.[0-9a-f]{12}\.tmp\.safetensors")
ABANDONED = 3600  # seconds after which an unfinished file was left by a process that was killed


def read(key: dict) -> torch.Tensor | None:
    """The features of an entry that is whole and has this key; None, with a warning unless there is none, otherwise.

    key: all that the numbers depend on, plain values.
    """
    path = _path(key)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        warnings.warn(f"cached features cannot be read and are computed again: {error}", stacklevel=3)
        return None
    try:
        header = from_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = from_json(header["__metadata__"]["about"])
        features = safetensors.load(data)["features"]
        if about["key"] != canonical(key):
            problem = "belong to other images or another model"
        elif about["checksum"] != _checksum(features):
            problem = "are damaged"
        else:
            return features
    except (ValueError, KeyError, TypeError, SafetensorError):
        problem = "are damaged"
    warnings.warn(f"the cached features in '{path}' {problem}: computed again", stacklevel=3)
    return None


def write(key: dict, features: torch.Tensor) -> None:
    """Keeps features under their key; where the disk refuses, with a warning and no harm."""
    features = features.cpu().contiguous()
    about = json.dumps({"key": canonical(key), "checksum": _checksum(features)})
    try:
        atomic_write(_path(key), safetensors.save({"features": features}, metadata={"about": about}))
    except OSError as error:
        warnings.warn(f"the features were computed but not cached: {error}", stacklevel=3)


def is_there(key: dict) -> bool:
    """Whether there is an entry of this name; `read` says whether it is whole."""
    return _path(key).is_file()


def cache_size() -> int:
    """Bytes that cached features take on disk."""
    return sum(entry.size for entry in cache_entries())


def clear_cache(older_than: float = 0.0) -> int:
    """Deletes cached features, of every model and split: all, or those written more than `older_than` seconds ago.
    Returns the bytes freed; warns of what could not be deleted, and leaves files that are not its own."""
    freed, stuck = 0, []
    for entry in cache_entries(older_than):
        try:
            entry.path.unlink(missing_ok=True)
            freed += entry.size
        except OSError as error:
            stuck.append(f"'{entry.path}' ({error.strerror})")
    if stuck:
        warnings.warn(f"{len(stuck)} cached files could not be deleted, such as {stuck[0]}", stacklevel=2)
    return freed


def cache_entries(older_than: float = 0.0) -> list["Entry"]:
    """Our files in the folder, by their names, less what another process is writing just now (young ones with a dot
    in front).

    older_than: only what was written more than so many seconds ago.
    """
    entries, now = [], time.time()
    for path in sorted(_folder().glob("*")):
        try:
            stat = path.lstat()
        except OSError:  # another process has cleared the cache, or given the file its name
            continue
        if not OURS.fullmatch(path.name) or not S_ISREG(stat.st_mode):
            continue
        seconds = now - stat.st_mtime
        old = not older_than or seconds > older_than
        if old and (not path.name.startswith(".") or seconds > ABANDONED):
            entries.append(Entry(path, stat.st_size, stat.st_mtime))
    return entries


class Entry(NamedTuple):
    """A file of cached features."""

    path: Path
    size: int  # bytes
    written: float  # seconds, as time.time() gives them

    def key(self) -> dict | None:
        """All that its numbers depend on; None where the file does not say."""
        try:
            with self.path.open("rb") as file:
                header = from_json(file.read(int.from_bytes(file.read(8), "little")))
            return from_json(from_json(header["__metadata__"]["about"])["key"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError):
            return None


def _checksum(features: torch.Tensor) -> str:
    about = f"{tuple(features.shape)} {features.dtype} ".encode()
    return sha256(about + features.numpy().tobytes()).hexdigest()


def _folder() -> Path:
    return cache_dir() / "features"


def _path(key: dict) -> Path:
    return _folder() / f"{digest(key)[:32]}.safetensors"
