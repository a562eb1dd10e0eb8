"""Lesson 10's figures: photos as the tower is given them, pairs beside each other, results with honest intervals."""

import numpy as np
import pandas as pd
import pytest
import torch
from noise_task import noise_task

from lessons_lib.metrics import wilson
from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson10 import plots
from lessons_lib.teaching.lesson10.refusals import Refusals

LABELS = torch.tensor([0, 0, 0, 0, 1, 1])
BEFORE, AFTER = torch.tensor([0, 0, 1, 1, 1, 0]), torch.tensor([0, 0, 0, 1, 1, 1])


def shown(figure) -> list[np.ndarray]:
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


def test_a_row_a_class_of_squares_that_the_tower_is_given(clip):
    split = noise_task().train
    figure = plots.as_clip_sees(clip, split, each=2)
    pictures = shown(figure)
    assert len(pictures) == 2 * len(split.classnames)
    config = clip.transforms.config
    place = (split.labels == 1).nonzero().flatten()[0].item()
    given = (pictures[2] - np.array(config.mean)) / np.array(config.std)  # (S, S, 3)
    expected = clip.preprocess(split.image(place)).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(given, expected, atol=1e-5)
    assert split.classnames[1] in alt_text(figure)


def test_a_class_of_fewer_photos_has_white_places(clip):
    split = noise_task().train
    one = split.subset([(split.labels == c).nonzero().flatten()[0].item() for c in range(len(split.classnames))])
    pictures = shown(plots.as_clip_sees(clip, one, each=2))
    assert all((picture == 1).all() for picture in pictures[1::2]) and not (pictures[0] == 1).all()


def test_each_photo_stands_above_the_one_most_like_it_the_most_alike_first():
    task = noise_task()
    cosine, of = torch.linspace(0, 1, len(task.test)), torch.arange(len(task.test)) % len(task.train)
    figure = plots.most_alike(task.test, task.train, cosine, of, every=2, shown=3)
    pictures, last = shown(figure), len(task.test) - 1
    for column, row in enumerate((last, last - 2, last - 4)):
        np.testing.assert_array_equal(pictures[column], np.asarray(task.test.image(row)))
        np.testing.assert_array_equal(pictures[3 + column], np.asarray(task.train.image(int(of[row]))))
    assert figure.axes[0].get_title(loc="center") == "1.00"
    assert alt_text(figure).startswith("3 pairs, cosines from 1.00 down to ")


def test_what_chooses_is_not_called_a_test():
    rows = pd.DataFrame([
        {"method": "A", "task": "mine", "shots": k, "seed": seed, "accuracy": 50 + k + seed}
        for k in (1, 4) for seed in (1, 2)
    ])  # fmt: skip
    ax = plots.to_choose_on(rows).axes[0]
    assert ax.get_ylim() == (40, 100), "what lies between the methods can be seen"
    assert ax.get_ylabel() == "right (%)" and ax.lines[0].get_ydata().tolist() == [52.5, 55.5]


def test_zero_shot_among_the_methods_is_named_once():
    rows = pd.DataFrame([
        {"method": name, "task": "mine", "shots": k, "seed": 1, "accuracy": 50}
        for name in ("zero-shot", "A") for k in (1, 4)
    ])  # fmt: skip
    said = [text.get_text() for text in plots.to_choose_on(rows).axes[0].get_legend().get_texts()]
    assert said == ["zero-shot", "A"]


def test_a_mark_a_class_and_method_with_wilsons_interval():
    ax = plots.by_class(LABELS, {"zero-shot": BEFORE, "probe": AFTER}, ["a", "b"])
    marks = [container.lines[0].get_xdata().tolist() for container in ax.containers]
    assert marks == [[50, 50], [75, 100]]
    assert "probe: a 75 %, b 100 %" in alt_text(ax.figure)
    [whiskers] = ax.containers[1].lines[2]
    ends = [segment[:, 0].tolist() for segment in whiskers.get_segments()]
    np.testing.assert_allclose(ends, [wilson(3, 4), wilson(2, 2)])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a (4)", "b (2)"]
    assert len({container.lines[0].get_marker() for container in ax.containers}) == 2, "not by colour alone"


def test_a_class_without_test_photos_has_no_mark():
    ax = plots.by_class(LABELS, {"probe": AFTER}, ["a", "b", "none"])
    assert np.isnan(ax.containers[0].lines[0].get_xdata()[2])


def test_a_mistake_says_its_folder_its_answer_and_how_sure_it_is_in_short_lines():
    split = noise_task().test
    answers, sure = split.labels.roll(1), torch.full((len(split),), 0.97)
    split.classnames[0] = "permanent crop land with very long words"
    row = (split.labels == 0).nonzero().flatten()[0].item()
    figure = plots.mistakes(split, [row], answers, sure)
    title = figure.axes[0].get_title(loc="center").splitlines()
    assert title[0].startswith("in: permanent crop") and title[-1] == "97 %"
    assert max(map(len, title)) <= plots.TITLE_WIDTH
    assert any(line.startswith("says: ") for line in title)


@pytest.fixture
def refusals():
    known, unknown = torch.tensor([0.9, 0.8, 0.7, 0.2]), torch.tensor([0.75, 0.1])
    return Refusals(known, unknown, torch.tensor([True, True, False, False]), "probability")


def test_a_threshold_is_priced_on_both_sides(refusals):
    assert refusals.shares(0.7) == pytest.approx((75, 200 / 3, 50)), "a photo at the threshold is accepted"
    assert refusals.shares(0.0) == pytest.approx((100, 50, 100))
    assert refusals.shares(2.0) == (0, 0, 0), "where nothing is accepted, nothing gets its name"


def test_the_slider_begins_at_the_threshold_and_prices_where_it_is_moved(refusals, capsys):
    box = refusals.slider(0.7)
    slider = box.children[0]
    assert slider.value == pytest.approx(0.7) and (slider.min, slider.max) == pytest.approx((0.1, 0.9))
    capsys.readouterr()
    slider.value = 0.85
    said = capsys.readouterr().out
    assert "known:    25 % accepted, of which 100 % get their name" in said and "unknown:   0 % accepted" in said
