"""What a sweep runs: methods × tasks × shots × seeds under one protocol, on one CLIP."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from lessons_lib.files import expanded
from lessons_lib.runs import as_written
from lessons_lib.runs.cell import Cell, FitAndTest
from lessons_lib.runs.checks import GIVEN, check_names, constructor_names, method_class
from lessons_lib.runs.plan import Plan
from lessons_lib.suggest import nearest


@dataclass(frozen=True)
class Bench:
    """One sweep. Every list may be given as a single value; repeated entries count once.

    methods: names of classes (`lessons_lib.methods.METHODS`), or {label: class name} where one class comes with
        several settings, such as {"Tip-Adapter": "TipAdapter", "Tip-Adapter-F": "TipAdapter"}.
    tasks: what `load_task` takes, fitted on.   shots: images a class, at least 1.   seeds: draw shots, start and order.
    protocol: "few-shot", "base-to-new", "folds", "cross-task" or "domain shift" (see `protocols`).
    model, pretrained, device, precision: as in `load_clip`.   root, skip_unreadable: as in `load_task`, for all
        tasks.
    others: the tasks that are tested on in "cross-task" and "domain shift"; left out, all others of the toy tasks or of
        the published sets, or the four shifts of "toy_things" or "imagenet".
    folds: of the protocol "folds": into how many the classes of each task are cut, or {fold: names of the classes that
        are held out}.
    settings: {label: constructor's arguments}.   fit: {label: arguments of `fit`}; published values where left out.

    Raises ValueError that names the nearest for an unknown method, protocol or argument, and for lists that are empty
    or hold what they cannot. `plan` checks the rest, all of it before anything runs.
    """

    methods: Mapping[str, str]
    tasks: tuple[str, ...]
    shots: tuple[int, ...] = (16,)
    seeds: tuple[int, ...] = (1, 2, 3)
    protocol: str = "few-shot"
    model: str = "toyclip"
    pretrained: str | None = None
    device: str = "auto"
    precision: str = "auto"
    root: str | None = None
    skip_unreadable: bool = False
    others: tuple[str, ...] = ()
    folds: int | Mapping[str, tuple[str, ...]] | None = None
    settings: Mapping[str, dict] = field(default_factory=dict)
    fit: Mapping[str, dict] = field(default_factory=dict)

    def __post_init__(self):
        methods = self.methods
        if not isinstance(methods, Mapping):
            methods = {name: name for name in _words("methods", methods)}
        given = {
            "methods": {label: _word("methods", name) for label, name in _mapping("methods", methods)},
            "tasks": _words("tasks", self.tasks),
            "others": _words("others", self.others),
            "shots": _numbers("shots", self.shots, least=1),
            "seeds": _numbers("seeds", self.seeds, least=0),
            "folds": _folds(self.folds),
            **{name: None if (one := getattr(self, name)) is None else _word(name, one) for name in OPTIONAL},
            **{name: _word(name, getattr(self, name)) for name in ("protocol", "model", "device", "precision")},
            **{name: _arguments(name, getattr(self, name)) for name in ("settings", "fit")},
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        if not isinstance(self.skip_unreadable, bool):
            raise ValueError(f"skip_unreadable must be true or false; got {self.skip_unreadable!r}")
        for name in ("methods", "tasks", "shots", "seeds"):
            if not getattr(self, name):
                raise ValueError(f"a sweep needs at least one of its {name}")
        self._check_names()
        object.__setattr__(self, "others", self.others or self._usual_others())

    @classmethod
    def from_yaml(cls, path: str | Path) -> "Bench":
        """The sweep that a YAML file describes, with the arguments of `Bench` as its keys.

        Raises FileNotFoundError where there is no file, and ValueError, as the constructor does, or for a file that is
        not YAML, a key that is unknown (with the nearest), or one that is missing.
        """
        import yaml

        path = expanded(path)
        if not path.is_file():
            raise FileNotFoundError(f"there is no sweep at '{path}'")
        try:
            content = as_written.load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"'{path}' is not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(content, dict):
            raise ValueError(f"'{path}' must hold 'key: value' lines, such as 'methods: [CoOp, ZeroShot]'")
        names = [one.name for one in fields(cls)]
        for key in content:
            if key not in names:
                raise ValueError(f"'{path}': {_unknown('key', str(key), names)}")
        missing = [name for name in ("methods", "tasks") if name not in content]
        if missing:
            raise ValueError(f"'{path}' does not say which {' and '.join(missing)} to run")
        try:
            return cls(**content)
        except ValueError as error:
            raise ValueError(f"'{path}': {error}") from error

    def to_dict(self) -> dict:
        """Plain values, with which `Bench` makes the same sweep."""
        return asdict(self)

    @property
    def clip(self) -> str:
        """The model and its weights in words: "toyclip", "ViT-B-16-quickgelu openai"."""
        return " ".join(filter(None, (self.model, self.pretrained)))

    def cells(self) -> list[Cell]:
        """Every run: seed by seed, task by task, so that the first seeds are complete early."""
        from lessons_lib.runs.protocols import named_folds

        folds = {"": ()} if self.folds is None else named_folds(self.folds)
        return [
            Cell(
                self.protocol,
                label,
                name,
                task,
                shots,
                seed,
                self.settings.get(label, {}),
                self.fit.get(label, {}),
                tuple(other for other in self.others if other != task),
                fold,
                held_out,
            )
            for seed in self.seeds
            for task in self.tasks
            for fold, held_out in folds.items()
            for shots in self.shots
            for label, name in self.methods.items()
        ]

    def plan(self) -> Plan:
        """What there is to run, checked: loads the CLIP, and what belongs to each task.

        Raises ValueError for unknown tasks, with the nearest, impossible values of arguments and classes that a method
        cannot be carried to, and what `load_clip` and `load_task` raise.
        """
        where = {name: getattr(self, name) for name in ("device", "precision", "root", "skip_unreadable")}
        work = FitAndTest(self.model, self.pretrained, **where)
        plan = Plan(work, self.cells(), self.to_dict())
        plan.about["in papers"] = work.paper_names(plan.cells)
        return plan

    def _check_names(self) -> None:
        from lessons_lib.runs.protocols import PROTOCOLS

        if self.protocol not in PROTOCOLS:
            raise ValueError(_unknown("protocol", self.protocol, PROTOCOLS))
        if (self.protocol == "folds") != (self.folds is not None):
            raise ValueError("protocol 'folds' and `folds`, which classes each fold holds out, go together")
        for name in ("settings", "fit"):
            for label in getattr(self, name):
                if label not in self.methods:
                    raise ValueError(f"{name}: {_unknown('method', label, self.methods)}")
        for label, name in self.methods.items():
            method = method_class(name)
            check_names(self.settings.get(label, {}), constructor_names(method), name)
            check_names(
                self.fit.get(label, {}), [one for one in method.fit_arguments() if one not in GIVEN], f"{name}.fit"
            )

    def _usual_others(self) -> tuple[str, ...]:
        """What the papers carry to."""
        if self.protocol not in ("cross-task", "domain shift"):
            return ()
        from lessons_lib.data.names import papers_eleven, shifts_of, toy_eleven

        if self.protocol == "domain shift":
            found = shifts_of(self.tasks[0]) if len(self.tasks) == 1 else ()
        else:
            elevens = toy_eleven(), papers_eleven()
            found = next((names for names in elevens if set(self.tasks) <= set(names)), ())
        found = tuple(found) if len(self.tasks) > 1 else tuple(name for name in found if name != self.tasks[0])
        if not found:
            raise ValueError(
                f"protocol {self.protocol!r}: name in `others` the tasks to which that is carried which was learned on "
                f"{', '.join(self.tasks)}"
            )
        return found


OPTIONAL = ("pretrained", "root")


def _word(name: str, value) -> str:
    """A text; a number where YAML has read one, such as a folder's name."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Path):
        raise ValueError(f"{name}: {value!r} is not a name")
    return str(value)


def _words(name: str, value) -> tuple[str, ...]:
    if isinstance(value, str | Path):
        value = [value]
    if isinstance(value, Mapping) or not isinstance(value or (), Iterable):
        raise ValueError(f"{name} must be a name or a list of names; got {value!r}")
    return tuple(dict.fromkeys(_word(name, one) for one in value or ()))


def _numbers(name: str, value, least: int) -> tuple[int, ...]:
    if isinstance(value, str | Mapping) or (value is not None and not isinstance(value, int | Iterable)):
        raise ValueError(f"{name} must be a whole number or a list of them; got {value!r}")
    numbers = [value] if isinstance(value, int) else list(value or ())
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"{name}: {number!r} is not a whole number from {least} up")
    return tuple(dict.fromkeys(numbers))


def _folds(value) -> int | dict[str, tuple[str, ...]] | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 1):
        return value
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"folds must be a whole number from 2 up, or {{fold: names of classes}}; got {value!r}")
    return {fold: _words(f"fold {fold}", names) for fold, names in _mapping("folds", value)}


def _mapping(name: str, value) -> list[tuple[str, object]]:
    if not isinstance(value or {}, Mapping):
        raise ValueError(f"{name} must be 'name: value' pairs; got {value!r}")
    return [(_word(name, key), one) for key, one in (value or {}).items()]


def _arguments(name: str, value) -> dict[str, dict]:
    found = _mapping(name, value)
    if not all(isinstance(one or {}, Mapping) for _, one in found):
        raise ValueError(f"{name} must be {{method: {{argument: value}}}}; got {value!r}")
    return {label: {_word(f"{name} of {label}", key): given for key, given in (one or {}).items()}
            for label, one in found}  # fmt: skip


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    known = list(known)
    hint = nearest(name, known) or (f"There are {', '.join(known)}" if known else "There are none")
    return f"unknown {what} {name!r}. {hint}"
