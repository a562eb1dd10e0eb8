"""Lesson 02's figures: a calibrated classifier lies on the diagonal, and several exams fit a narrow page."""

import numpy as np
import pandas as pd
import torch

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson02 import plots


def test_reliability_puts_a_calibrated_classifier_on_the_diagonal():
    sure = torch.tensor([0.25] * 4 + [0.75] * 4)
    correct = torch.tensor([1, 0, 0, 0, 1, 1, 1, 0]).bool()
    ax = plots.reliability(sure, correct)
    assert np.allclose(ax.collections[0].get_offsets(), [[25, 25], [75, 75]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence (%)", "accuracy (%)")


def test_three_exams_and_their_picture_stand_two_by_two():
    given = {question: (torch.tensor([0.7, 0.3]), ["dog", "cat"]) for question in ("Which?", "What?", "Who?")}
    figure = plots.exams(torch.zeros(3, 8, 8), "dog", given)
    figure.draw_without_rendering()
    assert [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes] == ["dog", *given]
    assert figure.get_figwidth() < 7


def test_titles_of_scales_say_the_gap_and_do_not_meet():
    sure = torch.linspace(0.05, 0.95, 50)
    figure = plots.scales({s: (sure * f, sure > 0.5) for s, f in ((4.42, 0.2), (17.7, 0.9), (70.8, 1.0))})
    figure.draw_without_rendering()
    titles = [ax.title if ax.get_title() else ax._left_title for ax in figure.axes]
    assert titles[0].get_text() == "scale 4.42:\n40 points too unsure"
    boxes = [title.get_window_extent() for title in titles]
    assert all(one.x1 < other.x0 for one, other in zip(boxes, boxes[1:]))


def test_words_for_the_arrows_say_where_each_begins_and_ends():
    both = pd.DataFrame({"task": ["a", "b"], "accuracy": [50.0, 60], "probe": [70.0, 95], "chance": [10.0, 5]})
    ax = plots.probe_above_zero_shot(both)
    assert alt_text(ax.figure).startswith("Percent right, from zero-shot to the probe: b 60 to 95, a 50 to 70.")
