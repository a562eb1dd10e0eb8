"""Figures that compare many methods draw the numbers given, and grey or pale what was not measured or not told."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from lessons_lib.teaching import plots  # noqa: E402
from lessons_lib.teaching.plots.comparison import alike  # noqa: E402


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def square(names, *pairs):
    """A table of bool, True for these pairs."""
    table = pd.DataFrame(False, list(names), list(names))
    for a, b in pairs:
        table.loc[a, b] = table.loc[b, a] = True
    return table


def shown(ax):
    """(row, column) -> what is written there, by the names on the axes."""
    rows, columns = ([label.get_text() for label in axis.get_ticklabels()] for axis in (ax.yaxis, ax.xaxis))
    places = [(text.get_position(), text.get_text()) for text in ax.texts]
    return {(rows[round(y)], columns[round(x)]): said for (x, y), said in places}


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


FOUND = pd.DataFrame(
    [("A − B", "seeds", 2.0, 0.5), ("A − B", "tasks", 2.0, 3.0), ("A − C", "seeds", -1.0, 0.4)],
    columns=["what", "random", "mean", "half_width"],
)


def test_differences_are_filled_where_their_interval_keeps_clear_of_zero():
    ax = plots.differences(FOUND)
    marks = [line for line in ax.lines if len(np.ravel(line.get_xdata())) == 1 and line.get_marker() in "os"]
    filled = {float(np.ravel(line.get_xdata())[0]): to_hex(line.get_markerfacecolor()) != "#ffffff" for line in marks}
    assert len(marks) == 3 and filled[-1.0]
    by_colour = {(line.get_marker(), to_hex(line.get_markerfacecolor()) != "#ffffff") for line in marks}
    assert by_colour == {("o", True), ("s", False)}, "over seeds clear of zero, over tasks not"
    reach = sorted(tuple(segment[:, 0]) for lines in ax.collections for segment in lines.get_segments())
    assert np.allclose(reach, [(-1.4, -0.6), (-1.0, 5.0), (1.5, 2.5)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["seeds", "tasks"]


def test_a_gain_map_writes_every_gain_and_leaves_what_was_not_run_empty():
    gains = pd.DataFrame({"pets": [1.25, -3.0], "food": [np.nan, 0.5]}, index=["CoOp", "VPT"])
    ax = plots.gain_map(gains)
    assert shown(ax) == {("CoOp", "pets"): "+1.2", ("VPT", "pets"): "-3.0", ("VPT", "food"): "+0.5"}
    colours = ax.images[0].cmap(ax.images[0].norm(np.array([3.0, -3.0])))
    assert colours[0][0] > colours[0][2] and colours[1][2] > colours[1][1], "orange above zero, purple below"
    assert ax.images[0].norm.vcenter == 0


def test_pairs_that_cannot_be_told_apart_are_pale_and_the_others_bold():
    points = pd.DataFrame([[0, 2.0], [-2.0, 0]], ["A", "B"], ["A", "B"])
    for told, weight, alpha in [(square("AB", "AB"), "bold", 1.0), (square("AB"), "normal", 0.12)]:
        ax = plots.pairwise_matrix(points, told)
        assert {text.get_fontweight() for text in ax.texts} == {weight}
        assert np.unique(ax.images[0].get_alpha()[~np.eye(2, dtype=bool)]).tolist() == [alpha]
        assert shown(ax) == {("A", "B"): "+2.0", ("B", "A"): "-2.0"}, "nothing on the diagonal"


def test_a_matrix_of_pairs_refuses_tables_of_other_methods():
    points = pd.DataFrame(0.0, ["A", "B"], ["A", "B"])
    with pytest.raises(ValueError, match="the same methods in the same order"):
        plots.pairwise_matrix(points, square("BA"))
    with pytest.raises(ValueError, match="the same methods in the same order"):
        plots.pairwise_matrix(points[["B", "A"]])


def test_bars_join_the_longest_stretches_in_which_no_two_are_apart():
    assert alike("ABCD", square("ABCD")) == [["A", "B", "C", "D"]]
    assert alike("ABCD", square("ABCD", "AD")) == [["A", "B", "C"], ["B", "C", "D"]]
    assert alike("ABCD", square("ABCD", "AC", "AD", "BD", "BC")) == [["A", "B"], ["C", "D"]]
    assert alike("ABC", square("ABC", "AB", "BC", "AC")) == []


def test_ranks_stand_where_they_are_with_the_best_first():
    ax = plots.mean_ranks({"LP++": 2.5, "CoOp": 1.5, "ZeroShot": 3.0}, square(["LP++", "CoOp", "ZeroShot"]))
    said = [text.get_text() for text in ax.texts]
    assert said == ["CoOp  1.5", "LP++  2.5", "3.0  ZeroShot"]
    dots = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert dots == [1.5, 2.5, 3.0]
    [bar] = [line for line in ax.lines if line.get_linewidth() == 4]
    assert bar.get_xdata()[0] < 1.5 and bar.get_xdata()[1] > 3.0, "one bar over all three"


def test_the_close_up_of_base_and_new_names_every_method_and_draws_levels_of_h():
    ax = plots.base_against_new({"ZeroShot": (73, 82), "CoOp": (79, 65)}, step=5)
    assert {text.get_text() for text in ax.texts} >= {"ZeroShot", "CoOp"}
    contours = ax.collections[0]
    drawn = [(level, path) for level, path in zip(contours.levels, contours.get_paths()) if len(path.vertices)]
    assert drawn
    for level, path in drawn:
        base, new = path.vertices.T
        assert np.allclose(2 * base * new / (base + new), level, atol=0.1)
    low, high = ax.get_xlim()
    assert 60 < low < 73 and 79 < high < 90, "as much of the plane as the points fill"


def test_published_gains_and_ours_stand_at_their_numbers():
    data = pd.DataFrame(
        [("CoOp", "base", 13.0, 6.0, 0.5), ("CoOp", "new", -11.0, -17.0, 2.0)],
        columns=["method", "kind", "published", "ours", "half_width"],
    )
    ax = plots.published_and_ours(data)
    marks = [line for line in ax.lines if line.get_marker() in "os" and line.get_linestyle() == "None"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(13.0, 6.0), (-11.0, -17.0)]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "base" in labels and "gain in one world, loss in the other" in labels
    assert ax.get_xlabel() == "gain in the papers (points)" and ax.get_ylabel() == "gain here (points)"
