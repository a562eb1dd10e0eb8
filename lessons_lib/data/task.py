"""A task: named classes, prompt templates, and labelled images to train, choose and test on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

import torch
from PIL import Image

from lessons_lib.data.fewshot import MAX_VAL_SHOTS, check_enough, check_shots, few_shot_indices


class Images(Protocol):
    """What a :class:`Split` needs of the images behind it: files, scenes to draw, or anything else."""

    fingerprint: str  # hex; changes when any image, or their order, does

    def __len__(self) -> int: ...
    def image(self, index: int) -> Image.Image: ...  # RGB
    def subset(self, indices: list[int]) -> "Images": ...
    def tensor(self) -> torch.Tensor | None: ...  # (N, 3, H, W) uint8 where all have one size in memory, else None


class Split:
    """Labelled images, opened or drawn only when asked for: ``split[i] -> (PIL image in RGB, label)``.

    It is a torch data set: ``DataLoader(split.with_transform(clip.preprocess), batch_size=32, num_workers=2)``.

    images: the :class:`Images` behind it.
    labels: (N,) whole numbers, 0 … C-1.
    classnames: C names.
    """

    def __init__(
        self,
        images: Images,
        labels: torch.Tensor | Sequence[int],
        classnames: Sequence[str],
        *,
        transform: Callable[[Image.Image], Any] | None = None,
    ):
        self.images, self.classnames, self.transform = images, list(classnames), transform
        self.labels = torch.as_tensor(labels, dtype=torch.long)  # (N,)
        if self.labels.shape != (len(images),):
            raise ValueError(
                f"{len(images)} images need as many labels; got labels of shape {tuple(self.labels.shape)}"
            )
        if len(images) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classnames):
            raise ValueError(
                f"labels run from {int(self.labels.min())} to {int(self.labels.max())}; "
                f"with {len(self.classnames)} class names they must lie in 0 … {len(self.classnames) - 1}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        label = int(self.labels[index])  # IndexError past the end
        image = self.image(index)
        return (image if self.transform is None else self.transform(image)), label

    def __repr__(self) -> str:
        return f"Split({len(self)} images of {len(self.classnames)} classes, {self._spread()} a class)"

    def _spread(self) -> str:
        fewest, most = int(self.counts.min()), int(self.counts.max())
        return f"{fewest}" if fewest == most else f"{fewest} to {most}"

    @property
    def counts(self) -> torch.Tensor:
        """(C,) images a class."""
        return torch.bincount(self.labels, minlength=len(self.classnames))

    @property
    def fingerprint(self) -> str:
        """Hex digest of the images and their order (not of the labels): what features computed from them depend on."""
        return self.images.fingerprint

    @property
    def scenes(self):
        """Toy tasks: the ToyWorld scenes that the images are drawn from (parts, masks, boxes of every object)."""
        if not hasattr(self.images, "scenes"):
            raise AttributeError("only the images of a toy task come with scenes; these were not drawn by ToyWorld")
        return self.images.scenes

    @property
    def paths(self):
        """Folders: the image files, in order."""
        if not hasattr(self.images, "paths"):
            raise AttributeError("only images read from files have paths; these were drawn in memory")
        return self.images.paths

    def image(self, index: int) -> Image.Image:
        """The image itself in RGB, upright, whatever transform the split carries."""
        return self.images.image(range(len(self))[index])

    def tensor(self) -> torch.Tensor | None:
        """(N, 3, H, W) uint8 where the images are drawn in memory at one size (toy tasks), else None."""
        return self.images.tensor()

    def subset(self, indices: torch.Tensor | Iterable[int]) -> "Split":
        """The images at ``indices``, in that order, with the same classes."""
        indices = torch.as_tensor(indices if isinstance(indices, torch.Tensor) else list(indices), dtype=torch.long)
        images = self.images.subset(indices.tolist())
        return Split(images, self.labels[indices], self.classnames, transform=self.transform)

    def of_classes(self, labels: Sequence[int]) -> "Split":
        """The images of these classes alone, in their old order; class ``labels[j]`` becomes class j."""
        new_label = torch.full((len(self.classnames),), -1)
        new_label[torch.as_tensor(labels)] = torch.arange(len(labels))
        kept = (new_label[self.labels] >= 0).nonzero().flatten()
        names = [self.classnames[label] for label in labels]
        return Split(self.images.subset(kept.tolist()), new_label[self.labels[kept]], names, transform=self.transform)

    def with_transform(self, transform: Callable[[Image.Image], Any] | None) -> "Split":
        """The same images; ``split[i]`` then gives ``(transform(image), label)``."""
        return Split(self.images, self.labels, self.classnames, transform=transform)


@dataclass(frozen=True, repr=False)
class Task:
    """Classes and images; made by :func:`lessons_lib.load_task`.

    train, val: what to learn from and what to choose settings on: all images, or the few-shot sample of them.
    test: what to measure on; always whole, and nothing may be chosen on it.
    pool, val_pool: train and val before sampling.
    templates: prompts with one "{}" for the class name; the first is the default.
    """

    name: str
    templates: list[str]
    pool: Split
    val_pool: Split
    train: Split
    val: Split
    test: Split
    shots: int | None = None
    seed: int = 1

    @classmethod
    def from_pools(
        cls,
        name: str,
        *,
        train: Split,
        val: Split,
        test: Split,
        templates: Sequence[str],
        shots: int | None = None,
        seed: int = 1,
    ) -> "Task":
        """A task from whole splits, sampled to ``shots`` images a class.

        Validation takes ``min(shots, 4)`` images a class, or all of a class that has fewer. Samples of one seed nest.
        Raises ValueError where a class has fewer training images than ``shots``, or the splits' classes differ.
        """
        check_shots(shots)
        if not train.classnames == val.classnames == test.classnames:
            raise ValueError(f"task {name!r}: train, val and test must have the same classes in the same order")
        whole = {"name": name, "templates": list(templates), "pool": train, "val_pool": val, "test": test, "seed": seed}
        if shots is None:
            return cls(train=train, val=val, shots=None, **whole)
        check_enough(train.labels, train.classnames, shots)
        few, few_val = (
            split.subset(few_shot_indices(split.labels, split.classnames, k, seed=seed, role=role))
            for split, k, role in ((train, shots, "train"), (val, min(shots, MAX_VAL_SHOTS), "val"))
        )
        return cls(train=few, val=few_val, shots=shots, **whole)

    @property
    def classnames(self) -> list[str]:
        """C class names; label c is ``classnames[c]``."""
        return self.test.classnames

    def sample(self, shots: int | None, *, seed: int = 1) -> "Task":
        """The same task with another few-shot sample from the same pools, and the same test images."""
        return Task.from_pools(
            self.name,
            train=self.pool,
            val=self.val_pool,
            test=self.test,
            templates=self.templates,
            shots=shots,
            seed=seed,
        )

    def base(self) -> "Task":
        """The first ceil(C/2) classes: those to train on in the base-to-new protocol (CoCoOp, CVPR 2022)."""
        return self._half(slice(0, ceil(len(self.classnames) / 2)), "base")

    def new(self) -> "Task":
        """The other floor(C/2) classes, re-indexed from 0: those to carry the prompts to."""
        return self._half(slice(ceil(len(self.classnames) / 2), None), "new")

    def _half(self, part: slice, word: str) -> "Task":
        if len(self.classnames) < 2:
            raise ValueError(f"task {self.name!r} has one class; base() and new() need at least two")
        return self.of_classes(self.classnames[part], name=f"{self.name}/{word}")

    def of_classes(self, classnames: Sequence[str], *, name: str | None = None) -> "Task":
        """The task of these classes alone, labelled in this order.

        Raises ValueError for a class name that the task does not have, or one given twice.
        """
        from lessons_lib.suggest import nearest

        for classname in classnames:
            if classname not in self.classnames:
                hint = nearest(classname, self.classnames) or f"Its classes are {', '.join(self.classnames)}"
                raise ValueError(f"task {self.name!r} has no class {classname!r}. {hint}")
        if len(set(classnames)) != len(classnames) or not classnames:
            raise ValueError(f"give at least one class name, each once; got {list(classnames)}")
        labels = [self.classnames.index(classname) for classname in classnames]
        return Task(
            name=name or self.name,
            templates=self.templates,
            shots=self.shots,
            seed=self.seed,
            **{part: getattr(self, part).of_classes(labels) for part in ("pool", "val_pool", "train", "val", "test")},
        )

    def __repr__(self) -> str:
        sampled = "all images" if self.shots is None else f"{self.shots}-shot, seed {self.seed}"
        shown = ", ".join(self.classnames[:8]) + (", …" if len(self.classnames) > 8 else "")
        rows = [f"Task {self.name!r}: {len(self.classnames)} classes, {sampled}"]
        for part, pool in (("train", self.pool), ("val", self.val_pool), ("test", self.test)):
            split = getattr(self, part)
            of = f", of {len(pool)}" if len(pool) != len(split) else ""
            rows.append(f"  {part:<6} {len(split):>6} images ({split._spread()} a class{of})")
        return "\n".join([*rows, f"  classes: {shown}", f"  default template: {self.templates[0]!r}"])
