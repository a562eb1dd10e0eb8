"""What the study of SLIP measured (`study_slip.py`): its arms, and differences between them with their intervals.

A record of what is done so far stands in for the whole one until that is there; arms without a run are left out.
"""

from functools import cache

import pandas as pd

from lessons_lib.metrics import effect
from lessons_lib.runs.record import read
from lessons_lib.teaching.recorded_runs import RECORDED

NAME, SCRIPT = "slip", "data_scripts/studies/study_slip.py"
MATCHED, SERIAL = "CLIP, SLIP's compute", "SimCLR, then CLIP"
ARMS = {
    "CLIP": "captions (CLIP)",
    "SimCLR": "pictures (SimCLR)",
    "SLIP": "both at once (SLIP)",
    MATCHED: "captions, as much compute",
    SERIAL: "pictures, then captions",
}
MEASURES = {"zero_shot": "zero-shot", "linear": "linear probe", "colour": "probe of colours"}
NUMBERS = ("no", "one", "two", "three", "four", "five")


@cache
def rows() -> pd.DataFrame:
    """arm, seed, on (the measure), accuracy (percent, the mean of its tasks): at the end of the runs."""
    there = (RECORDED / f"{NAME}.json").exists()
    found = read(RECORDED, NAME if there else f"{NAME}_so_far", SCRIPT).rows
    return final(found)


def final(measured: pd.DataFrame) -> pd.DataFrame:
    """As `rows`, of the study's own: method, seed, epochs, at, and a column a measure. Runs that only searched a rate
    are the shortest, and left out."""
    ended = measured[(measured["at"] == measured.epochs) & (measured.epochs > measured.epochs.min())]
    means = ended.groupby(["method", "seed"])[list(MEASURES)].mean().stack().dropna()
    return means.rename_axis(["arm", "seed", "on"]).rename("accuracy").reset_index()


def there() -> dict[str, str]:
    """Of `ARMS`, those of which there are runs."""
    return {arm: said for arm, said in ARMS.items() if (rows().arm == arm).any()}


def seeds() -> str:
    """ "three seeds": of which all arms are there."""
    whole = rows().groupby("seed").arm.nunique()
    count = int((whole == len(ARMS)).sum())
    return f"{NUMBERS[count] if count < len(NUMBERS) else count} {'seed' if count == 1 else 'seeds'}"


def told(first: str, second: str, on: str) -> str:
    """ "SLIP − CLIP, linear probe: +1.2 ± 0.5": points, with the interval over seeds, and whether it can be told from
    none. Of one seed there is no interval."""
    by_seed = (_by_seed(first, on) - _by_seed(second, on)).dropna()
    said = f"{first} − {second}, {MEASURES[on]}"
    if by_seed.empty:
        return f"{said}: not measured yet"
    found = effect(by_seed)
    said = f"{said}: {found['mean']:+.1f}"
    if found["n"] < 2:
        return f"{said} (one seed: no interval)"
    verdict = "" if abs(found["mean"]) > found["half_width"] else ": cannot be told from none"
    return f"{said} ± {found['half_width']:.1f}{verdict}"


def _by_seed(arm: str, on: str) -> pd.Series:
    chosen = rows()[(rows().arm == arm) & (rows().on == on)]
    return chosen.set_index("seed").accuracy.sort_index()
