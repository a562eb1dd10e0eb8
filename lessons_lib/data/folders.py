"""A learner's own photos: one folder a class, or train/, val/ and test/ above them."""

import json
import re
import warnings
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

from lessons_lib.data.fewshot import hold_out
from lessons_lib.data.pictures import EXTENSIONS, Examined, FileImages, examine_all
from lessons_lib.data.split import Split
from lessons_lib.files import cache_dir

# The names under which the three parts go, in lower case.
ROLES = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
CLASSNAMES_FILE = "classnames.json"

Classes = dict[str, list[Path]]  # class folder's name -> its image files


def folder_splits(root: Path, *, seed: int, skip_unreadable: bool, progress: bool) -> dict[str, Split]:
    """The photos under ``root`` as "train", "val" and "test"; rules and errors as in :func:`lessons_lib.load_task`."""
    root = root.absolute()
    if not root.exists():
        raise FileNotFoundError(f"there is no folder '{root}'")
    if not root.is_dir():
        raise NotADirectoryError(f"'{root}' is a file; give the folder of images (unpacked, where it is an archive)")
    parts = _find_parts(root)
    _check_classes(root, parts)
    folders = list(parts["train"])
    classnames = _classnames(root, folders)
    paths = [path for part in parts.values() for files in part.values() for path in files]
    memory = cache_dir() / "folders" / f"{sha256(str(root).encode()).hexdigest()[:32]}.json"
    examined = examine_all(paths, memory=memory, progress=progress)
    parts = _without_unreadable(root, parts, examined, skip_unreadable=skip_unreadable)
    _warn_of_repeats(root, parts, examined)
    parts = _complete(parts, dict(zip(folders, classnames, strict=True)), seed=seed)
    return {
        role: Split(
            FileImages([path for folder in folders for path in part[folder]], examined),
            [label for label, folder in enumerate(folders) for _ in part[folder]],
            classnames,
        )
        for role, part in parts.items()
    }


def natural_order(name: str) -> tuple:
    """Sort key: numbers inside names count as numbers, and case does not count."""
    pieces = re.split(r"(\d+)", name.casefold())
    return ([int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], name)


def _visible(folder: Path, *, folders: bool) -> list[Path]:
    """The folders, or the image files, of a folder in natural order, without hidden ones."""
    entries = (entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name != "__MACOSX")
    kept = (entry for entry in entries if (entry.is_dir() if folders else _is_image(entry)))
    return sorted(kept, key=lambda entry: natural_order(entry.name))


def _is_image(entry: Path) -> bool:
    return entry.suffix.lower() in EXTENSIONS and not entry.is_dir()


def _find_parts(root: Path) -> dict[str, Classes]:
    """{"train": classes, …} as the folder brings them; a folder without parts is all "train"."""
    found: dict[str, Path] = {}
    others = []
    for folder in _visible(root, folders=True):
        role = next((role for role, names in ROLES.items() if folder.name.lower() in names), None)
        # A class may itself be called "train": it then holds images, not folders.
        if role is None or not _visible(folder, folders=True):
            others.append(folder.name)
        elif role in found:
            raise ValueError(f"'{root}' has both {found[role].name}/ and {folder.name}/: keep one of them")
        else:
            found[role] = folder
    stray = [path.name for path in _visible(root, folders=False)]
    if not found:
        parts = {"train": _classes(root)}
    elif "train" not in found:
        names = " and ".join(f"{folder.name}/" for folder in found.values())
        raise ValueError(f"'{root}' has {names} but no train/ with one folder a class in it")
    else:
        parts = {role: _classes(found[role]) for role in ROLES if role in found}
        stray += [f"{name}/" for name in others]
    if not any(files for part in parts.values() for files in part.values()):
        where = "they must lie in one folder a class" if stray else f"looked for {', '.join(EXTENSIONS)} in its folders"
        raise ValueError(f"no images in class folders under '{root}': {where}{_what_is_there(root)}")
    if stray:
        warnings.warn(f"ignored beside the folders in '{root}': {_listed(stray)}", stacklevel=4)
    return parts


def _classes(folder: Path) -> Classes:
    return {sub.name: _visible(sub, folders=False) for sub in _visible(folder, folders=True)}


def _what_is_there(folder: Path) -> str:
    """ "; it holds files of other kinds (.heic)", to help where no image was found."""
    kinds = sorted({path.suffix.lower() or path.name for path in folder.rglob("*") if path.is_file()})
    return f"; there are files of these kinds: {_listed(kinds)}" if kinds else "; it is empty"


def _check_classes(root: Path, parts: dict[str, Classes]) -> None:
    """Raises ValueError for parts with other classes than train's, an empty class folder, or a single class."""
    train = parts["train"]
    for role, part in parts.items():
        missing, extra = [n for n in train if n not in part], [n for n in part if n not in train]
        if missing or extra:
            sides = [f"only in train: {_listed(missing)}"] * bool(missing) + [
                f"only in {role}: {_listed(extra)}"
            ] * bool(extra)
            raise ValueError(f"train and {role} of '{root}' have different classes ({'; '.join(sides)})")
        for name, files in part.items():
            if not files:
                where = name if parts.keys() == {"train"} else f"{role}/{name}"
                raise ValueError(
                    f"class folder '{where}' of '{root}' holds no readable images ({', '.join(EXTENSIONS)}): "
                    "add some, or remove the folder"
                )
    if len(train) < 2:
        raise ValueError(f"'{root}' has one class, {next(iter(train))!r}: a task needs at least two, one folder each")


def _classnames(root: Path, folders: list[str]) -> list[str]:
    """A name a class folder. Raises ValueError for names that are empty, or the same but for case and spaces."""
    file = root / CLASSNAMES_FILE
    if file.exists():
        given = _read_classnames(file, folders)
    else:
        given = [re.sub(r"[_\-]", " ", folder) for folder in folders]
    names = [" ".join(name.split()) for name in given]
    owner: dict[str, str] = {}
    for folder, name in zip(folders, names, strict=True):
        if not name:
            raise ValueError(
                f"the class name of folder '{folder}' is empty; rename it, or name it in {CLASSNAMES_FILE}"
            )
        if name.casefold() in owner:  # the tokenizer lowers case: both would be the same prompt
            raise ValueError(
                f"folders '{owner[name.casefold()]}' and '{folder}' have the same class name {name!r}; "
                f"rename one, or name them in {CLASSNAMES_FILE}"
            )
        owner[name.casefold()] = folder
    return names


def _read_classnames(file: Path, folders: list[str]) -> list[str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"'{file}' is not valid JSON: {error}") from error
    if isinstance(content, dict):
        if missing := [folder for folder in folders if folder not in content]:
            raise ValueError(f"'{file}' has no name for the class folders {_listed(missing)}")
        names = [content[folder] for folder in folders]
    elif isinstance(content, list):
        if len(content) != len(folders):
            raise ValueError(
                f"'{file}' lists {len(content)} names for {len(folders)} class folders: {_listed(folders)}"
            )
        names = content
    else:
        raise ValueError(f"'{file}' must hold {{folder: name, …}} or a list of names, not {type(content).__name__}")
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ValueError(f"'{file}': class names must be strings; {wrong[0]!r} is not")
    return names


def _without_unreadable(
    root: Path, parts: dict[str, Classes], examined: dict[Path, Examined], *, skip_unreadable: bool
) -> dict[str, Classes]:
    damaged = {path: seen.problem for path, seen in examined.items() if seen.problem}
    if not damaged:
        return parts
    named = _listed([f"{path.relative_to(root).as_posix()} ({problem})" for path, problem in damaged.items()])
    found = f"{len(damaged)} unreadable image file(s) in '{root}': {named}"
    if not skip_unreadable:
        raise ValueError(f"{found}. Mend or remove them, or leave them out with skip_unreadable=True")
    warnings.warn(f"left out {found}", stacklevel=4)
    sound = {
        role: {name: [path for path in files if path not in damaged] for name, files in part.items()}
        for role, part in parts.items()
    }
    _check_classes(root, sound)
    return sound


def _warn_of_repeats(root: Path, parts: dict[str, Classes], examined: dict[Path, Examined]) -> None:
    """The same photo twice may end in both train and test, or under two labels."""
    by_digest = defaultdict(list)
    for part in parts.values():
        for files in part.values():
            for path in files:
                by_digest[examined[path].digest].append(path.relative_to(root).as_posix())
    repeats = [" = ".join(same) for same in by_digest.values() if len(same) > 1]
    if repeats:
        warnings.warn(
            f"the same photo lies in several places of '{root}': {_listed(repeats)}. "
            "Where one copy is trained on and another tested on, the result flatters",
            stacklevel=4,
        )


def _complete(parts: dict[str, Classes], classnames: dict[str, str], *, seed: int) -> dict[str, Classes]:
    """Takes a missing test or val part out of each class of train."""
    missing = {"val": "val" not in parts, "test": "test" not in parts}
    if not any(missing.values()):
        return parts
    done: dict[str, Classes] = {role: dict(parts.get(role, {})) for role in ROLES}
    for folder, files in parts["train"].items():
        for role, places in hold_out(len(files), **missing, seed=seed, classname=classnames[folder]).items():
            if role == "train" or missing[role]:
                done[role][folder] = [files[place] for place in places]
    return done


def _listed(items: list[str], most: int = 10) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
