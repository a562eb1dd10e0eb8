"""Accuracy, against scikit-learn's."""

import pytest
import torch
from sklearn.metrics import accuracy_score, recall_score

from lessons_lib.metrics.accuracy import accuracy, accuracy_by_class


@pytest.mark.parametrize("seed", range(5))
def test_accuracy_is_scikit_learns_in_percent(seed):
    draws = torch.Generator().manual_seed(seed)
    answers, labels = torch.randint(6, (2, 200), generator=draws)
    assert accuracy(answers, labels) == pytest.approx(100 * accuracy_score(labels, answers))
    expected = 100 * recall_score(labels, answers, average=None, labels=range(6))
    assert accuracy_by_class(answers, labels, 6).tolist() == pytest.approx(expected.tolist())


def test_a_class_without_images_has_no_accuracy():
    by_class = accuracy_by_class([0, 0, 2], [0, 1, 0], 3)
    assert by_class[:2].tolist() == [50, 0] and by_class[2].isnan()


@pytest.mark.parametrize(("answers", "labels"), [([], []), ([0, 1], [0]), ([[0]], [[0]])])
def test_answers_that_do_not_match_are_refused(answers, labels):
    with pytest.raises(ValueError, match="as many answers as labels, at least one"):
        accuracy(answers, labels)
