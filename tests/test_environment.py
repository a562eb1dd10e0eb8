"""What the course looks for on this machine, and what it says where something is missing."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement

from lessons_lib import environment

ROOT = Path(__file__).resolve().parents[1]


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
