"""JupyterLab as learners have it: lessons run, a check helps or passes, a slider draws anew, no request goes far."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser.conftest import LESSONS
from browser.lab import Notebook

pytestmark = pytest.mark.browser


def open_lesson(opened, lab: str, lesson: str):
    seen = opened(lab.format(workspace=lesson, path=f"{lesson}.ipynb"))
    return seen, Notebook(seen.page)


def run_solved(notebook: Notebook, solved: dict[str, str]) -> None:
    """Writes every solution (`Notebook.solved`, of a sheet that is still empty) and runs all cells, to the last one."""
    for cell, answer in solved.items():
        notebook.write(cell, answer)
    notebook.run_all(600)
    assert notebook.failed() == []
    last = [id for id in notebook.ids if notebook.count(id) is not None][-1]
    assert notebook.ids.index(last) > 0.8 * len(notebook.ids)


def test_a_wrong_answer_gets_its_hint_a_right_one_passes_and_the_lesson_runs_to_its_end(opened, lab):
    seen, notebook = open_lesson(opened, lab, "00_start_here")
    notebook.run_all()
    solved = notebook.solved()
    exercise = next(iter(solved))
    check = notebook.ids[notebook.ids.index(exercise) + 1]
    assert notebook.failed() == [check], "what is open stops the lesson there, and nothing else does"

    notebook.write(exercise, "chance = 50")
    notebook.run(exercise)
    wrong = notebook.run(check)
    assert "Not yet" in wrong and "Traceback" not in wrong, "a sentence, and nothing of the machinery"
    notebook.write(exercise, solved[exercise])
    notebook.run(exercise)
    assert notebook.run(check).strip().startswith("✓")

    run_solved(notebook, solved)
    assert seen.elsewhere == []


def test_lesson_04_runs_to_its_end(opened, lab):
    seen, notebook = open_lesson(opened, lab, "04_coop")
    run_solved(notebook, notebook.solved())
    assert seen.elsewhere == []


def test_lesson_01_runs_and_its_slider_draws_anew(opened, lab):
    seen, notebook = open_lesson(opened, lab, "01_contrastive_pretraining")
    run_solved(notebook, notebook.solved())

    (with_slider,) = (id for id in notebook.ids if "widgets.temperature(" in notebook.source(id))
    cell = notebook.show(with_slider)
    handle = cell.locator(".widget-slider .noUi-handle, .widget-slider [role=slider]").first
    handle.wait_for(timeout=30_000)
    drawn = cell.locator(".jp-OutputArea img, .widget-output img").first
    drawn.wait_for(timeout=60_000)
    before = drawn.get_attribute("src")
    handle.focus()
    for _ in range(10):
        seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_function(
        "before => [...document.querySelectorAll('.widget-output img, .jp-OutputArea img')].length"
        " && ![...document.querySelectorAll('.widget-output img')].some(one => one.src === before)",
        arg=before,
        timeout=120_000,
    )
    assert seen.elsewhere == []


def test_the_learners_folder_holds_worksheets_alone(worksheets: Path):
    assert {path.name for path in worksheets.glob("*.ipynb")} == {f"{lesson}.ipynb" for lesson in LESSONS}
