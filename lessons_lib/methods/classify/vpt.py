"""VPT: visual prompt tuning (Jia et al., "Visual Prompt Tuning", ECCV 2022), with CLIP's frozen texts to compare with.

P learned rows enter beside the patch tokens (sections 3.2):
    shallow   once, before the first block                                       (equations 4 and 5)
    deep      every block has P of its own, in place of what the block before made of its   (equation 6)
They enter after `ln_pre`, have no position, and start from U(−a, a), a = √(6 / (3 · patch² + d_v)).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import BOTH_WAYS
from lessons_lib.methods.parts.starts import check_whole, uniform_prompts
from lessons_lib.methods.parts.texts import one_template, texts_of
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class VPT(LearnedClassifier):
    """Learned rows beside the image's patches; the text side is the hand-made prompt's and is computed once.

    n_ctx: P, prompts a block.   depth: blocks that get prompts of their own; 1 is VPT-shallow, all is VPT-deep.
    template: the hand-made prompt; None for the task's.
    Training, from MaPLe's comparison with it: lr 0.0025, batches of 4, 5 epochs.
    Raises ValueError for a model whose image tower cannot be prompted, and a depth beyond its blocks.

    prompts: what is learned, (depth, P, d_v).
    """

    LR, BATCH_SIZE, EPOCHS = 0.0025, 4, 5
    learns_from_pixels = True
    IN_PAPER = ("depth",)
    PER_IMAGE = 1 / BOTH_WAYS

    def __init__(self, clip: "Clip", n_ctx: int = 8, *, depth: int = 1, template: str | None = None):
        super().__init__(clip)
        clip.image_tower.check_depth(depth)
        check_whole("n_ctx", n_ctx, "at least 1 prompt", 1)
        self.n_ctx, self.depth, self.template = n_ctx, depth, one_template(template)
        self.register_buffer("texts", None, persistent=False)  # (C, D)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        start = uniform_prompts(self.clip, self.depth, self.n_ctx, seed=torch.Generator().manual_seed(seed))
        self.prompts = nn.Parameter(start.to(self.clip.device))

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = texts_of(self.clip, names, self.template or self.task_template)
        super().set_classes(names)

    def text_features(self) -> Tensor:
        return self.texts  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(images, self.prompts[0], self.prompts[1:])  # (n, D)
