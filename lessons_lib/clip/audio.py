"""AudioCLIP's third tower (Guzhov et al., "AudioCLIP: Extending CLIP to Image, Text and Audio", ICASSP 2022): sounds in
the joint space of a CLIP.

    x (N, 8000), one second         P = 10 log₁₀ |STFT(x)|²            (N, 192, 64), in decibels
    P in three bands, one above the other, as the three colours of a picture      (N, 3, 64, 64)
    a ResNet, the mean over what is left, a projection                            (N, D)

Published: sounds at 44.1 kHz, the Fourier transform replaced by a bank of wavelets that is learned, and an ESResNeXt of
30 million numbers, trained on AudioSet before. Here the transform is the plain one, and the ResNet has one million.
Published samples run to ±32,768, and others are misheard; here each sound's decibels count from its own loudest cell,
so that only what is heard matters, not how loud.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor, nn

from lessons_lib.waves import SAMPLES

FFT, WINDOW, HOP = 384, 310, 125  # samples; the published are 2048, 1654 and 561
BANDS, ROWS, FRAMES = 3, 64, 64  # the constant, below the lowest row, is left out, and the frame behind the end
QUIET = 80.0  # decibels below a sound's loudest cell: what is quieter counts as that
START = 4.6051702  # log of 100: of the two scales, as released
AUDIO_CFG = {"width": 40, "layers": [2, 2, 2]}


class AudioCLIP(CLIP):
    """An open_clip CLIP with an audio tower, and a scale for each of its two pairs with the other towers.

    audio_cfg: of `AudioResNet`.   The others: open_clip's.
    """

    def __init__(self, embed_dim: int, vision_cfg: dict, text_cfg: dict, audio_cfg: dict, quick_gelu: bool = False):
        super().__init__(embed_dim, vision_cfg, text_cfg, quick_gelu)
        self.audio_cfg, self.audio = dict(audio_cfg), AudioResNet(embed_dim, **audio_cfg)
        self.logit_scale_ai, self.logit_scale_at = (nn.Parameter(torch.tensor(START)) for _ in range(2))
        self.audio_alone = False

    def learn(self, what: str) -> "AudioCLIP":
        """Which part learns: "audio", its tower and its two scales, or "all". Raises ValueError for anything else."""
        if what not in ("audio", "all"):
            raise ValueError(f"what={what!r}: either 'audio' learns, against a frozen CLIP, or 'all' do")
        self.audio_alone = what == "audio"
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(what == "all" or is_of_audio(name))
        return self.train(self.training)

    def train(self, mode: bool = True) -> "AudioCLIP":
        """Where audio learns alone, the rest stays as in evaluation: its batch norms, too, are frozen."""
        super().train(mode and not self.audio_alone)
        self.training = mode
        self.audio.train(mode)
        return self

    def encode_audio(self, audio: Tensor, normalize: bool = False) -> Tensor:
        """audio: (N, 8000) float, of any loudness -> (N, D)."""
        features = self.audio(audio)
        return F.normalize(features, dim=-1) if normalize else features

    def clamp_scales(self) -> None:
        """All three between 1 and 100. The published code clamps them as it uses them, where one that has passed 100 by
        rounding, as exp(log 100) does, gets no gradient any more."""
        with torch.no_grad():
            for scale in (self.logit_scale, self.logit_scale_ai, self.logit_scale_at):
                scale.clamp_(0, START)


def is_of_audio(name: str) -> bool:
    """Whether a parameter or buffer of an `AudioCLIP` is none of CLIP's."""
    return name.startswith(("audio.", "logit_scale_a"))


class AudioTower:
    """The audio half of an `AudioCLIP`, as `Clip.towers["audio"]`. Holds references, no weights of its own."""

    plain = False  # there is one way through it

    def __init__(self, model: AudioCLIP, name: str = "this model") -> None:
        self.model, self.name = model, name

    def encode(self, audio: Tensor) -> Tensor:
        """audio: (N, 8000) float -> (N, D), not normalised."""
        return self.model.encode_audio(audio)

    def picture(self, audio: Tensor) -> Tensor:
        """audio: (N, 8000) float -> (N, 192, 64), low pitches first, -1 (80 dB down) … 1 (the loudest): what it sees,
        to be looked at."""
        return self.model.audio.spectrogram(audio).flatten(1, 2)


class Spectrogram(nn.Module):
    """(N, 8000) -> (N, 3, 64, 64): decibels below each sound's loudest cell, from -1 (80 or more) to 1 (none)."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        with torch.autocast(audio.device.type, enabled=False):
            audio = audio.float()
            waves = torch.stft(audio, FFT, HOP, WINDOW, self.window, pad_mode="constant", return_complex=True)
            power = torch.view_as_real(waves[:, 1:, :FRAMES]).square().sum(dim=-1)  # (N, 192, 64)
            decibels = 10 * power.clamp(min=1e-20).log10()
            below = (decibels - decibels.amax(dim=(1, 2), keepdim=True)).clamp(min=-QUIET)
            return (1 + below / (QUIET / 2)).unflatten(1, (BANDS, ROWS))


class AudioResNet(nn.Module):
    """(N, 8000) -> (N, D).

    width: channels of the first stage; each further stage has twice as many at half the size.   layers: blocks of each.
    """

    def __init__(self, embed_dim: int, width: int = 40, layers: Sequence[int] = (2, 2, 2)):
        super().__init__()
        self.spectrogram = Spectrogram()
        self.stem = nn.Sequential(
            nn.Conv2d(BANDS, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        channels = [width * 2**stage for stage in range(len(layers))]
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(before if i == 0 else now, now, 2 if i == 0 else 1) for i in range(count)))
            for before, now, count in zip([width, *channels], channels, layers)
        )
        self.projection = nn.Linear(channels[-1], embed_dim)

    def forward(self, audio: Tensor) -> Tensor:
        x = self.spectrogram(audio)  # (N, 3, 64, 64)
        x = self.stem(x)  # (N, w, 32, 32)
        for stage in self.stages:
            x = stage(x)  # (N, w, 16, 16), (N, 2 w, 8, 8), (N, 4 w, 4, 4)
        return self.projection(x.mean(dim=(2, 3)))  # (N, D)


class Block(nn.Module):
    """Two 3 × 3 convolutions, and a way around them (He et al., CVPR 2016)."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.around = (
            nn.Identity()
            if stride == 1 and before == after
            else nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(inner + self.around(x))


def check_sounds(waves: object, tower: AudioTower | None, name: str) -> None:
    """Raises ValueError, with what to do, for what is not (N, 8000) float, and where the model has no such tower."""
    if tower is None:
        raise ValueError(f"{name} has no audio tower: lessons_lib.clip.load_audio_tower(path, clip) adds one")
    wanted = f"encode_sounds takes waves of one second, (N, {SAMPLES}) float"
    if not isinstance(waves, Tensor):
        raise ValueError(f"{wanted}; got a {type(waves).__name__}: stack them with torch.stack")
    if not waves.is_floating_point():
        raise ValueError(
            f"{wanted}; got {waves.dtype}: whole numbers of 16 bits become such with waves.float() / 32768"
        )
    if tuple(waves.shape) == (SAMPLES,):
        raise ValueError(f"{wanted}; got one of them: add a dimension with waves[None]")
    if waves.ndim != 2 or waves.shape[1] != SAMPLES:
        raise ValueError(f"{wanted}; got {tuple(waves.shape)}: lessons_lib.waves.as_wave makes such of any recording")
