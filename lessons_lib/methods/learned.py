"""What methods that are trained by gradient descent have in common. What a subclass gives:
    reset(seed)            sets what is learned to its start
    loss(inputs, targets)  a scalar, of features (n, D) or, where it `learns_from_pixels`, images (n, 3, S, S)
    prepare(train, …)      what is made of the training images before the first step, where there is such
and its published settings EPOCHS (or STEPS_A_SHOT), LR, BATCH_SIZE, OPTIMIZER, WEIGHT_DECAY and WARMUP_EPOCHS.

Classifiers of them have logits s · f(x) · w_cᵀ, and cross-entropy for a loss. What a subclass of those gives:
    text_features()        w: (C, D), L2-normalised
    image_features(images) f: (n, D), L2-normalised, where images are given prompts (`learns_from_pixels`)
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.device import at_once
from lessons_lib.inputs import Inputs, check_views
from lessons_lib.methods.base import Method
from lessons_lib.methods.classifier import Classifier
from lessons_lib.methods.parts.cost import AT_LEAST, FORWARD, Sizes
from lessons_lib.methods.parts.kept_features import KeptFeatures
from lessons_lib.recipe import Recipe
from lessons_lib.training import train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task


class Learned(Method):
    """A method whose parameters are learned from images; those of CLIP stay as they are.

    history: a row an epoch of the last `fit`: epoch, lr, loss, seconds.
    """

    trains = True
    LR, WEIGHT_DECAY, WARMUP_EPOCHS, OPTIMIZER = 0.002, 5e-4, 1, "sgd"
    BATCH_SIZE: int | None = 32  # None: all images in every step
    STEPS_A_SHOT: int | None = None  # where the paper counts steps in place of epochs; as for 16 shots with all images

    @classmethod
    def published_epochs(cls, shots: int | None) -> int:
        """`EPOCHS`; else CoOp's: 50 for 1 shot, 100 for 2 and 4, 200 for 8 and 16; 50 where all images are used."""
        if cls.EPOCHS is not None:
            return cls.EPOCHS
        return 50 if shots is None or shots == 1 else 100 if shots <= 4 else 200

    def reset(self, seed: int) -> None:
        """Sets what is learned to its start, which the seed draws."""
        raise NotImplementedError

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: features (n, D), or images (n, 3, S, S) where the method learns from pixels; labels: (n,)."""
        raise NotImplementedError

    def fit(
        self,
        task: "Task",
        *,
        epochs: int | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        seed: int = 1,
        optimizer: str | None = None,
        views: str | int = "plain",
        checkpoint: str | Path | None = None,
        progress: bool = True,
        workers: int = 0,
    ) -> "Learned":
        """Learns from `task.train`, on the published schedule, from the start. Returns self, as after the last epoch.

        epochs, lr, batch_size, optimizer ("sgd" or "adamw"): None for the method's published ones.
        seed: draws the start and the order of images.
        views: "plain", every image as it is; K, so many augmented views made once; "fresh", augmented anew each epoch
            (random crop and flip), as published and far slower.
        checkpoint: a file that is written after every epoch, from which a run that was stopped goes on.
        workers: processes that open and augment image files, here and in `score`.
        Raises ValueError for impossible settings, and FloatingPointError when the loss is no longer finite; the method
        is then as after its last good epoch.
        """
        recipe = self.recipe(task.shots, epochs, lr, batch_size, seed=seed, optimizer=optimizer)
        check_views(views)
        self.check_task(task)
        self.begin(task)
        self.workers = workers
        self.reset(recipe.seed)
        self.prepare(task.train, seed=recipe.seed, progress=progress)
        train(self, task.train, recipe, views=views, checkpoint=checkpoint, progress=progress, workers=workers)
        return self

    def fit_settings(self, shots: int | None = None, **fit) -> dict[str, Any]:
        """As `Method.fit_settings`: the whole recipe of training, and the views."""
        asked = super().fit_settings(shots, **fit)
        views = asked.pop("views")
        check_views(views)
        return {name: value for name, value in asdict(self.recipe(shots, **asked)).items() if value is not None} | {
            "views": views
        }

    def recipe(
        self, shots: int | None, epochs: int | None, lr: float | None, batch_size: int | None, **settings
    ) -> Recipe:
        """How to train, None for the published numbers; `settings`: the further ones of a `Recipe`."""
        by_steps = epochs is None and self.STEPS_A_SHOT is not None
        if epochs is None and not by_steps:
            epochs = self.published_epochs(shots)
        published = {
            "steps": self.STEPS_A_SHOT * (shots or 16) if by_steps else None,
            "lr": self.LR if lr is None else lr,
            "batch_size": self.BATCH_SIZE if batch_size is None else batch_size,
            "weight_decay": self.WEIGHT_DECAY,
            "warmup_epochs": self.WARMUP_EPOCHS,
        }
        if settings.get("optimizer") is None:
            settings["optimizer"] = self.OPTIMIZER
        return Recipe(epochs, **{**published, **settings})

    def check_task(self, task: "Task") -> None:
        super().check_task(task)
        if len(task.train) == 0:
            raise ValueError("the training split has no images: there is nothing to learn from")

    def prepare(self, split: "Split", *, seed: int, progress: bool) -> None:
        """Makes of the training images what the loss needs besides them; the method is at its start."""

    def cost(self, sizes: Sizes) -> float | None:
        if self.PER_IMAGE is None or not sizes.known:
            return None
        fit = self.fit_settings(sizes.shots, **sizes.fit)
        epochs = fit["steps"] * fit["batch_size"] / sizes.trained_on if "steps" in fit else fit["epochs"]
        tests = sizes.tested / FORWARD if self.learns_from_pixels else 0.0
        return AT_LEAST + self.PER_IMAGE * sizes.trained_on * epochs + tests


class LearnedClassifier(Learned, Classifier):
    """A classifier that is trained."""

    def __init__(self, clip: "Clip"):
        super().__init__(clip)
        self._kept = KeptFeatures()

    def text_features(self) -> Tensor:
        """(C, D), L2-normalised: the classifier."""
        raise NotImplementedError

    def image_features(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, D), L2-normalised, from the prompted tower."""
        raise NotImplementedError

    def compare(self, features: Tensor) -> Tensor:
        """features: (n, D) of this method's image tower -> logits (n, C)."""
        return self.clip.logit_scale * features @ self.text_features().T

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: features (n, D), or images (n, 3, S, S) where the method learns from pixels; labels: (n,)."""
        features = self.image_features(inputs) if self.learns_from_pixels else inputs
        return F.cross_entropy(self.compare(features), labels)

    def logits_from_features(self, features: Tensor) -> Tensor:
        """features: (N, D), L2-normalised. Returns (N, C). Raises ValueError where the method changes the image
        tower."""
        if self.learns_from_pixels:
            raise ValueError(
                f"{type(self).__name__} changes the image tower, so the frozen tower's features are not what it "
                "compares: use logits(images)"
            )
        return self.compare(self.check_features(features))

    @torch.inference_mode()
    def logits(self, images: "Split | Tensor") -> Tensor:
        """images: a split, or (N, 3, H, W) float, preprocessed. Returns (N, C)."""
        self.check_ready()
        return self.compare(self.features(images))

    @torch.no_grad()
    def features(self, images: "Split | Tensor") -> Tensor:
        """The embeddings (N, D), L2-normalised, that this method compares with its texts. Those of a split that a
        prompted tower gives are kept in memory until what was learned changes."""
        if not self.learns_from_pixels:
            return super().features(images)
        if isinstance(images, Tensor):
            self.clip.check_images(images)
            return self._features_of(images)

        def compute() -> Tensor:
            inputs = Inputs(self.clip, images, views="plain", seed=0, pixels=True, in_memory=0, workers=self.workers)
            batches = inputs.batches(1, list(torch.arange(len(images)).split(at_once(self.clip.device))))
            return torch.cat([self._features_of(batch) for batch in batches])

        return self._kept.of(self, images, compute)

    def _features_of(self, images: Tensor) -> Tensor:
        """`image_features`, of as many at once as there is room for."""
        found, room = [], self.clip.room("images")
        for rows in room.parts(len(images)):
            with room.tried(rows):
                found.append(self.image_features(images[rows]))
        return torch.cat(found) if found else self.image_features(images)
