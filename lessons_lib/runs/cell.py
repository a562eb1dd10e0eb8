"""The kind of work that most sweeps are of: a method is fitted on a task and tested, as one of the protocols says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lessons_lib.identity import canonical, digest
from lessons_lib.runs.checks import check_trial, fit_settings, made
from lessons_lib.runs.identity import method_identity, plain, split_digest, task_digest
from lessons_lib.runs.work import Place, Result, Row, Work
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task
    from lessons_lib.methods import Method
    from lessons_lib.runs.protocols import Trial


@dataclass(frozen=True)
class Cell:
    """One fit and its tests.

    protocol: "few-shot", "base-to-new", "folds", "cross-task" or "domain shift" (`protocols`).
    label: in the column `method`.   method: the class's name.   task: what `load_task` takes.
    settings: of the constructor.   fit: of `fit`.   others: tasks that what was learned is carried to.
    fold, held_out: of "folds", its name and the classes that are not learned from.
    called: what the column `protocol` says, if it is not the protocol's name.
    """

    protocol: str
    label: str
    method: str
    task: str
    shots: int = 16
    seed: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    fold: str = ""
    held_out: tuple[str, ...] = ()
    called: str = ""


class FitAndTest(Work):
    """Cells on one CLIP. model, pretrained, device, precision: as in `load_clip`.   root: as in `load_task`.

    Raises ValueError for a precision that does not exist.
    """

    kind = "fit and test"

    def __init__(
        self,
        model: str = "toyclip",
        pretrained: str | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        root: str | None = None,
    ):
        self.model, self.pretrained, self.device, self.asked_precision = model, pretrained, device, precision
        self.root = None if root is None else str(Path(root).expanduser().absolute())
        self._keep()

    def _keep(self) -> None:
        self._clip: Clip | None = None
        self._tasks: dict[str, Task] = {}
        self._methods: dict[str, Method] = {}
        self._trials: dict[tuple, _Known] = {}

    def __getstate__(self) -> dict:
        """What goes to other processes: what was asked for, and what it was found to be here."""
        kept = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return kept | {"fingerprint": self.fingerprint, "precision": self.precision}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._keep()

    # --- what is known before anything runs

    @property
    def clip(self) -> "Clip":
        """In this process, on the CPU: what methods are made with to ask them."""
        if self._clip is None:
            from lessons_lib.clip import load_clip

            self._clip = load_clip(self.model, self.pretrained, device="cpu", precision="fp32", verbose=False)
        return self._clip

    @cached_property
    def fingerprint(self) -> str:
        return self.clip.fingerprint

    @cached_property
    def precision(self) -> str:
        """The precision that was asked for; what "auto" is on the device of this machine."""
        from lessons_lib.device import precision_name, resolve_device, resolve_precision

        if self.asked_precision != "auto":
            return self.asked_precision
        return precision_name(resolve_precision("auto", resolve_device(self.device)))

    @property
    def name(self) -> str:
        """The model and its weights in words: "toyclip", "ViT-B-16-quickgelu openai"."""
        return " ".join(filter(None, (self.model, self.pretrained)))

    def check(self, cells: Sequence[Cell]) -> None:
        """Raises ValueError for unknown or impossible arguments, classes that a method cannot be carried to, tasks of
        another kind, and what `load_clip` and `load_task` raise for names and data."""
        checked = set()
        for cell in cells:
            about = (cell.method, canonical(plain([cell.settings, cell.fit])), self._key(cell), cell.shots)
            if about not in checked:
                checked.add(about)
                try:
                    check_trial(self._method(cell), *self._trial(cell).what, cell.shots, cell.fit)
                except ValueError as error:
                    raise ValueError(f"{cell.label}, {cell.protocol} on {cell.task}: {error}") from error

    def prepare(self, devices: set[str]) -> None:
        from lessons_lib.device import resolve_device, resolve_precision

        if self.asked_precision == "auto" and devices != {resolve_device(self.device).type}:
            raise ValueError(
                f"this machine computes on {resolve_device(self.device).type} and the runs on {', '.join(devices)}, so "
                f"what precision 'auto' means there is not known here: ask for one, such as precision 'bf16' or 'fp32'"
            )
        for device in devices - {"cuda"}:  # what a GPU can do is found out there
            resolve_precision(self.precision, device)

    def identity(self, cell: Cell) -> dict[str, Any]:
        method = self._method(cell)
        return {
            **method_identity(method, fit_settings(method, cell.shots, cell.fit)),
            "clip": self.fingerprint,
            "precision": self.precision,
            **self._trial(cell).identity,
            "shots": cell.shots,
            "seed": cell.seed,
        }

    def columns(self, cell: Cell) -> dict[str, Any]:
        identity = self.identity(cell)
        settings = {name: identity[name] for name in ("method", "format", "arguments", "clip", "precision")}
        return {
            "protocol": cell.called or cell.protocol,
            "method": cell.label,
            "task": f"{cell.task}, {cell.fold}" if cell.fold else cell.task,
            "shots": cell.shots,
            "seed": cell.seed,
            "settings": digest({**settings, "fit": plain(cell.fit)})[:12],
            "data": digest([identity["fitted on"], identity["tests"]])[:12],
            "clip": self.name,
        }

    def names(self, cell: Cell) -> dict[str, str]:
        """Targets are kept under their content, so that they are the same under another name."""
        return {kept: on for on, kept in self._trial(cell).kept.items()}

    def unit(self, metric: str) -> str:
        return "%"

    def cost(self, cell: Cell) -> float | None:
        from lessons_lib.methods.parts.cost import Sizes

        if self.model != "toyclip":
            return None
        what = self._trial(cell).what
        classes = len(what.fitted_on.classnames)
        tested = sum(len(task.test) for task in what.tests.values())
        return self._method(cell).cost(Sizes(classes, cell.shots * classes, tested, cell.shots, dict(cell.fit)))

    def alike(self, cell: Cell) -> str:
        return f"{cell.protocol} {cell.label}"

    def size(self, cell: Cell) -> float:
        return float(cell.shots)

    def shares(self, cell: Cell) -> str:
        return cell.task

    def describe(self, cell: Cell) -> str:
        """ "CoOp on toy_pets, 4 shots, seed 2"."""
        return f"{cell.label} on {cell.task}, {cell.shots} shots, seed {cell.seed}"

    def paper_names(self, cells: Sequence[Cell]) -> dict[str, str]:
        """Label -> what the method's paper calls it with these settings; "" for a variant that is not the paper's."""
        return {cell.label: self._method(cell).paper_name for cell in cells}

    # --- in a process

    def start(self, place: Place) -> None:
        from lessons_lib.clip import load_clip

        clip = load_clip(self.model, self.pretrained, device=place.device, precision=self.precision, verbose=False)
        if clip.fingerprint != self.fingerprint:
            raise ValueError(f"the weights of {self.name} on this machine are not those of the machine that planned")
        self._clip = clip

    def carry_out(self, cell: Cell) -> Result:
        from lessons_lib.runs.protocols import measured, trial

        known = self._trial(cell)
        sample = self._task(cell.task).sample(cell.shots, seed=cell.seed)
        what = trial(cell.protocol, sample, known.others, cell.held_out)
        found = measured(made(cell.method, self.clip, cell.settings), what, cell.seed, cell.fit)
        rows = [Row(known.kept[on], metric, value) for on, metric, value, _ in found.rows]
        return Result(rows, found.n_parameters, found.seconds, found.peak_mib)

    # --- what it is made of, each once

    def _task(self, name: str) -> "Task":
        if name not in self._tasks:
            from lessons_lib.data import load_task

            self._tasks[name] = load_task(name, root=self.root, progress=False)
        return self._tasks[name]

    def _method(self, cell: Cell) -> "Method":
        """Unfitted, to be asked."""
        key = f"{cell.method} {canonical(plain(cell.settings))}"
        if key not in self._methods:
            self._methods[key] = made(cell.method, self.clip, cell.settings)
        return self._methods[key]

    def _key(self, cell: Cell) -> tuple:
        return cell.protocol, cell.task, cell.others, cell.held_out

    def _trial(self, cell: Cell) -> "_Known":
        from lessons_lib.runs.protocols import PROTOCOLS, trial

        key = self._key(cell)
        if key not in self._trials:
            if cell.protocol not in PROTOCOLS:
                raise ValueError(f"unknown protocol {cell.protocol!r}. {nearest(cell.protocol, PROTOCOLS)}")
            others = {name: self._task(name) for name in cell.others if name != cell.task}
            what = trial(cell.protocol, self._task(cell.task), others, cell.held_out)
            tests = {on: split_digest(task.test) for on, task in what.tests.items()}
            kept = {on: tests[on][:16] if on in others else on for on in tests}
            if len(set(kept.values())) < len(kept):
                raise ValueError(f"two of the tasks {', '.join(others)} hold the same test images")
            identity = {"fitted on": task_digest(what.fitted_on), "tests": {kept[on]: tests[on] for on in tests}}
            self._trials[key] = _Known(what, others, identity, kept)
        return self._trials[key]


class _Known(NamedTuple):
    """Of a cell's protocol and tasks: what it fits and tests on, all images; the tasks carried to; the digests of all;
    and under which name the rows of each test are kept."""

    what: "Trial"
    others: dict[str, "Task"]
    identity: dict[str, Any]
    kept: dict[str, str]
