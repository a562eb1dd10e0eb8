"""Embeddings by a tower that a method changes, kept in memory between one score and the next.

They are found by content, never by promise: a digest of all that the method learned, and the split's fingerprint. So a
step of training, or a number set by hand, makes them unfindable.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lessons_lib.data import Split

LIMIT = 2**28  # bytes


class KeptFeatures:
    """What one method has computed since it last changed, up to `LIMIT` in all."""

    def __init__(self):
        self._state, self._of = "", {}

    def of(self, method: nn.Module, split: "Split", compute: Callable[[], Tensor]) -> Tensor:
        """(N, D) of the split, kept or else computed: a copy, which may be written into and learned from."""
        state = _digest(method)
        if state != self._state:
            self._state, self._of = state, {}
        key = (split.fingerprint, len(split))
        if key in self._of:
            return self._of[key].clone()
        with torch.inference_mode(False), torch.no_grad():
            features = compute()
        if sum(_bytes(kept) for kept in self._of.values()) + _bytes(features) <= LIMIT:
            self._of[key] = features.clone()
        return features


def _digest(method: nn.Module) -> str:
    """Of everything that the embeddings depend on besides the images; the CLIP itself never changes."""
    clip = method.clip
    digest = sha256(f"{clip.precision} {clip.device} {clip.image_tower.plain} {clip.transforms!r}".encode())
    for name, tensor in method.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _bytes(features: Tensor) -> int:
    return features.numel() * features.element_size()
