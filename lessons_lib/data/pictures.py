"""Image files: opening them as upright RGB, and telling sound ones from damaged ones before work starts."""

import errno
import os
import stat
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image
from tqdm.auto import tqdm

from lessons_lib.data.kinds import EXTENSIONS as EXTENSIONS  # for those who look for it here
from lessons_lib.data.kinds import HOW_TO_READ, format_of, readable
from lessons_lib.rgb import as_rgb
from lessons_lib.sealed import recall, remember
from lessons_lib.suggest import listed


@dataclass(frozen=True)
class Examined:
    """What a look at a file found.

    stamp: size in bytes, and the times (ns) of the last change to its content and to its name or rights.
    digest: of the bytes, hex. problem: what is wrong with it; "" when it is sound.
    """

    stamp: tuple[int, int, int]
    digest: str
    problem: str = ""


def open_picture(source: str | Path | BinaryIO, *, smallest: bool = False) -> Image.Image:
    """The image in RGB as `as_rgb` makes it: upright, on white where transparent, the first frame of several.

    smallest: let the JPEG decoder give a reduced image; as thorough at noticing damage, and about twice as fast.
    Raises OSError for what is no regular file, and what PIL raises for a file that it cannot read.
    """
    data = read_regular(Path(source)) if isinstance(source, (str, Path)) else source.read()
    return _read(data, lambda image: _decoded(image, smallest))


def _decoded(image: Image.Image, smallest: bool) -> Image.Image:
    if smallest:
        image.draft("RGB", (image.width // 8, image.height // 8))
    return as_rgb(image)


def _read(data: bytes, use: Callable[[Image.Image], Any]) -> Any:
    """What `use` makes of an image. Of a PNG with texts longer than PIL takes, without them: they are no pixels."""
    try:
        with Image.open(BytesIO(data), formats=readable()) as image:
            return use(image)
    except ValueError:
        if format_of(data[:32]) != "PNG":
            raise
    with Image.open(BytesIO(_without_texts(data)), formats=readable()) as image:
        return use(image)


def _without_texts(png: bytes) -> bytes:
    """A PNG without texts and colour profile: chunks of (length, kind, content, checksum) behind 8 bytes."""
    kept, at = [png[:8]], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] not in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def read_regular(path: Path) -> bytes:
    """A file's bytes. Raises OSError for a pipe, a device or a socket, of which nothing may ever come."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.read_bytes()


def stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file does: its size, and the times (ns) of its last changes."""
    now = path.stat()
    return now.st_size, now.st_mtime_ns, now.st_ctime_ns


def problem_of_picture(data: bytes) -> str:
    """What is wrong with a picture of these bytes; "" where nothing is."""
    try:
        _read(data, lambda image: image.verify())  # the checksums that a format brings (PNG)
        open_picture(BytesIO(data), smallest=True)
    except Exception as error:  # PIL's decoders raise nearly every kind; the reason is reported, not swallowed
        if isinstance(error, Image.UnidentifiedImageError):
            return HOW_TO_READ.get(format_of(data[:32]), "not an image") if data else "empty file"
        return str(error) or type(error).__name__
    return ""


Problem = Callable[[bytes], str]


def examine(path: Path, problem_of: Problem = problem_of_picture) -> Examined:
    """Reads and decodes the whole file; what is wrong with it goes into ``problem``."""
    try:
        seen, data = stamp(path), read_regular(path)
    except OSError as error:
        return Examined((0, 0, 0), "", f"cannot be read: {error.strerror or error}")
    return Examined(seen, sha256(data).hexdigest(), problem_of(data))


def examine_all(
    paths: Iterable[Path],
    *,
    memory: Path | None = None,
    progress: bool = True,
    problem_of: Problem = problem_of_picture,
) -> dict[Path, Examined]:
    """:func:`examine` of every file, on a few threads; a bar appears when it takes more than two seconds.

    memory: a file that remembers what was found; only files that are new or changed since are read again.
    """
    paths = list(paths)
    known = _recall(memory) if memory else {}
    new = [path for path in paths if path not in known or not _unchanged(path, known[path])]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        looks = threads.map(partial(examine, problem_of=problem_of), new)
        found = tqdm(looks, total=len(new), desc="checking files", delay=2, disable=not progress)
        known.update(zip(new, found))
    found = {path: known[path] for path in paths}
    if memory and new:
        remember(memory, {str(path): astuple(seen) for path, seen in found.items()})
    return found


def sound_ones(
    paths: list[Path], folder: Path, *, skip_unreadable: bool, progress: bool = True
) -> tuple[list[Path], dict[Path, Examined]]:
    """Those of `paths` that can be read, and what is known of all. Raises ValueError, or with ``skip_unreadable``
    warns, where some cannot."""
    examined = examine_all(paths, progress=progress)
    damaged = [f"{path.relative_to(folder)} ({seen.problem})" for path, seen in examined.items() if seen.problem]
    if damaged:
        found = f"{len(damaged)} unreadable image file(s) in '{folder}': {listed(damaged)}"
        if not skip_unreadable:
            raise ValueError(f"{found}. Mend or remove them, or leave them out with skip_unreadable=True")
        warnings.warn(f"left out {found}", stacklevel=5)
    return [path for path in paths if not examined[path].problem], examined


def _recall(memory: Path) -> dict[Path, Examined]:
    try:
        return {Path(path): Examined(tuple(stamp), *rest) for path, (stamp, *rest) in recall(memory).items()}
    except (ValueError, TypeError, AttributeError):  # none yet, or damaged: look again
        return {}


def _unchanged(path: Path, seen: Examined) -> bool:
    try:
        return stamp(path) == seen.stamp
    except OSError:
        return False


class FileImages:
    """Image files behind a split, opened one by one when asked for.

    examined: what is known of the files; shared by all subsets. Files of another kind override `open`, `problem_of`.
    """

    open, problem_of = staticmethod(open_picture), staticmethod(problem_of_picture)

    def __init__(self, paths: list[Path], examined: dict[Path, Examined]):
        self.paths, self._examined = list(paths), examined

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, index: int) -> Image.Image:
        path = self.paths[index]
        try:
            return self.open(path)
        except FileNotFoundError:
            raise _gone(path) from None
        except Exception as error:
            raise ValueError(f"'{path}' was sound when the task was loaded and cannot be read now: {error}") from error

    def subset(self, indices: list[int]) -> "FileImages":
        return type(self)([self.paths[index] for index in indices], self._examined)

    def tensor(self) -> None:
        """None: files come in any size."""
        return None

    @property
    def fingerprint(self) -> str:
        """Over the files' bytes in order, wherever they lie. Files whose size or time changed are read again."""
        digests = sha256()
        for path in self.paths:
            if not path.exists():
                raise _gone(path)
            if path not in self._examined or not _unchanged(path, self._examined[path]):
                self._examined[path] = examine(path, self.problem_of)
            digests.update(self._examined[path].digest.encode())
        return digests.hexdigest()


def _gone(path: Path) -> FileNotFoundError:
    return FileNotFoundError(f"'{path}' was there when the task was loaded and is gone: load it again")
