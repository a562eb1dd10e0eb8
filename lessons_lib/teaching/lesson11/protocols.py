"""What a segmenter is asked, in four ways, of one set of logits: the labels that it may choose among are a choice.

    seen        pictures of seen things alone; background and the seen names
    unseen      pictures with unseen things; background and the unseen names. Pixels of seen things do not count
    all         every picture; background and all names, seen and unseen
    told        as PASCAL-5i asks: of a picture one unseen class is told, and every pixel is that class or not
The first three take the mean of IoU over things, without the background. Pixels of all pictures count together.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lessons_lib.data import Split
from lessons_lib.data.targets import BACKGROUND
from lessons_lib.methods import Segmenter
from lessons_lib.metrics.by_picture import Counts, counted
from lessons_lib.metrics.segmentation import IGNORE, patch_labels

BATCH = 25  # pictures


def told(logits: Tensor, truth: Tensor, classes: Sequence[int], background: int = 0) -> Counts:
    """Of every picture each of the `classes` that it shows is told: a pixel is that class where its logit is above the
    background's. logits: (N, C, H, W); truth: (N, H, W)."""
    right, either = torch.zeros(2, *logits.shape[:2], dtype=torch.long)
    for i, (planes, is_) in enumerate(zip(logits, truth)):
        for c in set(is_.unique().tolist()) & set(classes):
            said, there = planes[c] > planes[background], is_ == c
            right[i, c], either[i, c] = (said & there).sum(), (said | there).sum()
    return Counts(right, either)


def among(logits: Tensor, classes: Sequence[int]) -> Tensor:
    """(N, C, H, W) -> (N, H, W): the likeliest of these classes alone, by its number among all C."""
    return torch.as_tensor(classes)[logits[:, list(classes)].argmax(dim=1)]


def without(truth: Tensor, classes: Sequence[int]) -> Tensor:
    """The same masks, in which pixels of these classes do not count."""
    return torch.where(torch.isin(truth, torch.as_tensor(classes)), IGNORE, truth)


def asked(method: Segmenter, split: Split, unseen: Sequence[str]) -> dict[str, Counts]:
    """The four ways, by name, of a split with all classes. unseen: names.

    What a method says of a label may not depend on the other labels, so that a smaller set is some of the planes: true
    of LSeg but for its block "bottleneck", for which ValueError is raised.
    """
    if getattr(method, "block", None) == "bottleneck":
        raise ValueError("the block 'bottleneck' looks at all labels at once: measure with for_classes, set by set")
    return of_logits(method.for_classes(split.classnames).logits, split, unseen)


def of_logits(logits_of: Callable[[Split], Tensor], split: Split, unseen: Sequence[str]) -> dict[str, Counts]:
    """As `asked`. logits_of: some of the pictures -> (n, C, H, W). Raises ValueError for masks of another size."""
    names = split.classnames
    bottom, new = names.index(BACKGROUND), [names.index(name) for name in unseen]
    old = [c for c in range(len(names)) if c not in (bottom, *new)]
    parts: dict[str, list[Counts]] = {}
    for start in range(0, len(split), BATCH):
        part = split.subset(range(start, min(start + BATCH, len(split))))
        logits, truth = logits_of(part).cpu(), part.targets.masks.long()
        if logits.shape[-2:] != truth.shape[-2:]:
            raise ValueError(f"masks of {tuple(truth.shape[-2:])} pixels, answers of {tuple(logits.shape[-2:])}")
        shows_new = part.targets.shows[:, new].any(dim=1)
        found = {
            "seen": counted(among(logits, [bottom, *old])[~shows_new], truth[~shows_new], len(names)),
            "unseen": counted(among(logits, [bottom, *new])[shows_new], without(truth, old)[shows_new], len(names)),
            "all": counted(logits.argmax(dim=1), truth, len(names)),
            "told": told(logits[shows_new], truth[shows_new], new, bottom),
        }
        for way, counts in found.items():
            parts.setdefault(way, []).append(counts)
    return {way: Counts(*(torch.cat(rows) for rows in zip(*each))) for way, each in parts.items()}


def ceiling(patch: int) -> Callable[[Split], Tensor]:
    """For `of_logits`: one right answer for each square of so many pixels."""

    def logits_of(part: Split) -> Tensor:
        best = patch_labels(part.targets.masks, patch, len(part.classnames))
        return one_hot(best, len(part.classnames)).movedim(-1, 1).float()

    return logits_of


def renamed(method: Segmenter, names: Sequence[str], among: Sequence[str]) -> Callable[[Split], Tensor]:
    """For `of_logits`: each of the labels `among` has the plane of the next one, the last that of the first. What a
    method finds by the names' meaning is lost, and nothing else."""
    places = torch.tensor([list(names).index(name) for name in among])
    order = torch.arange(len(names))
    order[places] = places.roll(-1)
    return lambda part: method.for_classes(names).logits(part)[:, order]


def floor(split: Split) -> Callable[[Split], Tensor]:
    """For `of_logits`: looks at no picture. Every pixel is the most frequent thing, or the one that is told."""
    frequent = torch.bincount(split.targets.masks.flatten().long(), minlength=len(split.classnames)).float()
    likes = 1 + frequent / frequent.sum()
    likes[split.classnames.index(BACKGROUND)] = 0
    return lambda part: likes[None, :, None, None].expand(len(part), -1, *part.targets.masks.shape[-2:])


def own_things(logits_of: Callable[[Split], Tensor], split: Split) -> tuple[float, float]:
    """Where a picture is offered the names of its own things alone: percent of their pixels that get the right one, and
    what guessing gets. logits_of: as for `of_logits`."""
    hits, guessed, total = 0.0, 0.0, 0
    for start in range(0, len(split), BATCH):
        part = split.subset(range(start, min(start + BATCH, len(split))))
        for planes, truth in zip(logits_of(part).cpu(), part.targets.masks.long()):
            own = [c for c in truth.unique().tolist() if c != IGNORE and split.classnames[c] != BACKGROUND]
            there = torch.isin(truth, torch.as_tensor(own))
            hits += (among(planes[None], own)[0] == truth)[there].sum().item()
            guessed, total = guessed + there.sum().item() / len(own), total + there.sum().item()
    return 100 * hits / total, 100 * guessed / total


def things(way: str, classnames: Sequence[str], unseen: Sequence[str]) -> list[int]:
    """The classes over which the mean of a way is taken."""
    wanted = {"seen": lambda name: name not in unseen, "all": lambda name: True}.get(way, lambda name: name in unseen)
    return [c for c, name in enumerate(classnames) if name != BACKGROUND and wanted(name)]
