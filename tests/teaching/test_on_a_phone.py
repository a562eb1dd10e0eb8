"""On a page 390 pixels wide no letter of a figure falls under 5 pixels.

`tests/test_lessons.py` holds all figures to the width at which letters of 8 points do. Here are figures with smaller
ones, and the widest, at the sizes that lessons draw.
"""

import pytest
import torch
from matplotlib.text import Text

from lessons_lib import toyworld
from lessons_lib.teaching import plots
from lessons_lib.teaching.lesson00 import tour
from lessons_lib.teaching.lesson04 import plots as lesson04
from lessons_lib.teaching.lesson06 import plots as lesson06
from lessons_lib.teaching.lesson07 import plots as lesson07

PAGE, LEAST = 390, 5.0  # pixels
NAMES = [f"a class of {i}" for i in range(14)]
EACH = torch.arange(14)
STREET = toyworld.draw_scenes("toy_scenes", "train", per_class=1)[0]
RATES = {"30 × the rate": [2.0, 1.0], "the rate": [2.0, 1.9]}
DRAWN = {
    "similarity_matrix": lambda: plots.similarity_matrix(
        torch.rand(8, 8), NAMES[:8], NAMES[:8], images=torch.rand(8, 3, 8, 8), cell=0.45
    ),
    "confusion": lambda: plots.confusion(EACH, EACH, NAMES),
    "where_it_learns": lambda: plots.where_it_learns({"context": "v"}, once=["image projection"], title="CoOp"),
    "show_objects": lambda: tour.show_objects(STREET),
    "show_pairs": lambda: tour.show_pairs(torch.rand(8, 3, 8, 8), NAMES[:8]),
    "nearest_words": lambda: lesson04.nearest_words(
        {name: torch.rand(16, 5) for name in ("learned", "random", "words")}, torch.rand(14, 5), NAMES
    ),
    "prompted_towers": lambda: lesson06.prompted_towers(text=(2, 3), image=(2, 3), coupled=True, title="MaPLe"),
    "by_rate": lambda: lesson06.by_rate(RATES, dict.fromkeys(RATES, 50.0), zero_shot=40, title=""),
    "cache_heat": lambda: lesson07.cache_heat(
        dict.fromkeys(("cosines", "β = 1", "β = 10"), torch.rand(14, 14)), EACH, EACH, NAMES
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_letters_are_at_least_five_pixels_high(name):
    figure = DRAWN[name]().figure
    figure.draw_without_rendering()
    inches = figure.get_tightbbox().width + 0.2  # as a notebook cuts it, with its margin
    points = min(text.get_fontsize() for text in figure.findobj(Text) if text.get_visible() and text.get_text())
    assert points / 72 * min(PAGE / inches, figure.dpi) >= LEAST
