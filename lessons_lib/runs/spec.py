"""What a sweep runs: methods × tasks × shots × seeds under one protocol, on one CLIP. Checked before work starts."""

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.methods import Method
    from lessons_lib.runs.sweeps import Job, Run

PROTOCOLS = ("few-shot", "base-to-new", "cross-task", "domain shift")
FITTED_CLASSES_ONLY = ("LinearProbe", "TextProbe", "LPPlusPlus")  # have no weights for any other class
NOT_IN_FIT = ("seed", "progress", "checkpoint")  # the sweep gives these, or one file would serve all


@dataclass(frozen=True)
class Bench:
    """One sweep. Every list may be given as a single value; repeated entries count once.

    methods: names of classes (`lessons_lib.methods.METHODS`), or {label: class name} where one class comes with
        several settings, such as {"Tip-Adapter": "TipAdapter", "Tip-Adapter-F": "TipAdapter"}.
    tasks: what `load_task` takes, fitted on.   shots: images a class, at least 1.   seeds: draw shots, start and order.
    protocol: "few-shot", "base-to-new", "cross-task" or "domain shift" (see `protocols`).
    model, pretrained, device, precision: as in `load_clip`.   root: as in `load_task`, for all tasks.
    others: the tasks that are tested on in "cross-task" and "domain shift"; left out, all others of the toy tasks or of
        the published sets, or the four shifts of "toy_things" or "imagenet".
    settings: {label: constructor's arguments}.   fit: {label: arguments of `fit`}; published values where left out.

    Raises ValueError that names the nearest for an unknown method, task, protocol or argument, and for lists that are
    empty, shots below 1, or a method that cannot be carried to other classes where the protocol needs it.
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
    others: tuple[str, ...] = ()
    settings: Mapping[str, dict] = field(default_factory=dict)
    fit: Mapping[str, dict] = field(default_factory=dict)

    def __post_init__(self):
        methods = self.methods if isinstance(self.methods, Mapping) else {name: name for name in _words(self.methods)}
        given = {
            "methods": {str(label): str(name) for label, name in methods.items()},
            "tasks": _words(self.tasks),
            "others": _words(self.others),
            "shots": _numbers("shots", self.shots, least=1),
            "seeds": _numbers("seeds", self.seeds, least=0),
            **{name: None if (path := getattr(self, name)) is None else str(path) for name in ("pretrained", "root")},
            **{
                name: {k: dict(v or {}) for k, v in _mapping(name, getattr(self, name))} for name in ("settings", "fit")
            },
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        for name in ("methods", "tasks", "shots", "seeds"):
            if not getattr(self, name):
                raise ValueError(f"a sweep needs at least one of its {name}")
        if self.protocol not in PROTOCOLS:
            raise ValueError(_unknown("protocol", self.protocol, PROTOCOLS))
        self._check_methods()
        object.__setattr__(self, "others", self.others or self._usual_others())
        for task in (*self.tasks, *self.others):
            is_folder(task, self.root)

    @classmethod
    def from_yaml(cls, path: str | Path) -> "Bench":
        """The sweep that a YAML file describes, with the arguments of `Bench` as its keys.

        Raises FileNotFoundError where there is no file, and ValueError, as the constructor does, or for a file that is
        not YAML, a key that is unknown (with the nearest), or one that is missing.
        """
        import yaml

        path = Path(path).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"there is no sweep at '{path}'")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
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

    def jobs(self) -> "list[Job]":
        """(run, seed) for every run: seed by seed, task by task, so that the first seeds are complete early."""
        runs = self.runs()
        return [(run, seed) for seed in self.seeds for run in runs]

    def runs(self) -> "list[Run]":
        """A cell for every task, shots and method, in this order."""
        from lessons_lib.runs.sweeps import Run

        return [
            Run(
                self.protocol,
                label,
                name,
                task,
                shots,
                self.settings.get(label, {}),
                self.fit.get(label, {}),
                tuple(other for other in self.others if other != task),
            )
            for task in self.tasks
            for shots in self.shots
            for label, name in self.methods.items()
        ]

    @property
    def clip(self) -> str:
        """The model and its weights in words: "toyclip", "ViT-B-16-quickgelu openai"."""
        return " ".join(filter(None, (self.model, self.pretrained)))

    def digest(self, run: "Run") -> str:
        """12 hex digits over all that decides a cell's rows beside protocol, label, task and shots.

        That is its method with all settings, whether given or left at their defaults, the tasks that it is carried to,
        the model, the content of its weights' file where it is named, precision, and which files a folder of photos
        holds. Not the device, nor where data lie.
        """
        method = _method(run.method)
        settings, fit = _arguments(method)
        about = [run.method, settings | run.settings, fit | run.fit, sorted(run.others), self.precision]
        about += [self.model, self.pretrained, _weights(self.model, self.pretrained)]
        about += [
            _listing(str(_folder(task, self.root))) for task in (run.task, *run.others) if is_folder(task, self.root)
        ]
        return sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:12]

    def check_data(self) -> None:
        """Raises FileNotFoundError or ValueError, saying what to do, where a task's folder is not on this machine."""
        from lessons_lib.data.published import PUBLISHED, data_root

        for task in (*self.tasks, *self.others):
            if is_folder(task, self.root):
                if not (folder := _folder(task, self.root)).is_dir():
                    raise FileNotFoundError(f"task '{task}': there is no folder '{folder.absolute()}'")
            elif task in PUBLISHED:
                data_root(task, self.root)

    def _check_methods(self) -> None:
        for label, name in self.methods.items():
            method = _method(name)
            settings, fit = _arguments(method)
            for given, known, what in ((self.settings, settings, name), (self.fit, fit, f"{name}.fit")):
                for argument in given.get(label, {}):
                    if argument not in known:
                        raise ValueError(_unknown(f"argument of {what}", argument, known))
            if self.protocol in ("base-to-new", "cross-task") and name in FITTED_CLASSES_ONLY:
                raise ValueError(
                    f"{name} knows no other classes than those that it was fitted on, so protocol {self.protocol!r} "
                    "cannot measure it: leave it out, or use protocol 'few-shot'"
                )
        for name in ("settings", "fit"):
            for label in getattr(self, name):
                if label not in self.methods:
                    raise ValueError(f"{name}: {_unknown('method', label, self.methods)}")

    def _usual_others(self) -> tuple[str, ...]:
        if self.protocol in ("few-shot", "base-to-new"):
            return ()
        from lessons_lib.data.published import PUBLISHED
        from lessons_lib.toyworld import ELEVEN, SHIFTS

        published = [name for name, one in PUBLISHED.items() if not one.only_tests]
        shifts = {"toy_things": SHIFTS, "imagenet": [name for name in PUBLISHED if name not in published]}
        if self.protocol == "domain shift":
            found = shifts.get(self.tasks[0], ()) if len(self.tasks) == 1 else ()
        else:
            found = next((names for names in (ELEVEN, published) if set(self.tasks) <= set(names)), ())
        found = tuple(found) if len(self.tasks) > 1 else tuple(name for name in found if name != self.tasks[0])
        if not found:
            raise ValueError(
                f"protocol {self.protocol!r}: name in `others` the tasks to which that is carried which was learned on "
                f"{', '.join(self.tasks)}"
            )
        return found


def is_folder(task: str, root: str | None) -> bool:
    """Whether a task is a folder of photos, rather than a name. Raises ValueError, with the nearest, for neither."""
    from lessons_lib.data.load import _is_path

    return _is_path(task, _folder(task, root))


def _folder(task: str, root: str | None) -> Path:
    return Path(root or ".").expanduser() / Path(task).expanduser()


def _method(name: str) -> type:
    from lessons_lib.methods import METHODS

    if name not in METHODS:
        raise ValueError(_unknown("method", name, METHODS))
    return METHODS[name]


def _arguments(method: type["Method"]) -> tuple[dict, dict]:
    """What a sweep may set of its constructor and of its `fit`, with the defaults."""
    given = inspect.signature(method).parameters.values()
    settings = {one.name: one.default for one in given if one.name != "clip"}
    return settings, {name: value for name, value in method.fit_arguments().items() if name not in NOT_IN_FIT}


@cache
def _weights(model: str, pretrained: str | None) -> str | None:
    """The digest of the file of weights, where a file is named; published weights are known by their name."""
    from lessons_lib.clip.recipes import FOLDER, TOYCLIP, find

    if model == TOYCLIP or model.startswith(FOLDER):
        file = find(model, pretrained).weights
    else:
        file = Path(pretrained or "").expanduser()
    return _sha256(file) if file.is_file() else None


def _sha256(path: Path) -> str:
    digest = sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 22):
            digest.update(part)
    return digest.hexdigest()


@cache
def _listing(folder: str) -> str:
    """A digest of the files' names and sizes: photos that were added or taken away make it another task."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    names = sorted(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}" for path in files)
    return sha256("\n".join(names).encode()).hexdigest()


def _words(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([value] if isinstance(value, str) else map(str, value or ())))


def _numbers(name: str, value: int | Iterable[int], least: int) -> tuple[int, ...]:
    numbers = [value] if isinstance(value, int) else list(value or ())
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"{name}: {number!r} is not a whole number from {least} up")
    return tuple(dict.fromkeys(numbers))


def _mapping(name: str, value: Mapping | None) -> Iterable[tuple[str, dict]]:
    if not isinstance(value or {}, Mapping) or not all(
        isinstance(one or {}, Mapping) for one in (value or {}).values()
    ):
        raise ValueError(f"{name} must be {{method: {{argument: value}}}}; got {value!r}")
    return (value or {}).items()


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    known = list(known)
    hint = nearest(name, known) or (f"There are {', '.join(known)}" if known else "There are none")
    return f"unknown {what} {name!r}. {hint}"
