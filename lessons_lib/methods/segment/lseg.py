"""LSeg (Li et al., "Language-driven Semantic Segmentation", ICLR 2022): an image tower trained on masks to meet, pixel
by pixel, the texts of a frozen tower.

    T = the labels' text embeddings, untouched                       (K, D), unit rows
    F = conv₁ₓ₁(fusion of the image tower's rows at n depths)        (h, w, D), unit vectors
    logits_p = F_p Tᵀ / τ,  τ = 0.07;  L = Σ_p cross-entropy(logits_p, label of p) / pixels          (section 3.2)
Text is only the classifier, so other labels are other rows of T, and nothing is learned for them. The temperature was
meant to be learned and, as released, is not.

Between the logits and the pixels a block may smooth the planes of the labels, the same for all of them (section 3.3):
    depthwise    act(c ∗ x_k)                  one 3 × 3 convolution c with a bias for every label's plane: 10 numbers
    bottleneck   act(c ∗ x_k + max_k' x_k')
repeated `block_depth` times with the same c, the last time without the activation. Neither minds how many labels there
are, or in which order.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import log2
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.blocks import check_depth, unit
from lessons_lib.clip.building import build
from lessons_lib.clip.image_tower import ImageTower
from lessons_lib.data import Masks, Split
from lessons_lib.device import autocast
from lessons_lib.methods.learned import Learned
from lessons_lib.methods.parts.fusion import Fusion
from lessons_lib.methods.parts.starts import check_whole
from lessons_lib.methods.parts.texts import one_template, texts_of
from lessons_lib.methods.segmenter import Segmenter
from lessons_lib.metrics.segmentation import IGNORE
from lessons_lib.recipe import Recipe
from lessons_lib.suggest import nearest
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task

BLOCKS, STARTS = ("depthwise", "bottleneck"), ("clip", "random")


class LSeg(Learned, Segmenter):
    """An image tower of its own with a fusion of its depths, compared with the frozen text tower's labels.

    block: "depthwise", "bottleneck", or None for none, as released.   block_depth: how often it is applied.
    hooks: numbers of the tower's blocks, from 1, that are read, ascending, at least 2; None for log2(patch) of them,
        evenly spaced up to the last, after which the map has half the picture's size: of 24 blocks of patch 16 the
        published 6, 12, 18, 24.   channels: of the fusion; None for a third of the tower's width, at most 256.
    start: "clip", where the tower starts from this CLIP's (the paper's starts from one trained on ImageNet), or
        "random".   template: what is said of a label; "{}", as released, is its name alone; None for the task's.
    flip: mirror half of the pictures, with their masks, while learning.
    Published training: SGD with momentum 0.9, weight decay 1e-4, batches of 16, 240 epochs; the learning rate, 0.004
    for 16 pictures and in proportion for other batches, ten times that behind the tower, goes down by (1 − t)^0.9.
    Crops are not made here: pictures are seen whole.
    Raises ValueError for image towers without hooks, and settings that are impossible.

    visual, fusion, to_joint, plane: what is learned: the tower, what joins its depths, the last step into the joint
        space, and the block where there is one.   texts: (K, D), the labels, L2-normalised.
    """

    TAU = 0.07
    LR, BATCH_SIZE, WEIGHT_DECAY, EPOCHS, WARMUP_EPOCHS = 0.004, 16, 1e-4, 240, 0
    LR_TIMES = {"fusion": 10.0, "to_joint": 10.0, "plane": 10.0}
    learns_from_pixels = True
    IN_PAPER = ("block", "block_depth")
    PER_IMAGE = 0.03

    def __init__(
        self,
        clip: "Clip",
        block: str | None = None,
        *,
        block_depth: int = 1,
        hooks: Sequence[int] | None = None,
        channels: int | None = None,
        start: str = "clip",
        template: str | None = "{}",
        flip: bool = True,
    ):
        super().__init__(clip)
        clip.image_tower.check_promptable()
        if block is not None and block not in BLOCKS:
            raise ValueError(f"block={block!r}: use one of {BLOCKS}, or None. {nearest(str(block), BLOCKS)}".strip())
        if start not in STARTS:
            raise ValueError(f"start={start!r}: use one of {STARTS}. {nearest(str(start), STARTS)}".strip())
        check_whole("block_depth", block_depth, "how often the block is applied, at least 1", 1)
        if channels is not None:
            check_whole("channels", channels, "channels of the fusion, at least 1", 1)
        self.block, self.block_depth, self.start, self.flip = block, block_depth, start, flip
        self.hooks, self.channels = None if hooks is None else list(hooks), channels
        self.template = one_template(template)
        self.read_at = _hooks_of(clip.image_tower) if hooks is None else self.hooks
        for number in self.read_at:
            check_depth(number, clip.image_tower.layers, f"image tower of {clip.name}")
        if len(self.read_at) < 2 or sorted(set(self.read_at)) != self.read_at:
            raise ValueError(f"hooks={hooks!r}: give at least 2 numbers of blocks, ascending")
        self.register_buffer("texts", None, persistent=False)  # (K, D)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        tower = self.clip.image_tower
        channels = max(1, min(256, tower.width // 3)) if self.channels is None else self.channels
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.fusion = Fusion(tower.width, channels, len(self.read_at))
            self.to_joint = nn.Conv2d(channels, self.clip.embed_dim, 1)
            self.plane = None if self.block is None else nn.Conv2d(1, 1, 3, padding=1)
            given = self.clip.model if self.start == "clip" else build(self.clip.model_cfg)
            self.visual = _up_to(copy.deepcopy(given.visual), self.read_at[-1])
        self.to(self.clip.device)
        self.tower = ImageTower(SimpleNamespace(visual=self.visual), self.clip.name)  # its steps, on these weights

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = texts_of(self.clip, names, self.template or self.task_template)
        super().set_classes(names)

    # --- learning

    def recipe(
        self, shots: int | None, epochs: int | None, lr: float | None, batch_size: int | None, **settings: Any
    ) -> Recipe:
        found = super().recipe(shots, epochs, lr, batch_size, schedule="poly", **settings)
        return found if lr is not None else replace(found, lr=self.LR * found.batch_size / self.BATCH_SIZE)

    def fit_settings(self, shots: int | None = None, **fit: Any) -> dict[str, Any]:
        """As `Learned.fit_settings`. Raises ValueError for views, too: masks do not move with them."""
        if (views := fit.get("views", "plain")) != "plain":
            raise ValueError(
                f"views={views!r}: masks would not move with augmented views. Leave views out: LSeg mirrors pictures "
                "with their masks (flip=True)"
            )
        return super().fit_settings(shots, **fit)

    def check_task(self, task: "Task") -> None:
        super().check_task(task)
        if len(task.classnames) < 2:
            raise ValueError(
                f"LSeg learns from at least 2 classes, of which each pixel is one; the task has {task.classnames} "
                "alone. Name the rest of the picture as well, such as 'background'"
            )
        if not task.train.targets.shows[:, :IGNORE].any():
            raise ValueError("no pixel of the training masks has a class: there is nothing to learn from")

    def fit(self, task: "Task", **settings: Any) -> "LSeg":
        """As `Learned.fit`; masks are moved to the size of the preprocessed pictures. Raises ValueError, too, for one
        class, and a mask of another size than its picture."""
        self.fit_settings(**settings)
        self.check_task(task)
        return super().fit(replace(task, train=self._at_size(task.train)), **settings)

    def _at_size(self, split: Split) -> Split:
        """The same pictures, with masks (N, S, S) of what of them is seen."""
        pixels, masks, size = split.tensor(), split.targets.masks, self.clip.transforms.size
        if pixels is not None and isinstance(masks, Tensor) and pixels.shape[-2:] == masks.shape[-2:] == size:
            return split
        moved = torch.cat([masks for _, masks in self._pictures(split, range(len(split)))])
        return Split(split.images, Masks(moved.to(torch.uint8)), split.classnames)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: (n, 3, S, S); labels: (n, S, S), 255 where a pixel has no class. The mean over the pixels that do."""
        if self.flip and self.training:
            mirrored = torch.rand(len(inputs)) < 0.5
            inputs, labels = (torch.where(_beside(mirrored, x), x.flip(-1), x) for x in (inputs, labels))
        total = F.cross_entropy(self.at_pixels(inputs), labels, ignore_index=IGNORE, reduction="sum")
        return total / (labels != IGNORE).sum().clamp(min=1)

    # --- answering

    def pixel_features(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, D, h, w), L2-normalised: what is compared with texts."""
        images = images.to(self.clip.device)
        with autocast(self.clip.device, self.clip.precision):
            joined = self.fusion(self.tower.encode_hooks(images, self.read_at), self.tower.grid(images))
            features = self.to_joint(joined)  # (n, D, h, w)
        return unit(features.movedim(1, -1)).movedim(-1, 1)

    def patch_logits(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, K, h, w), differentiable."""
        logits = torch.einsum("ndhw,kd->nkhw", self.pixel_features(images), self.texts) / self.TAU
        return self.smoothed(logits)

    def smoothed(self, logits: Tensor) -> Tensor:
        """(n, K, h, w) -> the same behind the block."""
        for again in reversed(range(self.block_depth if self.plane is not None else 0)):
            strongest = logits.amax(dim=1, keepdim=True)  # (n, 1, h, w)
            logits = self.plane(logits.flatten(0, 1)[:, None])[:, 0].unflatten(0, logits.shape[:2])
            logits = logits + strongest if self.block == "bottleneck" else logits
            logits = F.leaky_relu(logits) if again else logits
        return logits

    @property
    def patch(self) -> int:
        steps = 2 ** (len(self.read_at) - 1)  # of the fusion's map, in a patch
        return max(1, self.clip.image_tower.patch_size // steps)


def _hooks_of(tower: ImageTower) -> list[int]:
    count = min(max(2, int(log2(tower.patch_size))), tower.layers)
    return [round(tower.layers * number / count) for number in range(1, count + 1)]


def _up_to(visual: nn.Module, block: int) -> nn.Module:
    """The tower up to this block, to be trained: without what is behind, which nothing reads."""
    del visual.transformer.resblocks[block:]
    visual.transformer.layers = block
    visual.ln_post, visual.proj = nn.Identity(), None
    return visual.float().requires_grad_(True).train()


def _beside(rows: Tensor, like: Tensor) -> Tensor:
    """(n,) -> (n, 1, …), on the device of `like`, to choose between its rows."""
    return rows.to(like.device, non_blocking=True).view(-1, *[1] * (like.ndim - 1))
