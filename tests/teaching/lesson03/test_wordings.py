"""Ways to say ToyWorld's classes, the two senses of words, and lesson 03's recorded findings."""

import claims
import pytest
import torch
import wordings_work

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson03.wordings import SENSES, both_senses, in_caption_frames
from lessons_lib.templates import check_templates


@pytest.mark.parametrize("task", toyworld.ELEVEN)
def test_a_template_in_captions_frames_is_a_list_of_different_templates(task):
    framed = in_caption_frames(toyworld.TASKS[task].templates[0])
    assert len(framed) >= 15
    assert len(set(framed)) == len(framed)
    assert check_templates(framed) == framed


def test_frames_do_not_double_the_article():
    framed = in_caption_frames("a photo of a {}, a type of flower.")
    assert "a photo of one {}, a type of flower." in framed
    assert "a photo of a {}, a type of flower." in framed
    assert not [text for text in framed if "one a " in text or "my a " in text or "photo of a photo of" in text]


@pytest.mark.parametrize("word", SENSES)
def test_both_senses_of_a_word_are_drawn_half_and_half(word):
    scenes, labels = both_senses(word, per_sense=3)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert {facts.name for facts in scenes.facts} == {word}
    assert scenes.fingerprint == both_senses(word, per_sense=3)[0].fingerprint
    assert scenes.fingerprint != both_senses(word, per_sense=3, seed=1)[0].fingerprint


def test_a_word_with_one_sense_is_refused_with_the_words_that_have_two():
    with pytest.raises(KeyError, match="crane, bat, mouse, seal, bow"):
        both_senses("tulip")


def test_kinds_are_words_that_captions_use():
    classes = [*toyworld.TASKS["toy_things"].classes, *(c for spec in toyworld.EXTRAS for c in spec.classes)]
    for word, kinds in SENSES.items():
        said = {other for cls in classes if cls.name == word for other in cls.also}
        assert set(kinds) <= said


def test_findings_pair_the_draws():
    scores = {wording: [50.0, 60.0, 70.0] for wording in (claims.PLAIN, claims.EIGHTY, claims.FRAMED)}
    tasks = {
        name: {**scores, claims.BARE: [48.0, 58.0, 68.0], claims.OWN: [low, low + 10, low + 20]}
        for name, low in (("weak", 30.0), ("strong", 75.0))
    }
    senses = {"crane": {"two senses": [60.0, 61.0, 62.0], "word": [20.0, 30.0, 10.0], "kind": [20.0, 10.0, 30.0]}}
    found = claims.of_wordings(tasks, senses)
    assert found["F1 plain"]["difference"]["mean"] == pytest.approx(2)
    assert found["F1 plain"]["difference"]["half_width"] == pytest.approx(0)  # the draw's luck cancels
    assert found["F1 plain"]["seen"] and found["F1 senses"]["seen"]
    assert not found["F1 kinds"]["seen"]
    assert "far better on strong than on weak" in found["F3"]["claim"]
    assert found["F3"]["difference"]["mean"] == pytest.approx(45)


def test_accuracy_is_a_percentage_of_nearest_texts():
    texts = torch.eye(3)
    features = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
    assert wordings_work.right(features, texts, torch.tensor([0, 1, 2, 0])) == 75


def test_recorded_findings_are_of_the_embedded_toyclip():
    recorded = recorded_runs.zero_shot()
    fingerprint = ll.load_clip("toyclip", device="cpu", verbose=False).fingerprint
    assert recorded["clip"] == fingerprint, "run data_scripts/studies/findings_zero_shot.py again"
    assert set(recorded["accuracy"]) == set(toyworld.ELEVEN)
    assert all(len(draws) == 5 for scores in recorded["accuracy"].values() for draws in scores.values())
