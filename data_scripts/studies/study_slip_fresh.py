"""SLIP and CLIP where no pair is seen twice (F45): does what pictures teach matter less when captions do not run out?

    python data_scripts/studies/study_slip_fresh.py plan       # what there is to do
    python data_scripts/studies/study_slip_fresh.py run        # hours (see `plan`); goes on where it stopped
    python data_scripts/studies/study_slip_fresh.py collect    # the record; `make findings` reads it

As `study_slip.py`, at the rates that it found, with 12 times as many pairs in place of 12 passes over 8,192. A seed is
two runs; one seed gives the gap, and from the second on there is an interval.
"""

from collections.abc import Iterator

import pandas as pd
from slip_work import DRAWN, EPOCHS, TASKS, WORK, Arm
from study_slip import SEEDS, found_rates, search

from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs

COMPARED = ("SLIP", "CLIP")


def stages(store: Store) -> Iterator[Plan]:
    yield (plan := Plan(WORK, search(), {"study": STUDY.name, "stage": "rates"}))
    if rates := found_rates(store, plan):
        cells = [Arm(name, seed, rates[name], fresh=True) for seed in SEEDS for name in COMPARED]
        yield Plan(WORK, cells, {"study": STUDY.name, "stage": "fresh pairs"})


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the search, which the other record has."""
    return rows[rows.fresh.astype(bool)].reset_index(drop=True)


def about(rows: pd.DataFrame) -> dict:
    return {"clip": None, "tasks": list(TASKS), "settings": {"pairs": DRAWN * EPOCHS}}


STUDY = Study("slip_fresh", "data_scripts/studies/study_slip_fresh.py", recorded_runs.RECORDED, stages, table, about,
              known=("slip",), note="The search of rates is `study_slip.py`'s, and is taken over from it.")  # fmt: skip


if __name__ == "__main__":
    main(STUDY, __doc__)
