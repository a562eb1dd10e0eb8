"""How long lessons take here, and that every lesson's time was recorded."""

import json
from pathlib import Path

import pytest
import torch

from lessons_lib.teaching import lesson_times

ROOT = Path(__file__).resolve().parents[2]


def test_times_are_scaled_by_this_machines_speed_and_said_roughly(tmp_path):
    path = tmp_path / "times.json"
    lessons = {"00_a": {"seconds": 21.0, "peak_gib": 0.84}, "01_b": {"seconds": 64.0, "peak_gib": 1.2}}
    path.write_text(json.dumps({"probe_seconds": 0.5, "lessons": lessons}))
    table = lesson_times.lesson_times(probe_seconds=0.5, path=path)
    assert table["takes about"].tolist() == ["20 s", "1 min"] and table["memory"].tolist() == ["0.8 GiB", "1.2 GiB"]
    slower = lesson_times.lesson_times(probe_seconds=1.0, path=path)
    assert slower["takes about"].tolist() == ["40 s", "2 min 10 s"]


def test_what_was_measured_on_a_slower_machine_is_kept_at_the_first_ones_speed(tmp_path):
    path = tmp_path / "times.json"
    lesson_times.record({"00_a": (10, 1.0, 0.5), "01_b": (30, 2.0, 0.5)}, path=path)
    lesson_times.record({"01_b": (110.08, 2.5, 1.0)}, path=path)
    kept = json.loads(path.read_text())
    assert kept["probe_seconds"] == 0.5
    assert kept["lessons"] == {"00_a": {"seconds": 10, "peak_gib": 1}, "01_b": {"seconds": 55, "peak_gib": 2.5}}


def test_every_lesson_has_a_recorded_time_that_keeps_the_promise():
    recorded = json.loads(lesson_times.RECORD.read_text())["lessons"]
    assert set(recorded) == {path.stem for path in (ROOT / "notebooks").glob("[!.]*.ipynb")}
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
