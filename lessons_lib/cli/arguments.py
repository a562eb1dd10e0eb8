"""What the subcommands' options have in common: which CLIP, which data, methods by name, and name=value."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from lessons_lib.files import from_json
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    import pandas as pd

    from lessons_lib.clip import Clip
    from lessons_lib.data import Task
    from lessons_lib.methods import Method

WARM_UP_ALONE = "the first epoch is a warm-up at 1e-5, so one epoch alone learns next to nothing"
WORDS = {"true": True, "false": False, "none": None, "null": None}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, keeps the examples' line breaks, and takes no shortened options."""

    def __init__(self, **settings):
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")

    def option_names(self) -> list[str]:
        return [name for action in self._actions for name in action.option_strings]


def add_clip_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the CLIP")
    group.add_argument("--model", help="'toyclip' (default, embedded), an open_clip architecture, or hf-hub:…")
    group.add_argument("--pretrained", metavar="TAG", help="its weights: a tag such as 'openai', or a checkpoint")
    group.add_argument("--device", default="auto", help="auto (default), cpu, or a GPU as torch names it")
    group.add_argument("--precision", default="auto", help="auto (default), fp32, bf16, fp16")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the data")
    group.add_argument("--root", metavar="FOLDER", help="the folder above the published sets (default: $LESSONS_DATA)")
    group.add_argument("--skip-unreadable", action="store_true", help="leave damaged images out, with a warning")


def load_clip(args: argparse.Namespace, model: str = "toyclip") -> "Clip":
    """The CLIP that the options name; `model` where they name none."""
    from lessons_lib.clip import load_clip

    return load_clip(args.model or model, args.pretrained, device=args.device, precision=args.precision)


def load_task(args: argparse.Namespace, *, shots: int | None = None, seed: int = 1) -> "Task":
    from lessons_lib.data import load_task

    return load_task(
        args.task,
        shots=shots,
        seed=seed,
        root=args.root,
        skip_unreadable=args.skip_unreadable,
        progress=shows_progress(),
    )


def part_of(task: "Task", classes: str) -> "Task":
    """classes: "all", "base" or "new"."""
    return {"all": lambda: task, "base": task.base, "new": task.new}[classes]()


def method_named(name: str) -> type["Method"]:
    """A method's class, by its name or an alias; case, hyphens and spaces do not count ("clip-adapter", "LP++").
    Raises ValueError with the nearest."""
    from lessons_lib.methods import METHODS

    by_plain = {_plain(known): method for name, method in METHODS.items() for known in (name, *method.ALIASES)}
    if _plain(name) not in by_plain:
        hint = nearest(name, METHODS) or f"The methods are {', '.join(METHODS)}."
        raise ValueError(f"there is no method {name!r}. {hint}")
    return by_plain[_plain(name)]


def make_method(method: type["Method"], clip: "Clip", settings: dict[str, Any]) -> "Method":
    """The unfitted method. Raises ValueError for a setting that it does not have, with the nearest, or cannot take."""
    known = [name for name in inspect.signature(method).parameters if name != "clip"]
    check_names(settings, known, f"{method.__name__} has no setting")
    try:
        return method(clip, **settings)
    except TypeError as error:
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        raise ValueError(f"{method.__name__} cannot be made with {given}: {error}") from error


def check_names(given: Iterable[str], known: Sequence[str], complaint: str) -> None:
    """Raises ValueError for the first name that is not known."""
    for name in given:
        if name not in known:
            raise ValueError(f"{complaint} {name!r}. {nearest(name, known) or f'It has {_listed(known)}.'}")


def pairs(given: Sequence[str] | None) -> dict[str, Any]:
    """["n_ctx=4", "ctx_init=a photo of a"] -> {"n_ctx": 4, "ctx_init": "a photo of a"}. Raises ValueError."""
    found: dict[str, Any] = {}
    for pair in given or ():
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--set {pair}: write name=value, such as n_ctx=4")
        if name in found:
            raise ValueError(f"--set {name}=… is given twice")
        found[name] = value_of(text)
    return found


def value_of(text: str) -> Any:
    """A number, true, false, none, a JSON list or object, or else the text itself."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return from_json(text)
    except json.JSONDecodeError:
        return text


def shots_of(text: str) -> int | None:
    """ "all" -> None."""
    return None if text == "all" else at_least(1)(text)


def at_least(least: int) -> Callable[[str], int]:
    """An option's type: a whole number."""

    def whole(text: str) -> int:
        number = int(text) if text.removeprefix("-").isdecimal() else least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, at least {least}")
        return number

    return whole


def one_of(*choices: str) -> Callable[[str], str]:
    """An option's type: one of a few words."""

    def choice(text: str) -> str:
        if text not in choices:
            hint = nearest(text, choices) or f"Use one of {', '.join(choices)}."
            raise argparse.ArgumentTypeError(f"{text!r} is not known. {hint}")
        return text

    return choice


def shows_progress() -> bool:
    """Bars are for people: not for a log file."""
    return sys.stderr.isatty()


def aligned(table: "pd.DataFrame") -> str:
    """A table in plain text: words lie to the left, numbers to the right."""
    columns = []
    for name in table.columns:
        texts = [str(name), *map(str, table[name])]
        width = max(map(len, texts))
        is_number = table[name].dtype.kind in "iuf"
        columns.append([text.rjust(width) if is_number else text.ljust(width) for text in texts])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum() or letter == "+")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
