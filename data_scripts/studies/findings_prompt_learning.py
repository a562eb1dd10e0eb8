"""Prompt learning on ToyCLIP: the sweep behind lessons 04 to 06, and findings F4 to F9, F14 and F15.

    # hours on one core; goes on where it stopped
    python data_scripts/studies/findings_prompt_learning.py run
    python data_scripts/studies/findings_prompt_learning.py run --part 1/2 &  # or in parts side by side, a core each
    python data_scripts/studies/findings_prompt_learning.py run --part 2/2
    python data_scripts/studies/findings_prompt_learning.py collect           # the table, and what is seen in it

Five seeds; a seed draws the shots, the start and the order of images. Methods train as published (learning rate, batch
size, epochs), with two exceptions: few-shot runs of CoOp take 50 epochs at every number of shots, and images are not
augmented. Nothing is chosen on any image: every setting is fixed beforehand, the probe's regularisation excepted, which
validation images choose. Differences are paired seed by seed, intervals are Student's t at 95 %.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import torch

import lessons_lib as ll
from lessons_lib.files import atomic_write
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
from lessons_lib.runs import sweeps
from lessons_lib.runs.sweeps import KEY, Run
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN, SHIFTS

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "build" / "prompt_learning"
SEEDS = (1, 2, 3, 4, 5)
SHOTS = (1, 2, 4, 8, 16)
FINE_GRAINED = ("toy_pets", "toy_cars", "toy_flowers", "toy_food", "toy_aircraft")
ABLATED = ("toy_satellite", "toy_textures")


def plan() -> list[Run]:
    """All cells, for one seed."""
    runs = []
    for task in ELEVEN:
        runs.append(Run("few-shot", "ZeroShot", "ZeroShot", task))
        for shots in SHOTS:
            runs.append(Run("few-shot", "LinearProbe", "LinearProbe", task, shots))
            runs.append(Run("few-shot", "CoOp", "CoOp", task, shots, fit={"epochs": 50}))
        for shots in (1, 16) if task != "toy_things" else ():  # no rows to share: 64 contexts of 16 take too long
            settings = {"class_specific": True}
            runs.append(Run("few-shot", "CoOp (class-specific)", "CoOp", task, shots, settings, {"epochs": 50}))
        runs.append(Run("few-shot", "CoOp (M=4)", "CoOp", task, 16, {"n_ctx": 4}, {"epochs": 50}))
    for task in ELEVEN:
        runs.append(Run("base-to-new", "ZeroShot", "ZeroShot", task))
        runs.append(Run("base-to-new", "CoOp", "CoOp", task))
        runs.append(Run("base-to-new", "CoCoOp", "CoCoOp", task))
        runs.append(Run("base-to-new", "VPT (deep)", "VPT", task, settings={"depth": 6}))
        one_side = {"n_ctx_text": 4, "n_ctx_vision": 0}
        runs.append(Run("base-to-new", "IVLP (text only)", "IVLP", task, settings=one_side, fit={"lr": 0.0025}))
        runs.append(Run("base-to-new", "IVLP", "IVLP", task))
        runs.append(Run("base-to-new", "MaPLe", "MaPLe", task))
    runs.append(Run("domain shift", "ZeroShot", "ZeroShot", "toy_things", others=SHIFTS))
    for label, settings in (("CoOp", {}), ("CoOp (M=4)", {"n_ctx": 4})):
        runs.append(Run("domain shift", label, "CoOp", "toy_things", 16, settings, {"epochs": 50}, SHIFTS))
    for task in ABLATED:
        for depth in (1, 2, 3, 4):
            runs.append(Run("ablation", f"MaPLe (depth {depth})", "MaPLe", task, settings={"prompt_depth": depth}))
        for length in (1, 4):
            runs.append(Run("ablation", f"MaPLe (length {length})", "MaPLe", task, settings={"n_ctx": length}))
        runs.append(Run("ablation", "MaPLe†", "MaPLe", task, settings={"shared_coupling": True}))
    return runs


def jobs(seeds: Sequence[int] = SEEDS) -> list[sweeps.Job]:
    """Seed by seed, so that what there is after a while covers whole seeds."""
    return [(run, seed) for seed in seeds for run in plan()]


def gather() -> pd.DataFrame:
    """The rows of all parts, of the seeds that are complete."""
    rows = sweeps.parts_rows(PARTS).drop_duplicates([*KEY, "on"], keep="last").drop(columns="settings")
    return sweeps.whole_seeds(rows, jobs())


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
    fine = {k: at[k][at[k].task.isin(FINE_GRAINED)] for k in (1, 16)}
    ten = {k: at[k][at[k].task != "toy_things"] for k in (1, 16)}  # the record has one seed of toy_things
    add(
        "F14",
        "class-specific contexts help fine-grained tasks with many shots and hurt with few",
        ("class-specific − unified, 16 shots, fine-grained", difference(fine[16], "CoOp (class-specific)", "CoOp"), +1),
        ("class-specific − unified, 1 shot, ten tasks", difference(ten[1], "CoOp (class-specific)", "CoOp"), -1),
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


def base_to_new_table(rows: pd.DataFrame) -> str:
    """Markdown: base, new and H of every method, mean of the eleven tasks."""
    new = with_harmonic_mean(rows[rows.protocol == "base-to-new"])
    lines = ["| method | base | new | H |", "|---|---|---|---|"]
    table = summary(new, ("method", "on")).pivot(index="method", columns="on", values="text")
    for method in dict.fromkeys(run.label for run in plan() if run.protocol == "base-to-new"):
        lines.append(f"| {method} | " + " | ".join(table.loc[method, on] for on in ("base", "new", "H")) + " |")
    return "\n".join(lines)


def base_to_new_by_task(rows: pd.DataFrame) -> str:
    """Markdown: base / new / H of every method on every task, means over the seeds."""
    new = with_harmonic_mean(rows[rows.protocol == "base-to-new"])
    means = new.groupby(["task", "method", "on"]).accuracy.mean()
    methods = list(dict.fromkeys(run.label for run in plan() if run.protocol == "base-to-new"))
    lines = [f"| task | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for task in ELEVEN:
        cells = [" / ".join(f"{means[task, method, on]:.1f}" for on in ("base", "new", "H")) for method in methods]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    return "\n".join(lines)


def collect(out: Path) -> None:
    rows = gather()
    clip = ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)
    found = findings(rows)
    record = {
        "script": "data_scripts/studies/findings_prompt_learning.py",
        "date": date.today().isoformat(),
        "seeds": sorted(int(seed) for seed in rows.seed.unique()),
        "clip": clip.fingerprint,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "core_hours": round(rows.drop_duplicates(KEY).seconds.sum() / 3600, 2),
    }
    out.mkdir(parents=True, exist_ok=True)
    atomic_write(out / recorded_runs.PROMPT_LEARNING.name, rows.to_csv(index=False).encode())
    atomic_write(out / "prompt_learning_findings.json", (json.dumps(record, indent=1) + "\n").encode())
    print("\n\n".join([findings_table(found), effects_table(found), base_to_new_table(rows)]))
    print("\nnow: make findings, and python data_scripts/studies/update_readme.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "collect"])
    parser.add_argument("--part", default="1/1", help="which part of how many, such as 1/2")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=recorded_runs.PROMPT_LEARNING.parent)
    args = parser.parse_args()
    if args.what == "collect":
        collect(args.out)
        return
    clip = ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)
    sweeps.run_part(jobs(args.seeds), *sweeps.part_of(args.part), PARTS, clip)


if __name__ == "__main__":
    main()
