"""A student's process is started once, outlives what a cell does to it, and leaves nothing running."""

import time
from pathlib import Path

import psutil
import pytest
import torch

from lessons_lib.teaching.grading.answers import answer

kernel = pytest.importorskip("lessons_lib.teaching.grading.kernel", reason="the extra `teach` is not installed")


def problem_of(ran) -> str:
    return ran.problem or next((out.ename for out in ran.outputs if out.output_type == "error"), "")


def test_a_process_that_ends_itself_or_does_not_stop_costs_one_cell(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "PATIENCE", 2)
    (course := tmp_path / "course").mkdir()
    (handed_in := course / "amy").mkdir()
    (handed_in / "data.txt").write_text("beside the notebook")
    with kernel.Kernel(handed_in, course, seconds=20, gib=8) as student:
        assert problem_of(student.run("a = open('data.txt').read()")) == ""
        assert problem_of(student.run("import sys; sys.exit()")) == "SystemExit"
        assert problem_of(student.run("import os; os._exit(1)")) == "ended its own process"
        stubborn = "import time\nwhile True:\n    try: time.sleep(1)\n    except BaseException: pass"
        assert problem_of(student.run(stubborn)) == "ran longer than 20 seconds and did not stop"
        assert student.run("print(a)").outputs[0].text == "beside the notebook\n", "cells before were run again"
        student.run("def double(x):\n    x = 2 * x\n    return x")
        big = torch.arange(50_000.0, requires_grad=True)
        answer("double", student.ask)(big).sum().backward()
        assert big.grad.eq(2).all(), "values and gradients come over, large ones too"
        flood = student.run("for _ in range(40): print('x' * 100_000)")
        assert sum(len(str(out)) for out in flood.outputs) < 2 * kernel.MOST_PRINTED
        assert "the rest was left out" in flood.outputs[-1].text
        student.run("import subprocess; p = subprocess.Popen(['setsid', 'sleep', '987']).pid")
        left = int(student.run("print(p)").outputs[0].text)
        own = student.own
    deadline = time.monotonic() + 10
    while psutil.pid_exists(left) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(left) and not own.exists()


def test_a_course_that_holds_the_python_is_refused_before_anything_runs():
    with pytest.raises(ValueError, match="make the course in another folder"):
        with kernel.Kernel(Path("."), Path(kernel.sys.prefix).resolve().parent, seconds=1):
            pass
