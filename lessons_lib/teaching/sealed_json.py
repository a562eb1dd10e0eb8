"""Records that are one JSON file, with a digest of what it says: of what was measured once, without a table of runs."""

import json
from pathlib import Path
from typing import Any

from lessons_lib.files import atomic_write, from_json
from lessons_lib.identity import digest
from lessons_lib.teaching.recorded_runs import RECORDED


def write(name: str, found: dict[str, Any], folder: Path = RECORDED) -> Path:
    """Writes `found` as <name>.json. Returns its path."""
    return atomic_write(folder / f"{name}.json", json.dumps(found | {"digest": digest(found)}, indent=1).encode())


def read(name: str, command: str, folder: Path = RECORDED) -> dict[str, Any]:
    """What was written. command: what makes the record.

    Raises FileNotFoundError where there is none, and ValueError where it is damaged or was changed by hand; both say
    which command to run.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no '{path}': run `python {command}`")
    try:
        found = from_json(path.read_bytes())
        kept = found.pop("digest")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"'{path}' is damaged ({error!r}): run `python {command}`") from None
    if digest(found) != kept:
        raise ValueError(f"'{path}' was changed by hand: run `python {command}`")
    return found
