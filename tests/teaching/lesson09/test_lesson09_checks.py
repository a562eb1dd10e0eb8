"""Lesson 09's checks: they pass what is right, and name the usual mistakes."""

import numpy as np
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401
from scipy import stats
from scipy.stats import false_discovery_control

from lessons_lib.teaching.lesson09 import checks as check


def base_and_new(method, task, **fit):
    method.fit(task.base(), **fit)
    return tuple(percent(method, half, half.test) for half in (task.base(), task.new()))


def percent(method, half, split):
    return 100 * (method.for_classes(half.classnames).predict(split) == split.labels).double().mean().item()


def run(*, learn=("base",), part="test", times=1.0, settings=True, turned=False, carried=True, wrong=False):
    """`base_and_new` with one thing done otherwise."""

    def student(method, task, **fit):
        for half in learn:
            method.fit(task if half == "whole" else task.halves[half], **(fit if settings else {}))
        found = []
        for half in (task.base(), task.new()):
            split = getattr(half, part)
            asked = method.for_classes(half.classnames) if carried else method
            right = (asked.logits(split).argmax(dim=1) == split.labels).double().mean().item()
            found.append(times * 100 * (1 - right if wrong else right))
        return tuple(found[::-1] if turned else found)

    return student


def with_all_names(method, task, **fit):
    method.fit(task.base(), **fit)
    return tuple(percent(method, task, half.test) for half in (task.base(), task.new()))


def by_score(method, task, **fit):
    method.fit(task.base(), **fit)
    return tuple(method.for_classes(half.classnames).score(half.test) for half in (task.base(), task.new()))


def counted(method, task, **fit):
    method.fit(task.base(), **fit)
    return tuple(int((method.for_classes(half.classnames).predict(half.test) == half.test.labels).sum()) for half in
                 (task.base(), task.new()))  # fmt: skip


def h(base, new):
    return 2 * base * new / (base + new)


def two_h(base, new):
    return h(base.mean(), new.mean()), h(base, new).mean()


def better(*, t=None, ddof=1, root=True, df=-1, tail=0.975, times=1, by="seed", sign=1, apart=False, judge=None):
    """The right answer, with one thing done otherwise."""

    def student(first, second):
        a, b = np.array([*first.values()]), np.array([*second.values()])
        d = sign * (np.array([first[seed] - second[seed] for seed in first]) if by == "seed" else a - b)
        n, mean = len(d), d.mean()
        spread = np.hypot(a.std(ddof=1), b.std(ddof=1)) if apart else d.std(ddof=ddof)
        half = times * (t or stats.t.ppf(tail, n + df)) * spread / (np.sqrt(n) if root else 1)
        said = "first" if mean > half else "second" if mean < -half else "cannot be told"
        return mean, half, judge(mean, half, d) if judge else said

    return student


def two_parts(first, second):
    return better()(first, second)[:2]


def by_sign(mean, half, d):
    return "first" if mean > 0 else "second"


def all_of_one_sign(mean, half, d):
    return "first" if (d > 0).all() else "second" if (d < 0).all() else "cannot be told"


def nan_is_second(mean, half, d):
    return "first" if mean > half else "cannot be told" if mean > -half else "second"


def turned(mean, half, d):
    return "second" if mean > half else "first" if mean < -half else "cannot be told"


def holm(p):
    adjusted, so_far = [0.0] * len(p), 0.0
    for place, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        so_far = max(so_far, min(1.0, (len(p) - place) * p[i]))
        adjusted[i] = so_far
    return adjusted


def steps(p):
    """p times m, m - 1, …, in the order of p, without carrying the largest along."""
    order = np.argsort(p)
    return (np.sort(p) * np.arange(len(p), 0, -1))[np.argsort(order)]


RIGHT = [
    (check.base_and_new, base_and_new),
    (check.base_and_new, run()),
    (check.two_h, two_h),
    (check.better, better()),
    (check.holm, holm),
]

MISTAKES = [
    (check.base_and_new, run(learn=("whole",)), "fits on the whole task"),
    (check.base_and_new, run(learn=("base", "new")), "fits on the new classes, too"),
    (check.base_and_new, run(learn=("base", "base")), "once is enough"),
    (check.base_and_new, run(learn=()), "before it was fitted"),
    (check.base_and_new, run(settings=False), "hand its settings on"),
    (check.base_and_new, run(part="val"), "validation pictures"),
    (check.base_and_new, run(part="train"), "that it learned from"),
    (check.base_and_new, run(times=0.01), "those are shares"),
    (check.base_and_new, run(turned=True), "base comes first"),
    (check.base_and_new, run(carried=False), "among its own names"),
    (check.base_and_new, run(wrong=True), "percents wrong"),
    (check.base_and_new, with_all_names, "among its own names"),
    (check.base_and_new, by_score, "Count by hand"),
    (check.base_and_new, counted, "numbers of pictures"),
    (check.base_and_new, lambda method, task, **fit: sum(base_and_new(method, task, **fit)) / 2, "two numbers"),
    (check.base_and_new, lambda method, task, **fit: ..., "not written yet"),
    (check.two_h, lambda base, new: two_h(base, new)[::-1], "the other way round"),
    (check.two_h, lambda base, new: ((base + new).mean() / 2,) * 2, "plain mean"),
    (check.two_h, lambda base, new: tuple(value / 2 for value in two_h(base, new)), "factor 2"),
    (check.two_h, lambda base, new: (two_h(base, new)[0],) * 2, "both are H of the means"),
    (check.two_h, lambda base, new: (two_h(base, new)[1],) * 2, "both are the mean of H"),
    (check.two_h, lambda base, new: (np.sqrt(base.mean() * new.mean()), np.sqrt(base * new).mean()), "geometric"),
    (check.two_h, lambda base, new: (two_h(base, new)[0], np.median(h(base, new))), "median"),
    (check.two_h, lambda base, new: two_h(base, new)[0], "two numbers"),
    (check.two_h, lambda base, new: (h(base.mean(), new.mean()), h(base, new)), "two numbers"),
    (check.two_h, lambda base, new: ..., "not written yet"),
    (check.better, better(sign=-1), "second − first"),
    (check.better, better(t=1.96), "1.96 in the place of t"),
    (check.better, better(ddof=0), "divided by n"),
    (check.better, better(t=1.96, ddof=0), "papers' 1.96"),
    (check.better, better(t=1.0), "standard error alone"),
    (check.better, better(root=False), "single seeds scatter"),
    (check.better, better(df=0), "degrees of freedom"),
    (check.better, better(tail=0.95), "0.975"),
    (check.better, better(times=2), "whole width"),
    (check.better, better(apart=True), "forgets the pairs"),
    (check.better, better(by="place"), "by their seed, not by their place"),
    (check.better, better(judge=by_sign), "other seeds might turn it"),
    (check.better, better(judge=all_of_one_sign), "it should say"),
    (check.better, better(judge=nan_is_second), "One run has no interval"),
    (check.better, better(judge=turned), "Which one is higher"),
    (check.better, better(judge=lambda *_: "cannot be told"), "leaves 0 out"),
    (check.better, better(judge=lambda *_: "better"), "one of 'first'"),
    (check.better, two_parts, "three things"),
    (check.better, lambda first, second: ..., "not written yet"),
    (check.holm, lambda p: np.minimum(p * len(p), 1), "Bonferroni"),
    (check.holm, lambda p: np.minimum(steps(p), 1), "carry the largest"),
    (check.holm, lambda p: np.sort(holm(p)), "back in the order"),
    (check.holm, lambda p: np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1))[np.argsort(np.argsort(p))],
     "at most 1"),
    (check.holm, lambda p: p, "as it came"),
    (check.holm, lambda p: [value < 0.05 for value in holm(p)], "True and False"),
    (check.holm, lambda p: false_discovery_control(p), "Benjamini"),
    (check.holm, lambda p: ..., "not written yet"),
]  # fmt: skip


def test_no_warning_reaches_the_learner_where_there_is_one_run(recwarn, capsys):
    check.better(better())
    assert not recwarn.list and capsys.readouterr().out.startswith("✓")
