"""A learner's own photos, or sounds, as splits: named, looked at, and dealt into train, val and test where the folder
does not.
"""

import warnings
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

from lessons_lib.data.class_folders import ROLES, Classes, check_classes, find_parts
from lessons_lib.data.class_names import class_names
from lessons_lib.data.fewshot import hold_out
from lessons_lib.data.kinds import PICTURES, SOUNDS, Files, files_in
from lessons_lib.data.pictures import Examined, FileImages, examine_all
from lessons_lib.data.sounds import FileSounds
from lessons_lib.data.split import Split
from lessons_lib.data.targets import Labels, SoundLabels
from lessons_lib.files import cache_dir
from lessons_lib.suggest import listed


def folder_splits(root: Path, *, seed: int, skip_unreadable: bool, progress: bool) -> dict[str, Split]:
    """The photos, or sounds, under ``root`` as "train", "val" and "test"; rules and errors as in
    :func:`lessons_lib.load_task`."""
    root = root.absolute()
    if not root.exists():
        raise FileNotFoundError(f"there is no folder '{root}'")
    if not root.is_dir():
        raise NotADirectoryError(f"'{root}' is a file; give the folder of images (unpacked, where it is an archive)")
    of = files_in(root)
    images, targets = (FileSounds, SoundLabels) if of is SOUNDS else (FileImages, Labels)
    parts = find_parts(root, of)
    check_classes(root, parts, of)
    folders = list(parts["train"])
    classnames = class_names(root, folders)
    paths = [path for part in parts.values() for files in part.values() for path in files]
    memory = cache_dir() / "folders" / f"{sha256(str(root).encode()).hexdigest()[:32]}.json"
    examined = examine_all(paths, memory=memory, progress=progress, problem_of=images.problem_of)
    parts = _without_unreadable(root, parts, examined, of, skip_unreadable=skip_unreadable)
    _warn_of_repeats(root, parts, examined, of)
    parts = _complete(parts, dict(zip(folders, classnames, strict=True)), seed=seed)
    return {
        role: Split(
            images([path for folder in folders for path in part[folder]], examined),
            targets([label for label, folder in enumerate(folders) for _ in part[folder]]),
            classnames,
        )
        for role, part in parts.items()
    }


def _without_unreadable(
    root: Path, parts: dict[str, Classes], examined: dict[Path, Examined], of: Files, *, skip_unreadable: bool
) -> dict[str, Classes]:
    damaged = {path: seen.problem for path, seen in examined.items() if seen.problem}
    if not damaged:
        return parts
    named = listed([f"{path.relative_to(root).as_posix()} ({problem})" for path, problem in damaged.items()])
    found = f"{len(damaged)} unreadable {'image' if of is PICTURES else of.one} file(s) in '{root}': {named}"
    if not skip_unreadable:
        raise ValueError(f"{found}. Mend or remove them, or leave them out with skip_unreadable=True")
    warnings.warn(f"left out {found}", stacklevel=4)
    sound = {
        role: {name: [path for path in files if path not in damaged] for name, files in part.items()}
        for role, part in parts.items()
    }
    check_classes(root, sound, of)
    return sound


def _warn_of_repeats(root: Path, parts: dict[str, Classes], examined: dict[Path, Examined], of: Files) -> None:
    """The same file twice may end in both train and test, or under two labels."""
    by_digest = defaultdict(list)
    for part in parts.values():
        for files in part.values():
            for path in files:
                by_digest[examined[path].digest].append(path.relative_to(root).as_posix())
    repeats = [" = ".join(same) for same in by_digest.values() if len(same) > 1]
    if repeats:
        warnings.warn(
            f"the same {of.one} lies in several places of '{root}': {listed(repeats)}. "
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
