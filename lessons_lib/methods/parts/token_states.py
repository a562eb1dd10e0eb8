"""A state for every token of a text, which has read the whole of it, to the left and to the right.

GLIP takes BERT's. CLIP's own text tower is causal: a word's row there knows what stands before it, never what follows.
So this is a tower of its own, small and read both ways, above CLIP's frozen token embeddings.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.blocks import join_heads, split_heads


class TextBlock(nn.Module):
    """x + out(attention(qkv(LN(x)))), then x + mlp(LN(x)); every token reads all that are there."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (n, L, d); mask: (n, L) bool, False behind a text's end."""
        q, k, v = (split_heads(each, self.heads) for each in self.qkv(self.ln_1(x)).chunk(3, dim=-1))
        x = x + self.out(join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])))
        return x + self.mlp(self.ln_2(x))


class TokenStates(nn.Module):
    """embedded_width: of CLIP's token embeddings; width: d; context_length: the most tokens."""

    def __init__(self, embedded_width: int, width: int, context_length: int, layers: int, heads: int):
        super().__init__()
        self.enter = nn.Sequential(nn.LayerNorm(embedded_width), nn.Linear(embedded_width, width))
        self.positions = nn.Parameter(0.1 * torch.randn(context_length, width))
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(layers))
        self.ln = nn.LayerNorm(width)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """embedded: (n, L, embedded_width); mask: (n, L) -> (n, L, d)."""
        x = self.enter(embedded) + self.positions[: embedded.shape[1]]  # (n, L, d)
        for block in self.blocks:
            x = block(x, mask)
        return self.ln(x)
