"""The benchmark of prompt learning, on a model small enough to run it at once."""

import json
import subprocess
import sys
from pathlib import Path

import measuring
import prompt_learning as benchmark
import pytest
from reference.comparing import relative_error
from tiny_clip import tiny_clip, tiny_config

needs_linux = pytest.mark.skipif(not measuring.can_measure_memory("cpu"), reason="memory is measured on Linux")


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config()))
    return [
        *("--model", str(tmp_path / "tiny.json"), "--devices", "cpu", "--repeats", "1"),
        *("--out", str(tmp_path / "record.json")),
    ]


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch):
    """Leaves out the processes of their own, each of which imports torch anew."""
    monkeypatch.setattr(benchmark, "can_measure_memory", lambda device: False)


@pytest.mark.parametrize("method", benchmark.METHODS)
def test_both_sides_do_the_same_work(method):
    case = benchmark.Case(tiny_clip(), method, 5)
    case.library_step()
    library = {name: p.grad.clone() for name, p in case.method.named_parameters() if p.numel()}
    case.published_step()
    for name, p in case.method.named_parameters():
        assert p.numel() == 0 or relative_error(p.grad, library[name]) < 1e-3, name
    assert relative_error(case.library_evaluation(), case.published_evaluation()) < 1e-4


def test_a_row_for_every_case_and_a_plot(tiny, tmp_path, no_memory):
    assert benchmark.main([*tiny, "--classes", "6", "3"]) == 0
    record = json.loads((tmp_path / "record.json").read_text())
    assert {"date", "machine", "versions", "settings"} <= set(record)
    assert [(r["method"], r["classes"], r["phase"]) for r in record["rows"]] == [
        (method, classes, phase)
        for method in benchmark.METHODS
        for classes in (3, 6)
        for phase in ("step", "evaluation")
    ]
    for row in record["rows"]:
        assert row["speedup"] == pytest.approx(row["published_seconds"] / row["library_seconds"])
        assert row["library_gib"] is None  # not measured here, so not said
    assert record["targets"] == []  # they are for the real architecture
    assert 0 < (tmp_path / "record.png").stat().st_size < 200_000


def test_cases_that_are_not_measured_anew_are_kept_unless_the_settings_differ(tiny, tmp_path, no_memory):
    def measured(*more: str) -> dict:
        assert benchmark.main([*tiny, *more]) == 0
        return {(r["method"], r["classes"]): r for r in json.loads((tmp_path / "record.json").read_text())["rows"]}

    first = measured("--methods", "maple", "--classes", "3")
    both = measured("--methods", "coop", "--classes", "3", "6")
    assert list(both) == [("coop", 3), ("coop", 6), ("maple", 3)] and both["maple", 3] == first["maple", 3]
    again = measured("--methods", "maple", "--classes", "3")
    assert list(again) == list(both) and again["coop", 6] == both["coop", 6]
    assert again["maple", 3]["library_runs"] != first["maple", 3]["library_runs"]
    assert list(measured("--methods", "vpt", "--classes", "3", "--repeats", "2")) == [("vpt", 3)]


def test_what_would_take_too_long_is_left_out_and_said(tiny, tmp_path, no_memory):
    assert benchmark.main([*tiny, "--methods", "coop", "--classes", "3", "6", "9", "--limit", "1e-6"]) == 0
    rows = [row for row in json.loads((tmp_path / "record.json").read_text())["rows"] if row["phase"] == "step"]
    assert rows[0]["published_seconds"] > 0 and "left_out" not in rows[0]
    for row in rows[1:]:
        assert row["published_seconds"] is row["published_gib"] is None and "speedup" not in row
        assert row["library_seconds"] > 0
        assert "by 3 classes; the limit is" in row["left_out"]


def test_what_would_not_fit_is_left_out():
    row = {"method": "coop", "classes": 10, "published_seconds": 1.0, "published_gib": 1e6}
    assert "it would need about 2000000 GiB" in benchmark.too_much(row, 20, limit=100, device="cpu")
    assert benchmark.too_much({**row, "published_gib": 1e-6}, 20, limit=100, device="cpu") is None


ALLOCATES = """
import measuring, torch

def work():
    for _ in range(3):
        torch.ones(2**25)  # 128 MiB, freed every time

print(measuring.peak_bytes(work, "cpu"))
"""


@needs_linux
def test_the_peak_is_what_was_held_at_once():
    """In a process of its own, as the benchmarks measure it: in this one other tests' memory comes and goes."""
    folder = Path(measuring.__file__).parent
    peak = subprocess.run([sys.executable, "-c", ALLOCATES], cwd=folder, capture_output=True, text=True, check=True)
    assert int(peak.stdout) == pytest.approx(2**27, rel=0.1)


@needs_linux
def test_memory_is_measured_in_a_process_of_its_own(tiny, monkeypatch):
    args = type("Settings", (), {"model": tiny[1], "precision": "fp32"})
    case = benchmark.Case(tiny_clip(), "coop", 5)
    assert 0 < benchmark.peak(args, case, "step", "library") < 1
    monkeypatch.setattr(benchmark, "__file__", "missing.py")
    with pytest.raises(RuntimeError, match="measuring the memory of coop 5 step library failed:(.|\n)*missing.py"):
        benchmark.peak(args, case, "step", "library")


def rows(**changes) -> list[dict]:
    fast = {"coop": 25.0, "cocoop": 18.0, "maple": 4.0} | changes
    base = {"device": "cpu", "phase": "step"}
    found = [{**base, "method": method, "classes": 100, "speedup": times} for method, times in fast.items()]
    return [*found, {**base, "method": "coop", "classes": 1000, "library_gib": changes.get("gib", 3.0)}]


def test_targets_are_met_or_missed_by_what_was_measured():
    assert [row["met"] for row in benchmark.judge(rows())] == [True] * 4
    assert [row["met"] for row in benchmark.judge(rows(coop=19.9))] == [False, True, True, True]
    assert [row["met"] for row in benchmark.judge(rows(cocoop=None))] == [True, False, True, True]  # left out: missed
    assert [row["met"] for row in benchmark.judge(rows(gib=4.1))] == [True, True, True, False]
    assert benchmark.judge([{**row, "device": "cuda"} for row in rows()]) == []


def test_a_missed_target_is_the_exit_status(tiny, tmp_path, no_memory, monkeypatch):
    monkeypatch.setattr(benchmark, "MODEL", tiny[1])
    monkeypatch.setattr(benchmark, "SPEEDUPS", {"coop": 1e9})
    arguments = [*tiny, "--methods", "coop"]
    assert benchmark.main([*arguments, "--classes", "3"]) == 0  # nothing that a target is about
    assert benchmark.main([*arguments, "--classes", "100"]) == 1


def test_a_thousand_names_are_a_thousand_classes():
    names = benchmark.class_names(1000)
    assert len(set(names)) == 1000 and "missile 2" in names
