"""AudioCLIP, as published: the loss, a cross-entropy after the other, and the spectrum of a sound, a frame after the
other."""

import math

import numpy as np
import torch
from torch import Tensor


def cross_entropy(row: Tensor, right: int) -> Tensor:
    return -(row[right] - torch.log(sum(torch.exp(one) for one in row)))


def loss(pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """pairs: for each that is there, features of the one side and of the other, (N, D), and the scale."""
    total = torch.zeros((), dtype=pairs[0][0].dtype)
    for first, second, scale in pairs:
        n = len(first)
        logits = torch.stack([torch.stack([scale * (a * b).sum() for b in second]) for a in first])
        total = total + sum(cross_entropy(logits[i], i) for i in range(n)) / n
        total = total + sum(cross_entropy(logits[:, i], i) for i in range(n)) / n
    return total / {1: 1, 2: 2, 3: 6}[len(pairs)]


def spectrogram(wave: np.ndarray, fft: int = 384, window: int = 310, hop: int = 125, frames: int = 64) -> np.ndarray:
    """(8000,) -> (192, 64) decibels, 80 at most below the loudest cell, from -1 to 1."""
    padded = np.concatenate([np.zeros(fft // 2), wave, np.zeros(fft // 2)])
    rise = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    side = (fft - window) // 2
    shape = np.concatenate([np.zeros(side), rise, np.zeros(fft - window - side)])
    power = np.zeros((fft // 2, frames))
    for frame in range(frames):
        part = padded[frame * hop : frame * hop + fft] * shape
        for row in range(fft // 2):
            turning = np.exp(-2j * math.pi * (row + 1) * np.arange(fft) / fft)
            power[row, frame] = abs((part * turning).sum()) ** 2
    decibels = 10 * np.log10(np.maximum(power, 1e-20))
    return 1 + np.maximum(decibels - decibels.max(), -80) / 40
