"""Lesson 1's small world draws what it says, and never what it was told to leave out."""

import pytest
import torch

from lessons_lib.teaching.lesson01.shape_world import COLOURS, SHAPES, draw_shapes


def test_the_same_seed_draws_the_same_pictures_and_captions():
    images, captions, shown = draw_shapes(30, seed=4)
    again, captions_again, shown_again = draw_shapes(30, seed=4)
    assert images.shape == (30, 3, 64, 64) and images.dtype == torch.uint8
    assert torch.equal(images, again) and captions == captions_again and shown == shown_again
    assert not torch.equal(images, draw_shapes(30, seed=5)[0])


def test_combinations_that_are_left_out_are_neither_drawn_nor_said():
    without = [("red", "star"), ("blue", "ring")]
    _, captions, shown = draw_shapes(600, seed=0, without=without)
    assert not set(without) & set(shown)
    assert not any("red star" in caption or "blue ring" in caption for caption in captions)
    assert {colour for colour, _ in shown} == set(COLOURS) and {shape for _, shape in shown} == set(SHAPES)


def test_only_what_was_asked_for_is_drawn():
    only = [("red", "star"), ("blue", "ring")]
    _, _, shown = draw_shapes(50, seed=0, only=only)
    assert set(shown) == set(only)


def test_captions_name_nothing_that_is_not_there():
    _, captions, shown = draw_shapes(300, seed=1)
    for caption, (colour, shape) in zip(captions, shown):
        assert not any(other in caption.split() for other in COLOURS if other != colour)
        assert ("thing" in caption) != (shape in caption)
    named = sum(colour in caption for caption, (colour, _) in zip(captions, shown)) / 300
    assert 0.4 < named < 0.8, "captions should leave the colour out now and then"


@pytest.mark.parametrize("pair", [("mauve", "star"), ("red", "teapot")])
def test_a_colour_or_shape_that_does_not_exist_is_refused(pair):
    with pytest.raises(ValueError, match=f"there is no '{pair[0]}' '{pair[1]}'"):
        draw_shapes(4, seed=0, without=[pair])


def test_leaving_everything_out_is_refused():
    with pytest.raises(ValueError, match="nothing is left to draw"):
        draw_shapes(4, seed=0, only=[("red", "star")], without=[("red", "star")])
