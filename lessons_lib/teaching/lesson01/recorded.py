"""What `data_scripts/studies/study_pretraining.py` measured, as tables for lesson 1: see there what a run is."""

from pathlib import Path

import numpy as np
import pandas as pd

from lessons_lib.teaching.recorded_runs import RECORDED, record

OBJECTIVES = {
    "contrastive, bag of words": "match captions (as bags of words)",
    "contrastive": "match captions (a transformer reads them: CLIP)",
    "predicting words": "predict the caption's words",
}
MATCH_BAGS, MATCH, PREDICT = OBJECTIVES.values()
READINGS = ("", " (prior removed)")  # two ways to read a class off predicted words


def moments(folder: Path = RECORDED) -> pd.DataFrame:
    """A row for each run and each moment at which it was measured, objectives in the order of `OBJECTIVES`.

    width, lr, seed, objective; budget: pairs that the run sees in all; pairs: seen so far; flops: of the training so
    far; accuracy: zero-shot, percent, the mean over tasks (word prediction is read in the better of two ways).
    """
    about, rows = record("pretraining_study", folder=folder)
    flops = rows[rows.flops.notna()].set_index("run").flops
    measured = rows[rows.accuracy.notna()].set_index(["run", "at", "on"]).accuracy.unstack()
    ways = [measured[[f"{task}{way}" for task in about["tasks"]]].mean(axis=1, skipna=False) for way in READINGS]
    moment = pd.concat(ways, axis=1).max(axis=1).rename("accuracy").reset_index().rename(columns={"at": "pairs"})
    spec = rows.drop_duplicates("run").rename(columns={"pairs": "budget"})
    table = spec[["run", "width", "lr", "seed", "objective", "budget"]].merge(moment, on="run", sort=False)
    table = table.assign(
        objective=table.objective.map(OBJECTIVES),
        pairs=table.pairs.astype(int),
        flops=table.run.map(flops) * table.pairs / table.budget,
    )
    order = list(OBJECTIVES.values())
    table = table.sort_values("objective", key=lambda names: names.map(order.index), kind="stable")
    return table[["width", "lr", "seed", "objective", "budget", "pairs", "accuracy", "flops"]]


def comparison(table: pd.DataFrame) -> pd.DataFrame:
    """The rows in which the objective differs, at the width and budget at which words were predicted.

    Matching has the learning rate of the whole study; predicting words has the better of those that were tried for it.
    """
    words = table[table.objective == PREDICT]
    better = words[words.pairs == words.budget].groupby("lr").accuracy.mean().idxmax()
    rate = np.where(table.objective == PREDICT, better, table.lr.min())
    return table[(table.width == words.width.iloc[0]) & (table.budget == words.budget.iloc[0]) & (table.lr == rate)]


def times_fewer_pairs(curves: pd.DataFrame, fast: str, slow: str) -> list[float]:
    """For each seed, how many times fewer pairs `fast` needs to get where `slow` gets in the end.

    curves: rows of one budget, as `comparison` gives them. Between two moments a straight line is assumed. Where
    `fast` does not get there, its whole budget counts: 1.
    """
    ratios = []
    for _, rows in curves.groupby("seed"):
        end = rows.pairs.max()
        goal = rows[(rows.objective == slow) & (rows.pairs == end)].accuracy.iloc[0]
        curve = rows[rows.objective == fast].sort_values("pairs")
        seen, best = [0, *curve.pairs], [0, *np.maximum.accumulate(curve.accuracy)]
        ratios.append(end / np.interp(goal, best, seen))
    return ratios


def scaling(table: pd.DataFrame) -> pd.DataFrame:
    """The ends of the contrastive runs, with `error` (100 − accuracy) and `teraflops` (the mean over seeds)."""
    ends = table[(table.objective == MATCH) & (table.pairs == table.budget)]
    return ends.assign(
        error=100 - ends.accuracy, teraflops=ends.groupby(["width", "budget"]).flops.transform("mean") / 1e12
    )


def exponents(ends: pd.DataFrame) -> pd.DataFrame:
    """error ∝ (compute of one pair)^−model · (pairs)^−data, fitted for each seed by least squares of the logarithms.

    ends: as `scaling` gives them. Returns a row a seed: model, data, explained (share of the variance, 0 to 1).
    """
    rows = {}
    for seed, runs in ends.groupby("seed"):
        x = np.column_stack([np.log2(runs.flops / runs.budget), np.log2(runs.budget), np.ones(len(runs))])
        y = np.log2(runs.error)
        solution, *_ = np.linalg.lstsq(x, y, rcond=None)
        left_over = ((y - x @ solution) ** 2).sum() / ((y - y.mean()) ** 2).sum()
        rows[seed] = {"model": -solution[0], "data": -solution[1], "explained": 1 - left_over}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
