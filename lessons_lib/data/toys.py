"""The toy world's tasks as splits: scenes that are drawn when their images are first asked for."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import torch
from PIL import Image

from lessons_lib.data.task import Split


@cache
def renderer_fingerprint() -> str:
    """Over the source of the toy world: scenes of one fingerprint drawn by other code are other images."""
    from lessons_lib import toyworld

    digest = sha256()
    for path in sorted(Path(toyworld.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class SceneImages:
    """Drawn once, all together, when the first is asked for.

    scenes: ToyWorld scenes: ``len()``, indexable by a list, ``render()`` to (N, 3, 64, 64) uint8, a ``fingerprint``.
    """

    def __init__(self, scenes):
        self.scenes = scenes
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
        if self._pixels is not None:
            part._pixels = self._pixels[indices]
        return part

    @property
    def fingerprint(self) -> str:
        return sha256(f"{self.scenes.fingerprint} {renderer_fingerprint()}".encode()).hexdigest()


def toy_splits(name: str, *, seed: int) -> dict[str, Split]:
    """ "train", "val" and "test" of a toy task; ``seed`` chooses which scenes are drawn."""
    from lessons_lib import toyworld

    splits = {}
    for role in ("train", "val", "test"):
        scenes, labels = toyworld.draw_scenes(name, split=role, seed=seed)
        splits[role] = Split(SceneImages(scenes), labels, toyworld.TASKS[name].classnames)
    return splits
