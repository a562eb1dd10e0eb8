"""Tables of what a file of runs holds: a row a number, a row a measurement, a row a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COST = ("n_parameters", "seconds", "peak_mib")
ORIGIN = ("kind", "date", "versions", "machine", "identity")
MEASURED = ("on", "at", "metric", "value", "unit")
RUN = ("kind", "state", "attempts", "error", "host", "started", "finished")

Asked = Sequence[tuple[str, dict, dict]]  # identity, columns, names of each cell
Jobs = Mapping[str, Mapping[str, Any]]  # by identity


def long_table(asked: Asked, jobs: Jobs, results: Mapping[int, Sequence[tuple]]) -> "pd.DataFrame":
    """A row a number: the cells' columns, on, at, metric, value, unit, cost, date, versions, machine, identity."""
    import pandas as pd

    cells, lines = _columns(asked), []
    for identity, columns, names in asked:
        job = jobs.get(identity)
        for on, *measured in results.get(job["id"], ()) if job is not None else ():
            lines.append([*map(columns.get, cells), names.get(on, on), *measured, *_cost(job)])
    table = pd.DataFrame(lines, columns=[*cells, *MEASURED, *COST, *ORIGIN])
    table["date"] = pd.to_datetime(table["date"].astype(float), unit="s", utc=True)
    numbers = {name: float for name in ("at", "value", "n_parameters", "seconds", "peak_mib")}
    return table.astype(numbers).astype({"n_parameters": "Int64"})


def wide_table(long: "pd.DataFrame") -> "pd.DataFrame":
    """A column a metric, in the order in which they come; `at` where something was measured over time."""
    import pandas as pd

    metrics = list(dict.fromkeys(long["metric"]))
    cells = [name for name in long.columns if name not in (*MEASURED, *COST, *ORIGIN)]
    when = ["at"] if long["at"].notna().any() else []
    lines: dict[tuple, dict] = {}
    for line in long.to_dict("records"):
        at = line["at"] if line["at"] == line["at"] else None
        key = (*(str(line[name]) for name in cells), line["identity"], line["on"], at)
        lines.setdefault(key, line)[line["metric"]] = line["value"]
    named = [*cells, "on", *when, *metrics, *COST, *ORIGIN]
    dtypes = {name: long[name].dtype for name in named if name in long}
    return pd.DataFrame(list(lines.values()), columns=named).astype(dtypes)


def status_table(asked: Asked, jobs: Jobs, *, is_written: bool) -> "pd.DataFrame":
    """A run a row: the cells' columns and `RUN`.   is_written: whether somebody is at it."""
    import pandas as pd

    cells, lines = _columns(asked), []
    for identity, columns, _ in asked:
        if identity in jobs:
            lines.append([*map(columns.get, cells), *(jobs[identity][name] for name in RUN), identity])
    found = pd.DataFrame(lines, columns=[*cells, *RUN, "identity"])
    if not is_written:  # what a killed sweep was at
        found["state"] = found["state"].replace("running", "waiting")
    for column in ("error", "host"):
        found[column] = found[column].astype(object).where(found[column].notna(), None)
    for column in ("started", "finished"):
        found[column] = pd.to_datetime(found[column].astype(float), unit="s", utc=True)
    return found


def _columns(asked: Asked) -> list[str]:
    """Of all cells, in order."""
    return list(dict.fromkeys(name for _, columns, _ in asked for name in columns))


def _cost(job: Mapping[str, Any]) -> list:
    return [
        *(job[name] for name in COST),
        job["kind"],
        job["finished"],
        job["versions"],
        job["machine"],
        job["identity"],
    ]
