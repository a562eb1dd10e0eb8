"""Figures say in words what they show: read off the figure, kept with the picture, in every lesson that is recorded."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

from lessons_lib.teaching import alt, plots
from lessons_lib.teaching.alt import alt_text, describe

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[!.]*.ipynb"))


def figures(lesson: dict) -> list[dict]:
    return [
        output
        for cell in lesson["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_recorded_figure_says_what_it_shows(path):
    without = [
        output
        for output in figures(json.loads(path.read_text(encoding="utf-8")))
        if len(output["metadata"].get("image/png", {}).get("alt", "").split()) < 3
    ]
    assert not without, f"{len(without)} figures without words: end what draws them with plots.describe, and record"


def test_bars_are_told_one_by_one():
    table = pd.DataFrame({"task": ["pets", "cars"], "accuracy": [78.9, 34.3]})
    ax = plots.bar_comparison(table, hue=None, title="Zero-shot")
    assert alt_text(ax.figure) == "Zero-shot. across: accuracy (%). bars: pets 78.9, cars 34.3."


def test_each_group_of_bars_has_its_name():
    table = pd.DataFrame({"task": ["pets", "cars"] * 2, "accuracy": [1, 2, 3, 4], "method": ["a", "a", "b", "b"]})
    said = alt_text(plots.bar_comparison(table).figure)
    assert "bars “a”: pets 1, cars 2; bars “b”: pets 3, cars 4" in said


def test_a_matrix_is_told_by_its_range_and_the_largest_of_each_row():
    ax = plots.similarity_matrix(np.array([[0.9, 0.1], [0.2, 0.8]]), ["pug", "castle"], ["a pug", "a castle"])
    said = alt_text(ax.figure)
    assert "2 rows and 2 columns, cosine similarity from 0.1 to 0.9" in said
    assert "pug: a pug 0.9, castle: a castle 0.8" in said


def test_a_line_of_few_points_is_told_whole_and_a_long_one_by_its_ends_and_extremes():
    _, [ax] = plots.panels()
    ax.plot([1, 4, 16], [35, 60, 80], label="CoOp")
    ax.plot(range(100), np.sin(np.linspace(0, np.pi, 100)))
    said = alt_text(ax.figure)
    assert "line “CoOp”: 35 at 1, 60 at 4, 80 at 16" in said and "highest 1 at 49, lowest 0 at 0" in said


def test_pictures_are_counted_and_named_by_their_titles():
    figure = plots.show_images(np.zeros((3, 8, 8, 3)), ["pug", "beagle", "boxer\n(is: pug)"], title="Dogs")
    assert alt_text(figure) == "Dogs. 3 pictures: pug, beagle, boxer (is: pug)."


def test_titles_above_rows_are_told_too():
    figure = plots.show_images(np.zeros((4, 8, 8, 3)), columns=2, row_titles=["a pug", "a castle"])
    assert alt_text(figure) == "4 pictures: a pug, a castle."


def test_bands_are_no_dots_and_marks_of_chance_no_lines():
    table = pd.DataFrame({"task": ["pets"], "accuracy": [78.9]})
    said = alt_text(plots.bar_comparison(table, hue=None, chance={"pets": 7.1}).figure)
    assert said == "across: accuracy (%). bars: pets 78.9; a mark “chance” at 7.1."
    curve = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
    assert "dots" not in alt_text(plots.lines(curve, x="x", y="y").figure)


def test_each_histogram_has_its_name():
    ax = plots.histograms({"known": np.arange(9.0), "unknown": np.arange(5.0)}, threshold=4)
    said = alt_text(ax.figure)
    assert "bars “known”: 30 bars" in said and "bars “unknown”: 30 bars" in said
    assert "a line “threshold” at 4" in said


def test_a_question_ends_as_a_question():
    _, [ax] = plots.panels()
    ax.plot([1, 2], [3, 4], label="a")
    ax.set_title("Which animal?")
    assert alt_text(ax.figure) == "Which animal? line “a”: 3 at 1, 4 at 2."


def test_no_name_is_left_out_uncounted():
    figure = plots.show_images(np.zeros((30, 8, 8, 3)), [f"no. {k}" for k in range(30)])
    assert alt_text(figure).endswith("no. 23 and 6 more.")


def test_what_whoever_draws_says_comes_first():
    figure, [ax] = plots.panels()
    ax.set(title="$5 a piece".replace("$", r"\$"))
    ax.scatter([1, 2], [1, 2], label="dots of one bin")
    describe(ax, "Two dots on the diagonal.")
    assert alt_text(figure) == "Two dots on the diagonal. $5 a piece. 2 dots “dots of one bin”."


def test_a_notebook_keeps_the_words_with_the_picture(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    alt.tell_notebooks()
    figure = describe(plots.show_images(np.zeros((1, 8, 8, 3))), "A black square.")
    page = describe(Image.new("P", (2, 2)), "A page.")
    for shown, words in ((figure, "A black square. a picture."), (page, "A page.")):
        _, metadata = shell.display_formatter.format(shown)
        assert metadata["image/png"] == {"alt": words}
    data, metadata = shell.display_formatter.format(Image.new("P", (2, 2)))
    assert "image/png" in data and "alt" not in metadata.get("image/png", {}), "nothing was said of it"
