"""MaPLe: multi-modal prompt learning (Khattak et al., "MaPLe: Multi-modal Prompt Learning", CVPR 2023).

Learned rows P_j on the text side of each of the first J blocks, and on the image side their projections:
    text    [SOS] P_1 of a name . [EOS]; before blocks j = 2 … J rows 1 … b are replaced by P_j   (equations 4 to 6)
    image   [class, patches, F_1(P_1)], before `ln_pre`; before blocks 2 … J replaced by F_j(P_j)   (equations 8 and 9)
    F_j: Linear(d → d_v), one a depth; one for all depths in MaPLe†
"a photo of a {}." stays visible with only its first two words replaced: the "of a" is left, as released.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import BOTH_WAYS
from lessons_lib.methods.parts.starts import (
    blocks_with_prompts,
    check_whole,
    empty_linear,
    first_rows,
    normal,
    reset_linear,
    words_left,
)

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class MaPLe(LearnedClassifier):
    """Text prompts, and image prompts that are their projections.

    n_ctx: b, learned rows a block.   ctx_init: the visible words, whose first b are learned; with more rows than words
        all start at random and no word is left, as released.
    prompt_depth: J. None for 9 of 12 blocks, as published, and as large a share of a shallower tower.
    shared_coupling: one projection for all depths (MaPLe†).
    Published training: lr 0.0035, batches of 4, 5 epochs (base-to-new).
    Raises ValueError for models that cannot be prompted, and depths beyond their blocks.

    ctx: (b, d), deep_ctx: (J−1, b, d), projections: J layers d → d_v, or one: what is learned.
    """

    LR, BATCH_SIZE, EPOCHS = 0.0035, 4, 5
    learns_from_pixels = True
    PER_IMAGE = 1.25 / BOTH_WAYS

    def __init__(
        self,
        clip: "Clip",
        n_ctx: int = 2,
        *,
        prompt_depth: int | None = None,
        shared_coupling: bool = False,
        ctx_init: str = "a photo of a",
    ):
        super().__init__(clip)
        clip.text_tower.check_promptable()
        clip.image_tower.check_promptable()
        check_whole("n_ctx", n_ctx, "at least 1 prompt", 1)
        if prompt_depth is None:
            prompt_depth = blocks_with_prompts(min(clip.text_tower.layers, clip.image_tower.layers))
        clip.text_tower.check_depth(prompt_depth)
        clip.image_tower.check_depth(prompt_depth)
        self.n_ctx, self.prompt_depth, self.shared_coupling = n_ctx, prompt_depth, shared_coupling
        self.ctx_init = ctx_init
        self.words = words_left(ctx_init, clip, n_ctx)
        widths = (clip.text_tower.width, clip.image_tower.width)
        count = 1 if shared_coupling else prompt_depth
        self.projections = nn.ModuleList(empty_linear(*widths) for _ in range(count)).to(clip.device)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        draws, d = torch.Generator().manual_seed(seed), self.clip.text_tower.width
        self.ctx = nn.Parameter(first_rows(self.ctx_init, self.clip, self.n_ctx, draws))
        deep = normal(self.prompt_depth - 1, self.n_ctx, d, seed=draws)
        self.deep_ctx = nn.Parameter(deep.to(self.clip.device))
        for layer in self.projections:
            reset_linear(layer, draws)
        for layer in self.projections[2:]:
            layer.load_state_dict(self.projections[1].state_dict())  # released: the deep ones start as copies of one

    def set_classes(self, classnames: Iterable[str]) -> None:
        self.layout = PromptLayout(self.clip, classnames, self.n_ctx, words=self.words)
        super().set_classes(self.layout.classnames)

    def visual_prompts(self) -> list[Tensor]:
        """J image prompts, (b, d_v) each: the projections of the text prompts."""
        texts = [self.ctx, *self.deep_ctx]
        layers = [self.projections[0]] * len(texts) if self.shared_coupling else self.projections
        return [layer(prompts) for layer, prompts in zip(layers, texts)]

    def text_features(self) -> Tensor:
        return self.clip.encode_prompts(self.layout, self.ctx, self.deep_ctx)  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        first, *deep = self.visual_prompts()
        return self.clip.encode_prompted_images(images, first, deep, before_ln_pre=True)  # (n, D)
