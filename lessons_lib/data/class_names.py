"""What the classes of a folder are called: as classnames.json says, or the folders; WordNet's ids by their words."""

import re
import warnings
from importlib.util import find_spec
from pathlib import Path

from open_clip import IMAGENET_CLASSNAMES

from lessons_lib.files import from_json
from lessons_lib.suggest import listed
from lessons_lib.templates import as_clip_reads, composed

CLASSNAMES_FILE = "classnames.json"
WNID = re.compile(r"n\d{8}")  # "n01440764"


def class_names(root: Path, folders: list[str]) -> list[str]:
    """A name a class folder, as `load_task` says. Warns of names that are no words.

    Raises ValueError for names that are empty, for two that CLIP reads as the same text, and for a classnames.json that
    does not name the folders.
    """
    file = root / CLASSNAMES_FILE
    if file.is_file():
        given = _read_classnames(file, folders)
    else:
        words = _words_of([folder for folder in folders if WNID.fullmatch(folder)])
        given = [words.get(folder) or re.sub(r"[_\-]", " ", folder) for folder in folders]
    names = [" ".join(composed(name).split()) for name in given]
    owner: dict[tuple[int, ...], str] = {}
    for folder, name in zip(folders, names, strict=True):
        read = as_clip_reads(name)
        if not read:
            raise ValueError(
                f"the class name of folder '{folder}' is empty; rename it, or name it in {CLASSNAMES_FILE}"
            )
        if read in owner:
            raise ValueError(
                f"folders '{owner[read]}' and '{folder}' have the same class name {name!r}, as CLIP reads it; "
                f"rename one, or name them in {CLASSNAMES_FILE}"
            )
        owner[read] = folder
    _warn_of_ids(root, names)
    return names


def _words_of(wnids: list[str]) -> dict[str, str]:
    """WordNet's ids with their words: CLIP's own names of ImageNet's classes, WordNet's first word for others, and for
    two that would be called the same. Both come from lists that timm has, which open_clip brings; {} without it."""
    lists = find_spec("timm") if wnids else None
    if lists is None:
        return {}
    folder = Path(lists.submodule_search_locations[0]) / "data" / "_info"
    try:
        lines = (folder / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
        ids = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    except OSError:
        return {}
    first = {wnid: lemmas.partition(",")[0].strip() for wnid, _, lemmas in (line.partition("\t") for line in lines)}
    words = {**first, **dict(zip(ids, IMAGENET_CLASSNAMES))}
    found = {wnid: words[wnid] for wnid in wnids if wnid in words}
    said = list(found.values())
    found = {wnid: first.get(wnid, word) if said.count(word) > 1 else word for wnid, word in found.items()}
    if found:
        shown = listed([f"{wnid} {word!r}" for wnid, word in found.items()], most=5)
        warnings.warn(
            f"{len(found)} class folders are called by WordNet's ids, and their classes by its words: {shown}. "
            f"{CLASSNAMES_FILE} in the folder can name them otherwise",
            stacklevel=5,
        )
    return found


def _warn_of_ids(root: Path, names: list[str]) -> None:
    ids = [repr(name) for name in names if WNID.fullmatch(name) or not any(letter.isalpha() for letter in name)]
    if ids:
        warnings.warn(
            f"class names of '{root}' that are no words, of which CLIP knows nothing: {listed(ids)}. Say what they are "
            f'in {CLASSNAMES_FILE} in the folder: {{"folder": "name", …}}',
            stacklevel=5,
        )


def _read_classnames(file: Path, folders: list[str]) -> list[str]:
    try:
        content = from_json(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"'{file}' is not valid JSON: {error}") from error
    if isinstance(content, dict):
        content = {composed(folder): name for folder, name in content.items()}
        if missing := [folder for folder in folders if folder not in content]:
            raise ValueError(f"'{file}' has no name for the class folders {listed(missing)}")
        names = [content[folder] for folder in folders]
    elif isinstance(content, list):
        if len(content) != len(folders):
            raise ValueError(f"'{file}' lists {len(content)} names for {len(folders)} class folders: {listed(folders)}")
        names = content
    else:
        raise ValueError(f"'{file}' must hold {{folder: name, …}} or a list of names, not {type(content).__name__}")
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ValueError(f"'{file}': class names must be strings; {wrong[0]!r} is not")
    return names
