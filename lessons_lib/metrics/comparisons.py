"""Tables of runs summed up and compared: means over tasks within each seed, intervals over seeds, paired differences.

A table has a row a run: `seed`, a value (`accuracy`), and columns of `CELL` that say what was run. A mean is comparable
where every seed has the same runs, so sets of cells are compared, not how many there are, and what is missing is named.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from lessons_lib.metrics.statistics import harmonic_mean, interval

CELL = ("clip", "protocol", "method", "task", "on", "shots")  # what tells runs of one seed apart, as far as it is there


def summary(results: pd.DataFrame, by: Sequence[str] = ("method", "shots"), value: str = "accuracy") -> pd.DataFrame:
    """Runs, summed up with intervals over seeds.

    results: a row a run, with a column `seed`. What `by` leaves out (tasks, for example) is averaged within each seed
    first, so the interval is that of the average. Returns the columns of `by`, mean, half_width, n (seeds) and text,
    "mean ± half-width". Raises ValueError for columns that are not there, and where some seeds lack runs that others
    of the same group have.
    """
    by = list(by)
    absent = [column for column in [*by, "seed", value] if column not in results.columns]
    if absent:
        raise ValueError(
            f"the results have no column {', '.join(map(repr, absent))}; they have {list(results.columns)}"
        )
    cell = _cell(results, without=by)
    rows = []
    for group, runs in results.groupby(by, sort=False, dropna=False):
        about = dict(zip(by, group))
        _same_runs(runs, cell, value, of=_said(by, group))
        across = interval(runs.groupby("seed")[value].mean())
        rows.append({**about, **across._asdict(), "text": str(across)})
    return pd.DataFrame(rows)


def table(results: pd.DataFrame, rows: str = "method", columns: str = "shots", value: str = "accuracy") -> pd.DataFrame:
    """ "mean ± half-width" over seeds, one row and one column for each value of the two columns named."""
    summed = summary(results, (rows, columns), value)
    return summed.pivot(index=rows, columns=columns, values="text").reindex(
        index=summed[rows].unique(), columns=summed[columns].unique()
    )


def gains(rows: pd.DataFrame, first: str, second: str, value: str = "accuracy", *, shared: bool = False) -> pd.Series:
    """`first` above `second`, for each seed: paired cell by cell, and averaged within each seed. Index: seeds.

    shared: only the cells that both methods have, in some seed; a method that ran on more tasks is then compared on the
        tasks of the other. Without it, what only one of them has is an error.
    Raises ValueError where a run lacks its partner, or a seed lacks cells of the others; it names them.
    """
    pairs = _paired(rows, first, second, value, shared)
    return (pairs[first] - pairs[second]).groupby("seed").mean()


def compare(
    results: pd.DataFrame, first: str, second: str, by: str = "on", value: str = "accuracy", *, shared: bool = False
) -> pd.DataFrame:
    """What `first` is above `second`, in points, paired as in `gains`. Returns a row for each value of `by`: mean,
    half_width, n and text."""
    rows = []
    for group, part in results[results["method"].isin([first, second])].groupby(by, sort=False, dropna=False):
        across = interval(gains(part, first, second, value, shared=shared))
        rows.append({by: group, **across._asdict(), "text": f"{across.mean:+.1f} ± {across.half_width:.1f}"})
    return pd.DataFrame(rows)


def without_each(
    results: pd.DataFrame, first: str, second: str, by: str = "task", value: str = "accuracy", *, shared: bool = False
) -> pd.DataFrame:
    """Whether a mean difference rests on one task: what `first` is above `second` without each of them.

    Arguments and errors as in `compare`. Returns a row for each value of `by` that is left out, those that change most
    first: by, mean, half_width, n and text; change: how far the mean moves when it is left out, in points.
    """
    whole = interval(gains(results, first, second, value, shared=shared)).mean
    rows = []
    for left_out in results.loc[results["method"].isin([first, second]), by].unique():
        across = interval(gains(results[results[by] != left_out], first, second, value, shared=shared))
        said = f"{across.mean:+.1f} ± {across.half_width:.1f}"
        rows.append({by: left_out, **across._asdict(), "text": said, "change": across.mean - whole})
    return pd.DataFrame(rows).sort_values("change", key=abs, ascending=False, kind="stable", ignore_index=True)


def with_harmonic_mean(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of base-to-new with rows added where `on` is "H": 2 · base · new / (base + new) of each run.

    Averaged over tasks, they give `statistics.mean_of_h`. Rows of H that were there are made anew. Raises ValueError
    where a run has one half alone.
    """
    results = results[results["on"] != "H"]
    cell = [*_cell(results, without=["on"]), "seed"]
    wide = _wide(results[results["on"].isin(["base", "new"])], cell, "on", "accuracy", ["base", "new"])
    _whole(wide, "half a run has no H")
    h = [harmonic_mean(base, new) for base, new in zip(wide["base"], wide["new"])]
    rows = wide.index.to_frame(index=False).assign(accuracy=h, on="H")
    return pd.concat([results, rows], ignore_index=True)


def _paired(rows: pd.DataFrame, first: str, second: str, value: str, shared: bool) -> pd.DataFrame:
    """A column a method, a row a cell and seed; none is missing, and every seed has the same cells."""
    both = [first, second]
    absent = [method for method in both if not (rows["method"] == method).any()]
    if absent:
        raise ValueError(f"there are no rows of {' and '.join(absent)} to compare")
    cell = _cell(rows, without=["method"])
    wide = _wide(rows[rows["method"].isin(both)], [*cell, "seed"], "method", value, both)
    if shared and cell:
        wide = wide[wide.notna().groupby(cell, dropna=False).transform("any").all(axis=1)]
        if wide.empty:
            raise ValueError(f"{first} and {second} share no {', '.join(cell)}")
    _whole(wide, "a difference needs both; shared=True compares on what both ran on")
    _same_runs(wide.reset_index(), cell, first, of=f"{first} and {second}")
    return wide


def _cell(rows: pd.DataFrame, without: Iterable[str]) -> list[str]:
    return [column for column in CELL if column in rows.columns and column not in without]


def _wide(rows: pd.DataFrame, index: list[str], columns: str, value: str, names: list[str]) -> pd.DataFrame:
    """A column for each of `names`. Raises ValueError where a run is there twice."""
    twice = rows[rows.duplicated([*index, columns], keep=False)]
    if len(twice):
        run = twice.iloc[0]
        raise ValueError(f"{run[columns]!r} is there more than once at {_said(index, run[index])}: which one counts?")
    return rows.pivot(index=index, columns=columns, values=value).reindex(columns=names)


def _whole(wide: pd.DataFrame, why: str) -> None:
    """Raises ValueError where a row lacks one of its numbers."""
    lacking = [(at, name) for at, row in wide.isna().iterrows() for name in wide.columns[row]]
    if lacking:
        at, name = lacking[0]
        at = at if isinstance(at, tuple) else (at,)
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        raise ValueError(f"there is no {name!r} at {_said(wide.index.names, at)}{more}: {why}")


def _same_runs(runs: pd.DataFrame, cell: list[str], value: str, of: str) -> None:
    """Raises ValueError where a seed lacks a cell that another seed has, or a run has no value."""
    if runs[value].isna().any():
        run = runs[runs[value].isna()].iloc[0]
        raise ValueError(f"{of}: no {value} at {_said([*cell, 'seed'], run[[*cell, 'seed']])}: mend or repeat the run")
    have = {seed: Counter(map(tuple, part[cell].to_numpy())) for seed, part in runs.groupby("seed", dropna=False)}
    every = Counter()
    for cells in have.values():
        every |= cells
    for seed, cells in have.items():
        if lacking := every - cells:
            some = "; ".join(_said(cell, at) for at in list(lacking)[:3]) if cell else f"{lacking.total()} of the runs"
            more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
            raise ValueError(
                f"{of}: seed {seed} lacks {some}{more}, which other seeds have: every seed needs the same runs, or "
                "their means are not comparable"
            )


def _said(columns: Sequence[str], values: Iterable[Hashable]) -> str:
    """ "task pets, shots 16"."""
    return ", ".join(f"{column} {value}" for column, value in zip(columns, values)) or "all"
