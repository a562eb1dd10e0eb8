"""Arms of a study, seed by seed, in a lesson's words. rows: arm, seed, on, accuracy (percent), a row a measurement."""

from collections.abc import Mapping

import pandas as pd

from lessons_lib.metrics import effect

NUMBERS = ("no", "one", "two", "three", "four", "five")


def there(rows: pd.DataFrame, arms: Mapping[str, str]) -> dict[str, str]:
    """Of the arms those of which there are runs."""
    return {arm: said for arm, said in arms.items() if (rows.arm == arm).any()}


def of(rows: pd.DataFrame, arm: str, on: str) -> pd.Series:
    """Percent by seed."""
    return rows[(rows.arm == arm) & (rows.on == on)].set_index("seed").accuracy.sort_index()


def seeds(count: int) -> str:
    """ "three seeds" """
    return f"{NUMBERS[count] if count < len(NUMBERS) else count} {'seed' if count == 1 else 'seeds'}"


def told(said: str, differences: pd.Series) -> str:
    """ "three pairs − two pairs, sounds in noise: +1.2 ± 0.5": points, with the interval over seeds, and whether they
    can be told from none. Of one seed there is no interval.   differences: by seed; missing ones do not count."""
    differences = differences.dropna()
    if differences.empty:
        return f"{said}: not measured yet"
    found = effect(differences)
    said = f"{said}: {found['mean']:+.1f}"
    if found["n"] < 2:
        return f"{said} (one seed: no interval)"
    verdict = "" if abs(found["mean"]) > found["half_width"] else ": cannot be told from none"
    return f"{said} ± {found['half_width']:.1f}{verdict}"
