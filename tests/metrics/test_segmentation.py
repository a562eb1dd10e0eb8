"""Intersection over union against scikit-learn's, and the ceiling and floor of masks."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score

from lessons_lib.metrics.segmentation import Confusion, constant_labels, mean_iou, patch_labels


def pair(seed, classes=5, ignored=0.1):
    """Random answers and masks of three pictures; some pixels are to be ignored."""
    draws = torch.Generator().manual_seed(seed)
    answers, truth = torch.randint(classes, (2, 3, 8, 6), generator=draws)
    truth[torch.rand(truth.shape, generator=draws) < ignored] = 255
    return answers, truth


def flat(answers, truth):
    return truth[truth != 255].numpy(), answers[truth != 255].numpy()


@pytest.mark.parametrize("seed", range(6))
def test_it_equals_scikit_learns_however_the_pictures_come(seed):
    answers, truth = pair(seed)
    counted = Confusion(5)
    for one, other in zip(answers, truth.byte()):
        counted.add(one, other)
    y, p = flat(answers, truth)
    assert torch.equal(counted.matrix, Confusion(5).add(answers, truth).matrix)
    assert np.array_equal(counted.matrix.numpy(), confusion_matrix(y, p, labels=range(5)))
    iou = 100 * jaccard_score(y, p, average=None, labels=range(5))
    assert counted.iou.tolist() == pytest.approx(iou.tolist())
    assert counted.mean_iou() == pytest.approx(iou.mean())
    assert counted.mean_iou(without=0) == pytest.approx(iou[1:].mean()) == mean_iou(answers, truth, 5, without=0)
    assert counted.accuracy == pytest.approx(100 * (y == p).mean())
    both = 50 * sum(jaccard_score(y > 0, p > 0, pos_label=label) for label in (True, False))
    assert counted.two_class_iou(background=0) == pytest.approx(both)


def test_a_class_that_is_neither_there_nor_answered_is_not_in_the_mean():
    truth, answers = torch.tensor([[0, 0, 1, 255]]), torch.tensor([[0, 1, 1, 3]])
    counted = Confusion(4).add(answers, truth)
    assert counted.iou[:2].tolist() == [50, 50] and counted.iou[2:].isnan().all() and counted.mean_iou() == 50
    answered = Confusion(4).add(torch.tensor([[0, 2, 1, 3]]), truth)  # where it was only answered it counts, as wrong
    assert answered.iou[2] == 0 and answered.mean_iou() == pytest.approx((50 + 100 + 0) / 3)


@pytest.mark.parametrize(
    ("answers", "truth", "words"),
    [
        (torch.zeros(2, 4), torch.zeros(2, 5), r"answers of shape \(2, 4\) for masks of shape \(2, 5\)"),
        (torch.tensor([3]), torch.tensor([0]), "the answers have classes 3 to 3"),
        (torch.tensor([0]), torch.tensor([4]), "the masks have classes 4 to 4"),
    ],
)
def test_what_does_not_fit_is_refused(answers, truth, words):
    with pytest.raises(ValueError, match=words):
        Confusion(3).add(answers, truth)


def test_patch_labels_are_the_most_frequent_class_of_each_patch():
    truth = torch.randint(4, (3, 12, 8), generator=torch.Generator().manual_seed(2))
    truth[0, :4, :4] = 255
    truth[1, 0, 0] = 255
    ceiling = patch_labels(truth, 4, 4)
    for n in range(3):
        for row in range(0, 12, 4):
            for column in range(0, 8, 4):
                tile = truth[n, row : row + 4, column : column + 4]
                counts = np.bincount(tile[tile != 255].numpy(), minlength=4)
                assert (ceiling[n, row : row + 4, column : column + 4] == int(counts.argmax())).all()


def test_no_answer_of_one_class_a_patch_has_more_pixels_right():
    truth = pair(1)[1][:, :8, :4]
    best = Confusion(5).add(patch_labels(truth, 4, 5), truth).accuracy
    for seed in range(20):
        tiles = torch.randint(5, (3, 2, 1), generator=torch.Generator().manual_seed(seed))
        other = tiles.repeat_interleave(4, 1).repeat_interleave(4, 2)
        assert Confusion(5).add(other, truth).accuracy <= best
    assert Confusion(5).add(patch_labels(truth, 1, 5), truth).accuracy == 100


def test_masks_that_patches_do_not_fill_are_refused():
    with pytest.raises(ValueError, match="masks of 8 × 6 pixels are not cut into patches of 4"):
        patch_labels(pair(0)[1], 4, 5)


def test_the_constant_answer_is_the_most_frequent_class_of_training():
    train, test = torch.tensor([[[2, 2, 1], [255, 255, 255]]]), torch.tensor([[[1, 1, 2]]])
    floor = constant_labels(train, 3, test)
    assert floor.tolist() == [[[2, 2, 2]]]
    assert Confusion(3).add(floor, test).mean_iou() == pytest.approx((0 + 100 / 3) / 2)
