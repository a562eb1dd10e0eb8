"""Which of two is better: right statistics pass, each of the usual wrong ones is refused with what helps."""

import math
import statistics

import pytest

from lessons_lib.metrics import interval, paired_difference
from lessons_lib.teaching import verdicts
from lessons_lib.teaching.checks import ExerciseError

ANSWERS = ("first", "second", "cannot tell")


def by(rule):
    """A verdict from a rule: mean, standard deviation and number of the differences -> whether they count."""

    def verdict(first, second):
        d = [a - b for a, b in zip(first, second)]
        mean, s = statistics.mean(d), statistics.stdev(d) if len(d) > 1 else math.nan
        return "cannot tell" if not rule(d, mean, s, len(d)) else "first" if mean > 0 else "second"

    return verdict


def paired(first, second):
    d = paired_difference(first, second)
    return "first" if d.low > 0 else "second" if d.high < 0 else "cannot tell"


def separate(first, second):
    if len(first) < 2:
        return "cannot tell"
    a, b = interval(first), interval(second)
    return "first" if a.low > b.high else "second" if b.low > a.high else "cannot tell"


def pooled(first, second):
    """As if the runs were not paired."""
    if len(first) < 2:
        return "cannot tell"
    d = statistics.mean(first) - statistics.mean(second)
    reach = 2.31 * math.sqrt((statistics.variance(first) + statistics.variance(second)) / len(first))
    return "cannot tell" if abs(d) <= reach else "first" if d > 0 else "second"


def test_the_paired_interval_passes(capsys):
    verdicts.check(paired, ANSWERS, name="better")
    assert capsys.readouterr().out.startswith("✓ better")


@pytest.mark.parametrize(
    "wrong, hint",
    [
        (by(lambda d, mean, s, n: n > 1 and len({x > 0 for x in d}) == 1), "leaves 0 out|holds 0"),  # one sign
        (by(lambda d, mean, s, n: n > 3 and len({x > 0 for x in d}) == 1), "leaves 0 out"),
        (by(lambda d, mean, s, n: sum(x * mean > 0 for x in d) >= 0.8 * n), "holds 0"),  # most of the seeds
        (by(lambda d, mean, s, n: True), "holds 0|no interval"),  # by means
        (by(lambda d, mean, s, n: abs(mean) > 2), "leaves 0 out"),  # more than two points
        (by(lambda d, mean, s, n: abs(mean) > 2 and n > 2), "leaves 0 out"),
        (by(lambda d, mean, s, n: n > 1 and abs(mean) > 1.96 * s / math.sqrt(n)), "4.3, not 1.96"),
        (by(lambda d, mean, s, n: n > 3 and abs(mean) > 1.96 * s / math.sqrt(n)), "2.78, not 1.96"),
        (by(lambda d, mean, s, n: n > 1 and abs(mean) > 1.96 * statistics.pstdev(d) / math.sqrt(n)), "not 1.96"),
        (by(lambda d, mean, s, n: n > 1 and abs(mean) > s), "holds 0"),  # one standard deviation
        (by(lambda d, mean, s, n: n > 2 and abs(mean) > 2 * s), "leaves 0 out"),
        (by(lambda d, mean, s, n: n > 2 and max(d) - min(d) < 1), "leaves 0 out"),
        (separate, "within each seed"),
        (pooled, "within each seed"),
        (lambda first, second: paired(second, first), "Which one is higher"),
        (lambda first, second: True, "one of"),
        (lambda first, second: ..., "not written yet"),
    ],
)  # fmt: skip
def test_wrong_statistics_are_refused(wrong, hint):
    with pytest.raises(ExerciseError, match=hint):
        verdicts.check(wrong, ANSWERS, name="better")


def test_runs_are_paired_by_their_seed():
    verdicts.check(lambda a, b: paired([a[s] for s in a], [b[s] for s in a]), ANSWERS, name="better", by_seed=True)
    with pytest.raises(ExerciseError, match="Pair the runs by their seed"):
        verdicts.check(lambda a, b: paired(list(a.values()), list(b.values())), ANSWERS, name="better", by_seed=True)


def test_answers_are_called_what_the_lesson_calls_them():
    words = dict(zip(ANSWERS, ("CoOp", "probe", "neither")))
    verdicts.check(lambda a, b: words[paired(a, b)], tuple(words.values()), name="verdict")
