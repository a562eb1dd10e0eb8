"""What ViLD claims (Gu et al., ICLR 2022), computed from the record of study_vild.py alone.

F29   distillation finds new classes                               both − text alone, novel
F30   and costs base classes                                       both − text alone, base
F31   text alone has favourites, the image's head has none         (base − novel) of one − of the other
F32   the ensemble is better than one head for both, on both parts
F33   CLIP on crops is better on new classes, at two passes of its tower a region
F34   the wider crop helps the teacher                             1× and 1.5× − 1×

Each arm was trained once; intervals are of a bootstrap over test pictures and say nothing of other seeds.
"""

from pathlib import Path
from typing import Any

from lessons_lib.metrics import effect_between, finding
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson13 import record

CLAIMS = {
    "F29": "distilling CLIP's crops lets a detector find classes whose boxes it was never told",
    "F30": "distillation costs some of the base classes' AP50",
    "F31": "text alone prefers base classes to novel ones by more than distillation alone does",
    "F32": "two heads, mixed, are better than one head for both losses, on base and on novel classes",
    "F33": "CLIP itself, shown the proposals' crops, is better on novel classes than the detector that learned from it",
    "F34": "CLIP names crops better when a 1.5 times as wide crop is added",
}
TEXT, BOTH, ENSEMBLE, CROPS = "text alone", "both, w = 0.5", "ensemble", "CLIP on crops"


def recorded_claims(folder: Path = recorded_runs.RECORDED) -> dict[str, dict]:
    """F29 to F34 of the record; nothing where there is none yet."""
    return of_vild(record.read(folder)) if (folder / "vild.json").exists() else {}


def of_vild(found: dict[str, Any]) -> dict[str, dict]:
    """found: as `record.read` gives it."""

    def above(first: str, second: str, on: str) -> dict:
        """In points, among all 64 names."""
        for row in found["differences"]:
            if (row["first"], row["second"], row["on"]) == (first, second, on):
                return effect_between(row)
        raise ValueError(f"no difference {first} − {second} on {on} in the record")

    crops = found["wider"]
    return {
        "F29": finding(
            CLAIMS["F29"],
            ("both − text alone, novel", above(BOTH, TEXT, "novel"), +1),
            other={"w = 2 − text alone, novel": above("both, w = 2", TEXT, "novel")},
        ),
        "F30": finding(
            CLAIMS["F30"],
            ("both − text alone, base", above(BOTH, TEXT, "base"), -1),
            other={"w = 2 − text alone, base": above("both, w = 2", TEXT, "base")},
        ),
        "F31": finding(
            CLAIMS["F31"], ("(base − novel) of text − of image's head", effect_between(found["flatness"]), +1)
        ),
        "F32": finding(
            CLAIMS["F32"],
            ("ensemble − both, novel", above(ENSEMBLE, BOTH, "novel"), +1),
            ("ensemble − both, base", above(ENSEMBLE, BOTH, "base"), +1),
        ),
        "F33": finding(
            CLAIMS["F33"],
            ("CLIP on crops − both, novel", above(CROPS, BOTH, "novel"), +1),
            other={"CLIP on crops − both, base": above(CROPS, BOTH, "base"),
                   "CLIP on crops − ensemble, novel": above(CROPS, ENSEMBLE, "novel")},
        ),
        "F34": finding(CLAIMS["F34"], *(
            (f"1× and 1.5× − 1×, % of {on} boxes named right", effect_between(crops[on]), +1)
            for on in ("base", "novel")
        )),
    }  # fmt: skip
