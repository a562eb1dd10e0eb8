"""What the driver and the engines say to each other."""

import traceback
from typing import Any, NamedTuple, Protocol

from lessons_lib.runs.work import Result

READY, DONE, FAILED, UNUSABLE = "ready", "done", "failed", "unusable"  # what a process answers
STARTS = 3  # processes that may die in a row before any was ready


class Job(NamedTuple):
    """A run that is to do. id: in the file.   shares: what the first of several computes for all ("": nothing).
    name: in a few words."""

    id: int
    cell: Any
    shares: str = ""
    name: str = ""


class Outcome(NamedTuple):
    """What became of a run. result: None where it came to nothing, for the reason that `error` says.

    lost: its machine went away, or its process before it began, which is no fault of its own.
    final: it would come to the same if it was tried again (`Work.may_pass`).
    """

    job: Job
    host: str
    result: Result | None = None
    error: str = ""
    lost: bool = False
    final: bool = False


class Engine(Protocol):
    """Where runs are carried out."""

    def room(self) -> int:
        """How many more runs can be submitted now."""

    def submit(self, job: Job) -> str:
        """Starts a run. Returns the host, as far as it is known."""

    def wait(self, seconds: float) -> list[Outcome]:
        """What has ended, as soon as something has, or after so many seconds. Raises RuntimeError where no process can
        be started."""

    def close(self) -> None:
        """Ends everything, also in the middle of runs."""


def in_a_line(error: BaseException) -> str:
    """The last line of an exception's report, such as "ValueError: too few images"; a long one is cut."""
    text = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
    return text if len(text) <= 500 else f"{text[:499]}…"
