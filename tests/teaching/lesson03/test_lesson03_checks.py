"""Lesson 03's checks: they pass what is right, and name the usual mistakes."""

import pytest
import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

import lessons_lib as ll
from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.lesson03 import checks as check


def said(clip, names, templates):
    return torch.stack([clip.encode_texts([t.replace("{}", name) for name in names]) for t in templates])  # (T, C, D)


def score(texts, templates, features, labels):
    w = F.normalize(torch.stack([texts[t] for t in templates]).sum(0), dim=-1)
    return ((features @ w.T).argmax(1) == labels).sum().item()


def grown(texts, features, labels, most, stop=True, judged=lambda chosen, t: [*chosen, t], sign=1):
    chosen, reached = [], 0
    while len(chosen) < most:
        left = [t for t in texts if t not in chosen]
        scores = [sign * score(texts, judged(chosen, t), features, labels) for t in left]
        if not left or (stop and max(scores) <= reached):
            break
        chosen, reached = [*chosen, left[scores.index(max(scores))]], max(scores)
    return chosen


def means(first, second, rows):
    return 100 * (first[rows].double().mean(1) - second[rows].double().mean(1))


def middle(values, out=0.025):
    return values.quantile(out).item(), values.quantile(1 - out).item()


RIGHT = [
    (check.ensemble, lambda clip, names, templates: F.normalize(said(clip, names, templates).sum(0), dim=-1)),
    (check.grow, grown),
    (check.bootstrap, lambda a, b, rows: middle(means(a, b, rows))),
]


MISTAKES = [
    (check.ensemble, lambda clip, names, t: said(clip, names, t).mean(0), "normalise the mean again"),
    (check.ensemble, lambda clip, names, t: F.normalize(said(clip, names, t).mean(1), dim=-1), "one row a template"),
    (check.ensemble, lambda clip, names, t: clip.encode_texts(t), "still has its {}"),
    (check.ensemble, lambda clip, names, t: said(clip, names, t)[0], "ensemble"),
    (check.ensemble, lambda clip, names, t: ..., "not written yet"),
    (check.grow, lambda x, f, y, most: grown(x, f, y, most, stop=False), "goes on where nothing helps"),
    (check.grow, lambda x, f, y, most: grown(x, f, y, 1), "stops after the first"),
    (check.grow, lambda x, f, y, most: grown(x, f, y, len(x)), "not have more than"),
    (check.grow, lambda x, f, y, most: sorted(x, key=lambda t: -score(x, [t], f, y))[:most], "judged alone"),
    (check.grow, lambda x, f, y, most: [max(x, key=lambda t: score(x, [t], f, y))] * 2, "already"),
    (check.grow, lambda x, f, y, most: score(x, list(x), f, y), "list of templates"),
    (check.grow, lambda x, f, y, most: None, "not written yet"),
    (check.bootstrap, lambda a, b, rows: middle(means(a, b, rows) / 100), "times 100"),
    (check.bootstrap, lambda a, b, rows: middle(means(b, a, rows)), "other way round"),
    (check.bootstrap, lambda a, b, rows: middle(means(a, b, rows), 0.05), "90 %"),
    (check.bootstrap, lambda a, b, rows: middle(means(a, b, rows), 0.0), "extremes"),
    (check.bootstrap, lambda a, b, rows: middle(100 * (a.double() - b.double())), "mean of each draw"),
    (check.bootstrap, lambda a, b, rows: means(a, b, rows).mean().item(), "two numbers"),
]


@pytest.mark.parametrize(
    "names, hint",
    [
        (None, "not written yet"),
        (["bat"], "two strings"),
        (["bat", "bat"], "toss of a coin"),
        (["bat with a grip", "bat with two wings"], "exchanged"),
        (["", "bat"], "empty"),
        (["flying bat", "bat with a grip"], "words of your own"),
        (["animal", "bat with a grip"], "does not say 'bat'"),
        (["bat with two wings", "bat"], "alone fits both kinds"),
    ],
)
def test_names_that_cannot_tell_two_senses_apart_are_refused_with_the_reason(names, hint, toyclip):
    with pytest.raises(ExerciseError, match=hint):
        check.two_senses(names, toyclip)


@pytest.mark.parametrize("club", ["bat with a grip", "long bat, with a thick end"])
def test_words_of_the_captions_tell_two_senses_apart(club, toyclip, capsys):
    check.two_senses(["bat with two wings", club], toyclip)
    assert capsys.readouterr().out.startswith("✓")


@pytest.fixture(scope="module")
def toyclip():
    return ll.load_clip("toyclip", device="cpu", verbose=False)
