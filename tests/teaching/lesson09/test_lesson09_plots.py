"""Figures that compare many methods draw the numbers given, and grey or pale what was not measured or not told."""

from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from charts import shown, square

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson09 import plots
from lessons_lib.teaching.lesson09.plots import alike

RUNS = pd.DataFrame(
    [
        *(("CoOp", "few-shot", task, "test", seed) for task in ("pets", "food") for seed in (1, 2, 3)),
        ("VPT", "few-shot", "pets", "test", 1),
        *(("CoOp", "cross-task", "things", on, seed) for on in ("test", "pets", "food", "cars") for seed in (1, 2)),
    ],
    columns=["method", "protocol", "task", "on", "seed"],
)


def test_coverage_counts_tasks_and_seeds_and_leaves_a_hole_where_nothing_ran():
    ax = plots.coverage(RUNS, title="what there is")
    assert shown(ax) == {
        ("CoOp", "few-shot"): "2 × 3",
        ("VPT", "few-shot"): "1 × 1",
        ("CoOp", "cross-task"): "3 × 2",  # the task that it was fitted on is none of them
    }
    share = ax.images[0].get_array()
    assert share[0, 0] == 1 and share[1, 0] == 0.5 and share.mask[1, 1]
    assert ax.get_title(loc="left") == "what there is"


def test_coverage_follows_the_order_of_categories():
    ax = plots.coverage(RUNS.assign(protocol=pd.Categorical(RUNS.protocol, ["cross-task", "few-shot", "unused"])))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cross-task", "few-shot"]
    assert shown(ax)["CoOp", "few-shot"] == "2 × 3"


def test_bars_join_the_longest_stretches_in_which_no_two_are_apart():
    assert alike("ABCD", square("ABCD")) == [["A", "B", "C", "D"]]
    assert alike("ABCD", square("ABCD", "AD")) == [["A", "B", "C"], ["B", "C", "D"]]
    assert alike("ABCD", square("ABCD", "AC", "AD", "BD", "BC")) == [["A", "B"], ["C", "D"]]
    assert alike("ABC", square("ABC", "AB", "BC", "AC")) == []


def test_ranks_stand_where_they_are_with_the_best_first():
    ax = plots.mean_ranks({"LP++": 2.5, "CoOp": 1.5, "ZeroShot": 3.0}, square(["LP++", "CoOp", "ZeroShot"]))
    assert alt_text(ax.figure).startswith("CoOp 1.5, LP++ 2.5, ZeroShot 3.0. Bars: ")
    said = [text.get_text() for text in ax.texts]
    assert said == ["CoOp  1.5", "LP++  2.5", "3.0  ZeroShot"]
    dots = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert dots == [1.5, 2.5, 3.0]
    [bar] = [line for line in ax.lines if line.get_linewidth() == 4]
    assert bar.get_xdata()[0] < 1.5 and bar.get_xdata()[1] > 3.0, "one bar over all three"


def test_the_close_up_of_base_and_new_names_every_method_and_draws_levels_of_h():
    ax = plots.base_against_new({"ZeroShot": (73, 82), "CoOp": (79, 65)}, step=5)
    assert alt_text(ax.figure).startswith("Base and new accuracy: ZeroShot 73 and 82, CoOp 79 and 65")
    assert {text.get_text() for text in ax.texts} >= {"ZeroShot", "CoOp"}
    contours = ax.collections[0]
    drawn = [(level, path) for level, path in zip(contours.levels, contours.get_paths()) if len(path.vertices)]
    assert drawn
    for level, path in drawn:
        base, new = path.vertices.T
        assert np.allclose(2 * base * new / (base + new), level, atol=0.1)
    low, high = ax.get_xlim()
    assert 60 < low < 73 and 79 < high < 90, "as much of the plane as the points fill"


def test_every_world_is_counted_once_by_its_false_alarms():
    ax = plots.false_alarms(np.array([0, 0, 0, 1, 2, 2, 12, 36]), pairs=36, most=4)
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in ax.patches}
    assert heights == {0: 37.5, 1: 12.5, 2: 25.0, 3: 0.0, 4: 25.0}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2", "3", "4+"]
    assert ax.get_xlabel() == "pairs of 36 that look real"


def test_what_was_carried_has_a_mark_for_each_place_and_the_line_of_four_plain_words():
    gains = pd.DataFrame(
        [("CoOp", "itself", 30.0, 2.0), ("CoOp", "ten others", -3.0, 4.0), ("KgCoOp", "itself", 20.0, 1.0)],
        columns=["what", "where", "mean", "half_width"],
    )
    ax = plots.carried(gains, title="Carried")
    dots = [line for line in ax.lines if line.get_marker() in "os" and len(line.get_xdata()) == 1]
    assert [(line.get_xdata()[0], line.get_mfc() == "white") for line in dots] == [
        (30.0, False), (20.0, False), (-3.0, True)
    ]  # fmt: skip
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["itself", "ten others"]
    assert "a photo of a" in ax.get_xlabel()


def test_the_guide_has_a_line_a_way_and_a_band_over_seeds():
    tested = pd.DataFrame(
        [(way, shots, task, seed, 50.0 + shots + seed + (way == "best"))
         for way in ("zero-shot", "best") for shots in (1, 4) for task in ("pets", "food") for seed in (1, 2, 3)],
        columns=["way", "shots", "task", "seed", "accuracy"],
    )  # fmt: skip
    ax = plots.guide(tested)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[53.0, 56.0], [54.0, 57.0]]
    assert len(ax.collections) == 2 and ax.get_xscale() == "log"


RESULTS = pd.DataFrame(
    [("free", 60.0, 0.0, 0.0), ("free, too", 70.0, 0.0, 1.0), ("probe", 80.0, 1.0, 2.0),
     ("twin of the probe", 80.3, 1.1, 1.0), ("slow", 75.0, 600.0, 1.5), ("best", 84.0, 20.0, np.nan)],
    columns=["method", "accuracy", "seconds", "half_width"],
)  # fmt: skip


def test_each_method_stands_at_its_cost_and_accuracy_and_costs_of_0_at_the_edge():
    ax = plots.accuracy_against_cost(RESULTS, xlabel="seconds of training")
    assert all(f"{row.method} {row.accuracy:.1f} %" in alt_text(ax.figure) for row in RESULTS.itertuples())
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
