"""Figures of learned prompts: each box of its kind, each curve of its numbers, and nothing told by colour alone."""

import matplotlib
import pandas as pd
import pytest
import torch

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson04 import plots
from lessons_lib.teaching.lesson04.plots import KINDS, kind_of

PROMPTS = {"end": ["[SOS]", "v1", "v2", "oak", ".", "[EOS]"], "front": ["[SOS]", "oak", "v1", "v2", ".", "[EOS]"]}
HISTORY = [{"epoch": e, "lr": 1e-5 if e == 1 else 0.002 / e, "loss": 2.3 / e} for e in range(1, 6)]


def test_a_box_a_token_in_the_colour_of_its_kind():
    ax = plots.prompt_boxes(PROMPTS, ["oak"], shared=3)
    ax.figure.canvas.draw()
    kinds = [kind_of(token, ["oak"]) for tokens in PROMPTS.values() for token in tokens]
    assert kinds == ["fixed", "learned", "learned", "name", "fixed", "fixed"] + [
        "fixed", "name", "learned", "learned", "fixed", "fixed",
    ]  # fmt: skip
    drawn = [matplotlib.colors.to_hex(box.get_facecolor()) for box in ax.patches]
    assert drawn == [matplotlib.colors.to_hex(KINDS[kind][0]) for kind in kinds]
    assert [text.get_text() for text in ax.texts][:3] == ["[SOS]", "v1", "v2"]
    assert ax.get_xlabel() and [tick.get_text() for tick in ax.get_yticklabels()] == list(PROMPTS)


def test_learned_boxes_differ_from_the_others_without_colour_too():
    hatches = {kind: hatch for kind, (_, hatch, _) in KINDS.items()}
    assert hatches["learned"] and not hatches["name"] and not hatches["fixed"]
    assert [box.get_hatch() or "" for box in plots.prompt_boxes(PROMPTS, ["oak"]).patches][:2] == ["", "///"]


def test_a_class_name_that_looks_like_a_context_vector_is_a_name():
    assert kind_of("v1", ["v1"]) == "name" and kind_of("v12", []) == "learned" and kind_of("van", []) == "fixed"


def test_the_shared_rows_end_at_the_dashed_line():
    [line] = plots.prompt_boxes(PROMPTS, ["oak"], shared=3).lines
    assert set(line.get_xdata()) == {3}


def test_boxes_are_told_row_by_row():
    said = alt_text(plots.prompt_boxes(PROMPTS, ["oak"]).figure)
    assert "end: [SOS] v1 v2 oak . [EOS]; front: [SOS] oak v1 v2 . [EOS]" in said


def test_prompts_of_ten_tokens_are_readable_on_a_phone():
    """A page of 390 pixels shrinks letters of 8 points, at 100 dots an inch, to 5 pixels in a figure of 8.6 inches."""
    rows = {name: ["[SOS]", "v1", "v2", "v3", "v4", *name.split(), ".", "[EOS]"] for name in ("forest", "lake or sea")}
    figure = plots.prompt_boxes(rows, ["forest"], shared=5).figure
    figure.draw_without_rendering()
    assert figure.get_figwidth() < 8.6 and [text.get_text() for text in figure.legends[0].get_texts()] == [
        said for _, _, said in KINDS.values()
    ]


def test_training_shows_the_loss_and_the_rate_of_every_epoch():
    figure = plots.training(HISTORY, knowing_nothing=2.3)
    figure.canvas.draw()
    loss, rate = figure.axes
    assert list(loss.lines[0].get_ydata()) == [row["loss"] for row in HISTORY]
    assert set(loss.lines[1].get_ydata()) == {2.3}
    assert list(rate.lines[0].get_ydata()) == [row["lr"] for row in HISTORY]
    assert rate.get_yscale() == "log", "1e-5 and 0.002 are to be read on one axis"
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes)


def test_each_nearest_word_stands_at_its_cosine():
    vocabulary = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    rows = {"learned": torch.tensor([[0.6, 0.8], [3.0, 0.0]]), "random": torch.tensor([[1.0, 1.1]])}
    figure = plots.nearest_words(rows, vocabulary, ["green", "me"])
    figure.canvas.draw()
    said = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert said == [["me", "green"], ["me"]]
    assert torch.allclose(
        torch.tensor(figure.axes[0].collections[-1].get_offsets()[:, 0]).float(), torch.tensor([0.8, 1])
    )
    assert [ax.get_title(loc="left") for ax in figure.axes] == list(rows)


def test_gains_are_bars_with_intervals_from_where_the_rival_is_weakest():
    runs = pd.DataFrame(
        {"method": method, "task": task, "seed": seed, "shots": 16, "accuracy": level + gain + seed * (gain > 0)}
        for method, gain in (("CoOp", 5), ("ZeroShot", 0))
        for task, level in (("easy", 80), ("hard", 30))
        for seed in (0, 1, 2)
    )
    ax = plots.gains_by_task(runs, "CoOp", "ZeroShot", title="gains")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["hard (30)", "easy (80)"]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([6, 6])


def test_bars_under_shift_stand_side_by_side():
    runs = pd.DataFrame(
        {"method": method, "on": on, "task": "things", "seed": seed, "accuracy": 50.0 + seed}
        for method in ("CoOp", "ZeroShot")
        for on in ("test", "sketch")
        for seed in (1, 2)
    )
    ax = plots.under_shift(runs)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["itself", "sketch"] and len(ax.patches) == 4
