"""Statistics: intervals over seeds, and differences between methods that ran on the same seeds (see `protocols`).

Intervals are Student's t with ddof = 1 at 95 %. (The 1.96 · std / √3 with ddof = 0 that prompt-learning papers give for
three seeds is little more than a third as wide.) Accuracies are in percent, 0 to 100.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats


class Interval(NamedTuple):
    """A mean and its 95 % interval, mean ± half_width, over n runs; half_width is NaN for a single run."""

    mean: float
    half_width: float
    n: int

    @property
    def low(self) -> float:
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        return self.mean + self.half_width

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.n == 1 else f"{self.mean:.1f} ± {self.half_width:.1f}"


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of several runs with Student's t interval. Raises ValueError for no runs, or one that is not finite."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"an interval needs a list of at least one run; got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"run number {int(np.argmin(np.isfinite(values)))} is not a finite number: mend or repeat it")
    n = len(values)
    if n == 1:
        return Interval(float(values[0]), float("nan"), 1)
    t = stats.t.ppf((1 + confidence) / 2, df=n - 1)
    return Interval(float(values.mean()), float(t * values.std(ddof=1) / np.sqrt(n)), n)


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of a − b with its interval, run by run: a[i] and b[i] share their seed, so what the seed does cancels.

    Raises ValueError where the two are not equally long.
    """
    if len(a) != len(b):
        raise ValueError(f"a paired difference needs runs of the same seeds; got {len(a)} and {len(b)}")
    return interval(np.asarray(a, dtype=float) - np.asarray(b, dtype=float), confidence)


def harmonic_mean(base: float, new: float) -> float:
    """H = 2 · B · N / (B + N) of the accuracies on base and on new classes, 0 where both are 0."""
    return 2 * base * new / (base + new) if base + new else 0.0


def summary(results: pd.DataFrame, by: Sequence[str] = ("method", "shots"), value: str = "accuracy") -> pd.DataFrame:
    """Runs, summed up with intervals over seeds.

    results: a row a run, with a column `seed`. What `by` leaves out (tasks, for example) is averaged within each seed
    first, so the interval is that of the average. Returns the columns of `by`, mean, half_width, n (seeds) and text,
    "mean ± half-width". Raises ValueError for columns that are not there, and where some seeds lack runs of others.
    """
    by = list(by)
    absent = [column for column in [*by, "seed", value] if column not in results.columns]
    if absent:
        raise ValueError(
            f"the results have no column {', '.join(map(repr, absent))}; they have {list(results.columns)}"
        )
    rows = []
    for group, runs in results.groupby(by, sort=False):
        counts = runs.groupby("seed").size()
        if counts.nunique() > 1:
            raise ValueError(
                f"at {dict(zip(by, group))} seed {counts.idxmin()} has {counts.min()} runs and seed {counts.idxmax()} "
                f"has {counts.max()}: every seed needs the same runs, or their means are not comparable"
            )
        across = interval(runs.groupby("seed")[value].mean())
        rows.append({**dict(zip(by, group)), **across._asdict(), "text": str(across)})
    return pd.DataFrame(rows)


def table(results: pd.DataFrame, rows: str = "method", columns: str = "shots", value: str = "accuracy") -> pd.DataFrame:
    """ "mean ± half-width" over seeds, one row and one column for each value of the two columns named."""
    summed = summary(results, (rows, columns), value)
    return summed.pivot(index=rows, columns=columns, values="text").reindex(
        index=summed[rows].unique(), columns=summed[columns].unique()
    )
