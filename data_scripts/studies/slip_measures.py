"""What is measured of the study of SLIP's models: zero-shot by their texts, and linear probes of their trunks."""

from functools import lru_cache

import torch
from torch import Tensor

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.data.split import Split
from lessons_lib.data.task import Task
from lessons_lib.data.toys import SceneImages
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.pretrain.trunk import trunk_of
from lessons_lib.runs import Row
from lessons_lib.teaching.lesson15.record import TASKS

COLOURED = "toy_cars"  # of which every class comes in every colour
PER_CLASS = {"train": 32, "val": 16, "test": 50}  # pictures


@lru_cache(maxsize=8)
def task_of(name: str, pictures: int) -> Task:
    """All training pictures of a task; C is chosen on its validation pictures, and others of their kind, drawn with
    another seed, stand in the test's place."""
    spec = toyworld.TASKS[name]
    splits = {role: Split(SceneImages(scenes), labels, spec.classnames) for role, (scenes, labels) in
              scenes_of(name, pictures).items()}  # fmt: skip
    return Task.from_pools(name, **splits, templates=spec.templates)


@lru_cache(maxsize=2)
def colour_task(pictures: int) -> Task:
    """The same pictures of cars; to be told is their main colour."""
    found = scenes_of(COLOURED, pictures)
    colours = sorted({facts.colours[0] for facts in found["train"][0].facts})
    splits = {}
    for role, (scenes, _) in found.items():
        scenes = scenes[[i for i, facts in enumerate(scenes.facts) if facts.colours[0] in colours]]
        labels = torch.tensor([colours.index(facts.colours[0]) for facts in scenes.facts])
        splits[role] = Split(SceneImages(scenes), labels, colours)
    return Task.from_pools(f"colours of {COLOURED}", **splits, templates=["a photo of a {} car."])


def scenes_of(name: str, pictures: int) -> dict[str, tuple[toyworld.Scenes, Tensor]]:
    return {
        "train": toyworld.draw_scenes(name, "train", per_class=PER_CLASS["train"]),
        "val": toyworld.draw_scenes(name, "val", per_class=PER_CLASS["val"]),
        "test": toyworld.draw_scenes(name, "val", seed=pictures, per_class=PER_CLASS["test"]),
    }


def zero_shot(clip: Clip, pictures: int, at: float) -> list[Row]:
    """Percent right on each task, by its own template."""
    rows = []
    for task in (task_of(name, pictures) for name in TASKS):
        images = clip.preprocess_tensor(task.test.tensor())  # a tensor: nothing of a model in training is cached
        right = accuracy(ll.ZeroShot(clip).fit(task).predict(images), task.test.labels)
        rows.append(Row(task.name, "zero_shot", right, at))
    return rows


def probed(clip: Clip, pictures: int, at: float) -> list[Row]:
    """Percent right by linear probes of the trunk, of each task's classes and of cars' colours."""
    trunk = trunk_of(clip)
    probe = lambda task: ll.LinearProbe(trunk).fit(task).score(task.test)  # noqa: E731
    rows = [Row(name, "linear", probe(task_of(name, pictures)), at) for name in TASKS]
    return [*rows, Row(COLOURED, "colour", probe(colour_task(pictures)), at)]
