"""Which images: few-shot sampling, and holding images out of a class.

Both order the images of a class by a hash of (seed, role, class name, place in the class), and take from the front.
So the choice

- is the same on every machine and with every version of torch or numpy;
- is nested: for one seed, the 1-shot images are among the 2-shot ones, those among the 4-shot ones, and so on;
- does not depend on the other classes: sampling and then keeping half of the classes gives what keeping first and then
  sampling gives.

The few-shot protocol (k images a class for training, ``min(k, 4)`` for validation, the whole test split) is CoOp's
(Zhou et al., "Learning to Prompt for Vision-Language Models", IJCV 2022).
"""

from collections.abc import Sequence
from hashlib import sha256

import torch

MAX_VAL_SHOTS = 4
# What a class gives up where a folder brings no test or validation images of its own.
TEST_SHARE, VAL_SHARE = 0.3, 0.2


def check_shots(shots: int | None) -> None:
    """Raises ValueError unless ``shots`` is None (all images) or a whole number of at least 1."""
    if shots is not None and (isinstance(shots, bool) or not isinstance(shots, int) or shots < 1):
        raise ValueError(f"shots={shots!r}: give a whole number of images a class, at least 1, or None for all of them")


def shuffled(count: int, *, seed: int, role: str, classname: str) -> list[int]:
    """The places 0 … count-1 of one class's images in a repeatable random order."""
    return sorted(range(count), key=lambda place: sha256(f"{seed}/{role}/{classname}/{place}".encode()).digest())


def few_shot_indices(
    members: Sequence[torch.Tensor], classnames: Sequence[str], shots: int, *, seed: int, role: str = "train"
) -> torch.Tensor:
    """``shots`` images of every class, or all of a class that has fewer.

    members: for each class the images that show it, (n_c,) long, ascending. An image that was taken for one class may
    show another that was given: it then counts for both, so classes that share images may get more than ``shots``.
    Returns (≤ C · shots,) long, ascending, each image once.
    """
    chosen = [torch.empty(0, dtype=torch.long)]
    for which, classname in zip(members, classnames, strict=True):
        order = shuffled(len(which), seed=seed, role=role, classname=classname)
        chosen.append(which[torch.tensor(order[:shots], dtype=torch.long)])
    return torch.cat(chosen).unique()


def check_enough(members: Sequence[torch.Tensor], classnames: Sequence[str], shots: int) -> None:
    """Raises ValueError, naming the classes, where one has fewer training images than ``shots``."""
    counts = [len(which) for which in members]
    if not any(counts):
        raise ValueError("there is nothing to sample shots from: this task has test images only (leave shots=None)")
    short = [
        f"class {name!r} has {count or 'none'}" for name, count in zip(classnames, counts, strict=True) if count < shots
    ]
    if short:
        more = f" and {len(short) - 10} more" if len(short) > 10 else ""
        raise ValueError(
            f"{shots} shots need {shots} training images a class, but {', '.join(short[:10])}{more}: "
            f"{f'ask for shots={min(counts)} or fewer' if min(counts) else 'leave such classes out'}, or add images"
        )


def hold_out(count: int, *, val: bool, test: bool, seed: int, classname: str) -> dict[str, list[int]]:
    """Deals a class's ``count`` images into "train" and, where asked, "val" (20 %) and "test" (30 %), at least 1 each.

    Raises ValueError where the class has too few images for that.
    """
    needed = 1 + val + test
    if count < needed:
        parts = " and ".join(part for part, wanted in (("train", True), ("val", val), ("test", test)) if wanted)
        raise ValueError(f"class {classname!r} has {count} image(s); dealing them into {parts} takes at least {needed}")
    n_test = max(1, round(TEST_SHARE * count)) if test else 0
    n_val = max(1, round(VAL_SHARE * count)) if val else 0
    order = shuffled(count, seed=seed, role="hold out", classname=classname)
    return {
        "test": sorted(order[:n_test]),
        "val": sorted(order[n_test : n_test + n_val]),
        "train": sorted(order[n_test + n_val :]),
    }
