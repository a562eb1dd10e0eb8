"""Visual prompting in pixels (Bahng et al., "Exploring Visual Prompts for Adapting Large-Scale Models", 2022).

A learned frame is added to every image, and nothing inside CLIP changes at all:
    x' = x + δ,     δ: (3, S, S), zero inside the frame                         (section 3.1, "padding")
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.methods.learned import HandMadePrompt, Learned

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class VisualPrompting(HandMadePrompt, Learned):
    """A learned frame of pixels around the image; the texts are the hand-made prompt's. Works with any image tower.

    width: of the frame in pixels; None for 30 in 224, as published, in proportion to the image.
    template: the hand-made prompt; None for the task's.
    Published training: lr 40, no weight decay, batches of 256, 1000 epochs.
    Raises ValueError for a frame that leaves nothing of the image free.

    frame: what is learned, (3, n) for the n pixels of the frame, in units of the preprocessed image; starts from
        N(0, 1).
    """

    LR, BATCH_SIZE, WEIGHT_DECAY = 40.0, 256, 0.0

    def __init__(self, clip: "Clip", width: int | None = None, *, template: str | None = None):
        super().__init__(clip)
        size = clip.image_size
        width = max(1, round(size * 30 / 224)) if width is None else width
        if not 1 <= width < size / 2:
            raise ValueError(f"width={width}: on images of {size} pixels the frame is 1 to {(size - 1) // 2} wide")
        self.width = width
        self.use_template(template)
        on_frame = torch.ones(size, size, dtype=torch.bool)
        on_frame[width:-width, width:-width] = False
        self.register_buffer("on_frame", on_frame.to(clip.device), persistent=False)
        self.reset(seed=1)

    @property
    def learns_from_pixels(self) -> bool:
        return True

    def published_epochs(self, shots: int | None) -> int:
        return 1000

    def reset(self, seed: int) -> None:
        start = torch.randn(3, int(self.on_frame.sum()), generator=torch.Generator().manual_seed(seed))
        self.frame = nn.Parameter(start.to(self.clip.device))

    def delta(self) -> Tensor:
        """(3, S, S): what is added to an image."""
        picture = self.frame.new_zeros(3, *self.on_frame.shape)
        return picture.masked_scatter(self.on_frame, self.frame)

    def text_features(self) -> Tensor:
        return self.texts  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(images.to(self.clip.device) + self.delta())  # (n, D)
