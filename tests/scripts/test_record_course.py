"""Recording lessons keeps outputs without what differs from run to run, and leaves a lesson that failed as it was."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
import run_course


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Two lessons run with --record: one draws progress bars and a slider, one fails."""
    folder = tmp_path_factory.mktemp("recorded")
    bar = "from tqdm import tqdm\nlist(tqdm(range(3)))\nprint('done')"
    bar += "\nfrom tqdm.notebook import tqdm\nlist(tqdm(range(3)))\nimport ipywidgets\nipywidgets.IntSlider(2)"
    for name, source in (("00_good", bar), ("01_bad", "1 / 0")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"tags": ["kept"]})])
        nbformat.write(notebook, folder / f"{name}.ipynb")
    command = [
        sys.executable,
        run_course.__file__,
        folder / "00_good.ipynb",
        folder / "01_bad.ipynb",
    ]
    command += ["--record", "--out", folder / "out", "--times", folder / "times.json"]
    environment = os.environ | {"PYTHONPATH": str(run_course.ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1, done.stderr
    return folder


def test_recording_keeps_outputs_in_place_without_bars_or_times(recorded):
    notebook = nbformat.read(recorded / "00_good.ipynb", as_version=4)
    stream, slider = notebook.cells[0].outputs
    assert stream.text == "done\n" and slider.data["application/vnd.jupyter.widget-view+json"]
    assert notebook.cells[0].metadata == {"tags": ["kept"]} and notebook.cells[0].execution_count == 1
    assert set(notebook.metadata) == {"kernelspec", "language_info", "widgets"}
    assert notebook.metadata.language_info == {"name": "python"}
    (saved,) = notebook.metadata.widgets.values()
    assert {model["model_name"] for model in saved["state"].values()} == {
        "IntSliderModel",
        "LayoutModel",
        "SliderStyleModel",
    }


def test_a_damaged_notebook_fails_by_itself_and_is_left_as_it_is(tmp_path):
    (path := tmp_path / "cut.ipynb").write_text('{"cells": [')
    run = run_course.run_lesson(path, out=tmp_path / "out", timeout=60, label="cut", record=True)
    assert run.failure.startswith(f"'{path}' is damaged, or no notebook (") and run.cells == 0
    assert path.read_text() == '{"cells": ['


@pytest.mark.parametrize("fault", ["a full disk", "an edit meanwhile"])
def test_a_notebook_that_cannot_be_recorded_is_left_as_it_is(tmp_path, monkeypatch, fault):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    nbformat.write(notebook, path := tmp_path / "mine.ipynb")
    before = path.read_bytes()

    def run(client):
        if fault == "an edit meanwhile":
            path.write_bytes(before + b" ")

    def full(name, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_course.NotebookClient, "execute", run)
    if fault == "a full disk":
        monkeypatch.setattr(os, "fsync", full)
    run = run_course.run_lesson(path, out=tmp_path / "out", timeout=60, label="", record=True)
    assert ("the disk is full" if fault == "a full disk" else "was changed while it ran") in run.failure
    assert path.read_bytes().strip() == before.strip()
    assert [entry.name for entry in tmp_path.rglob("*.tmp*")] == []


def test_an_executed_copy_is_never_written_over_the_lesson(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), path := tmp_path / "mine.ipynb")
    command = [sys.executable, run_course.__file__, path, "--out", tmp_path]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(run_course.ROOT)}
    )
    assert done.returncode == 2 and "is what is read: writing there would lose it" in done.stderr


def test_recording_leaves_a_failed_lesson_as_it_was(recorded):
    assert nbformat.read(recorded / "01_bad.ipynb", as_version=4).cells[0].outputs == []
    assert set(json.loads((recorded / "times.json").read_text())["lessons"]) == {"00_good"}
