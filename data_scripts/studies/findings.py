"""The papers' findings on ToyCLIP, F1 on, from the recorded runs: seen or not, each with its effects and intervals.

    make findings                        # or: python data_scripts/studies/findings.py

Nothing is run: what is read was recorded by findings_zero_shot.py (F1 to F3), study_pretraining.py (F12, F13),
findings_prompt_learning.py (F4 to F9, F14, F15), run_comparison.py (F10, F11, F16), study_dapt.py (F11 once more),
study_slip.py and study_slip_fresh.py (F41 to F46), and, once its record is there, train_audioclip.py (F51 to F56).
A finding is seen when every effect that it claims has its sign beyond its 95 % Student-t interval over seeds, or draws;
what else it takes is said where it is computed.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from claims import ABLATIONS, of_prompt_learning, of_wordings
from claims_audioclip import recorded_claims
from claims_slip import of_slip

from lessons_lib.metrics import difference, effect, finding, gains, is_beyond, text_of, verdict
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson01 import recorded as pretraining_study

CLAIMS = {
    "F10": "Tip-Adapter beats zero-shot untrained; fine-tuned, it beats CLIP-Adapter and CoOp",
    "F11": "DAPT spreads text embeddings, tightens image clusters, and beats CoOp+VPT",
    "F16": "DAPT's margin over CoOp+VPT vanishes or turns at 1 and 2 shots",
}
SEARCHED = "the same, with a learning rate and betas searched for each task"
WORDINGS = {  # what `of_wordings` subtracts from what
    "F1 plain": "'a photo of a {}.' − bare name",
    "F1": "default template − bare name",
    "F1 senses": "two senses told apart by their kinds − 50 %",
    "F1 kinds": "found by the kind − by the word",
    "F2": "caption ensemble − default template",
    "F2 ImageNet": "80 ImageNet templates − 'a photo of a {}.'",
    "F3": "best task − worst task",
}


def all_findings(recorded: Path = recorded_runs.RECORDED) -> dict[str, dict]:
    """F1 on, in their order: claim, seen (None where it is not measured yet), effects by name."""
    rows, study = recorded_runs.prompt_learning(recorded), pretraining_study.moments(recorded)
    found = of_zero_shot(recorded_runs.zero_shot(recorded))
    found |= of_prompt_learning(rows) | of_pretraining(study)
    if (recorded / recorded_runs.COMPARISON.name).exists():
        found |= of_comparison(recorded_runs.comparison(folder=recorded), recorded_runs.dispersion(folder=recorded))
    else:
        found |= {key: {"claim": claim, "seen": None, "effects": {}} for key, claim in CLAIMS.items()}
    found |= of_dapt_study(recorded_runs.dapt_study(recorded))
    found |= of_slip(recorded_runs.slip(folder=recorded), recorded_runs.slip(fresh=True, folder=recorded))
    found |= recorded_claims(recorded)
    return dict(sorted(found.items(), key=lambda item: int(item[0].split()[0][1:])))


def of_zero_shot(record: dict) -> dict[str, dict]:
    """F1, F2 and F3, from the accuracies that were recorded."""
    found = {}
    for key, one in of_wordings(record["accuracy"], record["senses"]).items():
        effects = {WORDINGS[key]: one["difference"]}
        if "mean" in one:
            effects["mean of the eleven, %"] = one["mean"]
        found[key] = {"claim": one["claim"], "seen": one["seen"], "effects": effects}
    return found


def of_pretraining(study: pd.DataFrame) -> dict[str, dict]:
    """F12 and F13. study: as `pretraining_study.moments` gives it.

    F13 is seen where both a larger model and more pairs take errors away, as a power law fitted to each seed has it.
    """
    curves = pretraining_study.comparison(study)
    match, bags, predict = pretraining_study.MATCH, pretraining_study.MATCH_BAGS, pretraining_study.PREDICT
    end = curves[curves.pairs == curves.budget].pivot(index="seed", columns="objective", values="accuracy")
    times = {way: pretraining_study.times_fewer_pairs(curves, way, predict) for way in (match, bags)}
    f12 = finding(
        "contrastive pre-training learns zero-shot faster than predicting caption words",
        ("contrastive − predicting words, in the end", effect(end[match] - end[predict]), +1),
        ("as far with how many times fewer pairs, above 1", effect(np.array(times[match]) - 1), +1),
        other={
            "contrastive of bags of words − predicting words, in the end": effect(end[bags] - end[predict]),
            "the same, how many times fewer pairs, above 1": effect(np.array(times[bags]) - 1),
        },
    )
    fit = pretraining_study.exponents(pretraining_study.scaling(study))
    off = 100 * (1 - 2.0 ** -fit[["model", "data"]])
    f13 = finding(
        "zero-shot transfer grows smoothly with pre-training compute",
        ("% of the error that twice the pairs take away", effect(off.data), +1),
        ("% of the error that a model of twice the compute takes away", effect(off.model), +1),
        other={"% of the error's variance that a power law explains": effect(100 * fit.explained)},
    )
    return {"F12": f12, "F13": f13}


def of_comparison(rows: pd.DataFrame, spread: pd.DataFrame) -> dict[str, dict]:
    """F10, F11 and F16: effects, and whether each was seen.

    rows: as `recorded_runs.comparison` gives them.   spread: as `recorded_runs.dispersion` gives them.
    """
    few = rows[rows.protocol == "few-shot"]
    at = {shots: few[few.shots == shots] for shots in (1, 2, 16)}
    margin = {shots: gains(at[shots], "DAPT", "CoOp+VPT") for shots in at}
    f10 = finding(
        CLAIMS["F10"],
        ("Tip-Adapter − ZeroShot, 16 shots", difference(at[16], "Tip-Adapter", "ZeroShot"), +1),
        ("Tip-Adapter-F − CLIP-Adapter, 16 shots", difference(at[16], "Tip-Adapter-F", "CLIP-Adapter"), +1),
        ("Tip-Adapter-F − CoOp, 16 shots", difference(at[16], "Tip-Adapter-F", "CoOp"), +1),
        other={"Tip-Adapter-F − Tip-Adapter, 16 shots": difference(at[16], "Tip-Adapter-F", "Tip-Adapter")},
    )
    ablations = {f"DAPT − {label}, 16 shots": difference(at[16], "DAPT", label, shared=True) for label in ABLATIONS}
    f11 = finding(CLAIMS["F11"], *of_dapt(at[16], spread), other=ablations)
    return {"F10": f10, "F11": f11, "F16": vanishing(margin)}


def of_dapt_study(record: dict) -> dict[str, dict]:
    """F11 where both methods have what a search on validation images found for each task. record: `study_dapt.py`'s."""
    rows = pd.DataFrame(record["test"]).rename(columns={"label": "method"}).assign(shots=record["settings"]["shots"])
    return {"F11 searched": finding(SEARCHED, *of_dapt(rows, rows))}


def of_dapt(rows: pd.DataFrame, spread: pd.DataFrame) -> list[tuple[str, dict, int]]:
    """What F11 claims: effects, and the sign that each should have. rows: accuracies.   spread: how embeddings lie."""
    relative = spread.assign(
        texts=100 * np.log(spread.inter_class_dispersion), images=100 * np.log(spread.intra_class_variance)
    )
    return [
        ("DAPT − CoOp+VPT, 16 shots", difference(rows, "DAPT", "CoOp+VPT"), +1),
        ("DAPT − CoOp+VPT, inter-class dispersion of texts, %", difference(relative, "DAPT", "CoOp+VPT", "texts"), +1),
        ("DAPT − CoOp+VPT, intra-class variance of images, %", difference(relative, "DAPT", "CoOp+VPT", "images"), -1),
    ]


def vanishing(margin: dict[int, pd.Series]) -> dict:
    """F16. That a margin is within its interval of 0 shows little where intervals are wide. So it is seen only where
    there is one at 16 shots, it is smaller at 1 and at 2 shots, seed by seed and beyond the interval, and what is left
    there is not above 0 beyond its interval."""
    left = {shots: effect(margin[shots]) for shots in (1, 2)}
    found = finding(
        CLAIMS["F16"],
        ("that margin at 1 shot − at 16 shots", effect(margin[1] - margin[16]), -1),
        ("that margin at 2 shots − at 16 shots", effect(margin[2] - margin[16]), -1),
        ("DAPT − CoOp+VPT, 16 shots", effect(margin[16]), +1),
        other={f"DAPT − CoOp+VPT, {shots} shot{'s' * (shots > 1)}": left[shots] for shots in left},
    )
    nothing_left = not any(is_beyond(one, +1) for one in left.values())
    return {**found, "seen": found["seen"] and nothing_left}


def main() -> None:
    found = all_findings()
    for key, one in found.items():
        print(f"{key:<14}{verdict(one):<18}{one['claim']}")
        if "missing" in one:
            print(f"{'':<32}{one['missing']}")
        for name, size in one["effects"].items():
            print(f"{'':<32}{name}: {text_of(name, size)}")
    verdicts = [verdict(one) for one in found.values()]
    counts = {said: verdicts.count(said) for said in dict.fromkeys(verdicts)}
    print("\n" + ", ".join(f"{count} {said}" for said, count in counts.items()))


if __name__ == "__main__":
    main()
