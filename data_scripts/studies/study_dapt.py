"""DAPT and CoOp+VPT with settings searched for each task, as DAPT's paper has them: finding F11 on its own terms.

    python data_scripts/studies/study_dapt.py plan       # what there is to do of what is known to be needed yet
    python data_scripts/studies/study_dapt.py run        # half an hour on two cores; goes on where it stopped
    python data_scripts/studies/study_dapt.py collect    # the record; `make findings` reads it

In the comparison both methods have one learning rate, and DAPT one pair of betas, for all tasks. Here they are searched
for each of three tasks, on all of its validation images, with 16 shots of a seed that is not used afterwards: first the
learning rate of CoOp+VPT; at that rate DAPT's beta_v; then its beta_t. With what was found both are fitted to the shots
of five seeds and tested. The rest is as in the comparison (`comparison_plan.py`).
"""

from collections.abc import Iterator

import pandas as pd
from comparison_plan import PAIR, PAIR_BATCH, PAIR_EPOCHS, SEEDS, SHARED
from embeddings import Fit, FitAndLook

from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs

SHOTS, SEARCH_SEED = 16, 6
GRIDS = {"lr": (0.002, 0.02, 0.2), "beta_v": (10.0, 100.0, 1000.0), "beta_t": (0.01, 1.0, 10.0)}  # searched in turn
START = {"beta_t": 0.01}  # while beta_v is searched
COLUMNS = ["task", "method", "seed", "lr", "beta_v", "beta_t", "on"]


class Searched(FitAndLook):
    """The same kind of work; tables have columns for what is searched."""

    def columns(self, cell: Fit) -> dict:
        betas = {name: cell.settings[name] for name in ("beta_v", "beta_t")}
        return {**super().columns(cell), "lr": cell.fit["lr"], **betas}


WORK = Searched("toyclip", device="cpu", precision="fp32")


def stages(store: Store) -> Iterator[Plan]:
    """The search, one setting after the other, then the tests of what it found; each once the one before is done."""
    chosen: dict[str, dict[str, float]] = {task: {} for task in SHARED}
    for name, values in GRIDS.items():
        asked = [fit_of("val", task, SEARCH_SEED, chosen[task] | {name: x}) for task in SHARED for x in values]
        yield (plan := Plan(WORK, asked, {"study": STUDY.name, "searched": name}))
        if len(store.done(plan)) < len(plan.jobs):
            return
        chosen = {task: chosen[task] | {name: best(store.rows(plan), task)[name]} for task in SHARED}
    asked = [fit_of("test", task, seed, chosen[task], label) for seed in SEEDS for task in SHARED for label in PAIR]
    yield Plan(WORK, asked, {"study": STUDY.name, "searched": ""})


def fit_of(tested_on: str, task: str, seed: int, found: dict[str, float], label: str | None = None) -> Fit:
    """With the settings that the method has: CoOp+VPT a learning rate alone. label: what `found` says, if not given."""
    plain, dapt = PAIR
    label = label or (dapt if "beta_v" in found else plain)
    betas = {name: (START | found)[name] if label == dapt else 0.0 for name in ("beta_v", "beta_t")}
    fit = {"lr": found["lr"], "epochs": PAIR_EPOCHS[SHOTS], "batch_size": PAIR_BATCH}
    return Fit("few-shot", label, "DAPT", task, SHOTS, seed, betas, fit, tested_on=tested_on)


def best(rows: pd.DataFrame, task: str) -> pd.Series:
    """The row of the highest validation accuracy on a task; of equal ones the first that was asked for."""
    tried = rows[(rows.task == task) & (rows.on == "val")]
    return tried.loc[tried.accuracy.idxmax()]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["settings", "data"]).sort_values(COLUMNS, ignore_index=True)


def about(rows: pd.DataFrame) -> dict:
    tests = rows[(rows.on == "test") & (rows.method == PAIR[1])].drop_duplicates("task").set_index("task")
    return {
        "clip": WORK.fingerprint,
        "chosen": {task: {name: float(tests.loc[task, name]) for name in GRIDS} for task in SHARED},
        "settings": {"shots": SHOTS, "epochs": PAIR_EPOCHS[SHOTS], "batch_size": PAIR_BATCH, "grids": GRIDS,
                     "search_seed": SEARCH_SEED, "seeds": SEEDS},
    }  # fmt: skip


STUDY = Study("dapt_study", "data_scripts/studies/study_dapt.py", recorded_runs.RECORDED, stages, table, about, each="",
              known=("comparison",))  # fmt: skip


if __name__ == "__main__":
    main(STUDY, __doc__)
