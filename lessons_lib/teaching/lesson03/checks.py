"""Checks of lesson 03's exercises: an ensemble, a template without each word, an honest choice, a word's two senses."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.teaching.checks import answer_of, require, right, same, written
from lessons_lib.teaching.lesson03.wordings import SENSES, both_senses
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

FRESH = 7  # the seed of pictures that the lesson has not shown


class _Texts:
    """A stand-in for a CLIP: every text has a direction of its own, and nothing else is needed to average them."""

    def encode_texts(self, texts: str | Sequence[str]) -> Tensor:
        """texts: N strings -> (N, 8), L2-normalised."""
        rows = [texts] if isinstance(texts, str) else list(texts)
        require(
            all(isinstance(text, str) for text in rows),
            "`clip.encode_texts` takes strings: put each class name into each template, template.replace('{}', name).",
        )
        unsaid = [text for text in rows if "{}" in text]
        require(not unsaid, f"the prompt {unsaid[:1]} still has its {{}}: replace it by the class name.")
        return F.normalize(torch.stack([_direction(text) for text in rows]), dim=-1)


def _direction(text: str) -> Tensor:
    return torch.randn(8, generator=torch.Generator().manual_seed(crc32(text.encode())))


def ensemble(student: Callable) -> None:
    """`ensemble(clip, classnames, templates)` -> (C, D): the mean of the normalised texts, normalised again."""
    cases = [
        (["cat", "dog", "crane"], ["a photo of a {}.", "a sketch of a {}.", "{}"]),
        (["cat", "dog"], ["a photo of a {}."]),
        (["hot dog"], ["{} on a plate.", "some {}."]),
    ]
    clip = _Texts()
    for names, templates in cases:
        call = f"ensemble(clip, {names}, {templates})"
        got = answer_of(student, clip, names, templates, name="ensemble")
        texts = torch.stack([clip.encode_texts([t.replace("{}", n) for n in names]) for t in templates])  # (T, C, D)
        mean, summed = texts.mean(dim=0), texts.sum(dim=0)  # (C, D)
        if isinstance(got, Tensor) and got.shape == mean.shape and len(templates) > 1:
            for unnormalised in (mean, summed):
                require(
                    not torch.allclose(got, unnormalised, atol=1e-5),
                    "the average of unit vectors is shorter than 1, by more for some classes than for others: "
                    "normalise the mean again, F.normalize(..., dim=-1).",
                )
        if isinstance(got, Tensor) and got.shape == texts.mean(dim=1).shape:
            by_template = F.normalize(texts.mean(dim=1), dim=-1)  # (T, D)
            require(
                len(names) == 1 or not torch.allclose(F.normalize(got, dim=-1), by_template, atol=1e-5),
                "there is one row a template: average over the templates, and keep one row a class.",
            )
        same(got, F.normalize(mean, dim=-1), name=call)
    right("ensemble: however many templates, one unit vector a class, so the pictures cost what they did before.")


def without_each_word(student: Callable) -> None:
    """`without_each_word(template)` -> a template for each word left out; the word with {} always stays.

    Words are what stands between spaces.
    """
    cases = {
        "a photo of a {}.": ["photo of a {}.", "a of a {}.", "a photo a {}.", "a photo of {}."],
        "a photo of {}, a type of food.": [
            "photo of {}, a type of food.",
            "a of {}, a type of food.",
            "a photo {}, a type of food.",
            "a photo of {}, type of food.",
            "a photo of {}, a of food.",
            "a photo of {}, a type food.",
            "a photo of {}, a type of",
        ],
        "{} texture.": ["{}"],
        "{}": [],
    }
    for template, expected in cases.items():
        got = answer_of(student, template, name="without_each_word")
        call = f"without_each_word({template!r})"
        require(
            isinstance(got, (list, tuple)), f"`{call}` should be a list of templates; it is a {type(got).__name__}."
        )
        lost = [text for text in got if "{}" not in str(text)]
        require(not lost, f"`{call}` leaves out the class name itself ({lost[:1]}): keep the word that holds {{}}.")
        if not expected:
            require(not got, f"`{call}` has no word to leave out, so the list is empty; it holds {list(got)}.")
            continue
        same(list(got), expected, name=call)
    right("without_each_word: one template for each word that could be spared, in their order.")


def pick_template(student: Callable) -> None:
    """`pick_template(templates, texts, features, labels)` -> the template that is right most often on the pictures."""
    draw = torch.Generator().manual_seed(3)
    for number, (count, classes, images) in enumerate([(4, 3, 30), (6, 5, 50), (1, 2, 8), (3, 4, 40)]):
        templates = [f"template {i} of a {{}}." for i in range(count)]
        middles = F.normalize(torch.randn(classes, 8, generator=draw), dim=-1)  # (C, D)
        labels = torch.arange(images) % classes  # (N,)
        features = F.normalize(middles[labels] + 0.5 * torch.randn(images, 8, generator=draw), dim=-1)  # (N, D)
        blur = torch.linspace(0.2, 1.5, count).roll(number + 1)[:, None, None]
        texts = F.normalize(middles + blur * torch.randn(count, classes, 8, generator=draw), dim=-1)  # (T, C, D)
        if number == 3:  # one template is the nearest to the pictures, with the classes exchanged
            texts[2] = middles.roll(1, dims=0)
        correct = (torch.einsum("nd,tcd->tnc", features, texts).argmax(dim=2) == labels).float().mean(dim=1)  # (T,)
        got = answer_of(student, templates, texts, features, labels, name="pick_template")
        if isinstance(got, (int, Tensor)):
            require(False, "`pick_template` should return the template itself, templates[best], not its number.")
        best, worst = templates[int(correct.argmax())], templates[int(correct.argmin())]
        require(
            count == 1 or got != worst or best == worst,
            "`pick_template` returns the template that is right least often: take the argmax of the accuracies.",
        )
        same(got, best, name="pick_template(templates, texts, features, labels)")
    right(
        "pick_template: the most accurate on the pictures it is given. Give it validation pictures, and it is honest."
    )


def two_senses(names: Sequence[str], clip: "Clip", *, word: str = "bat", needed: float = 75.0) -> None:
    """names: what to call the two kinds of `word`, in the order of `SENSES`; tested on pictures drawn for this check.

    needed: percent of the pictures that must be told apart; the word alone gets 50.
    """
    written(names, name=f"{word}s")
    require(
        isinstance(names, (list, tuple)) and len(names) == 2 and all(isinstance(name, str) for name in names),
        f"`{word}s` should be two strings, first for the {SENSES[word][0]}, then for the other sense; it is {names!r}.",
    )
    require(
        all(name.strip() for name in names),
        f"one of the names is empty: {list(names)}. Every kind needs a name to be said.",
    )
    require(
        names[0].strip() != names[1].strip(),
        f"both kinds are called {names[0]!r}, so they get the same text and the choice is a toss of a coin.",
    )
    texts = clip.encode_texts([f"a photo of a {name}." for name in check_classnames(names)])  # (2, D)
    scenes, labels = both_senses(word, per_sense=50, seed=FRESH)
    features = clip.encode_images(clip.preprocess_tensor(scenes.render()))  # (N, D)
    predicted = (features @ texts.T).argmax(dim=1).cpu()
    percent = 100 * (predicted == labels).float().mean().item()
    swapped = " They would do better exchanged: is the order right?" if percent < 100 - needed else ""
    favourite = names[int(predicted.float().mean() > 0.5)]
    require(
        percent >= needed,
        f"{names[0]!r} and {names[1]!r} tell {percent:.0f} % of 100 fresh pictures apart; {needed:.0f} % are needed, "
        f"and 50 is a coin's.{swapped} Most answers were {favourite!r}. Use words that the captions used (see above).",
    )
    right(f"two senses: {names[0]!r} and {names[1]!r} tell {percent:.0f} % of 100 fresh pictures apart.")
