"""Records: what became of a study, as two files that ship with a package and can be read line by line.

    <name>.csv    a row a measurement, a column a metric; `run` tells whose it is: the first digits of its identity
    <name>.json   what made it: script, date, plan, CLIP, versions, machines, core hours, and a digest of the table

`read` checks that the two belong together and are as they were written. A record is an export of a `Store`; whoever
makes the study again takes over by identity what the record has (`study.take_over`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lessons_lib.editions import weights_in_words
from lessons_lib.files import atomic_write, from_json
from lessons_lib.identity import digest
from lessons_lib.runs.tables import COST, ORIGIN

RUN_DIGITS = 12  # of an identity
# Columns whose values are texts, whatever they look like: those of records that do not say which are.
WORDS = ("protocol", "method", "task", "on", "script", "run")
DIGITS = {"seconds": 2, "peak_mib": 1}  # after the point; values have six


class Record(NamedTuple):
    """about: what made it.   rows: a row a measurement, as `Store.rows` has them, columns that all share included."""

    about: dict[str, Any]
    rows: pd.DataFrame


def write(
    folder: Path, name: str, rows: pd.DataFrame, metrics: Sequence[str], cells: Sequence, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes the two files, and returns what is in the second.

    rows: as `Store.rows` gives them, with the columns that they are to have.   metrics: which are measured.
    cells: what was planned.   about: what else there is to say; `script` and `clip`, the fingerprint of the weights or
    None, among it.
    """
    origin = {name: sorted(set(rows[name].dropna())) for name in ORIGIN}
    table = rows.drop(columns=list(origin)).assign(run=rows["identity"].str[:RUN_DIGITS])
    about_cells = [column for column in table.columns if column not in (*metrics, *COST, "on", "at", "run")]
    same = {column: table[column].tolist()[0] for column in about_cells if table[column].nunique(dropna=False) == 1}
    table = table.drop(columns=list(same))
    values = [column for column in table.columns if table[column].dtype == float]
    runs = sorted(set(table["run"]))
    text = table.round({column: DIGITS.get(column, 6) for column in values}).to_csv(index=False).encode()
    found = {
        **about,
        "date": max(origin["date"]).date().isoformat(),
        "versions": [from_json(versions) for versions in origin["versions"]],
        "machines": [machine for machine in origin["machine"] if machine],
        "core_hours": about.get("core_hours", core_hours(rows)),
        "metrics": list(metrics),
        "same": same,
        "plan": in_short(cells),
        "runs": {"count": len(runs), "sha256": digest(runs)},
        "texts": [name for name in table.columns if table[name].map(lambda value: isinstance(value, str)).any()],
        "table": sha256(text).hexdigest(),
    }
    found["digest"] = digest(_plain(found))
    atomic_write(folder / f"{name}.csv", text)
    atomic_write(folder / f"{name}.json", _lines(found).encode())
    return found


def read(folder: Path, name: str, make: str, clip: str | None = None) -> Record:
    """A record whose two files are as they were written.

    make: the script that measures it anew.   clip: the fingerprint that its CLIP has to have, if any.
    Raises FileNotFoundError where there is none, and ValueError where its files do not belong together, were changed by
    hand, or are of another CLIP; the message says what to run.
    """
    again = f"run `python {make} run` (it goes on where it stopped), then `python {make} collect`"
    paths = folder / f"{name}.json", folder / f"{name}.csv"
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"there is no '{path}': {again}")
    try:
        about, text = from_json(paths[0].read_text(encoding="utf-8")), paths[1].read_bytes()
        is_whole = digest({key: value for key, value in about.items() if key != "digest"}) == about["digest"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"'{paths[0]}' is damaged ({error}): {again}") from error
    if not is_whole:
        raise ValueError(f"'{paths[0]}' was changed by hand: {again}")
    if sha256(text).hexdigest() != about["table"]:
        raise ValueError(f"'{paths[1]}' is not the table that its record describes, or was changed by hand: {again}")
    if clip is not None and clip != about["clip"]:
        made_for = weights_in_words("another model", about["clip"])
        raise ValueError(f"'{paths[1]}' was measured on another CLIP ({made_for}) than this one: {again}")
    types = dict.fromkeys(about.get("texts", WORDS), str)
    table = pd.read_csv(paths[1], dtype=types, keep_default_na=False, na_values=[""])
    return Record(about, table.assign(**about["same"]))


def core_hours(rows: pd.DataFrame) -> float:
    """Of fitting, each run once. rows: as `Store.rows` gives them."""
    return round(float(rows.drop_duplicates("identity")["seconds"].sum()) / 3600, 2)


def in_short(cells: Sequence) -> list[dict[str, Any]]:
    """The fields of each cell that are not empty; cells that differ in `seed` alone are one, with `seeds`."""
    found: dict[str, tuple[dict, list[int]]] = {}
    for cell in cells:
        values = {field.name: getattr(cell, field.name) for field in fields(cell) if field.name != "seed"}
        said = {name: value for name, value in values.items() if value not in ({}, (), "", None)}
        known, seeds = found.setdefault(json.dumps(_plain(said), sort_keys=True), (_plain(said), []))
        if hasattr(cell, "seed") and cell.seed not in seeds:
            seeds.append(cell.seed)
    return [{**said, "seeds": seeds} if seeds else said for said, seeds in found.values()]


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def _lines(about: Mapping[str, Any]) -> str:
    """JSON, a line an entry, and a line for each of a list of entries."""
    parts = []
    for key, value in about.items():
        text = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n" + ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in value) + "\n ]"
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
