"""Sounds to be heard in a notebook, each with words beside it for who cannot."""

import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import torch
from IPython.display import Audio
from scipy.io import wavfile
from scipy.signal import resample_poly
from torch import Tensor

from lessons_lib.waves import RATE

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

CELL = "display: inline-block; margin: 0 1em 0.5em 0;"


class Players:
    """To be the last line of a cell: a player a sound, its name above; in print, the names.

    waves: (N, 8000) int16 or float.   names: what each is, which a screen reader says, too.
    """

    def __init__(self, waves: Tensor, names: Sequence[str]):
        if len(waves) != len(names):
            raise ValueError(f"{len(waves)} sounds need as many names; got {len(names)}")
        self.waves, self.names = waves, list(names)

    def __repr__(self) -> str:
        count = "a sound" if len(self.names) == 1 else f"{len(self.names)} sounds"
        return f"{count}, a second each, to be played: {', '.join(self.names)}"

    def _repr_html_(self) -> str:
        return "".join(_player(wave, name) for wave, name in zip(self.waves, self.names))


def _player(wave: Tensor, name: str) -> str:
    heard = Audio(wave.cpu().float().numpy(), rate=RATE, autoplay=False)._repr_html_()  # as loud as can be
    heard = heard.replace("<audio", f'<audio aria-label="the sound of: {escape(name)}" preload="none"', 1)
    return f'<div style="{CELL}">{escape(name)}<br>{heard}</div>'


@torch.no_grad()
def encoded(hears: "Clip", waves: Tensor) -> Tensor:
    """(N, 8000) int16 or float -> (N, D), of length 1."""
    return hears.encode_sounds(waves if waves.is_floating_point() else waves.float() / 32768)


def recording(wave: Tensor, rate: int = 44_100) -> bytes:
    """A WAV file as a recorder might write it: in stereo, three seconds long, the sound in the middle of a murmur.

    wave: (8000,) int16.
    """
    sound = resample_poly(wave.double().numpy(), rate, RATE)[:rate]
    rng, start = np.random.default_rng(0), rate
    channels = 20 * rng.standard_normal((3 * rate, 2))
    channels[start : start + len(sound)] += 0.5 * sound[:, None]
    file = io.BytesIO()
    wavfile.write(file, rate, np.round(channels).clip(-32768, 32767).astype(np.int16))
    return file.getvalue()
