"""What the record of all methods says of adapters: differences in words, and base-to-new as a table."""

from collections.abc import Sequence

import pandas as pd

from lessons_lib.metrics import difference, told, with_harmonic_mean, without_each
from lessons_lib.teaching import recorded_runs, standings

CARRY = ("ZeroShot", "CLIP-Adapter", "LinearAdapter", "ProLIP", "KgCoOp", "CoOp (words)", "CoOp")


def few_shot(shots: int | None = None, *, setting: str = "published") -> pd.DataFrame:
    """Rows of the eleven tasks; of one number of shots where it is given. What learns nothing stands at 16 shots.

    setting: "published", or "searched" for each task (16 shots); with this, what was not searched, since it has one
    setting or chooses by itself, stands as published.
    """
    rows = recorded_runs.comparison_with(setting)
    rows = rows[(rows.protocol == "few-shot") & (rows.on == "test")]
    return rows if shots is None else rows[rows.shots == shots]


def base_to_new(*, setting: str = "published", methods: Sequence[str] = CARRY) -> pd.DataFrame:
    """Rows with on "base", "new" and "H" of each run, of methods that carry to new classes. setting: as above."""
    rows = recorded_runs.comparison_with(setting)
    rows = rows[(rows.protocol == "base-to-new") & rows.method.isin(methods) & rows.on.isin(["base", "new"])]
    return with_harmonic_mean(rows.reset_index(drop=True))


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """As `standings.standing`, of `CARRY`; tasks and seeds are all the same. rows: of `base_to_new`."""
    return standings.standing(rows, CARRY).drop(columns=["tasks", "seeds"])


def between(rows: pd.DataFrame, first: str, second: str, sign: int = +1) -> dict:
    """`first` above `second` on the tasks and seeds that both have: mean, half_width and n; points, told of the claim
    that the difference has this sign, and without, the task that moves the mean most and what is left without it."""
    rows = rows[rows.method.isin([first, second])]
    both = rows[rows.groupby(["task", "shots", "on", "seed"]).method.transform("nunique") == 2]
    found, one = difference(both, first, second), without_each(both, first, second).iloc[0]
    points = f"{found['mean']:+.1f} ± {found['half_width']:.1f}"
    left = f"without {one.task.removeprefix('toy_')} {one.text}"
    return {**found, "points": points, "told": told(found, sign), "without": left}


def said(rows: pd.DataFrame, first: str, second: str, sign: int = +1) -> str:
    """ "A − B: +1.2 ± 0.3, seen; without satellite +0.9 ± 0.4"."""
    one = between(rows, first, second, sign)
    return f"{first} − {second}: {one['points']}, {one['told']}; {one['without']}"
