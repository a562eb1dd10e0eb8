"""A learner's own annotated pictures as splits: a folder with masks beside its pictures, or with boxes in COCO's JSON.

    my_masks/      classnames.json   images/…   masks/…        a mask is a PNG of its picture's name
    my_boxes/      annotations.json  images/…                  (or the pictures beside the JSON)

Either may stand once, and is then dealt into train, val and test, or below `train/`, `val/` and `test/`.
"""

from collections.abc import Callable
from pathlib import Path

from lessons_lib.data.class_folders import ROLES
from lessons_lib.data.coco import annotations_in, read_coco
from lessons_lib.data.fewshot import hold_out
from lessons_lib.data.mask_folders import holds_masks, read_masks
from lessons_lib.data.split import Split

Reader = Callable[..., Split]


def annotated_reader(root: Path) -> Reader | None:
    """What reads such a folder, or None where it is of another kind (one folder a class)."""
    for folder in (root, *_parts(root).values()):
        if holds_masks(folder):
            return read_masks
        if annotations_in(folder):
            return read_coco
    return None


def annotated_splits(root: Path, read: Reader, *, seed: int, **how) -> dict[str, Split]:
    """ "train", "val" and "test"; what is not there is held out of train: 30 % for test, 20 % for val.

    Raises ValueError where the parts have other classes, or there are too few pictures.
    """
    parts = {role: read(folder, **how) for role, folder in _parts(root).items()} or {"train": read(root, **how)}
    if "train" not in parts:
        raise ValueError(f"'{root}' has {' and '.join(f'{role}/' for role in parts)} but no train/")
    for role, split in parts.items():
        if split.classnames != parts["train"].classnames:
            raise ValueError(f"train and {role} of '{root}' have different classes, or in another order")
    whole = parts["train"]
    lacking = {role: role not in parts for role in ("val", "test")}
    if any(lacking.values()):
        rows = hold_out(len(whole), **lacking, seed=seed, classname=root.name)
        parts = {role: whole.subset(some) for role, some in rows.items() if some} | {
            role: split for role, split in parts.items() if role != "train"
        }
    for role, split in parts.items():
        if not len(split):
            raise ValueError(f"the {role} part of '{root}' has no pictures with anything to learn from")
    return {role: parts[role] for role in ("train", "val", "test")}


def _parts(root: Path) -> dict[str, Path]:
    if not root.is_dir():
        return {}
    folders = {folder.name.lower(): folder for folder in sorted(root.iterdir()) if folder.is_dir()}
    found = {role: next((folders[name] for name in names if name in folders), None) for role, names in ROLES.items()}
    parts = {role: folder for role, folder in found.items() if folder is not None}
    return parts if any(holds_masks(folder) or annotations_in(folder) for folder in parts.values()) else {}
