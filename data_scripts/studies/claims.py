"""What the papers claim of wordings (F1 to F3) and of prompt learning (F4 to F9, F14, F15), computed from tables alone.

The scripts that measure them and `findings.py`, which reads what they recorded, have it from here: neither torch nor a
model is needed to look a claim up.
"""

import pandas as pd

from lessons_lib.metrics import (
    correlations,
    difference,
    effect,
    finding,
    gains,
    interval,
    paired_difference,
    with_harmonic_mean,
)

BARE, PLAIN, OWN, BEST, FRAMED, EIGHTY, PROBE = (
    "bare name", "a photo of a {}.", "default template", "best template", "caption ensemble", "ImageNet-80 ensemble",
    "16-shot probe",
)  # fmt: skip
SHOTS = (1, 2, 4, 8, 16)
FINE_GRAINED = ("toy_pets", "toy_cars", "toy_flowers", "toy_food", "toy_aircraft")
ABLATIONS = {"DAPT (no inter-dispersion)": {"beta_t": 0.0}, "DAPT (no intra-dispersion)": {"beta_v": 0.0}}

Found = dict[str, list[float]]  # what was measured -> accuracy (percent) on each draw


def mean_by_draw(runs: list[list[float]]) -> list[float]:
    """The mean over tasks of each draw: [[draw, …] a task] -> [draw, …]."""
    return [sum(draw) / len(draw) for draw in zip(*runs)]


def of_wordings(tasks: dict[str, Found], senses: dict[str, Found]) -> dict[str, dict]:
    """F1, F2, F3: each a claim, the interval that answers it (points), whether it is seen, and by task."""

    def gain(a: str, b: str) -> dict:
        by_task = {name: paired_difference(scores[a], scores[b])._asdict() for name, scores in tasks.items()}
        means = [mean_by_draw([scores[wording] for scores in tasks.values()]) for wording in (a, b)]
        overall = paired_difference(*means)
        return {"difference": overall._asdict(), "seen": overall.low > 0, "by_task": by_task}

    two, word, kind = (mean_by_draw([s[k] for s in senses.values()]) for k in ("two senses", "word", "kind"))
    above_chance, found = paired_difference(two, [50.0] * len(two)), paired_difference(kind, word)
    by_task = {name: interval(scores[OWN]) for name, scores in tasks.items()}
    ordered = sorted(by_task, key=lambda name: by_task[name].mean)
    worst, top = ordered[0], ordered[-1]
    spread = paired_difference(tasks[top][OWN], tasks[worst][OWN])
    mean = interval(mean_by_draw([scores[OWN] for scores in tasks.values()]))
    return {
        "F1 plain": {"claim": "'a photo of a {}.' beats the bare name", **gain(PLAIN, BARE)},
        "F1": {"claim": "the default template beats the bare name", **gain(OWN, BARE)},
        "F1 senses": {
            "claim": "naming the kind tells the two senses of a word apart (above 50 %)",
            "difference": above_chance._asdict(),
            "seen": above_chance.low > 0,
        },
        "F1 kinds": {
            "claim": "among 64 things, the kind finds an ambiguous word's pictures better than the word",
            "difference": found._asdict(),
            "seen": found.low > 0,
        },
        "F2": {"claim": "the caption ensemble beats the default template", **gain(FRAMED, OWN)},
        "F2 ImageNet": {"claim": "the 80 ImageNet templates beat 'a photo of a {}.'", **gain(EIGHTY, PLAIN)},
        "F3": {
            "claim": f"zero-shot is far better on {top} than on {worst}, mean of the eleven between 45 and 75 %",
            "difference": spread._asdict(),
            "mean": mean._asdict(),
            "seen": spread.low > 20 and 45 <= mean.mean <= 75,
        },
    }


def of_prompt_learning(rows: pd.DataFrame) -> dict[str, dict]:
    """F4 to F9, F14 and F15. rows: as `recorded_runs.prompt_learning` gives them."""
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
