"""Which images of a published data set belong to train, val and test: read from the files that it comes with.

Every reader is given the set's record and its folder, and returns a :class:`Listing`. Nothing is opened but
the lists themselves; whether the images are there is looked up folder by folder.
"""

import os
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath

from lessons_lib.data.class_names import WNID
from lessons_lib.data.fewshot import shuffled
from lessons_lib.data.kinds import EXTENSIONS
from lessons_lib.data.published.record import DataSet, Listing
from lessons_lib.files import from_json
from lessons_lib.suggest import listed
from lessons_lib.templates import read_alike, spoken

IMAGENET_CLASSES = 1000
MOST_VAL = 50  # images a class that ImageNet's training images lend to validation
# Two pairs of ImageNet's 1000 classes share a name in CLIP's list, and so would share a prompt. One of each pair is
# called by its first WordNet lemma instead.
LEMMAS = {"n04008634": "projectile", "n04355933": "sunglass"}


def missing_images(folder: Path, listing: Listing) -> list[str]:
    """The listed images that are not on the disk, in order. Each folder is listed once; no file is opened."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for names in listing.names.values():
        for name in names:
            by_folder[name.rpartition("/")[0]].append(name)
    gone = set()
    for sub, names in by_folder.items():
        here = set(os.listdir(folder / sub)) if (folder / sub).is_dir() else set()
        gone.update(name for name in names if name.rpartition("/")[2] not in here)
    return [name for names in listing.names.values() for name in names if name in gone] if gone else []


def read_split(spec: DataSet, folder: Path, *, seed: int) -> Listing:
    """A fixed split: {"train": [[path under the images' folder, label, class name], …], "val": …, "test": …}."""
    file = folder / spec.listing
    try:
        content = from_json(_text(file))
        parts = {part: [(_slashes(path), int(label), name) for path, label, name in content[part]] for part in _PARTS}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"'{file}' is damaged, or not a split file ({error}): remove it and fetch it again") from error
    names_of: dict[int, set[str]] = defaultdict(set)
    for items in parts.values():
        for path, label, name in items:
            _check_inside(path, file)
            names_of[label].add(spoken(name))
    if sorted(names_of) != list(range(len(names_of))) or not names_of:
        raise ValueError(f"'{file}' is damaged: its labels are not 0, 1, 2, … without a gap")
    if several := {label: names for label, names in names_of.items() if len(names) > 1}:
        label, names = next(iter(several.items()))
        raise ValueError(f"'{file}' is damaged: class {label} has several names, {', '.join(map(repr, sorted(names)))}")
    listing = Listing(_unique([names_of[label].pop() for label in range(len(names_of))], file))
    below = "" if spec.images == "." else f"{spec.images}/"
    for part, items in parts.items():
        for path, label, _ in items:
            listing.add(part, below + path, label)
    return listing


def read_aircraft(spec: DataSet, folder: Path, *, seed: int) -> Listing:
    """FGVC-Aircraft's own lists: variants.txt, and lines of "image id, variant" in images_variant_PART.txt."""
    file = folder / spec.listing
    variants = [line.strip() for line in _text(file).splitlines() if line.strip()]
    label_of = {variant: label for label, variant in enumerate(variants)}
    listing = Listing(_unique([spoken(variant) for variant in variants], file))
    for part in _PARTS:
        part_file = folder / f"images_variant_{part}.txt"
        for number, line in enumerate(_text(part_file).splitlines(), 1):
            image, _, variant = line.strip().partition(" ")
            if not image:
                continue
            if variant not in label_of:
                raise ValueError(f"'{part_file}', line {number}: {variant!r} is not in {spec.listing}: fetch it again")
            _check_inside(image, part_file)
            listing.add(part, f"{spec.images}/{image}.jpg", label_of[variant])
    return listing


def read_imagenet(spec: DataSet, folder: Path, *, seed: int) -> Listing:
    """images/train and images/val with one folder a class. The validation images are the test split, as everywhere.

    Settings are to be chosen on other images than are tested on: up to 50 training images a class are held out as val.
    """
    names = read_classnames(spec, folder)
    listing = Listing(list(names.values()))
    found = {part: _class_folders(folder, f"{spec.images}/{part}", list(names)) for part in ("train", "val")}
    for label, (wnid, name) in enumerate(names.items()):
        files = found["train"][wnid]
        n_val = min(MOST_VAL, len(files) // 5)
        held_out = set(shuffled(len(files), seed=seed, role="hold out", classname=name)[:n_val])
        for place, file in enumerate(files):
            listing.add("val" if place in held_out else "train", file, label)
        for file in found["val"][wnid]:
            listing.add("test", file, label)
    return listing


def read_folders(spec: DataSet, folder: Path, *, seed: int) -> Listing:
    """Test images in one folder a WordNet id; -A and -R have 200 of ImageNet's classes."""
    names = read_classnames(spec, folder)
    within = folder / spec.images
    wnids = sorted(entry for entry in _listed(within) if WNID.fullmatch(entry))
    if len(wnids) != spec.classes:
        absent = [wnid for wnid in names if wnid not in wnids] if spec.classes == len(names) else []
        which = f": {listed(absent)} are missing" if absent else ""
        raise FileNotFoundError(f"'{within}' has {len(wnids)} class folders of {spec.classes}{which}. Unpack it again")
    if unknown := [wnid for wnid in wnids if wnid not in names]:
        raise ValueError(f"classnames.txt has no name for the folders {listed(unknown)} of '{within}'")
    found = _class_folders(folder, spec.images, wnids)
    listing = Listing([names[wnid] for wnid in wnids])
    for label, wnid in enumerate(wnids):
        for file in found[wnid]:
            listing.add("test", file, label)
    return listing


def read_numbered(spec: DataSet, folder: Path, *, seed: int) -> Listing:
    """ImageNetV2: test images in folders 0 … 999, in the order of the WordNet ids."""
    names = read_classnames(spec, folder)
    numbers = [str(label) for label in range(len(names))]
    found = _class_folders(folder, spec.images, numbers)
    listing = Listing(list(names.values()))
    for label, number in enumerate(numbers):
        for file in found[number]:
            listing.add("test", file, label)
    return listing


_PARTS = ("train", "val", "test")


def read_classnames(spec: DataSet, folder: Path) -> dict[str, str]:
    """{WordNet id: name} in the order of the ids, from classnames.txt in the set's folder or, failing that, ImageNet's.

    Raises ValueError for a file that does not have a name for each of 1000 ids, or gives one name to several.
    """
    places = [folder / "classnames.txt", folder.parent / "imagenet" / "classnames.txt"]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        looked = " and ".join(f"'{place}'" for place in dict.fromkeys(places))
        raise FileNotFoundError(f"there is no classnames.txt: looked for {looked}")
    lines = [line.split(maxsplit=1) for line in _text(file).splitlines() if line.strip()]
    names = {wnid: spoken(rest[0]) for wnid, *rest in sorted(lines) if WNID.fullmatch(wnid) and rest}
    if len(names) != len(lines) or len(names) != IMAGENET_CLASSES:
        raise ValueError(
            f"'{file}' is damaged: {len(names)} of its {len(lines)} lines are a WordNet id and a name, each id once; "
            f"{IMAGENET_CLASSES} are needed"
        )
    times = Counter(names.values())
    names = {wnid: LEMMAS.get(wnid, name) if times[name] > 1 else name for wnid, name in names.items()}
    _unique(list(names.values()), file)
    return names


def _class_folders(folder: Path, within: str, wanted: list[str]) -> dict[str, list[str]]:
    """{class folder: its images' paths relative to `folder`, sorted}. Raises FileNotFoundError where any is missing."""
    here = set(_listed(folder / within))
    if absent := [name for name in wanted if name not in here]:
        flat = any(name.lower().endswith(EXTENSIONS) for name in here)
        why = " Its images lie beside each other: sort them into one folder a class" if flat else ""
        raise FileNotFoundError(
            f"'{folder / within}' lacks {len(absent)} of {len(wanted)} class folders: {listed(absent)}.{why}"
        )
    files = {name: sorted(os.listdir(folder / within / name)) for name in wanted}
    kept = {name: [f"{within}/{name}/{file}" for file in inside if _is_image(file)] for name, inside in files.items()}
    if empty := [name for name, inside in kept.items() if not inside]:
        raise FileNotFoundError(f"'{folder / within}' has no images in {len(empty)} class folders: {listed(empty)}")
    return kept


def _is_image(file: str) -> bool:
    return file.lower().endswith(EXTENSIONS) and not file.startswith(".")


def _listed(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder '{folder}'")
    return os.listdir(folder)


def _text(file: Path) -> str:
    if not file.is_file():
        raise FileNotFoundError(f"'{file}' is missing, which says what belongs to train, val and test")
    return file.read_text(encoding="utf-8-sig")


def _slashes(path: str) -> str:
    """A path as it is written on Windows, with slashes."""
    return path.replace("\\", "/") if isinstance(path, str) else path


def _check_inside(path: str, file: Path) -> None:
    """A list from the network must not name files outside the set's folder."""
    if not isinstance(path, str) or PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        raise ValueError(f"'{file}' names {path!r}, which is not a path inside the data set: fetch it again")
    if ".." in _slashes(path).split("/"):
        raise ValueError(f"'{file}' names {path!r}, which leads out of the data set: fetch it again")


def _unique(names: list[str], file: Path) -> list[str]:
    if repeated := read_alike(names):
        said = listed([" = ".join(group) for group in repeated])
        raise ValueError(f"'{file}' gives one name to several classes: {said}")
    return names
