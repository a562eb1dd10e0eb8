"""The pictures that lesson 11 and its training script look at: those of "toy_scene_masks", drawn role by role.

`load_task` draws all three splits, of which the lesson needs one; the test pictures here are the task's own.
"""

import torch
from torch import Tensor

from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.data import Masks, Split
from lessons_lib.data.targets import BACKGROUND
from lessons_lib.data.toys import SceneImages

TASK, FOLDS = "toy_scene_masks", 4
NAMES = list(toyworld.SEVERAL[TASK].classnames)  # "background" first, then 64 things
OTHER = 1  # the seed of pictures that are not the task's, which has 0


def fold(number: int = 0) -> tuple[list[str], list[str]]:
    """(seen, unseen) things: the unseen are one of four runs of 16, as `Task.fold` has it."""
    things = [name for name in NAMES if name != BACKGROUND]
    size = len(things) // FOLDS
    unseen = things[number * size : (number + 1) * size]
    return [name for name in things if name not in unseen], unseen


def drawn(role: str, count: int | None = None, *, without: list[str] = (), seed: int = OTHER) -> Split:
    """So many pictures, none of which shows a thing of `without`. ValueError where too few are found."""
    avoided = torch.tensor([0, *(NAMES.index(name) for name in without)])[1:]
    more = 3 * count if without else count  # about 45 % show none of a quarter of the things
    scenes, classes = toyworld.draw_several(TASK, role, seed=seed, count=more)
    kept = (~torch.isin(classes, avoided).any(dim=1)).nonzero().flatten()[:count]
    if count is not None and len(kept) < count:
        raise ValueError(f"only {len(kept)} of {more} pictures show none of these {len(without)} things: ask for fewer")
    scenes, classes = scenes[kept.tolist()], classes[kept]
    return Split(SceneImages(scenes), Masks(toyworld.class_masks(scenes, classes)), NAMES)


def test() -> Split:
    """The task's 400 test pictures."""
    return drawn("test", seed=0)


def of_labels(split: Split, labels: list[str]) -> Split:
    """The same pictures with these labels alone, by their place in the list; other things are background there."""
    return split.of_classes([NAMES.index(name) for name in labels])


def tensors(clip: Clip, split: Split) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, S, S), preprocessed, and masks (N, S, S) long."""
    return clip.preprocess_tensor(split.tensor()).to(clip.device), split.targets.masks.long()
