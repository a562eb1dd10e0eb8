"""DAPT: distribution-aware prompt tuning (Cho et al., "Distribution-Aware Prompt Tuning for Vision-Language Models",
ICCV 2023).

CoOp's text prompts and VPT's (shallow) visual prompts, learned together; two more losses shape how the embeddings lie:
    L_inter = mean over pairs of classes m ≠ n of exp(−t ‖w_m − w_n‖²)      texts spread out
    L_intra = mean over images i of ‖z_i − s_y(i)‖² / D                     images gather about their class
    L = L_CE + β_t L_inter + β_v L_intra
s_c, the prototype of class c, is the mean of the zero-shot normalised embeddings of its training images, not normalised
again. That is the released form; the paper sums over the pairs, and does not divide by D (`reduction="sum"`).
"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.features import image_features
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.rows import check_every_class
from lessons_lib.methods.parts.starts import check_whole, context_length, normal, uniform_prompts

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

PUBLISHED = {  # lr, beta_v, beta_t, searched for each data set on ViT-B/16; by the name of the toy task that mirrors it
    "things": (2, 0.01, 0.01),  # ImageNet
    "objects": (0.2, 10, 0.01),  # Caltech101
    "pets": (0.02, 10, 0.1),
    "cars": (0.002, 100, 0.1),
    "flowers": (0.002, 10, 0.01),
    "food": (20, 10, 0.01),
    "aircraft": (2, 100, 0.01),
    "scenes": (20, 100, 0.01),  # SUN397
    "textures": (20, 100, 0.01),  # DTD
    "satellite": (20, 100, 10),  # EuroSAT
    "actions": (20, 0.1, 0.1),  # UCF101
}

NO_PROTOTYPE = "a prototype needs at least one, or leave that loss out with DAPT(beta_v=0)"


class DAPT(LearnedClassifier):
    """Prompts on both sides, with dispersion losses.

    n_ctx, n_ctx_vision: learned vectors in the text, in front of the name, and beside the image's patches.
    beta_t, beta_v: weights of the two losses, at least 0; 0 leaves one out, and both 0 are CoOp + VPT.
    t: how far the potential between two texts reaches, above 0.   reduction: "mean", as released, or "sum".
    n_views: what the prototypes are made of: 0, the plain images, or so many augmented views of each (released: 1).
    Published training: batches of 32, CoOp's epochs; lr and the betas are searched for each data set (`PUBLISHED`).
    Raises ValueError for models that cannot be prompted, settings out of range, and names too long for the context.

    ctx: (M, d) and visual_ctx: (P, d_v): what is learned.   prototypes: (C, D), of the last `fit`.
    """

    LR = 0.02
    learns_from_pixels = True
    IN_PAPER = ("beta_t", "beta_v", "n_views")
    PER_IMAGE = 1 / 77

    def __init__(
        self,
        clip: "Clip",
        n_ctx: int = 16,
        n_ctx_vision: int = 16,
        *,
        beta_t: float = 0.01,
        beta_v: float = 10.0,
        t: float = 2.0,
        reduction: str = "mean",
        n_views: int = 0,
    ):
        super().__init__(clip)
        clip.text_tower.check_promptable()
        clip.image_tower.check_promptable()
        self.n_ctx = context_length(clip, n_ctx, None, default=16)
        check_whole("n_ctx_vision", n_ctx_vision, "a whole number of visual prompts, at least 1", 1)
        if not (0 <= beta_t < math.inf and 0 <= beta_v < math.inf and 0 < t < math.inf):
            raise ValueError(f"beta_t={beta_t}, beta_v={beta_v}, t={t}: give betas of at least 0, and t above 0")
        if reduction not in ("mean", "sum"):
            raise ValueError(f'reduction is "mean" or "sum"; got {reduction!r}')
        check_whole("n_views", n_views, "a number of augmented views, or 0 for plain images")
        PromptLayout(clip, ["x"], self.n_ctx)  # says now what would fail later
        self.n_ctx_vision, self.beta_t, self.beta_v, self.t = n_ctx_vision, beta_t, beta_v, t
        self.reduction, self.n_views = reduction, n_views
        self.register_buffer("prototypes", None, persistent=False)
        self.reset(seed=1)

    def reset(self, seed: int) -> None:
        draws, device = torch.Generator().manual_seed(seed), self.clip.device
        self.ctx = nn.Parameter(normal(self.n_ctx, self.clip.text_tower.width, seed=draws).to(device))
        self.visual_ctx = nn.Parameter(uniform_prompts(self.clip, self.n_ctx_vision, seed=draws).to(device))

    def set_classes(self, classnames: Iterable[str]) -> None:
        self.layout = PromptLayout(self.clip, classnames, self.n_ctx)
        super().set_classes(self.layout.classnames)

    def check_task(self, task: "Task") -> None:
        """A class without images is refused where prototypes are needed."""
        super().check_task(task)
        if self.beta_v:
            check_every_class(task.train.labels, task.classnames, NO_PROTOTYPE)

    def prepare(self, split: "Split", *, seed: int, progress: bool) -> None:
        """The prototypes of the training images."""
        if self.beta_v:
            view = self.n_views or "plain"
            how = {"view": view, "seed": seed, "num_workers": self.workers, "progress": progress}
            features = image_features(self.clip, split, **how)
            features = features if view == "plain" else features.mean(dim=0)  # (K, N, D) -> (N, D)
            self.prototypes = class_means(features, split.labels, split.classnames)

    @property
    def paper_name(self) -> str:
        """Without its two losses it is what the paper compares it with."""
        name = super().paper_name
        return "CoOp+VPT" if name and not self.beta_t and not self.beta_v else name

    def text_features(self) -> Tensor:
        return self.clip.encode_prompts(self.layout, self.ctx)  # (C, D)

    def image_features(self, images: Tensor) -> Tensor:
        return self.clip.encode_prompted_images(images, self.visual_ctx)  # (n, D)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """inputs: (n, 3, S, S); labels: (n,)."""
        images, texts = self.image_features(inputs), self.text_features()
        loss = F.cross_entropy(self.clip.logit_scale * images @ texts.T, labels)
        if self.beta_t:
            loss = loss + self.beta_t * inter_dispersion(texts, t=self.t, reduction=self.reduction)
        if self.beta_v:
            if self.prototypes is None:
                raise RuntimeError("the prototypes are made by fit(task), and are not saved: there are none yet")
            loss = loss + self.beta_v * intra_dispersion(images, self.prototypes[labels], reduction=self.reduction)
        return loss


def class_means(features: Tensor, labels: Tensor, classnames: list[str]) -> Tensor:
    """features: (N, D) -> (C, D): the mean of each class, not normalised. Raises ValueError for a class without any."""
    check_every_class(labels, classnames, NO_PROTOTYPE)
    members = F.one_hot(labels, len(classnames)).to(features)  # (N, C)
    return members.T @ features / members.sum(dim=0)[:, None]


def inter_dispersion(texts: Tensor, *, t: float = 2.0, reduction: str = "mean") -> Tensor:
    """texts: (C, D), L2-normalised -> the Gaussian potential of the pairs m ≠ n, a scalar; 0 for one class.

    "mean" over the pairs, or "sum" over the C (C − 1) ordered ones."""
    n = len(texts)
    square = 2 - 2 * texts @ texts.T  # (C, C): ‖w_m − w_n‖² of unit vectors
    others = square.flatten()[1:].view(n - 1, n + 1)[:, :-1].reshape(-1)  # off the diagonal, without asking where
    total = (-t * others).exp().sum()
    return total / max(1, n * (n - 1)) if reduction == "mean" else total


def intra_dispersion(images: Tensor, prototypes: Tensor, *, reduction: str = "mean") -> Tensor:
    """images, prototypes: (n, D), each image's own -> the mean over images of the squared distance, a scalar.

    "mean" divides by D as well, "sum" does not."""
    square = (images - prototypes).square()  # (n, D)
    return square.mean() if reduction == "mean" else square.sum(dim=1).mean()
