"""What is to run: cells of one kind of work, each with its identity. All of it is checked when the plan is made."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from lessons_lib.identity import digest
from lessons_lib.runs.work import Work


class Plan:
    """Cells of one kind of work, in the order in which they are to run.

    about: plain values (JSON) that say what was asked for. A plan that says the same takes the place of an earlier one
        in the list of what a file was asked for; results are never taken away.
    Raises what `work.check` raises for a cell that cannot be carried out.
    """

    def __init__(self, work: Work, cells: Sequence[Any], about: Mapping[str, Any] | None = None):
        self.work, self.cells, self.about = work, tuple(cells), dict(about or {})
        if not self.cells:
            raise ValueError("a plan needs at least one cell")
        work.check(self.cells)

    @cached_property
    def identities(self) -> list[dict[str, Any]]:
        """All that decides the numbers of each cell."""
        return [self.work.identity(cell) for cell in self.cells]

    @cached_property
    def digests(self) -> list[str]:
        """Of each cell's identity, 64 hex digits. Cells that would give the same numbers have the same."""
        return [digest({"kind": self.work.kind, **identity}) for identity in self.identities]

    @cached_property
    def jobs(self) -> dict[str, Any]:
        """Digest -> cell: what there is to run, once each, however many cells ask for it."""
        found: dict[str, Any] = {}
        for key, cell in zip(self.digests, self.cells):
            found.setdefault(key, cell)
        return found

    def columns(self) -> list[dict[str, Any]]:
        """What tables say of each cell."""
        return [self.work.columns(cell) for cell in self.cells]

    def __len__(self) -> int:
        return len(self.cells)
