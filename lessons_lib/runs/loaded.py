"""What one process has of a plan of fits and tests: the CLIP, tasks and unfitted methods, each loaded once."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from lessons_lib.identity import canonical
from lessons_lib.runs.checks import made
from lessons_lib.runs.identity import plain, split_digest, task_digest
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task
    from lessons_lib.methods import Method
    from lessons_lib.runs.protocols import Trial


class Known(NamedTuple):
    """Of a protocol on some tasks: what it fits and tests on, all images; the tasks that are carried to; the digests of
    all of them; and under which name the rows of each test are kept."""

    what: "Trial"
    others: dict[str, "Task"]
    identity: dict[str, Any]
    kept: dict[str, str]


class Loaded:
    """model, pretrained: as in `load_clip`.   root, skip_unreadable: as in `load_task`.

    quiet: what there is to warn of in the tasks was said elsewhere.
    clip: on the CPU, with which methods are made to be asked; in a process that fits, the one that it fits with.
    """

    def __init__(
        self, model: str, pretrained: str | None, root: str | None, skip_unreadable: bool = False, quiet: bool = False
    ):
        self.model, self.pretrained, self.root = model, pretrained, root
        self.skip_unreadable, self.quiet = skip_unreadable, quiet
        self.tasks: dict[str, Task] = {}
        self.methods: dict[str, Method] = {}
        self.trials: dict[str, Known] = {}

    @cached_property
    def clip(self) -> "Clip":
        from lessons_lib.clip import load_clip

        return load_clip(self.model, self.pretrained, device="cpu", precision="fp32", verbose=False)

    def task(self, name: str) -> "Task":
        if name not in self.tasks:
            from lessons_lib.data import load_task

            with warnings.catch_warnings():
                if self.quiet:
                    warnings.simplefilter("ignore")
                self.tasks[name] = load_task(name, root=self.root, skip_unreadable=self.skip_unreadable, progress=False)
        return self.tasks[name]

    def check_pictures(self) -> None:
        """Raises ValueError where a picture of a task is damaged, rather than every run that needs it."""
        from lessons_lib.data.published.splits import check_pictures

        for task in self.tasks.values():
            check_pictures(task)

    def method(self, name: str, settings: Mapping[str, Any]) -> "Method":
        """Unfitted, to be asked. Raises ValueError as `checks.made`."""
        key = f"{name} {canonical(plain(settings))}"
        if key not in self.methods:
            self.methods[key] = made(name, self.clip, settings)
        return self.methods[key]

    def trial(self, protocol: str, task: str, others: Sequence[str], held_out: Sequence) -> Known:
        """Raises ValueError for an unknown protocol, as `protocols.trial`, and for two targets that are the same."""
        key = canonical([protocol, task, others, held_out])
        if key not in self.trials:
            self.trials[key] = self._trial(protocol, task, others, held_out)
        return self.trials[key]

    def _trial(self, protocol: str, task: str, others: Sequence[str], held_out: Sequence) -> Known:
        from lessons_lib.runs.protocols import PROTOCOLS, trial

        if protocol not in PROTOCOLS:
            raise ValueError(f"unknown protocol {protocol!r}. {nearest(protocol, PROTOCOLS)}".strip())
        targets = {name: self.task(name) for name in others if name != task}
        what = trial(protocol, self.task(task), targets, held_out)
        tests = {on: split_digest(one.test) for on, one in what.tests.items()}
        kept = {on: tests[on][:16] if on in targets else on for on in tests}
        if len(set(kept.values())) < len(kept):
            raise ValueError(f"two of the tasks {', '.join(targets)} hold the same test images")
        identity = {"fitted on": task_digest(what.fitted_on), "tests": {kept[on]: tests[on] for on in tests}}
        return Known(what, targets, identity, kept)
