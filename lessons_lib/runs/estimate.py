"""How long a plan takes, roughly: from runs of the same kind that are done, or else from what the work itself says."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from lessons_lib.runs.plan import Plan

if TYPE_CHECKING:
    import pandas as pd


def seconds_left(plan: Plan, status: "pd.DataFrame | None" = None) -> float | None:
    """Seconds on one process for what is not done; None where that is not known of some of it.

    status: as `Store.status(plan)` gives it; runs that are done in it say what those take that are alike.
    """
    done: dict[str, float] = {}
    if status is not None:
        ended = status[status["state"] == "done"]
        done = dict(zip(ended["identity"], (ended["finished"] - ended["started"]).dt.total_seconds()))
    took, sizes = defaultdict(float), defaultdict(float)  # of what is alike
    for key, seconds in done.items():
        cell = plan.jobs[key]
        took[plan.work.alike(cell)] += seconds
        sizes[plan.work.alike(cell)] += plan.work.size(cell)

    def of(cell: Any) -> float | None:
        alike = plan.work.alike(cell)
        return took[alike] / sizes[alike] * plan.work.size(cell) if alike in sizes else plan.work.cost(cell)

    left = [cell for key, cell in plan.jobs.items() if key not in done] if done else plan.cells
    seconds = [of(cell) for cell in left]
    return None if None in seconds else plan.work.once(left) + sum(seconds)


def in_words(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
