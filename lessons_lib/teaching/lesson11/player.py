"""Labels to play with: a slider over label sets, and a box to type one's own into."""

from collections.abc import Sequence

import ipywidgets
import matplotlib.pyplot as plt
import torch
from torch import Tensor

from lessons_lib.methods import Segmenter
from lessons_lib.teaching.lesson11 import plots
from lessons_lib.templates import check_classnames


def labels_of(text: str) -> list[str]:
    """What is typed, by commas, as labels. ValueError for none, or for one that is there twice."""
    return check_classnames([part.strip() for part in text.split(",") if part.strip()])


@torch.no_grad()
def labelled(method: Segmenter, seen: Tensor, labels: Sequence[str]) -> Tensor:
    """seen: (N, 3, S, S) preprocessed -> (N, S, S), the places in `labels` that the method gives."""
    return method.for_classes(labels).predict(seen).cpu()


def label_player(method: Segmenter, pictures: Tensor, seen: Tensor, sets: Sequence[Sequence[str]]) -> ipywidgets.VBox:
    """Choose a picture and a label set, or type labels: the map is drawn anew, and nothing is trained.

    pictures: (N, 3, S, S) uint8; seen: the same, preprocessed; sets: label sets to begin with.
    """
    which = ipywidgets.IntSlider(0, 0, len(pictures) - 1, description="picture", continuous_update=False)
    chosen = ipywidgets.IntSlider(0, 0, len(sets) - 1, description="label set", continuous_update=False)
    layout = ipywidgets.Layout(width="95%")
    typed = ipywidgets.Text(", ".join(sets[0]), description="labels", continuous_update=False, layout=layout)
    chosen.observe(lambda change: setattr(typed, "value", ", ".join(sets[change["new"]])), "value")

    def draw(which: int, typed: str) -> None:
        try:
            labels = labels_of(typed)
            grid = labelled(method, seen[which : which + 1], labels)
            plots.segmented([pictures[which]], {"labelled": (grid, labels)})
            plt.show()
        except ValueError as error:
            print(f"Not like this: {error}")

    shown = ipywidgets.interactive_output(draw, {"which": which, "typed": typed})
    return ipywidgets.VBox([which, chosen, typed, shown])
