"""What AudioCLIP's study measured (`train_audioclip.py`): arms, differences between them, and how many seeds say so.

Two records: that of its runs, and that of the same models in noise of several levels. A record of what is done so far
stands in for the first one until a seed is complete; arms that are not there yet are left out.
"""

from functools import cache

import pandas as pd

from lessons_lib.runs.record import read
from lessons_lib.teaching import by_seed, sealed_json
from lessons_lib.teaching.recorded_runs import RECORDED

NAME, SCRIPT = "audioclip", "data_scripts/pretraining/train_audioclip.py"
CHANCE = 100 / 24
PAIRS = {
    "one pair": "1 pair, audio alone learns",
    "two pairs": "2 pairs, audio alone",
    "three pairs": "3 pairs, audio alone",
    "one pair, full": "1 pair, all learn",
    "two pairs, full": "2 pairs, all",
    "three pairs, full": "3 pairs, all",
}
BRIDGES = {
    "permuted": "permuted pairs",
    "six unheard": "six never heard",
    "bridging": "six with pictures alone",
    "three pairs": "all with both",
}


@cache
def rows() -> pd.DataFrame:
    """arm, seed, on, accuracy (percent): a row a measurement."""
    there = (RECORDED / f"{NAME}.json").exists()
    return read(RECORDED, NAME if there else f"{NAME}_so_far", SCRIPT).rows


@cache
def noise() -> pd.DataFrame:
    """arm, seed, noise (decibels against the sound), accuracy (percent)."""
    return pd.DataFrame(sealed_json.read(f"{NAME}_noise", f"{SCRIPT} noise")["rows"])


def in_noise() -> dict[str, dict[int, float]]:
    """What an arm of `PAIRS` is -> decibels -> percent, the mean over the seeds that are there."""
    found = {}
    for arm, said in PAIRS.items():
        if len(some := noise()[noise().arm == arm]):
            found[said] = some.groupby("noise").accuracy.mean().to_dict()
    return found


def there(arms: dict[str, str]) -> dict[str, str]:
    """Those of which there are runs."""
    return by_seed.there(rows(), arms)


def seeds() -> str:
    """ "three seeds": of which all arms are there that any seed has."""
    return by_seed.seeds(int((rows().groupby("seed").arm.nunique() == rows().arm.nunique()).sum()))


def mean(arm: str, on: str) -> float:
    """Percent, over the seeds that are there."""
    return float(by_seed.of(rows(), arm, on).mean())


def told(first: str, second: str, on: str) -> str:
    """As `by_seed.told`: "three pairs − two pairs, sounds in noise: +1.2 ± 0.5"."""
    differences = by_seed.of(rows(), first, on) - by_seed.of(rows(), second, on)
    return by_seed.told(f"{first} − {second}, {on}", differences)


def told_in_noise(first: str, second: str) -> str:
    """The same of accuracy in noise, its mean over all levels."""
    return by_seed.told(f"{first} − {second}, in noise", _noise_by_seed(first) - _noise_by_seed(second))


def _noise_by_seed(arm: str) -> pd.Series:
    return noise()[noise().arm == arm].groupby("seed").accuracy.mean()
