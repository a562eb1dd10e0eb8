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


def correct(texts, features, labels):
    return torch.stack([((features @ w.T).argmax(dim=1) == labels).float().mean() for w in texts])  # (T,)


def words_left(template):
    words = template.split()
    return [" ".join(words[:i] + words[i + 1 :]) for i, word in enumerate(words) if "{}" not in word]


RIGHT = [
    (check.ensemble, lambda clip, names, templates: F.normalize(said(clip, names, templates).sum(0), dim=-1)),
    (check.without_each_word, words_left),
    (check.pick_template, lambda t, texts, f, y: t[int(correct(texts, f, y).argmax())]),
]


MISTAKES = [
    (check.ensemble, lambda clip, names, t: said(clip, names, t).mean(0), "normalise the mean again"),
    (
        check.ensemble,
        lambda clip, names, t: F.normalize(said(clip, names, t).mean(1), dim=-1),
        "one row a template",
    ),
    (check.ensemble, lambda clip, names, t: clip.encode_texts(t), "still has its {}"),
    (check.ensemble, lambda clip, names, t: ..., "not written yet"),
    (check.without_each_word, lambda t: [t.replace(word, "") for word in t.split()], "leaves out the class name"),
    (check.without_each_word, lambda t: ", ".join(words_left(t)), "should be a list"),
    (check.pick_template, lambda t, texts, f, y: t[int(correct(texts, f, y).argmin())], "right least often"),
    (check.pick_template, lambda t, texts, f, y: int(correct(texts, f, y).argmax()), "not its number"),
    (check.pick_template, lambda t, texts, f, y: t[0], "it should be"),
]


def test_the_nearest_template_is_not_taken_for_the_most_accurate():
    with pytest.raises(ExerciseError):
        check.pick_template(
            lambda t, texts, f, y: t[int(torch.stack([(f @ w.T).amax(1).mean() for w in texts]).argmax())]
        )


@pytest.mark.parametrize(
    "names, hint",
    [
        (None, "not written yet"),
        (["bat"], "two strings"),
        (["bat", "bat"], "toss of a coin"),
        (["baseball bat", "flying bat"], "exchanged"),
        (["", "bat"], "empty"),
    ],
)
def test_names_that_cannot_tell_two_senses_apart_are_refused_with_the_reason(names, hint, toyclip):
    with pytest.raises(ExerciseError, match=hint):
        check.two_senses(names, toyclip)


def test_the_captions_own_names_tell_two_senses_apart(toyclip, capsys):
    check.two_senses(["flying bat", "baseball bat"], toyclip)
    assert capsys.readouterr().out.startswith("✓")


@pytest.fixture(scope="module")
def toyclip():
    return ll.load_clip("toyclip", device="cpu", verbose=False)
