"""A threshold to move: what is a thing, and what is background."""

from collections.abc import Sequence

import ipywidgets
import matplotlib.pyplot as plt
from torch import Tensor

from lessons_lib.methods.segment.groupvit import Named
from lessons_lib.teaching.lesson12 import plots
from lessons_lib.teaching.lesson12.naming import answers


def threshold_player(found: Named, pictures: Tensor, names: Sequence[str], *, start: float) -> ipywidgets.VBox:
    """Two sliders: the picture, and t. The map of names is drawn anew; the groups stay.

    pictures: (N, 3, S, S) uint8; names: background first; start: t to begin with.
    """
    which = ipywidgets.IntSlider(0, 0, len(pictures) - 1, description="picture", continuous_update=False)
    t = ipywidgets.FloatSlider(start, min=0, max=1, step=0.01, description="t", continuous_update=False)

    def draw(which: int, t: float) -> None:
        one = Named(found.maps[which : which + 1], found.scores[which : which + 1])
        grid = answers(one, t, pictures.shape[-1])
        plots.segmented([pictures[which]], {f"t = {t:.2f}": (grid, names)})
        plt.show()

    return ipywidgets.VBox([which, t, ipywidgets.interactive_output(draw, {"which": which, "t": t})])
