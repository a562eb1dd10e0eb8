"""How many threads this process computes with, and how they wait for each other.

Torch takes a thread for each core that the process may run on. It does not know of a quota (a container's, a job's),
and its threads wait for each other spinning: on a machine that others use, too, each waits for one that is not running,
and all become several times slower. OpenMP reads both once, when torch is imported. So `import lessons_lib` decides
before: by environment variables, which processes that it starts inherit, and which stay as they are where they are set.
"""

import math
import os
import sys
from pathlib import Path

CGROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
COUNT, WAITING = "OMP_NUM_THREADS", "OMP_WAIT_POLICY"
decided_in_time = False  # whether torch was not there yet


def decide() -> None:
    """Passive waiting, and no more threads than cores; where torch is here already, the threads alone."""
    global decided_in_time
    fewer = cores() < _runnable() and COUNT not in os.environ
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        if fewer and hasattr(torch, "set_num_threads") and torch.get_num_threads() > cores():
            torch.set_num_threads(cores())
        return
    decided_in_time = True
    os.environ.setdefault(WAITING, "PASSIVE")
    if fewer:
        os.environ[COUNT] = str(cores())


def cores() -> int:
    """How many this process may use: those that it may run on, and no more than its quota gives it time on."""
    return max(1, math.ceil(min(_runnable(), quota())))


def of_each(processes: int) -> int:
    """Threads of each of several processes that share the cores."""
    return max(1, cores() // processes)


def quota(own: Path = OWN, groups: Path = CGROUPS) -> float:
    """Cores' worth of time that the control groups of this process allow (Linux; both versions); inf for no limit."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return math.inf
    found = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = groups / "cpu" if controllers else groups
        inside = top / path.strip("/")
        for folder in (inside, *inside.parents):  # a group's limit holds for all below it
            if folder.is_relative_to(top):
                found.append(_limit(folder))
    return min(found)


def _limit(group: Path) -> float:
    try:
        if (group / "cpu.max").exists():
            most, period = (group / "cpu.max").read_text().split()
        else:
            most, period = ((group / f"cpu.cfs_{what}_us").read_text() for what in ("quota", "period"))
        return math.inf if most == "max" or float(most) <= 0 else float(most) / float(period)
    except (OSError, ValueError):
        return math.inf


def _runnable() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def waiting() -> str:
    """How threads wait: "passively", or why they do not."""
    if os.environ.get(WAITING, "").upper() != "PASSIVE":
        asked = os.environ.get(WAITING)
        return f"as {WAITING}={asked} says" if asked else "spinning, since torch was imported before lessons_lib"
    return "passively" if decided_in_time else f"as {WAITING} was when torch was imported"
