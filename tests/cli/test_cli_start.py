"""`lessons start` and `lessons progress`: worksheets beside the learner, and nobody's work is written over."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lessons_lib.cli import lessons, main
from lessons_lib.worksheets import BEGIN, END, STUB, changes, opened, progress, worksheet

ROOT = Path(__file__).resolve().parents[2]


def cell(kind: str, name: str, source: str, **more) -> dict:
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source, **code, **more}


def lesson(**changed: str) -> dict:
    """A lesson of two exercises. changed: other sources by cell id."""
    cells = [
        cell("markdown", "title", "# 04 · CoOp"),
        cell("markdown", "head1", "### 1 · A guess"),
        cell("code", "answer1", f"chance = None\n{BEGIN}\nchance = 25\n{END}"),
        cell("code", "check1", "check.chance(chance)", outputs=[{"output_type": "stream", "text": "✓ right"}]),
        cell("markdown", "head2", "### 2 · A mean"),
        cell("code", "answer2", f"def mean(x):\n    ...\n    {BEGIN}\n    return x.mean()\n    {END}"),
        cell("code", "check2", "check.mean(mean)"),
    ]
    for one in cells:
        one["source"] = changed.get(one["id"], one["source"])
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where a learner stands; two lessons are installed."""
    installed = tmp_path / "package" / "notebooks"
    installed.mkdir(parents=True)
    for name in ("04_coop", "05_cocoop"):
        (installed / f"{name}.ipynb").write_text(json.dumps(lesson()))
    monkeypatch.setattr(lessons, "PACKAGE", installed.parent)
    (tmp_path / "my lessons").mkdir()
    monkeypatch.chdir(tmp_path / "my lessons")
    return tmp_path / "my lessons"


def upstream(folder: Path, **changed: str) -> None:
    (folder.parent / "package" / "notebooks" / "04_coop.ipynb").write_text(json.dumps(lesson(**changed)))


def test_worksheets_of_all_lessons_are_put_beside_the_learner(folder, capsys):
    assert main(["start"]) == 0
    assert sorted(path.name for path in (folder / "worksheets").iterdir()) == ["04_coop.ipynb", "05_cocoop.ipynb"]
    sheet = nbformat.read(folder / "worksheets" / "04_coop.ipynb", as_version=4)
    nbformat.validate(sheet)
    sources = [cell.source for cell in sheet.cells]
    assert f"chance = None\n{STUB}" in sources and not any(BEGIN in source for source in sources)
    assert sum("chance = 25" in source for source in sources) == 1, "folded up below its check"


@pytest.mark.parametrize("name", ["04", "4", "coop", "04_coop", "notebooks/04_coop.ipynb", "CoOp"])
def test_a_lesson_is_named_by_its_number_or_its_name(folder, name):
    assert main(["start", name, "--to", "a folder"]) == 0
    assert [path.name for path in (folder / "a folder").iterdir()] == ["04_coop.ipynb"]


def test_a_lesson_that_is_not_there_is_named_with_the_nearest(folder, capsys):
    assert main(["start", "cocop"]) == 2
    assert "there is no lesson 'cocop'. Did you mean 'cocoop'" in capsys.readouterr().err
    assert not (folder / "worksheets").exists()


def test_what_is_there_is_kept_whatever_it_is(folder, capsys):
    mine = folder / "worksheets" / "04_coop.ipynb"
    mine.parent.mkdir()
    mine.write_text("hours of work")
    assert main(["start", "--beside"]) == 0
    assert (
        mine.read_text(encoding="utf-8") == "hours of work"
        and "cannot be read as a notebook" in capsys.readouterr().out
    )


def test_a_stale_worksheet_is_told_under_its_headings_and_the_new_one_comes_beside_it(folder, capsys):
    main(["start"])
    mine = folder / "worksheets" / "04_coop.ipynb"
    before = mine.read_bytes()
    upstream(folder, check2="check.mean(mean, seed=1)")
    capsys.readouterr()
    assert main(["start", "04"]) == 0
    said = capsys.readouterr().out
    assert "has changed since, under: 2 · A mean\n" in said and "'lessons start 04_coop --beside'" in said
    assert main(["start", "04", "--beside"]) == 0
    [newer] = [path for path in mine.parent.glob("04_coop_*.ipynb")]
    assert "seed=1" in newer.read_text(encoding="utf-8") and mine.read_bytes() == before
    newer.write_text("mine too")
    assert main(["start", "04", "--beside"]) == 0 and newer.read_text(encoding="utf-8") == "mine too"


def test_what_a_learner_does_makes_no_worksheet_stale():
    sheet = worksheet(lesson(), "04_coop")
    sheet["cells"][2]["source"] = "chance = 4"
    sheet["cells"].append(cell("code", "own", "1 + 1"))
    del sheet["cells"][0]
    assert changes(sheet, lesson()) == []


def test_cells_that_came_and_went_are_told():
    sheet, now = worksheet(lesson(), "04_coop"), lesson()
    now["cells"][-1]["id"] = "another"
    assert changes(sheet, now) == ["2 · A mean", "cells that are gone"]


def test_a_worksheet_of_before_that_says_nothing_is_compared_by_its_cells():
    sheet = worksheet(lesson())
    assert changes(sheet, lesson(check2="other")) == []
    sheet["cells"] = [one for one in sheet["cells"] if one["id"] != "check2"]
    assert changes(sheet, lesson()) == ["2 · A mean"]


def test_the_lessons_own_folder_is_no_place_for_worksheets(folder, capsys):
    assert main(["start", "--to", str(folder.parent / "package" / "notebooks")]) == 2
    assert "where the lessons themselves lie" in capsys.readouterr().err


@pytest.mark.parametrize(
    "source", [f"x = 1\n{BEGIN}\ny = 2", f"{END}\n{BEGIN}\n", f"{BEGIN}\n1\n{END}\n{BEGIN}\n2\n{END}"]
)
def test_marks_that_are_no_pair_are_refused(source):
    with pytest.raises(ValueError, match="once"):
        opened(source)


def test_progress_tells_solved_from_written_from_open(folder, capsys):
    main(["start"])
    path = folder / "worksheets" / "04_coop.ipynb"
    assert main(["progress"]) == 0
    assert "0 of 4 exercises solved" in capsys.readouterr().out
    sheet = json.loads(path.read_text(encoding="utf-8"))
    by_id = {one["id"]: one for one in sheet["cells"]}
    by_id["answer1"]["source"] = "chance = 25"
    by_id["check1"]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["✓ a guess is right\n"]}]
    by_id["answer2"]["source"] = "def mean(x):\n    return x.sum()"
    path.write_text(json.dumps(sheet), encoding="utf-8")
    assert [state for _, state in progress(sheet, lesson())] == ["solved", "written"]
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    assert "next: 2 · A mean" in said and "1 of 4 exercises solved" in said


def test_progress_of_a_folder_that_is_not_there_says_how_to_make_it(folder, capsys):
    assert main(["progress", "elsewhere"]) == 2
    assert "'lessons start' makes worksheets" in capsys.readouterr().err


def test_damaged_worksheets_are_named_and_the_others_counted(folder, capsys):
    main(["start"])
    (folder / "worksheets" / "04_coop.ipynb").write_text("{")
    capsys.readouterr()
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    assert "is no notebook, or a damaged one" in said and "0 of 2 exercises solved" in said


def test_worksheets_need_neither_torch_nor_jupyter(tmp_path):
    code = (
        "import sys; from lessons_lib.cli import main; main(['start', '04', '--to', sys.argv[1]]);"
        "print({'torch', 'nbformat', 'IPython', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()" and (tmp_path / "04_coop.ipynb").is_file()


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_working_through_a_lesson_leaves_git_clean_and_a_pull_of_a_changed_lesson_works(tmp_path, monkeypatch, capsys):
    origin, clone = tmp_path / "origin", tmp_path / "clone of mine"
    (origin / "notebooks").mkdir(parents=True)
    (origin / ".gitignore").write_text((ROOT / ".gitignore").read_text(encoding="utf-8"))
    (origin / "notebooks" / "04_coop.ipynb").write_text(json.dumps(lesson()))
    git(origin, "init", "-q")
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "a lesson")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    monkeypatch.setattr(lessons, "PACKAGE", clone / "lessons_lib")
    monkeypatch.chdir(clone)
    assert main(["start"]) == 0
    path = clone / "worksheets" / "04_coop.ipynb"
    sheet = nbformat.read(path, as_version=4)
    sheet.cells[2].source = "chance = 4"
    nbformat.write(sheet, path)  # as JupyterLab saves it
    assert git(clone, "status", "--porcelain") == ""
    (origin / "notebooks" / "04_coop.ipynb").write_text(json.dumps(lesson(head1="### 1 · A better guess")))
    git(origin, "commit", "-qam", "better")
    git(clone, "pull", "-q")
    capsys.readouterr()
    assert main(["start"]) == 0
    assert "has changed since, under: 1 · A better guess" in capsys.readouterr().out
    assert nbformat.read(path, as_version=4).cells[2].source == "chance = 4"
