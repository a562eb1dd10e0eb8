"""Tasks in memory for `tiny_clip`: each class is a faint fixed pattern of 32 × 32 pixels under noise.

`noise_task` shows one class a picture; `mask_task` one in each quarter of a picture, and says which pixels show it;
`box_task` squares of classes, and the boxes around them; `caption_task` the same squares, and captions that name them.
"""

from hashlib import sha256

import torch
from torchvision.transforms.functional import to_pil_image

from lessons_lib.data import Boxes, Captions, Masks, Split, Task

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


def mask_split(count: int, seed: int, names: list[str] = NAMES, signal: float = 0.5) -> Split:
    """`count` pictures of four quarters, each of some class or of the background (class 0); edges have no class."""
    draws = torch.Generator().manual_seed(seed)
    pattern = torch.rand(len(names) + 1, 3, 32, 32, generator=torch.Generator().manual_seed(7))
    quarters = torch.randint(len(names) + 1, (count, 2, 2), generator=draws)
    masks = quarters.repeat_interleave(16, 1).repeat_interleave(16, 2)  # (N, 32, 32)
    shown = (pattern[:, :, None] * (torch.arange(len(names) + 1)[:, None] == masks.flatten()[None]).view(
        len(names) + 1, 1, count, 32, 32)).sum(dim=0).transpose(0, 1)  # (N, 3, 32, 32)  # fmt: skip
    pixels = 255 * (signal * shown + (1 - signal) * torch.rand(shown.shape, generator=draws))
    masks[:, :, 15] = 255
    return Split(Pixels(pixels.byte()), Masks(masks.byte()), ["background", *names])


def mask_task(*, shots: int | None = None, seed: int = 1, **settings) -> Task:
    pools = {part: mask_split(n, s, **settings) for part, n, s in (("train", 40, 1), ("val", 16, 2), ("test", 20, 3))}
    return Task.from_pools("masks", templates=TEMPLATES, shots=shots, seed=seed, **pools)


def box_split(count: int, seed: int, names: list[str] = NAMES, size: int = 32) -> Split:
    """`count` pictures of noise with one to three squares of a class's colour; every fifth picture has none."""
    draws = torch.Generator().manual_seed(seed)
    colours = torch.rand(len(names), 3, 1, 1, generator=torch.Generator().manual_seed(7))
    pixels, boxes, labels = 0.4 * torch.rand(count, 3, size, size, generator=draws), [], []
    for i in range(count):
        n = 0 if i % 5 == 4 else 1 + i % 3
        side = torch.randint(size // 4, size // 2, (n,), generator=draws)
        corner = (torch.rand(n, 2, generator=draws) * (size - side)[:, None]).int()
        boxes.append(torch.cat([corner, corner + side[:, None]], dim=1))
        labels.append(torch.randint(len(names), (n,), generator=draws))
        for (left, top, right, bottom), label in zip(boxes[-1].tolist(), labels[-1]):
            pixels[i, :, top:bottom, left:right] = colours[label]
    return Split(Pixels((255 * pixels).byte()), Boxes(boxes, labels, [(size, size)] * count), names)


def box_task(**settings) -> Task:
    pools = {part: box_split(n, s, **settings) for part, n, s in (("train", 20, 1), ("val", 6, 2), ("test", 10, 3))}
    return Task.from_pools("boxes", templates=TEMPLATES, **pools)


def caption_split(count: int, seed: int) -> Split:
    """The pictures of `box_split`; each caption names the first square, and the second where there is one."""
    split = box_split(count, seed)
    captions, phrases = [], []
    for labels in split.targets.labels:
        text, told = "a photo of", []
        for box, label in enumerate(labels[:2].tolist()):
            name = NAMES[label].replace("_", " ")
            text += f"{' and' if box else ''} a {name}"
            told.append((len(text) - len(name), len(text), box))
        captions.append(text if told else "a photo of nothing at all")
        phrases.append(told)
    targets = split.targets
    return Split(split.images, Captions(targets.boxes, targets.labels, targets.sizes, captions, phrases), NAMES)


def caption_task() -> Task:
    pools = {part: caption_split(n, s) for part, n, s in (("train", 20, 1), ("val", 6, 2), ("test", 10, 3))}
    return Task.from_pools("captions", templates=TEMPLATES, **pools)
