"""Many comparisons at once: Holm's correction, mean ranks over tasks, and correlations seed by seed."""

import numpy as np
import pandas as pd


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (1979), in the order of p, (m,): p₍ᵢ₎ · (m − i + 1), never falling, at most 1."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def mean_ranks(accuracies: np.ndarray) -> np.ndarray:
    """(tasks, methods) -> (methods,): the mean of the ranks within each task, 1 for its best; ties share theirs.

    (Demšar, JMLR 2006: every task has one vote, however large its differences are.)
    """
    from scipy.stats import rankdata

    return rankdata(-np.asarray(accuracies, dtype=float), axis=1).mean(axis=0)


def correlations(by_task: pd.DataFrame, against: pd.Series) -> pd.Series:
    """by_task: a row a task, a column a seed. Pearson's correlation over tasks with `against`, for each seed.

    Raises ValueError where `against` lacks a task, or a number is missing.
    """
    against = against.reindex(by_task.index)
    lacking = by_task.index[by_task.isna().any(axis=1) | against.isna()]
    if len(lacking):
        raise ValueError(f"a correlation over tasks needs a number of each; {', '.join(map(str, lacking))} lacks one")
    return by_task.apply(lambda column: np.corrcoef(column, against)[0, 1])
