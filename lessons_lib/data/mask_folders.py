"""Pictures with masks in PNG files: palette or grey, a pixel's number is its class, 255 where it has none."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lessons_lib.data.kinds import is_hidden, is_picture
from lessons_lib.data.pictures import FileImages, sound_ones
from lessons_lib.data.split import Split
from lessons_lib.data.targets import IGNORE, Masks
from lessons_lib.suggest import listed
from lessons_lib.templates import check_classnames

IMAGES, MASKS, NAMES = "images", "masks", "classnames.json"


def holds_masks(folder: Path) -> bool:
    """Whether pictures and masks lie in it, each in a folder of their own."""
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def read_masks(folder: Path, *, skip_unreadable: bool = False, progress: bool = True) -> Split:
    """The pictures in images/ with the masks of the same names in masks/.

    classnames.json, in the folder or the one above, is a list: the name of class 0, of class 1, …; "background" is the
    name of what shows none of the others.
    Raises ValueError for a picture without its mask or the other way round, for masks of another size than their
    picture, in colours, or with a number that has no name, and for what cannot be read.
    """
    names = _names(folder)
    files = [path for path in _files(folder / IMAGES) if is_picture(path)]
    pictures = {path.stem: path for path in files}
    if twice := [path.name for path in files if pictures[path.stem] != path]:
        raise ValueError(f"pictures of '{folder}' share their name but for the ending, and so a mask: {listed(twice)}")
    masks = {path.stem: path for path in _files(folder / MASKS) if path.suffix.lower() == ".png"}
    for these, others, what in ((pictures, masks, "no mask"), (masks, pictures, "no picture")):
        if alone := [path.name for stem, path in these.items() if stem not in others]:
            raise ValueError(f"{len(alone)} file(s) of '{folder}' have {what} of the same name: {listed(alone)}")
    if not pictures:
        raise ValueError(f"there are no pictures in '{folder / IMAGES}'")
    sound, examined = sound_ones(
        [pictures[stem] for stem in sorted(pictures)], folder, skip_unreadable=skip_unreadable, progress=progress
    )
    images = FileImages(sound, examined)
    read = [_mask(masks[path.stem], images.image(i).size, names) for i, path in enumerate(sound)]
    return Split(images, Masks(read), names)


def _mask(path: Path, size: tuple[int, int], names: list[str]) -> torch.Tensor:
    """(H, W) uint8."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.load()
            mode, found = image.mode, np.asarray(image)
            same = image.size == size
            given = image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"the mask '{path}' cannot be read ({error}): mend it, or remove it and its picture"
        ) from error
    if mode == "1":
        found = found.astype(np.uint8)
    if found.ndim != 2:
        raise ValueError(
            f"the mask '{path}' is in colours ({mode}): save masks as PNG with a palette, or grey, where a pixel's "
            "number is its class"
        )
    if not same:
        raise ValueError(
            f"the mask '{path}' is {given[0]} × {given[1]} pixels, its picture {size[0]} × {size[1]}: they must agree"
        )
    strange = sorted(set(np.unique(found).tolist()) - {*range(len(names)), IGNORE})
    if strange:
        raise ValueError(
            f"the mask '{path}' has the number {strange[0]}, but {NAMES} names {len(names)} classes, 0 to "
            f"{len(names) - 1} ({IGNORE}: of no class)"
        )
    return torch.from_numpy(found.astype(np.uint8))


def _names(folder: Path) -> list[str]:
    path = next((where / NAMES for where in (folder, folder.parent) if (where / NAMES).is_file()), None)
    if path is None:
        raise ValueError(
            f"'{folder}' has masks but no {NAMES}: write one there, a list of the classes' names from class 0 on, such "
            'as ["background", "cat", "dog"]'
        )
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"'{path}' is no JSON ({error})") from error
    if not isinstance(names, list):
        raise ValueError(f"'{path}' must be a list of names, from class 0 on")
    if len(names) > IGNORE:
        raise ValueError(f"'{path}' names {len(names)} classes; masks have room for {IGNORE}")
    return check_classnames(names)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not is_hidden(path))
