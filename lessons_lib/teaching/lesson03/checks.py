"""Checks of lesson 03's exercises: an ensemble, an ensemble that grows, an interval of a gain, a word's two senses."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.teaching.checks import answer_of, explain, require, right, same, written
from lessons_lib.teaching.differences import kind_of
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


def grow(student: Callable) -> None:
    """`grow(texts, features, labels, most)` -> templates of an ensemble, in the order in which they were added.

    texts: template -> (C, D); features: (N, D); labels: (N,). Each step adds the template that helps the ensemble most;
    it ends where none helps, or with `most` of them.
    """
    name = "grow"
    for seed, (count, classes, images, most) in enumerate(((9, 4, 60, 8), (12, 5, 80, 1), (3, 3, 30, 8), (1, 2, 8, 2))):
        texts, features, labels = _choice(count, classes, images, seed)
        expected = _grow(texts, features, labels, most)
        got = answer_of(student, texts, features, labels, most, name=name)
        require(
            isinstance(got, list) and all(template in texts for template in got),
            f"`{name}` should return a list of templates, keys of `texts`; it returns {kind_of(got)}.",
        )
        require(
            len(set(got)) == len(got), f"`{name}` adds a template that is in the ensemble already. Try the others only."
        )
        mistakes = {hint: _grow(texts, features, labels, most, **wrong) for hint, wrong in _WRONG_SEARCHES.items()}
        explain(got, expected, {hint: value for hint, value in mistakes.items() if value != expected}, name=name)
        same(got, expected, name=f"{name} among {count} templates, at most {most}")
    right("grow: every template is there because it helped those before it, on the pictures that you gave.")


_WRONG_SEARCHES = {
    "each template is judged alone. Judge the ensemble that there would be with it.": {"alone": True},
    "it goes on where nothing helps any more. Add only what makes the ensemble better.": {"stop": False},
    "it adds the template that helps least: take the best.": {"sign": -1},
    "it stops after the first template: go on from the ensemble that there is.": {"first": True},
    "it may not have more than `most` templates.": {"bounded": False},
}


def _grow(
    texts: dict, features: Tensor, labels: Tensor, most: int, *, alone: bool = False, stop: bool = True, sign: int = 1,
    first: bool = False, bounded: bool = True,
) -> list[str]:  # fmt: skip
    """The search, or with one thing wrong."""

    def score(templates: list[str]) -> float:
        w = F.normalize(torch.stack([texts[t] for t in templates]).mean(dim=0), dim=-1)
        return accuracy((features @ w.T).argmax(dim=1), labels)

    chosen, reached = [], 0.0
    while len(chosen) < (1 if first else most if bounded else len(texts)) and len(chosen) < len(texts):
        left = [t for t in texts if t not in chosen]
        best = max(left, key=lambda t: sign * score([t] if alone else [*chosen, t]))
        now = score([*chosen, best])
        if stop and not alone and now <= reached:
            break
        chosen, reached = [*chosen, best], now
    return chosen


def _choice(count: int, classes: int, images: int, seed: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Templates that are blurred more and less, and pictures to choose on."""
    draw = torch.Generator().manual_seed(seed)
    middles = F.normalize(torch.randn(classes, 8, generator=draw), dim=-1)  # (C, D)
    labels = torch.arange(images) % classes  # (N,)
    features = F.normalize(middles[labels] + 0.5 * torch.randn(images, 8, generator=draw), dim=-1)  # (N, D)
    blur = torch.linspace(0.5, 1.2, count).roll(seed + 1)[:, None, None]
    texts = F.normalize(middles + blur * torch.randn(count, classes, 8, generator=draw), dim=-1)  # (T, C, D)
    return {f"template {i} of a {{}}.": w for i, w in enumerate(texts)}, features, labels


def bootstrap(student: Callable) -> None:
    """`bootstrap(first, second, rows)` -> (low, high): a 95 % interval of what the first has above the second, points.

    first, second: (N,) bool, right or wrong on the same pictures; rows: (B, N), pictures drawn with replacement.
    """
    name = "bootstrap"
    for n, seed in ((200, 0), (50, 1), (400, 2)):
        draw = torch.Generator().manual_seed(seed)
        second = torch.rand(n, generator=draw) < 0.6
        first = torch.where(torch.rand(n, generator=draw) < 0.2, ~second, second)
        rows = torch.randint(n, (500, n), generator=draw)
        got = answer_of(student, first, second, rows, name=name)
        require(
            isinstance(got, (tuple, list, Tensor)) and len(got) == 2,
            f"`{name}` should return two numbers, low and high.",
        )
        difference_of = 100 * (first.double() - second.double())
        means = difference_of[rows].mean(dim=1)  # (B,)
        unpaired = 100 * (first.double()[rows].mean(dim=1) - second.double()[rows.roll(1, dims=0)].mean(dim=1))
        mistakes = {
            "these are shares. Points are hundredths: times 100.": _middle(means / 100),
            "the draws of the two differ. Both are right or wrong on the *same* drawn pictures.": _middle(unpaired),
            "this is second − first: the other way round.": _middle(-means),
            "this is a 90 % interval: leave out 2.5 % on either side.": _middle(means, 0.05),
            "these are the extremes of all draws: leave out 2.5 % on either side.": _middle(means, 0.0),
            "this is how single pictures scatter: take the mean of each draw first.": _middle(difference_of),
        }
        got, expected = torch.as_tensor([float(x) for x in got]), _middle(means)
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name, atol=0.05)
    right("bootstrap: had the pictures been others, the gain would mostly have been in here.")


def _middle(values: Tensor, out: float = 0.025) -> Tensor:
    """What is left of values when so great a share is left out on either side: (low, high)."""
    return torch.quantile(values.double(), torch.tensor([out, 1 - out], dtype=torch.float64)).float()


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
    given = [name for name in names if name.strip().lower() in SENSES[word]]
    require(not given, f"{given[:1]} is what the figure says already: find words of your own.")
    silent = [name for name in names if word not in re.findall(r"\w+", name.lower())]
    require(not silent, f"{silent[:1]} does not say {word!r}: both kinds are called so; say which {word} it is.")
    alone = [name for name in names if re.findall(r"\w+", name.lower()) == [word]]
    require(not alone, f"{alone[:1]} alone fits both kinds: say which {word} it is.")
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
