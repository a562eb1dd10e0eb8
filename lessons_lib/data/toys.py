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
from lessons_lib.sealed import recall, remember

SIZE = 64  # pixels: the edge of a drawn picture unless asked for otherwise


@cache
def renderer_fingerprint() -> str:
    """Over the source of the toy world: scenes of one fingerprint drawn by other code may be other images."""
    from lessons_lib import toyworld

    digest = sha256()
    for path in sorted(Path(toyworld.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Drawn:
    """SHA-256 of the pixels of N scenes, remembered in the cache folder from one run to the next.

    What the scenes and the source of the toy world say is only how a memory is found again: where the source was
    changed, pictures are drawn once more, and those that come out the same keep their digests.
    """

    def __init__(self, scenes, size: int):
        self._scenes, self._size, self._memory = scenes, size, None
        self._known: dict[int, str] | None = None  # place among the N -> digest

    @property
    def memory(self) -> Path:
        if self._memory is None:
            self._memory, self._scenes = _memory(self._scenes, "json", self._size), None
        return self._memory

    def of(self, images: "SceneImages") -> list[str]:
        """Hex, one a picture of `images`; they are drawn only where some of them were not yet."""
        if self._known is None:
            self._known = self._recall()
        if not all(place in self._known for place in images.places):
            for place, pixels in zip(images.places, images.tensor(), strict=True):
                about = f"{tuple(pixels.shape)} ".encode()
                self._known[place] = sha256(about + pixels.contiguous().numpy().tobytes()).hexdigest()
            remember(self.memory, {**self._recall(), **self._known})
        return [self._known[place] for place in images.places]

    def _recall(self) -> dict[int, str]:
        try:
            return {int(place): str(digest) for place, digest in recall(self.memory).items()}
        except (ValueError, AttributeError):  # none yet, or damaged: draw again
            return {}

    def __getstate__(self) -> dict:
        """What a process that opens images is sent: the memory's name, not all scenes."""
        _ = self.memory
        return self.__dict__


class SceneImages:
    """Drawn once, all together, when the first is asked for.

    scenes: ToyWorld scenes: ``len()``, indexable by a list, ``render()`` to (N, 3, size, size) uint8, a
    ``fingerprint``.   size: the pictures' edge in pixels.
    """

    def __init__(self, scenes, size: int = SIZE):
        self.scenes, self.size = scenes, size
        self.places = list(range(len(scenes)))  # among the scenes that `_drawn` knows
        self._drawn = Drawn(scenes, size)
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
        part = SceneImages(self.scenes[indices], self.size)
        part.places, part._drawn = [self.places[index] for index in indices], self._drawn
        if self._pixels is not None:
            part._pixels = self._pixels[indices]
        return part

    @property
    def fingerprint(self) -> str:
        """Over the pixels in order: what drew them is not in it."""
        return sha256("\n".join(self._drawn.of(self)).encode()).hexdigest()


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
            role: Split(DrawnSounds(waves), SoundLabels(labels), toysound.TASK.classnames)
            for role, (waves, labels) in drawn.items()
        }
    splits = {}
    for role in ("train", "val", "test"):
        if name in toyworld.SEVERAL:
            spec = toyworld.SEVERAL[name]
            scenes, classes = toyworld.draw_several(name, split=role, seed=seed)
            edge = size or spec.size
            if spec.told == "masks":
                targets = _masks(scenes, classes, edge)
            else:
                targets = _boxes(name, f"{seed} {role}", scenes, classes, edge)
            splits[role] = Split(SceneImages(scenes, edge), targets, spec.classnames)
        else:
            scenes, labels = toyworld.draw_scenes(name, split=role, seed=seed)
            splits[role] = Split(SceneImages(scenes, size or SIZE), labels, toyworld.TASKS[name].classnames)
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
