"""Checks of exercises: each compares what the learner wrote with a reference, and says what differs and what to try.

A lesson's checks live in its folder (`lesson00/checks.py`, …), one function an exercise, built from few helpers:
`written` (is there anything yet?), `answer_of` (call the learner's function), `same` (compare values), `same_gradients`
(compare what training would take, too) and `right` (say so). A check raises `ExerciseError` with a hint, or prints a
line that starts with ✓.

    def top1(student):
        for logits, labels in CASES:
            got = answer_of(student, logits, labels, name="top1")
            same(got, reference(logits, labels), name="top1(logits, labels)")
        right("top1 counts the pictures whose highest logit is their own class.")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lessons_lib.teaching.differences import difference, kind_of

__all__ = [
    "ExerciseError",
    "answer_of",
    "difference",
    "drawn",
    "explain",
    "of_unit",
    "require",
    "right",
    "same",
    "same_gradients",
    "watching",
    "written",
]


class ExerciseError(AssertionError):
    """What is not right yet in an exercise, in words for the learner."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback: the words, without the check's own code."""
        return [f"Not yet: {self}"]


def watching(check: Callable) -> Callable:
    """Marks a check that watches what an answer does to models or functions that it is handed: whether weights have
    gradients, how often a loss is asked for. It has to run where the answer runs (`grading`)."""
    check.watching = True
    return check


def require(condition: bool, hint: str) -> None:
    """Raise an `ExerciseError` with `hint` unless `condition` holds."""
    if not condition:
        raise ExerciseError(hint)


def right(message: str) -> None:
    """Say that an exercise is solved, and what that shows."""
    print(f"✓ {message}")


def drawn(*shape: int, seed: int) -> Tensor:
    """Normal numbers of this shape to try an answer on, always the same for a seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def written(value: object, *, name: str) -> object:
    """`value`, unless it is still `None` or `...`: then an `ExerciseError` that says so."""
    if value is None or value is ...:
        shown = "..." if value is ... else "None"
        raise ExerciseError(
            f"`{name}` is still {shown}: not written yet. Write it in the cell above, and run that cell."
        )
    return value


def answer_of(function: Callable, *args, name: str, **kwargs) -> object:
    """What the learner's function returns.

    Raises `ExerciseError` when it is not a function yet, when it fails (its own error stays as the cause), when it
    returns nothing, and when it changes its inputs.
    """
    if not callable(written(function, name=name)):
        raise ExerciseError(f"`{name}` should be a function; it is {kind_of(function)}.")
    before = [arg.clone() if isinstance(arg, torch.Tensor) else arg for arg in args]
    try:
        value = function(*args, **kwargs)
    except ExerciseError:
        raise
    except Exception as error:  # whatever the learner's code raises becomes the hint
        raise ExerciseError(f"`{name}` stopped with {type(error).__name__}: {error}") from error
    if value is None or value is ...:
        raise ExerciseError(
            f"`{name}` returns {'...' if value is ... else 'None'}: not written yet, or a missing return?"
        )
    for arg, old in zip(args, before):
        if isinstance(arg, torch.Tensor) and not torch.equal(arg.nan_to_num(), old.nan_to_num()):
            raise ExerciseError(f"`{name}` changes its input in place. Work on a copy: others still need the original.")
    return value


def same(got: object, expected: object, *, name: str, rtol: float = 1e-4, atol: float = 1e-5, hint: str = "") -> None:
    """Raise an `ExerciseError` that says how `got` differs from `expected`, then `hint`, unless they are equal."""
    what = difference(written(got, name=name), expected, rtol=rtol, atol=atol)
    if what:
        raise ExerciseError(f"`{name}`: {what}{' ' + hint if hint else ''}")


def same_gradients(
    student: Callable, reference: Callable, *args: object, name: str, learned: Sequence[int] = (0,), hint: str = ""
) -> None:
    """Raises an `ExerciseError` unless the learner's function gives the reference's values, and the gradients that
    training would take.

    args: what both are called with.   learned: which of them, floating-point tensors, gradients are taken of.
    hint: said where a gradient differs.
    """
    own, theirs = ([_leaf(arg) if i in learned else arg for i, arg in enumerate(args)] for _ in range(2))
    value, expected = answer_of(student, *own, name=name), reference(*theirs)
    same(value, expected, name=name)
    require(
        isinstance(value, Tensor) and value.requires_grad,
        f"`{name}`: the values are right, but nothing could learn from them: no gradient flows back. Is there a "
        "detach(), an item(), a no_grad(), or a way through numpy?",
    )
    weights = torch.linspace(0.5, 1.5, expected.numel()).reshape(expected.shape).to(expected)  # no two outputs alike
    for output in (value, expected):
        (output * weights).sum().backward()
    for i in learned:
        got = torch.zeros_like(own[i]) if own[i].grad is None else own[i].grad
        what = difference(got, theirs[i].grad, atol=1e-5 * max(1, theirs[i].grad.abs().max().item()))  # of the largest
        said = f"`{name}`: the values are right, but the gradient of argument {i + 1} {what} {hint}"
        require(not what, said.rstrip())


def of_unit(function: Callable, *units: int, dim: int = -1) -> Callable:
    """The function, of arguments of which those at `units` are first brought to length 1 along `dim`, for
    `same_gradients`: a learner who brings unit vectors to length 1 once more has the same values, and gradients that
    differ along the vectors alone, where nothing learns."""

    def called(*args: object) -> object:
        return function(*(normalize(arg, dim=dim) if i in units else arg for i, arg in enumerate(args)))

    return called


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def explain(got: object, expected: object, mistakes: dict[str, object], *, name: str) -> None:
    """Raises with the mistake that gives what was got, unless what was got is right."""
    if difference(got, expected) == "":
        return
    for mistake, value in mistakes.items():
        if difference(got, value) == "":
            raise ExerciseError(f"`{name}`: {mistake}")
