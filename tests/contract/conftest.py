"""A line of the table, and its method once fitted: made once a line, for all that is asked of it."""

import pytest
from contract.table import TABLE
from noise_task import noise_task
from tiny_clip import tiny_clip

from lessons_lib.methods import METHODS


@pytest.fixture(scope="session", params=[name for name, one in TABLE.items() if METHODS[one.method].kind == "classify"])
def line(request):
    return TABLE[request.param]


@pytest.fixture(scope="session")
def clip():
    return tiny_clip()


@pytest.fixture(scope="session")
def task():
    """What it is fitted on."""
    return noise_task(signal=0.7)


@pytest.fixture(scope="session")
def fitted(line, clip, task):
    """The method of the line, fitted with seed 1; no test may change it."""
    return line.make(clip).fit(task, **line.arguments())
