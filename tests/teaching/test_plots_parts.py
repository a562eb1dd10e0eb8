"""The drawing of where a method learns shows what it adds, in one language for all lessons."""

import pytest
from matplotlib.patches import FancyBboxPatch

from lessons_lib.look import PALETTE
from lessons_lib.teaching import plots


def boxes(figure) -> list[FancyBboxPatch]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_nothing_is_learned_by_zero_shot():
    figure = plots.where_it_learns({})
    assert legend(figure) == ["frozen"] and "image prompts" not in words(figure)
    assert words(figure)[:2] == ["picture", "image tower"] and "a photo of a" in words(figure)


def test_what_is_learned_is_told_in_colour_and_in_stripes():
    figure = plots.where_it_learns({"context": "16 rows"}, once=["image tower"])
    from matplotlib.colors import to_rgba

    learned = [box for box in boxes(figure) if box.get_facecolor() == to_rgba(PALETTE[1])]
    assert len(learned) == 1 and learned[0].get_hatch() == "//" and "16 rows" in words(figure)
    assert sum(box.get_linestyle() == ":" for box in boxes(figure)) == 1
    assert legend(figure) == ["frozen", "learned", "computed once, and kept"]


def test_a_classifier_of_its_own_needs_no_words():
    figure = plots.where_it_learns({"classifier": "W, b"}, words=False, says={"comparison": "W f + b"})
    assert {"W, b", "W f + b"} <= set(words(figure)) and "text tower" not in words(figure)


@pytest.mark.parametrize(
    "learned", [{"context": "v"}, {"frame": "", "image adapter": "A"}, {"cache": "keys"}, {"image prompts": "Z"}]
)
def test_no_box_lies_on_another(learned):
    figure = plots.where_it_learns(learned)
    figure.draw_without_rendering()
    places = [box.get_window_extent() for box in boxes(figure)]
    frame = 1 if "frame" in learned else 0  # which lies around the picture
    assert not any(a.overlaps(b) for i, a in enumerate(places[frame:]) for b in places[frame:][i + 1 :])


def test_an_unknown_part_is_told_the_nearest():
    with pytest.raises(ValueError, match="no part 'contxt'. .*context"):
        plots.where_it_learns({"contxt": "v"})
