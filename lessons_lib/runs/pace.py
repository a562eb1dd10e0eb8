"""How long runs take on this machine, measured: of each method that is trained, a step and a few test images, on the
smallest and on the largest of its tasks; of the frozen image tower, a few pictures.

    a run    prepared + steps · step + tested · test       each a line in the number of classes
    once     what a picture takes, for each whose features are not kept yet

What was measured is kept in the cache folder, for this machine, model and settings. Methods that are not trained by
steps take seconds; their own table (`Method.cost`) says how many.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from tqdm.auto import tqdm

from lessons_lib.device import synchronize
from lessons_lib.features import are_kept, image_features
from lessons_lib.files import atomic_write, cache_dir, from_json
from lessons_lib.identity import digest
from lessons_lib.methods.learned import Learned
from lessons_lib.methods.parts.cost import AT_LEAST
from lessons_lib.runs.identity import plain
from lessons_lib.runs.work import machine
from lessons_lib.training import train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task
    from lessons_lib.methods import Method

PICTURES, TESTED = 64, 24  # that are encoded, and tested on, to see what one takes


class Taken(NamedTuple):
    """Seconds.   classes: C, of the task.   prepared: before the first step.   step: one.
    asked: of a test before its first picture (the texts).   test: a picture."""

    classes: int
    prepared: float
    step: float
    asked: float
    test: float


@dataclass
class Pace:
    """encode: seconds a picture through the frozen tower, opened or drawn first.   taken: label -> its smallest and its
    largest task."""

    encode: float
    taken: dict[str, list[Taken]] = field(default_factory=dict)

    def run(self, label: str, classes: int, steps: int, tested: Sequence[int]) -> float:
        """Seconds of one fit and its tests, of so many pictures each."""
        prepared, step, asked, test = _between(self.taken[label], classes)
        return AT_LEAST + prepared + steps * step + len(tested) * asked + sum(tested) * test

    def once(self, clip: "Clip", splits: Iterable["Split"]) -> float:
        """Seconds for the features of these that are not kept yet."""
        return self.encode * sum({s.fingerprint: len(s) for s in splits if not are_kept(clip, s)}.values())


def _between(taken: Sequence[Taken], classes: int) -> list[float]:
    """Each at so many classes, on the line through both ends; not below nothing."""
    low, high = taken[0], taken[-1]
    at = (classes - low.classes) / (high.classes - low.classes) if high.classes > low.classes else 0.0
    return [max(0.0, a + at * (b - a)) for a, b in zip(low[1:], high[1:])]


def is_measured(method: "Method") -> bool:
    """Whether it learns step by step, and in no other way."""
    return isinstance(method, Learned) and type(method).fit is Learned.fit


def steps_of(recipe: Mapping[str, Any], images: int) -> int:
    """recipe: as `Learned.fit_settings` gives it.   images: that are trained on."""
    if "steps" in recipe:
        return recipe["steps"]
    return recipe["epochs"] * math.ceil(images / (recipe.get("batch_size") or images))


def encoding(clip: "Clip", split: "Split") -> float:
    """Seconds a picture, of the first ones; nothing is kept."""
    few = _first(split, PICTURES)
    image_features(clip, _first(split, 1), cache=False, progress=False)
    return _seconds(lambda: image_features(clip, few, cache=False, progress=False), clip) / len(few)


def measure(method: Learned, task: "Task", fit: Mapping[str, Any]) -> Taken:
    """method: fresh.   task: with the shots of the runs.   fit: what they are given. Of two steps on the first batch,
    the second counts; what `prepare` encodes is encoded before."""
    asked, clip = method.fit_settings(task.shots, **fit), method.clip
    recipe = method.recipe(task.shots, 2, None, asked.get("batch_size"), seed=1)
    if not method.learns_from_pixels:
        method.features(task.train)

    def prepare() -> None:
        method.begin(task)
        method.reset(1)
        method.prepare(task.train, seed=1, progress=False)

    prepared = _seconds(prepare, clip)
    batch = _first(task.train, recipe.batch_size or len(task.train))
    train(method, batch, recipe, views=asked["views"], progress=False)
    pictures = torch.stack([clip.preprocess(task.test.image(i)) for i in range(min(TESTED, len(task.test)))])
    inputs = pictures.to(clip.device)
    inputs = inputs if method.learns_from_pixels else method.features(inputs)

    def answer(count: int) -> object:
        given = inputs[:count]
        return method.logits(given) if method.learns_from_pixels else method.logits_from_features(given)

    answer(1)
    with torch.inference_mode():
        one, many = (_seconds(lambda n=n: answer(n), clip) for n in (1, len(inputs)))
    each = max(0.0, many - one) / max(1, len(inputs) - 1)
    return Taken(len(task.classnames), prepared, method.history[-1]["seconds"], max(0.0, one - each), each)


def _first(split: "Split", count: int) -> "Split":
    return split.subset(range(min(count, len(split))))


def _seconds(work: Callable[[], object], clip: "Clip") -> float:
    synchronize(clip.device)
    start = time.perf_counter()
    work()
    synchronize(clip.device)
    return time.perf_counter() - start


def pace_of(
    clip: "Clip", ends: Mapping[str, Sequence[tuple[Callable[[], "Method"], "Task", Mapping]]], progress: bool
) -> Pace:
    """ends: label -> of its smallest and its largest task: what makes the method, the task, and what `fit` is given."""
    on = str(clip.device)
    here = [clip.fingerprint, clip.precision, on, machine(on), torch.get_num_threads(), str(torch.__version__)]
    tasks = [task for own in ends.values() for _, task, _ in own]
    pace = Pace(_kept([*here, tasks[0].name], lambda: encoding(clip, tasks[0].test)))
    for label, own in tqdm(ends.items(), desc="timing a step", unit="method", disable=not progress, leave=False):
        for make, task, fit in own:
            if is_measured(method := make()):
                about = [type(method).__name__, plain(method.settings()), plain(dict(fit)), task.classnames, task.shots]
                taken = _kept([*here, *about], lambda method=method, task=task, fit=fit: measure(method, task, fit))
                pace.taken.setdefault(label, []).append(Taken(*taken))
    return pace


# --- what was measured before


def _kept(about: list, work: Callable[[], Any]) -> Any:
    key = digest(about)
    if (found := remembered(key)) is None:
        remember(key, found := work())
    return found


def remembered(key: str) -> Any:
    """None where nothing is kept under it, or what is kept cannot be read."""
    try:
        return from_json(_file().read_text())[key]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def remember(key: str, value: Any) -> None:
    """Beside what is kept already; where the disk refuses, it is measured again the next time."""
    try:
        kept = from_json(_file().read_text())
    except (OSError, ValueError):
        kept = {}
    try:
        atomic_write(_file(), json.dumps((kept if isinstance(kept, dict) else {}) | {key: value}).encode())
    except OSError:
        pass


def _file() -> Path:
    return cache_dir() / "pace.json"
