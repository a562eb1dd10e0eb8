"""What AudioCLIP learns from sounds with their pictures and texts (Guzhov et al., ICASSP 2022): CLIP's contrast between
each two of the three.

    a, f, w: (N, D) sounds, pictures, texts        each pair a matrix of logits (N, N), with a scale of its own
    L = Σ over the pairs that are there of (CE(logits, 1…N) + CE(logitsᵀ, 1…N)) / (their number)!

With three pairs that is the mean of six cross-entropies; with one, or two, it is twice the mean, so that losses do not
compare (the released code; one pair is twice `clip_loss`). The losses are added, not the matrices. What is missing
takes its pairs with it: None in place of logits, and no gradient.

Stage 1: the audio tower alone, against a frozen CLIP. Stage 2: the same further ("partial"), or all three towers
("full"), after which texts and pictures no longer lie where CLIP's lie.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.audio import AudioCLIP
from lessons_lib.pretrain.loop import Run, Towers

PAIRS = ("audio_image", "audio_text", "image_text")


class Logits(NamedTuple):
    """Each (N, N), the first named in the rows, or None where one of the two is missing, or the pair is not asked."""

    audio_image: Tensor | None
    audio_text: Tensor | None
    image_text: Tensor | None


def three_way_loss(*logits: Tensor | None) -> Tensor:
    """logits: of one to three pairs, each (N, N), or None. Returns a scalar.

    Raises ValueError where all are None, where one is not square, and where they differ in size.
    """
    given = [one for one in logits if one is not None]
    if not given:
        raise ValueError("three_way_loss needs the logits of one pair at least; with one modality alone there are none")
    if len({tuple(one.shape) for one in given}) > 1 or given[0].ndim != 2 or given[0].shape[0] != given[0].shape[1]:
        raise ValueError(f"the logits of each pair are (N, N); got {', '.join(str(tuple(one.shape)) for one in given)}")
    own = torch.arange(len(given[0]), device=given[0].device)  # (N,)
    total = sum(F.cross_entropy(one, own) + F.cross_entropy(one.T, own) for one in given)
    return total / math.factorial(len(given))


class AudioTowers(nn.Module):
    """The three towers as one module, for `AudioRun`.   pairs: those of `PAIRS` that are asked for."""

    def __init__(self, model: AudioCLIP, pairs: Sequence[str] = PAIRS):
        super().__init__()
        if not pairs or not set(pairs) <= set(PAIRS):
            raise ValueError(f"pairs={list(pairs)}: give one or more of {', '.join(PAIRS)}")
        self.model, self.pairs = model, tuple(pairs)
        self._both = [Towers(model)]  # in a list: it shares the model's parameters

    def forward(self, audio: Tensor | None = None, images: Tensor | None = None, texts: Tensor | None = None) -> Logits:
        """audio: (N, 8000) float.   images: (N, 3, S, S) normalised.   texts: (N, L) token ids. Any may be None. For
        images and texts also (N, D) float, unit vectors: what a frozen tower once made of them."""
        a = None if audio is None else F.normalize(self.model.encode_audio(audio).float(), dim=-1)
        f = images if images is None or images.ndim == 2 else _unit(self.model.encode_image(images))
        w = texts if texts is None or texts.is_floating_point() else _unit(self._both[0].encode_texts(texts))
        m = self.model
        sides = {
            "audio_image": (a, f, m.logit_scale_ai),
            "audio_text": (a, w, m.logit_scale_at),
            "image_text": (f, w, m.logit_scale),
        }
        return Logits(*(self._logits(name, *sides[name]) for name in PAIRS))

    def _logits(self, pair: str, first: Tensor | None, second: Tensor | None, scale: Tensor) -> Tensor | None:
        if pair not in self.pairs or first is None or second is None:
            return None
        with torch.autocast(first.device.type, enabled=False):  # 16 bits are too few for logits of up to 100
            return scale.exp() * first.float() @ second.float().T


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)


class AudioRun(Run):
    """A training run of an `AudioCLIP` in progress: stage 1 where audio learns alone, stage 2 where all do
    (`model.learn`)."""

    def train_step(self, audio: Tensor | None, images: Tensor | None, texts: Tensor | None) -> float:
        """One step; returns the loss.   audio: (N, 8000) int16.   images: (N, 3, H, W) uint8, or unit vectors.
        texts: tokens, or unit vectors. Any may be None. Raises FloatingPointError as `Run.train_step` does."""
        audio = None if audio is None else audio.to(self.device).float() / 32768
        if images is not None:
            images = images.to(self.device)
            images = self.normalise(images) if images.dtype == torch.uint8 else images
        loss = self.step_on(audio, images, None if texts is None else texts.to(self.device))
        self.model.clamp_scales()
        return loss
