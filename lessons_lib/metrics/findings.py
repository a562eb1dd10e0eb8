"""Findings: claims about methods, each with its effects, and whether the runs show it.

An effect is a dict of mean, half_width and n: a number a seed, with Student's t interval at 95 %.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from lessons_lib.metrics.comparisons import gains
from lessons_lib.metrics.statistics import interval


def effect(by_seed: Sequence[float]) -> dict:
    """One number a seed -> mean, half_width, n."""
    return {name: round(float(value), 3) for name, value in interval(by_seed)._asdict().items()}


def effect_between(found: Mapping[str, float]) -> dict:
    """mean, low, high, n of an interval that need not be symmetric, as a bootstrap's -> an effect, whose half width is
    the wider side."""
    half_width = max(found["mean"] - found["low"], found["high"] - found["mean"])
    return {"mean": found["mean"], "half_width": round(half_width, 3), "n": found["n"]}


def difference(rows: pd.DataFrame, first: str, second: str, value: str = "accuracy", *, shared: bool = False) -> dict:
    """`first` above `second` in points, as `effect` gives it; arguments and errors as in `gains`."""
    return effect(gains(rows, first, second, value, shared=shared))


def is_beyond(found: dict, sign: int) -> bool:
    """Whether an effect has this sign (+1, −1) beyond its interval; of a single seed nothing can be said."""
    return sign * found["mean"] > found["half_width"]


def told(found: dict, sign: int = +1) -> str:
    """What an effect says of a claim that it has this sign: "seen", "the opposite is seen", or "cannot be told", which
    is not the same as that there is none."""
    return "seen" if is_beyond(found, sign) else "the opposite is seen" if is_beyond(found, -sign) else "cannot be told"


def finding(claim: str, *wanted: tuple[str, dict, int], other: dict | None = None) -> dict:
    """A claim, its effects by name, and whether it was seen: every effect that it names has its sign beyond its
    interval. `other` effects are shown beside, and decide nothing."""
    effects = {name: found for name, found, _ in wanted} | (other or {})
    return {"claim": claim, "seen": all(is_beyond(found, sign) for _, found, sign in wanted), "effects": effects}


def verdict(found: dict) -> str:
    """ "seen", "not seen", or "not measured yet" where `seen` is None."""
    return {True: "seen", False: "not seen", None: "not measured yet"}[found["seen"]]


def text_of(name: str, found: dict) -> str:
    """ "+1.2 ± 0.3"; two digits for a correlation, which `name` says."""
    digits = 2 if "correlation" in name else 1
    return f"{found['mean']:+.{digits}f} ± {found['half_width']:.{digits}f}"


def findings_table(found: dict[str, dict]) -> str:
    """Markdown: a line a finding, with the first of its effects."""
    lines = ["| finding | claim | first effect, points unless it says otherwise | |", "|---|---|---|---|"]
    for key, one in found.items():
        first = next((f"{name}: {text_of(name, size)}" for name, size in one["effects"].items()), "")
        said = "**not seen**" if one["seen"] is False else verdict(one)
        lines.append(f"| {key} | {one['claim']} | {first} | {said} |")
    return "\n".join(lines)


def effects_table(found: dict[str, dict]) -> str:
    """Markdown: a line an effect."""
    lines = ["| finding | effect | points, unless it says otherwise |", "|---|---|---|"]
    for key, one in found.items():
        lines += [f"| {key} | {name} | {text_of(name, size)} |" for name, size in one["effects"].items()]
    return "\n".join(lines)
