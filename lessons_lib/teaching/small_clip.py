"""A CLIP that fits into a check: untrained, and so that whatever is left out of a computation is missed."""

import open_clip
import torch
from torch import Tensor, nn

START, END = 98, 99  # of its 100 tokens; the end has the largest number, as CLIP's has


def small_clip(**image: int) -> nn.Module:
    """open_clip's CLIP: context of 12, width 32, two blocks, joint space of 16. Its image tower has one block and one
    patch of 8 pixels.

    image: the tower's numbers that are to be others, such as `layers`, `width`, `image_size`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        text = {"context_length": 12, "vocab_size": 100, "width": 32, "heads": 2, "layers": 2}
        shape = {"image_size": 8, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16, **image}
        model = open_clip.model.CLIP(16, shape, text).eval()
        for parameter in (model.positional_embedding, model.token_embedding.weight):
            nn.init.normal_(parameter, std=0.5)
        nn.init.normal_(model.ln_final.weight, 1.0, 0.5)
    return model


def some_tokens(*lengths: int) -> Tensor:
    """Texts of these lengths, start and end included: (N, 12)."""
    tokens = torch.zeros(len(lengths), 12, dtype=torch.long)
    for row, length in zip(tokens, lengths):
        row[:length] = torch.randint(1, 97, (length,), generator=torch.Generator().manual_seed(length))
        row[0], row[length - 1] = START, END
    return tokens
