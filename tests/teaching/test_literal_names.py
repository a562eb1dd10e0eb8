"""Class names are drawn as they are written: no "$" begins a formula. And where there is nothing, that is drawn."""

import io

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
from matplotlib.text import Text

from lessons_lib.look import literal
from lessons_lib.teaching import plots

NAMES = ["$", "$$", "$1 or $2", r"a\$b"]
RESULTS = pd.DataFrame(
    [{"method": name, "task": name, "shots": k, "seed": s, "accuracy": 50.0 + k + s, "on": "test"}
     for name in NAMES for k in (1, 2) for s in (1, 2)]
)  # fmt: skip

DRAWN = {
    "confusion": lambda: plots.confusion(torch.arange(4), torch.tensor([0, 1, 2, 2]), NAMES),
    "answers": lambda: plots.answers(torch.tensor([0.1, 0.2, 0.3, 0.4]), NAMES, truth="$$", image=torch.rand(3, 8, 8)),
    "show_images": lambda: plots.show_images([torch.rand(3, 8, 8)] * 4, NAMES),
    "row titles": lambda: plots.show_images([torch.rand(3, 8, 8)] * 4, columns=1, row_titles=NAMES),
    "similarity_matrix": lambda: plots.similarity_matrix(torch.rand(4, 4), NAMES, NAMES),
    "few_shot_curves": lambda: plots.few_shot_curves(RESULTS, by_task=True),
    "bar_comparison": lambda: plots.bar_comparison(RESULTS, y="task", x="accuracy", hue="method"),
    "histograms": lambda: plots.histograms({name: torch.rand(9) for name in NAMES}),
    "a title": lambda: plots.show_images([torch.rand(3, 8, 8)], title=" and ".join(NAMES)),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_dollar_signs_are_drawn_as_they_are(draw, monkeypatch):
    formulas = []
    parse = Text._preprocess_math
    monkeypatch.setattr(
        Text, "_preprocess_math", lambda self, s: (formulas.append((s, parse(self, s))), parse(self, s))[1]
    )
    draw()
    plt.gcf().savefig(io.BytesIO())
    plt.close("all")
    seen = {shown for _, (shown, _) in formulas}
    assert not [s for s, (_, is_math) in formulas if is_math and "mathdefault" not in s]
    assert any("$" in shown for shown in seen)


def test_where_there_is_nothing_to_show_that_is_said():
    figure = plots.show_images([], [], title="Wrong, and sure of it")
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing to show"]
    plt.close("all")


def test_no_label_stays_none():
    assert literal(None) is None
