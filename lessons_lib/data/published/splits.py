"""Published data sets as splits, and whether one is complete on this disk."""

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from lessons_lib.data.pictures import examine_all
from lessons_lib.data.published import PUBLISHED, data_root, how_to_get
from lessons_lib.data.published.images import Digests, PublishedImages
from lessons_lib.data.published.layout import as_it_lies
from lessons_lib.data.published.readers import missing_images
from lessons_lib.data.published.record import Listing
from lessons_lib.data.split import Split
from lessons_lib.data.task import Task
from lessons_lib.files import expanded
from lessons_lib.suggest import listed


def published_splits(
    name: str, *, root: str | os.PathLike | None, seed: int, skip_unreadable: bool, progress: bool
) -> dict[str, Split]:
    """ "train", "val" and "test" of a published data set; rules and errors as in :func:`lessons_lib.load_task`."""
    spec = PUBLISHED[name]
    if seed and not spec.lends_val:
        raise ValueError(f"{spec.title} has one published split: leave pool_seed=0 (it was {seed})")
    root = data_root(name, root)
    folder = root / spec.folder
    try:
        listing = spec.read(spec, folder, seed=seed)
    except FileNotFoundError as error:
        advice = how_to_get(name, root)
        raise FileNotFoundError(f"{spec.title} is not complete: {str(error).rstrip('.')}. {advice}") from None
    if missing_images(folder, listing):
        listing = as_it_lies(folder, listing)
    if skip_unreadable:
        listing = _readable(folder, listing, progress=progress)
    elif missing := missing_images(folder, listing):
        total = sum(map(len, listing.names.values()))
        raise FileNotFoundError(
            f"{len(missing):,} of the {total:,} images of {spec.title} are not in '{folder}': {listed(missing)}. "
            f"{how_to_get(name, root)} Or leave them out with skip_unreadable=True"
        )
    digests = Digests(folder, progress=progress)
    return {
        part: Split(PublishedImages(folder, listing.names[part], digests), listing.labels[part], listing.classnames)
        for part in ("train", "val", "test")
    }


def _readable(folder: Path, listing: Listing, *, progress: bool) -> Listing:
    """The listing without the files that are missing or damaged, which a warning names. Opens every file once.

    Raises ValueError where a class, or all, would have no image left.
    """
    every = [name for names in listing.names.values() for name in names]
    bad = _damaged(folder, every, progress=progress)
    if not bad:
        return listing
    warnings.warn(
        f"left out {len(bad):,} of the {len(every):,} images in '{folder}', which are missing or damaged: "
        f"{listed(list(bad.values()))}. "
        "Results on what is left do not compare with published ones",
        stacklevel=4,
    )
    kept = Listing(listing.classnames)
    for part, names in listing.names.items():
        for name, label in zip(names, listing.labels[part], strict=True):
            if name not in bad:
                kept.add(part, name, label)
    if len(bad) == len(set(every)):
        raise FileNotFoundError(
            f"none of the {len(bad):,} images is in '{folder}': {listed(list(bad.values()), most=3)}"
        )
    for part, labels in listing.labels.items():
        if empty := sorted(set(labels) - set(kept.labels[part])):
            classes = listed([repr(listing.classnames[label]) for label in empty])
            raise ValueError(f"in '{folder}', {part} has no sound image left of {classes}: mend or fetch some again")
    return kept


def check_pictures(task: Task) -> None:
    """Raises ValueError that names the damaged images of a published set, each opened once and remembered. Nothing is
    done for other tasks: folders are looked at when they are loaded."""
    images = [split.images for split in (task.pool, task.val_pool, task.test)]
    if not isinstance(images[0], PublishedImages):
        return
    names = [name for part in images for name in part.names]
    if bad := _damaged(images[0].folder, names, progress=False):
        raise ValueError(
            f"{len(bad):,} of the {len(names):,} images of {task.name} in '{images[0].folder}' are damaged: "
            f"{listed(list(bad.values()))}. Fetch the set again, or leave them out with skip_unreadable"
        )


def _damaged(folder: Path, names: list[str], *, progress: bool) -> dict[str, str]:
    """{name: "name (what is wrong with it)"}"""
    memory = Digests(folder).memory.with_suffix(".examined.json")
    seen = examine_all([folder / name for name in names], memory=memory, progress=progress)
    return {name: f"{name} ({problem})" for name in names if (problem := seen[folder / name].problem)}


@dataclass
class Counted:
    """What `verify` found. `problems` is empty where the set is complete and as published."""

    name: str
    folder: Path
    classes: int = 0
    images: dict[str, int] = field(default_factory=dict)  # split -> on the disk
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        title = PUBLISHED[self.name].title
        counts = ", ".join(f"{part} {count:,}" for part, count in self.images.items() if count)
        about = f"{self.classes:,} classes, {counts or 'no images'}" if self.classes else "not there"
        head = f"{title}: {'complete' if not self.problems else 'NOT COMPLETE'} in '{self.folder}' ({about})"
        return "\n  ".join([head, *self.problems])


def verify(name: str, root: str | os.PathLike | None = None) -> Counted:
    """Counts the files and the classes of a data set, and names what is missing. Opens no image, raises nothing."""
    spec = PUBLISHED[name]
    try:
        report = Counted(name, data_root(name, root) / spec.folder)
        listing = spec.read(spec, report.folder, seed=0)
        if missing_images(report.folder, listing):
            listing = as_it_lies(report.folder, listing)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        place = expanded(root).absolute() / spec.folder if root else Path(spec.folder)
        return Counted(name, place, problems=[str(error)])
    report.classes, report.missing = len(listing.classnames), missing_images(report.folder, listing)
    gone = set(report.missing)
    report.images = {part: sum(n not in gone for n in names) for part, names in listing.names.items()}
    if gone:
        total = sum(map(len, listing.names.values()))
        report.problems.append(f"{len(gone):,} of {total:,} images are missing: {listed(report.missing)}")
    if report.classes != spec.classes:
        report.problems.append(f"{report.classes} classes; published were {spec.classes}")
    sizes = tuple(map(len, (listing.names[part] for part in ("train", "val", "test"))))
    if spec.lends_val:
        sizes = (sizes[0] + sizes[1], 0, sizes[2])
    for part, count, published in zip(("train", "val", "test"), sizes, spec.sizes):
        if count != published:
            report.problems.append(f"{part} lists {count:,} images; published were {published:,}")
    return report
