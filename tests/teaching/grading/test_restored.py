"""A notebook that was handed in, whatever was done to its cells: every check of the course once, where it belongs."""

import copy

import nbformat
import pytest

from lessons_lib.teaching.grading.restored import graded, restored
from lessons_lib.worksheets import BEGIN, END, STUB

DOUBLE = f"def double(x):\n    ...\n    {BEGIN}\n    return 2 * x\n    {END}"


def lesson() -> nbformat.NotebookNode:
    sources = ["import math", DOUBLE, "assert double(2) == 4", "1 + 1", f"{BEGIN}\nhalf = 1\n{END}", "assert half == 1"]
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def source() -> nbformat.NotebookNode:
    return graded(lesson())


def released() -> nbformat.NotebookNode:
    """What a student gets: no solutions, no hidden tests."""
    book, plain = graded(lesson()), lesson()
    for cell, old in zip(book.cells, plain.cells):
        cell.source = old.source
    book.cells[1].source = f"def double(x):\n    ...\n    {STUB}"
    book.cells[4].source = STUB
    return book


def marks(book) -> list[str]:
    return [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in book.cells]


ALL = ["", "exercise-double", "check-double", "", "exercise-half", "check-half"]


def test_an_exercise_keeps_its_name_when_another_comes_before_it(source):
    assert marks(source) == ALL
    longer = lesson()
    longer.cells[1:1] = [nbformat.v4.new_code_cell(t) for t in (f"{BEGIN}\nnew = 1\n{END}", "assert new == 1")]
    assert marks(graded(longer))[3:5] == ["exercise-double", "check-double"]
    twice = lesson()
    twice.cells += copy.deepcopy(twice.cells[1:3])
    for number, cell in enumerate(twice.cells):
        cell.id = f"c{number}"
    assert marks(graded(twice))[-1] == "check-double-2", "no two have one name"


def test_a_check_has_itself_on_other_draws_as_hidden_tests(source):
    assert source.cells[2].source.startswith("assert double(2) == 4\n### BEGIN HIDDEN TESTS\n")
    assert "with other_draws():" in source.cells[2].source and "\n    assert double(2) == 4\n" in source.cells[2].source


def test_what_was_handed_in_as_it_was_given_stays_as_it_is(source):
    book, said = restored(released(), source)
    assert marks(book) == ALL and not said
    assert [book.cells[i].source for i in (2, 5)] == [source.cells[i].source for i in (2, 5)], "with hidden tests again"


def test_a_copied_exercise_is_run_twice_and_its_check_stands_below_both(source):
    book = released()
    book.cells.insert(3, copy.deepcopy(book.cells[1]))
    book, said = restored(book, source)
    assert said == ["exercise-double is there 2 times: all were run, in their order"]
    assert marks(book) == ["", "", "exercise-double", "check-double", "", "exercise-half", "check-half"]
    assert len({cell.id for cell in book.cells}) == len(book.cells)
    nbformat.validate(book)


def test_a_copied_check_counts_once(source):
    book = released()
    book.cells.insert(3, copy.deepcopy(book.cells[2]))
    book, said = restored(book, source)
    assert marks(book).count("check-double") == 1 and said == ["check-double is there 2 times: it counts once"]


def test_a_deleted_check_comes_back_below_what_the_student_wrote_for_it(source):
    book = released()
    book.cells[2] = nbformat.v4.new_code_cell("def helper(): ...")
    book, said = restored(book, source)
    assert marks(book) == ["", "exercise-double", "", "check-double", "", "exercise-half", "check-half"]
    assert said == ["check-double was deleted, and put back"]
    emptied, said = restored(nbformat.v4.new_notebook(), source)
    assert marks(emptied) == ["check-double", "check-half"] and len(said) == 4


def test_a_check_that_was_changed_or_made_a_text_is_the_courses_own_again(source):
    book = released()
    book.cells[2].source = "print('✓')"
    book.cells[5] = nbformat.v4.new_markdown_cell("done", id=book.cells[5].id, metadata=book.cells[5].metadata)
    book, said = restored(book, source)
    assert [book.cells[i].source for i in (2, 5)] == [source.cells[i].source for i in (2, 5)]
    assert said == ["check-double was changed, and put back", "check-half was changed, and put back"]


@pytest.mark.parametrize("lost", ["marks", "ids", "both"])
def test_marks_or_ids_that_an_editor_dropped_come_back(source, lost):
    book = released()
    for number, cell in enumerate(book.cells):
        if lost in ("marks", "both"):
            cell.metadata.clear()
        if lost in ("ids", "both"):
            cell.id = f"new-{number}"
    found = marks(restored(book, source)[0])
    assert [mark for mark in found if "check" in mark] == ["check-double", "check-half"]
    assert found == ALL or lost == "both", "a student's own text is known by neither"


def test_marks_that_a_student_wrote_are_not_read(source):
    book = released()
    book.cells[0].metadata.nbgrader = {"grade_id": "check-extra", "grade": True, "points": 100, "locked": False}
    book.cells[1].metadata.nbgrader.points = "all"
    book.cells[3].metadata.nbgrader = "nonsense"
    book, _ = restored(book, source)
    assert marks(book) == ALL and book.cells[1].metadata.nbgrader == source.cells[1].metadata.nbgrader
