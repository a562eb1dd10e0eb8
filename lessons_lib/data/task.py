"""A task: named classes, prompt templates, and images with targets to train, choose and test on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from lessons_lib.data.fewshot import MAX_VAL_SHOTS, check_enough, check_shots, few_shot_indices
from lessons_lib.data.split import Split
from lessons_lib.suggest import nearest
from lessons_lib.templates import composed


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
        Where an image shows several classes it counts for each; the background is not sampled.
        Raises ValueError where a class has fewer training images than ``shots``, or the splits' classes or kinds
        differ.
        """
        check_shots(shots)
        if not train.classnames == val.classnames == test.classnames:
            raise ValueError(f"task {name!r}: train, val and test must have the same classes in the same order")
        if not train.kind == val.kind == test.kind:
            raise ValueError(
                f"task {name!r}: train, val and test are of the kinds {train.kind}, {val.kind}, {test.kind}"
            )
        whole = {"name": name, "templates": list(templates), "pool": train, "val_pool": val, "test": test, "seed": seed}
        if shots is None:
            return cls(train=train, val=val, shots=None, **whole)
        check_enough(train.members(), train.named, shots)
        few, few_val = (
            split.subset(few_shot_indices(split.members(), split.named, k, seed=seed, role=role))
            for split, k, role in ((train, shots, "train"), (val, min(shots, MAX_VAL_SHOTS), "val"))
        )
        return cls(train=few, val=few_val, shots=shots, **whole)

    @property
    def kind(self) -> str:
        """What is predicted: "classify", "segment", "detect" or "ground" of images, or "hear": the class of a sound."""
        return self.test.kind

    @property
    def classnames(self) -> list[str]:
        """C class names; label c is ``classnames[c]``."""
        return self.test.classnames

    def identity(self) -> dict[str, Any]:
        """All that decides a result on this task but for shots and seed, as `Split.identity` says.

        The three whole pools are in it; the name is not.
        """
        alike = {"kind": self.kind, "classes": self.classnames, "templates": self.templates}
        parts = {"train": self.pool, "val": self.val_pool, "test": self.test}
        return alike | {
            part: {"images": split.fingerprint, "targets": split.targets.fingerprint} for part, split in parts.items()
        }

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
        return self._half(slice(0, self._middle), "base")

    def new(self) -> "Task":
        """The other floor(C/2) classes, re-indexed from 0: those to carry the prompts to."""
        return self._half(slice(self._middle, None), "new")

    @property
    def _middle(self) -> int:
        return ceil(len(self.test.named) / 2)

    def _half(self, part: slice, word: str) -> "Task":
        if len(self.test.named) < 2:
            raise ValueError(f"task {self.name!r} has one class; base() and new() need at least two")
        return self._part(self.test.named[part], word)

    def fold(self, i: int, *, of: int = 4) -> tuple["Task", "Task"]:
        """(base, new): the new classes are the i-th of ``of`` equal runs of the classes in order, the base all others.

        i: 0 … of-1. With PASCAL VOC's twenty classes and four folds these are PASCAL-5i's (OSLSM, BMVC 2017). Where
        the number of classes is no multiple of ``of``, the first folds have one more.
        """
        names = self.test.named
        if not 2 <= of <= len(names):
            raise ValueError(f"of={of}: {len(names)} classes make 2 to {len(names)} folds")
        if not 0 <= i < of:
            raise ValueError(f"there is no fold {i}: of {of} folds there are 0 to {of - 1}")
        size, more = divmod(len(names), of)
        start = i * size + min(i, more)
        new = names[start : start + size + (i < more)]
        return self._part([n for n in names if n not in new], f"base of fold {i}"), self._part(new, f"new of fold {i}")

    def _part(self, names: Sequence[str], word: str) -> "Task":
        """These classes, and the background where there is one."""
        others = [name for name in self.classnames if name not in self.test.named]
        return self.of_classes([*others, *names], name=f"{self.name}/{word}")

    def of_classes(self, classnames: Sequence[str], *, name: str | None = None) -> "Task":
        """The task of these classes alone, labelled in this order; pixels of others as `Split.of_classes` says.

        Raises ValueError for a class name that the task does not have, or one given twice.
        """
        classnames = [composed(classname) for classname in classnames]
        for classname in classnames:
            if classname not in self.classnames:
                hint = nearest(classname, self.classnames) or f"Its classes are {', '.join(self.classnames)}"
                raise ValueError(f"task {self.name!r} has no class {classname!r}. {hint}")
        if len(set(classnames)) != len(classnames) or not classnames:
            raise ValueError(f"give at least one class name, each once; got {list(classnames)}")
        labels = [self.classnames.index(classname) for classname in classnames]
        parts = {part: getattr(self, part).of_classes(labels) for part in ("pool", "val_pool", "train", "val", "test")}
        named = name or self.name
        if self.shots is None or self.test.targets.one_class:
            return Task(name=named, templates=self.templates, shots=self.shots, seed=self.seed, **parts)
        # An image that was sampled for a class left out may show one that stays, which would then have too many.
        pools = {"train": parts["pool"], "val": parts["val_pool"], "test": parts["test"]}
        return Task.from_pools(named, templates=self.templates, shots=self.shots, seed=self.seed, **pools)

    def __repr__(self) -> str:
        sampled = f"all {self.test.many}" if self.shots is None else f"{self.shots}-shot, seed {self.seed}"
        shown = ", ".join(self.classnames[:8]) + (", …" if len(self.classnames) > 8 else "")
        rows = [f"Task {self.name!r}: {len(self.classnames)} classes, {sampled}"]
        for part, pool in (("train", self.pool), ("val", self.val_pool), ("test", self.test)):
            split = getattr(self, part)
            of = f", of {len(pool)}" if len(pool) != len(split) else ""
            rows.append(f"  {part:<6} {len(split):>6} {split.many} ({split.spread()} a class{of})")
        return "\n".join([*rows, f"  classes: {shown}", f"  default template: {self.templates[0]!r}"])
