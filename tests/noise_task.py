"""A task in memory for `tiny_clip`: each class is a faint fixed pattern of 32 × 32 pixels under noise."""

from hashlib import sha256

import torch
from torchvision.transforms.functional import to_pil_image

from lessons_lib.data import Split, Task

NAMES = ["cat", "yellow_crane", "dog", "tea pot", "owl"]
TEMPLATES = ["a drawing of a {}.", "{} here."]


class Pixels:
    """The images behind a split: (N, 3, 32, 32) uint8 in memory."""

    def __init__(self, pixels: torch.Tensor):
        self.pixels = pixels
        self.fingerprint = sha256(pixels.numpy().tobytes()).hexdigest()

    def __len__(self):
        return len(self.pixels)

    def image(self, index):
        return to_pil_image(self.pixels[index])

    def subset(self, indices):
        return Pixels(self.pixels[indices])

    def tensor(self):
        return self.pixels


def noise_split(per_class: int, seed: int, names: list[str] = NAMES, signal: float = 0.25) -> Split:
    """per_class images of every class; signal 0 … 1 is the share of the class's pattern."""
    pattern = torch.rand(len(names), 3, 32, 32, generator=torch.Generator().manual_seed(7))
    labels = torch.arange(len(names)).repeat_interleave(per_class)
    noise = torch.rand(len(labels), 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return Split(Pixels((255 * (signal * pattern[labels] + (1 - signal) * noise)).byte()), labels, names)


def noise_task(*, shots: int | None = 4, seed: int = 1, names: list[str] = NAMES, **settings) -> Task:
    pools = {
        part: noise_split(n, s, names, **settings) for part, n, s in (("train", 16, 1), ("val", 8, 2), ("test", 12, 3))
    }
    return Task.from_pools("noise", templates=TEMPLATES, shots=shots, seed=seed, **pools)
