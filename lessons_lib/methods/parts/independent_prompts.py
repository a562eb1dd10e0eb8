"""Independent learned rows on both sides, in each of the first J blocks, and nothing that ties the two together:

    text    [SOS] u_1 … u_b of a name . [EOS]; before blocks 2 … J rows 1 … b are replaced by sets of their own
    image   [class, patches, z_1 … z_p], before `ln_pre`, replaced before blocks 2 … J likewise
IVLP learns them as they are, PromptSRC holds them near the frozen model.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.starts import first_rows, normal, words_left

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class IndependentPrompts(LearnedClassifier):
    """A classifier that learns them.

    n_ctx_text, n_ctx_vision: learned rows a block on each side; 0 leaves that side as it is.
    depth_text, depth_vision: J of each side; None for all blocks.
    ctx_init: the visible words, whose first `n_ctx_text` are learned; the others stay. With more rows than words all
        start at random and no word is left. Both as released.
    Raises ValueError for models that cannot be prompted, and depths beyond their blocks.

    ctx: (b, d), deep_ctx: (J−1, b, d), visual_ctx: (p, d_v), deep_visual_ctx: (J−1, p, d_v): what is learned.
    """

    def __init__(
        self,
        clip: "Clip",
        n_ctx_text: int = 2,
        n_ctx_vision: int = 2,
        *,
        depth_text: int | None = None,
        depth_vision: int | None = None,
        ctx_init: str = "a photo of a",
    ):
        super().__init__(clip)
        clip.text_tower.check_promptable()
        if min(n_ctx_text, n_ctx_vision) < 0 or n_ctx_text + n_ctx_vision == 0:
            raise ValueError(
                f"n_ctx_text={n_ctx_text}, n_ctx_vision={n_ctx_vision}: give numbers of prompts, at least one above 0"
            )
        if n_ctx_vision:
            clip.image_tower.check_promptable()
        self.n_ctx_text, self.n_ctx_vision, self.ctx_init = n_ctx_text, n_ctx_vision, ctx_init
        self.depth_text = clip.text_tower.layers if depth_text is None else depth_text
        self.depth_vision = clip.image_tower.layers or 0 if depth_vision is None else depth_vision
        clip.text_tower.check_depth(self.depth_text)
        if n_ctx_vision:
            clip.image_tower.check_depth(self.depth_vision)
        self.learns_from_pixels = n_ctx_vision > 0
        self.words = words_left(ctx_init, clip, n_ctx_text)
        self.register_buffer("texts", None, persistent=False)  # (C, D), where no text is learned
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        draws, device = torch.Generator().manual_seed(seed), self.clip.device
        if self.n_ctx_text:
            d = self.clip.text_tower.width
            self.ctx = nn.Parameter(first_rows(self.ctx_init, self.clip, self.n_ctx_text, draws))
            self.deep_ctx = nn.Parameter(normal(self.depth_text - 1, self.n_ctx_text, d, seed=draws).to(device))
        if self.n_ctx_vision:
            shape = (self.n_ctx_vision, self.clip.image_tower.width)
            self.visual_ctx = nn.Parameter(normal(*shape, seed=draws).to(device))
            self.deep_visual_ctx = nn.Parameter(normal(self.depth_vision - 1, *shape, seed=draws).to(device))

    def set_classes(self, classnames: Iterable[str]) -> None:
        self.layout = PromptLayout(self.clip, classnames, self.n_ctx_text, words=self.words)
        if not self.n_ctx_text:
            nothing = torch.empty(0, self.clip.text_tower.width, device=self.clip.device)
            with torch.no_grad():
                self.texts = self.clip.encode_prompts(self.layout, nothing)
        super().set_classes(self.layout.classnames)

    def text_features(self) -> Tensor:
        return (
            self.clip.encode_prompts(self.layout, self.ctx, self.deep_ctx) if self.n_ctx_text else self.texts
        )  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(
            images, self.visual_ctx, self.deep_visual_ctx, before_ln_pre=True
        )  # (n, D)
