"""GLIP's deep fusion: regions read the words and words the regions, layer by layer, before they are compared.

    v, l = LN(v), LN(l)
    M = (v W_v)(l W_l)ᵀ / √e                 one similarity for both ways, (A, L), a head
    v ← v + γ_v · softmax_words(M) (l U_l) O_v,    l ← l + γ_l · softmax_regions(Mᵀ) (v U_v) O_l
    v ← convolutions(v),    l ← text block(l)
so the residual starts from LN(v), not from v, and γ = 0 leaves that. Published: six layers behind a Swin, 2048 wide,
γ = 1 / layers, DyHead's convolutions, BERT's layers; here a residual block that both levels share, and our text block.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.clip.blocks import join_heads, split_heads
from lessons_lib.methods.parts.proposer import Residual
from lessons_lib.methods.parts.pyramid import flat, unflat
from lessons_lib.methods.parts.token_states import TextBlock


class CrossAttention(nn.Module):
    """X-MHA.   width: of regions and words; inside: of queries, keys and values, all heads together."""

    def __init__(self, width: int, inside: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, inside), nn.Linear(width, inside)  # of regions, of words
        self.region_values, self.word_values = nn.Linear(width, inside), nn.Linear(width, inside)
        self.to_regions, self.to_words = nn.Linear(inside, width), nn.Linear(inside, width)

    def similarity(self, regions: Tensor, words: Tensor) -> Tensor:
        """(n, A, width), (n, L, width) -> M: (n, heads, A, L)."""
        q, k = split_heads(self.query(regions), self.heads), split_heads(self.key(words), self.heads)
        return q @ k.transpose(2, 3) * q.shape[-1] ** -0.5

    def forward(self, regions: Tensor, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """mask: (n, L) bool, False behind a text's end. Returns what regions read and what words read."""
        similarity = self.similarity(regions, words)  # (n, heads, A, L)
        over_words = similarity.masked_fill(~mask[:, None, None], -torch.inf).softmax(dim=-1)
        over_regions = similarity.transpose(2, 3).softmax(dim=-1)  # (n, heads, L, A)
        of_words = split_heads(self.word_values(words), self.heads)  # (n, heads, L, e)
        of_regions = split_heads(self.region_values(regions), self.heads)  # (n, heads, A, e)
        return (
            self.to_regions(join_heads(over_words @ of_words)),  # (n, A, width)
            self.to_words(join_heads(over_regions @ of_regions)),  # (n, L, width)
        )


class FusionLayer(nn.Module):
    """layers: how many there are of it, for γ's start."""

    def __init__(self, width: int, heads: int, layers: int):
        super().__init__()
        self.ln_regions, self.ln_words = nn.LayerNorm(width), nn.LayerNorm(width)
        self.across = CrossAttention(width, 2 * width, heads)
        self.gamma_regions = nn.Parameter(torch.full((width,), 1 / layers))
        self.gamma_words = nn.Parameter(torch.full((width,), 1 / layers))
        self.look, self.read = Residual(width, 1), TextBlock(width, heads)

    def fuse(self, regions: Tensor, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(n, A, width), (n, L, width) -> the same, each with what it read of the other."""
        regions, words = self.ln_regions(regions), self.ln_words(words)
        by_regions, by_words = self.across(regions, words, mask)
        return regions + self.gamma_regions * by_regions, words + self.gamma_words * by_words

    def forward(self, levels: Sequence[Tensor], states: Tensor, mask: Tensor) -> tuple[list[Tensor], Tensor]:
        regions, states = self.fuse(flat(levels), states, mask)
        return [self.look(level) for level in unflat(regions, levels)], self.read(states, mask)


class LookLayer(nn.Module):
    """What is left of it without fusion: the convolutions, which know of no words."""

    def __init__(self, width: int):
        super().__init__()
        self.look = Residual(width, 1)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        return [self.look(level) for level in levels]
