"""The published data sets in small, in their real layouts: a few made-up images, lists as the real ones are written."""

import io
import json
from pathlib import Path

from photo_folders import photo

from lessons_lib.data.published import PUBLISHED

PARTS = ("train", "val", "test")


def png(number: int) -> bytes:
    buffer = io.BytesIO()
    photo(number, width=4, height=3).save(buffer, "png")
    return buffer.getvalue()


PICTURES = [png(number) for number in range(40)]


def write(path: Path, number: int) -> None:
    """A picture under whatever name; the decoder goes by the content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PICTURES[number % len(PICTURES)])


def split_set(root: Path, name: str, classes: int = 4, counts: tuple = (6, 2, 3)) -> Path:
    """A set with a fixed split in JSON. Class names have the underscores that the published files have."""
    spec = PUBLISHED[name]
    folder = root / spec.folder
    split = {part: [] for part in PARTS}
    for part, count in zip(PARTS, counts):
        for label in range(classes):
            for place in range(count):
                path = f"Class{label}/{part}_{place}.jpg"
                split[part].append([path, label, f"class_{'abcdefgh'[label]}"])
                write(folder / spec.images / path, 10 * label + place)
    (folder / spec.listing).write_text(json.dumps(split))
    return root


def aircraft(root: Path, variants: tuple = ("707-320", "A310", "DC-10", "F-16A/B"), count: int = 3) -> Path:
    folder = root / "fgvc_aircraft"
    (folder / "images").mkdir(parents=True)
    (folder / "variants.txt").write_text("".join(f"{variant}\n" for variant in variants))
    for number, part in enumerate(PARTS):
        lines = []
        for label, variant in enumerate(variants):
            for place in range(count):
                image = f"{number}{label}{place}".zfill(7)
                lines.append(f"{image} {variant}\n")
                write(folder / "images" / f"{image}.jpg", 10 * label + place)
        (folder / f"images_variant_{part}.txt").write_text("".join(lines))
    return root


def wnid(label: int) -> str:
    return f"n{label + 1:08d}"


def classnames(folder: Path, named: dict[int, str] | None = None, count: int = 1000) -> Path:
    """classnames.txt with `count` lines; `named` says some of them otherwise than "thing 17"."""
    folder.mkdir(parents=True, exist_ok=True)
    named = named or {}
    lines = [f"{wnid(label)} {named.get(label, f'thing {label}')}\n" for label in range(count)]
    (folder / "classnames.txt").write_text("".join(lines))
    return folder / "classnames.txt"


def imagenet(root: Path, train: int = 6, test: int = 1) -> Path:
    folder = root / "imagenet"
    classnames(folder)
    for part, count in (("train", train), ("val", test)):
        for label in range(1000):
            for place in range(count):
                write(folder / "images" / part / wnid(label) / f"{wnid(label)}_{place}.JPEG", label + place)
    return root


def shift(root: Path, name: str, labels: list, count: int = 1) -> Path:
    """One of ImageNet's shifts, whose class folders are called `labels`; no classnames.txt of its own."""
    spec = PUBLISHED[name]
    for place, label in enumerate(labels):
        for image in range(count):
            write(root / spec.folder / spec.images / label / f"{image}.jpg", place + image)
    return root
