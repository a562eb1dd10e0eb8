"""KgCoOp: knowledge-guided context optimisation (Yao et al., "Visual-Language Prompt Tuning with Knowledge-guided
Context Optimization", CVPR 2023).

CoOp, held back: what the learned prompts say of a class may not go far from what the hand-made one says.
    L = L_CE + λ · 1/C Σ_c (1 − w_c · t_c)      w_c: of the learned prompt; t_c: of the hand-made one, both normalised
That is the released code, with λ = 8. The paper writes ‖w_c − t_c‖² = 2 (1 − w_c · t_c) in its place, so by the paper's
formula this λ counts as 4.

The one method that inherits from a sibling: its context, layout and texts are CoOp's to the letter.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from lessons_lib.methods.classify.coop import CoOp
from lessons_lib.methods.parts.texts import one_template, texts_of
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class KgCoOp(CoOp):
    """CoOp with a pull towards the hand-made prompt's text embeddings.

    n_ctx, ctx_init: as in CoOp; M = 4 vectors that start from "a photo of a" unless told otherwise.
    weight: λ, at least 0; 0 is CoOp.   template: the hand-made prompt; None for the task's.
    Published training: lr 0.002, batches of 128, 100 epochs.

    ctx: what is learned, (M, d).   texts: t, (C, D), of the hand-made prompt.
    """

    BATCH_SIZE, EPOCHS = 128, 100
    PER_IMAGE = 7.5e-5

    def __init__(
        self,
        clip: "Clip",
        n_ctx: int | None = None,
        *,
        ctx_init: str | None = "a photo of a",
        weight: float = 8.0,
        template: str | None = None,
    ):
        if not 0 <= weight < float("inf"):
            raise ValueError(f"weight={weight!r}: give a number of at least 0 (0 is CoOp; published is 8)")
        super().__init__(clip, n_ctx, ctx_init=ctx_init)
        self.weight, self.template = float(weight), one_template(template)
        self.register_buffer("texts", None, persistent=False)  # (C, D)

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        texts = texts_of(self.clip, names, self.template or self.task_template)
        super().set_classes(names)
        self.texts = texts

    def departure(self, texts: Tensor | None = None) -> Tensor:
        """A scalar, 0 to 2: one minus the cosine of learned and hand-made texts, mean over classes."""
        texts = self.text_features() if texts is None else texts  # (C, D)
        return 1 - (texts * self.texts).sum(dim=-1).mean()

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: features (n, D); labels: (n,)."""
        texts = self.text_features()  # (C, D)
        logits = self.clip.logit_scale * inputs @ texts.T  # (n, C)
        return F.cross_entropy(logits, labels) + self.weight * self.departure(texts)
