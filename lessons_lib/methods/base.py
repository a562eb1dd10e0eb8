"""What all methods have in common, whatever they predict: the constructor stores settings, `fit` learns, `score`
measures, and facts that others need to know stand on the class.

A method is a file in the folder of its kind (`classify/`, …); with its definition it is in `METHODS`, and that is all
that makes it known. What a kind adds to this class is in a class of its own, such as `Classifier`.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lessons_lib.clip.tokens import read_by
from lessons_lib.methods import saving
from lessons_lib.methods.parts.cost import Sizes
from lessons_lib.suggest import nearest
from lessons_lib.templates import DEFAULT, check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

METHODS: dict[str, type["Method"]] = {}  # by the name of the class, which is what a saved file gives
CHANGES_NOTHING = ("checkpoint", "progress", "workers")  # arguments of `fit` that the result does not depend on


class Method(torch.nn.Module):
    """Something that is adapted to a task, around a frozen CLIP; its parameters are exactly what it learns.

    classnames: list of C names, None until `fit` or `for_classes`.   task_template: the default template of the task.
    history: a row an epoch of the last `fit`, where that trains.   workers: processes that open image files in `score`.
    """

    kind: str  # what it predicts, as `task.kind` says it: "classify", "segment", …
    metric: str  # which of `measure` is the score
    HEARS = False  # a classifier of sounds ("hear"), too
    FORMAT = 1  # raised when the code comes to give other numbers from the same settings
    trains = False  # by gradient descent: `fit` takes epochs and leaves a history
    learns_from_pixels = False  # images go through a tower that it changes, so the frozen one's features are of no use
    learns_projection = False  # the image tower's last: its features are what that is given, (N, d_v)
    needs_validation = False  # `fit` chooses on validation images
    CHOOSES = ("", "")  # there: what it chooses, and how to make the method so that there is nothing to choose
    EPOCHS: int | None = None  # that training takes, as published
    WARMUP_EPOCHS = 0  # of its training, at a rate so low that next to nothing is learned
    LR_TIMES: Mapping[str, float] = {}  # part of the method -> what the learning rate is multiplied by there
    MEMORY_ONLY: tuple[str, ...] = ()  # settings that trade time for memory: to lower where memory is short
    PAPER_NAME = ""  # the class's name if empty
    IN_PAPER: tuple[str, ...] = ()  # settings that the paper itself varies under that name
    ALIASES: tuple[str, ...] = ()  # further names to find it by
    PER_IMAGE: float | None = None  # seconds of training an image and epoch with ToyCLIP on one core, where known

    def __init_subclass__(cls, **settings) -> None:
        """A class that a file in a kind's folder defines is a method of the library; in `parts/`, what some share."""
        super().__init_subclass__(**settings)
        folder = cls.__module__.rpartition(".")[0]
        inside = folder.startswith(f"{__package__}.") and folder != f"{__package__}.parts"
        if inside and not cls.__name__.startswith("_"):
            METHODS[cls.__name__] = cls

    def __init__(self, clip: "Clip"):
        super().__init__()
        self.clip = clip  # not a module, so its weights are none of the method's parameters
        self.classnames: list[str] | None = None
        self.task_template = DEFAULT
        self.history: list[dict] = []
        self.workers = 0

    # --- what it is

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments by name, as given and defaults filled in: the same method can be made of them."""
        names = [name for name in inspect.signature(type(self)).parameters if name != "clip"]
        return {name: getattr(self, name) for name in names}

    def arguments(self) -> dict[str, Any]:
        """The settings that the result depends on."""
        return {name: value for name, value in self.settings().items() if name not in self.MEMORY_ONLY}

    @property
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.parameters())

    @property
    def paper_name(self) -> str:
        """What its paper calls a method with these settings; "" where they are not the paper's."""
        settings, published = self.settings(), type(self)(self.clip).settings()
        told = [name for name, value in settings.items() if value != published[name]]
        return (self.PAPER_NAME or type(self).__name__) if set(told) <= {*self.IN_PAPER, *self.MEMORY_ONLY} else ""

    def cost(self, sizes: Sizes) -> float | None:
        """Core seconds of a fit and its tests with ToyCLIP, roughly; None where that is not known."""
        return None

    # --- learning

    def fit(self, task: "Task") -> "Method":
        """Learns from `task.train` (and selects on `task.val`); never looks at `task.test`. Returns self."""
        raise NotImplementedError

    @classmethod
    def fit_arguments(cls) -> dict[str, Any]:
        """What `fit` takes besides the task, with defaults; where it passes `**settings` on, also its parents'."""
        found: dict[str, Any] = {}
        for base in cls.__mro__:
            if "fit" not in vars(base):
                continue
            given = list(inspect.signature(vars(base)["fit"]).parameters.values())[2:]  # without self and task
            found = {one.name: one.default for one in given if one.kind is not one.VAR_KEYWORD} | found
            if all(one.kind is not one.VAR_KEYWORD for one in given):
                break
        return found

    def fit_settings(self, shots: int | None = None, **fit) -> dict[str, Any]:
        """What `fit(task, **fit)` comes to on a task of so many shots, the published numbers filled in; without what
        the result does not depend on. Raises ValueError for a name that `fit` does not take, with the nearest, and for
        values that are impossible."""
        known = self.fit_arguments()
        for name in fit:
            if name not in known:
                hint = nearest(name, known) or f"It takes {', '.join(known) or 'nothing'}."
                raise ValueError(f"fitting {type(self).__name__} takes no {name!r}. {hint}")
        return {name: value for name, value in (known | fit).items() if name not in CHANGES_NOTHING}

    def check_task(self, task: "Task") -> None:
        """Raises ValueError where the method cannot learn from this task: asked before any work."""
        self.check_kind(task.kind, f"the task {task.name!r}")
        if self.needs_validation and (task.val is None or len(task.val) == 0):
            what, otherwise = self.CHOOSES
            raise ValueError(
                f"there are no validation images to choose {what} on: hold some out as task.val, or fix it, as in "
                f"{otherwise}"
            )

    def begin(self, task: "Task") -> None:
        """Takes the task's default template and its classes; nothing changes where these are refused."""
        before, self.task_template = self.task_template, task.templates[0]
        try:
            self.set_classes(task.classnames)
        except BaseException:
            self.task_template = before
            raise

    def set_classes(self, classnames: Iterable[str]) -> None:
        """Prepares for these classes. Raises ValueError for empty names, and where two are one text to the tokenizer.

        A method that overrides this calls it last, so that what is refused changes nothing.
        """
        self.classnames = check_classnames(classnames, read_by(self.clip.tokenizer))

    def take_less_memory(self, images: int) -> str:
        """Called by the loop where a step on so many images did not fit: lowers a setting that trades time for memory,
        and says so, such as "max_prompts=64"; "" where there is none to lower."""
        return ""

    def after_epoch(self, epoch: int, epochs: int) -> None:
        """Called by the loop behind every epoch of `epochs`, from 1, that went well. What it changes or keeps, in what
        is learned and in buffers, goes into the checkpoint, and is taken back where the epoch is."""

    # --- other classes

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        """Why what is learned on the classes `fitted_on` cannot answer for the classes `to`; "" where it can."""
        return ""

    def for_classes(self, classnames: Iterable[str]) -> "Method":
        """The same method, with what it learned, for other classes; this one stays as it is. Before `fit`, its start.

        Raises ValueError, with the reason that `carries` gives, where it cannot be carried.
        """
        names = check_classnames(classnames)
        if self.classnames is not None and (reason := self.carries(names, self.classnames)):
            raise ValueError(reason)
        other = type(self)(self.clip, **self.settings())
        other.task_template, other.workers = self.task_template, self.workers
        other.set_classes(names)
        if (state := self.carried(names)) is not None:
            other.load_state_dict(state)
        return other.eval()

    def carried(self, classnames: list[str]) -> dict[str, Tensor] | None:
        """The state of the same method for these classes; None where there is nothing to carry yet."""
        return self.state_dict()

    # --- measuring

    def measure(self, split: "Split") -> dict[str, float]:
        """All metrics of its kind on a split, by name, in percent, 0 to 100.

        Raises ValueError where the split is empty, of another kind, or has other classes. Under torchrun every process
        has to call it: they share the work.
        """
        raise NotImplementedError

    def score(self, split: "Split") -> float:
        """`measure(split)[self.metric]`, in percent, 0 to 100."""
        return self.measure(split)[self.metric]

    def by_class(self, split: "Split") -> list[dict]:
        """A row a class, the worst first, to be shown as a table. Raises ValueError as `measure` does, and where its
        kind has no such table."""
        raise ValueError(f"there is no table of classes for methods of kind {self.kind!r}")

    def check_split(self, split: "Split") -> None:
        """Raises ValueError where a split cannot be measured on: it is of another kind, empty, or has other classes."""
        self.check_ready()
        self.check_kind(split.targets.kind, "the split")
        if len(split) == 0:
            raise ValueError(f"the split has no {split.many}, so there is no {self.metric} to measure")
        if list(split.classnames) != self.classnames:
            raise ValueError(
                f"this {type(self).__name__} knows {_described(self.classnames)}, but the split has "
                f"{_described(split.classnames)}: use for_classes(split.classnames), or fit on the split's own task"
            )

    def check_kind(self, kind: str, of: str) -> None:
        """Raises ValueError for targets of another kind than the method predicts."""
        if kind != self.kind and not (self.HEARS and kind == "hear"):
            raise ValueError(
                f"{type(self).__name__} is a method of kind {self.kind!r}, but {of} is of kind {kind!r}: use a method "
                f"of that kind, or a task of kind {self.kind!r}"
            )

    def check_ready(self) -> None:
        """Raises RuntimeError where there are no classes yet."""
        if self.classnames is None:
            raise RuntimeError(f"this {type(self).__name__} has no classes yet: call fit(task) first")

    def save(self, path: str | Path, *, replace: bool = True, half: bool = False) -> Path:
        """Writes settings, class names and what was learned to a safetensors file, whole or not at all.

        replace: whether a file that is there may be written over; FileExistsError otherwise.
        half: round to 16 bits, which halves the file; it computes in 32 bits when it is loaded.
        """
        self.check_ready()
        return saving.save(self, path, replace=replace, half=half)


def _described(classnames: Iterable[str]) -> str:
    names = list(classnames)
    shown = ", ".join(repr(name) for name in names[:3])
    return f"{len(names)} classes ({shown}{', …' if len(names) > 3 else ''})"
