"""What the papers claim of wordings (F1 to F3) and of methods (F4 to F11, F14 to F16), computed from tables alone.

The scripts that measure them and `findings.py`, which reads what they recorded, have it from here: neither torch nor a
model is needed to look a claim up.
"""

import numpy as np
import pandas as pd

from lessons_lib.metrics import (
    correlations,
    difference,
    effect,
    finding,
    gains,
    interval,
    is_beyond,
    paired_difference,
    with_harmonic_mean,
)

BARE, PLAIN, OWN, BEST, FRAMED, TRADE, EIGHTY, PROBE = (
    "bare name", "a photo of a {}.", "default template", "best template", "caption ensemble", "trade ensemble",
    "ImageNet-80 ensemble", "16-shot probe",
)  # fmt: skip
COOP = "CoOp (words)"  # the literature's: M = 4 from "a photo of a"
SHOTS = (1, 2, 4, 8, 16)
FINE_GRAINED = ("toy_pets", "toy_cars", "toy_flowers", "toy_food", "toy_aircraft")
ABLATED_MAPLE = {
    **{f"MaPLe (depth {depth})": {"prompt_depth": depth} for depth in (1, 2, 3, 4)},
    **{f"MaPLe (length {length})": {"n_ctx": length} for length in (1, 4)},
    "MaPLe†": {"shared_coupling": True},
}
ABLATED_COCOOP = {"CoCoOp (M=16)": {"n_ctx": 16, "ctx_init": None}, "CoCoOp (random)": {"ctx_init": None}}
ABLATIONS = {"DAPT (no inter-dispersion)": {"beta_t": 0.0}, "DAPT (no intra-dispersion)": {"beta_v": 0.0}}

SEARCHED_ALONE = {  # claims of methods and settings that have no published run on this world
    "F9": "depth helps up to a point; longer prompts keep base and lose new",
    "F11": "DAPT spreads text embeddings, tightens image clusters, and beats CoOp+VPT",
    "F16": "with 1 and 2 shots prompts stay hard to optimise: DAPT's margin over CoOp+VPT is smaller than at 16",
}
MISSING = "its settings are not searched yet: python data_scripts/studies/run_comparison.py run, then collect"

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


def of_comparison(rows: pd.DataFrame, spread: pd.DataFrame) -> dict[str, dict]:
    """F4 to F11 and F14 to F16; what searched settings decide besides is called "… searched".

    rows: as `recorded_runs.comparison` gives them, all settings.   spread: as `recorded_runs.dispersion` gives them.
    In a record without searched settings `seen` is None for what rests on them, and `missing` says what to run.
    """
    published, searched = (rows[rows.setting == name] for name in ("published", "searched"))
    found = of_few_shot(published) | of_base_to_new(published) | of_adapters(published)
    again = {f"{key} searched": found[key]["claim"] for key in ("F7", "F8", "F15", "F10")}
    if searched.empty:
        lacking = SEARCHED_ALONE | again
        return found | {
            key: {"claim": claim, "seen": None, "effects": {}, "missing": MISSING} for key, claim in lacking.items()
        }
    untrained = published[published.method.str.startswith("ZeroShot")]  # learns nothing: the same with any setting
    searched = pd.concat([searched, untrained], ignore_index=True)
    fair = of_base_to_new(searched) | of_adapters(pd.concat([searched, _without_search(published)]))
    found |= {key: fair[key.split()[0]] for key in again}
    return found | of_ablations(searched) | of_dapt(searched, spread)


def _without_search(rows: pd.DataFrame) -> pd.DataFrame:
    """Tip-Adapter chooses α and β on validation images by itself."""
    return rows[rows.method.str.startswith("Tip-Adapter")]


def of_few_shot(rows: pd.DataFrame) -> dict[str, dict]:
    """F4, F5, F6 and F14."""
    few, shift = (rows[rows.protocol == name] for name in ("few-shot", "domain shift"))
    at = {k: few[few.shots == k] for k in SHOTS}
    zero = few[few.method == "ZeroShot"].groupby("task").accuracy.mean()
    gain = at[16][at[16].method == "CoOp"].pivot(index="task", columns="seed", values="accuracy").sub(zero, axis=0)
    margin = {k: gains(at[k], "CoOp", "LinearProbe") for k in SHOTS}
    widths = {k: effect(margin[k]) for k in SHOTS}
    own, elsewhere = shift[shift.on == "test"], shift[shift.on != "test"]
    ten = {k: at[k][at[k].task != "toy_things"] for k in (1, 16)}
    fine = {k: at[k][at[k].task.isin(FINE_GRAINED)] for k in (1, 16)}
    per_class = "CoOp (class-specific)", "CoOp"
    return {
        "F4": finding(
            "at 16 shots CoOp beats hand-made prompts, most where zero-shot is weak",
            ("CoOp − ZeroShot, 16 shots", difference(at[16], "CoOp", "ZeroShot"), +1),
            ("correlation over tasks of the gain with zero-shot accuracy", effect(correlations(gain, zero)), -1),
        ),
        "F5": finding(
            "at 1 and 2 shots CoOp beats the linear probe, by a margin that closes as shots grow",
            ("CoOp − LinearProbe, 1 shot", widths[1], +1),
            ("CoOp − LinearProbe, 2 shots", widths[2], +1),
            ("that margin at 1 shot − at 16 shots", effect(margin[1] - margin[16]), +1),
            other={f"CoOp − LinearProbe, {k} shots": widths[k] for k in (4, 8, 16)},
        ),
        "F6": finding(
            "longer context beats shorter on seen classes; under domain shift the order turns",
            ("M=16 − M=4, eleven tasks", difference(at[16], "CoOp", "CoOp (M=4)"), +1),
            ("M=16 − M=4, four shifts of toy_things", difference(elsewhere, "CoOp", "CoOp (M=4)"), -1),
            other={
                "M=16 − M=4, toy_things itself": difference(own, "CoOp", "CoOp (M=4)"),
                "CoOp − ZeroShot, four shifts": difference(elsewhere, "CoOp", "ZeroShot"),
            },
        ),
        "F14": finding(
            "class-specific contexts help fine-grained tasks with many shots and hurt with few",
            ("class-specific − unified, 16 shots, fine-grained", difference(fine[16], *per_class), +1),
            ("class-specific − unified, 1 shot, ten tasks", difference(ten[1], *per_class), -1),
            other={
                "class-specific − unified, 16 shots, ten tasks": difference(ten[16], *per_class),
                "class-specific − unified, 1 shot, fine-grained": difference(fine[1], *per_class),
            },
        ),
    }


def of_base_to_new(rows: pd.DataFrame) -> dict[str, dict]:
    """F7, F8 and F15. The CoOp of all three is the literature's here: four rows from "a photo of a"."""
    new = rows[(rows.protocol == "base-to-new")]
    h = with_harmonic_mean(new)
    h = h[h.on == "H"]
    unseen, base = new[new.on == "new"], new[new.on == "base"]
    rivals = ("ZeroShot", COOP, "CoCoOp", "VPT (deep)", "IVLP (text only)", "IVLP")
    zero_h = h[h.method == "ZeroShot"].groupby("task").accuracy.mean()
    maple = h[h.method == "MaPLe"].pivot(index="task", columns="seed", values="accuracy")
    return {
        "F7": finding(
            "CoOp trained on base classes falls below zero-shot on new ones; CoCoOp recovers most of it",
            ("CoOp − ZeroShot, new classes", difference(unseen, COOP, "ZeroShot"), -1),
            ("CoCoOp − CoOp, new classes", difference(unseen, "CoCoOp", COOP), +1),
            ("CoCoOp − half way from CoOp to ZeroShot, new classes", half_way(unseen), +1),
            other={
                "CoOp − ZeroShot, base classes": difference(base, COOP, "ZeroShot"),
                "CoCoOp − ZeroShot, base classes": difference(base, "CoCoOp", "ZeroShot"),
                "CoOp of 16 random rows − ZeroShot, new classes": difference(unseen, "CoOp", "ZeroShot"),
            },
        ),
        "F8": finding(
            "MaPLe has the best harmonic mean; coupled beats independent beats one-sided",
            *((f"H: MaPLe − {rival}", difference(h, "MaPLe", rival), +1) for rival in rivals),
            ("H: IVLP − VPT (deep)", difference(h, "IVLP", "VPT (deep)"), +1),
            ("H: IVLP − IVLP (text only)", difference(h, "IVLP", "IVLP (text only)"), +1),
        ),
        "F15": finding(
            "multi-modal prompts gain most on the tasks farthest from the pre-training",
            (
                "correlation over tasks of MaPLe's gain in H with zero-shot H",
                effect(correlations(maple.sub(zero_h, axis=0), zero_h)),
                -1,
            ),
        ),
    }


def half_way(rows: pd.DataFrame) -> dict:
    wide = rows.pivot(index=["task", "seed"], columns="method", values="accuracy")
    return effect((wide["CoCoOp"] - (wide[COOP] + wide["ZeroShot"]) / 2).groupby("seed").mean())


def of_ablations(rows: pd.DataFrame) -> dict[str, dict]:
    """F9, with the settings that were found for MaPLe."""
    rows = rows[rows.protocol == "ablation"]
    h = with_harmonic_mean(rows)
    h = h[h.on == "H"]
    lengths = ("MaPLe (length 4)", "MaPLe (length 1)")
    base = difference(rows[rows.on == "base"], *lengths)
    found = finding(
        SEARCHED_ALONE["F9"],
        ("H: depth 3 − depth 1", difference(h, "MaPLe (depth 3)", "MaPLe (depth 1)"), +1),
        ("new: length 4 − length 1", difference(rows[rows.on == "new"], *lengths), -1),
        other={
            "base: length 4 − length 1": base,
            "H: depth 2 − depth 1": difference(h, "MaPLe (depth 2)", "MaPLe (depth 1)"),
            "H: depth 4 − depth 3": difference(h, "MaPLe (depth 4)", "MaPLe (depth 3)"),
        },
    )
    found["seen"] = found["seen"] and not is_beyond(base, -1)  # what is kept is not seen to fall
    return {"F9": found}


def of_adapters(rows: pd.DataFrame) -> dict[str, dict]:
    """F10."""
    at_16 = rows[(rows.protocol == "few-shot") & (rows.shots == 16) & (rows.on == "test")]
    found = finding(
        "Tip-Adapter beats zero-shot untrained; fine-tuned, it beats CLIP-Adapter and CoOp",
        ("Tip-Adapter − ZeroShot, 16 shots", difference(at_16, "Tip-Adapter", "ZeroShot"), +1),
        ("Tip-Adapter-F − CLIP-Adapter, 16 shots", difference(at_16, "Tip-Adapter-F", "CLIP-Adapter"), +1),
        ("Tip-Adapter-F − CoOp, 16 shots", difference(at_16, "Tip-Adapter-F", "CoOp"), +1),
        other={"Tip-Adapter-F − Tip-Adapter, 16 shots": difference(at_16, "Tip-Adapter-F", "Tip-Adapter")},
    )
    return {"F10": found}


def of_dapt(rows: pd.DataFrame, spread: pd.DataFrame) -> dict[str, dict]:
    """F11 and F16, with the settings that were found for both methods, as DAPT's paper has them."""
    few = rows[(rows.protocol == "few-shot") & (rows.on == "test")]
    at = {shots: few[few.shots == shots] for shots in (1, 2, 16)}
    margin = {shots: gains(at[shots], "DAPT", "CoOp+VPT") for shots in at}
    relative = spread.assign(
        texts=100 * np.log(spread.inter_class_dispersion), images=100 * np.log(spread.intra_class_variance)
    )
    texts, images = (difference(relative, "DAPT", "CoOp+VPT", what) for what in ("texts", "images"))
    f11 = finding(
        SEARCHED_ALONE["F11"],
        ("DAPT − CoOp+VPT, 16 shots", difference(at[16], "DAPT", "CoOp+VPT"), +1),
        ("DAPT − CoOp+VPT, inter-class dispersion of texts, %", texts, +1),
        ("DAPT − CoOp+VPT, intra-class variance of images, %", images, -1),
        other={f"DAPT − {label}, 16 shots": difference(at[16], "DAPT", label) for label in ABLATIONS},
    )
    return {"F11": f11, "F16": shrinking(margin)}


def shrinking(margin: dict[int, pd.Series]) -> dict:
    """F16, at the setting that shows a margin at 16 shots: seed by seed it is smaller at 1 and at 2."""
    return finding(
        SEARCHED_ALONE["F16"],
        ("that margin at 1 shot − at 16 shots", effect(margin[1] - margin[16]), -1),
        ("that margin at 2 shots − at 16 shots", effect(margin[2] - margin[16]), -1),
        ("DAPT − CoOp+VPT, 16 shots", effect(margin[16]), +1),
        other={f"DAPT − CoOp+VPT, {shots} shot{'s' * (shots > 1)}": effect(margin[shots]) for shots in (1, 2)},
    )
