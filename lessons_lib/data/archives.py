"""Archives from strangers: nothing leaves the folder, no link is made or followed, and no half-unpacked set is left.

Everything goes to a folder of its own first, and into place when all of it has been written.
"""

import errno
import gzip
import os
import shutil
import stat
import struct
import tarfile
import time
import uuid
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from tqdm.auto import tqdm

from lessons_lib.data.downloads import CHUNK, disk_full
from lessons_lib.files import in_bytes

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, LZMAError, RuntimeError,
           struct.error)  # fmt: skip
NOWHERE = (errno.EINVAL, errno.ENAMETOOLONG)  # of a place before the file's beginning, and of a name that is none
MOST_FILES = 3_000_000
UNPACKING = ".unpacking-"
ABANDONED = 24 * 3600  # seconds after which such a folder was left by a process that was killed

Member = tuple[str, IO[bytes] | None, int]  # name, content (None for what is not a plain file), bytes


def extract(
    archive: str | os.PathLike,
    into: str | os.PathLike,
    *,
    prefix: str = "",
    under: str = "",
    limit: int,
    progress: bool = True,
) -> int:
    """Unpacks a .zip, .tar, .tar.gz or .tgz. Files of the same name that are there are replaced; others stay.

    prefix: unpack only what lies below this folder of the archive, without it.   under: a folder in `into` instead.
    limit: bytes that the content may take.
    Links, devices and the like are left out with a warning. Returns the number of files.
    Raises ValueError, with nothing changed, for an archive that is damaged or cut short, that names a path outside the
    folder, that holds nothing below the prefix, or that unpacks to more than `limit`; OSError for a full disk.
    """
    archive, into = Path(archive), Path(into)
    into.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(into)
    temporary = into / f"{UNPACKING}{uuid.uuid4().hex[:12]}"
    temporary.mkdir()
    try:
        files, left_out = _unpack(archive, temporary, prefix, under, limit, progress)
        if not files:
            where = f" below '{prefix}'" if prefix else ""
            raise ValueError(f"'{archive}' holds no files{where}: it is not the published archive")
        _merge(temporary, into)
    except (*DAMAGED, OSError) as error:
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(into, f"'{archive.name}' was not unpacked, and nothing was changed") from error
        if not isinstance(error, DAMAGED) and number not in NOWHERE:
            raise
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"'{archive}' is cut short or damaged ({reason}). Nothing was unpacked: remove it and fetch it again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if left_out:
        which = f"{len(left_out)} links or devices, such as {left_out[0]!r}"
        warnings.warn(f"left out of '{archive.name}': {which}", stacklevel=2)
    return files


def _unpack(
    archive: Path, temporary: Path, prefix: str, under: str, limit: int, progress: bool
) -> tuple[int, list[str]]:
    files, written, left_out = 0, 0, []
    with tqdm(unit="B", unit_scale=True, desc=f"unpacking {archive.name}", delay=2, disable=not progress) as bar:
        for name, content, size in _members(archive):
            inside = _inside(archive, name)
            if not inside.startswith(prefix) or _is_junk(inside):
                continue
            if content is None:
                left_out.append(name)
                continue
            target = temporary / under / inside[len(prefix) :]
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                file = open(target, "wb")
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise tarfile.ReadError(f"{name} is both a file and a folder") from error
            count = 0
            with content, file:
                while chunk := content.read(CHUNK):
                    count += len(chunk)
                    if written + count > limit:
                        raise ValueError(
                            f"'{archive}' unpacks to more than {in_bytes(limit)}: it is not the published archive. "
                            "Nothing was unpacked"
                        )
                    file.write(chunk)
            if count != size:
                raise EOFError(f"{name} has {count:,} bytes of {size:,}")
            files, written = files + 1, written + count
            if files > MOST_FILES:
                raise ValueError(f"'{archive}' holds more than {MOST_FILES:,} files: it is not the published archive")
            bar.update(count)
    return files, left_out


def _members(archive: Path) -> Iterator[Member]:
    """Everything in an archive but its folders. Raises one of DAMAGED, or ValueError for another kind of file."""
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as package:
            for info in package.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if not info.is_dir():
                    plain = kind in (0, stat.S_IFREG)
                    yield info.filename, package.open(info) if plain else None, info.file_size
    elif archive.name.lower().endswith(SUFFIXES):
        with tarfile.open(archive, "r:*") as package:
            for member in package:
                if not member.isdir():
                    yield member.name, package.extractfile(member) if member.isreg() else None, member.size
            while package.fileobj.read(CHUNK):  # to the end, where the checksum of a .gz stands
                pass
    else:
        raise ValueError(f"'{archive}' is not a .zip, .tar, .tar.gz or .tgz")


def _inside(archive: Path, name: str) -> str:
    """The member's path with "./" and doubled slashes gone. Raises ValueError where it leaves the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or PureWindowsPath(name).drive or not path.parts:
        raise ValueError(
            f"'{archive}' holds {name!r}, which leads out of the folder that it is unpacked in: it is not the "
            "published archive. Nothing was unpacked"
        )
    return str(path)


def _is_junk(inside: str) -> bool:
    """What macOS adds to archives."""
    parts = inside.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def _merge(source: Path, target: Path) -> None:
    """Moves everything in `source` into `target`: whole folders at once where they are new."""
    for entry in sorted(source.iterdir()):
        goal = target / entry.name
        if entry.is_dir() and goal.is_dir():
            _merge(entry, goal)
        else:
            try:
                os.replace(entry, goal)
            except OSError as error:
                if error.errno != errno.EXDEV:  # the learner's own link to another disk
                    raise
                shutil.move(entry, goal)


def _clear_abandoned(into: Path) -> None:
    for left in into.glob(f"{UNPACKING}*"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
