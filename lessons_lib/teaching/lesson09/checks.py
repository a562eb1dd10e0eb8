"""Checks of lesson 09's exercises: cells that are not shared, Holm's correction, and mean ranks."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, rankdata

from lessons_lib import metrics
from lessons_lib.teaching.checks import ExerciseError, answer_of, explain, require, right, same

CELL = ["task", "on", "shots", "seed"]


def unshared_cells(rows: pd.DataFrame, first: str, second: str) -> int:
    """How many cells one of the two methods has and the other lacks."""
    have = [set(rows.loc[rows["method"] == method, CELL].itertuples(index=False)) for method in (first, second)]
    return len(have[0] ^ have[1])


def _rows(**cells: str) -> pd.DataFrame:
    """A row for each cell, written "pets/test/16/1", of methods by name, in a mixed order."""
    rows = [[method, *cell.split("/")] for method, listed in cells.items() for cell in listed.split()]
    table = pd.DataFrame(rows, columns=["method", *CELL]).astype({"shots": int, "seed": int})
    return table.assign(accuracy=50.0 + np.arange(len(table))).sample(frac=1, random_state=0)


UNSHARED = [  # what it is about, rows, how many
    ("the same cells", _rows(A="pets/test/16/1 food/test/16/1", B="food/test/16/1 pets/test/16/1"), 0),
    ("B lacks a task", _rows(A="pets/test/16/1 food/test/16/1", B="pets/test/16/1"), 1),
    ("A lacks two seeds", _rows(A="pets/test/16/1", B="pets/test/16/1 pets/test/16/2 pets/test/16/3"), 2),
    ("as many cells, of other tasks", _rows(A="pets/test/16/1 food/test/16/1", B="cars/test/16/1 pets/test/16/1"), 2),
    ("the same tasks, other shots", _rows(A="pets/test/16/1 food/test/1/1", B="pets/test/1/1 food/test/16/1"), 4),
    ("base and new apart", _rows(A="pets/base/16/1 pets/new/16/1", B="pets/base/16/1"), 1),
    ("a third method has more", _rows(A="pets/test/16/1", B="pets/test/16/1", C="pets/test/16/1 food/test/16/1"), 0),
]


def _count(rows: pd.DataFrame, of: Callable[[set, set, set], int], columns: list[str] = CELL) -> int:
    """`of` the cells of A, of B and of all methods."""
    have = [set(part[columns].itertuples(index=False)) for part in (rows[rows["method"] == "A"],
                                                                    rows[rows["method"] == "B"], rows)]  # fmt: skip
    return of(*have)


MISTAKEN = {  # hint -> what is counted instead
    "It counts what the two share; count what they do not.": lambda rows: _count(rows, lambda a, b, _: len(a & b)),
    "Only what `first` has alone is counted; `second` may have cells of its own too.": lambda rows: _count(
        rows, lambda a, b, _: len(a - b)
    ),
    "Only what `second` has alone is counted; `first` may have cells of its own too.": lambda rows: _count(
        rows, lambda a, b, _: len(b - a)
    ),
    "As many rows are not the same rows: compare the cells, not how many there are.": lambda rows: _count(
        rows, lambda a, b, _: abs(len(a) - len(b))
    ),
    "The rows of other methods are counted too.": lambda rows: _count(rows, lambda a, b, every: len(every - (a & b))),
}
for _column in CELL:
    _rest = [name for name in CELL if name != _column]
    MISTAKEN[f"Is `{_column}` left out of the cell?"] = lambda rows, columns=_rest: _count(
        rows, lambda a, b, _: len(a ^ b), columns
    )


def unshared(student: Callable) -> None:
    """`unshared(rows, first, second)` -> how many cells (task, on, shots, seed) only one of the two methods has."""
    answers = [answer_of(student, rows.copy(), "A", "B", name="unshared") for _, rows, _ in UNSHARED]
    for (about, _, expected), got in zip(UNSHARED, answers):
        try:
            same(got, expected, name='unshared(rows, "A", "B")')
        except ExerciseError as error:
            hints = [hint for hint, of in MISTAKEN.items() if _alike(answers, [of(rows) for _, rows, _ in UNSHARED])]
            raise ExerciseError(" ".join([f"Where {about}: {error}", *hints[:1]])) from None
    right("unshared: 0 means a fair comparison. For anything else, first throw away what only one of the two has.")


def _alike(answers: list, wrong: list[int]) -> bool:
    return all(isinstance(answer, (int, np.integer)) for answer in answers) and answers == wrong


def holm(student: Callable) -> None:
    """`holm(p)` -> adjusted p-values in the order of p: p₍ᵢ₎ · (m − i + 1), never falling, at most 1."""
    for p in ([0.01, 0.02, 0.04], [0.04, 0.01, 0.03], [0.03, 0.001, 0.6, 0.011, 0.012], [0.2, 0.9, 0.5], [0.04]):
        p = np.array(p)
        m, order = len(p), np.argsort(p)
        got, expected = answer_of(student, p.copy(), name="holm"), metrics.holm(p)
        raw, back = p[order] * np.arange(m, 0, -1), np.argsort(order)
        so_far = np.maximum.accumulate(raw)
        mistakes = {
            "that is Bonferroni's: every p times m. Holm multiplies the smallest by m, the next by m − 1, and so on.": (
                np.minimum(p * m, 1)
            ),
            "a larger p must not end up with a smaller adjusted p: carry the largest so far along "
            "(np.maximum.accumulate).": np.minimum(raw, 1)[back],
            "the values are right, but sorted. Put them back in the order of p.": np.minimum(so_far, 1),
            "a p-value is at most 1: np.minimum(…, 1).": so_far[back],
            "the largest p is multiplied by 0: the factors run from m down to 1.": np.minimum(
                np.maximum.accumulate(p[order] * np.arange(m - 1, -1, -1)), 1
            )[back],
            "the factors run the wrong way round: the smallest p is multiplied by m.": np.minimum(
                np.maximum.accumulate(p[order] * np.arange(1, m + 1)), 1
            )[back],
            "that is Benjamini and Hochberg's, which bounds the share of false alarms, not the chance of one.": (
                false_discovery_control(p)
            ),
            "p is returned as it came.": p,
        }
        call = f"holm({p.tolist()})"
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call)
    right("holm: of all that it calls different, the chance that even one is not is at most 5 %.")


RANKED = [  # accuracies, tasks × methods
    [[70.0, 80.0, 60.0], [50.0, 40.0, 30.0]],
    [[70.0, 80.0, 60.0, 75.0], [90.0, 91.0, 20.0, 89.0], [33.0, 34.0, 35.0, 36.0]],
    [[70.0, 70.0, 60.0], [50.0, 40.0, 40.0]],
    [[90.0, 10.0], [49.0, 50.0], [49.0, 50.0]],
]


def mean_ranks(student: Callable) -> None:
    """`mean_ranks(accuracies)`, (tasks, methods) -> (methods,): rank 1 is a task's best, ties share, then the mean."""
    for table in RANKED:
        table = np.array(table)
        got = answer_of(student, table.copy(), name="mean_ranks")
        expected = metrics.mean_ranks(table)
        tied = "ties share the mean of their places (two at the top: 1.5 each); scipy.stats.rankdata does that."
        mistakes = {
            "rank 1 is the best, the highest accuracy: rank the negative of them.": rankdata(table, axis=1).mean(
                axis=0
            ),
            "rank the methods within each task (axis=1), not the tasks within each method.": (
                rankdata(-table, axis=0).mean(axis=0)
            ),
            "ranks begin at 1.": expected - 1,
            tied: (np.argsort(np.argsort(-table, axis=1, kind="stable"), axis=1) + 1).mean(axis=0),
            tied + " ": rankdata(-table, axis=1, method="min").mean(axis=0),
            "argsort tells which method is at a place, not which place a method has. Try rankdata, or argsort twice.": (
                np.argsort(-table, axis=1).mean(axis=0) + 1
            ),
            "that ranks the mean accuracies. Rank within each task first; the mean of the ranks comes after.": (
                rankdata(-table.mean(axis=0))
            ),
        }
        call = f"mean_ranks({table.tolist()})"
        explain(got, expected, mistakes, name=call)
        require(
            np.shape(got) != np.shape(table),
            f"`{call}` still has a row for each task: take the mean over tasks, axis 0.",
        )
        same(got, expected, name=call)
    right("mean_ranks: every task has one vote, however large its differences are.")
