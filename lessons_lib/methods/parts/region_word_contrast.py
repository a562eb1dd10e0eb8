"""GLIPv2's contrast between pictures (Zhang et al., "GLIPv2: Unifying Localization and Vision-Language Understanding",
NeurIPS 2022): before they are fused, the regions of all pictures of a batch against the words of all its prompts.

    G = unit(W_o o)(unit(W_p p))ᵀ / exp(s)                    o: regions that show something; p: words; (R, W)
    L = ½ · (Σ_r CE(softmax_words(G_r), T_r) + Σ_w CE(softmax_regions(G_w), T_w)) / R
T is 1 where the region's phrase has the word, rows and columns then scaled to sum to 1. Of other pictures a word counts
where it belongs to a phrase that says the same: so a key here is no negative of "key" there. As released: 64 numbers,
s learned from 0; there the labels of classes travel, captions' phrases do not; here what says the same does.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INSIDE = 64


class RegionWordContrast(nn.Module):
    """width: of regions and of words."""

    def __init__(self, width: int):
        super().__init__()
        self.of_region, self.of_word = nn.Linear(width, INSIDE), nn.Linear(width, INSIDE)
        self.log_scale = nn.Parameter(torch.zeros(()))  # s

    def forward(self, regions: Tensor, words: Tensor) -> Tensor:
        """(R, width), (W, width) -> G: (R, W)."""
        one, other = (F.normalize(each, dim=-1) for each in (self.of_region(regions), self.of_word(words)))
        return one @ other.T / self.log_scale.exp()


def fits(told: Sequence[Tensor], said: Tensor, mask: Tensor) -> Tensor:
    """(R, W) bool: which regions and words belong together, in all pictures.

    told: n of (R_i, L), 1 on each token of a phrase about the region; said: (n, L), what the token's phrase says, 0 for
    none; mask: (n, L), which tokens are there: W of them.
    """
    numbers = F.one_hot(said, int(said.max()) + 1)[:, :, 1:].float()  # (n, L, K)
    rows = []
    for i, own in enumerate(told):
        here = (own @ numbers[i]).clamp(max=1) @ numbers.flatten(0, 1).T > 0  # (R_i, n · L): who says the same
        here = here.view(len(own), *mask.shape)
        here[:, i] = own > 0  # in its own picture what it was told, and no more
        rows.append(here[:, mask])
    return torch.cat(rows)


def contrast_both_ways(logits: Tensor, wanted: Tensor) -> Tensor:
    """logits: (R, W); wanted: (R, W) bool. Regions and words that belong to nothing are in the other's sums alone."""
    total = logits.new_zeros(())
    for each, fit in ((logits, wanted), (logits.T, wanted.T)):
        has = fit.any(dim=1)
        shares = fit[has] / fit[has].sum(dim=1, keepdim=True)
        total = total - (shares * each[has].log_softmax(dim=1)).sum()
    return total / 2 / max(1, len(logits))
