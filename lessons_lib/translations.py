"""Lessons in other languages: the prose from a catalogue beside the notebooks, the code as it is.

`translations/zh_CN/02_zero_shot.po` is a gettext catalogue: an entry for each Markdown cell, whose message context is
the cell's id, so that cells which say the same thing stay apart. One more entry is said in every worksheet.
"""

import copy
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lessons_lib
from lessons_lib.worksheets import SOLUTION, TRANSLATED, Notebook, for_learners, text_of

if TYPE_CHECKING:
    from babel.messages import Catalog

IN_WORKSHEETS = "worksheet"  # the context of what no cell says


def folders() -> dict[str, Path]:
    """Each language's folder, of an installed package or of the clone that it is run from."""
    package = Path(lessons_lib.__file__).parent
    for folder in (package / "translations", package.parent / "translations"):
        if found := {path.name: path for path in sorted(folder.glob("[!.]*")) if any(path.glob("*.po"))}:
            return found
    return {}


def prose(lesson: Mapping[str, Any]) -> dict[str, str]:
    """What there is to translate of a lesson: each source by its context, in the lesson's order."""
    cells = {cell["id"]: text_of(cell) for cell in for_learners(lesson) if cell["cell_type"] == "markdown"}
    return {context: source for context, source in cells.items() if source.strip()} | {IN_WORKSHEETS: SOLUTION}


def read(path: Path) -> "Catalog":
    """A catalogue. Raises OSError where the file cannot be read, and ValueError where it is none."""
    from babel.messages.pofile import PoFileError, read_po  # a tenth of a second, which other commands need not wait

    try:
        return read_po(io.BytesIO(path.read_bytes()), abort_invalid=True)
    except (PoFileError, ValueError, LookupError) as error:
        raise ValueError(f"'{path}' is no catalogue, or a damaged one ({error})") from error


def translated(lesson: Mapping[str, Any], catalogue: "Catalog", language: str) -> tuple[Notebook, list[str]]:
    """The lesson in another language, and the contexts of what stays English: what has no translation, one that is
    marked fuzzy, or one of another source."""
    said = {}
    for context, source in prose(lesson).items():
        entry = catalogue.get(source, context)
        if entry is not None and entry.string and not entry.fuzzy:
            said[context] = entry.string
    lesson = copy.deepcopy(dict(lesson))
    for cell in lesson["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = said.get(cell["id"], cell["source"])
    lesson["metadata"][TRANSLATED] = {"language": language, "solution": said.get(IN_WORKSHEETS, SOLUTION)}
    return lesson, [context for context in prose(lesson) if context not in said]


def in_language(lesson: Mapping[str, Any], name: str, folder: Path) -> tuple[Notebook, str]:
    """The lesson of this name by the catalogue in a language's folder, and what stays English, in words ("": nothing).

    Raises ValueError for a damaged catalogue.
    """
    path = folder / f"{name}.po"
    if not path.is_file():
        return dict(lesson), "all of it, there is no translation yet"
    lesson, left = translated(lesson, read(path), folder.name)
    return lesson, ", ".join(left)
