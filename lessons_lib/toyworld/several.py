"""Pictures of several things at once, and which pixels show each: what is where, not only what there is.

Each picture shows two to four things on a backdrop, none hidden by much. They are things of `toy_things`, drawn by the
same recipes, smaller. `toy_masks` stands for PASCAL VOC: twenty classes, in alphabetical order. The tasks named
`toy_scene_…` have all 64 classes, in an order drawn once, so that each run of sixteen, a fold, is of all kinds.
"""

import random
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, tensor, uint8
from torch.nn.functional import pad

from lessons_lib.toyworld import things
from lessons_lib.toyworld.captions import DIALS, Dials, caption_of_several
from lessons_lib.toyworld.coverage import COL, SIZE
from lessons_lib.toyworld.scenes import Scenes, ToyClass, finished
from lessons_lib.toyworld.sketch import Conditions, Facts, Sketch

MOST = 4  # things in a picture
PICTURES = {"train": 240, "val": 120, "test": 400}  # of a split; each shows about three things
OF_SCENES = {"train": 4000, "val": 200, "test": 400}
LARGE_SIZE = 128  # pixels: of a picture in which small boxes are to be found
# Where things stand and how large they are (half pictures), with how far either may be off.
QUARTERS = np.array([(-0.46, -0.46), (0.46, -0.46), (-0.46, 0.46), (0.46, 0.46)])
OFF, SMALL, LARGE = 0.06, (0.42, 0.54), (0.5, 0.62)


@dataclass(frozen=True)
class SeveralSpec:
    """One task of pictures that show several things; twin, eleven, shift_of: as a `TaskSpec`'s.

    told: what is said of a picture: "masks", "boxes", or "captions" with the box of each phrase; size: its edge in
    pixels; pictures: how many there are of a split; twins: share of the pictures in which the second thing is of the
    class of the first; dials: of the captions.
    """

    name: str
    twin: str
    classes: tuple[ToyClass, ...]
    templates: tuple[str, ...] = ("a photo of a {}.",)
    conditions: Conditions = Conditions()
    eleven: bool = False
    shift_of: str = ""
    told: str = "masks"
    size: int = SIZE
    pictures: Mapping[str, int] = field(default_factory=lambda: PICTURES)
    twins: float = 0.0
    dials: Dials = DIALS

    @property
    def classnames(self) -> list[str]:
        """Of masks the background first: class 0 is what shows none of the others."""
        return ["background"] * (self.told == "masks") + [cls.name for cls in self.classes]


_SHOWN = (
    "bicycle, bottle, cactus, elephant, fish, giraffe, hat, hot air balloon, mug, mushroom, owl, penguin, pineapple, "
    "rabbit, sailboat, snail, teapot, train, tree, turtle"
).split(", ")
_MIXED = tuple(things.CLASSES[i] for i in np.random.default_rng(11).permutation(len(things.CLASSES)))
_SPEAKING = Dials(colour=0.85, named_of_several=1.0, lead_in=0.05, chatter=0.1)
SEVERAL = {
    spec.name: spec
    for spec in (
        SeveralSpec("toy_masks", "PASCAL VOC", tuple(c for n in _SHOWN for c in things.CLASSES if c.name == n)),
        SeveralSpec("toy_scene_masks", "ADE20K", _MIXED, pictures=OF_SCENES),
        SeveralSpec("toy_scene_boxes", "LVIS", _MIXED, told="boxes", size=LARGE_SIZE, pictures=OF_SCENES),
        SeveralSpec(
            "toy_scene_captions",
            "Flickr30k Entities",
            _MIXED,
            told="captions",
            size=LARGE_SIZE,
            pictures=OF_SCENES,
            twins=0.4,
            dials=_SPEAKING,
        ),
    )
}


CROWDS = SeveralSpec("toy_crowds", "", tuple(things.CLASSES))  # what pre-training sees of several things


def draw_several(task: str, split: str = "test", *, seed: int = 0, count: int | None = None) -> tuple[Scenes, Tensor]:
    """The pictures of one split, and the class of each of their objects: (N, MOST) long, 1 … C-1, 0 for none.

    seed: another seed draws other pictures of the same kind; count: how many pictures (default: the task's). Every
    class is in as many of them as every other, but for a few. Raises KeyError for a task or split that does not exist.
    """
    spec = SEVERAL[task]
    n = spec.pictures[split] if count is None else count
    source = [seed, zlib.crc32(task.encode()), list(PICTURES).index(split)]
    return draw_together(spec, n, np.random.default_rng(source), lambda label: np.random.default_rng([*source, label]))


def draw_together(
    spec: SeveralSpec, n: int, rng: np.random.Generator, of_class: Callable[[int], np.random.Generator] | None = None
) -> tuple[Scenes, Tensor]:
    """n pictures of a spec, and the class of each of their objects, as `draw_several` gives them.

    rng: deals the things and draws the grounds; of_class: what draws the things of a class (default: rng).
    """
    ground = Sketch(n, rng, category="thing", conditions=spec.conditions)
    ground.backdrop()
    who = _dealt(n, len(spec.classes), rng)  # (n, MOST) class numbers from back to front, -1: none
    if spec.twins:
        who[:, 1] = np.where(rng.random(n) < spec.twins, who[:, 0], who[:, 1])
    x, y, scale = _arranged((who >= 0).sum(axis=1), rng)  # each (n, MOST)
    rows: list[list[np.ndarray]] = [[] for _ in range(n * MOST)]  # of picture i's thing k, at i · MOST + k
    told: list[Facts | None] = [None] * (n * MOST)
    for label, cls in enumerate(spec.classes):
        at = np.flatnonzero(who == label)
        if not len(at):
            continue
        chance = of_class(label) if of_class else rng
        s = Sketch(len(at), chance, name=cls.name, category="thing", conditions=spec.conditions)
        s.place(cls.name, x=x.flat[at], y=y.flat[at], scale=scale.flat[at])
        cls.draw(s)
        for row in s.rows:
            row[:, COL["part"]] += len(ground.parts)
            row[:, COL["object"]] = at % MOST
            for i, one in zip(at, row, strict=True):
                rows[i].append(one)
        for i, facts in zip(at, s.facts, strict=True):
            told[i] = facts
        ground.parts += s.parts
    drawn = [[row for thing in rows[i * MOST : (i + 1) * MOST] for row in thing] for i in range(n)]
    layers = np.zeros((max(map(len, drawn), default=0), n, len(COL)), dtype=np.float32)
    for i, thing_rows in enumerate(drawn):
        layers[: len(thing_rows), i] = thing_rows
    ground.rows += list(layers)
    scenes = finished(ground)
    for i, facts in enumerate(scenes.facts):
        facts.things = [one for one in told[i * MOST : (i + 1) * MOST] if one is not None]
        facts.name = " and ".join(one.name for one in facts.things)
    scenes.objects = [tuple(one.name for one in facts.things) for facts in scenes.facts]
    return scenes, tensor(who + 1)


def class_masks(scenes: Scenes, classes: Tensor, *, size: int = SIZE) -> Tensor:
    """(N, size, size) uint8: the class that each pixel shows, 0 for none; `classes` as `draw_several` gives them."""
    owners = scenes.owners(size=size)
    return pad(classes, (1, 0)).gather(1, (owners + 1).flatten(1)).view(owners.shape).to(uint8)


def thing_boxes(scenes: Scenes, *, size: int = SIZE) -> Tensor:
    """(N, MOST, 4) float: left, top, right, bottom in pixels around what is seen of each thing; NaN where nothing is.

    A pixel belongs to the thing that it shows most, as in `class_masks`.
    """
    owners = scenes.owners(size=size)
    found = torch.full((len(scenes), MOST, 4), float("nan"))
    for k in range(MOST):
        mine = owners == k
        for axis, (low, high) in ((1, (0, 2)), (2, (1, 3))):  # over the rows: from left to right
            line = mine.any(dim=axis)  # (N, size)
            there, line = line.any(dim=1), line.to(uint8)
            found[there, k, low] = line.argmax(dim=1)[there].float()
            found[there, k, high] = size - line.flip(1).argmax(dim=1)[there].float()
    return found


def captions_of(task: str, scenes: Scenes, *, seed: int | str = 0) -> list[tuple[str, list[tuple[int, int, int]]]]:
    """Of each picture a caption, and its phrases: (first letter, letter behind the last, number of the thing)."""
    words, found = random.Random(f"{seed} {task}"), []
    for facts in scenes.facts:
        text, told = caption_of_several(facts, words, dials=SEVERAL[task].dials)
        at, phrases = 0, []
        for phrase, thing in told:
            place = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)").search(text, at)
            at = place.end()
            phrases.append((place.start(), at, thing))
        found.append((text, phrases))
    return found


def _dealt(n: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """(n, MOST) class numbers, the first two to four of a row in use and different, the others -1.

    They are dealt from shuffled decks of all classes, so that none comes more often than others.
    """
    who, deck = np.full((n, MOST), -1), []
    for row, count in zip(who, rng.integers(2, MOST + 1, size=n), strict=True):
        hand: list[int] = []
        while len(hand) < count:
            if not set(deck) - set(hand):
                deck += rng.permutation(classes).tolist()
            hand.append(deck.pop(next(place for place, card in enumerate(deck) if card not in hand)))
        row[:count] = hand
    return who


def _arranged(counts: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and scale of up to MOST things a picture, each (n, MOST): two side by side, or one in a quarter each."""
    n = len(counts)
    quarters = rng.permuted(np.tile(np.arange(MOST), (n, 1)), axis=1)
    x, y = (QUARTERS[quarters, axis] + rng.uniform(-OFF, OFF, (n, MOST)) for axis in (0, 1))
    scale = rng.uniform(*SMALL, (n, MOST))
    two = counts == 2
    along = np.where(rng.random((n, 1)) < 0.5, [-0.48, 0.48, 0, 0], [0.48, -0.48, 0, 0])
    across = rng.uniform(-0.3, 0.3, (n, MOST))
    upright = rng.random((n, 1)) < 0.5
    x = np.where(two[:, None], np.where(upright, across, along), x)
    y = np.where(two[:, None], np.where(upright, along, across), y)
    return x, y, np.where(two[:, None], rng.uniform(*LARGE, (n, MOST)), scale)
