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

from lessons_lib.metrics import (
    correlations,
    difference,
    effect,
    effects_table,
    finding,
    findings_table,
    gains,
    summary,
    with_harmonic_mean,
)
from lessons_lib.runs import Cell, FitAndTest, Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN, SHIFTS

SEEDS = (1, 2, 3, 4, 5)
SHOTS = (1, 2, 4, 8, 16)
FINE_GRAINED = ("toy_pets", "toy_cars", "toy_flowers", "toy_food", "toy_aircraft")
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


def findings(rows: pd.DataFrame) -> dict[str, dict]:
    """Each finding's effects, and whether it was seen: every effect that it names has its sign beyond its interval."""
    few, new, shift = (rows[rows.protocol == name] for name in ("few-shot", "base-to-new", "domain shift"))
    h = with_harmonic_mean(new)
    h = h[h.on == "H"]
    at = {k: few[few.shots == k] for k in SHOTS}
    zero = few[few.method == "ZeroShot"].groupby("task").accuracy.mean()
    found = {}

    def add(key: str, claim: str, *wanted: tuple[str, dict, int], other: dict | None = None) -> None:
        found[key] = finding(claim, *wanted, other=other)

    gain = at[16][at[16].method == "CoOp"].pivot(index="task", columns="seed", values="accuracy").sub(zero, axis=0)
    add(
        "F4",
        "at 16 shots CoOp beats hand-made prompts, most where zero-shot is weak",
        ("CoOp − ZeroShot, 16 shots", difference(at[16], "CoOp", "ZeroShot"), +1),
        ("correlation over tasks of the gain with zero-shot accuracy", effect(correlations(gain, zero)), -1),
    )
    margin = {k: gains(at[k], "CoOp", "LinearProbe") for k in SHOTS}
    widths = {k: effect(margin[k]) for k in SHOTS}
    add(
        "F5",
        "at 1 and 2 shots CoOp beats the linear probe, by a margin that closes as shots grow",
        ("CoOp − LinearProbe, 1 shot", widths[1], +1),
        ("CoOp − LinearProbe, 2 shots", widths[2], +1),
        ("that margin at 1 shot − at 16 shots", effect(margin[1] - margin[16]), +1),
        other={f"CoOp − LinearProbe, {k} shots": widths[k] for k in (4, 8, 16)},
    )
    add(
        "F6",
        "longer context beats shorter on seen classes; under domain shift the order turns",
        ("M=16 − M=4, eleven tasks", difference(at[16], "CoOp", "CoOp (M=4)"), +1),
        ("M=16 − M=4, four shifts of toy_things", difference(shift[shift.on != "test"], "CoOp", "CoOp (M=4)"), -1),
        other={
            "M=16 − M=4, toy_things itself": difference(shift[shift.on == "test"], "CoOp", "CoOp (M=4)"),
            "CoOp − ZeroShot, four shifts": difference(shift[shift.on != "test"], "CoOp", "ZeroShot"),
        },
    )
    unseen, base = new[new.on == "new"], new[new.on == "base"]
    add(
        "F7",
        "CoOp trained on base classes falls below zero-shot on new ones; CoCoOp recovers most of it",
        ("CoOp − ZeroShot, new classes", difference(unseen, "CoOp", "ZeroShot"), -1),
        ("CoCoOp − CoOp, new classes", difference(unseen, "CoCoOp", "CoOp"), +1),
        ("CoCoOp − half way from CoOp to ZeroShot, new classes", half_way(unseen), +1),
        other={
            "CoOp − ZeroShot, base classes": difference(base, "CoOp", "ZeroShot"),
            "CoCoOp − ZeroShot, base classes": difference(base, "CoCoOp", "ZeroShot"),
        },
    )
    rivals = ("ZeroShot", "CoOp", "CoCoOp", "VPT (deep)", "IVLP (text only)", "IVLP")
    add(
        "F8",
        "MaPLe has the best harmonic mean; coupled beats independent beats one-sided",
        *((f"H: MaPLe − {rival}", difference(h, "MaPLe", rival), +1) for rival in rivals),
        ("H: IVLP − VPT (deep)", difference(h, "IVLP", "VPT (deep)"), +1),
        ("H: IVLP − IVLP (text only)", difference(h, "IVLP", "IVLP (text only)"), +1),
    )
    ablation = rows[rows.protocol == "ablation"]
    ha = with_harmonic_mean(ablation)
    ha = ha[ha.on == "H"]
    lengths = ("MaPLe (length 4)", "MaPLe (length 1)")
    add(
        "F9",
        "depth helps up to a point; longer prompts help base and hurt new",
        ("H: depth 3 − depth 1", difference(ha, "MaPLe (depth 3)", "MaPLe (depth 1)"), +1),
        ("base: length 4 − length 1", difference(ablation[ablation.on == "base"], *lengths), +1),
        ("new: length 4 − length 1", difference(ablation[ablation.on == "new"], *lengths), -1),
        other={
            "H: depth 2 − depth 1": difference(ha, "MaPLe (depth 2)", "MaPLe (depth 1)"),
            "H: depth 4 − depth 3": difference(ha, "MaPLe (depth 4)", "MaPLe (depth 3)"),
        },
    )
    ten = {k: at[k][at[k].task != "toy_things"] for k in (1, 16)}
    fine = {k: at[k][at[k].task.isin(FINE_GRAINED)] for k in (1, 16)}
    add(
        "F14",
        "class-specific contexts help fine-grained tasks with many shots and hurt with few",
        ("class-specific − unified, 16 shots, fine-grained", difference(fine[16], "CoOp (class-specific)", "CoOp"), +1),
        (
            "class-specific − unified, 1 shot, ten tasks",
            difference(ten[1], "CoOp (class-specific)", "CoOp"),
            -1,
        ),
        other={
            "class-specific − unified, 16 shots, ten tasks": difference(ten[16], "CoOp (class-specific)", "CoOp"),
            "class-specific − unified, 1 shot, fine-grained": difference(fine[1], "CoOp (class-specific)", "CoOp"),
        },
    )
    zero_h = h[h.method == "ZeroShot"].groupby("task").accuracy.mean()
    maple = h[h.method == "MaPLe"].pivot(index="task", columns="seed", values="accuracy")
    add(
        "F15",
        "multi-modal prompts gain most on the tasks farthest from the pre-training",
        (
            "correlation over tasks of MaPLe's gain in H with zero-shot H",
            effect(correlations(maple.sub(zero_h, axis=0), zero_h)),
            -1,
        ),
    )
    return found


def half_way(rows: pd.DataFrame) -> dict:
    wide = rows.pivot(index=["task", "seed"], columns="method", values="accuracy")
    return effect((wide["CoCoOp"] - (wide["CoOp"] + wide["ZeroShot"]) / 2).groupby("seed").mean())


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
    found = findings(rows)
    return "\n\n".join([findings_table(found), effects_table(found), base_to_new_table(rows)])


if __name__ == "__main__":
    main(STUDY, __doc__, report=report)
