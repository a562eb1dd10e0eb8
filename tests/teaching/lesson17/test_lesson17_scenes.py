"""What lesson 17 draws: films that run both ways, strokes with gradients, and a map without holes."""

import torch

from lessons_lib.teaching.lesson17 import scenes, strokes
from lessons_lib.teaching.lesson17.family import FAMILY
from lessons_lib.teaching.lesson17.plots import family_map, said_of


def test_each_film_is_there_both_ways():
    films, what, rightward = scenes.clips(["key", "mug"], 1, frames=3)
    assert films.shape == (4, 3, 3, 64, 64) and what.tolist() == [0, 0, 1, 1] and rightward.tolist() == [1, 0, 1, 0]
    assert torch.equal(films[0], films[1].flip(0)) and not torch.equal(films[0], films[1])


def test_a_dye_changes_the_colour_and_nothing_else():
    red, blue = (scenes.two_coloured([("mug", "key")], (a, "green"), 1) for a in ("red", "blue"))
    changed = (red != blue).any(dim=1)[0]
    assert changed[:, :32].any() and not changed[:, 40:].any()


def test_strokes_move_where_a_gradient_sends_them():
    control, width, colour = strokes.blank(3, seed=0)
    picture = strokes.draw(control, width, colour)
    assert picture.shape == (3, 64, 64) and 0 <= picture.min() and picture.max() <= 1
    picture.sum().backward()
    assert all(part.grad.abs().sum() > 0 for part in (control, width, colour))


def test_views_are_the_same_for_the_same_seed_and_unlike_each_other():
    picture = torch.rand(3, 64, 64)
    first, again = (strokes.views(picture, 3, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again) and not torch.allclose(first[0], first[1])


def test_the_map_has_a_line_for_every_system_and_no_empty_cell():
    assert len({member.name for member in FAMILY}) == len(FAMILY)
    table = family_map()
    assert sorted(table.index.get_level_values("system")) == sorted(member.name for member in FAMILY)
    assert (table.map(str) != "").all(axis=None)
    for member in FAMILY:
        assert member.number and member.limit and member.read
        assert member.idea in said_of(member)
