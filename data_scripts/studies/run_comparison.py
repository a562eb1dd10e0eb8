"""Every method on the same tasks: the sweep behind lesson 09, and findings F10, F11 and F16.

    python data_scripts/studies/run_comparison.py plan       # what there is to do, how long it takes, what is left out
    python data_scripts/studies/run_comparison.py run        # about two hours on two cores; goes on where it stopped
    python data_scripts/studies/run_comparison.py collect    # the record; `make findings` reads it

Five seeds at 16 shots, three below (five where they are recorded, and for DAPT's margin). A seed draws the shots, the
start and the order of images. What `findings_prompt_learning.py` measured with the same settings is not run again, and
every row says where it is from. Nothing is chosen on test images: settings are fixed beforehand, or chosen by the
method on validation images (LinearProbe, LP++, Tip-Adapter). Images are not augmented, but for Tip-Adapter's keys.

Two hours are not enough for everything (`comparison_plan.LEFT_OUT` has it in full; `plan` prints it, and it is kept
with the results):
    few-shot      methods in the image tower and CoCoOp on three of eleven tasks; below 16 shots only MaPLe,
                  CoOp+VPT and DAPT of them, at 1 and 2; DAPT's ablations on one task
    base-to-new   CoOp+VPT and DAPT on three tasks, with three seeds
    cross-task, domain shift   three seeds for CoCoOp and MaPLe, without VPT, IVLP, CoOp+VPT and DAPT
    epochs        CoOp 50; CoOp+VPT and DAPT 10 to 50, in batches of 4 (published: 50 to 200, of 32), with one
                  learning rate; CoCoOp 5 in few-shot (published: 10)
"""

from collections.abc import Iterator

import findings_prompt_learning as prompt_learning
import pandas as pd
from comparison_plan import ABLATIONS, LEFT_OUT, METHODS, ON_FEATURES, SHARED, TEN, cells
from embeddings import Fit, FitAndLook

from lessons_lib.metrics import interval
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.record import RUN_DIGITS, core_hours
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import SHIFTS

LOOKED_AT = FitAndLook("toyclip", device="cpu", precision="fp32")


def stages(store: Store) -> Iterator[Plan]:
    looked_at = [cell for cell in cells() if isinstance(cell, Fit)]
    tested = [cell for cell in cells() if not isinstance(cell, Fit)]
    yield Plan(prompt_learning.WORK, tested, {"study": STUDY.name})
    yield Plan(LOOKED_AT, looked_at, {"study": STUDY.name})


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """In order, with the column `script`: which one measured a row, as its identity says."""
    own, other = STUDY.script, prompt_learning.STUDY.script
    there = {key[:RUN_DIGITS] for plan in prompt_learning.stages(None) for key in plan.jobs}
    script = [(other if run[:RUN_DIGITS] in there else own).split("/")[-1] for run in rows["identity"]]
    return prompt_learning.in_order(by_protocol(rows.assign(script=script)))


def by_protocol(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of "transfer", one fit tested on tasks and on shifts, as rows of "cross-task" and of "domain shift"."""
    carried = rows[rows.protocol == "transfer"]
    parts = [rows[rows.protocol != "transfer"]]
    for protocol, others in (("cross-task", TEN), ("domain shift", SHIFTS)):
        parts.append(carried[carried.on.isin(["test", *others])].assign(protocol=protocol))
    return pd.concat(parts, ignore_index=True)


def about(rows: pd.DataFrame) -> dict:
    return {
        **prompt_learning.about(rows),
        "core_hours": core_hours(rows[rows.script == STUDY.script.split("/")[-1]]),
        "left_out": LEFT_OUT,
        "seconds": "of fitting, on busy cores; an image's frozen features, and Tip-Adapter's views, count for the "
        "method that needed them first",
    }


STUDY = Study("comparison", "data_scripts/studies/run_comparison.py", recorded_runs.RECORDED, stages, table, about,
              known=(prompt_learning.STUDY.name,), note="\n- ".join(["Left out or shortened:", *LEFT_OUT]))  # fmt: skip


def report(rows: pd.DataFrame) -> str:
    """Markdown: accuracy at 16 shots on the three tasks that all methods share, and on all eleven."""
    few = rows[(rows.protocol == "few-shot") & (rows.shots == 16) & (rows.on == "test")]
    few = few.sort_values("method", key=in_order, kind="stable")
    lines = ["| method, 16 shots | three tasks | eleven tasks |", "|---|---|---|"]
    for label in few.method.unique():
        if label in ABLATIONS:
            continue
        own = few[few.method == label]
        shared = interval(own[own.task.isin(SHARED)].groupby("seed").accuracy.mean())
        eleven = interval(own.groupby("seed").accuracy.mean()) if label in ON_FEATURES else ""
        lines.append(f"| {label} | {shared} | {eleven} |")
    return "\n".join(lines) + "\n"


def in_order(labels: pd.Series) -> pd.Series:
    """Sorts methods as the plan has them."""
    return labels.map(list(METHODS).index)


if __name__ == "__main__":
    main(STUDY, __doc__, report=report)
