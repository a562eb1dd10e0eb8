"""Rows of a file of runs that say whether they were damaged. A run that is counts as not done, and is run again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lessons_lib.files import from_json
from lessons_lib.identity import digest
from lessons_lib.runs.tables import COST


def of_run(job: Mapping[str, Any], rows: Iterable[Sequence]) -> str:
    """job: identity, `COST`, versions and machine.   rows: on, at, metric, value, unit of each number, in order."""
    cost = [_number(job[name]) for name in COST]
    numbers = [(on, _number(at), metric, _number(value), unit) for on, at, metric, value, unit in rows]
    return digest([job["identity"], cost, job["versions"], job["machine"], numbers])


def of_asked(identity: str, columns: str, names: str) -> str:
    return digest([identity, columns, names])


def take_out_damaged(jobs: Mapping[str, dict], results: dict[int, list[tuple]]) -> int:
    """Lets damaged jobs wait, and drops their numbers. Returns how many there are."""
    broken = [job for job in jobs.values() if not is_whole(job, results.get(job["id"], ()))]
    for job in broken:
        job["state"], job["damaged"] = "waiting", True
        results.pop(job["id"], None)
    return len(broken)


def is_whole(job: Mapping[str, Any], rows: Iterable[Sequence]) -> bool:
    """Whether a run is as it was written. Of one from before there were digests, its identity is looked at alone."""
    try:
        known = digest({"kind": job["kind"], **from_json(job["content"])}) == job["identity"]
        return known and (job.get("digest") is None or job["digest"] == of_run(job, rows))
    except (ValueError, TypeError):  # no JSON, a text where a number was
        return False


def _number(value: Any) -> float | str | None:
    """As SQLite gives it back: NaN as nothing. An infinity has no JSON."""
    if value is None or value != value:
        return None
    return repr(float(value))
