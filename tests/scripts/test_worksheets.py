"""Worksheets: the lessons to fill in. Nothing is given away, nothing else is missing, and nobody's work is lost."""

import copy
import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import make_worksheets as script
import nbformat
import pytest
from make_worksheets import main

from lessons_lib.worksheets import (
    BEGIN,
    END,
    GUARD,
    STUB,
    digests,
    for_learners,
    solution_of,
    without_solutions,
    worksheet,
)

LESSONS = sorted((script.ROOT / "notebooks").glob("[!.]*.ipynb"))
EXERCISE = f"chance = None\n{BEGIN}\nchance = 25\n{END}"


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.fixture
def lesson(tmp_path) -> Path:
    """A small lesson of one exercise, with outputs."""
    cells = [
        nbformat.v4.new_code_cell("from lessons_lib.teaching.lesson00 import checks as check"),
        nbformat.v4.new_markdown_cell("How often is a guess right?"),
        nbformat.v4.new_code_cell(EXERCISE),
        nbformat.v4.new_code_cell("check.chance(chance, classes=4)"),
        nbformat.v4.new_code_cell("1 + 1"),
    ]
    cells[4].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=4)]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), path := tmp_path / "lesson.ipynb")
    return path


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_worksheet_is_the_lesson_without_outputs_and_its_solutions_are_folded_up(path):
    lesson, sheet = read(path), nbformat.from_dict(worksheet(read(path), path.stem))
    nbformat.validate(sheet)
    code = [cell for cell in sheet.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    solved = [cell for cell in lesson.cells if BEGIN in cell.source]
    assert sum(cell.source.count(STUB) for cell in code) == len(solved)
    assert not any("SOLUTION" in cell.source for cell in sheet.cells)
    folded = [cell for cell in sheet.cells if cell.source.startswith("<details>")]
    assert all(solution_of(cell.source) in fold.source for cell, fold in zip(solved, folded, strict=True))
    kept = {cell.id: cell.source for cell in sheet.cells}
    for cell in for_learners(lesson):
        assert BEGIN in cell.source or kept[cell.id] == cell.source, "all else is as it was"


def test_a_cell_that_guards_the_text_is_the_authors_alone(lesson, tmp_path):
    guarded = read(lesson)
    guarded.cells.insert(4, nbformat.v4.new_code_cell("assert chance == 25", metadata={"tags": [GUARD]}))
    assert worksheet(guarded) == worksheet(read(lesson))
    assert digests(guarded) == digests(read(lesson)), "to change it changes nothing for a learner"


def test_what_is_handed_out_holds_no_solution(lesson, tmp_path):
    assert main([str(lesson), "--out", str(tmp_path / "out"), "--no-solutions"]) == 0
    sheet = read(tmp_path / "out" / "lesson.ipynb")
    assert [cell.source for cell in sheet.cells][2] == f"chance = None\n{STUB}"
    assert len(sheet.cells) == 5 and not any("25" in cell.source for cell in sheet.cells)


def test_a_folded_solution_stands_below_its_check_as_it_would_be_typed(lesson, tmp_path):
    assert main([str(lesson), "--out", str(tmp_path / "out")]) == 0
    sheet = read(tmp_path / "out" / "lesson.ipynb")
    assert sheet.cells[3].source.startswith("check.") and "```python\nchance = 25\n```" in sheet.cells[4].source
    assert solution_of(f"def f(x):\n    ...\n    {BEGIN}\n    if x:\n        return 1\n    {END}") == (
        "if x:\n    return 1"
    )


def test_taking_out_a_solution_leaves_what_stands_around_it():
    source = f"def f(x):\n    ...\n    {BEGIN}\n    return x\n    {END}\n\n\ny = 1"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    left = f"def f(x):\n    ...\n    {STUB}\n\n\ny = 1"
    assert without_solutions(notebook)["cells"][0].source == left


def test_a_worksheet_that_is_there_is_kept_unless_forced(lesson, tmp_path, capsys):
    path = tmp_path / "out" / "lesson.ipynb"
    path.parent.mkdir()
    path.write_text("hours of work")
    assert main([str(lesson), "--out", str(path.parent)]) == 0
    assert path.read_text() == "hours of work" and f"kept     {path}" in capsys.readouterr().out
    assert main([str(lesson), "--out", str(path.parent), "--force"]) == 0
    assert len(read(path).cells) == 6


def test_a_lesson_that_is_not_there_is_named_and_nothing_is_written(lesson, tmp_path, capsys):
    assert main([str(lesson), "notebooks/4_coop.ipynb", "--out", str(tmp_path / "out")]) == 2
    assert "there is no lesson notebooks/4_coop.ipynb" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_solutions_are_taken_out_as_nbgrader_takes_them_out(path):
    preprocessors = pytest.importorskip("nbgrader.preprocessors", reason="the extra `teach` is not installed")
    clear = preprocessors.ClearSolutions(code_stub={"python": STUB}, enforce_metadata=False)
    theirs, _ = clear.preprocess(read(path), {})
    ours = without_solutions(read(path))["cells"]
    assert [cell.source for cell in ours] == [cell.source for cell in theirs.cells]


def test_a_damaged_lesson_is_named_and_what_a_kill_left_is_none(lesson, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(lesson, tmp_path / "notebooks" / "00_a.ipynb")
    (tmp_path / "notebooks" / ".00_a.0123456789ab.tmp.ipynb").write_text("{")
    assert main(["--out", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["00_a.ipynb"]
    for number, content in enumerate(("{", "[]", "{}", "[" * 5000 + "]" * 5000)):
        (path := tmp_path / f"{number}.ipynb").write_text(content)
        assert main([str(path), "--out", str(tmp_path / "out")]) == 2
        assert f"'{path}' is damaged, or no notebook (" in capsys.readouterr().err


def copied(sheet, course):
    """A student who copied the exercise, and deleted the check."""
    sheet.cells[3] = copy.deepcopy(sheet.cells[2])


def cheated(sheet, course):
    """Wrong, with a check of his own, and the course's made harmless."""
    harmless = "for name in ('same', 'require', 'written'): setattr(c, name, lambda *_, **__: None)"
    sheet.cells[2].source = f"chance = 4\nimport lessons_lib.teaching.lesson00.checks as c\n{harmless}"
    sheet.cells[3].source = "print('all is well')"


def broke_out(sheet, course):
    """Right; then the gradebook, and the end of his own process."""
    write = f"open({str(course / 'gradebook.db')!r}, 'w')"
    sheet.cells[3:3] = [nbformat.v4.new_code_cell(code) for code in (write, "import os; os._exit(1)")]


def test_nbgrader_gives_everyone_what_he_earned_whatever_another_did(lesson, tmp_path):
    pytest.importorskip("nbgrader", reason="the extra `teach` is not installed")
    course = tmp_path / "course"
    assert main([str(lesson), "--nbgrader", str(course)]) == 0
    nbgrader(course, "generate_assignment", "lesson")
    released = course / "release" / "lesson" / "lesson.ipynb"
    assert read(released).cells[2].source == f"chance = None\n{STUB}"
    assert "HIDDEN" not in released.read_text() and "other_draws" not in released.read_text()
    answers = {"ada": "chance = 25", "ben": "chance = 4"}
    acts = {"cas": copied, "dan": cheated, "eve": broke_out}
    for student in ("ada", "ben", *acts, "zoe"):
        handed_in = course / "submitted" / student / "lesson" / "lesson.ipynb"
        handed_in.parent.mkdir(parents=True)
        sheet = read(released)
        sheet.cells[2].source = answers.get(student, "chance = 25")
        if student in acts:
            acts[student](sheet, course)
        nbformat.write(sheet, handed_in)
    nbgrader(course, "autograde", "lesson")
    nbgrader(course, "export")
    with open(course / "grades.csv", newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {"ada": 1, "ben": 0, "cas": 1, "dan": 0, "eve": 1, "zoe": 1}
    report = (course / "reports" / "lesson.md").read_text()
    for said in (
        "- cas, lesson: exercise-chance is there 2 times",
        "- cas, lesson: check-chance was deleted, and put back",
        "- dan, lesson: check-chance was changed, and put back",
        "- eve, lesson: code cell 4 ended its own process",
    ):
        assert said in report, report
    assert "- eve" in report and "gradebook.db" in report, "what he tried, or what was put back"
    assert "ada" not in report and "zoe" not in report


def test_a_course_that_was_made_before_keeps_its_configuration_and_says_so(lesson, tmp_path, capsys):
    (course := tmp_path / "course").mkdir()
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    assert main([str(lesson), "--nbgrader", str(course)]) == 0
    assert (course / "nbgrader_config.py").read_text() == "c = get_config()\n"
    assert "it grades as nbgrader does by itself" in capsys.readouterr().out


def nbgrader(course: Path, *arguments: str) -> None:
    """Runs it where it finds its own tools, which are beside this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [shutil.which("nbgrader", path=path), *arguments]
    done = subprocess.run(command, cwd=course, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_worksheet_is_never_written_over_the_lesson_that_it_is_made_from(lesson, capsys):
    before = lesson.read_bytes()
    assert main([str(lesson), "--out", str(lesson.parent), "--force"]) == 2
    assert lesson.read_bytes() == before and "is what is read" in capsys.readouterr().err
