"""The data sets of the prompt-learning literature: what each is called, where it lies, how it is split and fetched.

Folders and files are those of CoOp (Zhou et al., IJCV 2022), which the field already has on its disks:
DATA/eurosat/2750, DATA/eurosat/split_zhou_EuroSAT.json, and so on. A set's name is the one in CoOp's configurations.
All that is known of a set is one record in `sets/`; a file put there is found by itself.
"""

import os
import pkgutil
from importlib import import_module
from pathlib import Path

from lessons_lib.data.published import sets
from lessons_lib.data.published.record import DataSet
from lessons_lib.files import expanded

ROOT_VARIABLE = "LESSONS_DATA"


def find_records() -> dict[str, DataSet]:
    """By name: the papers' eleven first, then their shifts, then others, in the order of their files."""
    files = [import_module(f"{sets.__name__}.{file.name}") for file in pkgutil.iter_modules(sets.__path__)]
    found = [one for file in files for one in file.SETS]
    found.sort(key=lambda one: (not one.eleven, not one.shift_of))
    names = [one.name for one in found]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"several data sets are called {', '.join(sorted(repeated))}")
    return dict(zip(names, found))


PUBLISHED = find_records()


def data_root(name: str, root: str | os.PathLike | None) -> Path:
    """The folder above a set's own: the one given, or $LESSONS_DATA.

    Raises ValueError where neither says it, FileNotFoundError where it, or the set's folder in it, is not there.
    """
    spec = PUBLISHED[name]
    chosen = root if root is not None else os.environ.get(ROOT_VARIABLE)
    if not chosen:
        raise ValueError(
            f"where is {spec.title}? Give root=, the folder that holds '{spec.folder}/', or set {ROOT_VARIABLE} to it. "
            f"{how_to_get(name)} (A folder of your own photos with this name is './{name}'.)"
        )
    folder = expanded(chosen).absolute()
    source = "root" if root is not None else ROOT_VARIABLE
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder '{folder}' ({source}). {how_to_get(name)}")
    if not (folder / spec.folder).is_dir():
        inside = folder.name == spec.folder or (folder / spec.listing).exists()
        below = [one for one in sorted(folder.iterdir()) if (one / spec.folder).is_dir()]
        advice = f"Give the folder in it: '{below[0]}'." if below else how_to_get(name, folder)
        advice = f"Give the folder above: '{folder.parent}'." if inside else advice
        raise FileNotFoundError(f"'{folder}' ({source}) has no folder '{spec.folder}/' with {spec.title}. {advice}")
    return folder


def how_to_get(name: str, root: Path | None = None) -> str:
    where = f" --root '{root}'" if root else ""
    return f"To get it: lessons fetch {name}{where} (docs/datasets.md says more)."
