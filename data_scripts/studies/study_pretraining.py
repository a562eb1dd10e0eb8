"""Lesson 01's study: what to learn from captions (finding F12), and what more compute buys (finding F13).

    python data_scripts/studies/study_pretraining.py plan       # what there is to do
    python data_scripts/studies/study_pretraining.py run        # a quarter of an hour on two cores; goes on
    python data_scripts/studies/study_pretraining.py collect    # the record

Small CLIPs are pre-trained on the same pairs of one seed, for five seeds: the same image tower with three objectives,
and three sizes of model on three amounts of data. Zero-shot accuracy is measured on validation pictures along the way.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd
from small_clips import CONTRASTIVE, CONTRASTIVE_BAG, POINTS, PREDICTIVE, TASKS, D, Spec, train, world_of

from lessons_lib.runs import Plan, Result, Store, Work
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs

SEEDS = range(5)
WIDTHS, AMOUNTS = (16, 32, 64), (16_384, 32_768, 65_536)  # of both towers; pairs seen
COMPARED = {"width": 64, "pairs": 65_536}  # the size and amount at which the objectives are compared


def cells() -> list[Spec]:
    """The runs, seed after seed, so that an unfinished study is whole for its first seeds."""
    runs = []
    for seed in SEEDS:
        runs += [Spec(CONTRASTIVE, width, pairs, seed) for width in WIDTHS for pairs in AMOUNTS]
        runs += [Spec(objective, **COMPARED, seed=seed) for objective in (CONTRASTIVE_BAG, PREDICTIVE)]
        runs += [Spec(PREDICTIVE, **COMPARED, seed=seed, lr=4e-3)]  # is it slow only for want of a higher rate?
    return runs


class Pretraining(Work):
    kind = "pre-training of a small CLIP"

    def identity(self, cell: Spec) -> dict[str, Any]:
        about = {"tasks": TASKS, "joint width": D, "points": POINTS, "world": world_of(cell.seed), "format": 1}
        return about | asdict(cell)

    def columns(self, cell: Spec) -> dict[str, Any]:
        return asdict(cell) | {"layers": "+".join(map(str, cell.layers))}

    def unit(self, metric: str) -> str:
        return "%" if metric == "accuracy" else ""

    def alike(self, cell: Spec) -> str:
        return f"{cell.objective}, width {cell.width}"

    def size(self, cell: Spec) -> float:
        return float(cell.pairs)

    def cost(self, cell: Spec) -> float:
        """Without the pairs, which are drawn once a process and seed."""
        return cell.pairs * (cell.width + 6) * (9e-6 if cell.objective == CONTRASTIVE else 5e-6)

    def carry_out(self, cell: Spec) -> Result:
        return train(cell)

    def shares(self, cell: Spec) -> str:
        return f"seed {cell.seed}"


WORK = Pretraining()


def stages(store: Store) -> Iterator[Plan]:
    yield Plan(WORK, cells(), {"study": STUDY.name})


def about(rows: pd.DataFrame) -> dict:
    return {"clip": None, "seeds": sorted(map(int, rows.seed.unique())), "tasks": TASKS, "compare": COMPARED}


STUDY = Study("pretraining_study", "data_scripts/studies/study_pretraining.py", recorded_runs.RECORDED, stages,
              about=about)  # fmt: skip


if __name__ == "__main__":
    main(STUDY, __doc__)
