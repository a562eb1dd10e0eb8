"""What was measured of the shipped GLIPs: by study_glip.py, all arms on the same pictures, and beside their weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lessons_lib.teaching import sealed_json, trained_models
from lessons_lib.teaching.lesson13 import record as lesson13

ARMS = {  # shipped model -> what is said of it
    "glip": "boxes and captions, fused",
    "glip_unfused": "boxes and captions, not fused",
    "glip_detection": "boxes alone, fused",
}
RUNS = {"glip": "grounding", "glip_unfused": "grounding, unfused", "glip_detection": "detection"}  # its arm there
SCRIPT = "data_scripts/pretraining/study_glip.py"
VILD = "both, w = 0.5"  # its arm
SIDES = ("base", "novel")
KEPT = ("AP50", "low", "high", "ceiling", "floor")


def rows() -> pd.DataFrame:
    """A row an arm and part ("base", "novel"), all 64 names asked at once: arm, on, AP50, low, high, ceiling, floor."""
    found = pd.DataFrame(studied()["rows"])
    found = found[found.arm.isin(RUNS.values()) & found.on.isin(SIDES)].rename(columns={"value": "AP50"})
    said = {arm: ARMS[name] for name, arm in RUNS.items()}
    return found.assign(arm=found.arm.map(said))[["arm", "on", *KEPT]].reset_index(drop=True)


def studied() -> dict[str, Any]:
    """As study_glip.py wrote it."""
    return sealed_json.read("glip", f"{SCRIPT} build/glip")


def beside_vild() -> pd.DataFrame:
    """The same, and lesson 13's ViLD on the same pictures, boxes and names."""
    vild = lesson13.rows()
    return pd.concat([rows(), vild[vild.arm == VILD].assign(arm=f"ViLD, {VILD.split(', ')[1]} (lesson 13)")])


def told(first: str, second: str) -> str:
    """What the first arm has above the second, on base and on novel classes, in points with the bootstrap's interval
    over test pictures; and whether that can be told from none. first, second: shipped models."""
    return f"{ARMS[first]} − {ARMS[second]}: {_between(RUNS[first], RUNS[second])}"


def of_student() -> str:
    """What the student has above its teacher, as `told` says it."""
    return f"student − teacher: {_between('student', RUNS['glip'])}"


def teachers_boxes() -> dict[str, float]:
    """On the captions that the student learned from: "boxes a phrase", and percent of them that are "right"."""
    return studied()["trained"]["student"]["measured"]["teacher"]


def _between(first: str, second: str) -> str:
    rows = [row for row in studied()["differences"] if (row["first"], row["second"]) == (first, second)]
    return "; ".join(f"{r['on']} {in_points(r['mean'], r['low'], r['high'])}" for r in rows if r["on"] in SIDES)


def in_points(mean: float, low: float, high: float) -> str:
    """ "+1.2 (-0.3 to +2.5): cannot be told from none" """
    verdict = "" if low > 0 or high < 0 else ": cannot be told from none"
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f}){verdict}"


def choices() -> dict[str, list[str]]:
    """Arm -> of every phrase that is about one of two things of a class, what was found: "right", "twin", "other"."""
    letters = {kind[0]: kind for kind in ("right", "twin", "other")}
    return {arm: [letters[one] for one in trained_models.about(name)["choices"]] for name, arm in ARMS.items()}


def of_right(found: Mapping[str, list[str]], first: str, second: str, draws: int = 1000) -> str:
    """How many percent more of the same phrases the first arm finds rightly, with a bootstrap's interval over them."""
    right = [np.array([one == "right" for one in found[ARMS[name]]]) for name in (first, second)]
    off = 100 * (right[0].astype(float) - right[1])
    chance = np.random.default_rng(0)
    again = [off[chance.integers(len(off), size=len(off))].mean() for _ in range(draws)]
    return f"{ARMS[first]} − {ARMS[second]}: {in_points(off.mean(), *np.percentile(again, [2.5, 97.5]))}"
