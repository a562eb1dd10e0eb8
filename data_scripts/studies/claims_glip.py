"""What GLIP claims (Li et al., CVPR 2022), computed from the record of study_glip.py alone.

F47   words and locations that read each other find the right one of two things of a class ("red key")   fused − not
F48   captions whose phrases have boxes help beside detection data                     novel classes, and all phrases
F49   a student that learns from its teacher's boxes as well is better than its teacher                novel classes
F50   fusion costs its caching: asking for more names costs a fused detector more than an unfused one

Each arm was trained once; intervals of F47 to F49 are of a bootstrap over test pictures and say nothing of other seeds,
those of F50 are over repeated measurements.
"""

from pathlib import Path
from typing import Any

import numpy as np

from lessons_lib.metrics import effect, effect_between, finding
from lessons_lib.teaching import recorded_runs, sealed_json

SCRIPT = "data_scripts/pretraining/study_glip.py"
CLAIMS = {
    "F47": "deep fusion finds which of two things of a class a phrase is about",
    "F48": "captions whose phrases have boxes help beside detection data",
    "F49": "a student taught by its teacher's boxes on captioned pictures beats the teacher on novel classes",
    "F50": "with fusion every further name costs time; without it, hardly",
}
TEACHER, UNFUSED, DETECTION, STUDENT = "grounding", "grounding, unfused", "detection", "student"
ON = {"base": "base", "novel": "novel", "phrases": "% of phrases found", "attributes": "% found of one of two alike"}


def recorded_claims(folder: Path = recorded_runs.RECORDED) -> dict[str, dict]:
    """F47 to F50 of the record; nothing where there is none yet."""
    there = (folder / "glip.json").exists()
    return of_glip(sealed_json.read("glip", f"{SCRIPT} build/glip", folder)) if there else {}


def of_glip(found: dict[str, Any]) -> dict[str, dict]:
    """found: as the record has it. A finding whose arms were not trained is `seen` None, and says what is missing."""
    apart = {(row["first"], row["second"], row["on"]): effect_between(row) for row in found["differences"]}

    def shown(key: str, first: str, second: str, wanted: tuple[str, ...]) -> dict:
        if (first, second, "novel") not in apart:
            return {"claim": CLAIMS[key], "seen": None, "effects": {}, "missing": f"{first} was not trained"}
        named = {on: (f"{first} − {second}, {said}", apart[first, second, on]) for on, said in ON.items()}
        rest = dict(pair for on, pair in named.items() if on not in wanted)
        return finding(CLAIMS[key], *((*named[on], +1) for on in wanted), other=rest)

    return {
        "F47": shown("F47", TEACHER, UNFUSED, ("attributes",)),
        "F48": shown("F48", TEACHER, DETECTION, ("novel", "phrases")),
        "F49": shown("F49", STUDENT, TEACHER, ("novel",)),
        "F50": times(found["seconds"]),
    }


def times(seconds: list[dict]) -> dict:
    """How many times as long 64 names take as one, fused less unfused."""
    by = {(row["arm"], row["names"]): np.array(row["seconds"]) for row in seconds}
    if (UNFUSED, 64) not in by:
        return {"claim": CLAIMS["F50"], "seen": None, "effects": {}, "missing": f"{UNFUSED} was not trained"}
    fused, unfused = (by[arm, 64] / by[arm, 1] for arm in (TEACHER, UNFUSED))
    return finding(
        CLAIMS["F50"],
        ("64 names over 1, times as long: fused − unfused", effect(fused - unfused), +1),
        other={"fused, times as long, above 1": effect(fused - 1), "unfused": effect(unfused - 1)},
    )
