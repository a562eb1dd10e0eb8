"""Threads: as many as the process may use, and passive, so that a machine that others use, too, is no slower for it."""

import math
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from lessons_lib import threads
from lessons_lib.cli import doctor

ROOT = Path(__file__).resolve().parents[1]
SPIN = "while True: pass"
# Many small products, each shared by two threads that wait for each other; gives the processor's seconds that it took.
WORK = """
{first}
import time, torch
torch.set_num_threads({count})
x = torch.randn(64, 512)
w = torch.randn(512, 2048)
for _ in range(20): torch.relu(x @ w)
start = time.process_time()
for _ in range(200): torch.relu(x @ w)
print(time.process_time() - start)
"""


def cgroup(folder: Path, version: int, **limits: str) -> tuple[Path, Path]:
    """A process in /job/step, and what the groups allow: names of groups to the texts of their files."""
    own = folder / "own"
    own.write_text("0::/job/step\n" if version == 2 else "9:memory:/job\n4:cpu,cpuacct:/job/step\n0::/\n")
    top = folder if version == 2 else folder / "cpu"
    for name, text in limits.items():
        group = top / {"all": "", "job": "job", "step": "job/step"}[name]
        group.mkdir(parents=True, exist_ok=True)
        if version == 2:
            (group / "cpu.max").write_text(text)
        else:
            for what, number in zip(("quota", "period"), text.split()):
                (group / f"cpu.cfs_{what}_us").write_text(number)
    return own, folder


@pytest.mark.parametrize(
    ("version", "limits", "cores"),
    [
        (2, {"all": "max 100000", "step": "max 100000"}, math.inf),
        (2, {"job": "150000 100000", "step": "max 100000"}, 1.5),
        (2, {"job": "400000 100000", "step": "200000 100000"}, 2),
        (2, {"step": "nonsense"}, math.inf),
        (1, {"step": "-1 100000"}, math.inf),
        (1, {"job": "300000 100000", "step": "-1 100000"}, 3),
        (1, {"all": "50000 100000"}, 0.5),  # a container's own group, seen from inside under another name
    ],
)
def test_the_quota_of_every_group_above_the_process_counts(tmp_path, version, limits, cores):
    assert threads.quota(*cgroup(tmp_path, version, **limits)) == cores


def test_where_there_are_no_groups_there_is_no_quota(tmp_path):
    assert threads.quota(tmp_path / "none", tmp_path) == math.inf


def test_no_more_cores_than_may_be_run_on_or_are_paid_for(monkeypatch):
    monkeypatch.setattr(threads, "_runnable", lambda: 8)
    for quota, cores in ((math.inf, 8), (2.5, 3), (0.2, 1), (16, 8)):
        monkeypatch.setattr(threads, "quota", lambda quota=quota: quota)
        assert threads.cores() == cores


def said(code: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    kept |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True).stdout


ASK = "import os; print(os.environ.get('OMP_WAIT_POLICY'), os.environ.get('OMP_NUM_THREADS'), threads.waiting())"


def test_importing_the_library_decides_and_what_was_asked_for_stays():
    few = "import lessons_lib.threads as threads; threads.quota = lambda: 0.5; threads.decide();"
    assert said(f"from lessons_lib import threads; {ASK}").split()[::2] == ["PASSIVE", "passively"]
    assert said(f"{few} {ASK}").split()[:2] == ["PASSIVE", "1"]
    asked = said(f"{few} {ASK}", OMP_WAIT_POLICY="ACTIVE", OMP_NUM_THREADS="3")
    assert asked == "ACTIVE 3 as OMP_WAIT_POLICY=ACTIVE says\n"


def test_where_torch_came_first_that_is_said_and_a_quota_still_holds(monkeypatch):
    import torch

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "decided_in_time", False)
    monkeypatch.setattr(threads, "_runnable", lambda: 4)
    monkeypatch.setattr(threads, "quota", lambda: 2.0)
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    threads.decide()
    assert asked == [2] and "OMP_WAIT_POLICY" not in os.environ
    assert threads.waiting() == "spinning, since torch was imported before lessons_lib"
    finding = doctor.threads()
    assert "they wait spinning" in finding.found and (finding.state, "=2:" in finding.mend) == ("note", True)


@contextmanager
def others_at_work(count: int):
    """So many processes that never rest."""
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


@pytest.mark.skipif(threads.cores() < 2, reason="threads wait for each other on two cores and more")
@pytest.mark.skipif(
    hasattr(os, "getloadavg") and os.getloadavg()[0] > 2 * threads.cores(),
    reason="with so much at work besides, it would take minutes",
)
def test_under_load_waiting_costs_the_processor_next_to_nothing():
    """Beside the same work two threads took 2.1 to 2.6 times as much of its time as one; spinning ones take 20."""
    with others_at_work(2 * threads.cores()):
        one, passive = (
            min(float(said(WORK.format(first="import lessons_lib", count=count))) for _ in range(2)) for count in (1, 2)
        )
    assert passive < 5 * one
