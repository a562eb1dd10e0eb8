"""What the record of all methods says of base-to-new and of what is carried farther: rows and tables of lesson 05."""

from collections.abc import Sequence

import pandas as pd

from lessons_lib.metrics import difference, h_of_means, interval, summary, told, with_harmonic_mean, without_each
from lessons_lib.teaching import recorded_runs, standings
from lessons_lib.toyworld import SHIFTS

ZERO_SHOT = ("ZeroShot", "ZeroShot (photo)")
METHODS = (*ZERO_SHOT, "CoOp", "CoOp (words)", "CoCoOp")
PAPERS = {"ZeroShot": "ZeroShot", "CoOp (words)": "CoOp", "CoCoOp": "CoCoOp"}  # ours -> as the papers call it
HALVES = ("base", "new", "H")


def base_to_new(setting: str = "published", methods: Sequence[str] = METHODS) -> pd.DataFrame:
    """Rows of eleven tasks with on "base", "new" and "H" of each run; of the seeds that all methods have.

    setting: "published" or "searched"; what learns nothing has one setting, which stands in both.
    """
    rows = recorded_runs.comparison_with(setting)
    rows = rows[(rows.protocol == "base-to-new") & rows.method.isin(methods) & rows.on.isin(["base", "new"])]
    return with_harmonic_mean(_same_seeds(rows, methods))


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """base, new and H as mean ± half-width over the seeds of the mean of all tasks; epochs and steps of a fit."""
    means = summary(rows, ("method", "on")).pivot(index="method", columns="on", values="text")
    lengths = {method: standings.lengths(part) for method, part in rows.groupby("method")}
    shown = means[list(HALVES)].join(pd.DataFrame(lengths).T)
    return shown.loc[[method for method in METHODS if method in shown.index]]


def said(rows: pd.DataFrame, first: str, second: str, on: str, sign: int = +1) -> str:
    """ "+1.2 ± 0.3; above 0: seen; without toy_food, which moves it most: +0.9 ± 0.4"."""
    rows = rows[rows.on == on]
    found, without = difference(rows, first, second), without_each(rows, first, second).iloc[0]
    side = "above 0" if sign > 0 else "below 0"
    return (
        f"{found['mean']:+.1f} ± {found['half_width']:.1f}; {side}: {told(found, sign)}; "
        f"without {without.task}, which moves it most: {without.text}"
    )


def below(rows: pd.DataFrame, first: str, second: str, on: str = "new") -> list[str]:
    """Tasks on which `first` lies below `second`, beyond the interval over seeds."""
    own = rows[rows.on == on]
    found = {task: difference(part, first, second) for task, part in own.groupby("task")}
    return [task for task, one in found.items() if told(one, -1) == "seen"]


def won_back(rows: pd.DataFrame) -> dict:
    """F7's last effect: CoCoOp above half way from CoOp (words) to zero-shot, on new classes; mean, half_width, n."""
    new = rows[rows.on == "new"]
    means = new.groupby(["seed", "method"]).accuracy.mean().unstack()
    return interval(means["CoCoOp"] - (means["CoOp (words)"] + means["ZeroShot"]) / 2)._asdict()


def beside_paper(rows: pd.DataFrame) -> pd.DataFrame:
    """The papers' base, new and H of means (ViT-B/16, eleven data sets) and ours, of means, too."""
    theirs, lines = standings.papers(PAPERS), {}
    for ours in PAPERS:
        own = rows[rows.method == ours]
        base, new = (own[own.on == on].groupby("task").accuracy.mean() for on in ("base", "new"))
        lines[ours] = [*theirs[ours], base.mean(), new.mean(), h_of_means(base, new)]
    columns = pd.MultiIndex.from_product([("paper", "here"), ("base", "new", "H of means")])
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns).round(1)


def carried(methods: Sequence[str] = METHODS) -> pd.DataFrame:
    """Rows of what was learned on all of toy_things, `where` one of "itself", "its four shifts", "ten other tasks"."""
    rows = recorded_runs.comparison()
    rows = rows[rows.method.isin(methods) & (rows.task == "toy_things")]
    shift, cross = rows[rows.protocol == "domain shift"], rows[rows.protocol == "cross-task"]
    parts = {
        "itself": cross[cross.on == "test"],
        "its four shifts": shift[shift.on.isin(SHIFTS)],
        "ten other tasks": cross[cross.on != "test"],
    }
    rows = pd.concat([part.assign(where=where) for where, part in parts.items()])
    return _same_seeds(rows, methods)


def _same_seeds(rows: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    seeds = [set(rows.loc[rows.method == method, "seed"]) for method in methods]
    return rows[rows.seed.isin(set.intersection(*seeds))]
