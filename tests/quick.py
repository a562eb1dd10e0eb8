"""A quick run of the tests: `pytest tests --quick` leaves out those that `tests/slow.txt` names.

`pytest tests --record-slow` runs all and writes that list anew: every test that took longer than half a second, its
fixtures included. A test that is not on the list, such as a new one, is run.
"""

from collections import Counter
from pathlib import Path

import pytest

SLOW, LIMIT = Path(__file__).with_name("slow.txt"), 0.5  # seconds
_seconds: Counter = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=f"leave out the tests that {SLOW.name} names")
    parser.addoption("--record-slow", action="store_true", help=f"write {SLOW.name}: what took over {LIMIT} s")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--quick"):
        return
    slow = set(SLOW.read_text(encoding="utf-8").splitlines())
    left_out = [item for item in items if item.nodeid in slow]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item.nodeid not in slow]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if config.getoption("--record-slow"):
        slow = sorted(name for name, seconds in _seconds.items() if seconds > LIMIT)
        SLOW.write_text("\n".join(slow) + "\n", encoding="utf-8")
        terminalreporter.write_line(f"{SLOW.name}: {len(slow)} of {len(_seconds)} tests took over {LIMIT} s")
