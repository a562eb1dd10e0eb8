"""VPT: visual prompt tuning (Jia et al., "Visual Prompt Tuning", ECCV 2022), with CLIP's frozen texts to compare with.

P learned rows enter beside the patch tokens (sections 3.2):
    shallow   once, before the first block                                       (equations 4 and 5)
    deep      every block has P of its own, in place of what the block before made of its   (equation 6)
They enter after `ln_pre`, have no position, and start from U(−a, a), a = √(6 / (3 · patch² + d_v)).
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.methods.learned import HandMadePrompt, Learned

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class VPT(HandMadePrompt, Learned):
    """Learned rows beside the image's patches; the text side is the hand-made prompt's and is computed once.

    n_ctx: P, prompts a block.   depth: blocks that get prompts of their own; 1 is VPT-shallow, all is VPT-deep.
    template: the hand-made prompt; None for the task's.
    Training, from MaPLe's comparison with it: lr 0.0025, batches of 4, 5 epochs.
    Raises ValueError for a model whose image tower cannot be prompted, and a depth beyond its blocks.

    prompts: what is learned, (depth, P, d_v).
    """

    LR, BATCH_SIZE = 0.0025, 4

    def __init__(self, clip: "Clip", n_ctx: int = 8, *, depth: int = 1, template: str | None = None):
        super().__init__(clip)
        clip.image_tower.check_depth(depth)
        if n_ctx < 1:
            raise ValueError(f"n_ctx={n_ctx}: give at least 1 prompt")
        self.n_ctx, self.depth = n_ctx, depth
        self.use_template(template)
        self.reset(seed=1)

    @property
    def learns_from_pixels(self) -> bool:
        return True

    def published_epochs(self, shots: int | None) -> int:
        return 5

    def reset(self, seed: int) -> None:
        start = uniform_prompts(self.clip, self.depth, self.n_ctx, seed=torch.Generator().manual_seed(seed))
        self.prompts = nn.Parameter(start.to(self.clip.device))

    def text_features(self) -> Tensor:
        return self.texts  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(images, self.prompts[0], self.prompts[1:])  # (n, D)


def uniform_prompts(clip: "Clip", *shape: int, seed: torch.Generator) -> Tensor:
    """(*shape, d_v) from U(−a, a), as visual prompts start."""
    tower = clip.image_tower
    bound = math.sqrt(6 / (3 * tower.patch_size**2 + tower.width))
    return (2 * torch.rand(*shape, tower.width, generator=seed) - 1) * bound
