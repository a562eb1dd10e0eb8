"""What each protocol does once: what a method learns from, and what it is then measured on.

"few-shot validation" and "base-to-new validation" learn from the same as the protocols of that name, and are measured
on validation images of the classes learned from: what settings may be chosen by (`lessons_lib.runs.search`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lessons_lib.data import Task


class Trial(NamedTuple):
    """What a protocol does once. fitted_on: learned from its `train`.   tests: on -> the task whose `test` is measured
    on, with its own classes."""

    fitted_on: "Task"
    tests: dict[str, "Task"]


def _few_shot(task: "Task", others: Mapping[str, "Task"], held_out: Sequence[str]) -> Trial:
    return Trial(task, {"test": task})


def _base_to_new(task: "Task", others: Mapping[str, "Task"], held_out: Sequence[str]) -> Trial:
    return Trial(task.base(), {"base": task.base(), "new": task.new()})


def _fold(task: "Task", others: Mapping[str, "Task"], held_out: Sequence[str] | tuple[int, int]) -> Trial:
    if all(isinstance(one, int) for one in held_out):
        base, new = task.fold(held_out[0], of=held_out[1])
        return Trial(base, {"base": base, "new": new})
    common = [name for name in task.classnames if name not in task.test.named]  # the background, where there is one
    base = [name for name in task.classnames if name not in held_out]
    new = task.of_classes([*common, *held_out])  # names what the task does not have
    if len(base) == len(common):
        raise ValueError(f"task {task.name!r}: with {len(held_out)} classes held out none is left to learn from")
    return Trial(task.of_classes(base), {"base": task.of_classes(base), "new": new})


def _carried(task: "Task", others: Mapping[str, "Task"], held_out: Sequence[str]) -> Trial:
    if not others:
        raise ValueError(f"name the tasks to which that is carried which was learned on {task.name}")
    return Trial(task, {"test": task, **others})


def _validated(whole: Callable) -> Callable:
    """A protocol's choice of settings: the same to learn from, measured on all validation images of its classes."""

    def chosen_on(task: "Task", others: Mapping[str, "Task"], held_out: Sequence[str]) -> Trial:
        fitted_on = whole(task, {}, held_out).fitted_on
        return Trial(fitted_on, {"val": replace(fitted_on, test=fitted_on.val_pool)})

    return chosen_on


PROTOCOLS: dict[str, Callable[["Task", Mapping[str, "Task"], Sequence[str]], Trial]] = {
    "few-shot": _few_shot,
    "base-to-new": _base_to_new,
    "folds": _fold,
    "cross-task": _carried,
    "domain shift": _carried,
    "few-shot validation": _validated(_few_shot),
    "base-to-new validation": _validated(_base_to_new),
}


def trial(
    protocol: str, task: "Task", others: Mapping[str, "Task"] | None = None, held_out: Sequence[str] = ()
) -> Trial:
    """What a protocol, a key of `PROTOCOLS`, fits and tests on.

    others: on -> task that is carried to.   held_out: class names of a fold, or (which, of how many), as in
        `Task.fold`.
    Raises ValueError where the task does not have these classes, or none to carry to.
    """
    return PROTOCOLS[protocol](task, others or {}, held_out)
