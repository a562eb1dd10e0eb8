"""What the study of SLIP measured (`study_slip.py`): its arms, and differences between them with their intervals."""

from functools import cache

import pandas as pd

from lessons_lib.teaching import by_seed, recorded_runs

MATCHED, SERIAL = "CLIP, SLIP's compute", "SimCLR, then CLIP"
ARMS = {
    "CLIP": "captions (CLIP)",
    "SimCLR": "pictures (SimCLR)",
    "SLIP": "both at once (SLIP)",
    MATCHED: "captions, as much compute",
    SERIAL: "pictures, then captions",
}
TASKS, COLOURS = ("toy_objects", "toy_cars", "toy_flowers", "toy_food"), 12  # of what it is measured on
MEASURES = {"zero_shot": "zero-shot", "linear": "linear probe", "colour": "probe of colours"}


@cache
def rows() -> pd.DataFrame:
    """arm, seed, on (the measure), accuracy (percent, the mean of its tasks): at the end of the runs."""
    return final(recorded_runs.slip())


def final(measured: pd.DataFrame) -> pd.DataFrame:
    """As `rows`, of what `recorded_runs.slip` gives."""
    ended = measured[measured["at"] == measured.epochs]
    means = ended.groupby(["method", "seed"])[list(MEASURES)].mean().stack().dropna()
    return means.rename_axis(["arm", "seed", "on"]).rename("accuracy").reset_index()


def there() -> dict[str, str]:
    """Of `ARMS`, those of which there are runs."""
    return by_seed.there(rows(), ARMS)


def seeds() -> str:
    """ "three seeds": of which all arms are there."""
    return by_seed.seeds(int((rows().groupby("seed").arm.nunique() == len(ARMS)).sum()))


def guessing() -> dict[str, float]:
    """Percent: what blind guessing would get, of each measure."""
    from lessons_lib import toyworld  # brings torch, which whoever only reads records does without

    classes = [len(toyworld.TASKS[task].classnames) for task in TASKS]
    share = sum(100 / n for n in classes) / len(classes)
    return {"zero_shot": share, "linear": share, "colour": 100 / COLOURS}


def told(first: str, second: str, on: str) -> str:
    """As `by_seed.told`: "SLIP − CLIP, linear probe: +1.2 ± 0.5"."""
    differences = by_seed.of(rows(), first, on) - by_seed.of(rows(), second, on)
    return by_seed.told(f"{first} − {second}, {MEASURES[on]}", differences)
