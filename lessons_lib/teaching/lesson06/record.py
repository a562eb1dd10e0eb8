"""What the record says of prompts in the towers: base-to-new as tables, and differences that hold where both ran."""

import pandas as pd

from lessons_lib.metrics import difference, h_of_means, interval, told, with_harmonic_mean
from lessons_lib.runs.published import NUMBERS

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
HERE_ALONE = {  # base, new, H of means, from releases: deep prompts on one side (MaPLe's, 5 epochs); PromptSRC
    "VPT (deep)": (80.24, 73.43, 76.68),
    "IVLP (text only)": (81.72, 73.81, 77.56),
    "PromptSRC": (84.26, 76.10, 79.97),
}


def base_to_new(runs: pd.DataFrame, zero_shot: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rows of `METHODS` under base-to-new, those of H added. runs: as `recorded_runs.comparison` gives them.

    zero_shot: where rows of what learns nothing are, if `runs` has none.
    """
    rows = runs if zero_shot is None else pd.concat([runs, zero_shot[zero_shot.method.str.startswith("ZeroShot")]])
    rows = rows[(rows.protocol == "base-to-new") & rows.method.isin(METHODS)]
    return with_harmonic_mean(rows.reset_index(drop=True))


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """A line a method: base, new and H of the two means with intervals over seeds, tasks and seeds (how many), and of
    each fit epochs and steps. rows: of `base_to_new`, one setting."""
    lines = {}
    for method in [name for name in METHODS if (rows.method == name).any()]:
        part = rows[rows.method == method]
        by_seed = part.groupby(["seed", "on"]).accuracy.mean().unstack("on")  # (seeds, base, new, H)
        h = [h_of_means([base], [new]) for base, new in zip(by_seed.base, by_seed.new)]
        means = {"base": by_seed.base, "new": by_seed.new, "H of means": h}
        about = {"tasks": part.task.nunique(), "seeds": part.seed.nunique()}
        lines[method] = {name: str(interval(values)) for name, values in means.items()} | about | _length(part)
    return pd.DataFrame(lines).T


def papers() -> pd.DataFrame:
    """What the papers have: base, new and H of the two means, of eleven data sets (ViT-B/16, three seeds)."""
    found = {(n.method, n.on): n.accuracy for n in NUMBERS if n.protocol == "base-to-new"}
    lines = {}
    for label, name in METHODS.items():
        own = [found.get((name, on)) for on in ("base", "new", "H of means")]
        lines[label] = HERE_ALONE.get(label) if None in own else own
    columns = ["paper: base", "new ", "H "]  # one name each, in a table that has "new" already
    return pd.DataFrame({label: line for label, line in lines.items() if line}, index=columns).T


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


def _length(part: pd.DataFrame) -> dict[str, str]:
    """epochs and steps: what they are, or from which to which."""
    learned = part[part.on == "base"]
    return {name: _range(learned[name].dropna()) for name in ("epochs", "steps")}


def _range(values: pd.Series) -> str:
    if values.empty:
        return "none"
    low, high = values.min(), values.max()
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
