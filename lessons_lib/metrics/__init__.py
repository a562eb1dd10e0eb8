"""What is measured, each in one place: numbers of one run, and statistics over runs.

statistics    intervals, paired differences, Wilson's interval, and the two averages of H
comparisons   tables of runs: summed up by sets, and compared seed by seed
ranks         many comparisons at once: Holm, mean ranks, correlations
findings      claims, their effects, and whether they were seen

Statistics take tables and need no torch. What is measured on embeddings is imported when first used.
"""

import importlib

from lessons_lib.metrics.comparisons import compare, gains, summary, table, with_harmonic_mean, without_each
from lessons_lib.metrics.findings import (
    difference,
    effect,
    effect_between,
    effects_table,
    finding,
    findings_table,
    is_beyond,
    text_of,
    told,
    verdict,
)
from lessons_lib.metrics.ranks import correlations, holm, mean_ranks
from lessons_lib.metrics.separation import separation
from lessons_lib.metrics.statistics import (
    Interval,
    h_of_means,
    harmonic_mean,
    interval,
    mean_of_h,
    paired_difference,
    wilson,
)

__all__ = [
    "Interval", "compare", "correlations", "difference", "effect",
    "effect_between", "effects_table", "finding", "findings_table",
    "gains", "h_of_means", "harmonic_mean", "holm", "interval", "is_beyond", "mean_of_h", "mean_ranks",
    "paired_difference", "rank", "recall_at_k", "separation", "summary", "table", "text_of", "told", "verdict",
    "wilson", "with_harmonic_mean", "without_each",
]  # fmt: skip


def __getattr__(name: str):
    if name not in ("retrieval", "rank", "recall_at_k"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    retrieval = importlib.import_module(f"{__name__}.retrieval")
    return retrieval if name == "retrieval" else getattr(retrieval, name)
