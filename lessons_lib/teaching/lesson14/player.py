"""A prompt to play with: choose a picture, type phrases, and see where each token fits."""

from collections.abc import Sequence

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.teaching.lesson14 import plots
from lessons_lib.teaching.lesson14.asking import ask, best_boxes, phrases_of, planes, words_of


def draw(glip: GLIP, picture: Tensor, typed: str, *, title: str | None = None) -> Figure:
    """What the model says of a picture to "red key. blue key.": a map a token, a box a phrase.

    picture: (3, S, S) in 0 … 1. Raises ValueError for a prompt without a phrase, or one that is too long.
    """
    phrases = phrases_of(typed)
    prompt = glip.phrases.of_names(phrases)
    said, words = ask(glip, picture, prompt), words_of(glip, prompt)
    boxes, scores = best_boxes(said, prompt)
    inside = [place for span in prompt.spans for place in span]  # without full stops, start and end
    shown = planes(glip, said.S)[inside]
    return plots.words_over(picture, shown, [words[i] for i in inside], boxes, phrases, scores, title=title)


def prompt_player(glip: GLIP, pictures: Tensor, typed: Sequence[str]) -> ipywidgets.VBox:
    """A slider for the picture and a box for the prompt, which counts when it is left.

    pictures: (n, 3, S, S) in 0 … 1; typed: a prompt of each, to begin with.
    """
    which = ipywidgets.IntSlider(0, 0, len(pictures) - 1, description="picture", continuous_update=False)
    layout = ipywidgets.Layout(width="95%")
    text = ipywidgets.Text(typed[0], description="prompt", continuous_update=False, layout=layout)
    which.observe(lambda change: setattr(text, "value", typed[change["new"]]), "value")

    def drawn(which: int, text: str) -> None:
        try:
            draw(glip, pictures[which], text)
            plt.show()
        except ValueError as error:
            print(f"Not like this: {error}")

    shown = ipywidgets.interactive_output(drawn, {"which": which, "text": text})
    return ipywidgets.VBox([which, text, shown])
