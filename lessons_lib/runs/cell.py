"""The kind of work that most sweeps are of: a method is fitted on a task and tested, as one of the protocols says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lessons_lib.files import expanded
from lessons_lib.identity import canonical, digest
from lessons_lib.runs.checks import check_trial, fit_settings, made, only_warms_up
from lessons_lib.runs.identity import method_identity, plain
from lessons_lib.runs.loaded import Known, Loaded
from lessons_lib.runs.timed import Timed
from lessons_lib.runs.work import Place, Result, Row

if TYPE_CHECKING:
    from lessons_lib.methods import Method


@dataclass(frozen=True)
class Cell:
    """One fit and its tests.

    protocol: "few-shot", "base-to-new", "folds", "cross-task" or "domain shift" (`protocols`).
    label: in the column `method`.   method: the class's name.   task: what `load_task` takes.
    settings: of the constructor.   fit: of `fit`.   others: tasks that what was learned is carried to.
    fold, held_out: of "folds", its name and the classes that are not learned from, as `protocols.trial` takes them.
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
    held_out: tuple = ()
    called: str = ""


class FitAndTest(Timed):
    """Cells on one CLIP. model, pretrained, device, precision: as in `load_clip`.   root, skip_unreadable: as in
    `load_task`.

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
        skip_unreadable: bool = False,
    ):
        self.model, self.pretrained, self.device, self.asked_precision = model, pretrained, device, precision
        self.root = None if root is None else str(expanded(root).absolute())
        self.skip_unreadable = skip_unreadable
        self._loaded = Loaded(model, pretrained, self.root, skip_unreadable)

    def __getstate__(self) -> dict:
        """What goes to other processes: what was asked for, and what it was found to be here."""
        kept = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return kept | {"fingerprint": self.fingerprint, "precision": self.precision}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._loaded = Loaded(self.model, self.pretrained, self.root, self.skip_unreadable, quiet=True)

    # --- what is known before anything runs

    @cached_property
    def fingerprint(self) -> str:
        return self._loaded.clip.fingerprint

    @cached_property
    def precision(self) -> str:
        """The precision that was asked for; what "auto" is on the device of this machine."""
        from lessons_lib.device import check_precision, precision_name, resolve_device, resolve_precision

        if self.asked_precision != "auto":
            check_precision(self.asked_precision)
            return self.asked_precision
        try:
            return precision_name(resolve_precision("auto", resolve_device(self.device)))
        except ValueError as error:
            raise ValueError(f"{error} Where the runs are to find it elsewhere, ask for a precision, too.") from error

    @property
    def name(self) -> str:
        """The model and its weights in words: "toyclip", "ViT-B-16-quickgelu openai"."""
        return " ".join(filter(None, (self.model, self.pretrained)))

    def check(self, cells: Sequence[Cell]) -> None:
        """Raises ValueError for unknown or impossible arguments, classes that a method cannot be carried to, tasks of
        another kind, and what `load_clip` and `load_task` raise for names and data."""
        _ = self.precision
        checked = set()
        for cell in cells:
            about = canonical(plain({**asdict(cell), "label": "", "seed": 0}))
            if about not in checked:
                checked.add(about)
                try:
                    check_trial(self._method(cell), *self._known(cell).what, cell.shots, cell.fit)
                except ValueError as error:
                    raise ValueError(f"{cell.label}, {cell.protocol} on {cell.task}: {error}") from error

    def prepare(self, devices: set[str]) -> None:
        from lessons_lib.device import resolve_device, resolve_precision

        if self.asked_precision == "auto" and devices != {resolve_device(self.device).type}:
            raise ValueError(
                f"this machine computes on {resolve_device(self.device).type} and the runs on {', '.join(devices)}, so "
                f"what precision 'auto' means there is not known here: ask for one, such as precision 'bf16' or 'fp32'"
            )
        self._loaded.check_pictures()
        if "cpu" in devices:  # what a GPU can do is found out there
            resolve_precision(self.precision, "cpu")

    def may_pass(self, error: Exception) -> bool:
        """What the library refuses, in data and arguments, it refuses again; losses that are not finite come again."""
        return not isinstance(error, ValueError | TypeError | LookupError | AttributeError | ArithmeticError)

    def identity(self, cell: Cell) -> dict[str, Any]:
        return {
            **method_identity(self._method(cell), self.fit_settings(cell)),
            "clip": self.fingerprint,
            "precision": self.precision,
            **self._known(cell).identity,
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
        return {kept: on for on, kept in self._known(cell).kept.items()}

    def unit(self, metric: str) -> str:
        return "%"

    def shares(self, cell: Cell) -> str:
        return cell.task

    def fit_settings(self, cell: Cell) -> dict[str, Any]:
        """What the cell's `fit` will do, the published numbers filled in."""
        return fit_settings(self._method(cell), cell.shots, cell.fit)

    def describe(self, cell: Cell) -> str:
        """ "CoOp on toy_pets, 4 shots, seed 2"."""
        return f"{cell.label} on {cell.task}, {cell.shots} shots, seed {cell.seed}"

    def paper_names(self, cells: Sequence[Cell]) -> dict[str, str]:
        """Label -> what the method's paper calls it with these settings; "" for a variant that is not the paper's."""
        return {cell.label: self._method(cell).paper_name for cell in cells}

    def only_warming_up(self, cells: Sequence[Cell]) -> list[str]:
        """The labels of which some cell is trained for no more epochs than the method's warm-up has."""
        short = [cell.label for cell in cells if only_warms_up(self._method(cell), cell.shots, cell.fit)]
        return list(dict.fromkeys(short))

    # --- in a process

    def start(self, place: Place) -> None:
        from lessons_lib.clip import load_clip

        clip = load_clip(self.model, self.pretrained, device=place.device, precision=self.precision, verbose=False)
        if clip.fingerprint != self.fingerprint:
            raise ValueError(f"the weights of {self.name} on this machine are not those of the machine that planned")
        self._loaded.clip = clip

    def carry_out(self, cell: Cell) -> Result:
        from lessons_lib.runs.protocols import measured, trial

        known = self._known(cell)
        sample = self._loaded.task(cell.task).sample(cell.shots, seed=cell.seed)
        what = trial(cell.protocol, sample, known.others, cell.held_out)
        found = measured(made(cell.method, self._loaded.clip, cell.settings), what, cell.seed, cell.fit)
        rows = [Row(known.kept[on], metric, value) for on, metric, value, _ in found.rows]
        return Result(rows, found.n_parameters, found.seconds, found.peak_mib)

    def _known(self, cell: Cell) -> Known:
        return self._loaded.trial(cell.protocol, cell.task, cell.others, cell.held_out)

    def _method(self, cell: Cell) -> "Method":
        return self._loaded.method(cell.method, cell.settings)
