"""Finding a learner's photos, or sounds: one folder a class, or train/, val/ and test/ above them. None is opened.

Every file is taken, or left out with a warning that counts it: nothing that lies there is passed over.
"""

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from lessons_lib.data.kinds import PICTURES, Files, counted, is_hidden
from lessons_lib.suggest import listed
from lessons_lib.templates import composed

# The names under which the three parts go, in lower case.
ROLES = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
# "test1", "train_images", "valset": parts by their name, of which nothing says the classes where they hold pictures.
PART = re.compile(
    r"(train|val|valid|validation|dev|eval|test)(ing)?[ _-]?(set|data|images?|imgs?|photos?|sounds?)?[ _-]?\d*"
)

Classes = dict[str, list[Path]]  # class folder's name -> its files


def find_parts(root: Path, of: Files = PICTURES) -> dict[str, Classes]:
    """{"train": classes, …} as the folder brings them; a folder without parts is all "train".

    of: what is looked for. Raises ValueError, with what to do, where none lie in class folders, or nothing says their
    classes. Warns of all that is left out.
    """
    found: dict[str, Path] = {}
    others = []
    for folder in folders_in(root):
        role = next((role for role, names in ROLES.items() if folder.name.lower() in names), None)
        # A class may itself be called "train": it then holds images, not folders.
        if role is None or not folders_in(folder):
            others.append(folder)
        elif role in found:
            raise ValueError(f"'{root}' has both {found[role].name}/ and {folder.name}/: keep one of them")
        else:
            found[role] = folder
    if found and "train" not in found:
        names = " and ".join(f"{folder.name}/" for folder in found.values())
        raise ValueError(f"'{root}' has {names} but no train/ with one folder a class in it")
    look = _Look(root, of)
    parts = {role: look.classes(found[role]) for role in ROLES if role in found} or {"train": look.classes(root)}
    beside = [path for folder in {root, *found.values()} for path in _files(folder) if of.takes(path)]
    stray = [path.relative_to(root).as_posix() for path in in_order(beside)]
    stray += [f"{folder.name}/" for folder in others] if found else []
    if not any(files for part in parts.values() for files in part.values()):
        raise ValueError(f"no {of.files} in class folders under '{root}': {_why_none(root, stray, of)}")
    if not found:
        _check_no_parts(root, parts["train"], of)
    if stray:
        warnings.warn(f"ignored beside the folders in '{root}': {listed(stray)}", stacklevel=4)
    look.warn()
    return parts


def check_classes(root: Path, parts: dict[str, Classes], of: Files = PICTURES) -> None:
    """Raises ValueError for parts with other classes than train's, an empty class folder, or a single class."""
    train = parts["train"]
    for role, part in parts.items():
        missing, extra = [n for n in train if n not in part], [n for n in part if n not in train]
        if missing or extra:
            sides = [f"only in train: {listed(missing)}"] * bool(missing) + [f"only in {role}: {listed(extra)}"] * bool(
                extra
            )
            raise ValueError(f"train and {role} of '{root}' have different classes ({'; '.join(sides)})")
        for name, files in part.items():
            if not files:
                where = name if parts.keys() == {"train"} else f"{role}/{name}"
                there = [path for path in (root / where).rglob("*") if not path.is_dir() and not is_hidden(path)]
                raise ValueError(
                    f"class folder '{where}' of '{root}' holds no readable {of.files} ({', '.join(of.endings)}): "
                    f"add some, or remove the folder{f'. It holds {counted(there)}' if there else ''}"
                )
    if len(train) < 2:
        name = next(iter(train))
        below = folders_in(root / name) if parts.keys() == {"train"} else []
        hint = f". It holds folders itself: give the folder '{root / name}' if these are the classes" if below else ""
        raise ValueError(f"'{root}' has one class, {name!r}: a task needs at least two, one folder each{hint}")


class _Look:
    """What was seen below a root: which pictures lie deeper than their class folder, and what is no picture."""

    def __init__(self, root: Path, of: Files):
        self.root, self.of = root, of
        self.deeper: dict[str, int] = {}  # folder inside a class folder -> pictures
        self.left: list[Path] = []

    def classes(self, folder: Path) -> Classes:
        found: Classes = {}
        for sub in folders_in(folder):
            found.setdefault(composed(sub.name), []).extend(self._of_class(sub, set()))
        return found

    def _of_class(self, folder: Path, above: set[Path]) -> list[Path]:
        """Those of a class: in its folder, then in the folders inside, which may be links to one that is above."""
        taken: list[Path] = []
        for path in _files(folder):
            (taken if self.of.takes(path) else self.left).append(path)
        if taken and above:
            self.deeper[folder.relative_to(self.root).as_posix()] = len(taken)
        seen = above | {folder.resolve()}
        for sub in folders_in(folder):
            if sub.resolve() not in seen:
                taken += self._of_class(sub, seen)
        return taken

    def warn(self) -> None:
        if self.deeper:
            named = listed([f"{name} ({count})" for name, count in self.deeper.items()])
            warnings.warn(
                f"{sum(self.deeper.values()):,} {self.of.many} lie in folders inside the class folders of "
                f"'{self.root}' and are taken as of that class: {named}",
                stacklevel=5,
            )
        if self.left:
            first = listed([path.relative_to(self.root).as_posix() for path in self.left], most=3)
            warnings.warn(
                f"left out {len(self.left):,} file(s) in the class folders of '{self.root}', which are no "
                f"{self.of.many} that are read here ({first}): {counted(self.left)}",
                stacklevel=5,
            )


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder in natural order, without hidden ones."""
    return in_order(entry for entry in folder.iterdir() if entry.is_dir() and not is_hidden(entry))


def _files(folder: Path) -> list[Path]:
    """All that is no folder, in natural order, without what is hidden."""
    return in_order(entry for entry in folder.iterdir() if not entry.is_dir() and not is_hidden(entry))


def in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural_order(path.name))


def natural_order(name: str) -> tuple:
    """Sort key: numbers inside names count as numbers, and case does not count."""
    pieces = re.split(r"(\d+)", composed(name).casefold())
    return ([int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], name)


def _check_no_parts(root: Path, classes: Classes, of: Files) -> None:
    """Raises ValueError where all class folders are named as parts, and warns where several are."""
    named = [name for name in classes if PART.fullmatch(name.lower())]
    if len(named) == len(classes):
        raise ValueError(
            f"{' and '.join(f'{name}/' for name in named)} of '{root}' hold {of.many} but no class folders, so "
            "nothing says which class they show: sort them into one folder a class, such as train/cat and test/cat"
        )
    if len(named) > 1:
        warnings.warn(f"{', '.join(named)} of '{root}' hold {of.many}, and are taken for classes", stacklevel=5)


def _why_none(root: Path, stray: list[str], of: Files) -> str:
    kinds = [path for path in root.rglob("*") if not path.is_dir() and not is_hidden(path)]
    there = f"; there are files of these kinds: {counted(kinds)}" if kinds else "; it is empty"
    if not stray:
        return f"looked for {', '.join(of.endings)} in its folders{there}"
    above = len(folders_in(root.parent)) > 1
    hint = f" (if '{root.name}' is itself a class, give the folder above, '{root.parent}')" if above else ""
    return f"they must lie in one folder a class{hint}{there}"
