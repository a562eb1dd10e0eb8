"""What a GLIP says of a picture, word by word: lesson 14 looks at it, and builds its scores from it.

prompt = glip.phrases.of_names(["red key", "blue key"])
said = ask(glip, picture, prompt)        # S (A, L), boxes, centerness
planes(glip, said.S)                     # (L, 16, 16): each token's row of S, folded back over the picture
"""

import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from lessons_lib.data import Captions, Split
from lessons_lib.data.pictures import open_picture
from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.detector import pictures_of
from lessons_lib.methods.parts.alignment import phrase_scores
from lessons_lib.methods.parts.grounding import about, found_in
from lessons_lib.methods.parts.phrases import Prompt
from lessons_lib.metrics.detection import overlaps


class Answer(NamedTuple):
    """To one prompt, of one picture.   S: (A, L) logits; boxes: (A, 4); middles: (A,), centerness's logits."""

    S: Tensor
    boxes: Tensor
    middles: Tensor


def pictures(split: Split, rows: Sequence[int], size: int = 128) -> Tensor:
    """(n, 3, size, size) in 0 … 1."""
    return pictures_of(split, torch.as_tensor(list(rows)), size)[0]


@torch.no_grad()
def ask(glip: GLIP, picture: Tensor, prompt: Prompt) -> Answer:
    """picture: (3, S, S) in 0 … 1."""
    net = glip.grounder
    said = net.asked(net.look(picture[None].to(glip.clip.device)), [prompt])
    return Answer(*(each[0].cpu() for each in (said.logits, net.boxes(said), said.middles)))


def phrases_of(typed: str) -> list[str]:
    """ "red key. a blue key." -> its phrases. Raises ValueError where there is none."""
    found = list(dict.fromkeys(" ".join(part.split()) for part in typed.split(".") if part.strip()))
    if not found:
        raise ValueError("nothing is asked for: type phrases, each with a full stop behind it")
    return found


def words_of(glip: GLIP, prompt: Prompt) -> list[str]:
    """The tokens of a prompt, as they read; "‹" is the start, "›" the end."""
    inside = [glip.clip.tokenizer.decode([token]).strip() for token in prompt.ids[1:-1]]
    return ["‹", *inside, "›"]


def spans_of(prompt: Prompt) -> list[tuple[int, int]]:
    """Of each phrase (its first token, the one behind its last)."""
    return [(span.start, span.stop) for span in prompt.spans]


class Shown(NamedTuple):
    """Pictures with boxes, as `plots.boxed` draws them: of each its boxes, their names (✓ or ✗), which are wrong."""

    pictures: list[Tensor]
    boxes: list[Tensor]
    names: list[list[str]]
    wrong: list[list[bool]]


def planes(glip: GLIP, S: Tensor) -> Tensor:
    """(A, L) -> (L, 16, 16), σ(S) at each place of the finer level, or of the coarser one where that is more."""
    levels = []
    for rows in S.sigmoid().split(glip.grounder.per_level):
        edge = round(len(rows) ** 0.5)
        levels.append(rows.T.unflatten(1, (edge, edge)))  # (L, edge, edge)
    fine, coarse = levels
    return torch.maximum(fine, F.interpolate(coarse[None], fine.shape[1:])[0])


def best_boxes(said: Answer, prompt: Prompt) -> tuple[Tensor, Tensor]:
    """Of each phrase its surest box, (phrases, 4), and the score, (phrases,)."""
    scores, which = phrase_scores(said.S, prompt.spans, said.middles).max(dim=0)
    return said.boxes[which], scores


def answered(glip: GLIP, split: Split, rows: Sequence[int]) -> Shown:
    """Of captioned pictures of its own size, each phrase's surest box."""
    found = Shown([], [], [], [])
    for picture, row in zip(pictures(split, rows, glip.image_size), rows):
        caption, told = split.targets.captions[row], split.targets.phrases[row]
        prompt = glip.phrases.of_caption(caption, [one[:2] for one in told])
        boxes, _ = best_boxes(ask(glip, picture, prompt), prompt)
        true = split.targets.boxes[row][[one[2] for one in told]]
        near = overlaps(boxes.numpy(), true.numpy()).diagonal() >= 0.5
        names = marked([caption[start:end] for start, end, _ in told], near.tolist())
        for part, value in zip(found, (picture, boxes, names, (~near).tolist())):
            part.append(value)
    return found


def marked(names: Sequence[str], right: Sequence[bool]) -> list[str]:
    """Two phrases may have one box, of which only one is right."""
    return [f"{'✓' if one else '✗'} {name}" for name, one in zip(names, right)]


def wrapped(captions: Sequence[str]) -> list[str]:
    """As titles above pictures."""
    return [fill(caption, 30) for caption in captions]


def seconds(glip: GLIP, some: Tensor, names: Sequence[str]) -> float:
    """A picture of some, (n, 3, S, S), when so many names are asked for; the better of two runs."""
    asked, took = glip.for_classes(names), []
    for _ in range(2):
        begin = time.perf_counter()
        asked.detect(some)
        took.append(time.perf_counter() - begin)
    return min(took) / len(some)


def photo(path: str | Path, size: int) -> Tensor:
    """(3, size, size) in 0 … 1: an image file, squeezed to a square. Raises as `open_picture` does."""
    return pil_to_tensor(open_picture(path).resize((size, size), Image.Resampling.BICUBIC)).float() / 255


# --- phrases that are about one of two


def of_twins(split: Split) -> Split:
    """The captions, with those phrases alone that are about one of several things of a class."""
    targets, told = split.targets, []
    for labels, phrases in zip(targets.labels, targets.phrases):
        told.append([one for one in phrases if int((labels == labels[one[2]]).sum()) > 1])
    return Split(
        split.images, Captions(targets.boxes, targets.labels, targets.sizes, targets.captions, told), split.classnames
    )


@torch.inference_mode()
def choices(method: GLIP, split: Split) -> list[str]:
    """Of every phrase in `of_twins(split)`, what its surest box overlaps by half: "right", what it is about; "twin",
    another thing of that class; or "other"."""
    found = []
    twins = of_twins(split)
    for i, (phrases, regions) in enumerate(found_in(method, twins)):
        boxes, labels = twins.targets.boxes[i], twins.targets.labels[i]
        for number, phrase in enumerate(phrases):
            meant = about(twins, i, phrase)
            best = regions.boxes[int(regions.scores[:, number].argmax())][None]
            near = torch.from_numpy(overlaps(best.numpy(), boxes.numpy())[0]) >= 0.5
            same = near & (labels == labels[meant[0]])
            found.append("right" if near[meant].any() else "twin" if same.any() else "other")
    return found


def correlations(glip: GLIP, split: Split, rows: Sequence[int]) -> tuple[float, float]:
    """Means of correlations, over all locations, of two tokens' columns of σ(S): of the first and the last token of a
    phrase ("red", "key"), and of the last tokens of two phrases about things of different classes."""
    own, other = [], []
    for picture, row in zip(pictures(split, rows, glip.image_size), rows):
        told = split.targets.phrases[row]
        prompt = glip.phrases.of_caption(split.targets.captions[row], [one[:2] for one in told])
        columns, labels = ask(glip, picture, prompt).S.sigmoid().T, split.targets.labels[row][[one[2] for one in told]]
        alike, spans = torch.corrcoef(columns), spans_of(prompt)
        own += [alike[start, end - 1] for start, end in spans if end - start > 1]
        pairs = [(i, j) for i in range(len(spans)) for j in range(i) if labels[i] != labels[j]]
        other += [alike[spans[i][1] - 1, spans[j][1] - 1] for i, j in pairs]
    return torch.stack(own).mean().item(), torch.stack(other).mean().item()


# --- what a teacher says


def rightly(found: Split, truth: Split) -> list[list[bool]]:
    """Of every picture which of a teacher's boxes overlap what their phrase is about by half.

    found: as `pseudo_labelled` gives it, of `truth`.
    """
    right = []
    for i, (told, boxes, known) in enumerate(zip(found.targets.phrases, found.targets.boxes, truth.targets.boxes)):
        of_picture = []
        for start, end, box in told:
            true = known[about(truth, i, (start, end))]
            of_picture.append(bool((overlaps(boxes[box][None].numpy(), true.numpy()) >= 0.5).any()))
        right.append(of_picture)
    return right


def labels_of(found: Split, truth: Split, rows: Sequence[int]) -> Shown:
    """What a teacher says of some pictures, and which of its boxes are wrong."""
    right, targets = rightly(found, truth), found.targets
    names = [marked([targets.captions[i][start:end] for start, end, _ in targets.phrases[i]], right[i]) for i in rows]
    boxes = [targets.boxes[i][[one[2] for one in targets.phrases[i]]] for i in rows]
    return Shown(list(pictures(truth, rows)), boxes, names, [[not one for one in right[i]] for i in rows])


def tally(found: Split, truth: Split, new: Sequence[str]) -> pd.DataFrame:
    """A row for phrases about base things and one for novel ones: phrases, boxes that the teacher gives them, how many
    of these are right (%)."""
    counts = {"base": [0, 0, 0], "novel": [0, 0, 0]}
    for i, right in enumerate(rightly(found, truth)):
        kinds = {}
        for start, end, box in truth.targets.phrases[i]:
            name = truth.classnames[int(truth.targets.labels[i][box])]
            kinds[start, end] = counts["novel" if name in new else "base"]
        for kind in kinds.values():
            kind[0] += 1
        for (start, end, _), one in zip(found.targets.phrases[i], right):
            kinds[start, end][1] += 1
            kinds[start, end][2] += one
    rows = [(on, phrases, boxes, round(100 * right / max(1, boxes))) for on, (phrases, boxes, right) in counts.items()]
    return pd.DataFrame(rows, columns=["about", "phrases", "boxes", "right (%)"])
