"""What was measured of the shipped ViLDs: study_vild.py writes it, lesson 13 and the findings read it.

A JSON file with rows (arm, on, AP50, low, high, ceiling, floor, recall), differences (first, second, on,
mean, low, high), named (of true boxes' regions), wider (of true boxes' crops), and what made it.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from lessons_lib.teaching import sealed_json
from lessons_lib.teaching.recorded_runs import RECORDED

SCRIPT = "data_scripts/pretraining/study_vild.py"


def write(found: dict[str, Any], folder: Path = RECORDED) -> Path:
    return sealed_json.write("vild", found, folder)


def read(folder: Path = RECORDED) -> dict[str, Any]:
    """Raises FileNotFoundError where there is none, and ValueError where it is damaged or was changed by hand."""
    return sealed_json.read("vild", f"{SCRIPT} build/vild", folder)


def rows(folder: Path = RECORDED) -> pd.DataFrame:
    """A row an arm and part ("base", "novel"), all 64 names asked at once: arm, on, AP50, low, high, ceiling, floor,
    recall, pictures; percent."""
    return pd.DataFrame(read(folder)["rows"])


def told(first: str, second: str, folder: Path = RECORDED) -> str:
    """What the first arm has above the second, on base and on novel classes, in points with the bootstrap's interval;
    and whether that can be told from none. Raises KeyError for arms that were not compared."""
    said = []
    for row in read(folder)["differences"]:
        if (row["first"], row["second"]) == (first, second):
            verdict = "" if row["low"] > 0 or row["high"] < 0 else ": cannot be told from none"
            said.append(f"{row['on']} {row['mean']:+.1f} ({row['low']:+.1f} to {row['high']:+.1f}){verdict}")
    if not said:
        raise KeyError(f"{first!r} and {second!r} were not compared")
    return f"{first} − {second}: {'; '.join(said)}"
