"""Worksheets: lessons to fill in, made from the lessons themselves, and what has become of them since.

A lesson is a notebook as JSON holds it, {"cells": [...], "metadata": {...}}. Its exercises are code cells with a
solution between two marks, each followed by the code cell that checks it. Nothing here needs more than Python's own
library, so that a wheel can be built, and `lessons start` can answer, without Jupyter.
"""

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from textwrap import dedent, indent
from typing import Any

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "# your code here"
SOLUTION = "Solution of this exercise"
FOLDED = "<details><summary>{}</summary>\n\n```python\n{}\n```\n\n</details>"
REGION = re.compile(rf"^([ \t]*){BEGIN}[ \t]*\n(.*?)^[ \t]*{END}[ \t]*$", re.S | re.M)
GUARD = "remove-cell"  # the tag of a cell that only holds assertions for the authors; Jupyter Book's name for it
MADE_FROM = "lessons_lib"  # where a worksheet's metadata say which lesson it was made from, cell by cell
TRANSLATED = "lessons_lib_translated"  # where a translated lesson says its language, and SOLUTION in it

Notebook = dict[str, Any]
Cell = dict[str, Any]


def text_of(cell: Mapping[str, Any]) -> str:
    """A cell's source, which files hold as a text or as a list of lines."""
    return "".join(cell["source"])


def for_learners(lesson: Mapping[str, Any]) -> list[Cell]:
    """The lesson's cells without those that only guard its text."""
    return [cell for cell in lesson["cells"] if GUARD not in cell.get("metadata", {}).get("tags", [])]


def exercises(lesson: Mapping[str, Any]) -> Iterator[tuple[Cell, Cell]]:
    """Each cell with a solution, and the code cell after it, which checks it."""
    code = [cell for cell in lesson["cells"] if cell["cell_type"] == "code"]
    for cell, check in zip(code, code[1:]):
        if BEGIN in text_of(cell):
            yield cell, check


def solution_of(source: str) -> str:
    """What stands between the two marks of a cell."""
    return dedent(_region(source)[2]).strip("\n")


def opened(source: str) -> str:
    """A cell's source with a stub for its solution. Raises ValueError where the marks do not come in one pair."""
    return REGION.sub(lambda region: f"{region[1]}{STUB}", source) if _region(source) else source


def without_outputs(lesson: Mapping[str, Any]) -> Notebook:
    """The lesson as if it had never been run."""
    lesson = copy.deepcopy(dict(lesson))
    for cell in lesson["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    lesson["metadata"].pop("widgets", None)  # states of widgets that are not there any more
    return lesson


def without_solutions(lesson: Mapping[str, Any]) -> Notebook:
    """The lesson with a stub for every solution; its outputs stay."""
    lesson = copy.deepcopy(dict(lesson))
    for cell in lesson["cells"]:
        if cell["cell_type"] == "code" and BEGIN in text_of(cell):
            cell["source"] = opened(text_of(cell))
    return lesson


def worksheet(lesson: Mapping[str, Any], name: str = "", *, solutions: bool = True) -> Notebook:
    """The lesson to fill in: no outputs, every exercise open. solutions: each folded up below its check.

    name: the lesson's, which is kept in the worksheet with a digest of each cell, for `changes`.
    """
    sheet = without_solutions(without_outputs(lesson))
    title = lesson["metadata"].get(TRANSLATED, {}).get("solution", SOLUTION)
    below = {check["id"]: FOLDED.format(title, solution_of(text_of(cell))) for cell, check in exercises(lesson)}
    cells = []
    for cell in for_learners(sheet):
        cells.append(cell)
        if solutions and cell["id"] in below:
            folded = {"cell_type": "markdown", "id": f"{cell['id']}-solution", "metadata": {}}
            cells.append({**folded, "source": below[cell["id"]]})
    sheet["cells"] = cells
    if name:
        sheet["metadata"][MADE_FROM] = {"lesson": name, "cells": digests(lesson)}
    return sheet


def digests(lesson: Mapping[str, Any]) -> dict[str, str]:
    """A short digest of each cell's source, by the cell's id."""
    return {cell["id"]: hashlib.sha256(text_of(cell).encode()).hexdigest()[:12] for cell in for_learners(lesson)}


def made_from(sheet: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a worksheet says that it was made from, {"lesson": name, "cells": digests}; None where it says nothing."""
    about = sheet.get("metadata", {}).get(MADE_FROM)
    return about if isinstance(about, dict) and isinstance(about.get("cells"), dict) else None


def changes(sheet: Mapping[str, Any], lesson: Mapping[str, Any]) -> list[str]:
    """The headings under which the lesson is not what this worksheet was made from, in the lesson's order.

    A worksheet that does not say what it was made from is compared by its cells' ids alone.
    """
    about = made_from(sheet)
    before = about["cells"] if about else {cell["id"]: None for cell in sheet["cells"] if "id" in cell}
    now, under, found = digests(lesson), "the beginning", {}
    for cell in for_learners(lesson):
        under = heading_of(cell) or under
        if cell["id"] not in before or before[cell["id"]] not in (None, now[cell["id"]]):
            found[under] = None
    if about and set(before) - set(now):
        found["cells that are gone"] = None
    return list(found)


def heading_of(cell: Mapping[str, Any]) -> str | None:
    """The last heading of a Markdown cell, without its marks."""
    if cell["cell_type"] != "markdown":
        return None
    headings = re.findall(r"^#+ +(.+?) *$", text_of(cell), re.M)
    return headings[-1] if headings else None


def progress(sheet: Mapping[str, Any], lesson: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each exercise's heading, and how far it is in a worksheet: "open", "written" or "solved".

    It is solved where the check's last run printed its ✓. (A check that was run before the answer was changed still
    shows what it said then, as in the notebook.)
    """
    cells, under, states = {cell.get("id"): cell for cell in sheet["cells"]}, "", []
    checks = {cell["id"]: check["id"] for cell, check in exercises(lesson)}
    for cell in lesson["cells"]:
        under = heading_of(cell) or under
        if cell["id"] in checks:
            mine, check = cells.get(cell["id"]), cells.get(checks[cell["id"]])
            states.append((under, _state(text_of(cell), mine, check)))
    return states


def _state(lesson_source: str, mine: Cell | None, check: Cell | None) -> str:
    if check is not None and "✓" in json.dumps(check.get("outputs", []), ensure_ascii=False):
        return "solved"
    untouched = mine is None or text_of(mine).strip() in ("", opened(lesson_source).strip())
    return "open" if untouched else "written"


def _region(source: str) -> re.Match | None:
    """The solution's region. Raises ValueError where one mark is there without the other, or there are several."""
    found = list(REGION.finditer(source))
    if len(found) > 1 or source.count(BEGIN) != len(found) or source.count(END) != len(found):
        raise ValueError(f"a cell with a solution holds '{BEGIN}' and '{END}' once:\n{indent(source, '  ')}")
    return found[0] if found else None
