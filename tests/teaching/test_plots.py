"""What the lessons' figures promise: labelled axes, colours told apart by all, and no need of a display."""

import os
import subprocess
import sys
from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from lessons_lib.metrics import interval
from lessons_lib.teaching import plots

NAMES = ["sun", "moon", "star"]
RUNS = pd.DataFrame(
    [
        {"method": method, "task": task, "shots": shots, "seed": seed, "accuracy": 40.0 + 9 * i + 4 * shots + seed**2}
        for i, method in enumerate(("CoOp", "LinearProbe"))
        for task in ("toy_pets", "toy_food")
        for shots in (1, 2, 4)
        for seed in (1, 2, 3)
    ]
)
BARS = RUNS[RUNS.shots == 4].groupby(["task", "method"], as_index=False).accuracy.mean().assign(half=2.0)
CHARTS = {
    "similarity_matrix": lambda: plots.similarity_matrix(torch.rand(3, 3), NAMES, NAMES),
    "confusion": lambda: plots.confusion(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 1, 2]), NAMES),
    "bar_comparison": lambda: plots.bar_comparison(BARS, error="half", chance={"toy_pets": 7.0, "toy_food": 6.0}),
    "lines": lambda: plots.lines(RUNS, x="shots", y="accuracy", hue="method", seeds="seed", log_x=True),
    "histograms": lambda: plots.histograms({"known": torch.rand(40), "unknown": torch.rand(30)}, threshold=0.5),
    "few_shot_curves": lambda: plots.few_shot_curves(RUNS, zero_shot={"toy_pets": 50.0, "toy_food": 60.0}),
    "few_shot_curves, mean": lambda: plots.few_shot_curves(RUNS, zero_shot=50.0, by_task=False),
    "answers": lambda: plots.answers(torch.tensor([0.7, 0.2, 0.1]), NAMES, truth="moon", image=torch.zeros(3, 8, 8)),
    "show_images": lambda: plots.show_images(torch.zeros(3, 3, 8, 8), NAMES, title="three"),
}


def figure_of(drawn: Axes | Figure) -> Figure:
    return drawn.figure if isinstance(drawn, Axes) else drawn


def axes_with_data(figure: Figure) -> list[Axes]:
    """Those that show scales: not pictures, nor the strip of a colour bar."""
    return [ax for ax in figure.axes if ax.axison and ax.get_label() != "<colorbar>"]


@pytest.mark.parametrize("name", CHARTS)
def test_each_returns_its_axes_or_figure_and_draws(name):
    drawn = CHARTS[name]()
    assert isinstance(drawn, Axes | Figure)
    figure_of(drawn).canvas.draw()  # layout and fonts too


@pytest.mark.parametrize("name", [n for n in CHARTS if n not in ("show_images", "similarity_matrix")])
def test_axes_say_what_they_show(name):
    drawn = CHARTS[name]()
    for ax in axes_with_data(figure_of(drawn)):
        assert ax.get_xlabel(), f"{name}: the x axis has no label"
        named_by_ticks = name in ("bar_comparison", "answers")  # whose rows are words
        shared = ax.get_shared_y_axes().joined(ax, figure_of(drawn).axes[0]) and ax is not figure_of(drawn).axes[0]
        assert ax.get_ylabel() or named_by_ticks or shared, f"{name}: the y axis has no label"


def test_a_matrix_names_its_rows_columns_and_colours():
    ax = plots.similarity_matrix(torch.rand(2, 3), ["first", "second"], NAMES, value="cosine")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == NAMES
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["first", "second"]
    assert any(other.get_ylabel() == "cosine" for other in ax.figure.axes)


def test_the_numbers_in_a_matrix_can_be_read_on_every_colour():
    sim = torch.linspace(0, 1, 25).reshape(5, 5)
    ax = plots.similarity_matrix(sim, list("abcde"), list("abcde"))
    heat = ax.images[0]
    for text in ax.texts:
        column, row = map(int, text.get_position())
        background = luminance(heat.cmap(heat.norm(sim[row, column].item()))[:3])
        light, dark = sorted((background, luminance(to_rgb(text.get_color()))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 3, text.get_text()


def luminance(rgb) -> float:
    """Relative luminance, 0 to 1, of sRGB (WCAG 2)."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


# Machado, Oliveira and Fernandes 2009, severity 1.0: linear RGB as seen without one kind of cone.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE Lab of linear sRGB (3,)."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(np.clip(xyz / [0.9505, 1.0, 1.089], 1e-6, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colour_blind_readers_can_tell_the_first_colours_apart(kind):
    def seen(colour):
        rgb = np.asarray(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return lab(np.clip(np.array(BLINDNESS[kind]) @ linear, 0, 1))

    for a, b in [*combinations(plots.PALETTE[:4], 2), (plots.RIGHT, plots.WRONG)]:
        assert np.linalg.norm(seen(a) - seen(b)) > 10, f"{a} and {b} look alike with {kind}"  # 2.3 is just noticeable


def test_lines_differ_in_more_than_colour():
    ax = plots.lines(RUNS, x="shots", y="accuracy", hue="method", seeds="seed")
    markers = [line.get_marker() for line in ax.lines]
    assert len(set(markers)) == len(markers) == 2


def test_the_band_of_a_few_shot_curve_is_students_t():
    ax = plots.few_shot_curves(RUNS[RUNS.task == "toy_pets"]).axes[0]
    runs = RUNS[(RUNS.task == "toy_pets") & (RUNS.method == "CoOp") & (RUNS.shots == 4)]
    expected = interval(runs.accuracy)
    band = ax.collections[0].get_paths()[0].vertices
    at_four = band[np.isclose(band[:, 0], 4), 1]
    assert at_four.min() == pytest.approx(expected.low) and at_four.max() == pytest.approx(expected.high)


def test_zero_shot_is_a_level_line_at_its_accuracy():
    ax = plots.few_shot_curves(RUNS[RUNS.task == "toy_pets"], zero_shot={"toy_pets": 51.5}).axes[0]
    assert any(line.get_label() == "zero-shot" and set(line.get_ydata()) == {51.5} for line in ax.lines)


def test_confusion_rows_are_the_truth():
    ax = plots.confusion(torch.tensor([0, 0, 0, 0]), torch.tensor([0, 1, 1, 1]), NAMES)
    assert np.allclose(ax.images[0].get_array(), [[25, 75, 0], [0, 0, 0], [0, 0, 0]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("answer", "true class")


def test_the_likeliest_answers_come_first_and_the_right_one_is_marked():
    ax = plots.answers(torch.tensor([0.1, 0.2, 0.7]), NAMES, truth="moon", top=2).axes[1]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["star", "moon"]
    assert [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in ax.patches] == [plots.PALETTE[0], plots.RIGHT]


def test_pictures_of_every_kind_look_the_same():
    pixels = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    as_array = pixels.permute(1, 2, 0).numpy()
    for given in (pixels[None], [pixels], [as_array], [Image.fromarray(as_array)]):
        assert np.array_equal(plots.pictures(given)[0], as_array)


def test_a_row_of_pictures_may_carry_one_title():
    figure = plots.show_images(torch.zeros(4, 3, 8, 8), columns=2, row_titles=["a long query about the sea", "b"])
    assert [ax.texts[0].get_text() for ax in figure.axes[::2]] == ["a long query about the sea", "b"]
    figure.canvas.draw()
    left, right = (ax.get_position() for ax in figure.axes[:2])
    assert right.x0 - left.x1 < 0.1 * left.width  # it does not push the pictures apart


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: plots.show_images(torch.zeros(3, 3, 8, 8), ["one"]), "3 images need as many titles; got 1"),
        (lambda: plots.similarity_matrix(torch.zeros(2, 2), NAMES, NAMES), "cannot carry 3 row and 3 column labels"),
        (lambda: plots.answers(torch.zeros(2), NAMES), "3 class names need as many probabilities"),
        (lambda: plots.show_images([torch.zeros(8)]), r"an image is .* got shape \(8,\)"),
    ],
)
def test_what_does_not_match_is_said(draw, words):
    with pytest.raises(ValueError, match=words):
        draw()


def test_a_figure_leaves_the_learners_own_style_alone():
    before = dict(plt.rcParams)
    CHARTS["bar_comparison"]()
    assert dict(plt.rcParams) == before


def test_the_first_figure_of_a_notebook_leaves_its_backend_switched_on(monkeypatch):
    monkeypatch.setitem(plt.rcParams, "interactive", False)

    @plots.styled()
    def draw():
        plt.rcParams["interactive"] = True  # what the backend does at the first figure; off, the next is not shown

    draw()
    assert plt.isinteractive()


def test_nothing_needs_a_display():
    code = (
        "import torch; from lessons_lib.teaching import plots; "
        "plots.histograms({'a': torch.rand(9)}).figure.canvas.draw(); print('drawn')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_without_display())
    assert run.stdout.strip() == "drawn", run.stderr


def _without_display() -> dict[str, str]:

    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    return {name: value for name, value in os.environ.items() if name not in hidden}
