"""Pictures that the lesson asks about: things that move, several of a kind, and colours that change places."""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from lessons_lib.toyworld import Scenes, Sketch, draw_scenes
from lessons_lib.toyworld.scenes import finished
from lessons_lib.toyworld.things import CLASSES

_RECIPES = {cls.name: cls for cls in CLASSES}


class _Dyed(Sketch):
    """A sketch whose main colour is told."""

    dye = ""

    def colour(self, *names: str) -> np.ndarray:
        if self.dye:
            names, self.dye = (self.dye,), ""
        return super().colour(*names)


def _drawn(things: Sequence[tuple[str, str, float, float, float]], seed: int) -> Scenes:
    """One picture of things: (name, colour or "", x, y, scale) each."""
    sketch = _Dyed(1, np.random.default_rng(seed), category="thing")
    sketch.backdrop()
    for name, colour, x, y, scale in things:
        sketch.dye = colour
        sketch.place(name, x=x, y=y, scale=scale, angle=0, flip=1)
        _RECIPES[name].draw(sketch)
    return finished(sketch)


def clips(names: Sequence[str], per_name: int, *, frames: int = 5, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Films of one thing that moves across the picture: (N, frames, 3, 64, 64) uint8, what it is (N,), and whether it
    moves to the right (N,), 0 or 1. Every film that goes one way is there the other way round, too, next to it."""
    films, what = [], []
    for label, name in enumerate(names):
        for i in range(per_name):
            at = np.linspace(-0.45, 0.45, frames)
            one = Scenes.cat([_drawn([(name, "", x, 0, 0.5)], seed + 1000 * label + i) for x in at]).render()
            films += [one, one.flip(0)]
            what += [label, label]
    return torch.stack(films), torch.tensor(what), torch.tensor([1, 0] * (len(films) // 2))


def counted(name: str, counts: Sequence[int], per_count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(N, 3, 64, 64) uint8 pictures with that many of one thing, up to four, and the index of the count, (N,)."""
    corners = [(-0.45, -0.45), (0.45, 0.45), (0.45, -0.45), (-0.45, 0.45)]
    every = [
        _drawn([(name, "", x, y, 0.42) for x, y in corners[:count]], seed + i).render()
        for count in counts
        for i in range(per_count)
    ]
    return torch.cat(every), torch.arange(len(counts)).repeat_interleave(per_count)


def two_coloured(pairs: Sequence[tuple[str, str]], colours: tuple[str, str], per_pair: int, *, seed: int = 0) -> Tensor:
    """(N, 3, 64, 64) uint8: the first thing of a pair in the first colour on the left, the second beside it."""
    every = [
        _drawn([(a, colours[0], -0.45, 0, 0.5), (b, colours[1], 0.45, 0, 0.5)], seed + i).render()
        for a, b in pairs
        for i in range(per_pair)
    ]
    return torch.cat(every)


def digits(per_digit: int) -> tuple[Tensor, Tensor]:
    """Real handwritten digits (scikit-learn's), dark on light: (N, 3, 64, 64) uint8, and which they are, (N,)."""
    found = load_digits()
    keep = np.concatenate([np.flatnonzero(found.target == digit)[:per_digit] for digit in range(10)])
    pixels = torch.from_numpy(255 - found.images[keep] * 255 / 16).to(torch.uint8)  # (N, 8, 8)
    large = pixels.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)
    return large[:, None].expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(found.target[keep])


class Judge:
    """A linear classifier of coarse pixels, fitted to labelled drawings: it has never heard of CLIP."""

    def __init__(self, per_class: int = 6) -> None:
        pictures, labels, self.classnames = _things("train", per_class)
        x, y = self._seen(pictures), torch.nn.functional.one_hot(labels).double()
        self.weights = torch.linalg.solve(x.T @ x + 30 * torch.eye(x.shape[1]).double(), x.T @ y)

    @staticmethod
    def _seen(pictures: Tensor) -> Tensor:
        """(N, 3, H, W), 0 to 1 -> (N, 433): twelve by twelve pixels, and a 1."""
        small = torch.nn.functional.adaptive_avg_pool2d(pictures, 12).flatten(1).double() - 0.5
        return torch.cat([small, torch.ones(len(small), 1).double()], dim=1)

    def rank(self, picture: Tensor, name: str) -> int:
        """Of all class names, at which place this one stands for a picture (3, H, W), 0 to 1; 1 is the first."""
        scores = (self._seen(picture[None]) @ self.weights)[0]
        return int((scores > scores[self.classnames.index(name)]).sum()) + 1

    def accuracy(self, per_class: int = 2) -> float:
        """Percent right on test drawings."""
        pictures, labels, _ = _things("test", per_class)
        return 100 * ((self._seen(pictures) @ self.weights).argmax(dim=1) == labels).double().mean().item()


def _things(split: str, per_class: int) -> tuple[Tensor, Tensor, list[str]]:
    scenes, labels = draw_scenes("toy_things", split, per_class=per_class)
    return scenes.render() / 255, torch.as_tensor(labels), [cls.name for cls in CLASSES]
