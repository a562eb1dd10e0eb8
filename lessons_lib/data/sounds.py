"""Sound files: a learner's own WAV files, and telling sound ones from damaged ones before work starts.

scipy reads whole numbers of 8 to 64 bits and numbers with a point, of any number of channels. It does not read WAV
files that hold compressed sound (ADPCM, µ-law, MP3), nor any other kind of file: those are named, with what to do.
"""

import warnings
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from scipy.io import wavfile

from lessons_lib.data.kinds import OTHER_SOUNDS
from lessons_lib.data.pictures import FileImages, read_regular
from lessons_lib.waves import as_wave

STREAMED = 0x7FFF_0000  # bytes: what a file claims that could not know its length
CONVERT = "convert it to plain WAV (PCM), as with  ffmpeg -i in.wav -c:a pcm_s16le out.wav"


def open_sound(source: str | Path | bytes) -> torch.Tensor:
    """(8000,) int16, the loudest second of a WAV file, as `waves.as_wave` makes it.

    Raises OSError for what is no regular file, and ValueError, in a sentence, for what cannot be read or heard.
    """
    data = source if isinstance(source, bytes) else read_regular(Path(source))
    samples, rate = _samples(data)
    return torch.from_numpy(as_wave(samples, rate))


def problem_of_sound(data: bytes) -> str:
    """What is wrong with a WAV file of these bytes; "" where nothing is."""
    try:
        open_sound(data)
    except ValueError as error:
        return str(error)
    return ""


def _samples(data: bytes) -> tuple[np.ndarray, int]:
    if not data:
        raise ValueError("empty file")
    if data[:4] not in (b"RIFF", b"RIFX", b"RF64"):
        found = next((name for name, begin in OTHER_SOUNDS.items() if data.startswith(begin)), "")
        raise ValueError(f"it is no WAV file but {found}: {CONVERT}" if found else "not a WAV file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)
        warnings.filterwarnings("error", "Reached EOF prematurely")
        try:
            rate, samples = wavfile.read(BytesIO(_with_its_length(data)))
        except wavfile.WavFileWarning as error:
            raise ValueError(f"it ends too early, and was cut off ({error})") from None
        except ValueError as error:
            if "Unknown wave file format" in str(error):
                raise ValueError(f"its sound is compressed ({str(error).split('.')[0]}): {CONVERT}") from None
            raise ValueError(f"it is damaged ({error})") from None
        except Exception as error:  # of a damaged header scipy raises nearly every kind
            raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from None
    if not samples.size or rate <= 0:
        raise ValueError("it holds no samples")
    return samples, int(rate)


def _with_its_length(data: bytes) -> bytes:
    """A recording that was streamed into its file could not say how long it is, and claims 2 GiB or more."""
    at = data.find(b"data", 12, 4096)
    if at < 0 or data[:4] != b"RIFF" or int.from_bytes(data[at + 4 : at + 8], "little") < STREAMED:
        return data
    whole, samples = (length.to_bytes(4, "little") for length in (len(data) - 8, len(data) - at - 8))
    return data[:4] + whole + data[8 : at + 4] + samples + data[at + 8 :]


class FileSounds(FileImages):
    """Sound files behind a split, opened one by one when asked for; `image` gives a wave, (8000,) int16."""

    problem_of = staticmethod(problem_of_sound)

    @staticmethod
    def open(path: Path) -> torch.Tensor:
        return open_sound(path)


class DrawnSounds:
    """Sounds in memory behind a split: those of ToyWorld.

    waves: (N, 8000) int16.   origin: what these sounds are, and no others; default: a digest of their samples.
    """

    def __init__(self, waves: torch.Tensor, origin: str = ""):
        self.waves = waves
        self.origin = origin or sha256(waves.contiguous().numpy().tobytes()).hexdigest()
        self.places = list(range(len(waves)))  # among the sounds of that origin

    def __len__(self) -> int:
        return len(self.waves)

    def image(self, index: int) -> torch.Tensor:
        return self.waves[index]

    def subset(self, indices: list[int]) -> "DrawnSounds":
        part = DrawnSounds(self.waves[indices], self.origin)
        part.places = [self.places[index] for index in indices]
        return part

    def tensor(self) -> torch.Tensor:
        """(N, 8000) int16."""
        return self.waves

    @property
    def fingerprint(self) -> str:
        """Over what synthesises them, in order, and not over samples: processors round these differently."""
        return sha256(f"{self.origin} {self.places}".encode()).hexdigest()
