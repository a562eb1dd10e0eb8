"""The toy world's tasks as splits: scenes that are drawn when their images are first asked for."""

from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError

from lessons_lib import sealed
from lessons_lib.data.split import Split
from lessons_lib.data.targets import Masks
from lessons_lib.files import atomic_write, cache_dir
from lessons_lib.sealed import recall, remember


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

    def __init__(self, scenes):
        self._scenes, self._memory = scenes, None
        self._known: dict[int, str] | None = None  # place among the N -> digest

    @property
    def memory(self) -> Path:
        if self._memory is None:
            self._memory, self._scenes = _memory(self._scenes, "json"), None
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

    scenes: ToyWorld scenes: ``len()``, indexable by a list, ``render()`` to (N, 3, 64, 64) uint8, a ``fingerprint``.
    """

    def __init__(self, scenes):
        self.scenes = scenes
        self.places = list(range(len(scenes)))  # among the scenes that `_drawn` knows
        self._drawn = Drawn(scenes)
        self._pixels: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.scenes)

    def tensor(self) -> torch.Tensor:
        """(N, 3, H, W) uint8."""
        if self._pixels is None:
            self._pixels = self.scenes.render()
        return self._pixels

    def image(self, index: int) -> Image.Image:
        return Image.fromarray(self.tensor()[index].permute(1, 2, 0).numpy())

    def subset(self, indices: list[int]) -> "SceneImages":
        part = SceneImages(self.scenes[indices])
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
    from lessons_lib import toyworld

    return toyworld.TASKS | toyworld.SEVERAL


def toy_splits(name: str, *, seed: int) -> dict[str, Split]:
    """ "train", "val" and "test" of a toy task; ``seed`` chooses which scenes are drawn."""
    from lessons_lib import toyworld

    splits = {}
    for role in ("train", "val", "test"):
        if name in toyworld.SEVERAL:
            scenes, classes = toyworld.draw_several(name, split=role, seed=seed)
            splits[role] = Split(SceneImages(scenes), _masks(scenes, classes), toyworld.SEVERAL[name].classnames)
        else:
            scenes, labels = toyworld.draw_scenes(name, split=role, seed=seed)
            splits[role] = Split(SceneImages(scenes), labels, toyworld.TASKS[name].classnames)
    return splits


def _masks(scenes, classes: torch.Tensor) -> Masks:
    """Drawn, or remembered: they cost as much as the pictures, and few shots cannot be drawn without them."""
    from lessons_lib import toyworld

    memory = _memory(scenes, "masks.safetensors")
    with suppress(OSError, SafetensorError, KeyError, ValueError):  # none yet, or damaged: draw
        kept = sealed.load(memory)[0]["masks"]
        if kept.shape[0] == len(scenes) and kept.dtype == torch.uint8 and kept.ndim == 3:
            return Masks(kept)
    masks = toyworld.class_masks(scenes, classes)
    with suppress(OSError):  # a disk that takes no more costs only the time to draw again
        atomic_write(memory, sealed.to_bytes({"masks": masks}))
    return Masks(masks)


def _memory(scenes, what: str) -> Path:
    """The file for what was found of these scenes as they are drawn today."""
    key = sha256(f"{scenes.fingerprint} {renderer_fingerprint()}".encode()).hexdigest()[:32]
    return cache_dir() / "drawn" / f"{key}.{what}"
