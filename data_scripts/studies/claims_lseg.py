"""What LSeg claims (Li et al., ICLR 2022), and what is asked of it here.

F17 to F19 are of the one model that ships: differences on the same test pictures, with intervals over pictures drawn
again, from the page beside its weights (`train_lseg.py`). F20 and F21 are of `study_lseg.py`, over seeds.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from lessons_lib.metrics import effect, effect_between, finding
from lessons_lib.runs import record
from lessons_lib.teaching import recorded_runs, trained_models

NAME, SCRIPT = "lseg", "data_scripts/studies/study_lseg.py"
LSEG, RANDOM, NOTHING = "LSeg", "random texts", "unseen as background"
SHIPPED = {
    "F17": "LSeg finds things that it never saw by their names better than CLIP's own patches do",
    "F18": "it finds them by what the names mean: with names exchanged among the unseen it finds less",
    "F19": "told the class, as in PASCAL-5i, mIoU of unseen things is above that of choosing among 16",
}
SEEDED = {
    "F20": "with random vectors in place of texts seen things are found as well, and unseen ones are not",
    "F21": "unseen things that are background in training pictures are found worse",
}


def recorded_claims(folder: Path = recorded_runs.RECORDED, trained: Path = trained_models.TRAINED) -> dict[str, dict]:
    """F17 to F21; where something is not made yet `seen` is None and `missing` says what to run."""
    found = {}
    if (trained / f"{NAME}.json").exists():
        found |= of_shipped(trained_models.about(NAME, trained)["findings"])
    if (folder / f"{NAME}.json").exists():
        found |= of_seeds(record.read(folder, NAME, SCRIPT).rows)
    scripts = dict.fromkeys(SHIPPED, f"python {trained_models.SCRIPTS[NAME]} --ship")
    scripts |= dict.fromkeys(SEEDED, f"python {SCRIPT} run, then collect")
    for key, claim in (SHIPPED | SEEDED).items():
        missing = f"there is no record of it yet: {scripts[key]}"
        found.setdefault(key, {"claim": claim, "seen": None, "effects": {}, "missing": missing})
    return dict(sorted(found.items()))


def of_shipped(found: dict[str, Any]) -> dict[str, dict]:
    """found: of the page, claim -> what is subtracted -> mean, low, high, points; "pictures", how many."""

    def size(one: dict[str, float]) -> dict:
        return effect_between(one | {"n": found["pictures"]})

    claimed = {}
    for key, claim in SHIPPED.items():
        (name, first), *others = found[key].items()
        claimed[key] = finding(claim, (name, size(first), +1), other={said: size(one) for said, one in others})
    return claimed


def of_seeds(rows: pd.DataFrame) -> dict[str, dict]:
    """rows: method (the arm), seed, on (the way of asking), mIoU (percent)."""

    def gain(first: str, second: str, way: str) -> dict:
        one, other = (rows[(rows.method == arm) & (rows.on == way)].set_index("seed").mIoU for arm in (first, second))
        return effect((one - other).dropna())

    return {
        "F20": finding(
            SEEDED["F20"],
            ("LSeg − random texts, unseen among 16", gain(LSEG, RANDOM, "unseen"), +1),
            other={"the same, seen": gain(LSEG, RANDOM, "seen")},
        ),
        "F21": finding(
            SEEDED["F21"],
            ("absent − background, unseen among 16", gain(LSEG, NOTHING, "unseen"), +1),
            ("the same, told", gain(LSEG, NOTHING, "told"), +1),
            other={"the same, seen": gain(LSEG, NOTHING, "seen")},
        ),
    }
