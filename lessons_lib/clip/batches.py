"""What a tower is given at a time."""

from collections.abc import Iterator

import torch
from tqdm.auto import tqdm


def batches(count: int, device: torch.device, batch_size: int | None, unit: str, progress: bool) -> Iterator[slice]:
    """Slices that cover range(count), with a progress bar if asked for.

    batch_size: None for 32 on a CPU (larger ones leave its caches), 256 elsewhere. Raises ValueError below 1.
    """
    if batch_size is None:
        batch_size = 32 if device.type == "cpu" else 256
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} must be at least 1")
    with tqdm(total=count, unit=f" {unit}", disable=not progress, leave=False) as bar:
        for start in range(0, count, batch_size):
            yield slice(start, start + batch_size)
            bar.update(min(batch_size, count - start))
