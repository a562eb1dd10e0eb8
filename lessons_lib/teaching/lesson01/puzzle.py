"""How well the puzzle of captions is solved in the world of shapes: by a model, and at best.

Captions are vague. "a photo of a star." fits stars of eight colours, and where two such pictures are in a batch nobody
can know which one it was written under. So there is a best possible answer, and it is not always right.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.teaching.lesson01.shape_world import COLOURS, SHAPES, allowed

COMBINATIONS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)
PARTS = ("both", "colour", "shape")


def best_scores(
    shown: Sequence[tuple[str, str]], captions: Sequence[str], *, without: Iterable[tuple[str, str]] = ()
) -> Tensor:
    """The scores of one who sees every picture's colour and shape and knows how captions are written. No scores of
    pairs solve the puzzle better, in the mean over batches.

    shown: N × (colour, shape); captions: M; without: combinations that are never drawn. Returns (N, M): log P(caption |
    picture) / P(caption), the best scores of InfoNCE (van den Oord et al. 2018, section 2.3). Whoever writes here says
    what is true, and leaves out what he leaves out whatever the picture shows: so it is −log of the share of pictures
    that the caption fits where it fits this one, and −inf elsewhere. Raises ValueError for a caption that fits nothing.
    """
    drawn = allowed(without)
    said = list(map(said_in, captions))
    fits = torch.tensor([[_fits(y, x) for y in said] for x in COMBINATIONS])  # (64, M)
    share = fits[[COMBINATIONS.index(x) for x in drawn]].float().mean(dim=0)  # (M,), as all are drawn equally often
    if (share == 0).any():
        raise ValueError(f"the caption {captions[int(share.argmin())]!r} fits nothing that is drawn")
    return (fits / share).log()[[COMBINATIONS.index(x) for x in shown]]


def said_in(caption: str) -> tuple[str | None, str | None]:
    """The colour and the shape that a caption names; None for what it leaves out."""
    words = caption.rstrip(".").split()
    colour = next((colour for colour in COLOURS if colour in words), None)
    shape = max((shape for shape in SHAPES if caption.rstrip(".").endswith(shape)), key=len, default=None)
    return colour, shape


def twins(sayings: Sequence) -> Tensor:
    """(N, N) of bool: which others of a batch say the same."""
    return torch.tensor([[i != j and a == b for j, b in enumerate(sayings)] for i, a in enumerate(sayings)])


def _fits(said: tuple[str | None, str | None], shows: tuple[str, str]) -> bool:
    return all(part is None or part == real for part, real in zip(said, shows))


def solved(logits: Tensor) -> tuple[float, float]:
    """How one batch's puzzle is solved. logits: (N, N), picture i belongs to caption i.

    Returns CLIP's loss, and the percent of pictures whose caption has the highest logit. Where k captions share it, the
    right one among them, it counts 1 / k: one of them has to be guessed.
    """
    answer = torch.arange(len(logits))
    loss = (F.cross_entropy(logits, answer) + F.cross_entropy(logits.T, answer)) / 2
    highest = logits >= logits.amax(dim=1, keepdim=True) - 1e-4  # (N, N)
    right = highest.diag() / highest.sum(dim=1)
    return loss.item(), 100 * right.mean().item()


def by_size(logits: Mapping[str, Tensor], sizes: Iterable[int]) -> pd.DataFrame:
    """The same pairs dealt into batches of each size: rows of who, N, batch, loss, right (percent).

    logits: name -> (M, M) of all pairs. Raises ValueError for a size that does not divide M.
    """
    rows = []
    for who, every in logits.items():
        for n in sizes:
            if len(every) % n:
                raise ValueError(f"{len(every)} pairs cannot be dealt into batches of {n}")
            for batch, at in enumerate(torch.arange(len(every)).split(n)):
                loss, right = solved(every[at][:, at])
                rows.append({"who": who, "N": n, "batch": batch, "loss": loss, "right": right})
    return pd.DataFrame(rows)


def graded(answers: Sequence[int], truth: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Percent of pictures named rightly: "both", "colour", "shape". answers: numbers of `COMBINATIONS`."""
    pairs = [(COMBINATIONS[int(i)], real) for i, real in zip(answers, truth, strict=True)]
    right = [(got == real, got[0] == real[0], got[1] == real[1]) for got, real in pairs]
    return {part: 100 * sum(column) / len(right) for part, column in zip(PARTS, zip(*right))}
