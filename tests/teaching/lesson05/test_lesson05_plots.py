"""Lesson 05's figures draw the numbers given, labelled, and refuse what is not."""

import numpy as np
import pandas as pd
import pytest

from lessons_lib.teaching.lesson05 import plots

RUNS = pd.DataFrame(
    [
        {"method": method, "on": on, "seed": seed, "accuracy": accuracy + seed}
        for method, pair in {"ZeroShot": (65, 77.5), "CoOp": (81, 63), "CoCoOp": (82.5, 72)}.items()
        for on, accuracy in zip(("base", "new"), pair)
        for seed in (-1, 0, 1)
    ]
)


def test_bars_of_h_have_whiskers_over_seeds_and_none_for_a_single_run():
    ax = plots.harmonic_bars(RUNS)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["base", "new"]
    coop = next(bars for bars in ax.containers if bars.get_label() == "CoOp")
    assert [bar.get_width() for bar in coop] == pytest.approx([81, 63])
    widths = [np.ptp(path.vertices[:, 0]) for path in coop.errorbar.lines[2][0].get_paths()]
    assert widths == pytest.approx([2 * 4.302653 / 3**0.5] * 2), "Student's t of three seeds"
    single = plots.harmonic_bars(RUNS[RUNS.seed == 0])
    drawn = next(bars for bars in single.containers if bars.get_label() == "CoOp").errorbar.lines[2][0].get_paths()
    assert [np.ptp(path.vertices[:, 0]) for path in drawn] == [0, 0]


def test_cost_bars_say_each_cost_and_how_many_times_the_cheapest_it_is():
    ax = plots.cost_bars({"published": 7_700, "fast": 350.0, "one": 0.5}, unit="rows", compared_to="fast")
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "rows"
    assert [text.get_text() for text in ax.texts] == ["7,700  = 22 ×", "350", "0.5  = 1/700"]
    ax = plots.cost_bars({"a": 2.3e12, "b": 6e10}, unit="multiply-adds")
    assert [text.get_text() for text in ax.texts] == ["2.3 trillion  = 38 ×", "60 billion"]
    with pytest.raises(ValueError, match="above 0"):
        plots.cost_bars({"a": 1, "b": 0}, unit="seconds")
