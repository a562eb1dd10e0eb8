"""The benchmark of Tip-Adapter's grid and of DAPT, on sizes small enough to run it at once."""

import json
from pathlib import Path

import adapters as benchmark
import pytest
from reference.comparing import relative_error
from tiny_clip import tiny_config


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config()))
    return [
        *("--model", str(tmp_path / "tiny.json"), "--devices", "cpu", "--repeats", "1", "--batch", "3"),
        *("--dapt-classes", "4", "--classes", "6", "--shots", "2", "--images", "20", "--steps", "6", "3"),
        *("--out", str(tmp_path / "record.json")),
    ]


def test_both_sides_of_the_grid_find_the_same():
    grid = benchmark.Grid(20, 3, 200, "cpu", steps=(8, 4))
    grid.library()
    assert grid.disagreement([(b, a) for b in range(8) for a in range(4)]) == 0
    assert 5 < grid.found.min() < grid.found.max() < 100  # neither term is always right
    grid.found[3, 2] += 1
    assert grid.disagreement([(3, 2)]) == pytest.approx(2)  # 1 % of 200 images


def test_both_sides_of_a_step_do_the_same_work(tiny):
    step = benchmark.Step(tiny[1], 4, 3, "cpu")
    step.library()
    library = {name: p.grad.clone() for name, p in step.method.named_parameters()}
    step.published()
    for name, p in step.method.named_parameters():
        assert relative_error(p.grad, library[name]) < 1e-3, name


def test_a_row_for_each_and_no_target_for_small_sizes(tiny, tmp_path):
    assert benchmark.main(tiny) == 0
    record = json.loads((tmp_path / "record.json").read_text())
    assert {"date", "machine", "versions", "settings"} <= set(record)
    assert [row["what"] for row in record["rows"]] == ["grid", "dapt"] and record["targets"] == []
    grid, dapt = record["rows"]
    for row in (grid, dapt):
        assert row["speedup"] == pytest.approx(row["published_seconds"] / row["library_seconds"])
    assert grid["published_seconds"] == pytest.approx(18 * grid["published_seconds_a_pair"])
    assert len(set(map(tuple, grid["pairs_timed"]))) == 3 and grid["images_that_differ"] == 0


def test_one_of_the_two_can_be_measured_alone(tiny, tmp_path):
    benchmark.main([*tiny, "--only", "grid"])
    assert [row["what"] for row in json.loads((tmp_path / "record.json").read_text())["rows"]] == ["grid"]


def test_targets_are_met_or_missed_by_what_was_measured():
    grid = {"what": "grid", "device": "cpu", "classes": 1000, "shots": 16, "images": 5000, "speedup": 50.0}
    dapt = {"what": "dapt", "device": "cpu", "classes": 100, "batch": 32, "speedup": 1.29}
    assert [row["met"] for row in benchmark.judge([grid, dapt])] == [True, False]
    assert benchmark.judge([{**grid, "images": 100}, {**dapt, "device": "cuda"}]) == []
