"""What pre-trainings left on record, as tables for lesson 01: the study of `data_scripts/studies/study_pretraining.py`
(see there what a run is), and ToyCLIP's own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lessons_lib.metrics.findings import effect
from lessons_lib.metrics.findings import told as metrics_told
from lessons_lib.teaching.recorded_runs import RECORDED, record

OBJECTIVES = {
    "contrastive, bag of words": "match captions (as bags of words)",
    "contrastive": "match captions (a transformer reads them: CLIP)",
    "predicting words": "predict the caption's words",
}
WAYS = MATCH_BAGS, MATCH, PREDICT = tuple(OBJECTIVES.values())
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


def beside(record: Mapping[str, Any], *, steps: int, batch: int) -> pd.DataFrame:
    """How ToyCLIP was made, beside the learner's model: a row for whatever differs, as words.

    record: of the pre-training, as `pretrain_toyclip.py` writes it; steps, batch: the learner's.
    """
    from lessons_lib.toyworld.captions import DIALS  # with torch, which readers of the study do without

    s, taken = record["settings"], record["stopped_at"]
    whole = round(s["whole_from"] * s["steps"])
    until = f", from step {whole:,} on none" if whole < taken else " throughout"
    rows = {
        "steps": (f"{steps:,}", f"{taken:,}" + ("" if taken == s["steps"] else f" of a schedule of {s['steps']:,}")),
        "pairs a step": (f"{batch:,}", f"{s['batch_size']:,}"),
        "pairs in all": (f"{steps * batch:,}, drawn once, seen often", f"{record['pairs']:,}, each seen once"),
        "patches hidden": ("none", f"{s['patch_dropout']:.0%}{until}"),
        "gradients": ("as they are", f"cut to length {s['clip_grad']:g}"),
        "wrong captions": ("none", f"{DIALS.wrong:.0%} are another picture's"),
        "trades' words": ("none", f"{DIALS.trade:.0%} of captions that name the class"),
        "wrong names": ("none", f"{DIALS.misnamed:.0%} of the other captions that name one"),
        "looks": ("none", f"{DIALS.looks:.0%} of the pictures have one; every task has its own"),
    }
    return pd.DataFrame(rows, index=["yours", "ToyCLIP"]).T


def told(by_seed: Mapping[str, list[float]]) -> str:
    """Differences, one a seed, as lines: what, the mean with its interval, and whether "ahead" is borne out."""
    found = {what: effect(values) for what, values in by_seed.items()}
    said = {what: f"{one['mean']:+.1f} ± {one['half_width']:.1f} points" for what, one in found.items()}
    return "\n".join(f"{what}: {said[what]}: {_ahead(one)}" for what, one in found.items())


def _ahead(found: dict) -> str:
    words = {"seen": "ahead", "the opposite is seen": "behind", "cannot be told": "cannot be told apart"}
    return words[metrics_told(found)]
