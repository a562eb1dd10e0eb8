"""Base-to-new as lessons 05 to 09 show it: means with intervals, how long was learned, and the papers' numbers."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from lessons_lib.metrics import h_of_means, interval
from lessons_lib.runs.published import NUMBERS
from lessons_lib.runs.summary import H_OF_MEANS

ON = ("base", "new", H_OF_MEANS)
RELEASED = {  # base, new, H of means: deep prompts on one side (MaPLe's release); KgCoOp's and PromptSRC's papers
    "KgCoOp": (80.73, 73.60, 77.00),
    "VPT (deep)": (80.24, 73.43, 76.68),
    "IVLP (text only)": (81.72, 73.81, 77.56),
    "PromptSRC": (84.26, 76.10, 79.97),
}


def papers(names: Mapping[str, str]) -> dict[str, tuple[float, float, float]]:
    """Our label -> base, new and H of the two means, of eleven data sets (ViT-B/16, three seeds).

    names: label -> what the papers call it; a label of `RELEASED` needs no other name.
    """
    theirs = {(n.method, n.on): n.accuracy for n in NUMBERS if n.protocol == "base-to-new"}
    found = {label: tuple(theirs.get((name, on)) for on in ON) for label, name in names.items()}
    return {label: RELEASED.get(label) if None in own else own for label, own in found.items()}


def standing(rows: pd.DataFrame, order: Iterable[str]) -> pd.DataFrame:
    """A line a method: base, new and H of the two means, with intervals over seeds; tasks and seeds, how many; epochs
    and steps of a fit. rows: with on "base" and "new", of one setting."""
    lines = {}
    for method in [name for name in order if (rows.method == name).any()]:
        part = rows[rows.method == method]
        about = {"tasks": part.task.nunique(), "seeds": part.seed.nunique()}
        lines[method] = {on: str(interval(values)) for on, values in halves(part).items()} | about | lengths(part)
    return pd.DataFrame(lines).T


def halves(part: pd.DataFrame) -> dict[str, Sequence[float]]:
    """Of one method's rows, a number a seed: base, new, and H of the two means."""
    by_seed = part.groupby(["seed", "on"]).accuracy.mean().unstack("on")  # (seeds, base, new, …)
    h = [h_of_means([base], [new]) for base, new in zip(by_seed.base, by_seed.new)]
    return dict(zip(ON, (by_seed.base, by_seed.new, h)))


def lengths(part: pd.DataFrame) -> dict[str, str]:
    """epochs and steps of a method's fits, "200", or "160 to 640"; "" where nothing is learned."""
    return {name: _range(part.loc[part.on == "base", name].dropna()) for name in ("epochs", "steps")}


def _range(values: pd.Series) -> str:
    ends = sorted({int(values.min()), int(values.max())}) if len(values) else []
    return " to ".join(f"{one:,}" for one in ends)
