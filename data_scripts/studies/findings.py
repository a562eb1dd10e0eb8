"""The papers' findings on ToyCLIP, F1 on, from the recorded runs: seen or not, each with its effects and intervals.

    make findings                        # or: python data_scripts/studies/findings.py

Nothing is run: what is read was recorded by findings_zero_shot.py (F1 to F3), study_pretraining.py (F12, F13),
run_comparison.py (F4 to F11, F14 to F16; "searched": with settings that were searched for each task, not the published
ones), train_lseg.py (F17 to F19, over test pictures), study_lseg.py (F20, F21), study_groupvit.py (F22 to F27, over
test pictures), study_vild.py (F29 to F34, over test pictures), study_slip.py, study_slip_fresh.py (F41 to F46),
study_glip.py (F47 to F50, over test pictures), and train_audioclip.py (F51 to F56), once their record is there.
A finding is seen when every effect that it claims has its sign beyond its 95 % Student-t interval over seeds, or draws;
what else it takes is said where it is computed.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from claims import of_comparison, of_wordings
from claims_audioclip import recorded_claims
from claims_glip import recorded_claims as claims_of_glip
from claims_groupvit import recorded_claims as claims_of_groupvit
from claims_lseg import recorded_claims as claims_of_lseg
from claims_slip import of_slip
from claims_vild import recorded_claims as claims_of_vild

from lessons_lib.metrics import effect, finding, text_of, verdict
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson01 import recorded as pretraining_study

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
    found = of_zero_shot(recorded_runs.zero_shot(recorded))
    found |= of_pretraining(pretraining_study.moments(recorded))
    rows = recorded_runs.comparison(folder=recorded, setting=None)
    found |= of_comparison(rows, recorded_runs.dispersion(folder=recorded))
    found |= claims_of_lseg(recorded)
    found |= claims_of_groupvit()
    found |= claims_of_vild(recorded)
    found |= of_slip(recorded_runs.slip(folder=recorded), recorded_runs.slip(fresh=True, folder=recorded))
    found |= claims_of_glip(recorded)
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
