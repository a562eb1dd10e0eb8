"""Boxes in COCO's JSON, read by COCO's own pycocotools (pip install 'lessons_lib[boxes]')."""

import contextlib
import io
import json
import warnings
from pathlib import Path

import torch
from PIL import Image

from lessons_lib.data.boxes import Boxes, check_boxes
from lessons_lib.data.pictures import FileImages, sound_ones
from lessons_lib.data.split import Split
from lessons_lib.suggest import listed
from lessons_lib.templates import check_classnames

NAMES = ("annotations.json", "_annotations.coco.json", "instances.json")
ROUNDING = 1.0  # pixels that a box may reach beyond its picture, and is cut by


def annotations_in(folder: Path) -> Path | None:
    """The folder's JSON of boxes, where it has one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read_coco(folder: Path, *, skip_unreadable: bool = False, progress: bool = True) -> Split:
    """The pictures that the JSON lists, beside it or in images/, with their boxes; classes in the order of their ids.

    Boxes around crowds ("iscrowd") are left out, with a warning that counts them; boxes of several pictures with none
    are kept. Raises ValueError for what is no such JSON, pictures that are missing, damaged or of another size than it
    says, a box of no area or outside its picture, and a class that is not in its list; ImportError without pycocotools.
    """
    path = annotations_in(folder)
    index = _index(path)
    categories = sorted(index.dataset["categories"], key=lambda one: one["id"])
    names = check_classnames([one["name"] for one in categories])
    label_of = {one["id"]: label for label, one in enumerate(categories)}
    pictures = [index.imgs[number] for number in sorted(index.imgs)]
    places = {}
    for one in pictures:
        tried = [where / one["file_name"] for where in (folder, folder / "images")]
        places[one["id"]] = next((place for place in tried if place.is_file()), None)
    if missing := [one["file_name"] for one in pictures if places[one["id"]] is None]:
        raise ValueError(f"{len(missing)} picture(s) that '{path}' lists are not in '{folder}': {listed(missing)}")
    sound, examined = sound_ones(list(places.values()), folder, skip_unreadable=skip_unreadable, progress=progress)
    pictures = [one for one in pictures if places[one["id"]] in set(sound)]
    boxes, labels, sizes, crowds = [], [], [], 0
    for one in pictures:
        sizes.append(_size(places[one["id"]], one, path))
        told = index.imgToAnns[one["id"]]
        crowds += sum(bool(each.get("iscrowd")) for each in told)
        told = [each for each in told if not each.get("iscrowd")]
        for each in told:
            if each["category_id"] not in label_of:
                raise ValueError(f"'{path}': annotation {each['id']} is of category {each['category_id']}, not listed")
        boxes.append(_corners(told, sizes[-1], f"'{one['file_name']}' in '{path}'"))
        labels.append(torch.tensor([label_of[each["category_id"]] for each in told], dtype=torch.long))
    if crowds:
        warnings.warn(f"left out {crowds} box(es) around crowds in '{path}'", stacklevel=4)
    return Split(FileImages([places[one["id"]] for one in pictures], examined), Boxes(boxes, labels, sizes), names)


def _corners(told: list[dict], size: tuple[int, int], of: str) -> torch.Tensor:
    """(n, 4): left, top, right, bottom, of left, top, width, height."""
    found = torch.tensor([each["bbox"] for each in told], dtype=torch.float32).reshape(-1, 4)
    found[:, 2:] += found[:, :2]
    bounds = torch.tensor([*size[::-1], *size[::-1]], dtype=torch.float32)
    inside = found.clamp(min=torch.zeros(4), max=bounds)
    found = torch.where((inside - found).abs() <= ROUNDING, inside, found)
    check_boxes(found, size, of)
    return found


def _size(place: Path, one: dict, path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture. Raises ValueError where the JSON says otherwise."""
    with Image.open(place) as image:
        turned = image.getexif().get(0x0112, 1) >= 5
        width, height = image.size[::-1] if turned else image.size
    said = one.get("width", width), one.get("height", height)
    if said != (width, height):
        raise ValueError(
            f"'{path}' says that {one['file_name']} is {said[0]} × {said[1]} pixels, but it is {width} × {height}: "
            "boxes would lie in the wrong place"
        )
    return height, width


def _index(path: Path):
    try:
        from pycocotools.coco import COCO
    except ImportError as error:
        raise ImportError(f"reading '{path}' takes pycocotools: pip install 'lessons_lib[boxes]'") from error
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"'{path}' is no JSON ({error})") from error
    keys = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in keys):
        raise ValueError(f"'{path}' is not COCO's JSON: it needs the lists {', '.join(keys)}")
    index = COCO()
    index.dataset = content
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            index.createIndex()
        _ = [each["bbox"][3] for each in content["annotations"]]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"'{path}' is not COCO's JSON of boxes: an entry has no {error}") from error
    return index
