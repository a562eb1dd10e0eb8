"""Folders of small made-up photos for tests; every photo differs from every other."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def photo(number: int, *, width: int = 12, height: int = 10) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def photo_folder(root: Path, counts: Mapping[str, int], *, suffix: str = ".png", first: int = 0) -> Path:
    """`counts` images in each class folder, such as {"cat": 5} or {"train/cat": 5}. Returns the root."""
    number = first
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for place in range(count):
            photo(number).save(root / name / f"photo {place}{suffix}")
            number += 1
    return root
