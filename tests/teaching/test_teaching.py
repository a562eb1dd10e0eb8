"""What notebooks use besides plots: what is missing here, how long lessons take, recording them, ToyWorld's tour."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat
import pytest
import torch
from packaging.requirements import Requirement

from lessons_lib import environment, toyworld
from lessons_lib.teaching import lesson_times, tour

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parents[2]


# --- is everything here?


def test_an_old_python_is_named_with_what_to_do():
    finding = environment.python((3, 9, 1))
    assert (finding.state, finding.found) == ("missing", "3.9.1") and "3.10 or newer" in finding.mend
    assert environment.python((3, 10, 0)).state == "ok"


def test_missing_and_mismatched_packages_are_named_with_the_command_that_mends_them():
    asked = [Requirement("torch>=2"), Requirement("no-such-package-here>=1"), Requirement("numpy<0.1")]
    summary, absent, old = environment.packages(asked)
    assert summary.found == "1 of 3 in the versions asked for"
    assert (absent.what, absent.found, absent.state) == ("no-such-package-here", "not installed", "missing")
    assert 'pip install "no-such-package-here>=1"' in absent.mend
    assert old.what == "numpy" and "tested with <0.1" in old.mend


def test_the_packages_asked_for_are_those_of_pyproject():
    asked = {need.name for need in environment.requirements()}
    assert {"torch", "open_clip_torch", "jupyterlab", "psutil"} <= asked and "pytest" not in asked


def test_missing_and_damaged_weights_are_told_apart(tmp_path):
    absent = environment.weights(tmp_path / "toyclip.safetensors")
    assert absent.state == "missing" and "not in the package" in absent.found
    (tmp_path / "pointer.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    damaged = environment.weights(tmp_path / "pointer.safetensors")
    assert damaged.state == "missing" and "damaged" in damaged.found and "pretrain_toyclip.py" in damaged.mend


def test_little_memory_or_disk_is_a_note_and_does_not_stop_the_lessons():
    short = [environment.memory(free_gib=1.5), environment.disk(free_gib=0.2)]
    assert [finding.state for finding in short] == ["note", "note"]
    assert "1.5 GiB free" in short[0].found and "LESSONS_CACHE" in short[1].mend
    assert environment.Report(short).ok


def test_a_report_marks_what_is_missing_and_points_to_the_remedy():
    report = environment.Report([environment.Finding("Python", "3.12.1"), environment.python((3, 8, 0))])
    assert not report.ok
    lines = repr(report).splitlines()
    assert lines[0].startswith("✓ Python") and lines[1].startswith("✗ Python")
    assert "→ Python 3.10 or newer" in lines[2] and lines[-1] == "1 thing needs mending: see the arrows."


def test_the_check_of_this_machine_reports_every_part():
    report = environment.check()
    assert [f.what for f in report.findings if f.state == "missing" and f.what != "ToyCLIP"] == []
    assert [f.what for f in report.findings] == ["Python", "packages", "ToyCLIP", "device", "memory", "disk"]
    assert ROOT.as_posix() not in repr(report)


# --- how long lessons take


def test_times_are_scaled_by_this_machines_speed_and_said_roughly(tmp_path):
    path = tmp_path / "times.json"
    lessons = {"00_a": {"seconds": 21.0, "peak_gib": 0.84}, "01_b": {"seconds": 64.0, "peak_gib": 1.2}}
    path.write_text(json.dumps({"probe_seconds": 0.5, "lessons": lessons}))
    table = lesson_times.lesson_times(probe_seconds=0.5, path=path)
    assert table["takes about"].tolist() == ["20 s", "1 min"] and table["memory"].tolist() == ["0.8 GiB", "1.2 GiB"]
    slower = lesson_times.lesson_times(probe_seconds=1.0, path=path)
    assert slower["takes about"].tolist() == ["40 s", "2 min 10 s"]


def test_recording_one_lesson_keeps_the_others_scaled_to_the_new_speed(tmp_path, monkeypatch):
    path = tmp_path / "times.json"
    monkeypatch.setattr(lesson_times, "probe", lambda: 0.5)
    lesson_times.record({"00_a": (10, 1.0), "01_b": (30, 2.0)}, path=path)
    monkeypatch.setattr(lesson_times, "probe", lambda: 1.0)
    lesson_times.record({"01_b": (55.04, 2.5)}, path=path)
    kept = json.loads(path.read_text())
    assert kept["probe_seconds"] == 1.0
    assert kept["lessons"] == {"00_a": {"seconds": 20, "peak_gib": 1}, "01_b": {"seconds": 55, "peak_gib": 2.5}}


def test_every_lesson_has_a_recorded_time_that_keeps_the_promise():
    recorded = json.loads(lesson_times.RECORD.read_text())["lessons"]
    assert set(recorded) == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert all(0 < lesson["seconds"] < 120 and lesson["peak_gib"] < 3 for lesson in recorded.values())


def test_the_probe_measures_something_and_leaves_chance_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert 0 < lesson_times.probe(repeats=1) < 60
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(("seconds", "said"), [(1, "5 s"), (33, "35 s"), (58, "1 min"), (114, "1 min 50 s"),
                                               (119, "2 min"), (290, "4 min 50 s"), (700, "12 min")])  # fmt: skip
def test_durations_are_said_as_a_person_would(seconds, said):
    assert lesson_times.spoken(seconds) == said


# --- recording lessons


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
        ROOT / "data_scripts" / "run_course.py",
        folder / "00_good.ipynb",
        folder / "01_bad.ipynb",
    ]
    command += ["--record", "--out", folder / "out", "--times", folder / "times.json"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
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


def test_recording_leaves_a_failed_lesson_as_it_was(recorded):
    assert nbformat.read(recorded / "01_bad.ipynb", as_version=4).cells[0].outputs == []
    assert set(json.loads((recorded / "times.json").read_text())["lessons"]) == {"00_good"}


# --- the tour


def test_the_overview_shows_a_row_a_task_in_few_colours():
    page = tour.overview(["toy_flowers", "toy_things_sketch"], size=32, columns=4)
    assert page.mode == "P" and page.height == 2 * 52 + 6 and page.width == 142 + 4 * 38


def test_shifts_have_twins_of_their_own():
    assert [tour.twin(f"toy_things{shift}") for shift in ("", "_v2", "_sketch", "_a", "_r")] == [
        "ImageNet", "ImageNetV2", "ImageNet-Sketch", "ImageNet-A", "ImageNet-R",
    ]  # fmt: skip
    assert tour.twin("toy_satellite") == "EuroSAT"


def test_classes_chosen_for_the_overview_exist():
    for task, names in tour.SHOWN.items():
        known = {name.replace(" ", "_") for name in toyworld.TASKS[task].classnames}
        assert set(names.split()) <= known, task


def test_the_last_step_of_a_picture_is_the_picture():
    scenes, _ = toyworld.draw_scenes("toy_flowers", "train", per_class=1)
    figure = tour.show_steps(scenes, 1)
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == len(scenes.describe(1)["parts"]) and titles[0] == "1. background"
    last = torch.as_tensor(figure.axes[len(titles) - 1].images[0].get_array())  # (H, W, 3)
    assert torch.equal(last, scenes[[1]].render()[0].permute(1, 2, 0))


def test_every_visible_object_of_a_scene_gets_a_box_with_its_name():
    scenes, _ = toyworld.draw_scenes("toy_scenes", "train", per_class=1)
    figure = tour.show_objects(scenes, 3, title="a street")
    seen = [name for name, box in zip(scenes.objects[3], scenes.boxes(3)) if not box.isnan().any()]
    assert [text.get_text() for text in figure.axes[2].texts] == seen and len(figure.axes[2].patches) == len(seen)


def test_there_is_a_contact_sheet_of_every_task_and_an_overview_below_300_kilobytes():
    sheets = {path.stem: path for path in (ROOT / "docs" / "contact_sheets").glob("*.png")}
    assert set(sheets) == set(toyworld.TASKS)
    for path in (*sheets.values(), ROOT / "docs" / "toyworld.png"):
        assert path.stat().st_size <= 300_000
