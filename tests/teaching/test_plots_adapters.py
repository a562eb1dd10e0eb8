"""Figures of adapters: the grid's numbers stand at their α and β, and no method's name covers another's."""

from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from lessons_lib.teaching import plots  # noqa: E402
from lessons_lib.teaching.plots.adapter_paths import LOOK  # noqa: E402

ALPHAS, BETAS = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([10.0, 20.0, 30.0])
GRID = torch.tensor([[50.0, 51, 52, 53], [60, 61, 69.5, 70], [50, 51, 69, 52]])
RESULTS = pd.DataFrame(
    [("free", 60.0, 0.0, 0.0), ("free, too", 70.0, 0.0, 1.0), ("probe", 80.0, 1.0, 2.0),
     ("twin of the probe", 80.3, 1.1, 1.0), ("slow", 75.0, 600.0, 1.5), ("best", 84.0, 20.0, np.nan)],
    columns=["method", "accuracy", "seconds", "half_width"],
)  # fmt: skip


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


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


def test_each_method_stands_at_its_cost_and_accuracy_and_costs_of_0_at_the_edge():
    ax = plots.accuracy_against_cost(RESULTS, xlabel="seconds of training")
    dots = [bars.lines[0].get_xydata()[0].tolist() for bars in ax.containers]
    assert dots == [pytest.approx(at) for at in ([0.1, 60], [0.1, 70], [1, 80], [1.1, 80.3], [600, 75], [20, 84])]
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "seconds of training"
    ax.figure.canvas.draw()
    ticks = {round(tick, 6): label.get_text() for tick, label in zip(ax.get_xticks(), ax.get_xticklabels())}
    assert ticks[0.1] == "0" and ticks[100] == "100" and 0.01 not in ticks


def test_the_dotted_line_rises_where_a_higher_cost_buys_accuracy():
    ax = plots.accuracy_against_cost(RESULTS)
    line = next(line for line in ax.lines if line.get_linestyle() == ":")
    corners = [(round(x, 6), round(y, 6)) for x, y in line.get_xydata()]
    assert corners == [(0.1, 70), (1, 70), (1, 80), (1.1, 80), (1.1, 80.3), (20, 80.3), (20, 84), (1500, 84)]


@pytest.mark.parametrize("seed", range(2))
def test_no_name_covers_another_or_a_dot(seed):
    draws = np.random.default_rng(seed)
    crowd = pd.DataFrame({
        "method": [f"a method, no. {i}" for i in range(9)],
        "accuracy": 80 + 3 * draws.random(9), "seconds": 10 ** (2 * draws.random(9)), "half_width": 0.3,
    })  # fmt: skip
    for table in (crowd, RESULTS):
        ax = plots.accuracy_against_cost(table)
        ax.figure.canvas.draw()
        names = {text.get_text(): matplotlib.text.Text.get_window_extent(text) for text in ax.texts if text.get_text()}
        assert list(names) == list(table["method"])
        for (one, here), (other, there) in combinations(names.items(), 2):
            assert not here.overlaps(there), f"{one!r} covers {other!r}"
        for bars in ax.containers:
            at = ax.transData.transform(bars.lines[0].get_xydata()[0])
            assert not any(place.contains(*at) for place in names.values())
        assert all(ax.bbox.x0 <= place.x0 and place.x1 <= ax.bbox.x1 for place in names.values())


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (RESULTS.drop(columns="half_width"), "there is no column 'half_width'"),
        (RESULTS.assign(seconds=0.0), "one of them above it"),
        (RESULTS.assign(seconds=-1.0), "costs of at least 0"),
        (RESULTS.assign(seconds=np.nan), "costs of at least 0"),
    ],
)
def test_costs_that_cannot_be_drawn_are_refused(results, words):
    with pytest.raises(ValueError, match=words):
        plots.accuracy_against_cost(results)


def test_without_intervals_there_are_no_whiskers():
    ax = plots.accuracy_against_cost(RESULTS, error=None)
    assert all(not bars.has_yerr for bars in ax.containers)


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


def test_the_paths_say_what_is_learned_and_what_is_kept():
    figure = plots.adapter_paths()
    looks = {said: fill for fill, _, said in LOOK.values()}
    kinds = {}
    for ax in figure.axes:
        boxes = [patch for patch in ax.patches if isinstance(patch, matplotlib.patches.Rectangle)]
        assert len(boxes) == len(ax.texts)
        for box, words in zip(boxes, ax.texts):
            assert (words.get_position()[0], words.get_position()[1]) == pytest.approx(box.get_center())
            kinds[ax.get_title(loc="left").split(":")[0], words.get_text()] = box.get_facecolor()
    to_rgba = matplotlib.colors.to_rgba
    assert kinds["CoOp", "text tower"] == to_rgba(looks["computed at every step"])
    assert kinds["CoOp", "image tower"] == to_rgba(looks["computed once, and kept"])
    for name in ("CLIP-Adapter", "Tip-Adapter"):
        assert kinds[name, "text tower"] == kinds[name, "image tower"] == to_rgba(looks["computed once, and kept"])
    learned = [key for key, colour in kinds.items() if colour == to_rgba(looks["learned"])]
    assert learned == [("CoOp", "$v_1 … v_M$"), ("CLIP-Adapter", "adapter $A$")]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(looks)
