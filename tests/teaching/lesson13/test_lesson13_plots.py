"""Lesson 13's figures show what they are given, and its record comes back as it was written."""

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson13 import plots, record, stages


def test_boxes_have_names_and_novel_ones_another_line():
    boxes = [torch.tensor([[5.0, 5, 30, 30], [40, 40, 60, 60]])]
    figure = plots.boxed(torch.rand(1, 3, 64, 64), boxes, [["owl", "key"]], [[False, True]])
    [ax] = figure.axes
    assert [text.get_text() for text in ax.texts] == ["owl", "key"]
    assert {patch.get_linestyle() for patch in ax.patches} >= {"-", "--"}
    assert "owl (base), key (novel)" in alt_text(figure)


def test_the_plane_shows_the_gap_and_what_crops_differ_in():
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(3).repeat(20)
    crops = F.normalize(torch.randn(60, 16, generator=draws) * 0.1 + torch.eye(16)[labels], dim=1)
    texts = F.normalize(torch.eye(16)[:3] + 2 * torch.eye(16)[5], dim=1)
    axes, middle = plots.plane_of(crops, texts, labels)
    places = (crops.numpy() - middle) @ axes
    assert abs(axes[:, 0] @ axes[:, 1]) < 1e-5
    assert ((texts.numpy() - middle) @ axes)[:, 0].min() > places[:, 0].max(), "texts lie to the right"
    means = [places[labels.numpy() == c, 1].mean() for c in range(3)]
    assert max(means) - min(means) > 0.5
    figure = plots.plane({"a": crops, "b": -crops}, crops, texts, labels, ["x", "y", "z"])
    assert "a: mean cosine of a region and its crop 1.00; b: mean cosine of a region and its crop -1.00" in alt_text(
        figure
    )


def test_letters_of_stars_that_lie_side_by_side_keep_out_of_each_others_way():
    places = torch.tensor([[0.0, 0.0], [0.1, 0.0], [0.1, -1.0]]).numpy()
    assert plots._free_sides(places) == [-1, 1, 1]


def rows():
    one = {"low": 8.0, "high": 12.0, "floor": 1.0, "ceiling": 80.0, "recall": 80.0, "pictures": 9}
    return [
        {"arm": arm, "on": on, "AP50": 10.0, **one} for arm in ("text alone", "ensemble") for on in ("base", "novel")
    ]


def test_bars_have_intervals_and_names_by_chance():
    ax = plots.bars(pd.DataFrame(rows()), ["ensemble", "text alone"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ensemble", "text alone"]
    assert len(ax.containers) == 4 and "ensemble, novel: 10.0 (8.0 to 12.0)" in alt_text(ax.figure)


def test_lines_over_w_and_the_published_table():
    ax = plots.against({"base": [(1, 0, 2), (2, 1, 3)]}, ["0", "1"], xlabel="w", ylabel="AP50", floors={"base": 0.5})
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1"]
    assert "AP50 by w. 0: base 1.0 (0.0 to 2.0); 1: base 2.0 (1.0 to 3.0)" in alt_text(ax.figure)
    ax = plots.published({"one": (1.0, None, None), "two": (2.0, 3.0, 4.0)})
    assert "common: two 3.0" in alt_text(ax.figure)


def test_the_papers_four_second_stages_are_drawn():
    assert all(panel in alt_text(plots.second_stages()) for panel in ("(a) Mask R-CNN", "(d) ViLD"))


@pytest.mark.parametrize("panel", ["(b) ViLD-text", "(d) ViLD"])
def test_the_background_stands_beside_the_texts_and_is_learned(panel):
    boxes = {says: (storey, learned) for _, storey, _, says, learned in stages._STAGES[panel]}
    assert boxes["texts"] == (1, False) and boxes["b"] == (1, True)


def test_a_record_comes_back_and_one_that_was_changed_is_refused(tmp_path):
    path = record.write({"rows": rows()}, tmp_path)
    assert record.rows(tmp_path).AP50.tolist() == [10.0] * 4
    path.write_text(path.read_text().replace("10.0", "11.0"))
    with pytest.raises(ValueError, match="changed by hand"):
        record.read(tmp_path)
    path.write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        record.read(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="study_vild.py"):
        record.read(tmp_path)


def test_a_difference_is_told_with_its_interval_and_whether_it_is_one(tmp_path):
    pair = {"first": "a", "second": "b"}
    base, novel = {"mean": -2.0, "low": -3.0, "high": -1.0}, {"mean": 1.0, "low": -0.5, "high": 2.0}
    record.write({"differences": [{**pair, "on": "base", **base}, {**pair, "on": "novel", **novel}]}, tmp_path)
    said = "a − b: base -2.0 (-3.0 to -1.0); novel +1.0 (-0.5 to +2.0): cannot be told from none"
    assert record.told("a", "b", tmp_path) == said
    with pytest.raises(KeyError, match="not compared"):
        record.told("b", "a", tmp_path)
