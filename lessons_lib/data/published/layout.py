"""Where the images of a data set lie, when they do not lie where its list says: layouts that others make.

An archive unpacked into a folder of its own name (cars_train/cars_train/), a set without its folder of images or with
one more around it, names whose letters a Mac takes apart. Only folders are listed; no file is opened.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lessons_lib.data.published.record import Listing
from lessons_lib.templates import composed


def as_it_lies(folder: Path, listing: Listing) -> Listing:
    """The listing with the paths under which its images are found; those that are found nowhere stay as they are."""
    places = [(part, at) for part, names in listing.names.items() for at in range(len(names))]
    by_sub: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for part, at in places:
        by_sub[listing.names[part][at].rpartition("/")[0]].append((part, at))
    found = Listing(listing.classnames, {part: list(names) for part, names in listing.names.items()}, listing.labels)
    here = cache(_names_in)
    for sub, of_sub in by_sub.items():
        files = {composed(listing.names[part][at].rpartition("/")[2]) for part, at in of_sub}
        there = next((other for other in _elsewhere(folder, sub) if not files.isdisjoint(here(folder / other))), None)
        if there is None:
            continue
        for part, at in of_sub:
            name = listing.names[part][at].rpartition("/")[2]
            found.names[part][at] = "/".join(filter(None, (there, here(folder / there).get(composed(name), name))))
    return found


def _names_in(folder: Path) -> dict[str, str]:
    """{name as names are compared: name}; nothing for a folder that is not there."""
    return {composed(name): name for name in os.listdir(folder)} if folder.is_dir() else {}


def _elsewhere(folder: Path, sub: str) -> Iterator[str]:
    """Where a folder of images may be: where it should, doubled, without the folder above, inside one more."""
    steps = sub.split("/") if sub else []
    yield sub
    for at, step in enumerate(steps):
        yield "/".join([*steps[: at + 1], step, *steps[at + 1 :]])
    if steps:
        yield "/".join(steps[1:])
    yield from (f"{around.name}/{sub}".rstrip("/") for around in sorted(folder.iterdir()) if around.is_dir())
