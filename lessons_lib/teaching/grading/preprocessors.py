"""What nbgrader calls for each notebook that was handed in (`nbgrader autograde`), and the report of what it met.

A course's `nbgrader_config.py` puts `Restore` before nbgrader's own preprocessors, and `Grade` in the place of its
`Execute`.
"""

import ast
import contextlib
import io
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float

from lessons_lib.files import atomic_write
from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.grading.answers import answer
from lessons_lib.teaching.grading.kept import Kept
from lessons_lib.teaching.grading.kernel import Kernel, Ran
from lessons_lib.teaching.grading.lesson import (
    answers_of,
    can_stand_apart,
    needed,
    parsed,
    run,
    statements_before,
)
from lessons_lib.teaching.grading.locked import offered
from lessons_lib.teaching.grading.restored import restored

MOST_SAID = 30  # sentences about one notebook


def report(course: Path, about: Mapping[str, str], sentences: list[str], *, first: bool = False) -> None:
    """Adds to what `reports/ASSIGNMENT.md` says of a student's notebook; `first` begins anew.

    about: "assignment", "student" and "notebook".
    """
    path = course / "reports" / f"{about['assignment']}.md"
    head = f"- {about['student']}, {about['notebook']}: "
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    lines = [line for line in lines if not (first and line.startswith(head))]
    lines += [head + " ".join(sentence.split())[:400] for sentence in sentences]
    if lines or path.is_file():
        atomic_write(path, "".join(f"{line}\n" for line in lines).encode())


def look(notebooks: list[str], **_: object) -> None:
    """Before a student's notebooks are graded: whether they can be read at all (nbgrader's `pre_convert_hook`).

    notebooks: STUDENT/ASSIGNMENT/NOTEBOOK.ipynb, each below some folder.
    """
    for path in map(Path, notebooks):
        try:
            nbformat.validate(nbformat.read(path, as_version=4))
        except Exception as error:  # nbformat raises nearly every kind
            about = {"assignment": path.parts[-2], "student": path.parts[-3], "notebook": path.stem}
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            report(Path.cwd(), about, [f"is damaged, or no notebook ({why}): ask for another copy"], first=True)


class _Preprocessor(NbGraderPreprocessor):
    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        self.course, self.about = Path.cwd(), resources["nbgrader"]  # nbgrader works in the course's folder
        path = self.course / "source" / self.about["assignment"] / f"{self.about['notebook']}.ipynb"
        try:
            if not path.is_file():
                raise FileNotFoundError(f"there is no '{path}', which grading needs: make_worksheets makes it")
            return self.treat(nb, nbformat.read(path, as_version=4)), resources
        except Exception as error:
            self.say([f"could not be graded: {error}"])
            raise

    def treat(self, nb: NotebookNode, source: NotebookNode) -> NotebookNode:
        raise NotImplementedError

    def say(self, sentences: list[str], *, first: bool = False) -> None:
        for sentence in sentences:
            self.log.warning("%s: %s", self.about["student"], sentence)
        report(self.course, self.about, sentences, first=first)


class Restore(_Preprocessor):
    """Puts the course's checks and marks back (`restored`)."""

    def treat(self, nb: NotebookNode, source: NotebookNode) -> NotebookNode:
        nb, said = restored(nb, source)
        self.say(said, first=True)
        return nb


class Grade(_Preprocessor):
    """Runs the student's cells in their own process, and the checks in this one."""

    cell_seconds = Float(300, help="How long a cell, or a question of a check, may take").tag(config=True)
    notebook_seconds = Float(3600, help="After how long no further cell of a student is run").tag(config=True)
    memory_gib = Float(8, help="How much memory a student's process may take").tag(config=True)
    lock = Bool(True, help="Forbid students' processes the course's folder, where the system can").tag(config=True)

    _teachers: dict[tuple[str, str], dict[str, Any]] = {}  # what a check needs besides the answers, made once

    def treat(self, nb: NotebookNode, source: NotebookNode) -> NotebookNode:
        folder = self.course / "submitted" / self.about["student"] / self.about["assignment"]
        kept = None if self.lock and offered() else Kept(self.course)
        limits = {"seconds": self.cell_seconds, "gib": self.memory_gib, "lock": self.lock}
        said, until = [], time.monotonic() + self.notebook_seconds
        try:
            with Kernel(folder, self.course, **limits) as kernel:
                for number, cell in enumerate((cell for cell in nb.cells if cell.cell_type == "code"), 1):
                    mark = cell.metadata.get("nbgrader", {})
                    if mark.get("grade"):
                        ran = self.check(cell, source, kernel)
                    elif time.monotonic() < until:
                        ran = kernel.run(cell.source)
                    else:
                        ran = Ran([], "was not run: the notebook had taken too long")
                    cell.outputs, cell.execution_count = ran.outputs, number
                    said += _problems(mark.get("grade_id") or f"code cell {number}", ran, mark.get("grade", False))
        finally:
            self.say(said[:MOST_SAID] + (kept.put_back(self.about["student"]) if kept else []))
        return nb

    def check(self, cell: NotebookNode, source: NotebookNode, kernel: Kernel) -> Ran:
        """A check's outputs: an error where the answer is not right."""
        mark = cell.metadata.nbgrader.grade_id
        before = statements_before(source, next(own for own in source.cells if _mark(own) == mark))
        tree, printed = parsed(cell.source), io.StringIO()
        names = answers_of(tree, before)
        if not can_stand_apart(tree, before):
            ran = kernel.run(cell.source)
            return Ran(ran.outputs, "was run in the student's own process, where a student can change what it does")
        namespace = dict(self.made_by_teacher(mark, needed(tree, before)))
        try:
            with contextlib.redirect_stdout(printed):
                namespace |= {name: answer(name, kernel.ask) for name in sorted(names)}
                run(tree.body, namespace, mark)
        except Exception as error:
            return Ran([*_stream(printed), _failure(error, cell.source, mark)], "")
        return Ran(_stream(printed), "")

    def made_by_teacher(self, mark: str, statements: list[ast.stmt]) -> dict[str, Any]:
        key = (mark, "\n".join(map(ast.unparse, statements)))
        if key not in self._teachers:
            namespace: dict[str, Any] = {}
            try:
                run(statements, namespace, "lesson")
            except Exception as error:
                raise RuntimeError(f"{mark} cannot be run: the lesson's own '{key[1]}' fails: {error!r}") from error
            self._teachers[key] = namespace
        return self._teachers[key]


def _mark(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _problems(name: str, ran: Ran, is_check: bool) -> list[str]:
    if ran.problem:
        return [f"{name} {ran.problem}"]
    errors = [output for output in ran.outputs if output.output_type == "error"]
    return [] if is_check else [f"{name} stopped with {error.ename}: {error.evalue}" for error in errors]


def _stream(printed: io.StringIO) -> list[NotebookNode]:
    text = printed.getvalue()
    return [nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []


def _failure(error: Exception, source: str, name: str) -> NotebookNode:
    """An error as a notebook shows it: a check's words, or the line of the check that failed."""
    if isinstance(error, ExerciseError):
        said = [f"Not yet: {error}"]
    else:
        frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
        line = source.splitlines()[frames[0] - 1].strip() if frames else ""
        said = [f"{line}\n{type(error).__name__}: {error}"]
    return nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=said)
