"""PromptSRC: prompts with self-regulating constraints (Khattak et al., "Self-regulating Prompts: Foundational Model
Adaptation without Forgetting", ICCV 2023).

IVLP's prompts, learned without forgetting the frozen model, in three ways:
    mutual agreement (3.2.1)   L = L_CE + λ_t · mean |w̃ − w̄| + λ_f · mean |f̃ − f| + KL(q ‖ q̃) / (n C)
    self-ensembling (3.2.2)    the answer is Σ_e ω_e θ_e over the prompts θ_e after each epoch, ω_e ~ N(e; μ, σ²)
    textual diversity (3.2.3)  w̄: the mean of the frozen text embeddings under many templates
w̃, f̃: embeddings with prompts; f: the frozen one of the same augmented picture; all are unit vectors. q̃ and q: the
softmax of s · f̃ · w̃ᵀ and of s · f · w̄ᵀ.   λ_t = 25, λ_f = 10.
As released: w̄ is the mean of raw embeddings, then normalised, under the first 60 of ImageNet's 80 templates.
Not as released: there, mixed precision leaves all but the cross-entropy out; here it is the same loss in any.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.methods.parts.cost import BOTH_WAYS, FORWARD
from lessons_lib.methods.parts.independent_prompts import IndependentPrompts
from lessons_lib.methods.parts.starts import blocks_with_prompts, check_whole
from lessons_lib.methods.parts.texts import unnormalised_texts_of
from lessons_lib.templates import IMAGENET_80

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split

TEMPLATES = IMAGENET_80[:60]


class PromptSRC(IndependentPrompts):
    """Independent prompts on both sides, held near the frozen model.

    n_ctx_text, n_ctx_vision: learned rows a block on each side, at least 1.   ctx_init: the words they start from.
    depth_text, depth_vision: blocks with prompts; None for 9 of 12, and as large a share of a shallower tower.
    text_weight, image_weight, logit_weight: λ_t, λ_f, and that of the KL; all 0 is IVLP, but for the ensemble.
    gpa_mean, gpa_std: μ and σ, in epochs. (15, 1) of 20 is published for base-to-new; with few shots of all classes
        50 epochs, (30, 30), or (45, 5) on Cars, Flowers, Aircraft, DTD and EuroSAT.
    Published training: lr 0.0025, batches of 4, 20 epochs (base-to-new).
    Raises ValueError for models that cannot be prompted, depths beyond their blocks, and numbers out of range.

    ctx, deep_ctx, visual_ctx, deep_visual_ctx: what is learned, as in IVLP.   mean_…: the ensemble of each so far.
    """

    LR, BATCH_SIZE, EPOCHS = 0.0025, 4, 20
    IN_PAPER = ("gpa_mean", "gpa_std")
    PER_IMAGE = 1.25 / BOTH_WAYS + 1 / FORWARD

    def __init__(
        self,
        clip: "Clip",
        n_ctx_text: int = 4,
        n_ctx_vision: int = 4,
        *,
        depth_text: int | None = None,
        depth_vision: int | None = None,
        ctx_init: str = "a photo of a",
        text_weight: float = 25.0,
        image_weight: float = 10.0,
        logit_weight: float = 1.0,
        gpa_mean: float = 15.0,
        gpa_std: float = 1.0,
    ):
        clip.text_tower.check_promptable()
        clip.image_tower.check_promptable()
        for name, value in (("n_ctx_text", n_ctx_text), ("n_ctx_vision", n_ctx_vision)):
            check_whole(name, value, "at least 1 prompt", 1)
        weights = {"text_weight": text_weight, "image_weight": image_weight, "logit_weight": logit_weight}
        for name, value in weights.items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}={value!r}: give a number of at least 0")
        if not 0 < gpa_std < float("inf"):
            raise ValueError(f"gpa_std={gpa_std!r}: give a number of epochs above 0")
        super().__init__(
            clip,
            n_ctx_text,
            n_ctx_vision,
            depth_text=blocks_with_prompts(clip.text_tower.layers) if depth_text is None else depth_text,
            depth_vision=blocks_with_prompts(clip.image_tower.layers) if depth_vision is None else depth_vision,
            ctx_init=ctx_init,
        )
        self.text_weight, self.image_weight, self.logit_weight = map(float, weights.values())
        self.gpa_mean, self.gpa_std = gpa_mean, gpa_std
        self.register_buffer("frozen_texts", None, persistent=False)  # w̄, (C, D), while it learns

    def reset(self, seed: int) -> None:
        super().reset(seed)
        for name, p in self.named_parameters():
            self.register_buffer(f"mean_{name}", torch.zeros_like(p.detach()))

    def set_classes(self, classnames: Iterable[str]) -> None:
        super().set_classes(classnames)
        self.frozen_texts = None

    def prepare(self, split: "Split", *, seed: int, progress: bool) -> None:
        """Says the classes with every template: needed by the loss alone."""
        each = [unnormalised_texts_of(self.clip, self.classnames, template) for template in TEMPLATES]
        self.frozen_texts = F.normalize(sum(each) / len(each), dim=-1)  # (C, D)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: images (n, 3, S, S); labels: (n,)."""
        texts, features, scale = self.text_features(), self.image_features(inputs), self.clip.logit_scale
        frozen = self.clip.encode_images(inputs)  # (n, D)
        logits = scale * features @ texts.T  # (n, C)
        frozen_logits = scale * frozen @ self.frozen_texts.T  # (n, C)
        kl = F.kl_div(logits.log_softmax(dim=1), frozen_logits.log_softmax(dim=1), reduction="sum", log_target=True)
        return (
            F.cross_entropy(logits, labels)
            + self.text_weight * F.l1_loss(texts, self.frozen_texts)
            + self.image_weight * F.l1_loss(features, frozen)
            + self.logit_weight * kl / logits.numel()
        )

    @torch.no_grad()
    def after_epoch(self, epoch: int, epochs: int) -> None:
        """Adds these prompts to the ensemble, which after the last epoch takes their place."""
        distance = (torch.arange(1, epochs + 1, dtype=torch.float64) - self.gpa_mean) / self.gpa_std
        weight = float((-0.5 * distance.square()).softmax(dim=0)[epoch - 1])  # of a Gaussian, to the sum of 1
        for name, p in self.named_parameters():
            mean = getattr(self, f"mean_{name}")
            mean += weight * p
            if epoch == epochs:
                p.copy_(mean)
