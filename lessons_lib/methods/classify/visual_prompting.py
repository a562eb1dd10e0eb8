"""Visual prompting in pixels (Bahng et al., "Exploring Visual Prompts for Adapting Large-Scale Models", 2022).

A learned frame is added to every image, and nothing inside CLIP changes at all:
    x' = x + δ,     δ: (3, S, S), zero inside the frame                         (section 3.1, "padding")
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import BOTH_WAYS
from lessons_lib.methods.parts.texts import one_template, texts_of
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class VisualPrompting(LearnedClassifier):
    """A learned frame of pixels around the image; the texts are the hand-made prompt's. Works with any image tower.

    width: of the frame in pixels; None for 30 in 224, as published, in proportion to the image.
    template: the hand-made prompt; None for the task's.
    Published training: lr 40, no weight decay, batches of 256, 1000 epochs.
    Raises ValueError for a frame that leaves nothing of the image free.

    frame: what is learned, (3, n) for the n pixels of the frame, in units of the preprocessed image; starts from
        N(0, 1).
    """

    LR, BATCH_SIZE, WEIGHT_DECAY, EPOCHS = 40.0, 256, 0.0, 1000
    learns_from_pixels = True
    PAPER_NAME = "VP"
    PER_IMAGE = 1 / BOTH_WAYS

    def __init__(self, clip: "Clip", width: int | None = None, *, template: str | None = None):
        super().__init__(clip)
        size = clip.image_size
        width = max(1, round(size * 30 / 224)) if width is None else width
        if not 1 <= width < size / 2:
            raise ValueError(f"width={width}: on images of {size} pixels the frame is 1 to {(size - 1) // 2} wide")
        self.width, self.template = width, one_template(template)
        self.register_buffer("texts", None, persistent=False)  # (C, D)
        on_frame = torch.ones(size, size, dtype=torch.bool)
        on_frame[width:-width, width:-width] = False
        self.register_buffer("on_frame", on_frame.to(clip.device), persistent=False)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        start = torch.randn(3, int(self.on_frame.sum()), generator=torch.Generator().manual_seed(seed))
        self.frame = nn.Parameter(start.to(self.clip.device))

    def delta(self) -> Tensor:
        """(3, S, S): what is added to an image."""
        picture = self.frame.new_zeros(3, *self.on_frame.shape)
        return picture.masked_scatter(self.on_frame, self.frame)

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = texts_of(self.clip, names, self.template or self.task_template)
        super().set_classes(names)

    def text_features(self) -> Tensor:
        return self.texts  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(images.to(self.clip.device) + self.delta())  # (n, D)
