"""The lessons' files: where they lie, which one is meant, and the worksheets that a learner has made of them."""

import json
from pathlib import Path
from typing import Any

import lessons_lib
from lessons_lib.suggest import nearest

PACKAGE = Path(lessons_lib.__file__).parent
WORKSHEETS = "worksheets"


def lessons_folder() -> Path:
    """Where the lessons lie: in an installed package, or in the clone that it is run from. Raises OSError."""
    for folder in (PACKAGE / "notebooks", PACKAGE.parent / "notebooks"):
        if any(folder.glob("[!.]*.ipynb")):
            return folder
    raise OSError(f"there are no lessons beside '{PACKAGE}': install lessons_lib again, or work in a clone of it")


def chosen(names: list[str]) -> list[Path]:
    """The files of the lessons named, by number or name ("4", "04", "coop", "04_coop"); of all where none is.

    Raises ValueError for a name that is no lesson's, with the nearest.
    """
    known = {path.stem: path for path in sorted(lessons_folder().glob("[!.]*.ipynb"))}
    return [known[_meant(name, list(known))] for name in names] if names else list(known.values())


def _meant(name: str, known: list[str]) -> str:
    asked = Path(name).name.removesuffix(".ipynb").lower()
    exact = [one for one in known if asked in (one, one.partition("_")[2]) or asked.zfill(2) == one.partition("_")[0]]
    if len(exact) == 1:
        return exact[0]
    hint = nearest(asked, [*known, *(one.partition("_")[2] for one in known)])
    raise ValueError(f"there is no lesson {name!r}. {hint or 'The lessons are ' + ', '.join(known) + '.'}")


def notebook(path: Path) -> dict[str, Any]:
    """A notebook's content. Raises ValueError for a file that is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content["cells"], list) and isinstance(content["metadata"], dict):
            return content
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"'{path}' is no notebook, or a damaged one")
