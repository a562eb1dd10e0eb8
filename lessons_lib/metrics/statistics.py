"""Statistics of plain numbers: intervals over runs, paired differences, Wilson's interval, and H.

Intervals are Student's t with ddof = 1 at 95 %. (The 1.96 · std / √3 with ddof = 0 that prompt-learning papers give for
three seeds is little more than a third as wide.) Accuracies are in percent, 0 to 100.

H, the harmonic mean of the accuracies on base and on new classes, has two averages over tasks, which differ:

    h_of_means   H of the mean base and the mean new accuracy: the papers' averages, and `lessons report`
    mean_of_h    the mean of the tasks' own H, no larger: the lessons, the findings and the README, since it is a mean
                 over runs like every other number there (`comparisons.with_harmonic_mean` adds the H of each run)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


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
    t = stdtrit(n - 1, (1 + confidence) / 2)  # the quantile
    return Interval(float(values.mean()), float(t * values.std(ddof=1) / np.sqrt(n)), n)


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of a − b with its interval, run by run: a[i] and b[i] share their seed, so what the seed does cancels.

    Raises ValueError where the two are not equally long.
    """
    if len(a) != len(b):
        raise ValueError(f"a paired difference needs runs of the same seeds; got {len(a)} and {len(b)}")
    return interval(np.asarray(a, dtype=float) - np.asarray(b, dtype=float), confidence)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """(low, high) of Wilson's 95 % interval for a share (1927), in percent: of `total` pictures `hits` were right.

    Unlike p ± z·√(p(1 − p)/n) it holds for few pictures, and for all or none right.
    """
    share = hits / total
    middle = share + z**2 / (2 * total)
    half = z * (share * (1 - share) / total + z**2 / (4 * total**2)) ** 0.5
    scale = 100 / (1 + z**2 / total)
    return scale * (middle - half), scale * (middle + half)


def harmonic_mean(base: float, new: float) -> float:
    """H = 2 · B · N / (B + N) of the accuracies on base and on new classes, 0 where both are 0."""
    return 2 * base * new / (base + new) if base + new else 0.0


def h_of_means(base: Sequence[float], new: Sequence[float]) -> float:
    """H of the mean base and the mean new accuracy, tasks by tasks; the module says who uses it.

    Raises ValueError where the two are not of equally many tasks.
    """
    base, new = _by_task(base, new)
    return harmonic_mean(float(base.mean()), float(new.mean()))


def mean_of_h(base: Sequence[float], new: Sequence[float]) -> float:
    """The mean of the tasks' H; arguments and errors as in `h_of_means`."""
    return float(np.mean([harmonic_mean(b, n) for b, n in zip(*_by_task(base, new))]))


def _by_task(base: Sequence[float], new: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    if len(base) != len(new) or len(base) == 0:
        raise ValueError(f"H over tasks needs both halves of each task; got {len(base)} base and {len(new)} new")
    return np.asarray(base, dtype=float), np.asarray(new, dtype=float)
