"""The files of a published data set: opened when asked for, and never all read just to load a task."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from PIL import Image
from tqdm.auto import tqdm

from lessons_lib.data.pictures import open_picture, read_regular, stamp
from lessons_lib.files import cache_dir
from lessons_lib.sealed import recall, remember


class Digests:
    """SHA-256 of a folder's files, remembered from one run to the next; a file changed since is read again."""

    def __init__(self, folder: Path, *, progress: bool = True):
        self.folder, self.progress = folder, progress
        self._known: dict[str, tuple[tuple[int, int, int], str]] | None = None  # name -> stamp, digest

    @property
    def memory(self) -> Path:
        return cache_dir() / "digests" / f"{sha256(str(self.folder).encode()).hexdigest()[:32]}.json"

    def of(self, names: Iterable[str]) -> list[str]:
        """Hex, one a name. Raises FileNotFoundError for a file that is gone."""
        names = list(names)
        if self._known is None:
            self._known = self._recall()
        stamps = {name: stamp(self.folder / name) for name in names}
        new = [name for name, now in stamps.items() if self._known.get(name, (None,))[0] != now]
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
            found = threads.map(lambda name: _digest(self.folder / name), new)
            bar = tqdm(found, total=len(new), desc="reading images", delay=2, disable=not self.progress)
            self._known.update((name, (stamps[name], digest)) for name, digest in zip(new, bar))
        if new:
            remember(self.memory, {**self._recall(), **self._known})
        return [self._known[name][1] for name in names]

    def _recall(self) -> dict:
        try:
            return {name: (tuple(seen), str(digest)) for name, (seen, digest) in recall(self.memory).items()}
        except (ValueError, TypeError, AttributeError):  # none yet, or damaged: read again
            return {}


def _digest(file: Path) -> str:
    return sha256(read_regular(file)).hexdigest()


class PublishedImages:
    """Image files of one folder, by their names in it.

    names: N paths relative to `folder`, with forward slashes.   digests: shared by all subsets.
    """

    def __init__(self, folder: Path, names: list[str], digests: Digests | None = None):
        self.folder, self.names, self._digests = folder, names, digests or Digests(folder)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def paths(self) -> list[Path]:
        return [self.folder / name for name in self.names]

    def image(self, index: int) -> Image.Image:
        path = self.folder / self.names[index]
        try:
            return open_picture(path)
        except FileNotFoundError:
            raise FileNotFoundError(f"'{path}' was there when the task was loaded and is gone: load it again") from None
        except Exception as error:  # PIL's decoders raise nearly every kind
            raise ValueError(f"'{path}' cannot be read: {error}. Unpack or fetch the data set again") from error

    def subset(self, indices: list[int]) -> "PublishedImages":
        return PublishedImages(self.folder, [self.names[index] for index in indices], self._digests)

    def tensor(self) -> None:
        """None: files come in any size."""
        return None

    @property
    def fingerprint(self) -> str:
        """Over the files' bytes in order, wherever they lie."""
        digests = sha256()
        for digest in self._digests.of(self.names):
            digests.update(digest.encode())
        return digests.hexdigest()
