"""Figures of adapters: numbers stand where they belong, and rows are sorted as the axis says."""

import numpy as np
import pandas as pd
import pytest
import torch

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson07 import plots

ALPHAS, BETAS = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([10.0, 20.0, 30.0])
GRID = torch.tensor([[50.0, 51, 52, 53], [60, 61, 69.5, 70], [50, 51, 69, 52]])


def test_each_accuracy_stands_at_its_alpha_and_beta():
    ax = plots.alpha_beta_grid(GRID, ALPHAS, BETAS, chosen=(4.0, 20.0))
    heat = ax.collections[0]
    np.testing.assert_allclose(np.asarray(heat.get_array()).reshape(3, 4), GRID)
    corners = heat.get_coordinates()  # (4, 5, 2)
    middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    np.testing.assert_allclose(middles[..., 0], np.broadcast_to(ALPHAS, (3, 4)))
    np.testing.assert_allclose(middles[..., 1], np.broadcast_to(BETAS[:, None], (3, 4)))
    [star] = [line for line in ax.lines if line.get_marker() == "*"]
    assert star.get_xydata().tolist() == [[4, 20]]
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said == ["within 1 point of the best", "chosen: α = 4, β = 20"]


def test_the_line_goes_around_pairs_as_good_as_that():
    ax = plots.alpha_beta_grid(GRID, ALPHAS, BETAS, within=5)
    assert list(ax.collections[-1].levels) == [65]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["within 5 points of the best"]
    assert plots.alpha_beta_grid(GRID, ALPHAS, BETAS, within=None).get_legend() is None
    assert plots.alpha_beta_grid(torch.full((3, 4), 50.0), ALPHAS, BETAS).get_legend() is None, (
        "all as good as the best"
    )


def test_a_grid_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"3 betas and 4 alphas need accuracies \(3, 4\); got \(4, 3\)"):
        plots.alpha_beta_grid(GRID.T, ALPHAS, BETAS)


def test_the_caches_weights_are_sorted_by_class_on_both_sides():
    labels, key_labels = torch.tensor([1, 0, 1, 0]), torch.tensor([0, 1, 2, 0, 1])
    weights = torch.arange(20.0).reshape(4, 5) / 20
    figure = plots.cache_heat({"A": weights, "φ": weights**2}, labels, key_labels, ["a", "b", "c"])
    left, right = figure.axes[:2]
    by_hand = weights[[1, 3, 0, 2]][:, [0, 3, 1, 4, 2]]
    np.testing.assert_allclose(left.images[0].get_array(), by_hand)
    np.testing.assert_allclose(right.images[0].get_array(), by_hand**2)
    assert [ax.images[0].get_clim() for ax in (left, right)] == [(0, 1), (0, 1)], "one scale"
    across, down = ([line for line in left.lines if len(set(at(line))) == 1] for at in
                    (lambda line: line.get_ydata(), lambda line: line.get_xdata()))  # fmt: skip
    assert [line.get_ydata()[0] for line in across] == [1.5, 3.5], "between pictures of a, b and c"
    assert [line.get_xdata()[0] for line in down] == [1.5, 3.5], "between keys of a, b and c"


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"'A': 2 pictures and 3 keys need \(2, 3\) weights; got \(3, 2\)"):
        plots.cache_heat({"A": torch.zeros(3, 2)}, torch.tensor([0, 1]), torch.tensor([0, 1, 1]), ["a", "b"])


def test_a_line_a_fit_from_its_history():
    history = [{"epoch": 1, "lr": 0.1, "loss": 2.0}, {"epoch": 2, "lr": 0.1, "loss": 1.0}]
    ax = plots.losses({"α = 0.2": history, "α = 1": history[:1]})
    assert ax.lines[0].get_xydata().tolist() == [[1, 2], [2, 1]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["α = 0.2", "α = 1"]
    assert ax.get_ylim()[0] == 0, "a loss is read from 0"
    assert len({line.get_marker() for line in ax.lines}) == 2, "not by colour alone"


def test_of_a_long_training_the_first_and_the_last_loss_are_drawn_and_some_between():
    history = [{"epoch": epoch, "loss": 1 / epoch} for epoch in range(1, 201)]
    [line] = plots.losses({"a fit": history}).lines
    epochs = line.get_xdata().tolist()
    assert epochs[0] == 1 and epochs[-1] == 200 and 15 < len(epochs) < 30


def test_what_is_told_stands_beside_what_is_there():
    told, there = {28: [8.0, 10.0], 350: [4.0, 6.0]}, {28: [0.0, 2.0], 350: [3.0, 3.0]}
    ax = plots.what_a_choice_pretends(told, there)
    means = [line for line in ax.lines if line.get_linestyle() == "-" and line.get_marker() not in ("None", "")]
    assert [line.get_ydata().tolist() for line in means] == [[9, 5], [1, 3]]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["28", "350"]
    dots = [draws.get_offsets()[:, 1].tolist() for draws in ax.collections]
    assert sorted(sum(dots, [])) == sorted([*told[28], *told[350], *there[28], *there[350]])


def test_tasks_are_sorted_by_zero_shot_and_each_pair_has_its_mark():
    rows = pd.DataFrame([
        {"method": method, "task": task, "shots": 16, "on": "test", "seed": seed, "accuracy": level + gain + seed}
        for task, level in (("toy_pets", 80), ("toy_food", 60))
        for method, gain in (("ZeroShot", 0), ("A", 5), ("B", 2))
        for seed in (1, 2, 3)
    ])  # fmt: skip
    ax = plots.task_by_task(rows, [("A", "ZeroShot"), ("A", "B")])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["food (62)", "pets (82)"]
    assert {line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1} == {5, 3}
    said = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert said == ["A − ZeroShot", "A − B"] and ax.get_legend() is None
    assert alt_text(ax.figure).startswith("A − ZeroShot: above 0 on 2 of 2 tasks, below on 0. A − B: above 0 on 2")
