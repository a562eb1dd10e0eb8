"""What tells one run of "fit and test" from another: all that decides its numbers, and nothing else.

In it: the method with its FORMAT, its arguments as given, what `fit` would do with the published numbers filled in,
CLIP's weights and the precision that was resolved, the content of the task (pictures, targets, classes, templates) and
of each test, which classes of them, shots and seed. Not in it: labels and names, the device, folders, threads.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lessons_lib.identity import digest

if TYPE_CHECKING:
    from lessons_lib.data import Split, Task
    from lessons_lib.methods import Method


def method_identity(method: "Method", fit: Mapping[str, Any]) -> dict[str, Any]:
    """fit: as `checks.fit_settings` gives it."""
    return {
        "method": type(method).__name__,
        "format": method.FORMAT,
        "arguments": plain(method.arguments()),
        "fit": plain(fit),
    }


def task_digest(task: "Task") -> str:
    return digest(plain(task.identity()))


def split_digest(split: "Split") -> str:
    return digest(plain(split.identity()))


def plain(value: Any) -> Any:
    """Numbers of numpy and torch, paths, ranges and the like, as JSON has them. Raises TypeError for what has no plain
    form."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # arrays and tensors, and their numbers
        return plain(value.tolist())
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a setting of a run must be a plain value; got {value!r}")
