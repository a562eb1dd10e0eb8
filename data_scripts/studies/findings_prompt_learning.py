"""Prompt learning on ToyCLIP: the sweep behind lessons 04 to 06, and findings F4 to F9, F14 and F15.

    python data_scripts/studies/findings_prompt_learning.py plan       # what there is to do, and how long it takes
    python data_scripts/studies/findings_prompt_learning.py run        # hours on two cores; goes on where it stopped
    python data_scripts/studies/findings_prompt_learning.py collect    # the record, and what is seen in it

Five seeds; a seed draws the shots, the start and the order of images. Methods train as published (learning rate, batch
size, epochs), with two exceptions: few-shot runs of CoOp take 50 epochs at every number of shots, and images are not
augmented. Nothing is chosen on any image: every setting is fixed beforehand, the probe's regularisation excepted, which
validation images choose. Differences are paired seed by seed, intervals are Student's t at 95 %.
"""

from collections.abc import Iterator

import pandas as pd
from claims import SHOTS, of_prompt_learning

from lessons_lib.metrics import effects_table, findings_table, summary, with_harmonic_mean
from lessons_lib.runs import Cell, FitAndTest, Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN, SHIFTS

SEEDS = (1, 2, 3, 4, 5)
ABLATED = ("toy_satellite", "toy_textures")
WORK = FitAndTest("toyclip", device="cpu", precision="fp32")
COLUMNS = ["protocol", "method", "task", "shots", "seed", "on"]


def cells() -> list[Cell]:
    """Seed by seed, so that what there is after a while covers whole seeds."""
    return [cell for seed in SEEDS for cell in of_seed(seed)]


def of_seed(seed: int) -> list[Cell]:
    found = []

    def add(protocol: str, label: str, method: str, task: str, shots: int = 16, **more) -> None:
        found.append(Cell(protocol, label, method, task, shots, seed, **more))

    for task in ELEVEN:
        add("few-shot", "ZeroShot", "ZeroShot", task)
        for shots in SHOTS:
            add("few-shot", "LinearProbe", "LinearProbe", task, shots)
            add("few-shot", "CoOp", "CoOp", task, shots, fit={"epochs": 50})
        # no rows to share: 64 contexts of 16 take too long for more than a first seed, which no mean is of
        for shots in (1, 16) if task != "toy_things" or seed == SEEDS[0] else ():
            settings = {"class_specific": True}
            add("few-shot", "CoOp (class-specific)", "CoOp", task, shots, settings=settings, fit={"epochs": 50})
        add("few-shot", "CoOp (M=4)", "CoOp", task, settings={"n_ctx": 4}, fit={"epochs": 50})
    for task in ELEVEN:
        add("base-to-new", "ZeroShot", "ZeroShot", task)
        add("base-to-new", "CoOp", "CoOp", task)
        add("base-to-new", "CoCoOp", "CoCoOp", task)
        add("base-to-new", "VPT (deep)", "VPT", task, settings={"depth": 6})
        one_side = {"n_ctx_text": 4, "n_ctx_vision": 0}
        add("base-to-new", "IVLP (text only)", "IVLP", task, settings=one_side, fit={"lr": 0.0025})
        add("base-to-new", "IVLP", "IVLP", task)
        add("base-to-new", "MaPLe", "MaPLe", task)
    add("domain shift", "ZeroShot", "ZeroShot", "toy_things", others=tuple(SHIFTS))
    for label, settings in (("CoOp", {}), ("CoOp (M=4)", {"n_ctx": 4})):
        add("domain shift", label, "CoOp", "toy_things", settings=settings, fit={"epochs": 50}, others=tuple(SHIFTS))
    for task in ABLATED:
        depths = [(f"MaPLe (depth {depth})", {"prompt_depth": depth}) for depth in (1, 2, 3, 4)]
        lengths = [(f"MaPLe (length {length})", {"n_ctx": length}) for length in (1, 4)]
        for label, settings in (*depths, *lengths, ("MaPLe†", {"shared_coupling": True})):
            add("base-to-new", label, "MaPLe", task, settings=settings, called="ablation")
    return found


def stages(store: Store) -> Iterator[Plan]:
    yield Plan(WORK, cells(), {"study": STUDY.name})


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the digests that tell runs of one label apart: `run` tells all."""
    return rows.drop(columns=["settings", "data"]).sort_values(COLUMNS, ignore_index=True)


def about(rows: pd.DataFrame) -> dict:
    return {"clip": WORK.fingerprint, "seeds": sorted(map(int, rows.seed.unique()))}


STUDY = Study("prompt_learning", "data_scripts/studies/findings_prompt_learning.py", recorded_runs.RECORDED,
              stages, in_order, about)  # fmt: skip


def base_to_new_methods() -> list[str]:
    cells = of_seed(SEEDS[0])
    return list(dict.fromkeys(cell.label for cell in cells if cell.protocol == "base-to-new" and not cell.called))


def base_to_new_table(rows: pd.DataFrame) -> str:
    """Markdown: base, new and H of every method, mean of the eleven tasks."""
    new = with_harmonic_mean(rows[rows.protocol == "base-to-new"])
    lines = ["| method | base | new | H |", "|---|---|---|---|"]
    table = summary(new, ("method", "on")).pivot(index="method", columns="on", values="text")
    for method in base_to_new_methods():
        lines.append(f"| {method} | " + " | ".join(table.loc[method, on] for on in ("base", "new", "H")) + " |")
    return "\n".join(lines)


def base_to_new_by_task(rows: pd.DataFrame) -> str:
    """Markdown: base / new / H of every method on every task, means over the seeds."""
    new = with_harmonic_mean(rows[rows.protocol == "base-to-new"])
    means = new.groupby(["task", "method", "on"]).accuracy.mean()
    methods = base_to_new_methods()
    lines = [f"| task | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for task in ELEVEN:
        texts = [" / ".join(f"{means[task, method, on]:.1f}" for on in ("base", "new", "H")) for method in methods]
        lines.append(f"| {task} | {' | '.join(texts)} |")
    return "\n".join(lines)


def report(rows: pd.DataFrame) -> str:
    found = of_prompt_learning(rows)
    return "\n\n".join([findings_table(found), effects_table(found), base_to_new_table(rows)])


if __name__ == "__main__":
    main(STUDY, __doc__, report=report)
