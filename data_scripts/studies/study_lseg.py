"""The study of LSeg and its controls, three seeds (F20 and F21).

    python data_scripts/studies/study_lseg.py plan       # what there is to do
    python data_scripts/studies/study_lseg.py run        # about an hour of one core; goes on where it stopped
    python data_scripts/studies/study_lseg.py collect    # the record; `make findings` reads it

Arms, from the same starts: LSeg; LSeg whose labels are random unit vectors; LSeg that sees unseen things in its
training pictures as background, as PASCAL-5i has it.
"""

from collections.abc import Iterator

import pandas as pd
from lseg_work import ARMS, EPOCHS, LR, PICTURES, WORK, Arm

from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson11.scenes import TASK

SEEDS = (1, 2, 3)


def stages(store: Store) -> Iterator[Plan]:
    """Seed after seed, so that an unfinished study is whole for its first seeds."""
    yield Plan(WORK, [Arm(arm, seed) for seed in SEEDS for arm in ARMS], {"study": STUDY.name})


def about(rows: pd.DataFrame) -> dict:
    return {"clip": None, "tasks": [TASK], "settings": {"pictures": PICTURES, "epochs": EPOCHS, "lr": LR}}


STUDY = Study("lseg", "data_scripts/studies/study_lseg.py", recorded_runs.RECORDED, stages, about=about)


if __name__ == "__main__":
    main(STUDY, __doc__)
