"""Every method on the same tasks: the sweep behind lessons 04 to 09, and findings F4 to F11 and F14 to F16.

    python data_scripts/studies/run_comparison.py plan       # what there is to do, how long it takes, what is left out
    python data_scripts/studies/run_comparison.py run        # hours on two cores; goes on where it stopped
    python data_scripts/studies/run_comparison.py collect    # the record; `make findings` reads it

Every method learns with its published settings, and with settings that were searched for each task: rate and length
(for DAPT rate and beta_v), one after the other, six fits of a method and task, the published value among them, on the
validation images of the base classes, with shots of a seed that is not used afterwards. Five seeds; a seed draws the
shots, the start and the order of images. Nothing is chosen on test images. Images are not augmented, but for
Tip-Adapter's keys. `comparison_plan.LEFT_OUT` says what there is no time for; it is kept with the results.
"""

from collections.abc import Callable, Generator, Iterator, Sequence

import pandas as pd
from comparison_plan import (
    FEW_SEEDS,
    LEFT_OUT,
    METHODS,
    PUBLISHED,
    SEARCHED,
    SEEDS,
    SHARED,
    TEN,
    Found,
    published,
    searched,
    to_search,
)
from embeddings import Fit, FitAndLook, Trained

from lessons_lib.metrics import interval, summary, with_harmonic_mean
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.search import budget, search
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN, SHIFTS

WORK = Trained("toyclip", device="cpu", precision="fp32")
LOOKED_AT = FitAndLook("toyclip", device="cpu", precision="fp32")
KEYS = ["protocol", "setting", "method", "task", "shots", "seed", "on"]


def stages(store: Store) -> Iterator[Plan]:
    """What is published; the search, setting by setting; what it found, once all of it is done; then two seeds more."""
    yield Plan(WORK, published(FEW_SEEDS), {"study": STUDY.name, "setting": PUBLISHED})
    found = yield from searches(store)
    if found is not None:
        yield from with_found(found, FEW_SEEDS)
    others = [seed for seed in SEEDS if seed not in FEW_SEEDS]
    yield Plan(WORK, published(others), {"study": STUDY.name, "setting": PUBLISHED})
    if found is not None:
        yield from with_found(found, others)


def with_found(found: Found, seeds: Sequence[int]) -> Iterator[Plan]:
    cells = searched(found, seeds)
    yield Plan(WORK, [c for c in cells if not isinstance(c, Fit)], {"study": STUDY.name, "setting": SEARCHED})
    yield Plan(LOOKED_AT, [c for c in cells if isinstance(c, Fit)], {"study": STUDY.name, "setting": SEARCHED})


def searches(store: Store) -> Generator[Plan, None, Found | None]:
    """As `search`, method by method."""
    found, start = {}, to_search()
    for label in dict.fromkeys(label for label, _ in start):
        own = {key: cell for key, cell in start.items() if key[0] == label}
        best = yield from search(WORK, store, own, METHODS[label].searched, {"study": STUDY.name, "method": label})
        if best is None:
            return None
        found |= best
    return found


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """In order, with the column `setting`: "published", "searched", or "search" for the search itself."""
    said = rows["protocol"].str.rsplit(", ", n=1)
    rows = rows.assign(protocol=said.str[0].replace("search", "base-to-new"), setting=said.str[-1])
    rows = by_protocol(rows).drop(columns=["settings", "data"])
    return rows.sort_values(KEYS, kind="stable", ignore_index=True)


def by_protocol(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of "transfer", one fit tested on tasks and on shifts, as rows of "cross-task" and of "domain shift"."""
    carried = rows[rows.protocol == "transfer"]
    parts = [rows[rows.protocol != "transfer"]]
    for protocol, others in (("cross-task", TEN), ("domain shift", SHIFTS)):
        parts.append(carried[carried.on.isin(["test", *others])].assign(protocol=protocol))
    return pd.concat(parts, ignore_index=True)


def about(rows: pd.DataFrame) -> dict:
    grids = {label: _said(one.searched) for label, one in METHODS.items() if one.searched}
    return {
        "clip": WORK.fingerprint,
        "seeds": sorted(map(int, rows[rows.setting != "search"].seed.unique())),
        "search": {"fits": {label: budget(METHODS[label].searched) for label in grids}, "grids": grids},
        "left_out": LEFT_OUT + waiting(rows),
        "seconds": "of fitting, on busy cores; an image's frozen features, and Tip-Adapter's views, count for the "
        "method that needed them first",
    }


def waiting(rows: pd.DataFrame) -> list[str]:
    """What is planned and not run yet, in words: a record may be collected after three seeds, and before the search."""
    said = []
    if SEARCHED not in set(rows.setting):
        alone = [label for label, one in METHODS.items() if not one.published]
        said.append(f"not run yet: searched settings, and so {', '.join(alone)}, and the ablations")
    later = [str(seed) for seed in SEEDS if seed not in set(rows.seed)]
    return said + ([f"not run yet: seeds {' and '.join(later)}"] if later else [])


def _said(grids) -> dict:
    return {
        name: [f"{factor:g} ×" for factor in values.factors] if hasattr(values, "factors") else list(values)
        for name, values in grids.items()
    }


STUDY = Study("comparison", "data_scripts/studies/run_comparison.py", recorded_runs.RECORDED, stages, table, about,
              note="\n- ".join(["Left out or shortened:", *LEFT_OUT]))  # fmt: skip


# --- tables


def report(rows: pd.DataFrame) -> str:
    return "\n\n".join([few_shot_table(rows), both(base_to_new_table, rows)])


def so_far(rows: pd.DataFrame) -> str:
    """The seeds, and what is planned and not run yet."""
    seeds = sorted(set(rows[rows.setting != "search"].seed))
    return " ".join(
        f"{one[0].upper()}{one[1:]}." for one in [f"over seeds {', '.join(map(str, seeds))}", *waiting(rows)]
    )


def few_shot_table(rows: pd.DataFrame) -> str:
    """Markdown: accuracy at 16 shots on the three tasks that all methods share, and on all eleven."""
    few = rows[(rows.protocol == "few-shot") & (rows.shots == 16) & (rows.on == "test")]
    columns = [(tasks, setting) for tasks in (SHARED, ELEVEN) for setting in _settings(rows)]
    names = [f"{'three' if tasks is SHARED else 'eleven'} tasks, {setting}" for tasks, setting in columns]
    lines = [f"| method, 16 shots | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for label in METHODS:
        shown = []
        for tasks, setting in columns:
            own = few[(few.method == label) & (few.setting == setting) & few.task.isin(tasks)]
            whole = set(own.task) == set(tasks)
            shown.append(str(interval(own.groupby("seed").accuracy.mean())) if whole else "")
        if any(shown):
            lines.append(f"| {label} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _settings(rows: pd.DataFrame) -> list[str]:
    return [setting for setting in (PUBLISHED, SEARCHED) if setting in set(rows.setting)]


def both(table: Callable[[pd.DataFrame, str], str], rows: pd.DataFrame) -> str:
    """A table of what is published, and of what was searched, once it is."""
    titles = {PUBLISHED: "Settings as published:", SEARCHED: "Settings searched for each task:"}
    return "\n\n".join(f"{titles[setting]}\n\n{table(rows, setting)}" for setting in _settings(rows))


def base_to_new_table(rows: pd.DataFrame, setting: str) -> str:
    """Markdown: base, new and H of every method that ran on all eleven tasks, means of them; epochs, and steps."""
    new = _base_to_new(rows, setting)
    lines = ["| method | base | new | H | epochs | steps |", "|---|---|---|---|---|---|"]
    table = summary(new, ("method", "on")).pivot(index="method", columns="on", values="text")
    for method in _in_plan(new):
        own = new[(new.method == method) & (new.on == "base")]
        lengths = [_range(own[name]) for name in ("epochs", "steps")]
        lines.append(f"| {method} | {' | '.join([*table.loc[method, ['base', 'new', 'H']], *lengths])} |")
    return "\n".join(lines)


def base_to_new_by_task(rows: pd.DataFrame, setting: str) -> str:
    """Markdown: base / new / H of every method on every task, means over the seeds."""
    new = _base_to_new(rows, setting)
    means, methods = new.groupby(["task", "method", "on"]).accuracy.mean(), _in_plan(new)
    lines = [f"| task | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for task in ELEVEN:
        texts = [" / ".join(f"{means[task, method, on]:.1f}" for on in ("base", "new", "H")) for method in methods]
        lines.append(f"| {task} | {' | '.join(texts)} |")
    return "\n".join(lines)


def _base_to_new(rows: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Of methods that ran on all tasks; what learns nothing has one setting, which stands in both tables."""
    rows = rows[(rows.protocol == "base-to-new") & rows.on.isin(["base", "new"])]
    rows = rows[(rows.setting == setting) | rows.method.str.startswith("ZeroShot")]
    whole = rows.groupby("method").task.transform("nunique") == len(ELEVEN)
    return with_harmonic_mean(rows[whole])


def _in_plan(rows: pd.DataFrame) -> list[str]:
    return [method for method in METHODS if method in set(rows.method)]


def _range(lengths: pd.Series) -> str:
    """ "200", "160 to 640", or nothing where nothing is learned."""
    ends = sorted({int(lengths.min()), int(lengths.max())}) if lengths.notna().any() else []
    return " to ".join(f"{one:,}" for one in ends)


if __name__ == "__main__":
    main(STUDY, __doc__, report=report)
