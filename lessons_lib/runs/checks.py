"""What is refused before the first fit: arguments that do not exist, values that cannot be, classes that a method
cannot be carried to, tasks of another kind. The method is asked; nothing is known of it here.
"""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task
    from lessons_lib.methods import Method

GIVEN = {  # what a run gives itself
    "seed": "each run has its own: say which in `seeds`",
    "progress": "a run shows none",
    "checkpoint": "one file would serve all runs",
}


def method_class(name: str) -> type["Method"]:
    """Raises ValueError, with the nearest, for a name that no method has."""
    from lessons_lib.methods import METHODS

    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}. {nearest(name, METHODS) or f'There are {_listed(METHODS)}'}")
    return METHODS[name]


def constructor_names(method: type["Method"]) -> list[str]:
    return [name for name in inspect.signature(method).parameters if name != "clip"]


def made(name: str, clip: "Clip", settings: Mapping[str, Any]) -> "Method":
    """The unfitted method. Raises ValueError for a setting that it does not have, with the nearest, or cannot take."""
    method = method_class(name)
    check_names(settings, constructor_names(method), name)
    try:
        return method(clip, **settings)
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items()) or "no settings"
        raise ValueError(f"{name} cannot be made with {given}: {error}") from error


def fit_settings(method: "Method", shots: int | None, fit: Mapping[str, Any]) -> dict[str, Any]:
    """What `fit` would do, published numbers filled in. Raises ValueError as `method.fit_settings` does, and for what a
    run gives itself."""
    name = f"{type(method).__name__}.fit"
    for argument, why in GIVEN.items():
        if argument in fit:
            raise ValueError(f"{name} takes no {argument!r} from a sweep: {why}")
    check_names(fit, [known for known in type(method).fit_arguments() if known not in GIVEN], name)
    try:
        found = method.fit_settings(shots, **fit)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{argument}={value!r}" for argument, value in fit.items())
        raise ValueError(f"{name}({given}): {error}") from error
    return {argument: value for argument, value in found.items() if argument not in GIVEN}


def check_trial(
    method: "Method", fitted_on: "Task", tests: Mapping[str, "Task"], shots: int | None, fit: Mapping[str, Any]
) -> None:
    """Raises ValueError, in a sentence, where an unfitted method could not be fitted and measured like this."""
    fit_settings(method, shots, fit)
    method.check_task(fitted_on)
    fitted_on.sample(shots)  # raises where a class has fewer images
    for task in tests.values():
        method.check_kind(task.kind, f"task {task.name!r}")
        if task.classnames != fitted_on.classnames and (
            reason := method.carries(task.classnames, fitted_on.classnames)
        ):
            raise ValueError(f"what is learned on {fitted_on.name!r} cannot be measured on {task.name!r}: {reason}")


def only_warms_up(method: "Method", shots: int | None, fit: Mapping[str, Any]) -> bool:
    """Whether a method is trained for no more epochs than its warm-up has."""
    found = fit_settings(method, shots, fit)
    return 0 < found.get("epochs", 0) <= found.get("warmup_epochs", 0)


def check_names(given: Mapping[str, Any], known, of: str) -> None:
    """Raises ValueError for the first name that is not known."""
    for name in given:
        if name not in known:
            raise ValueError(f"unknown argument of {of} {name!r}. {nearest(name, known) or f'It has {_listed(known)}'}")


def _listed(names) -> str:
    return ", ".join(names) or "none"
