"""How `toy_things_a` was chosen: the candidates are those that `draw_scenes` chooses from, wrong ones first."""

import json
from importlib import resources

import numpy as np
import select_adversarial
import torch

from lessons_lib import toyworld


def test_wrong_ones_come_first_and_each_class_keeps_as_many():
    right = np.array([[True, False, True, False], [True, True, True, True], [False, False, False, True]])
    assert select_adversarial.choice(right, 2) == [[1, 3], [0, 1], [0, 1]]
    assert select_adversarial.choice(right, 3) == [[0, 1, 3], [0, 1, 2], [0, 1, 2]]


def test_what_is_kept_is_among_the_candidates_that_the_judge_was_shown():
    n = toyworld.SPLIT_SIZES["val"]
    many, labels = toyworld.draw_scenes("toy_things_a", "val", per_class=n * toyworld.ADVERSARIAL_CANDIDATES)
    kept, of = toyworld.draw_scenes("toy_things_a", "val")
    listed = json.loads(resources.files(toyworld).joinpath("adversarial.json").read_text())["val"]
    for label in (0, 63):
        shown = many[(labels == label).nonzero().flatten()][listed[label]].render()
        assert torch.equal(kept[(of == label).nonzero().flatten()].render(), shown)


def test_every_split_keeps_its_number_of_different_pictures():
    listed = json.loads(resources.files(toyworld).joinpath("adversarial.json").read_text())
    for split, n in toyworld.SPLIT_SIZES.items():
        assert {len(set(row)) for row in listed[split]} == {n} and len(listed[split]) == 64
        assert max(map(max, listed[split])) < n * toyworld.ADVERSARIAL_CANDIDATES


def test_a_judge_learns_and_answers(monkeypatch):
    monkeypatch.setattr(select_adversarial, "BATCH", 64)
    judge = select_adversarial.judge(per_class=2, epochs=1)
    answers = select_adversarial.right(judge, "toy_things_a", "val", per_class=2)
    assert answers.shape == (64, 2) and answers.dtype == bool and not judge.training
