"""Three modalities, and retrieval from each into each: a grid to click, and the same standing still.

gallery = Gallery.of(hears, waves, pictures, names, labels)
grid.table(gallery, nearest)         # percent right of each of the nine
grid.player(gallery, nearest)        # nine buttons
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import pandas as pd
import torch
from IPython.display import display
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.teaching.lesson16 import plots
from lessons_lib.teaching.lesson16.hearing import Players, encoded

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

KINDS = ("sound", "picture", "name")
Nearest = Callable[[Tensor, Tensor, bool], Tensor]  # queries, gallery, are they the same -> (Q,)


class Gallery(NamedTuple):
    """waves: (N, 8000); seen: (N, 192, 64), what the tower sees of each; pictures: (N, 3, S, S) uint8; names: C.
    features: of each of `KINDS`, of length 1.   labels: of each of them, numbers of names."""

    waves: Tensor
    seen: Tensor
    pictures: Tensor
    names: list[str]
    features: dict[str, Tensor]
    labels: dict[str, Tensor]

    @classmethod
    def of(
        cls, hears: "Clip", waves: Tensor, pictures: Tensor, names: Sequence[str], labels: Sequence[Tensor]
    ) -> "Gallery":
        """labels: of the sounds and of the pictures."""
        features = {
            "sound": encoded(hears, waves),
            "picture": hears.encode_images(hears.preprocess_tensor(pictures)),
            "name": hears.encode_texts(list(names)),
        }
        seen = hears.towers["audio"].picture(waves.float() / 32768)
        own = dict(zip(KINDS, (*labels, torch.arange(len(names)))))
        return cls(waves, seen, pictures, list(names), features, own)

    def name_of(self, kind: str, item: int) -> str:
        return self.names[int(self.labels[kind][item])]

    def item(self, kind: str, name: str, number: int = 0) -> int:
        """Where the `number`-th item of a name stands."""
        return int((self.labels[kind] == self.names.index(name)).nonzero()[:, 0][number])

    def shown(self, kind: str, item: int) -> Tensor | str:
        """What is drawn of it: a spectrogram (192, 64), a picture (3, S, S), or a word."""
        return {"sound": self.seen, "picture": self.pictures, "name": self.names}[kind][item]


def table(gallery: Gallery, nearest: Nearest) -> pd.DataFrame:
    """Percent of answers that are of the query's class; rows: what is given, columns: what is wanted. A name has no
    other of its class: NaN."""
    found = pd.DataFrame(index=KINDS, columns=KINDS, dtype=float)
    for give in KINDS:
        for want in KINDS:
            if give == want == "name":
                continue
            answers = nearest(gallery.features[give], gallery.features[want], give == want)
            right = gallery.labels[want][answers] == gallery.labels[give]
            found.loc[give, want] = 100 * right.float().mean().item()
    return found


def answer(gallery: Gallery, nearest: Nearest, give: str, want: str, item: int) -> int:
    """Which item of the kind that is wanted comes first."""
    if give == want:
        return int(nearest(gallery.features[give], gallery.features[want], True)[item])
    return int(nearest(gallery.features[give][item][None], gallery.features[want], False)[0])


def draw(gallery: Gallery, nearest: Nearest, name: str, number: int = 0) -> Figure:
    """The grid of one class, standing still."""
    given = {kind: gallery.item(kind, name, 0 if kind == "name" else number) for kind in KINDS}
    queries = {kind: gallery.shown(kind, item) for kind, item in given.items()}
    cells = {}
    for give in KINDS:
        for want in KINDS:
            found = answer(gallery, nearest, give, want, given[give])
            cells[give, want] = gallery.shown(want, found), gallery.name_of(want, found)
    return plots.grid(queries, cells, name)


def player(gallery: Gallery, nearest: Nearest, name: str) -> ipywidgets.VBox:
    """Nine buttons: what is given (rows), what is wanted (columns). A click shows what comes first; sounds play."""
    asked = ipywidgets.Dropdown(options=gallery.names, value=name, description="of")
    last = min(int(gallery.labels[kind].bincount().min()) for kind in KINDS[:2]) - 1
    number = ipywidgets.BoundedIntText(0, min=0, max=last, description="number")
    chosen = ipywidgets.Text(" → ".join(KINDS[:2]))  # not shown: what was clicked last

    def button(give: str, want: str) -> ipywidgets.Button:
        made = ipywidgets.Button(description=f"{give} → {want}", tooltip=f"give a {give}, find the nearest {want}")
        made.on_click(lambda clicked: setattr(chosen, "value", clicked.description))
        return made

    buttons = [button(give, want) for give in KINDS for want in KINDS]
    layout = ipywidgets.Layout(grid_template_columns="repeat(3, minmax(7.5em, 11em))", grid_gap="0.3em")

    def drawn(chosen: str, asked: str, number: int) -> None:
        give, want = chosen.split(" → ")
        item = gallery.item(give, asked, 0 if give == "name" else number)
        found = answer(gallery, nearest, give, want, item)
        plots.found(gallery.shown(give, item), asked, gallery.shown(want, found), gallery.name_of(want, found))
        plt.show()
        heard = [(f"given: {asked}", item)] * (give == "sound")
        heard += [(f"found: {gallery.name_of(want, found)}", found)] * (want == "sound")
        if heard:
            display(Players(gallery.waves[[at for _, at in heard]], [said for said, _ in heard]))

    shown = ipywidgets.interactive_output(drawn, {"chosen": chosen, "asked": asked, "number": number})
    return ipywidgets.VBox([ipywidgets.HBox([asked, number]), ipywidgets.GridBox(buttons, layout=layout), shown])
