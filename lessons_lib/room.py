"""What fits into memory at once: where a part does not, it is halved, and the work goes on."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from tqdm.auto import tqdm

NO_ROOM = ("not enough memory", "allocate memory", "out of memory")  # torch on a CPU, on one with Windows, on MPS


def out_of_memory(error: BaseException) -> bool:
    """Whether this is what Python or torch raise where there is not enough memory."""
    said = isinstance(error, RuntimeError) and any(words in str(error) for words in NO_ROOM)
    return said or isinstance(error, MemoryError | torch.OutOfMemoryError)


class Room:
    """How many rows are computed at once; fewer from then on where so many did not fit.

        for rows in room.parts(len(images)):
            with room.tried(rows):
                features[rows] = encode(images[rows])

    What is done within `tried` is done again, for half the rows, where it runs out of memory; its last step alone may
    change anything. A halving is said, in a warning. One row that does not fit raises MemoryError.

    size: rows.   what: they are, such as "images". Raises ValueError for a size below 1.
    """

    def __init__(self, size: int, what: str):
        if size < 1:
            raise ValueError(f"batch_size={size} must be at least 1")
        self.size, self.what = size, what

    def parts(self, count: int, *, progress: bool = False) -> Iterator[slice]:
        """Slices that cover range(count), with a bar if asked for."""
        start = 0
        with tqdm(total=count, unit=f" {self.what}", disable=not progress, leave=False) as bar:
            while start < count:
                stop, self._fits = min(start + self.size, count), True
                yield slice(start, stop)
                if self._fits:
                    bar.update(stop - start)
                    start = stop

    @contextmanager
    def tried(self, rows: slice) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not out_of_memory(error):
                raise
            if (count := rows.stop - rows.start) == 1:
                raise MemoryError(f"one of the {self.what} alone does not fit into memory ({error})") from error
            self._fits, self.size = False, count // 2
            said = f"{count} {self.what} at once do not fit into memory: going on with {self.size}"
            warnings.warn(said, stacklevel=3)


class Rooms:
    """Of one device, by what is computed there: each remembers how many of it fit.   at_once: rows to begin with."""

    def __init__(self, at_once: int):
        self.at_once = at_once
        self._known: dict[str, Room] = {}

    def __call__(self, what: str, size: int | None = None) -> Room:
        """what: "images", say.   size: rows at once, if the caller decides."""
        if size is not None:
            return Room(size, what)
        return self._known.setdefault(what, Room(self.at_once, what))
