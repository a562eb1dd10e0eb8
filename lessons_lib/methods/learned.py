"""What methods that are trained by gradient descent have in common.

Their logits are s · f(x) · w_cᵀ, and the loss is cross-entropy. What a subclass gives:
    reset(seed)            sets what is learned to its start
    text_features()        w: (C, D), L2-normalised, where texts are learned (else `hand_made_texts` gives them)
    image_features(images) f: (n, D), L2-normalised, where images are given prompts (`learns_from_pixels`)
and its published settings LR, BATCH_SIZE, WARMUP_EPOCHS and `published_epochs`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.inputs import Inputs, check_views
from lessons_lib.methods.base import Method
from lessons_lib.templates import DEFAULT, apply, check_templates
from lessons_lib.training import Recipe, train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task


class Learned(Method):
    """A method whose parameters are learned from images; those of CLIP stay as they are.

    history: a row an epoch of the last `fit`: epoch, lr, loss, seconds.
    """

    LR, BATCH_SIZE, WEIGHT_DECAY, WARMUP_EPOCHS = 0.002, 32, 5e-4, 1

    def __init__(self, clip: "Clip"):
        super().__init__(clip)
        self.history: list[dict] = []

    @property
    def learns_from_pixels(self) -> bool:
        """Whether images go through a prompted tower, so that the frozen tower's features are of no use."""
        return False

    @property
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.parameters())

    def published_epochs(self, shots: int | None) -> int:
        """CoOp's: 50 for 1 shot, 100 for 2 and 4, 200 for 8 and 16; 50 where all images are used."""
        return 50 if shots is None or shots == 1 else 100 if shots <= 4 else 200

    def reset(self, seed: int) -> None:
        """Sets what is learned to its start, which the seed draws."""
        raise NotImplementedError

    def fit(
        self,
        task: "Task",
        *,
        epochs: int | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        seed: int = 1,
        optimizer: str = "sgd",
        views: str | int = "plain",
        checkpoint: str | Path | None = None,
        progress: bool = True,
        workers: int = 0,
    ) -> "Learned":
        """Learns from `task.train`, on the published schedule, from the start. Returns self, as after the last epoch.

        epochs, lr, batch_size: None for the method's published ones.   seed: draws the start and the order of images.
        optimizer: "sgd" or "adamw".
        views: "plain", every image as it is; K, so many augmented views made once; "fresh", augmented anew each epoch
            (random crop and flip), as published and far slower.
        checkpoint: a file that is written after every epoch, from which a run that was stopped goes on.
        workers: processes that open and augment image files.
        Raises ValueError for impossible settings, and FloatingPointError when the loss is no longer finite; the method
        is then as after its last good epoch.
        """
        recipe = self.recipe(task, epochs, lr, batch_size, seed=seed, optimizer=optimizer)
        check_views(views)
        self.take_template(task)
        self.set_classes(task.classnames)
        self.reset(recipe.seed)
        train(self, task.train, recipe, views=views, checkpoint=checkpoint, progress=progress, workers=workers)
        return self

    def recipe(self, task: "Task", epochs: int | None, lr: float | None, batch_size: int | None, **settings) -> Recipe:
        """How to train, None for the published numbers; `settings`: the further ones of a `Recipe`."""
        return Recipe(
            epochs=self.published_epochs(task.shots) if epochs is None else epochs,
            lr=self.LR if lr is None else lr,
            batch_size=self.BATCH_SIZE if batch_size is None else batch_size,
            weight_decay=self.WEIGHT_DECAY,
            warmup_epochs=self.WARMUP_EPOCHS,
            **settings,
        )

    def take_template(self, task: "Task") -> None:
        """Takes the hand-made prompt of the task, where the method uses one."""

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
        """The embeddings (N, D), L2-normalised, that this method compares with its texts."""
        if not self.learns_from_pixels:
            return super().features(images)
        size = 32 if self.clip.device.type == "cpu" else 256
        if isinstance(images, Tensor):
            self.clip.check_images(images)
            batches = images.split(size)
        else:
            inputs = Inputs(self.clip, images, views="plain", seed=0, pixels=True, in_memory=0)
            batches = inputs.batches(1, list(torch.arange(len(images)).split(size)))
        return torch.cat([self.image_features(batch) for batch in batches])


class HandMadePrompt:
    """What methods have in common that need the texts of one hand-made prompt: `class VPT(HandMadePrompt, Learned)`.

    template: the prompt that was asked for; None for that of the task.   texts: (C, D), its text embeddings.
    """

    def use_template(self, template: str | None) -> None:
        """In the constructor, after `super().__init__`. Raises ValueError for a template without its one "{}"."""
        self.template = None if template is None else check_templates(template)[0]
        self.task_template = DEFAULT
        self.register_buffer("texts", None, persistent=False)

    def take_template(self, task: "Task") -> None:
        self.task_template = task.templates[0]

    def settings(self) -> dict:
        return {**super().settings(), "template": self.template or self.task_template}

    def set_classes(self, classnames: Iterable[str]) -> None:
        super().set_classes(classnames)
        self.texts = self.embed_texts(self.clip, self.classnames, self.settings()["template"])

    def embed_texts(self, clip: "Clip", classnames: list[str], template: str) -> Tensor:
        return hand_made_texts(clip, classnames, template)


def normal(*shape: int, seed: torch.Generator, std: float = 0.02) -> Tensor:
    """N(0, std²), as context vectors start."""
    return std * torch.randn(*shape, generator=seed)


def hand_made_texts(clip: "Clip", classnames: list[str], template: str) -> Tensor:
    """(C, D), L2-normalised: the zero-shot classifier of one template."""
    return clip.encode_texts([apply(template, name) for name in classnames])
