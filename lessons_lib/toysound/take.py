"""A take: several sounds of one class, made at once. What a recipe calls is here; every random number comes from the
generator of the take.

Sounds last one second: t runs over its 8,000 samples. Numbers that differ from sound to sound are (n, 1), curves over
time (n, 8000); both broadcast.
"""

from collections.abc import Sequence

import numpy as np

from lessons_lib.waves import RATE, SAMPLES

HIGHEST = 3900.0  # Hz: what lies above is left out, since half the rate cannot be passed

Number = float | np.ndarray
TURN = np.float32(2 * np.pi)
ONE_TURN = np.float32(2 * np.pi / 2**32)  # of a phase that is counted in 2³² parts of a turn
NUMBERS = np.arange(SAMPLES, dtype=np.uint32)[None]


class Take:
    """n sounds.   t: (1, 8000) seconds."""

    def __init__(self, n: int, rng: np.random.Generator):
        self.n, self.rng = n, rng
        self.t = (np.arange(SAMPLES, dtype=np.float32) / RATE)[None]

    # --- numbers

    def uniform(self, low: float, high: float, count: int = 1) -> np.ndarray:
        """(n, count)"""
        return self.rng.uniform(low, high, (self.n, count)).astype(np.float32)

    def choice(self, *values: float) -> np.ndarray:
        """(n, 1)"""
        return self.rng.choice(np.array(values, dtype=np.float32), (self.n, 1))

    def chance(self, share: float) -> np.ndarray:
        """(n, 1) bool"""
        return self.rng.random((self.n, 1)) < share

    def times(self, first: Number, gap: Number, count: int, off: float = 0.0) -> np.ndarray:
        """(n, count) seconds: a steady beat from `first` on, each stroke up to `off` early or late."""
        return first + gap * np.arange(count, dtype=np.float32) + self.uniform(-off, off, count)

    # --- curves

    def within(self, start: Number, length: Number) -> np.ndarray:
        """From 0 at the start to 1 at the end, and flat around."""
        return np.clip((self.t - start) / length, 0, 1)

    def beat(self, gap: Number, first: Number = 0.0, uneven: Number = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """How far each sample is between two strokes, 0 … 1, and the number of the stroke before it.   gap: seconds.
        uneven: a curve that is added, in strokes."""
        turns = (self.t - first) / gap + uneven
        number = np.floor(turns)
        return turns - number, number

    def swell(self, start: Number, length: Number, rise: Number = 0.02, fall: Number = 0.05) -> np.ndarray:
        """Loudness that rises from 0 to 1 and falls back: `rise` and `fall` in seconds, inside the length."""
        up, down = (self.t - start) / rise, (start + length - self.t) / fall
        return np.clip(np.minimum(up, down), 0, 1)

    def struck(self, at: np.ndarray, decay: Number, loud: Number = 1.0) -> np.ndarray:
        """Loudness of strokes that die away.   at: (n, k) seconds.   decay: seconds to 1/e.   loud: (n, k), of each."""
        return self._placed(at, np.exp(-self._since(decay) / decay), loud)

    def wobble(self, rate: Number, depth: Number) -> np.ndarray:
        """Around 1, up and down by `depth`, `rate` times a second."""
        return 1 + depth * np.sin(TURN * (rate * self.t + self.uniform(0, 1)))

    def slow(self, fastest: float) -> np.ndarray:
        """An irregular curve between -1 and 1, of up to `fastest` turns a second."""
        slower, faster = (self.uniform(low * fastest, high * fastest) for low, high in ((0.2, 0.5), (0.5, 1.0)))
        return (self.wobble(slower, 1) + self.wobble(faster, 1)) / 2 - 1

    # --- what is heard

    def tone(self, pitch: Number, partials: Sequence[Number] = (1.0,)) -> np.ndarray:
        """A pitch, in Hz, that may glide, and its overtones: `partials` are the loudnesses of 1, 2, … times the pitch.
        Those above 3,900 Hz are left out."""
        pitch = np.asarray(pitch, dtype=np.float32)
        start = self.rng.integers(2**32, size=(self.n, 1), dtype=np.uint32)
        steps = (pitch * np.float32(2**32 / RATE)).astype(np.uint32)
        glides = steps.shape[-1:] == (SAMPLES,)
        turns = np.cumsum(steps, axis=1, dtype=np.uint32) if glides else steps * NUMBERS  # (n, 8000)
        phase = (turns + start).astype(np.float32) * ONE_TURN  # a whole turn is 2³², and so is dropped
        top = pitch.max(axis=1, keepdims=True) if glides else pitch
        now = np.sin(phase)
        out = np.where(top < HIGHEST, partials[0], 0).astype(np.float32) * now
        before, twice_cos = 0, 2 * np.cos(phase) if len(partials) > 1 else None
        for k, loud in enumerate(partials[1:], start=2):
            before, now = now, twice_cos * now - before  # sin(k x) = 2 cos(x) sin((k − 1) x) − sin((k − 2) x)
            out += np.where(k * top < HIGHEST, loud, 0).astype(np.float32) * now
        return out

    def noise(self, low: Number, high: Number) -> np.ndarray:
        """Noise between two pitches (Hz), with soft edges, of power 1."""
        low, high = (np.atleast_2d(np.float32(edge)) for edge in (low, high))
        first, last = max(1, int(low.min() / 6)), min(SAMPLES // 2, int(6 * high.max()))  # a second: bins are of 1 Hz
        pitch = np.arange(first, last, dtype=np.float32)[None]
        below, above = (low / pitch) ** 2, (pitch / high) ** 2
        shape = 1 / ((1 + below * below * below) * (1 + above * above * above))  # of the power
        white = 2 * self.rng.random((self.n, 2 * pitch.shape[1]), dtype=np.float32) - 1
        power = shape.sum(axis=1, keepdims=True) * np.float32(4 / 3)  # each bin counts twice, with 2/3 on average
        spectrum = np.zeros((self.n, SAMPLES // 2 + 1), dtype=np.complex64)
        spectrum[:, first:last] = white.view(np.complex64) * np.sqrt(shape / power)
        return np.fft.irfft(spectrum, n=SAMPLES, axis=1, norm="forward").astype(np.float32)

    def murmur(self) -> np.ndarray:
        """Faint noise of all pitches, of power 1/3: what a microphone hears of a quiet room."""
        return 2 * self.rng.random((self.n, SAMPLES), dtype=np.float32) - 1

    def bell(
        self, pitches: Sequence[Number], louds: Sequence[float], at: np.ndarray, decay: Number, loud: Number = 1.0
    ) -> np.ndarray:
        """Something that rings when it is struck at (n, k) seconds: pitches that are no overtones of each other, the
        high ones dying sooner.   loud: (n, k), of each stroke."""
        since, rung = self._since(decay), 0
        for k, (pitch, share) in enumerate(zip(pitches, louds)):
            audible = np.where(np.asarray(pitch) < HIGHEST, np.float32(share), np.float32(0))
            rung = rung + audible * np.sin(TURN * (pitch * since)) * np.exp(-since * ((1 + 0.4 * k) / decay))
        return self._placed(at, rung, loud)

    def _since(self, decay: Number) -> np.ndarray:
        """(1, W) seconds from a stroke on, until nothing is left of it."""
        return self.t[:, : max(1, int(8 * np.max(decay) * RATE))]

    def _placed(self, at: np.ndarray, stroke: np.ndarray, loud: Number) -> np.ndarray:
        """(n, W) or (1, W), put where it was struck; what would end behind the sound is cut."""
        out = np.zeros((self.n, SAMPLES), dtype=np.float32)
        stroke = np.broadcast_to(stroke, (self.n, stroke.shape[1]))
        louds, first = np.broadcast_to(np.float32(loud), at.shape), np.round(at * RATE).astype(int)
        for i, k in np.ndindex(at.shape):
            start = first[i, k]
            if -stroke.shape[1] < start < SAMPLES:
                end = min(SAMPLES, start + stroke.shape[1])
                out[i, max(start, 0) : end] += louds[i, k] * stroke[i, max(-start, 0) : end - start]
        return out
