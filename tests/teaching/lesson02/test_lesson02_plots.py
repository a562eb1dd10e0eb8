"""Lesson 02's figures: a calibrated classifier lies on the diagonal."""

import numpy as np
import torch

from lessons_lib.teaching.lesson02 import plots


def test_reliability_puts_a_calibrated_classifier_on_the_diagonal():
    sure = torch.tensor([0.25] * 4 + [0.75] * 4)
    correct = torch.tensor([1, 0, 0, 0, 1, 1, 1, 0]).bool()
    ax = plots.reliability(sure, correct)
    assert np.allclose(ax.collections[0].get_offsets(), [[25, 25], [75, 75]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence (%)", "accuracy (%)")
