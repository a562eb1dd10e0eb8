"""What a check needs besides the answers: few statements of the lesson, and none that a student writes."""

import ast
from pathlib import Path

import nbformat
import pytest

from lessons_lib.teaching.grading.answers import answer, reply
from lessons_lib.teaching.grading.draws import other_draws
from lessons_lib.teaching.grading.lesson import (
    answers_of,
    can_stand_apart,
    makes,
    needed,
    parsed,
    reads,
    run,
    statements_before,
)
from lessons_lib.worksheets import BEGIN, END, exercises, text_of

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
EXERCISES = {
    f"{path.stem[:2]}-{cell['id']}": (lesson, cell, check)
    for path in sorted(NOTEBOOKS.glob("[!.]*.ipynb"))
    for lesson in [nbformat.read(path, as_version=4)]
    for cell, check in exercises(lesson)
}


WATCHED = {
    "01-training_step",
    "02-text_tower",
    "04-train",
    "05-train",
    "07-learn_keys",
    "08-train",
    "09-base_and_new",
    "15-joint",
}


def test_only_checks_that_watch_an_answer_at_work_run_where_it_runs():
    found = set()
    for name, (lesson, _, check) in EXERCISES.items():
        tree, before = parsed(text_of(check)), statements_before(lesson, check)
        if not can_stand_apart(tree, before):
            found |= {f"{name[:2]}-{answer}" for answer in answers_of(tree, before)}
    assert found == WATCHED


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_is_graded_from_another_process_where_it_can_be_and_on_other_draws(name, capsys):
    lesson, cell, check = EXERCISES[name]
    tree, before = parsed(text_of(check)), statements_before(lesson, check)
    assert answers_of(tree, before)
    theirs, ours = {}, {}
    run(needed(tree, before, answers=True), theirs, "theirs")
    if can_stand_apart(tree, before):
        run(needed(tree, before), ours, "ours")
        ours |= {name: answer(name, lambda question: reply(theirs, question)) for name in answers_of(tree, before)}
    else:
        ours = theirs
    run(tree.body, dict(ours), "check")
    with other_draws():
        run(tree.body, dict(ours), "check")
    assert capsys.readouterr().out.count("✓") == 2


def book(*sources: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def test_only_what_the_check_reads_is_run():
    lesson = book(
        "%matplotlib inline\nimport math\nimport torch\nn = 3",
        "model = train()\nm = math.sqrt(n)",
        f"def f(x):\n    {BEGIN}\n    return x\n    {END}\nhelper = 2",
        "check(f, m)",
    )
    before = statements_before(lesson, lesson.cells[-1])
    tree = parsed(lesson.cells[-1].source)
    assert [ast.unparse(s) for s in needed(tree, before)] == ["import math", "n = 3", "m = math.sqrt(n)"]
    assert answers_of(tree, before) == {"f"} and can_stand_apart(tree, before)


def test_names_inside_functions_are_their_own():
    tree = ast.parse("def f(scale):\n    import os\n    inner = scale + outer\n    return [i for i in inner if os]")
    assert reads(tree) == {"outer"} and makes(tree) == {"f"}


@pytest.mark.parametrize(
    "cells",
    [
        (f"class F:\n    {BEGIN}\n    x = 1\n    {END}", "assert F().x == 1"),
        (f"{BEGIN}\na = 1\n{END}", "b = a + 1", "assert b == 2"),
    ],
    ids=["a class", "what was computed with an answer"],
)
def test_a_check_of_what_cannot_leave_the_process_is_known(cells):
    lesson = book(*cells)
    assert not can_stand_apart(parsed(cells[-1]), statements_before(lesson, lesson.cells[-1]))
