"""The check of an exercise that every comparison ends with: which of two is better, or can the runs not tell?

What is right is Student's t interval of the differences within each seed. The cases are made so that whoever judges by
the sign, by the mean alone, by 1.96 in the place of t, by one standard deviation or by two separate intervals is wrong
in one of them.
"""

from collections.abc import Callable, Mapping, Sequence

from lessons_lib.metrics import paired_difference
from lessons_lib.teaching.checks import answer_of, require, right

SEEDS = {1: 61.0, 2: 71.2, 3: 66.1, 4: 76.0, 5: 56.3}  # what a seed does to both
CASES = {  # what there is to see -> the differences, seed by seed
    "the first is ahead by five points in every seed, while the seeds differ by twenty": (5.2, 4.9, 5.1, 5.0, 5.3),
    "the second is ahead by a third of a point in every seed": (-0.3, -0.2, -0.4, -0.3, -0.25),
    "the first is ahead by two points, and behind in one seed of five": (3.0, 2.5, -0.2, 2.8, 2.4),
    "the first is ahead in all of three seeds": (0.5, 3.0, 2.2),
    "the first is ahead in four seeds of five, by a point on average": (2.6, 0.1, 1.9, -0.3, 1.2),
    "the second is ahead by six points on average, by luck": (-20.0, 4.0, -18.0, 7.0, -3.0),
    "the first is ahead by six points in two seeds": (5.0, 7.0),
    "there is one run of each": (15.0,),
}
HINTS = {
    "tell": "The interval of the differences holds 0: other seeds might turn it.",
    "blind": "Take the differences within each seed, then their interval: it leaves 0 out. What a seed does to both "
    "alike says nothing of which is better.",
    "turned": "Which one is higher? The difference is first − second.",
    "few": "Of {n} seeds the interval is wide: t is {t}, not 1.96.",
    "one": "One run has no interval (its half-width is NaN), and every comparison with NaN is False.",
}
T = {2: "12.7", 3: "4.3", 5: "2.78"}


def check(student: Callable, answers: Sequence[str], *, name: str, by_seed: bool = False) -> None:
    """`name(first, second)` -> one of the answers: the first is better, the second is, or it can't be told.

    by_seed: they are called with {seed: accuracy}, in any order; else with lists, seed by seed.
    """
    for spoken, differences in CASES.items():
        second = dict(zip(SEEDS, list(SEEDS.values())[: len(differences)]))
        first = {seed: second[seed] + gain for seed, gain in zip(second, differences)}
        _ask(student, first, second, spoken, answers, name, by_seed)
        if by_seed and len(differences) == 5:
            turned = dict(reversed(second.items()))
            _ask(student, first, turned, f"{spoken}; the seeds are listed in another order", answers, name, by_seed)
    right(f"{name}: a difference counts where the interval of the paired differences keeps clear of 0.")


def judged(first: Sequence[float], second: Sequence[float]) -> int:
    """0: the first is better, 1: the second is, 2: it can't be told."""
    d = paired_difference(first, second)
    return 0 if d.low > 0 else 1 if d.high < 0 else 2


def _ask(
    student: Callable, first: Mapping[int, float], second: Mapping[int, float], spoken: str, answers: Sequence[str],
    name: str, by_seed: bool,
) -> None:  # fmt: skip
    pairs = [(first[seed], second[seed]) for seed in first]
    found = judged(*zip(*pairs))
    lists = [list(values) for values in zip(*pairs)]
    given = (dict(first), dict(second)) if by_seed else lists
    got = answer_of(student, *given, name=name)
    allowed = ", ".join(map(repr, answers))
    require(isinstance(got, str) and got in answers, f"`{name}` should return one of {allowed}; it returns {got!r}.")
    if got == answers[found]:
        return
    n, said = len(first), answers.index(got)
    if "another order" in spoken:
        hint = "Pair the runs by their seed, not by their place."
    elif found == 2:
        hint = HINTS["one"] if n == 1 else HINTS["tell"] + " " + HINTS["few"].format(n=n, t=T[n])
    else:
        hint = HINTS["blind"] if said == 2 else HINTS["turned"]
    require(False, f"`{name}` says {got!r} where {spoken}; it should say {answers[found]!r}. {hint}")
