"""Which photos have which job in lesson 10, and how alike they look."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from lessons_lib.data import Split, Task
from lessons_lib.methods import Classifier

SIDE = 16  # pixels


def tiny(split: Split) -> torch.Tensor:
    """(N, 768): every photo as 16 × 16 coloured pixels, less the mean of each colour, of length 1."""
    small = [np.array(split.image(i).resize((SIDE, SIDE), Image.Resampling.BOX)) for i in range(len(split))]
    pixels = torch.tensor(np.stack(small)).float()  # (N, 16, 16, 3)
    return F.normalize((pixels - pixels.mean(dim=(1, 2), keepdim=True)).flatten(1), dim=1)


def without(split: Split, rows: torch.Tensor | list[int]) -> Split:
    """The split without these rows. A class of which nothing would be left keeps its photos, and is named."""
    dropped = torch.zeros(len(split), dtype=torch.bool)
    dropped[torch.as_tensor(rows, dtype=torch.long)] = True
    for label, name in enumerate(split.classnames):
        if dropped[split.labels == label].all():
            print(f"{name}: all photos are alike, so none is left out, and its numbers flatter you.")
            print("    Add photos of another day, or set SAME_MOMENT higher.")
            dropped[split.labels == label] = False
    return split.subset((~dropped).nonzero().flatten())


def rest_of(pool: Split, used: Split) -> Split:
    """The photos of a pool that have no job yet; the whole pool where there are none."""
    taken = set(used.paths)
    left = [i for i, path in enumerate(pool.paths) if path not in taken]
    return pool.subset(left) if left else pool


def fit(method: Classifier, task: Task, **settings) -> Classifier:
    """`method.fit(task, **settings)`, without the bars of those that show one."""
    return method.fit(task, **settings, **({"progress": False} if "progress" in method.fit_arguments() else {}))
