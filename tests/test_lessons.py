"""Every lesson is what it promises: whole, run, tidy, with exercises whose checks notice an empty answer.

nbval runs the lessons and compares outputs (`make lesson-tests`); here they are read, and only the cells that an
exercise's check needs are run, with the solutions taken out.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

from lessons_lib.teaching.lesson_times import RECORD as TIMES
from lessons_lib.worksheets import without_solutions

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LESSONS = sorted(FOLDER.glob("[!.]*.ipynb"))
LIMIT = 1_500_000  # bytes
LINES = 15  # of a code cell: what is taken in at a glance
WIDEST = 860  # pixels: a page of 390 shrinks letters of 8 points, at 100 dots an inch, to 5 pixels
PATHS = re.compile(r"/(?:home|Users|root|tmp|work|mnt|opt|usr|var)/\w|~/\w|[A-Z]:\\\\?\w|file://")

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def text_of(cell: nbformat.NotebookNode) -> str:
    """All that a cell's outputs say, pictures left out."""
    said = []
    for output in cell.outputs:
        said += [output.get("text", ""), *output.get("traceback", [])]
        said += [str(content) for kind, content in output.get("data", {}).items() if not kind.startswith("image/")]
    return "\n".join(said)


def exercises(notebook: nbformat.NotebookNode) -> list[tuple[int, int]]:
    """(the cell with the solution, the cell that checks it), as positions among the code cells."""
    cells = code(notebook)
    return [(i, i + 1) for i, cell in enumerate(cells) if "### BEGIN SOLUTION" in cell.source]


def test_there_are_lessons():
    assert LESSONS[0].name == "00_start_here.ipynb"
    numbers = [int(path.name[:2]) for path in LESSONS]
    assert numbers == sorted(set(numbers)), "two lessons with one number"


def test_each_lesson_has_its_folder_and_each_folder_its_lesson():
    teaching = FOLDER.parent / "lessons_lib" / "teaching"
    folders = {path.parent.name for path in teaching.glob("lesson*/checks.py")}
    assert folders == {f"lesson{path.name[:2]}" for path in LESSONS}


@each_lesson
def test_a_lesson_takes_what_it_needs_from_its_own_folder_and_from_what_all_share(path):
    sources = "\n".join(cell.source for cell in code(read(path)))
    own = f"lesson{path.name[:2]}"
    assert re.search(rf"^from lessons_lib\.teaching\.{own} import checks as check$", sources, re.M)
    assert set(re.findall(r"lessons_lib\.teaching\.(lesson\d+)", sources)) == {own}


@each_lesson
def test_a_lesson_is_a_valid_notebook_of_at_most_one_and_a_half_megabytes(path):
    nbformat.validate(read(path))
    assert path.stat().st_size <= LIMIT


@each_lesson
def test_a_lesson_is_committed_with_the_outputs_of_one_run_from_top_to_bottom(path):
    cells = code(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []


@each_lesson
def test_outputs_hold_no_paths_warnings_or_progress_bars(path):
    for cell in code(read(path)):
        said = text_of(cell)
        assert not PATHS.search(said), f"{PATHS.search(said)[0]!r} in the output of:\n{cell.source}"
        assert not re.search(r"\d+%\|", said), f"a progress bar in the output of:\n{cell.source}"
        errors = [output.text for output in cell.outputs if output.get("name") == "stderr"]
        assert errors == [], f"written to stderr by:\n{cell.source}"


@each_lesson
def test_a_code_cell_is_taken_in_at_a_glance(path):
    long = {cell.id: lines for cell in code(read(path)) if (lines := cell.source.count("\n") + 1) > LINES}
    assert long == {}, f"cells of more than {LINES} lines"


@each_lesson
def test_figures_can_be_read_on_a_phone(path):
    shown = [(cell.id, output.data["image/png"]) for cell in code(read(path)) for output in cell.outputs
             if "image/png" in output.get("data", {})]  # fmt: skip
    widths = [(cell, int.from_bytes(b64decode(png)[16:20], "big")) for cell, png in shown]
    assert [(cell, width) for cell, width in widths if width > WIDEST] == []


@each_lesson
def test_a_lesson_carries_nothing_that_differs_from_run_to_run(path):
    notebook = read(path)
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "widgets"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.get("language_info", {})
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


@each_lesson
def test_outputs_that_are_compared_can_be_compared(path):
    for cell in code(read(path)):
        assert "NBVAL_" not in cell.source, f"tag the cell instead:\n{cell.source}"
        if "nbval-check-output" in cell.metadata.get("tags", []):
            assert cell.outputs, f"nothing to compare:\n{cell.source}"
            # nbval runs cells without history, and IPython looks there for the semicolon: the value would be shown
            assert not cell.source.rstrip().endswith(";"), f"nbval does not hide this value:\n{cell.source}"
            assert not re.search(r"\d\.\d{5}", text_of(cell)), f"a raw float in the output of:\n{cell.source}"


@each_lesson
def test_a_lesson_opens_with_its_title_question_aims_and_time(path):
    opening = ""
    for cell in read(path).cells:
        if cell.cell_type == "code":
            break
        opening += cell.source + "\n"
    assert re.match(r"# \S", opening), "the first line is the title"
    assert re.search(r"\*\*[^*]+\?\*\*", opening), "the question that the lesson answers, in bold"
    assert re.search(r"you can\b", opening), "what the learner can do afterwards"
    assert len(re.findall(r"^- ", opening, re.M)) >= 3
    said = re.search(r"\*\*Time:\*\* about (\d+) seconds of computing on two CPU cores", opening)
    assert said, "how long it runs on a CPU"
    measured = json.loads(TIMES.read_text())["lessons"][path.stem]["seconds"]
    assert measured / 1.5 <= int(said[1]) <= 1.5 * measured, f"measured: {measured:.0f} seconds"


@each_lesson
def test_a_lesson_asks_to_predict_and_to_look(path):
    words = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert len(re.findall(r"\*\*Predict", words)) >= 2
    assert len(re.findall(r"\*\*Look", words)) >= 2


@each_lesson
def test_a_lesson_ends_on_a_real_clip_which_is_skipped_unless_asked_for(path):
    notebook = read(path)
    text = [cell.source if cell.cell_type == "markdown" else "" for cell in notebook.cells]
    headings = [(i, line) for i, source in enumerate(text) for line in source.splitlines() if line.startswith("## ")]
    real = [at for at, line in headings if "real CLIP" in line and "photos" in line]
    assert real and real[-1] in [at for at, _ in headings[-2:]], "only a closing word may follow"
    at = real[-1]
    sources = "\n".join(cell.source for cell in notebook.cells[at:] if cell.cell_type == "code")
    assert re.search(r"^RUN_REAL = False\b", sources, re.M) and "if RUN_REAL:" in sources
    tree = ast.parse(sources)
    outside = [node for node in tree.body if not isinstance(node, (ast.If, ast.FunctionDef))]
    assert "load_clip" not in "".join(map(ast.unparse, outside))
    first = "\n".join(cell.source for cell in code(notebook)[:3])
    assert re.search(r"^clip = ll\.load_clip\(\"toyclip\"\)", first, re.M)
    assert re.search(r"^# .*load_clip\(.*pretrained", first, re.M), "the one line to change, as a comment"


@each_lesson
def test_a_lesson_has_two_to_four_exercises_whose_checks_passed_when_it_was_run(path):
    notebook = read(path)
    cells, found = code(notebook), exercises(notebook)
    assert 2 <= len(found) <= 6
    marks = "\n".join(cell.source for cell in cells)
    assert marks.count("### BEGIN SOLUTION") == marks.count("### END SOLUTION") == len(found)
    for _, checks in found:
        assert re.search(r"\bchecks?\.", cells[checks].source), f"no check after the exercise:\n{cells[checks].source}"
        assert "✓" in text_of(cells[checks])


@each_lesson
def test_without_the_solutions_every_check_fails_with_a_hint(path):
    notebook = nbformat.from_dict(without_solutions(read(path)))
    cells = code(notebook)
    checks = [check for _, check in exercises(read(path))]
    needed = sorted(set().union(*(needed_for(cells, check) for check in checks)))
    small = nbformat.v4.new_notebook(cells=[cells[i] for i in needed], metadata=notebook.metadata)
    NotebookClient(small, timeout=300, allow_errors=True, resources={"metadata": {"path": str(FOLDER)}}).execute()
    for i, cell in zip(needed, small.cells):
        errors = [(output.ename, output.evalue) for output in cell.outputs if output.output_type == "error"]
        if i in checks:
            assert [name for name, _ in errors] == ["ExerciseError"], f"{cell.source}\n{errors or text_of(cell)}"
            assert len(errors[0][1]) > 20, "a hint in words"
        else:
            assert errors == [], f"without its solution this cell fails before any check:\n{cell.source}"


def needed_for(cells: list[nbformat.NotebookNode], last: int) -> set[int]:
    """The cells that give `cells[last]` its names, directly or through one another, and itself."""
    names, chosen = names_used(cells[last].source), {last}
    for i in range(last - 1, -1, -1):
        if names_bound(cells[i].source) & names:
            names |= names_used(cells[i].source)
            chosen.add(i)
    return chosen


def names_used(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
    loaded = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return loaded - {node.arg for node in nodes if isinstance(node, ast.arg)} - set(dir(builtins))


def names_bound(source: str) -> set[str]:
    """Names that a cell assigns, imports or defines at its top level (and a few more, of inner scopes)."""
    bound = set()
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return bound


def test_only_the_cells_that_a_check_needs_are_run_for_it():
    sources = ["import math", "slow = x = 1", "base = math.pi", "def f(x):\n    return x + base", "check.f(f)"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    assert needed_for(cells, 4) == {0, 2, 3, 4}
