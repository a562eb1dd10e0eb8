"""What lesson 02 asks of a CLIP: pictures, answers, and how they are counted."""

from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

import lessons_lib as ll
from lessons_lib.clip import Clip
from lessons_lib.data import Task, published
from lessons_lib.toyworld import TASKS

EIGHT = (
    ("toy_flowers", "sunflower", "a photo of a sunflower."),
    ("toy_food", "pizza", "a photo of a pizza."),
    ("toy_pets", "dalmatian", "a photo of a white dog with black spots."),
    ("toy_scenes", "castle", "a photo of a castle."),
    ("toy_satellite", "river", "a satellite photo of a river."),
    ("toy_objects", "guitar", "a photo of a guitar."),
    ("toy_textures", "striped", "a striped texture."),
    ("toy_aircraft", "helicopter", "a photo of a helicopter."),
)
# Zero-shot CLIP ViT-B/16 with "a photo of a {}.": Shu et al., NeurIPS 2022, tables 1 and 2.
PUBLISHED = {
    "ImageNet": 66.73, "Caltech101": 93.35, "OxfordPets": 88.25, "StanfordCars": 65.48, "Flowers102": 67.44,
    "Food101": 83.65, "FGVC-Aircraft": 23.67, "SUN397": 62.59, "DTD": 44.27, "EuroSAT": 42.01, "UCF101": 65.13,
}  # fmt: skip


CLASSES = {one.title: one.classes for one in published.PUBLISHED.values()}  # how many


def eight(tasks: Mapping[str, Task]) -> tuple[Tensor, list[str], list[str]]:
    """Eight test pictures (8, 3, H, W) uint8, the names of their classes, and a sentence for each."""
    pictures = []
    for task, name, _ in EIGHT:
        split = tasks[task].test
        pictures.append(split.subset((split.labels == split.classnames.index(name)).nonzero().flatten()[:1]).tensor())
    return torch.cat(pictures), [name for _, name, _ in EIGHT], [sentence for *_, sentence in EIGHT]


def accuracies(tasks: Mapping[str, Task], probabilities: Mapping[str, Tensor]) -> pd.DataFrame:
    """A row a task: task, twin, accuracy and chance, in percent."""
    rows = [
        {
            "task": name,
            "twin": TASKS[name].twin,
            "accuracy": 100 * (probabilities[name].argmax(dim=1) == task.test.labels).double().mean().item(),
            "chance": 100 / len(task.classnames),
        }
        for name, task in tasks.items()
    ]
    return pd.DataFrame(rows)


def confidence(tasks: Mapping[str, Task], probabilities: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Over all test pictures: the probability of the chosen answer, and whether it is right."""
    sure, right = [], []
    for name, task in tasks.items():
        best = probabilities[name].cpu().max(dim=1)
        sure.append(best.values)
        right.append(best.indices == task.test.labels)
    return torch.cat(sure), torch.cat(right)


def from_gallery(tasks: Mapping[str, Task], found: Tensor) -> tuple[list[list], list[list[str]]]:
    """found: (Q, k) places among all test pictures, task by task -> Q rows of pictures, and of their tasks."""
    where = [(name, i) for name, task in tasks.items() for i in range(len(task.test))]
    rows = [[where[n] for n in row] for row in found.tolist()]
    pictures = [[tasks[name].test.image(i) for name, i in row] for row in rows]
    return pictures, [[name for name, _ in row] for row in rows]


def known_and_unknown(clip: Clip, known: Task, chosen_with: Task, tested_with: Task, by: str) -> dict[str, Tensor]:
    """The confidences of zero-shot's answers, by "probability" or "logit"."""
    open_set = ll.OpenSet(ll.ZeroShot(clip).fit(known), by=by)
    splits = {"val known": known.val, "val unknown": chosen_with.val,
              "test known": known.test, "test unknown": tested_with.test}  # fmt: skip
    return {part: open_set.confidence(split).cpu() for part, split in splits.items()}


class Digits:
    """Six hundred real handwritten digits to read, and four hundred to learn from (scikit-learn's, 8 × 8 pixels).

    features: (600, D), as CLIP sees them.   labels: (600,).
    """

    def __init__(self, clip: Clip):
        digits = load_digits()
        pixels = torch.from_numpy(255 - digits.images / 16 * 255).to(torch.uint8)  # (1797, 8, 8), dark on light
        y = torch.from_numpy(digits.target)
        pool, test = train_test_split(range(len(y)), train_size=400, test_size=600, stratify=y, random_state=0)
        both = [*pool, *test]
        encoded = clip.encode_images(clip.preprocess_tensor(pixels[both][:, None].expand(-1, 3, -1, -1)))
        self.features, self.labels = encoded[400:], y[test]
        self._x = {"pixels": pixels[both].flatten(1).float(), f"{clip.name}'s features": encoded.cpu()}
        self._y = y[both]

    def regressions(self, shots: Sequence[int], seeds: Sequence[int]) -> pd.DataFrame:
        """Logistic regression on pixels and on features, from few labelled digits: a row a fit."""
        rows = []
        for kind, x in self._x.items():
            for k in shots:
                for seed in seeds:
                    order = torch.randperm(400, generator=torch.Generator().manual_seed(seed))
                    chosen = torch.cat([order[self._y[order] == digit][:k] for digit in range(10)])
                    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
                    right = model.fit(x[chosen], self._y[chosen]).score(x[400:], self._y[400:])
                    rows.append({"method": f"logistic regression on {kind}", "task": "real handwritten digits",
                                 "shots": k, "seed": seed, "accuracy": 100 * right})  # fmt: skip
        return pd.DataFrame(rows)


def with_probe(ours: pd.DataFrame, scores: Mapping[str, float]) -> pd.DataFrame:
    """`accuracies` with the columns probe and gain, in points."""
    probe = ours.task.map(scores)
    return ours.assign(probe=probe, gain=probe - ours.accuracy)


def probe_curves(
    clip: Clip, tasks: Mapping[str, Task], names: Sequence[str], shots: Sequence[int], seeds: Sequence[int]
) -> pd.DataFrame:
    """Linear probes from few labelled pictures: a row a fit."""
    settings = {"shots": shots, "seeds": seeds, "name": "linear probe", "progress": False}
    return pd.concat(ll.protocols.few_shot(lambda: ll.LinearProbe(clip), tasks[name], **settings) for name in names)


def most_confused(answers: Tensor, labels: Tensor) -> tuple[int, int, int]:
    """(a, b, n): a is taken for b n times, more often than any other class for another."""
    wrong = answers != labels
    classes = int(max(answers.max(), labels.max())) + 1
    counts = torch.zeros(classes, classes, dtype=torch.long)
    counts.index_put_((labels[wrong], answers[wrong]), torch.ones(int(wrong.sum()), dtype=torch.long), accumulate=True)
    a, b = divmod(int(counts.argmax()), classes)
    return a, b, int(counts[a, b])
