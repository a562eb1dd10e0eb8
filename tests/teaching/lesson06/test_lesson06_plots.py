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


def XXX_is_named_only_where_there_is_one():
    def words(figure):
        return " ".join(text.get_text() for text in figure.axes[1].texts)

    assert "frame" in words(plots.prompted_towers(frame=True))
    assert "frame" not in words(plots.prompted_towers(image=(2, 1)))


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


def test_attention_is_drawn_where_the_patch_lies_and_prompts_below():
    looked = torch.arange(1 + 4 + 3.0)[None] / 28  # one block: itself, 2 × 2 patches, 3 prompts
    figure = plots.attention_maps(torch.rand(3, 8, 8), {"one": looked}, prompts=3)
    cells = np.ma.filled(figure.axes[1].images[0].get_array(), np.nan)
    expected = np.array([[1, 2], [3, 4], [np.nan, np.nan], [5, 6], [7, np.nan]]) / 28 * 100
    assert np.allclose(cells, expected, equal_nan=True)


def test_a_picture_of_bytes_is_shown_as_it_is():
    picture = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    figure = plots.attention_maps(picture, {"one": torch.full((1, 5), 0.2)})
    assert np.array_equal(figure.axes[0].images[0].get_array(), picture.permute(1, 2, 0))


def test_patches_that_are_no_square_are_refused():
    with pytest.raises(ValueError, match="no square: is prompts=2 right"):
        plots.attention_maps(torch.rand(3, 8, 8), {"one": torch.rand(1, 1 + 4 + 3)}, prompts=2)


def test_a_frame_is_added_at_its_strength_and_shown_as_it_looks():
    images, frame = torch.zeros(1, 3, 4, 4), torch.zeros(3, 4, 4)
    frame[:, 0] = 1.0
    figure = plots.pixel_frame(images, frame, (0, 1, 9), mean=[0.5] * 3, std=[0.25] * 3)
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert [round(float(picture[0, 0, 0]), 4) for picture in shown] == [0.5, 0.75, 1.0]  # clipped to what is visible
    assert all(float(picture[2, 2, 0]) == 0.5 for picture in shown)
