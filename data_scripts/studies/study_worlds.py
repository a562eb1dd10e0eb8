"""What gives adaptation something to win? Small CLIPs pre-trained in several worlds, and adapted in each.

    python data_scripts/studies/study_worlds.py plan       # what there is to do
    python data_scripts/studies/study_worlds.py run        # about an hour on two cores; goes on where it stopped
    python data_scripts/studies/study_worlds.py collect    # the record, and its table

The worlds differ in one thing at a time: whether tasks have looks of their own, whether captions speak their trade's
language, whether some of them name another class, and whether pre-training ran to the end of its schedule. All are
measured on validation pictures of three tasks, with 16 shots and one seed.
"""

from collections.abc import Iterator

import pandas as pd
from worlds_work import LEARNED, SEED, SHOTS, TASKS, World, Worlds

from lessons_lib.metrics import harmonic_mean
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs

WORK = Worlds()
WORLDS = [
    World(trade=0.75, misnamed=0.25, looks=(0.0, 1.0)),
    World(looks=(0.0, 1.0)),
    World(trade=0.75),
    World(misnamed=0.25),
    World(whole=False),
]


def stages(store: Store) -> Iterator[Plan]:
    yield Plan(WORK, WORLDS, {"study": STUDY.name})


def about(rows: pd.DataFrame) -> dict:
    fitted = {label: {**made, **settings} for label, (_, made, settings) in LEARNED.items()}
    return {"clip": None, "tasks": list(TASKS), "shots": SHOTS, "seed": SEED, "methods": fitted}


STUDY = Study("worlds", "data_scripts/studies/study_worlds.py", recorded_runs.RECORDED, stages, about=about, each="")


def label(trade: float, misnamed: float, whole: bool, looks: float) -> str:
    """What a world has that the first has not."""
    parts = ["trade language"] * (trade > 0) + ["wrong names"] * (misnamed > 0) + ["looks"] * (looks > 0)
    return " + ".join(parts) or ("the first world" if whole else "the first world, stopped at 73 %")


def report(rows: pd.DataFrame) -> str:
    """Markdown: a world a line, means over the tasks; H is of the means."""
    metrics = [name for name in rows.columns if name in ("zero-shot", "probe") or name.endswith((", base", ", new"))]
    means = rows.groupby(["trade", "misnamed", "whole", "at"])[metrics].mean()
    shown = ["zero-shot", *LEARNED]
    lines = [f"| world | zero-shot | probe | probe − zero-shot | {' | '.join(shown)} |"]
    lines += ["|---" * (4 + len(shown)) + "|"]
    for world, row in means.iterrows():
        halves = []
        for name in shown:
            base, new = row[f"{name}, base"], row[f"{name}, new"]
            halves.append(f"{base:.1f} / {new:.1f} / {harmonic_mean(base, new):.1f}")
        gap = row["probe"] - row["zero-shot"]
        numbers = f"{row['zero-shot']:.1f} | {row['probe']:.1f} | {gap:+.1f}"
        lines.append(f"| {label(*world)} | {numbers} | {' | '.join(halves)} |")
    return "\n".join([*lines, "", "Of the learned: base / new / H of the means."])


if __name__ == "__main__":
    main(STUDY, __doc__, report=report)
