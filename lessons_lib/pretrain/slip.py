"""SLIP (Mu et al., ECCV 2022): one image tower learns from captions and, beside them, from its own pictures.

    L = L_clip(f, w) + λ · L_ssl(a, b)         λ = 1
    f, w   (N, D)   a picture's crop, and its caption, in the joint space: CLIP
    a, b   (N, E)   two more views of the picture, through a head that is thrown away in the end: SimCLR

    L_ssl = −1/2N Σ_i log [exp(z_i · z_j / τ) / Σ_k≠i exp(z_i · z_k / τ)]     z: a's rows and b's; j: the other of i

The three objectives are one `Objective` each: which views are drawn, what runs on them, and the loss. The trunk, which
is the image tower before CLIP's projection, is all that captions and pictures share; three views are three passes
through it where CLIP alone has one. SimCLR: Chen et al., ICML 2020.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.image_tower import ImageTower
from lessons_lib.pretrain.gathering import GatheredBatchNorm
from lessons_lib.pretrain.loop import Towers
from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.pretrain.views import CLIP_VIEW, SSL_VIEW, View


def nt_xent(a: Tensor, b: Tensor, temperature: float = 0.1) -> Tensor:
    """SimCLR's loss: which of the 2N − 1 other views is of the same picture?

    a, b: (N, E), L2-normalised, row i of each a view of picture i. Returns a scalar: log(2N − 1) when the features tell
    nothing. Raises ValueError where the two are not two matrices of one shape.
    """
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(
            f"nt_xent needs two views of each picture, both (N, E); got {tuple(a.shape)}, {tuple(b.shape)}"
        )
    z = torch.cat([a, b])  # (2N, E)
    logits = z @ z.T / temperature  # (2N, 2N)
    logits = logits.masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), -math.inf)
    other = torch.arange(len(z), device=z.device).roll(len(a))  # (2N,)
    return F.cross_entropy(logits, other)


def slip_loss(
    f: Tensor, w: Tensor, scale: Tensor, a: Tensor, b: Tensor, *, weight: float = 1.0, temperature: float = 0.1
) -> Tensor:
    """Of what `SLIPTowers` gives. weight: λ."""
    return clip_loss(f, w, scale) + weight * nt_xent(a, b, temperature)


def make_head(width: int, hidden: int, out: int) -> nn.Sequential:
    """(N, width) -> (N, out): three layers, as SLIP has them. Published: 4096 hidden units, 256 out."""
    return nn.Sequential(
        nn.Linear(width, hidden), GatheredBatchNorm(hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), GatheredBatchNorm(hidden), nn.ReLU(),
        nn.Linear(hidden, out),
    )  # fmt: skip


class CLIPTowers(Towers):
    """Both towers, on a picture's first view. The image tower takes the fast path, which computes of its last block
    only what is read."""

    def __init__(self, model: nn.Module):
        super().__init__(model)
        self._image = [ImageTower(model)]
        self._image[0].check_promptable()

    def trunk(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) normalised -> (N, d_v), before the projection."""
        return self._image[0].encode_unprojected(images)

    def contrast(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, S, S), (N, L) -> unit vectors (N, D), (N, D), and the scale."""
        f = F.normalize((self.trunk(images) @ self._image[0].projection).float(), dim=-1)
        w = F.normalize(self.encode_texts(tokens).float(), dim=-1)
        return f, w, self.model.logit_scale.exp()

    def forward(self, views: Tensor, tokens: Tensor) -> tuple[Tensor, ...]:
        """views: (N, V, 3, S, S) normalised; tokens: (N, L)."""
        return self.contrast(views[:, 0], tokens)


class SimCLRTowers(CLIPTowers):
    """The trunk and the head, on a picture's last two views; what is said of it is not read.

    head: its weights are drawn from torch's generator. Batch norm sees each view by itself, as published.
    """

    def __init__(self, model: nn.Module, hidden: int = 4096, out: int = 256):
        super().__init__(model)
        self.head = make_head(self._image[0].width, hidden, out).to(model.logit_scale.device)

    def pair(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """(N, V, 3, S, S) -> unit vectors (N, E), (N, E)."""
        a, b = (F.normalize(self.head(self.trunk(views[:, k])).float(), dim=-1) for k in (-2, -1))
        return a, b

    def forward(self, views: Tensor, tokens: Tensor) -> tuple[Tensor, ...]:
        return self.pair(views)


class SLIPTowers(SimCLRTowers):
    """Captions on the first view, the head on the last two."""

    def forward(self, views: Tensor, tokens: Tensor) -> tuple[Tensor, ...]:
        return *self.contrast(views[:, 0], tokens), *self.pair(views)


@dataclass(frozen=True)
class Objective:
    """What is learned: which views `views.draw_views` draws, what runs on them, and the loss, for
    `loop.Run(model, …, make_towers=SLIP.make_towers(), loss=SLIP.loss)`.

    lr, weight_decay: as published for ViT-B/16 on YFCC15M, where a step has 4,096 pairs.
    """

    name: str
    views: tuple[View, ...]
    towers: Callable[..., nn.Module]
    loss: Callable[..., Tensor]
    lr: float
    weight_decay: float

    def make_towers(self, hidden: int = 4096, out: int = 256) -> Callable[[nn.Module], nn.Module]:
        """model -> towers. hidden, out: widths of the head, where there is one."""
        return self.towers if self.towers is CLIPTowers else partial(self.towers, hidden=hidden, out=out)


CLIP = Objective("CLIP", (CLIP_VIEW,), CLIPTowers, clip_loss, lr=5e-4, weight_decay=0.5)
SIMCLR = Objective("SimCLR", (SSL_VIEW, SSL_VIEW), SimCLRTowers, nt_xent, lr=3.2e-3, weight_decay=0.1)
SLIP = Objective("SLIP", (CLIP_VIEW, SSL_VIEW, SSL_VIEW), SLIPTowers, slip_loss, lr=3e-3, weight_decay=0.1)
