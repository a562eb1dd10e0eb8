"""Counts of pixels picture by picture: their sum is the confusion's, and pictures are drawn again for an interval."""

import pytest
import torch

from lessons_lib.metrics.by_picture import counted, difference
from lessons_lib.metrics.segmentation import Confusion


def test_counts_of_pictures_together_are_the_confusions():
    draws = torch.Generator().manual_seed(0)
    answers, truth = torch.randint(5, (2, 6, 8, 8), generator=draws)
    truth[:, :2] = 255
    counts, confusion = counted(answers, truth, 5), Confusion(5).add(answers, truth)
    assert counts.mean_iou() == pytest.approx(confusion.mean_iou())
    assert counts.mean_iou([1, 2, 3, 4]) == pytest.approx(confusion.mean_iou(without=0))


def test_an_interval_holds_the_mean_and_is_narrower_for_more_pictures():
    draws = torch.Generator().manual_seed(0)
    truth = torch.randint(5, (64, 8, 8), generator=draws)
    answers = torch.where(torch.rand(truth.shape, generator=draws) < 0.5, truth, 0)
    few, many = (counted(answers[:n], truth[:n], 5) for n in (8, 64))
    assert few.interval()[0] < few.mean_iou() < few.interval()[1]
    assert few.interval()[1] - few.interval()[0] > many.interval()[1] - many.interval()[0]


def test_a_difference_is_paired_and_of_the_same_pictures():
    draws = torch.Generator().manual_seed(0)
    truth = torch.randint(4, (40, 8, 8), generator=draws)
    noise = torch.rand(truth.shape, generator=draws)
    good, bad = (counted(torch.where(noise < share, truth, 0), truth, 4) for share in (0.7, 0.6))
    found = difference(good, bad)
    assert 0 < found["low"] < found["mean"] < found["high"]
    assert found["mean"] == pytest.approx(good.mean_iou() - bad.mean_iou())
    assert found["high"] - found["low"] < good.interval()[1] - good.interval()[0], "what pictures share cancels"
    with pytest.raises(ValueError, match="same pictures; got 40 and 20"):
        difference(good, counted(truth[:20], truth[:20], 4))
