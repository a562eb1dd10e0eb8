"""The kind of work behind the zero-shot findings: how often ToyCLIP is right with one wording and another."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import torch
import torch.nn.functional as F
from claims import BARE, BEST, EIGHTY, FRAMED, OWN, PLAIN, PROBE, TRADE, Found
from torch import Tensor

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.data.toys import SceneImages
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.runs import Place, Result, Row, Work
from lessons_lib.teaching.lesson03.wordings import SENSES, both_senses, in_caption_frames
from lessons_lib.templates import DEFAULT, IMAGENET_80, apply

DRAWS = 5  # how often the test pictures are drawn
SHIFT_PER_CLASS = 10  # test pictures a class and draw of the domain shifts
PROBED = {"shots": 16, "seed": 1}


@dataclass(frozen=True)
class Subject:
    """what: "task", "shift", or "word", one with two senses.   name: of it."""

    what: str
    name: str


class Wordings(Work):
    """A row a wording and draw (`at`). Of a task, besides, a row of metric "chosen" on its best template."""

    kind, device = "wordings", "cpu"

    @cached_property
    def clip(self) -> ll.Clip:
        return ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)

    def __getstate__(self) -> dict:
        return {}

    def start(self, place: Place) -> None:
        """Loads it, and with it what it was trained on."""
        _ = self.clip

    def identity(self, cell: Subject) -> dict[str, Any]:
        draws = [drawn(cell, draw) for draw in range(draws_of(cell))]
        about = {"clip": self.clip.fingerprint, "what": cell.what, "draws": [pictures_of(one) for one in draws]}
        if cell.what == "word":
            return about | {"senses": list(SENSES[cell.name]), "among": toyworld.TASKS["toy_things"].classnames,
                            "template": DEFAULT}  # fmt: skip
        spec = toyworld.TASKS[cell.name]
        about |= {"classes": spec.classnames, "template": spec.templates[0]}
        if cell.what == "shift":
            return about
        probe = ll.LinearProbe(self.clip)
        how = {"format": probe.FORMAT, **probe.arguments(), **probe.fit_settings(PROBED["shots"]), **PROBED}
        about |= {"task": ll.load_task(cell.name).identity(), "candidates": candidates(cell.name), "probe": how}
        return about | {"trade": list(spec.wording.trade)}

    def unit(self, metric: str) -> str:
        return "%" if metric == "accuracy" else ""

    def alike(self, cell: Subject) -> str:
        return f"wordings of a {cell.what}"

    def cost(self, cell: Subject) -> float:
        return {"task": 35.0, "shift": 20.0, "word": 5.0}[cell.what]

    def carry_out(self, cell: Subject) -> Result:
        best, found = MEASURE[cell.what](self.clip, cell)
        rows = [Row(on, "accuracy", score, draw) for on, scores in found.items() for draw, score in enumerate(scores)]
        return Result([*rows, *([Row(best, "chosen", 1)] if best else [])])


def draws_of(cell: Subject) -> int:
    """Of the adversarial shift there is but one."""
    return 1 if cell.what == "shift" and toyworld.TASKS[cell.name].adversarial else DRAWS


def drawn(cell: Subject, draw: int) -> tuple[toyworld.Scenes, Tensor]:
    """Test pictures and their labels (N,)."""
    if cell.what == "word":
        return both_senses(cell.name, seed=draw)
    few = cell.what == "shift" and not toyworld.TASKS[cell.name].adversarial
    return toyworld.draw_scenes(cell.name, "test", seed=draw, per_class=SHIFT_PER_CLASS if few else None)


def pictures_of(pictures: tuple[toyworld.Scenes, Tensor]) -> dict[str, Any]:
    scenes, labels = pictures
    return {"images": SceneImages(scenes).fingerprint, "labels": labels.tolist()}


def encode(clip: ll.Clip, scenes: toyworld.Scenes) -> Tensor:
    """The pictures' embeddings (N, D), drawn and encoded in parts, so that memory stays small."""
    parts = (scenes[i : i + 512].render() for i in range(0, len(scenes), 512))
    return torch.cat([clip.encode_images(clip.preprocess_tensor(pixels)).cpu() for pixels in parts])


def right(features: Tensor, texts: Tensor, labels: Tensor) -> float:
    """Percent of features (N, D) whose nearest text (C, D) is that of their label (N,)."""
    return accuracy((features @ texts.T).argmax(dim=1), labels)


def say(clip: ll.Clip, templates: list[str], names: list[str]) -> Tensor:
    """(T, C, D): every name in every template, encoded."""
    prompts = [apply(template, name) for template in templates for name in names]
    return clip.encode_texts(prompts).cpu().unflatten(0, (len(templates), len(names)))


def ensemble(texts: Tensor) -> Tensor:
    """(T, C, D) -> (C, D): the mean over templates, normalised again."""
    return F.normalize(texts.mean(dim=0), dim=-1)


@cache
def candidates(name: str) -> list[str]:
    """The templates of which one is chosen for a task."""
    own = toyworld.TASKS[name].templates[0]
    return list(dict.fromkeys(["{}", DEFAULT, own, *in_caption_frames(own), *IMAGENET_80]))


def measure_task(clip: ll.Clip, cell: Subject) -> tuple[str, Found]:
    """Each wording, and the best template."""
    task, spec = ll.load_task(cell.name, **PROBED), toyworld.TASKS[cell.name]
    texts = dict(zip(candidates(cell.name), say(clip, candidates(cell.name), spec.classnames)))  # template -> (C, D)
    trade = say(clip, list(spec.wording.trade), spec.classnames)  # (T, C, D)
    validation = encode(clip, task.val_pool.scenes)
    best = max(texts, key=lambda template: right(validation, texts[template], task.val_pool.labels))
    classifiers = {
        BARE: texts["{}"],
        PLAIN: texts[DEFAULT],
        OWN: texts[spec.templates[0]],
        BEST: texts[best],
        FRAMED: ensemble(torch.stack([texts[template] for template in in_caption_frames(spec.templates[0])])),
        TRADE: ensemble(trade),
        EIGHTY: ensemble(torch.stack([texts[template] for template in IMAGENET_80])),
    }
    probe = ll.LinearProbe(clip).fit(task)
    found: Found = {wording: [] for wording in [*classifiers, PROBE]}
    for draw in range(draws_of(cell)):
        scenes, labels = drawn(cell, draw)
        features = encode(clip, scenes)
        for wording, classifier in classifiers.items():
            found[wording].append(right(features, classifier, labels))
        found[PROBE].append(accuracy(probe.logits_from_features(features).argmax(dim=1), labels))
    return best, found


def measure_shift(clip: ll.Clip, cell: Subject) -> tuple[str, Found]:
    """The default template."""
    spec, scores = toyworld.TASKS[cell.name], []
    [texts] = say(clip, [spec.templates[0]], spec.classnames)
    for draw in range(draws_of(cell)):
        scenes, labels = drawn(cell, draw)
        scores.append(right(encode(clip, scenes), texts, labels))
    return "", {OWN: scores}


def measure_word(clip: ll.Clip, cell: Subject) -> tuple[str, Found]:
    """ "two senses": pictures of both, told apart by the kinds' names (the word alone gives both one text: 50 %).
    "word", "kind": pictures of the sense that is in toy_things, found among its 64 classes by the word or the kind."""
    names = toyworld.TASKS["toy_things"].classnames
    [things] = say(clip, [DEFAULT], names)
    [two] = say(clip, [DEFAULT], list(SENSES[cell.name]))
    at = names.index(cell.name)
    with_kind = things.clone()
    with_kind[at] = two[0]
    found: Found = {"two senses": [], "word": [], "kind": []}
    for draw in range(draws_of(cell)):
        scenes, labels = drawn(cell, draw)
        features = encode(clip, scenes)
        mine = features[labels == 0]
        target = torch.full((len(mine),), at)
        found["two senses"].append(right(features, two, labels))
        found["word"].append(right(mine, things, target))
        found["kind"].append(right(mine, with_kind, target))
    return "", found


MEASURE: dict[str, Callable[[ll.Clip, Subject], tuple[str, Found]]] = {
    "task": measure_task, "shift": measure_shift, "word": measure_word,
}  # fmt: skip
