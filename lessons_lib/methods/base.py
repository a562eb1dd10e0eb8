"""What every method has in common: the constructor stores settings, `fit` learns, `score` measures.

A method turns image features into class logits, s · f(x) · w_cᵀ for most. What a subclass gives:
    fit(task)                       learns, and returns self
    logits_from_features(features)  (N, D) -> (N, C), differentiable in the features and in what is learned
    set_classes(classnames)         whatever depends on the class names (text embeddings, a layer's size)
A method that changes the image tower overrides `logits`; `predict` and `score` rest on that alone.
"""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lessons_lib.features import image_features
from lessons_lib.methods import saving
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task


class Method(torch.nn.Module):
    """A classifier around a frozen CLIP; its parameters are exactly what it learns.

    classnames: list of C names, what the columns of the logits mean; None until `fit` or `for_classes`.
    """

    WARMUP_EPOCHS = 0  # of its training, at a rate so low that next to nothing is learned

    def __init__(self, clip: "Clip"):
        super().__init__()
        self.clip = clip  # not a module, so its weights are none of the method's parameters
        self.classnames: list[str] | None = None

    def settings(self) -> dict:
        """The constructor's arguments by name, with which the same method can be made again."""
        names = [name for name in inspect.signature(type(self)).parameters if name != "clip"]
        return {name: getattr(self, name) for name in names}

    def set_classes(self, classnames: Iterable[str]) -> None:
        """Prepares for these classes. Raises ValueError for empty or repeated names."""
        self.classnames = check_classnames(classnames)

    def fit(self, task: "Task") -> "Method":
        """Learns from `task.train` (and selects on `task.val`); never looks at `task.test`. Returns self."""
        raise NotImplementedError

    @classmethod
    def fit_arguments(cls) -> dict[str, Any]:
        """What `fit` takes besides the task, with defaults; where it passes `**settings` on, also its parents'."""
        found: dict[str, Any] = {}
        for base in cls.__mro__:
            if "fit" not in vars(base):
                continue
            given = list(inspect.signature(vars(base)["fit"]).parameters.values())[2:]  # without self and task
            found = {one.name: one.default for one in given if one.kind is not one.VAR_KEYWORD} | found
            if all(one.kind is not one.VAR_KEYWORD for one in given):
                break
        return found

    def for_classes(self, classnames: Iterable[str]) -> "Method":
        """The same method, with what it learned, for other classes; this one stays as it is."""
        other = type(self)(self.clip, **self.settings())
        other.set_classes(classnames)
        other.load_state_dict(self.state_dict())
        return other.eval()

    def logits_from_features(self, features: Tensor) -> Tensor:
        """features: (N, D), L2-normalised image embeddings of the untouched image tower. Returns (N, C)."""
        raise NotImplementedError

    @torch.inference_mode()
    def logits(self, images: "Split | Tensor") -> Tensor:
        """images: a split, whose features come from the cache, or (N, 3, H, W) float, preprocessed. Returns (N, C)."""
        self.check_ready()
        return self.logits_from_features(self.features(images))

    def features(self, images: "Split | Tensor") -> Tensor:
        """The frozen tower's L2-normalised embeddings (N, D) on the CLIP's device; a split's come from the cache."""
        if isinstance(images, Tensor):
            return self.clip.encode_images(images)
        return image_features(self.clip, images).to(self.clip.device)

    def predict(self, images: "Split | Tensor") -> Tensor:
        """The most likely class of each image: (N,) long, positions in `classnames`."""
        return self.logits(images).argmax(dim=1)

    def score(self, split: "Split") -> float:
        """Accuracy on a split, in percent, 0 to 100. Raises ValueError where it is empty or has other classes."""
        self.check_ready()
        if len(split) == 0:
            raise ValueError("the split has no images, so there is no accuracy to measure")
        if list(split.classnames) != self.classnames:
            raise ValueError(
                f"this {type(self).__name__} knows {_described(self.classnames)}, but the split has "
                f"{_described(split.classnames)}: use for_classes(split.classnames), or fit on the split's own task"
            )
        right = self.predict(split).cpu() == torch.as_tensor(split.labels)  # (N,)
        return 100 * right.double().mean().item()

    def check_ready(self) -> None:
        """Raises RuntimeError where there are no classes yet."""
        if self.classnames is None:
            raise RuntimeError(f"this {type(self).__name__} has no classes yet: call fit(task) first")

    def check_features(self, features: Tensor) -> Tensor:
        """Features on the CLIP's device; raises ValueError where they are not (N, D), RuntimeError without classes."""
        self.check_ready()
        if features.ndim != 2 or features.shape[1] != self.clip.embed_dim:
            raise ValueError(
                f"features must be (N, {self.clip.embed_dim}), one embedding of this CLIP a row; "
                f"got {tuple(features.shape)}"
            )
        return features.to(self.clip.device)

    def save(self, path: str | Path) -> Path:
        """Writes settings, class names and what was learned to a safetensors file, whole or not at all."""
        self.check_ready()
        return saving.save(self, path)


def check_every_class(labels: Tensor, classnames: list[str], why: str) -> None:
    """labels: (N,), of the training images. Raises ValueError, with `why`, where a class has none of them."""
    counts = torch.bincount(labels, minlength=len(classnames))  # (C,)
    absent = [name for name, count in zip(classnames, counts.tolist()) if count == 0]
    if absent:
        raise ValueError(
            f"{len(absent)} of {len(classnames)} classes have no training image, the first is {absent[0]!r}: {why}"
        )


def _described(classnames: Iterable[str]) -> str:
    names = list(classnames)
    shown = ", ".join(repr(name) for name in names[:3])
    return f"{len(names)} classes ({shown}{', …' if len(names) > 3 else ''})"
