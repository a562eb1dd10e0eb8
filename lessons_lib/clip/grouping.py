"""GroupViT's two towers (Xu et al., "GroupViT: Semantic Segmentation Emerges from Text Supervision", CVPR 2022), from
the paper's description: a CLIP whose image tower gathers patches in groups.

    x (N, L, d) patches, g (N, G, d) group tokens: blocks over [x; g], then grouping, twice; blocks over what is left
    f = P(mean over the last groups of LN(x)),  w = P'(text at its end)      P: Linear, batch norm, ReLU, Linear

Grouping: each token goes to one group, and a group's tokens become one.
    A = softmax over GROUPS of q(g) k(x)ᵀ / √d (+ Gumbel noise, in training)                           (G, L)
    Â = one-hot(argmax over groups of A) + A − sg(A)       forward a hard choice, backward the soft one's gradient
    g ← g + W_o Σ_l Â_gl v(x_l) / (Σ_l Â_gl + 1);  g ← g + MLP(LN(g))      the 1 makes n / (n + 1) of a mean of n
The first groups' tokens are learned vectors; the later ones' start at zero, and a mixer of the stage before adds to
them, so that they depend on the picture.

What the description leaves open is chosen here: residual sums around the mixing and the cross-attention that group
tokens pass before A, a hidden width of d / 2 where tokens are mixed, no drop-path (the published one is for depth 12).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn

from lessons_lib.clip.blocks import attend, join_heads, split_heads, through
from lessons_lib.clip.text_tower import TextTower


class Groups(NamedTuple):
    """tokens: (N, G, d), the last groups, layer-normed.   soft, hard: for each grouping (N, groups, tokens before it),
    what share of each token belongs to each group, without noise, and the choice that was made (soft as well where the
    tower's `assignment` is)."""

    tokens: Tensor
    soft: tuple[Tensor, ...]
    hard: tuple[Tensor, ...]


class GroupingCLIP(CLIP):
    """An open_clip CLIP with GroupViT's image tower, its projections, and a second temperature.

    vision_cfg: of `GroupingTower`; "projector": hidden width of both projections.   text_cfg: open_clip's.
    """

    def __init__(self, embed_dim: int, vision_cfg: dict, text_cfg: dict, quick_gelu: bool = False):
        size = vision_cfg["image_size"]
        placeholder = {"image_size": size, "patch_size": size, "layers": 1, "width": 64, "head_width": 64}
        super().__init__(embed_dim, placeholder, text_cfg, quick_gelu)
        self.visual = GroupingTower(embed_dim, **vision_cfg)
        del self.text_projection  # a matrix
        self.text_projection = Projector(self.transformer.width, self.visual.projector_width, embed_dim)
        self.noun_logit_scale = nn.Parameter(self.logit_scale.detach().clone())  # of the contrast with nouns

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        features = TextTower(self).encode(text)
        return F.normalize(features, dim=-1) if normalize else features


class GroupingTower(nn.Module):
    """(N, 3, S, S) -> (N, D).

    image_size, patch_size: pixels.   width: d.   head_width: of the blocks' attention.   layers: blocks of each stage;
        the last stage has no grouping.   groups: how many each of the others makes.
    assignment: "hard", or "soft", the paper's ablation, where groups take shares of tokens.
    """

    def __init__(
        self,
        embed_dim: int,
        *,
        image_size: int,
        patch_size: int,
        width: int,
        layers: Sequence[int],
        groups: Sequence[int],
        head_width: int = 64,
        projector: int | None = None,
        assignment: str = "hard",
    ):
        super().__init__()
        if len(layers) != len(groups) + 1 or min(*layers, *groups) < 1 or image_size % patch_size:
            raise ValueError(
                f"layers={list(layers)}, groups={list(groups)}, {image_size} pixels in patches of {patch_size}: give "
                "one more number of layers than of groups, all at least 1, and a patch that divides the picture"
            )
        if assignment not in ("hard", "soft"):
            raise ValueError(f"assignment={assignment!r}: use 'hard' or 'soft'")
        side = image_size // patch_size
        self.image_size, self.patch_size, self.grid_size = (image_size,) * 2, (patch_size,) * 2, (side,) * 2
        self.projector_width = 4 * width if projector is None else projector
        heads, before = width // head_width, [None, *groups[:-1]]
        self.conv1 = nn.Conv2d(3, width, patch_size, stride=patch_size)
        self.positional_embedding = nn.Parameter(0.02 * torch.randn(side**2, width))
        self.ln_pre = nn.LayerNorm(width)
        self.stages = nn.ModuleList(
            nn.ModuleList(ResidualAttentionBlock(width, heads) for _ in range(count)) for count in layers
        )
        self.group_tokens = nn.ParameterList(
            0.02 * torch.randn(count, width) if i == 0 else torch.zeros(count, width) for i, count in enumerate(groups)
        )
        self.from_before = nn.ModuleList(
            nn.Identity() if old is None else TokenMLP(width, old, new) for old, new in zip(before, groups)
        )
        self.grouping = nn.ModuleList(GroupingBlock(width, count, heads, assignment) for count in groups)
        self.ln_post = nn.LayerNorm(width)
        self.projection = Projector(width, self.projector_width, embed_dim)

    def forward(self, images: Tensor) -> Tensor:
        return self.projection(self.groups(images).tokens.mean(dim=1))  # (N, D)

    def groups(self, images: Tensor) -> Groups:
        """images: (N, 3, S, S). While the module is in training, the choices are made under noise."""
        x = self.conv1(images).flatten(2).transpose(1, 2)  # (N, L, d)
        x, g = self.ln_pre(x + self.positional_embedding), None
        soft, hard = [], []
        for blocks, start, mixed, grouping in zip(self.stages, self.group_tokens, self.from_before, self.grouping):
            own = start.expand(len(x), -1, -1)  # (N, G, d)
            g = own if g is None else own + mixed(g)
            length = x.shape[1]
            rows = _through(blocks, torch.cat([x, g], dim=1))  # (N, L + G, d)
            x, g = rows[:, :length], rows[:, length:]
            x, shares, choice = grouping(x, g)  # (N, G, d), (N, G, L) twice
            soft.append(shares)
            hard.append(choice)
        x = _through(self.stages[-1], x)
        return Groups(self.ln_post(x), tuple(soft), tuple(hard))


class GroupingBlock(nn.Module):
    """Tokens into groups, each into one.   groups: G.   heads: of the cross-attention; A has one."""

    def __init__(self, width: int, groups: int, heads: int, assignment: str = "hard"):
        super().__init__()
        self.heads, self.assignment = heads, assignment
        self.ln_x, self.mix = nn.LayerNorm(width), TokenMLP(width, groups, groups)
        self.ln_cross, self.cross_q = nn.LayerNorm(width), nn.Linear(width, width)
        self.cross_kv, self.cross_out = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.q = nn.Linear(width, width, bias=False)  # one would add the same to all groups
        self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(3))
        self.ln_mlp, self.mlp = nn.LayerNorm(width), _mlp(width)

    def forward(self, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (N, L, d), g: (N, G, d) -> the groups (N, G, d); the soft shares, without noise, and the choice, whose
        gradient is the soft one's: (N, G, L) both."""
        x = self.ln_x(x)
        g = self.looking(self.mixing(g), x)
        logits = self.q(g) @ self.k(x).transpose(1, 2) * g.shape[-1] ** -0.5  # (N, G, L)
        noisy = logits + gumbel_noise(logits) if self.training else logits
        choice = assign(noisy) if self.assignment == "hard" else noisy.float().softmax(dim=1)  # (N, G, L)
        weights = choice / (choice.sum(dim=2, keepdim=True) + 1)
        g = g + self.out(weights.to(x.dtype) @ self.v(x))  # (N, G, d)
        return g + self.mlp(self.ln_mlp(g)), logits.float().softmax(dim=1), choice

    def mixing(self, g: Tensor) -> Tensor:
        return g + self.mix(g)

    def looking(self, g: Tensor, x: Tensor) -> Tensor:
        """Groups look at the tokens, before they choose among them."""
        k, v = self.cross_kv(x).chunk(2, dim=-1)
        q, k, v = (split_heads(each, self.heads) for each in (self.cross_q(self.ln_cross(g)), k, v))
        return g + self.cross_out(join_heads(attend(q, k, v)))


def assign(logits: Tensor) -> Tensor:
    """logits: (N, G, L) -> (N, G, L) float32: each token's group, one-hot over G, with the gradient of the softmax over
    G (straight-through)."""
    soft = logits.float().softmax(dim=1)
    hard = torch.zeros_like(soft).scatter_(1, soft.argmax(dim=1, keepdim=True), 1.0)
    return hard + (soft - soft.detach())  # in this order the sum is exact


def gumbel_noise(like: Tensor) -> Tensor:
    """Independent draws of −log(−log U): with them, the argmax of logits is a draw from their softmax."""
    return -torch.empty_like(like, dtype=torch.float32).exponential_().log()


class TokenMLP(nn.Module):
    """(N, `before`, d) -> (N, `after`, d): mixes tokens, channel by channel the same, behind a layer norm."""

    def __init__(self, width: int, before: int, after: int):
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.first, self.second = nn.Linear(before, width // 2), nn.Linear(width // 2, after)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.second(F.gelu(self.first(self.ln(tokens).transpose(1, 2)))).transpose(1, 2)


class Projector(nn.Module):
    """(..., d) -> (..., D): Linear, batch norm, ReLU, Linear."""

    def __init__(self, width: int, hidden: int, out: int):
        super().__init__()
        self.first, self.norm = nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden)
        self.second = nn.Linear(hidden, out)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.norm(self.first(x).flatten(0, -2))
        return self.second(F.relu(rows)).unflatten(0, x.shape[:-1])


def _mlp(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


def _through(blocks: nn.ModuleList, x: Tensor) -> Tensor:
    for block in blocks:
        x = through(block, x)
    return x
