"""Checks of lesson 09's exercises: a base-to-new run by hand, the two averages of H, paired intervals, and Holm's
correction."""

import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.stats import false_discovery_control

from lessons_lib import metrics
from lessons_lib.teaching import verdicts
from lessons_lib.teaching.checks import answer_of, explain, require, right, same, watching
from lessons_lib.teaching.lesson09.noted import NotedMethod, noted_task, split_of

ANSWERS = ("first", "second", "cannot be told")

# --- base and new


@watching
def base_and_new(student: Callable) -> None:
    """`base_and_new(method, task, **fit)` -> percent right on base and on new classes, fitted on base alone."""
    method = NotedMethod()
    got = answer_of(student, method, noted_task(), name="base_and_new", seed=7)
    fitted = [name for name, _ in method.log]
    name = "base_and_new(method, task, seed=7)"
    require(bool(fitted), f"`{name}` never calls method.fit.")
    require(
        "whole" not in fitted,
        f"`{name}` fits on the whole task: then the new classes are new to nobody. Fit on task.base().",
    )
    require("new" not in fitted, f"`{name}` fits on the new classes, too. They are only asked about.")
    require(len(fitted) == 1, f"`{name}` fits {len(fitted)} times; once is enough.")
    require(method.log[0][1].get("seed") == 7, f"`{name}` should hand its settings on: method.fit(half, **fit).")
    require(
        isinstance(got, (tuple, list)) and len(got) == 2, f"`{name}` should return two numbers, base and new; got {got}"
    )
    got = [float(value) for value in got]
    percent = {split: 100 * count / len(split_of(split)) for split, count in NotedMethod.RIGHT.items()}
    expected = [percent["base, test"], percent["new, test"]]
    mistakes = {
        "those are shares; in percent they are 100 times as large.": [value / 100 for value in expected],
        "base comes first, then new.": expected[::-1],
        "that is measured on the validation pictures. Those may choose; the test pictures report.": [
            percent["base, val"], percent["new, val"]
        ],
        "that is measured on the pictures that it learned from.": [percent["base, train"], percent["new, train"]],
        "those are numbers of pictures; divide by how many there are.": [15, 7],
        "those are percents wrong, not right.": [100 - value for value in expected],
    }  # fmt: skip
    explain(got, expected, mistakes, name=name)
    same(got, expected, name=name)
    right("base_and_new: learned on base classes, asked about each half among its own names, on test pictures.")


# --- H


H_CASES = [([90.0, 50.0], [30.0, 70.0]), ([80.0, 60.0, 95.0], [70.0, 65.0, 20.0]), ([64.0], [36.0])]


def two_h(student: Callable) -> None:
    """`two_h(base, new)` -> H of the two means, and the mean of the tasks' H."""
    for base, new in H_CASES:
        b, n = np.array(base), np.array(new)
        got = answer_of(student, b.copy(), n.copy(), name="two_h")
        name = f"two_h({base}, {new})"
        require(
            isinstance(got, (tuple, list)) and len(got) == 2 and all(np.ndim(value) == 0 for value in got),
            f"`{name}` should return two numbers: H of the two means, and the mean of the tasks' H.",
        )
        expected = [metrics.h_of_means(b, n), metrics.mean_of_h(b, n)]
        plain, each = (b.mean() + n.mean()) / 2, 2 * b * n / (b + n)
        mistakes = {
            "the two stand the other way round: first H of the means.": expected[::-1],
            "that is the plain mean of base and new, which forgives a weak half.": [plain, plain],
            "the factor 2 is missing: H of two equal numbers is that number.": [value / 2 for value in expected],
            "both are H of the means. For the second take H of each task first.": [expected[0]] * 2,
            "both are the mean of H. For the first average base and new over tasks before H.": [expected[1]] * 2,
            "that is the geometric mean, √(base · new).": [
                np.sqrt(b.mean() * n.mean()), np.sqrt(b * n).mean()
            ],
            "the second is a median; take the mean.": [expected[0], np.median(each)],
        }  # fmt: skip
        got = [float(value) for value in got]
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
    right("two_h: H of the means is what papers print; the mean of H is a mean over tasks like any other.")


# --- paired differences


PAIRED = [  # by seed: first, second
    ({1: 61.0, 2: 70.0, 3: 66.5}, {1: 60.0, 2: 67.5, 3: 66.0}),
    ({1: 50.0, 2: 52.0, 3: 49.0, 4: 51.0, 5: 55.0}, {5: 57.0, 4: 54.5, 3: 50.0, 2: 54.0, 1: 53.0}),
]


def better(student: Callable) -> None:
    """`better(first, second)` -> mean, half-width of the 95 % interval of first − second, and one of `ANSWERS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one run has no deviation, and numpy says so
        for first, second in PAIRED:
            _interval(student, first, second)
        verdicts.check(lambda a, b: _parts(student, a, b)[2], ANSWERS, name="better", by_seed=True)


def _interval(student: Callable, first: dict, second: dict) -> None:
    mean, half, _ = _parts(student, first, second)
    d = np.array([first[seed] - second[seed] for seed in first])
    a, b = np.array([*first.values()]), np.array([*second.values()])
    n, expected = len(d), metrics.paired_difference(a, [second[seed] for seed in first])
    name = f"better({first}, {second})"
    explain(mean, expected.mean, {"the mean is of second − first; take first − second.": -d.mean()}, name=name)
    same(mean, expected.mean, name=f"the mean of {name}")
    t, error = stats.t.ppf(0.975, n - 1), d.std(ddof=1) / np.sqrt(n)
    apart = np.hypot(a.std(ddof=1), b.std(ddof=1)) / np.sqrt(n)
    mistakes = {
        f"that is 1.96 in the place of t. Of {n} seeds the deviation is itself a guess, and t is {t:.2f}.": (
            1.96 * error
        ),
        "the deviation is divided by n; by n − 1 it is not too small on average (ddof=1).": (
            t * d.std() / np.sqrt(n)
        ),
        "that is the papers' 1.96 · std / √n with ddof=0, twice too narrow.": 1.96 * d.std() / np.sqrt(n),
        "that is the standard error alone; t times it holds 95 %.": error,
        "that is how single seeds scatter. The mean of n scatters √n times less.": t * d.std(ddof=1),
        "t has n − 1 degrees of freedom, not n.": stats.t.ppf(0.975, n) * error,
        "95 % leave 2.5 % on either side: the quantile is 0.975.": stats.t.ppf(0.95, n - 1) * error,
        "that is the whole width; half of it stands on either side.": 2 * t * error,
        "that forgets the pairs: it adds what each method scatters. Take the differences within a seed first.": (
            t * apart
        ),
        "pair the runs by their seed, not by their place.": (
            t * (a - b).std(ddof=1) / np.sqrt(n)
        ),
    }  # fmt: skip
    explain(half, expected.half_width, mistakes, name=f"the half-width of {name}")
    same(half, expected.half_width, name=f"the half-width of {name}")


def _parts(student: Callable, first: dict, second: dict) -> tuple[float, float, str]:
    got = answer_of(student, first, second, name="better")
    require(
        isinstance(got, (tuple, list)) and len(got) == 3 and isinstance(got[2], str),
        "`better` should return three things: the mean, the half-width, and one of " + ", ".join(map(repr, ANSWERS)),
    )
    return float(got[0]), float(got[1]), got[2]


# --- many comparisons


def holm(student: Callable) -> None:
    """`holm(p)` -> adjusted p-values in the order of p: p₍ᵢ₎ · (m − i + 1), never falling, at most 1."""
    for p in ([0.01, 0.02, 0.04], [0.04, 0.01, 0.03], [0.03, 0.001, 0.6, 0.011, 0.012], [0.6, 0.9, 0.5], [0.04]):
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
