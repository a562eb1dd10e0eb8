"""The toy world's tasks as splits: scenes that are drawn when their images are first asked for."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError

from lessons_lib import sealed
from lessons_lib.data.boxes import Boxes, Captions
from lessons_lib.data.sounds import DrawnSounds
from lessons_lib.data.split import Split
from lessons_lib.data.targets import Masks, SoundLabels, Targets
from lessons_lib.files import atomic_write, cache_dir

SIZE = 64  # pixels: the edge of a drawn picture unless asked for otherwise


@cache
def renderer_fingerprint() -> str:
    """Over the source of the toy world: scenes of one fingerprint drawn by other code may be other images."""
    from lessons_lib import toyworld

    digest = sha256()
    for path in sorted(Path(toyworld.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class SceneImages:
    """Drawn once, all together, when the first is asked for.

    scenes: ToyWorld scenes: ``len()``, indexable by a list, ``render()`` to (N, 3, size, size) uint8, a
    ``fingerprint``.   size: the pictures' edge in pixels.   origin: what these scenes are, and no others (default:
    their fingerprint).
    """

    def __init__(self, scenes, size: int = SIZE, origin: str = ""):
        self.scenes, self.size, self.origin = scenes, size, origin or scenes.fingerprint
        self.places = list(range(len(scenes)))  # among the scenes of that origin
        self._pixels: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.scenes)

    def tensor(self) -> torch.Tensor:
        """(N, 3, H, W) uint8."""
        if self._pixels is None:
            self._pixels = self.scenes.render(size=self.size)
        return self._pixels

    def image(self, index: int) -> Image.Image:
        return Image.fromarray(self.tensor()[index].permute(1, 2, 0).numpy())

    def subset(self, indices: list[int]) -> "SceneImages":
        part = SceneImages(self.scenes[indices], self.size, self.origin)
        part.places = [self.places[index] for index in indices]
        if self._pixels is not None:
            part._pixels = self._pixels[indices]
        return part

    @property
    def fingerprint(self) -> str:
        """Over what draws them, in order, and not over pixels: processors round these differently, here and there."""
        return sha256(f"{self.origin} {self.size} {self.places}".encode()).hexdigest()


def toy_tasks() -> dict[str, Any]:
    """Every toy task by name: its record, with twin, templates and classnames."""
    from lessons_lib import toysound, toyworld

    return toyworld.TASKS | toyworld.SEVERAL | {toysound.TASK.name: toysound.TASK}


def check_size(size: int | None) -> None:
    """Raises ValueError for another edge of drawn pictures than a multiple of 4 from 32 to 512, or None."""
    is_number = isinstance(size, int) and not isinstance(size, bool)
    if size is not None and not (is_number and 32 <= size <= 512 and size % 4 == 0):
        raise ValueError(f"size={size!r}: pictures are drawn 32 to 512 pixels wide, a multiple of 4, such as 64 or 128")


def toy_splits(name: str, *, seed: int, size: int | None = None) -> dict[str, Split]:
    """ "train", "val" and "test" of a toy task; ``seed`` chooses which scenes are drawn, ``size`` how large."""
    from lessons_lib import toysound, toyworld

    check_size(size)
    if name == toysound.TASK.name:
        if size is not None:
            raise ValueError(f"size={size}: {name} is of sounds, which have no size")
        drawn = {role: toysound.draw_sounds(role, seed=seed) for role in toysound.SPLIT_SIZES}
        return {
            role: Split(
                DrawnSounds(waves, f"toysound {toysound.EDITION} {role} {seed}"),
                SoundLabels(labels),
                toysound.TASK.classnames,
            )
            for role, (waves, labels) in drawn.items()
        }
    splits = {}
    for role in ("train", "val", "test"):
        origin = f"toyworld {toyworld.EDITION} {name} {role} {seed}"
        if name in toyworld.SEVERAL:
            spec = toyworld.SEVERAL[name]
            scenes, classes = toyworld.draw_several(name, split=role, seed=seed)
            edge = size or spec.size
            if spec.told == "masks":
                targets = _masks(scenes, classes, edge)
            else:
                targets = _boxes(name, f"{seed} {role}", scenes, classes, edge)
            splits[role] = Split(SceneImages(scenes, edge, origin), targets, spec.classnames)
        else:
            scenes, labels = toyworld.draw_scenes(name, split=role, seed=seed)
            splits[role] = Split(SceneImages(scenes, size or SIZE, origin), labels, toyworld.TASKS[name].classnames)
    return splits


def _masks(scenes, classes: torch.Tensor, size: int) -> Masks:
    from lessons_lib import toyworld

    found = _remembered(scenes, "masks", size, lambda: toyworld.class_masks(scenes, classes, size=size))
    return Masks(found)


def _boxes(name: str, words: str, scenes, classes: torch.Tensor, size: int) -> Targets:
    from lessons_lib import toyworld

    found = _remembered(scenes, "boxes", size, lambda: toyworld.thing_boxes(scenes, size=size))  # (N, MOST, 4)
    seen = found.isfinite().all(dim=-1)  # (N, MOST)
    boxes = [some[there] for some, there in zip(found, seen)]
    of_things = boxes, [row[there] - 1 for row, there in zip(classes, seen)], [(size, size)] * len(scenes)
    if toyworld.SEVERAL[name].told == "boxes":
        return Boxes(*of_things)
    captions, told = zip(*toyworld.captions_of(name, scenes, seed=words))
    place = (seen.cumsum(dim=1) - 1).tolist()  # of a thing among those that are seen
    phrases = [
        [(start, end, place[i][thing]) for start, end, thing in each if seen[i, thing]] for i, each in enumerate(told)
    ]
    return Captions(*of_things, captions, phrases)


def _remembered(scenes, what: str, size: int, draw: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Drawn, or remembered: it costs as much as the pictures, and few shots cannot be drawn without it."""
    memory = _memory(scenes, f"{what}.safetensors", size)
    with suppress(OSError, SafetensorError, KeyError, ValueError):  # none yet, or damaged: draw
        kept = sealed.load(memory)[0][what]
        if kept.shape[0] == len(scenes) and kept.ndim == 3:
            return kept
    found = draw()
    with suppress(OSError):  # a disk that takes no more costs only the time to draw again
        atomic_write(memory, sealed.to_bytes({what: found}))
    return found


def _memory(scenes, what: str, size: int) -> Path:
    """The file for what was found of these scenes as they are drawn today."""
    large = "" if size == SIZE else f" {size}"
    key = sha256(f"{scenes.fingerprint} {renderer_fingerprint()}{large}".encode()).hexdigest()[:32]
    return cache_dir() / "drawn" / f"{key}.{what}"
