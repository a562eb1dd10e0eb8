"""Charts of gains draw the numbers given, and grey or pale what was not measured or not told."""

import numpy as np
import pandas as pd
import pytest
from charts import shown, square
from matplotlib.colors import to_hex

from lessons_lib.teaching import plots
from lessons_lib.teaching.alt import alt_text

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


def test_differences_are_said_in_words_with_their_intervals():
    assert "seeds -1.0 ± 0.4" in alt_text(plots.differences(FOUND).figure)
    one = FOUND[FOUND.random == "seeds"]
    assert ", seeds" not in alt_text(plots.differences(one).figure), "one kind needs no name"


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
