"""Figures of base-to-new generalisation: they draw the numbers given, labelled, and refuse what is not."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from lessons_lib.teaching import plots

AT = {  # (method, task) -> base, new of seed 0
    ("ZeroShot", "toy_pets"): (70, 75), ("ZeroShot", "toy_food"): (60, 80),
    ("CoOp", "toy_pets"): (72, 76), ("CoOp", "toy_food"): (90, 50),
    ("CoCoOp", "toy_pets"): (80, 74), ("CoCoOp", "toy_food"): (85, 70),
}  # fmt: skip
RUNS = pd.DataFrame(
    [
        {"method": method, "task": task, "on": on, "seed": seed, "accuracy": accuracy + seed}
        for (method, task), pair in AT.items()
        for on, accuracy in zip(("base", "new"), pair)
        for seed in (-1, 0, 1)
    ]
)


def test_the_level_lines_of_h_run_through_pairs_with_that_harmonic_mean():
    ax = plots.harmonic_plane({"CoOp": (80, 60)}, low=20)
    contours = ax.collections[0]
    assert list(contours.levels) == [40, 60, 70, 80, 90], "levels below where the axes begin are left out"
    for level, path in zip(contours.levels, contours.get_paths()):
        base, new = path.vertices.T
        assert np.allclose(2 * base * new / (base + new), level, atol=0.1)
    assert ax.get_xlabel() == "base accuracy (%)" and ax.get_ylabel() == "new accuracy (%)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["CoOp"]


def test_the_plain_means_lines_are_straight_and_of_that_mean():
    ax = plots.harmonic_plane(low=20, mean_lines=True)
    assert len(ax.lines) == 5
    assert [line.get_xydata().mean(axis=1).round(6).tolist() for line in ax.lines] == [
        [m, m] for m in (40, 60, 70, 80, 90)
    ]


def test_arrows_go_from_the_start_to_the_method_and_tell_whether_h_rose():
    figure = plots.base_new_arrows(RUNS, named=6)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["ZeroShot → CoOp", "ZeroShot → CoCoOp"]
    arrows = {tuple(text.xy): text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)}
    assert {end: text.xyann for end, text in arrows.items()} == {(72, 76): (70, 75), (90, 50): (60, 80)}
    colour = {end: to_hex(text.arrow_patch.get_edgecolor()) for end, text in arrows.items()}
    assert colour == {(72, 76): plots.RIGHT.lower(), (90, 50): plots.WRONG.lower()}
    assert arrows[72, 76].arrow_patch.get_linestyle() != arrows[90, 50].arrow_patch.get_linestyle(), "not colour alone"
    named = [text.get_text() for text in figure.axes[0].texts if text.get_text() and "H =" not in text.get_text()]
    assert named == ["food"], "pets moved by less than 6 points"


def test_an_arrow_without_one_of_its_ends_is_refused():
    without = RUNS[(RUNS.method != "CoOp") | (RUNS.task != "toy_food")]
    with pytest.raises(ValueError, match="CoOp was not measured on toy_food"):
        plots.base_new_arrows(without)
