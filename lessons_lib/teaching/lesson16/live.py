"""What an audio tower learns from within a lesson: fresh sounds, each with a picture and a name as a frozen CLIP sees
them, so that the audio tower alone has to be run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lessons_lib import toysound, toyworld
from lessons_lib.toyworld.scenes import Scenes, draw_class

if TYPE_CHECKING:
    from lessons_lib import Task
    from lessons_lib.clip import Clip
    from lessons_lib.clip.audio import AudioCLIP

NAMES = list(toysound.CLASSES)
BRIDGED = list(toysound.BRIDGED)
POOL, POOL_SEED = 16, 78  # pictures a class: others than those of the study


class Batch(NamedTuple):
    """sounds: (N, 8000) float; pictures, texts: (N, D), of length 1; labels: (N,), for looking alone."""

    sounds: Tensor
    pictures: Tensor
    texts: Tensor
    labels: Tensor


def pictures_of(name: str, n: int, seed: int) -> Scenes:
    """n pictures of a thing or an action that makes a sound."""
    specs = (toyworld.TASKS[task] for task in ("toy_things", "toy_actions"))
    spec = next(spec for spec in specs if name in spec.classnames)
    cls, rng = spec.classes[spec.classnames.index(name)], np.random.default_rng([seed, NAMES.index(name)])
    return draw_class(cls, n, rng, category=spec.category, conditions=spec.conditions)


def drawn(names: Sequence[str], n: int, seed: int) -> Tensor:
    """(names · n, 3, 64, 64) uint8: n pictures of each."""
    return Scenes.cat([pictures_of(name, n, seed) for name in names]).render()


class Triples:
    """Batch `step` is a function of the seed and the step alone."""

    def __init__(self, clip: "Clip", *, seed: int = 0, pool: int = POOL):
        self.seed, self.pool, self.device = seed, pool, clip.device
        self.pictures = clip.encode_images(clip.preprocess_tensor(drawn(NAMES, pool, POOL_SEED)))
        self.texts = clip.encode_texts(NAMES)

    def batch(self, step: int, size: int = 64) -> Batch:
        rng = np.random.default_rng([self.seed, step])
        label = np.sort(rng.integers(len(NAMES), size=size))
        counts = np.bincount(label, minlength=len(NAMES))
        sounds = torch.cat([toysound.draw_class(NAMES[k], int(n), rng) for k, n in enumerate(counts) if n])
        shown = torch.from_numpy(label * self.pool + rng.integers(self.pool, size=size))
        label = torch.from_numpy(label)
        return Batch(as_float(sounds).to(self.device), self.pictures[shown], self.texts[label], label)


class OwnTriples:
    """The same of a learner's own folders, of sounds and of photos, each with a folder a class.

    Raises ValueError where the two have no class in common.
    """

    def __init__(self, clip: "Clip", sounds: "Task", photos: "Task", *, seed: int = 0):
        self.names = [name for name in sounds.classnames if name in photos.classnames]
        if not self.names:
            raise ValueError(
                f"the sounds are of {', '.join(sounds.classnames)}, the photos of {', '.join(photos.classnames)}: "
                "name the folders of both alike"
            )
        self.seed, self.texts = seed, clip.encode_texts(self.names)
        self.sounds = [_of_class(sounds, name) for name in self.names]
        pixels = [torch.stack([clip.preprocess(each) for each in _of_class(photos, name)]) for name in self.names]
        self.pictures = [clip.encode_images(some) for some in pixels]

    def batch(self, step: int, size: int = 64) -> Batch:
        rng = np.random.default_rng([self.seed, step])
        label = rng.integers(len(self.names), size=size)
        heard = torch.stack([self.sounds[k][rng.integers(len(self.sounds[k]))] for k in label])
        seen = torch.stack([self.pictures[k][rng.integers(len(self.pictures[k]))] for k in label])
        labels = torch.from_numpy(label)
        return Batch(as_float(heard).to(seen.device), seen, self.texts[labels], labels)


def _of_class(task: "Task", name: str) -> list:
    labels = task.train.labels.tolist()
    return [task.train.image(i) for i, k in enumerate(labels) if task.classnames[k] == name]


def as_float(waves: Tensor) -> Tensor:
    """(…, 8000) int16 -> float, -1 … 1, as the towers take them."""
    return waves.float() / 32768


def in_noise(waves: Tensor, decibels: float = 6.0) -> Tensor:
    """(N, 8000) int16 -> float: under white noise that is so much louder than each sound; always the same noise."""
    sounds = as_float(waves)
    noise = torch.randn(sounds.shape, generator=torch.Generator().manual_seed(0))
    return sounds + noise * sounds.square().mean(dim=1, keepdim=True).sqrt() * 10 ** (decibels / 20)


def same_weights(model: "AudioCLIP", clip: "Clip") -> tuple[int, int]:
    """Of CLIP's tensors: how many there are, and how many the model has to the bit."""
    own = model.state_dict()
    kept = [torch.equal(own[name].cpu(), tensor.cpu()) for name, tensor in clip.model.state_dict().items()]
    return len(kept), sum(kept)


def one_of_each(sounds: Tensor, labels: Tensor, names: Sequence[str]) -> Tensor:
    """(names, 8000): the first sound of each.   sounds: (N, 8000); labels: (N,), numbers of `NAMES`."""
    return torch.stack([sounds[int((labels == NAMES.index(name)).nonzero()[0, 0])] for name in names])


@torch.no_grad()
def percent_right(model: "AudioCLIP", waves: Tensor, texts: Tensor, labels: Tensor) -> float:
    """Sounds whose nearest text is their own, heard as in evaluation; the model goes on in the mode it was in.

    waves: (N, 8000) int16 or float; texts: (C, D), of length 1; labels: (N,).
    """
    was = model.training
    model.eval()
    sounds = waves if waves.is_floating_point() else as_float(waves)
    heard = model.encode_audio(sounds.to(texts.device), normalize=True)
    model.train(was)
    return 100 * ((heard @ texts.T).argmax(dim=1).cpu() == labels).float().mean().item()
