"""The course runs unattended: every lesson is executed and kept, and a cell that fails is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import make_site
import nbformat
import pytest
import run_course

needs_site_tools = pytest.mark.skipif(bool(make_site.missing_tools()), reason="the extra `site` is not installed")

SCRIPT = Path(__file__).resolve().parents[2] / "data_scripts" / "course" / "run_course.py"
GOOD = ["import os\nprint(os.path.basename(os.getcwd()))", "print(6 * 7)"]
BAD = ["print('before')", "1 / 0", "print('never')"]


def lesson(path: Path, sources: list[str]) -> Path:
    cells = [nbformat.v4.new_markdown_cell("# A lesson"), *map(nbformat.v4.new_code_cell, sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def course(*paths: Path, out: Path, timeout: int = 60, pages: bool = False) -> subprocess.CompletedProcess:
    command = [sys.executable, SCRIPT, *paths, "--out", out, "--timeout", str(timeout)]
    command += [] if pages else ["--no-pages"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A lesson that fails, and one after it that does not."""
    folder = tmp_path_factory.mktemp("lessons")
    paths = [lesson(folder / "01_bad.ipynb", BAD), lesson(folder / "02_good.ipynb", GOOD)]
    return course(*paths, out=folder / "out", pages=not make_site.missing_tools()), folder


def test_a_failing_cell_is_named_and_fails_the_course(both):
    done, _ = both
    assert done.returncode == 1
    assert "FAILED  01_bad, cell 3: ZeroDivisionError: division by zero" in done.stderr


def test_the_lessons_after_a_failure_still_run_in_their_own_folder(both):
    done, folder = both
    copy = nbformat.read(folder / "out" / "02_good.ipynb", as_version=4)
    printed = [output.text for cell in copy.cells if cell.cell_type == "code" for output in cell.outputs]
    assert printed == [f"{folder.name}\n", "42\n"]


def test_a_failed_lesson_is_kept_with_what_it_printed_and_its_error(both):
    copy = nbformat.read(both[1] / "out" / "01_bad.ipynb", as_version=4)
    outputs = [output.output_type for cell in copy.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs == ["stream", "error"]


def test_times_and_memory_are_recorded(both):
    bad, good = json.loads((both[1] / "out" / "times.json").read_text(encoding="utf-8"))
    assert (bad["lesson"], bad["cells"], good["cells"], good["failure"]) == ("01_bad", 3, 2, "")
    assert 0 < good["seconds"] < 60 and 0.01 < good["peak_gib"] < 3
    assert "cell 2 of 2" in both[0].stderr


def test_a_cell_that_hangs_is_stopped_and_named(tmp_path):
    path = lesson(tmp_path / "slow.ipynb", ["import time\ntime.sleep(60)"])
    done = course(path, out=tmp_path / "out", timeout=1)
    assert done.returncode == 1 and "slow, cell 2: ran longer than 1 s" in done.stderr


def test_a_kernel_that_dies_is_named_and_the_next_lesson_runs(tmp_path):
    dying = lesson(tmp_path / "01_dying.ipynb", ["import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"])
    done = course(dying, lesson(tmp_path / "02_good.ipynb", GOOD), out=tmp_path / "out")
    assert done.returncode == 1
    assert "FAILED  01_dying, cell 3: the kernel died" in done.stderr
    assert "02_good" in done.stdout and "42" in (tmp_path / "out" / "02_good.ipynb").read_text(encoding="utf-8")


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    done = course(tmp_path / "04_missing.ipynb", out=tmp_path / "out")
    assert done.returncode == 2 and "no such notebook" in done.stderr and "04_missing.ipynb" in done.stderr


@needs_site_tools
def test_the_site_of_this_run_shows_what_every_lesson_printed_and_where_one_failed(both):
    pages = both[1] / "out" / "site" / "lessons"
    assert "42" in (pages / "02_good.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in (pages / "01_bad.html").read_text(encoding="utf-8")
    assert "02_good" in (both[1] / "out" / "site" / "index.html").read_text(encoding="utf-8")


def test_without_the_tools_the_copies_are_there_and_what_is_missing_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_site, "TOOLS", ("sphinx", "no_such_tool"))
    (tmp_path / "02_good.ipynb").touch()
    runs = [run_course.Run(lesson="02_good", cells=2, seconds=1.0, peak_gib=0.1)]
    said = run_course.write_pages(runs, tmp_path)
    assert "no_such_tool" in said and '".[site]"' in said
