"""The figures of the two towers: every box is where the code puts a row, and shares are drawn as they were measured."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import ConnectionPatch, Rectangle

from lessons_lib.teaching.lesson06 import plots
from lessons_lib.teaching.lesson06.plots import CARRIED, FROZEN, LEARNED, PROJECTED


def boxes(ax, colour):
    """(block, place) of the boxes of one colour, both from 0."""
    drawn = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return {(int(box.get_y()), int(box.get_x())) for box in drawn if to_hex(box.get_facecolor()) == to_hex(colour)}


def test_learned_rows_stand_in_the_first_blocks_and_are_carried_on_from_there():
    figure = plots.prompted_towers(text=(2, 3), image=(1, 2), blocks=(4, 6))
    text, image = figure.axes
    assert boxes(text, LEARNED) == {(block, place) for block in range(3) for place in (1, 2)}
    assert boxes(text, CARRIED) == {(3, 1), (3, 2)}
    assert boxes(image, LEARNED) == {(0, 6), (1, 6)}
    assert boxes(image, CARRIED) == {(block, 6) for block in range(2, 6)}
    assert (0, 0) in boxes(text, FROZEN) and (0, 0) in boxes(image, FROZEN)  # start and class token


def test_without_prompts_nothing_is_learned():
    figure = plots.prompted_towers()
    assert not any(boxes(ax, LEARNED) | boxes(ax, CARRIED) for ax in figure.axes)
    figure.canvas.draw()


@pytest.mark.parametrize(("coupled", "arrows", "on_the_image"), [(True, 3, PROJECTED), (False, 0, LEARNED)])
def test_coupling_draws_an_arrow_a_depth_to_rows_that_are_projected(coupled, arrows, on_the_image):
    figure = plots.prompted_towers(text=(2, 3), image=(2, 3), coupled=coupled)
    assert sum(isinstance(artist, ConnectionPatch) for artist in figure.get_children()) == arrows
    rows = {(block, place) for block in range(3) for place in (6, 7)}
    assert boxes(figure.axes[1], on_the_image) == rows
    assert boxes(figure.axes[1], LEARNED) | boxes(figure.axes[1], PROJECTED) == rows
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"text": (2, 5)}, "text: depth 5, but there are 4 blocks"),
        ({"image": (2, 0)}, "image: depth 0"),
        ({"text": (9, 1)}, "9 text prompts cannot stand in place of 6 words"),
    ],
)
def test_what_cannot_be_drawn_is_said(settings, words):
    with pytest.raises(ValueError, match=words):
        plots.prompted_towers(**settings)


def test_shares_are_stacked_to_the_whole():
    shares = torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.9, 0.0]])
    ax = plots.attention_shares({"a": shares, "b": shares}).axes[0]
    heights = np.array([bar.get_height() for bar in ax.patches]).reshape(3, 2).T
    assert np.allclose(heights, 100 * shares.numpy(), atol=1e-4)
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches[-2:]]
    assert np.allclose(tops, 100) and ax.get_xlabel() == "block" and "%" in ax.get_ylabel()


@pytest.mark.parametrize("wrong", [torch.rand(6, 2), torch.full((6, 3), 0.5), torch.rand(3)])
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="add up to 1"):
        plots.attention_shares({"a": wrong})


def test_attention_is_drawn_where_the_patch_lies_in_even_shares():
    looked = torch.arange(1 + 4 + 3.0)[None] / 28  # one block: class token, 2 × 2 patches, 3 prompts
    figure = plots.attention_maps(torch.rand(3, 8, 8), {"one": looked}, prompts=3)
    assert np.allclose(figure.axes[1].images[0].get_array(), np.array([[1, 2], [3, 4]]) / 28 * 8)
    assert "prompts 64 %" in figure.axes[1].get_title()  # (5 + 6 + 7) / 28


def test_patches_that_are_no_square_are_refused():
    with pytest.raises(ValueError, match="no square: is prompts=2 right"):
        plots.attention_maps(torch.rand(3, 8, 8), {"one": torch.rand(1, 1 + 4 + 3)}, prompts=2)


def test_a_legend_names_only_what_is_drawn():
    def said(figure):
        return " ".join(text.get_text() for text in figure.legends[0].get_texts())

    assert "made of such a row" in said(plots.prompted_towers(image=(2, 1)))
    assert "made of such a row" not in said(plots.prompted_towers(image=(2, 6)))


def test_a_rate_is_drawn_with_its_losses_and_its_accuracy():
    left, right = plots.by_rate({"a": [2, 1], "b": [2, 2]}, {"a": 90.0, "b": 50.0}, zero_shot=60, title="").axes[:2]
    assert [list(line.get_ydata()) for line in left.lines] == [[2, 1], [2, 2]]
    assert [bar.get_width() for bar in right.patches] == [90, 50]
