"""What SLIP's paper claims, and what is asked of it here (F41 to F46), computed from the study's tables alone."""

import pandas as pd

from lessons_lib.metrics import effect, finding, gains
from lessons_lib.teaching.lesson15.record import MATCHED, SERIAL

ZERO_SHOT, LINEAR, COLOUR = "zero_shot", "linear", "colour"  # measures, percent
CLAIMS = {
    "F41": "learning from pictures beside captions (SLIP) beats captions alone (CLIP), zero-shot and by a linear probe",
    "F42": "SLIP's trunk beats that of pictures alone (SimCLR), by a linear probe",
    "F43": "SLIP beats CLIP also where CLIP is given as much compute, by more epochs",
    "F44": "both at once (SLIP) beats one after the other (SimCLR, then CLIP)",
    "F45": "SLIP's gain over CLIP is smaller where no pair is seen twice",
    "F46": "jittered colours cost SimCLR the colour of things, and captions bring it back",
}
SCRIPTS = dict.fromkeys(CLAIMS, "study_slip.py") | {"F45": "study_slip_fresh.py"}


def of_slip(rows: pd.DataFrame | None, fresh: pd.DataFrame | None) -> dict[str, dict]:
    """F41 to F46. rows, fresh: as `recorded_runs.slip` gives them; None where there is no record, and then `seen` is
    None and `missing` says what to run."""
    found = {
        key: {"claim": claim, "seen": None, "effects": {}, "missing": missing(key)} for key, claim in CLAIMS.items()
    }
    if rows is None:
        return found

    def above(first: str, second: str, value: str) -> dict:
        return effect(gain(rows, first, second, value))

    def both(key: str, second: str) -> dict:
        return finding(
            CLAIMS[key],
            (f"SLIP − {second}, zero-shot", above("SLIP", second, ZERO_SHOT), +1),
            (f"SLIP − {second}, linear probe", above("SLIP", second, LINEAR), +1),
        )

    found |= {"F41": both("F41", "CLIP"), "F43": both("F43", MATCHED), "F44": both("F44", SERIAL)}
    found["F42"] = finding(CLAIMS["F42"], ("SLIP − SimCLR, linear probe", above("SLIP", "SimCLR", LINEAR), +1))
    found["F46"] = finding(
        CLAIMS["F46"],
        ("SimCLR − CLIP, probe of colours", above("SimCLR", "CLIP", COLOUR), -1),
        ("SLIP − SimCLR, probe of colours", above("SLIP", "SimCLR", COLOUR), +1),
        other={"SLIP − CLIP, probe of colours": above("SLIP", "CLIP", COLOUR)},
    )
    if fresh is not None:
        fixed, free = ({value: gain(table, "SLIP", "CLIP", value) for value in (ZERO_SHOT, LINEAR)}
                       for table in (rows, fresh))  # fmt: skip
        found["F45"] = finding(
            CLAIMS["F45"],
            ("gain with fixed pairs − with fresh ones, zero-shot", shrunk(fixed, free, ZERO_SHOT), +1),
            ("the same, linear probe", shrunk(fixed, free, LINEAR), +1),
            other={"SLIP − CLIP with fresh pairs, zero-shot": effect(free[ZERO_SHOT]),
                   "SLIP − CLIP with fresh pairs, linear probe": effect(free[LINEAR])},
        )  # fmt: skip
    return dict(sorted(found.items()))


def gain(rows: pd.DataFrame, first: str, second: str, value: str) -> pd.Series:
    """By seed, at the end of the runs."""
    measured = rows[(rows["at"] == rows.epochs) & rows[value].notna()]
    return gains(measured, first, second, value)


def shrunk(fixed: dict[str, pd.Series], free: dict[str, pd.Series], value: str) -> dict:
    """Of the seeds that both have."""
    return effect((fixed[value] - free[value]).dropna())


def missing(key: str) -> str:
    script = f"data_scripts/studies/{SCRIPTS[key]}"
    return f"there is no record of it yet: python {script} run, then collect"
