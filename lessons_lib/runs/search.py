"""Settings chosen on validation images, one after the other, with the same number of fits for every method.

    found = yield from search(work, store, {"MaPLe": cell}, {"lr": Times(1, 4, 16), "epochs": Times(1, 3)}, about)

A stage of a study for each setting that is searched. Cells are of a protocol that measures on "val" alone. Multiples
are of what a method's paper publishes, so that every method has the same choices, and its own among them.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lessons_lib.runs.cell import Cell, FitAndTest
from lessons_lib.runs.plan import Plan
from lessons_lib.runs.store import Store

WHOLE = ("epochs", "batch_size")  # settings that are whole numbers


@dataclass(frozen=True, init=False)
class Times:
    """Multiples of the published value of a setting of `fit`; 1, that value itself, has to be among them."""

    factors: tuple[float, ...]

    def __init__(self, *factors: float):
        if 1 not in factors or any(factor <= 0 for factor in factors):
            raise ValueError(f"Times{factors}: give numbers above 0, and 1, the published value, among them")
        object.__setattr__(self, "factors", factors)


Grids = Mapping[str, Times | Sequence[Any]]


def search(
    work: FitAndTest, store: Store, start: Mapping[Any, Cell], grids: Grids, about: Mapping[str, Any]
) -> Generator[Plan, None, dict[Any, Cell] | None]:
    """Yields the plan of each setting's search, and returns the cells with what was found; None where a plan was not
    carried out.

    start: what is searched for -> its cell, with what is given while other settings are searched.
    grids: setting of `fit` or of the constructor -> what is tried, in this order; the first best one stays.
    about: what the plans say of themselves, beside which setting they search.
    Raises ValueError for a protocol that measures on other than validation images, and a setting that there is not.
    """
    for key, cell in start.items():
        if not cell.protocol.endswith(" validation"):
            raise ValueError(f"{key}: protocol {cell.protocol!r} does not measure on validation images alone")
    best = dict(start)
    for name, values in grids.items():
        tried = {key: _variants(work, cell, name, values) for key, cell in best.items()}
        yield (plan := Plan(work, [cell for cells in tried.values() for cell in cells], {**about, "searched": name}))
        if set(plan.jobs) - store.done(plan):
            return None
        reached = _reached(store, plan)
        best = {key: max(cells, key=lambda cell: reached[plan.cells.index(cell)]) for key, cells in tried.items()}
    return best


def budget(grids: Grids) -> int:
    """How many fits a search has: what a later setting is searched with has run already."""
    counts = [len(values.factors if isinstance(values, Times) else values) for values in grids.values()]
    return 1 + sum(count - 1 for count in counts)


def _variants(work: FitAndTest, cell: Cell, name: str, values: Times | Sequence[Any]) -> list[Cell]:
    published = work.fit_settings(cell)
    if isinstance(values, Times):
        if published.get(name) is None:
            there = ", ".join(known for known, value in published.items() if value is not None)
            raise ValueError(f"{cell.label}: `fit` has no published {name!r} to take multiples of; it has {there}")
        found = [published[name] * factor for factor in values.factors]
        values = [max(1, round(value)) for value in found] if name in WHOLE else found
    where = "fit" if name in published else "settings"
    return [replace(cell, **{where: {**getattr(cell, where), name: value}}) for value in values]


def _reached(store: Store, plan: Plan) -> list[float]:
    """What each of the plan's cells is scored by on "val": the first metric that its method measures."""
    rows = store.results(plan)
    rows = rows[rows["on"] == "val"].drop_duplicates("identity")
    scores = dict(zip(rows["identity"], rows["value"]))
    return [scores[key] for key in plan.digests]
