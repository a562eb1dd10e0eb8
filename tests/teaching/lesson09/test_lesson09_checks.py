"""Lesson 09's checks: they pass what is right, and name the usual mistakes."""

import numpy as np
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401
from scipy.stats import false_discovery_control, rankdata

from lessons_lib.teaching.lesson09 import checks as check


def cells(rows, method, columns=check.CELL):
    return set(rows.loc[rows.method == method, list(columns)].itertuples(index=False))


def unshared(rows, first, second):
    return len(cells(rows, first) ^ cells(rows, second))


def unshared_without(column):
    columns = [name for name in check.CELL if name != column]
    return lambda rows, a, b: len(cells(rows, a, columns) ^ cells(rows, b, columns))


def holm(p):
    adjusted, so_far = [0.0] * len(p), 0.0
    for place, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        so_far = max(so_far, min(1.0, (len(p) - place) * p[i]))
        adjusted[i] = so_far
    return adjusted


def mean_ranks(table):
    return [np.mean([1 + (row > row[j]).sum() + ((row == row[j]).sum() - 1) / 2 for row in table]) for j in
            range(table.shape[1])]  # fmt: skip


def steps(p):
    """p times m, m - 1, …, in the order of p, without carrying the largest along."""
    order = np.argsort(p)
    return (np.sort(p) * np.arange(len(p), 0, -1))[np.argsort(order)]


RIGHT = [(check.unshared, unshared), (check.holm, holm), (check.mean_ranks, mean_ranks)]


MISTAKES = [
    (check.unshared, lambda rows, a, b: len(cells(rows, a) & cells(rows, b)), "counts what the two share"),
    (check.unshared, lambda rows, a, b: len(cells(rows, a) - cells(rows, b)), "Only what `first` has"),
    (check.unshared, lambda rows, a, b: len(cells(rows, b) - cells(rows, a)), "Only what `second` has"),
    (check.unshared, lambda rows, a, b: abs((rows.method == a).sum() - (rows.method == b).sum()), "not how many"),
    (check.unshared, unshared_without("task"), "`task` left out"),
    (check.unshared, unshared_without("shots"), "`shots` left out"),
    (check.unshared, unshared_without("on"), "`on` left out"),
    (
        check.unshared,
        lambda rows, a, b: rows[check.CELL].drop_duplicates().shape[0] - len(cells(rows, a) & cells(rows, b)),
        "other methods",
    ),
    (check.unshared, lambda rows, a, b: cells(rows, a) ^ cells(rows, b), "should be a number"),
    (check.unshared, lambda rows, a, b: ..., "not written yet"),
    (check.holm, lambda p: np.minimum(p * len(p), 1), "Bonferroni"),
    (check.holm, lambda p: np.minimum(steps(p), 1), "carry the largest"),
    (check.holm, lambda p: np.sort(holm(p)), "back in the order"),
    (check.holm, lambda p: p, "as it came"),
    (check.holm, lambda p: [value < 0.05 for value in holm(p)], "True and False"),
    (check.holm, lambda p: false_discovery_control(p), "Benjamini"),
    (check.holm, lambda p: ..., "not written yet"),
    (check.mean_ranks, lambda table: rankdata(table, axis=1).mean(axis=0), "rank 1 is the best"),
    (check.mean_ranks, lambda table: rankdata(-table, axis=0).mean(axis=0), "within each task"),
    (check.mean_ranks, lambda table: np.array(mean_ranks(table)) - 1, "begin at 1"),
    (check.mean_ranks, lambda table: np.argsort(-table, axis=1).mean(axis=0) + 1, "argsort tells"),
    (check.mean_ranks, lambda table: rankdata(-table.mean(axis=0)), "ranks the mean accuracies"),
    (check.mean_ranks, lambda table: rankdata(-table, axis=1, method="min").mean(axis=0), "ties share"),
    (check.mean_ranks, lambda table: rankdata(-table, axis=1, method="ordinal").mean(axis=0), "ties share"),
    (check.mean_ranks, lambda table: rankdata(-table, axis=1), "row for each task"),
    (check.mean_ranks, lambda table: ..., "not written yet"),
]


def test_the_cases_of_unshared_cells_are_as_they_say():
    assert all(unshared(rows, "A", "B") == expected == check.unshared_cells(rows, "A", "B") for _, rows, expected in
               check.UNSHARED)  # fmt: skip
    assert {expected for _, _, expected in check.UNSHARED} >= {0, 1, 2}
