"""A notebook that was handed in, with the course's own checks: each there once, as the teacher wrote it.

What a student did to the marks of nbgrader does not count: they are put on anew, by the names that a cell carries, by
its id, or by its text. Some editors drop the first, some the second.
"""

import copy
import re
from collections.abc import Mapping

from nbformat import NotebookNode

from lessons_lib.teaching.grading.lesson import answers_of, parsed, statements_before
from lessons_lib.worksheets import exercises, opened, text_of

HIDDEN_TESTS = """\
### BEGIN HIDDEN TESTS
from lessons_lib.teaching.grading.draws import other_draws

with other_draws():  # the same check, on cases that are drawn anew
{check}
### END HIDDEN TESTS"""


def graded(lesson: NotebookNode) -> NotebookNode:
    """The lesson as nbgrader's source: what is filled in, and what is worth a point.

    An exercise is named after what the student writes (`check-ring`), so it keeps its name, and its grades, when others
    come before it. A check has hidden tests: itself once more, on other draws.
    """
    taken: set[str] = set()
    for number, (cell, check) in enumerate(exercises(lesson), 1):
        name = _free(name_of(lesson, check) or str(number), taken)
        about = {"schema_version": 3, "task": False}
        cell.metadata.nbgrader = about | {
            "grade_id": f"exercise-{name}", "solution": True, "grade": False, "locked": False
        }  # fmt: skip
        check.metadata.nbgrader = about | {
            "grade_id": f"check-{name}", "solution": False, "grade": True, "locked": True, "points": 1
        }  # fmt: skip
        again = "\n".join(f"    {line}" if line.strip() else "" for line in check.source.rstrip().splitlines())
        check.source = f"{check.source.rstrip()}\n{HIDDEN_TESTS.format(check=again)}"
    return lesson


def name_of(lesson: NotebookNode, check: NotebookNode) -> str:
    """What the student writes for a check, in letters that a grade's name may have; "" where that is nothing."""
    names = answers_of(parsed(text_of(check)), statements_before(lesson, check))
    return re.sub(r"[^A-Za-z0-9_-]", "", "-".join(sorted(names)))


def restored(handed_in: NotebookNode, source: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The notebook to grade, and what had to be mended, in words.

    A check stands where the student left it, though never above its exercise, nor above a copy of it. One that was
    deleted stands as far below its exercise as it may: above the next cell of the lesson that is still there.
    """
    book, said = copy.deepcopy(handed_in), []
    marked = [cell for cell in source.cells if "nbgrader" in cell.metadata]
    found = {_name(cell): _like(book.cells, cell) for cell in marked}
    for cell in book.cells:
        cell.metadata.pop("nbgrader", None)
        if cell.cell_type == "code":
            cell.setdefault("outputs", [])
    for cell in marked:
        name, places = _name(cell), found[_name(cell)]
        if len(places) > 1:
            said.append(f"{name} is there {len(places)} times: " + _COPIED[cell.metadata.nbgrader.grade])
        if not places:
            said.append(f"{name} was deleted" + (", and put back" if cell.metadata.nbgrader.grade else ""))
        if cell.metadata.nbgrader.grade and any(text_of(place).strip() != _shown(cell) for place in places):
            said.append(f"{name} was changed, and put back")
        if places and not cell.metadata.nbgrader.grade:
            places[-1].metadata.nbgrader = copy.deepcopy(cell.metadata.nbgrader)
    for cell in [cell for cell in marked if cell.metadata.nbgrader.grade]:
        own = found[_name(cell)]
        exercise = found.get(_name(cell).replace("check-", "exercise-", 1), [])
        at = 1 + max([_place(book.cells, place) for place in (*own, *exercise)], default=-1)
        if not own:
            at = max(at, _above_next(book.cells, source.cells, cell))
        book.cells.insert(at, _unrun(cell))
        book.cells = [kept for kept in book.cells if not any(kept is place for place in own)]
    return _with_ids_of_their_own(book), said


_COPIED = {False: "all were run, in their order", True: "it counts once"}


def _like(cells: list[NotebookNode], cell: NotebookNode) -> list[NotebookNode]:
    """The cells that are this one: by its mark, else by its id, else by its text."""
    tests = (
        lambda other: isinstance(other.metadata.get("nbgrader"), Mapping) and _name(other) == _name(cell),
        lambda other: other.get("id") == cell.id,
        lambda other: cell.metadata.nbgrader.grade and text_of(other).strip() == _shown(cell),
    )
    return next((same for test in tests if (same := [other for other in cells if test(other)])), [])


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.nbgrader.get("grade_id", ""))


def _shown(cell: NotebookNode) -> str:
    """A cell of the source as students get it."""
    return re.sub(r"\n### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", "", opened(text_of(cell)), flags=re.S).strip()


def _place(cells: list[NotebookNode], cell: NotebookNode) -> int:
    return next(i for i, other in enumerate(cells) if other is cell)


def _above_next(cells: list[NotebookNode], source: list[NotebookNode], check: NotebookNode) -> int:
    """Where the first cell that follows a check in the source stands in the notebook; its end where none is there."""
    places = {cell.get("id"): i for i, cell in reversed(list(enumerate(cells)))}
    below = source[_place(source, check) + 1 :]
    return next((places[cell.id] for cell in below if cell.id in places), len(cells))


def _unrun(cell: NotebookNode) -> NotebookNode:
    cell = copy.deepcopy(cell)
    cell.outputs, cell.execution_count = [], None
    return cell


def _with_ids_of_their_own(book: NotebookNode) -> NotebookNode:
    taken: set[str] = set()
    if book.nbformat_minor >= 5:
        for number, cell in enumerate(book.cells):
            cell.id = _free(str(cell.get("id") or f"cell-{number}"), taken)
    return book


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name[:56]}-{number}"
    taken.add(free)
    return free
