"""What the record says of prompts in the towers: base-to-new as tables, and differences that hold where both ran."""

import pandas as pd

from lessons_lib.metrics import difference, told, with_harmonic_mean
from lessons_lib.teaching import standings

METHODS = {  # label in the record -> what the papers call it
    "ZeroShot": "ZeroShot",
    "ZeroShot (photo)": "",
    "CoOp (words)": "CoOp",
    "CoCoOp": "CoCoOp",
    "VPT (deep)": "VPT (deep)",
    "IVLP (text only)": "IVLP (text only)",
    "IVLP": "IVLP",
    "MaPLe": "MaPLe",
    "PromptSRC": "PromptSRC",
}


def base_to_new(runs: pd.DataFrame, zero_shot: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rows of `METHODS` under base-to-new, those of H added. runs: as `recorded_runs.comparison` gives them.

    zero_shot: where rows of what learns nothing are, if `runs` has none.
    """
    rows = runs if zero_shot is None else pd.concat([runs, zero_shot[zero_shot.method.str.startswith("ZeroShot")]])
    rows = rows[(rows.protocol == "base-to-new") & rows.method.isin(METHODS)]
    return with_harmonic_mean(rows.reset_index(drop=True))


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """As `standings.standing`, of `METHODS`. rows: of `base_to_new`, one setting."""
    return standings.standing(rows, METHODS).replace("", "none")


def papers() -> pd.DataFrame:
    """What the papers have: base, new and H of the two means, of eleven data sets (ViT-B/16, three seeds)."""
    columns = ["paper: base", "new ", "H "]  # one name each, in a table that has "new" already
    lines = {label: line for label, line in standings.papers(METHODS).items() if line}
    return pd.DataFrame(lines, index=columns).T


def ablation(everything: pd.DataFrame) -> pd.DataFrame:
    """MaPLe's ablations, H added, and MaPLe as it is on the same tasks with the same settings. everything: as
    `recorded_runs.comparison(setting=None)` gives it."""
    parts = everything[(everything.protocol == "ablation") & everything.method.str.startswith("MaPLe")]
    whole = everything[(everything.protocol == "base-to-new") & (everything.method == "MaPLe")]
    whole = whole[(whole.setting == "searched") & whole.task.isin(parts.task)]
    return with_harmonic_mean(pd.concat([parts, whole.assign(protocol="ablation")], ignore_index=True))


def between(rows: pd.DataFrame, first: str, second: str, on: str = "H", sign: int = +1) -> dict:
    """`first` above `second`, on the tasks and seeds that both have: mean, half_width and n, and what is told of the
    claim that the difference has this sign."""
    found = difference(paired(rows, first, second, on), first, second)
    said = f"{found['mean']:+.1f} ± {found['half_width']:.1f}"
    return {"difference": f"{first} − {second}", "on": on, **found, "points": said, "told": told(found, sign)}


def paired(rows: pd.DataFrame, first: str, second: str, on: str = "H") -> pd.DataFrame:
    """The rows of both where both ran."""
    rows = rows[(rows.on == on) & rows.method.isin([first, second])]
    both = rows.groupby(["task", "seed"]).method.transform("nunique") == 2
    return rows[both]
