"""A sweep as a page of tables in the papers' format, also when it is not done yet: few-shot, base/new/H, cross-task,
domain shift; with what the papers report beside it, what a fit cost, and the runs that failed. Runs of other kinds of
work are plain tables.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from lessons_lib.runs.other_kinds import OtherKind
from lessons_lib.runs.published import SHOTS, compared
from lessons_lib.runs.summary import AVERAGE, CELL, H_OF_MEANS, MEAN_OF_H, SWEEP, H, Runs, shape, summarise

HOW_TO_READ = (
    "Mean ± half-width of the 95 % interval over seeds (Student's t). Means over tasks are taken within each seed. "
    '"(2 of 3)" stands where some seeds are not done yet, "–" where none is.'
)
BOUNDS = ("floor", "ceiling")  # measured beside a metric, as "<metric>_floor"
ABOUT_BOUNDS = "*Floor* is what needs no learning, and *ceiling* the most that could be reached."
ABOUT_H = (
    "H is the harmonic mean of base and new. Over tasks there are two: *H of means*, of the mean base and the mean new "
    "value, is the papers'; *mean of H* is the mean of the tasks' own, and no larger."
)


def tables(summary: pd.DataFrame, plan: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Title -> table of texts, "mean ± half-width", with "(2 of 3)" where seeds are missing.

    plan: a row a run, done or not, from which rows and columns take their order.
    """
    found = {}
    for (clip, protocol, metric, unit), cells in summary.groupby([*SWEEP, "metric", "unit"], sort=False):
        cells = cells.assign(text=[_text(*line) for line in cells[["mean", "half_width", "n", "asked"]].values])
        asked = plan[(plan["clip"] == clip) & (plan["protocol"] == protocol)]
        make = {"plain": _few_shot, "halves": _base_to_new, "carried": _carried}[shape(cells["on"])]
        for title, table in make(cells, asked).items():
            found[f"{heading_of(clip, protocol, metric, unit)}: {title}"] = table
    return found


def heading_of(clip: str, protocol: str, metric: str, unit: str) -> str:
    """ "Few-shot, toyclip, accuracy (%)"."""
    return f"{protocol[0].upper()}{protocol[1:]}, {clip}, {metric}{f' ({unit})' if unit else ''}"


def chosen(summary: pd.DataFrame, metric: str | None = None, elsewhere: Iterable[str] = ()) -> pd.DataFrame:
    """The lines of one metric; of each sweep's first, which is its methods' score, if none is named.

    Where its floor and ceiling were measured, they follow as lines of methods of these names.

    elsewhere: metrics of other kinds of work. Raises ValueError, with those that there are, for one that was not
    measured.
    """
    there = dict.fromkeys([*summary["metric"], *elsewhere])
    if metric is not None and metric not in there:
        raise ValueError(f"metric {metric!r} was not measured: there are {', '.join(there) or 'none yet'}")
    wanted = summary.groupby(SWEEP)["metric"].transform("first") if metric is None else metric
    parts = [summary[summary["metric"] == wanted]]
    for bound in BOUNDS:
        lines = summary[summary["metric"] == wanted + f"_{bound}"]
        lines = lines.assign(metric=lines["metric"].str.removesuffix(f"_{bound}"))
        cell = [column for column in (*CELL, "on") if column != "method"]
        if (lines.groupby(cell)["mean"].nunique() > 1).any():
            parts.append(lines.assign(method=f"{bound} of " + lines["method"]))
        else:  # the same for every method
            whole = lines.sort_values("n", ascending=False, kind="stable").drop_duplicates(cell)
            parts.append(whole.sort_index().assign(method=bound))
    return pd.concat([part for part in parts if len(part)] or parts[:1])


def costs(runs: Runs) -> pd.DataFrame:
    """A row a method: what a fit cost on average."""
    per_run = runs.rows.drop_duplicates([*CELL, "seed"])
    found = per_run.groupby([*SWEEP, "method"], sort=False)[["n_parameters", "seconds", "peak_mib"]].mean()
    table = found.reset_index()
    for column, digits in (("n_parameters", 0), ("seconds", 1), ("peak_mib", 1)):
        table[column] = ["–" if pd.isna(value) else f"{value:,.{digits}f}" for value in table[column]]
    return table.rename(
        columns={"n_parameters": "numbers learned", "seconds": "seconds a fit", "peak_mib": "peak memory, MiB"}
    )


def markdown(runs: Runs, name: str, pictures: Sequence[str] = (), metric: str | None = None) -> str:
    """The whole report. name: of the file.   pictures: files to show at the top.   metric: None for each sweep's
    first."""
    everything = summarise(runs)
    others = {kind.name: kind.summary() for kind in runs.others}
    summary = chosen(everything, metric, [one for table in others.values() for one in table["metric"]])
    parts = [f"# Report of {name}", runs.progress(), *_settings(runs.plans)]
    parts += [f"![{picture}]({picture})" for picture in pictures]
    if len(summary):
        shown = {f"{one}{more}" for one in summary["metric"] for more in ("", *(f"_{bound}" for bound in BOUNDS))}
        more = [one for one in dict.fromkeys(everything["metric"]) if one not in shown]
        parts.append(HOW_TO_READ + (f" Also measured: {', '.join(more)} (`--metric`)." if more else ""))
        parts += [ABOUT_H] if (summary["on"] == H).any() else []
        parts += [ABOUT_BOUNDS] if not set(summary["method"]) <= set(runs.status["method"]) else []
        for title, table in tables(summary, runs.status).items():
            parts += [f"## {title}", markdown_table(table)]
        beside = compared(summary, runs.plans)
        if len(beside):
            parts += ["## Beside the published numbers", _caution(beside), markdown_table(_as_text(beside))]
        parts += ["## What a fit cost, on average", markdown_table(costs(runs))]
    failures = runs.failures()
    if len(failures):
        parts += ["## Runs that failed", markdown_table(failures.astype(str))]
    for kind in runs.others:
        parts += _plainly(kind, others[kind.name], metric)
    return "\n\n".join(parts) + "\n"


def _plainly(kind: OtherKind, table: pd.DataFrame, metric: str | None) -> list[str]:
    """Of another kind of work: what was measured, and what failed."""
    found, failures = [f"## {kind.name[0].upper()}{kind.name[1:]}"], kind.failures()
    table = table if metric is None else table[table["metric"] == metric]
    if len(table):
        units, numbers = table["unit"], table[["mean", "half_width", "n", "asked"]].values
        texts = [_text(*line, digits=".1f" if unit == "%" else ".4g") for line, unit in zip(numbers, units)]
        measured = [f"{name} ({unit})" if unit else name for name, unit in zip(table["metric"], units)]
        shown = table.drop(columns=["unit", "half_width", "n", "asked"]).assign(metric=measured, mean=texts)
        shown = shown.dropna(axis="columns", how="all")
        found += [HOW_TO_READ, markdown_table(shown.astype(object).where(shown.notna(), "–"))]
    return found + (["Runs that failed:", markdown_table(failures.astype(str))] if len(failures) else [])


def markdown_table(table: pd.DataFrame) -> str:
    """Columns that hold numbers lie to the right."""
    rows = [[(str(value) or " ").replace("|", "\\|").replace("\n", " ") for value in row] for row in table.values]
    marks = ["---:" if all(row[i][0] in "0123456789+-–" for row in rows) else "---" for i in range(len(table.columns))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(map(str, table.columns)), marks, *rows])


# --- the tables


def _few_shot(cells: pd.DataFrame, plan: pd.DataFrame) -> dict[str, pd.DataFrame]:
    shots, tasks = sorted(plan["shots"].unique()), list(plan["task"].unique())
    found = {}
    if len(shots) > 1:
        of = AVERAGE if len(tasks) > 1 else tasks[0]
        title = f"mean of {len(tasks)} tasks by shots" if len(tasks) > 1 else f"{tasks[0]} by shots"
        found[title] = _pivot(cells[cells["task"] == of], ["method"], "shots", shots, plan)
        found[title] = found[title].rename(columns={k: _shots(k) for k in shots})
    if len(shots) == 1 or len(tasks) > 1:
        columns = [*tasks, AVERAGE] if len(tasks) > 1 else tasks
        for k in shots:
            found[_shots(k)] = _pivot(cells[cells["shots"] == k], ["method"], "task", columns, plan)
    return found


def _base_to_new(cells: pd.DataFrame, plan: pd.DataFrame) -> dict[str, pd.DataFrame]:
    found, tasks = {}, list(plan["task"].unique())
    for k in sorted(plan["shots"].unique()):
        part = cells[cells["shots"] == k]
        if len(tasks) > 1:
            title = f"mean of {len(tasks)} tasks, {_shots(k)}"
            columns = ["base", "new", H_OF_MEANS, MEAN_OF_H]
            found[title] = _pivot(part[part["task"] == AVERAGE], ["method"], "on", columns, plan)
        found[f"by task, {_shots(k)}"] = _pivot(
            part[part["task"] != AVERAGE], ["task", "method"], "on", ["base", "new", H], plan
        )
    return found


def _carried(cells: pd.DataFrame, plan: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Fitted on one task, tested on others."""
    found = {}
    for (task, k), part in cells.groupby(["task", "shots"], sort=False):
        targets = [on for on in part["on"].unique() if on not in ("test", AVERAGE)]
        part = part.assign(on=part["on"].replace("test", task))
        columns = [task, *targets, *([AVERAGE] if len(targets) > 1 else [])]
        found[f"fitted on {task}, {_shots(k)}"] = _pivot(part, ["method"], "on", columns, plan)
    return found


def _pivot(part: pd.DataFrame, index: list[str], column: str, columns: Sequence, plan: pd.DataFrame) -> pd.DataFrame:
    """Texts, with rows in the order of `plan`, others after; "–" where there is none."""
    texts = {(*line[:-2], line[-2]): line[-1] for line in part[[*index, column, "text"]].values}
    planned = plan[index].itertuples(index=False, name=None)
    rows = list(dict.fromkeys([*planned, *(line[: len(index)] for line in texts)]))
    first = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: first.index(row[0]))  # in a table by task the bounds come with theirs
    cells = [[*row, *(texts.get((*row, name), "–") for name in columns)] for row in rows]
    return pd.DataFrame(cells, columns=[*index, *columns])


# --- words


def _text(mean: float, half_width: float, n: int, asked: int, digits: str = ".1f") -> str:
    around = f"{mean:{digits}}" if n == 1 else f"{mean:{digits}} ± {half_width:{digits}}"
    return around if n == asked else f"{around} ({n:.0f} of {asked:.0f})"


def _shots(k: int) -> str:
    return f"{k} shot" if k == 1 else f"{k} shots"


def _settings(plans: Sequence[Mapping]) -> list[str]:
    """A line a sweep: what it ran, and how its methods were trained."""
    lines = []
    for plan in plans:
        if not {"methods", "tasks", "protocol", "settings", "fit"} <= set(plan):
            continue  # no sweep of methods × tasks
        clip = " ".join(filter(None, (plan["model"], plan["pretrained"])))
        names = ("methods", "tasks", "shots", "seeds")
        lists = "; ".join(f"{name} {', '.join(map(str, plan[name]))}" for name in names)
        own = []
        for label in plan["methods"]:
            given = {**plan["settings"].get(label, {}), **plan["fit"].get(label, {})}
            if given:
                own.append(f"{label}: {', '.join(f'{name}={value!r}' for name, value in given.items())}")
        said = f"own settings: {'; '.join(own)}" if own else "settings as published"
        lines.append(f"- {clip}, {plan['protocol']}: {lists}; {said}")
    return ["\n".join(lines)] if lines else []


def _caution(beside: pd.DataFrame) -> str:
    toys = any(str(task).startswith("toy_") for task in beside["task"]) or any("toyclip" in c for c in beside["clip"])
    text = (
        f"{SHOTS} shots. The papers' numbers are means of 3 seeds; retraining by others lands up to 2 to 4 points from "
        "them, and the number of epochs counts."
    )
    if toys:
        text += (
            " A toy task is a twin of the data set, not a copy, and ToyCLIP is not CLIP: compare the order of the "
            "methods, not their height."
        )
    return text


def _as_text(beside: pd.DataFrame) -> pd.DataFrame:
    shown = beside.drop(columns=["clip"] if beside["clip"].nunique() == 1 else [])
    return shown.assign(
        here=[f"{value:.1f}" for value in beside["here"]],
        published=[f"{value:.1f}" for value in beside["published"]],
        difference=[f"{value:+.1f}" for value in beside["difference"]],
    )
