"""Views drawn for a whole batch are torchvision's of each picture, depend on their seed alone, and are as often
jittered, grey, blurred and turned as they should be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as tv
from reference import views as published
from torchvision.transforms import RandomResizedCrop

from lessons_lib import toyworld
from lessons_lib.pretrain.views import (
    CLIP_VIEW,
    SSL_VIEW,
    View,
    boxes,
    brighter,
    contrasted,
    draw_numbers,
    draw_views,
    hued,
    saturated,
    seen,
)

ALWAYS = {"jittered": 1.0, "blurred": 1.0, "turned": 0.5, "grey": 0.2}


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    images, _ = toyworld.draw_pairs(24, seed=4)
    return images


def compared(images, view: View, size: int, seed: int = 0):
    x = images.float() / 255
    numbers = draw_numbers(view, len(x), tuple(x.shape[2:]), size, np.random.default_rng(seed))
    return seen(x, numbers, size), published.seen(x, numbers, size)


@pytest.mark.parametrize(
    "view", [CLIP_VIEW, SSL_VIEW, replace(SSL_VIEW, **ALWAYS), replace(SSL_VIEW, sigma=(4.0, 9.0))]
)
def test_a_view_is_what_torchvision_gives_picture_by_picture(pictures, view):
    found, wanted = compared(pictures, view, 64)
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize("sides, size", [((64, 64), 32), ((48, 80), 40), ((64, 64), 96)])
def test_pictures_of_another_shape_become_squares_of_another_size(pictures, sides, size):
    images = pictures[:, :, : sides[0]]
    images = torch.cat([images, images.flip(3)], dim=3)[:, :, :, : sides[1]]
    found, wanted = compared(images, replace(SSL_VIEW, **ALWAYS), size)
    assert found.shape == (24, 3, size, size)
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize("mine, theirs, factors", [
    (brighter, tv.adjust_brightness, (0.0, 0.6, 1.4)), (contrasted, tv.adjust_contrast, (0.0, 0.6, 1.4)),
    (saturated, tv.adjust_saturation, (0.0, 0.6, 1.4)), (hued, tv.adjust_hue, (-0.5, -0.1, 0.1, 0.5)),
])  # fmt: skip
def test_each_change_of_colour_is_torchvisions_where_hue_and_saturation_have_corners(mine, theirs, factors):
    """Black, white, greys, pure colours, and ties between channels."""
    levels = torch.tensor([0.0, 0.25, 1.0])
    colours = torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, 3, 9)
    for factor in factors:
        found = mine(colours, torch.full((1, 1, 1, 1), factor))
        torch.testing.assert_close(found, theirs(colours, factor), rtol=0, atol=2e-6)


def test_a_hue_that_is_turned_all_the_way_round_is_as_it_was(pictures):
    x = pictures[:4].float() / 255
    for turn in (0.0, 1.0, -1.0):
        torch.testing.assert_close(hued(x, torch.full((4, 1, 1, 1), turn)), x, rtol=0, atol=1e-5)


def test_views_depend_on_the_seed_alone_and_differ_from_each_other(pictures):
    views = [CLIP_VIEW, SSL_VIEW, SSL_VIEW]
    drawn = draw_views(pictures, views, seed=(3, 1))
    assert drawn.shape == (24, 3, 3, 64, 64) and drawn.dtype == torch.uint8
    torch.manual_seed(11)  # torch's own generator neither matters nor moves
    before = torch.random.get_rng_state()
    assert torch.equal(draw_views(pictures, views, seed=(3, 1)), drawn)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not torch.equal(draw_views(pictures, views, seed=(3, 2)), drawn)
    assert not torch.equal(drawn[:, 1], drawn[:, 2])
    fewer = draw_views(pictures, views[:1], seed=(3, 1))
    assert torch.equal(fewer, drawn[:, :1]), "CLIP alone sees the very crops that it sees in SLIP"


def test_without_its_steps_a_view_is_the_picture(pictures):
    plain = View(scale=(1, 1), ratio=(1, 1), jittered=0, grey=0, blurred=0, turned=0)
    assert torch.equal(draw_views(pictures, [plain], seed=0)[:, 0], pictures)


def test_steps_happen_as_often_as_they_should():
    numbers = draw_numbers(SSL_VIEW, 20_000, (64, 64), 64, np.random.default_rng(1))
    for name in ("jittered", "grey", "blurred", "turned"):
        assert getattr(numbers, name).double().mean().item() == pytest.approx(getattr(SSL_VIEW, name), abs=0.015)
    low, high = numbers.factors.amin(0), numbers.factors.amax(0)
    assert low.tolist() == pytest.approx([0.6, 0.6, 0.6, -0.1], abs=0.01)
    assert high.tolist() == pytest.approx([1.4, 1.4, 1.4, 0.1], abs=0.01)
    assert all((numbers.order.sort(dim=1).values == torch.arange(4)).flatten())
    share = (numbers.order == 0).double().mean(0)
    assert share.tolist() == pytest.approx([0.25] * 4, abs=0.015)


@pytest.mark.parametrize("sides", [(64, 64), (20, 90)])
def test_boxes_are_distributed_as_torchvisions(sides):
    view = View(scale=(0.3, 1.0))
    mine = boxes(view, 4000, sides, np.random.default_rng(0)).astype(float)
    picture = torch.zeros(3, *sides)
    torch.manual_seed(0)
    theirs = np.array([RandomResizedCrop.get_params(picture, view.scale, view.ratio) for _ in range(1500)], float)
    for column in range(4):
        assert mine[:, column].mean() == pytest.approx(theirs[:, column].mean(), abs=0.05 * max(sides) / 3)
        assert mine[:, column].std() == pytest.approx(theirs[:, column].std(), abs=0.05 * max(sides) / 3)
    assert (mine[:, 0] + mine[:, 2]).max() <= sides[0] and (mine[:, 1] + mine[:, 3]).max() <= sides[1]


def test_other_pictures_are_refused(pictures):
    for wrong in (pictures.float(), pictures[:, :1], pictures[0]):
        with pytest.raises(ValueError, match=r"draw_views takes \(N, 3, H, W\) uint8"):
            draw_views(wrong, [SSL_VIEW], seed=0)
