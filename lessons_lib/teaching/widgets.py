"""Things to play with in the lessons: edit the answers, the prompts or the temperature, and see at once what changes.

Each function returns an ipywidgets box, to be the last line of a cell. Where there is no front end to show it, the cell
runs all the same, and draws the first state. What is typed counts when the box is left (Tab, or a click elsewhere).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import ipywidgets
import matplotlib.pyplot as plt
import torch
from torch import Tensor

from lessons_lib.methods import ZeroShot
from lessons_lib.teaching import plots
from lessons_lib.templates import DEFAULT, check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split


def multiple_choice(
    clip: "Clip", images: "Split", answers: Sequence[str], *, template: str = DEFAULT, top: int = 8
) -> ipywidgets.VBox:
    """Step through the pictures of a split, edit the list of answers (one a line) and the template: bars show the rest.

    answers: the list to begin with.   top: bars drawn.
    """
    which = _stepper(len(images))
    listed = _lines("answers", answers)
    said = ipywidgets.Text(template, description="template", continuous_update=False)

    def draw(index: int, answers: str, template: str) -> None:
        names = check_classnames(_split_lines(answers))
        classifier = ZeroShot(clip, template, classnames=names)
        p = classifier.logits_from_features(_features(clip, images, [index])).softmax(dim=1)[0]  # (C,)
        truth = images.classnames[images.labels[index]]
        plots.answers(p, names, truth=truth, image=images.image(index), top=top, title=template.replace("{}", "…"))

    return _box(draw, {"index": which, "answers": listed, "template": said}, [which, said, listed])


def prompt_playground(
    clip: "Clip", split: "Split", *, templates: str | Iterable[str] = DEFAULT, classnames: Sequence[str] | None = None,
    pictures: int = 8,
) -> ipywidgets.VBox:  # fmt: skip
    """Edit the templates (one a line: several are an ensemble) and the words for the classes: accuracy and answers.

    split: choose prompts on validation images, so give a task's `val`.   classnames: words to begin with, in order.
    """
    written = _lines("templates", [templates] if isinstance(templates, str) else templates)
    words = _lines("classes", classnames or split.classnames)
    shown = torch.linspace(0, len(split) - 1, min(pictures, len(split))).long().tolist()
    features, labels = _features(clip, split), split.labels.to(clip.device)  # (N, D), (N,)
    bare = (ZeroShot(clip, "{}").for_classes(split.classnames).logits_from_features(features).argmax(1) == labels).cpu()

    def draw(templates: str, classes: str) -> None:
        names = check_classnames(_split_lines(classes))
        if len(names) != len(split.classnames):
            raise ValueError(f"these pictures are of {len(split.classnames)} classes; you gave {len(names)} names")
        answers = ZeroShot(clip, _split_lines(templates), classnames=names).logits_from_features(features).argmax(1)
        right = (answers == labels).cpu()  # (N,)
        print(f"{100 * right.float().mean():.1f} % right; the bare class names get {100 * bare.float().mean():.1f} %")
        colours = [plots.RIGHT if right[i] else plots.WRONG for i in shown]
        titles = [("✓ " if right[i] else "✗ ") + names[answers[i]] for i in shown]
        plots.show_images([split.image(i) for i in shown], titles, title_colours=colours)

    return _box(draw, {"templates": written, "classes": words}, [written, words])


def temperature(
    similarities: Tensor, names: Sequence[str], *, scale: float = 100.0, truth: str | None = None, image=None
) -> ipywidgets.VBox:
    """A slider for the scale s (1 / temperature) in softmax(s · similarity). similarities: (C,), cosines to C texts."""
    slider = ipywidgets.FloatLogSlider(value=scale, base=10, min=0, max=3, step=0.05, description="scale s")

    def draw(scale: float) -> None:
        p = (scale * similarities).softmax(dim=0)  # (C,)
        plots.answers(p, names, truth=truth, image=image, title=f"scale {scale:.3g}, temperature {1 / scale:.3g}")

    return _box(draw, {"scale": slider}, [slider])


def _features(clip: "Clip", split: "Split", indices: list[int] | None = None) -> Tensor:
    """(N, D). Pictures are few here, so that nothing is cached."""
    chosen = range(len(split)) if indices is None else indices
    return clip.encode_images(torch.stack([clip.preprocess(split.image(i)) for i in chosen]))


def _stepper(count: int) -> ipywidgets.BoundedIntText:
    return ipywidgets.BoundedIntText(0, min=0, max=count - 1, description="picture")


def _lines(description: str, values: Iterable[str]) -> ipywidgets.Textarea:
    values = list(values)
    layout = ipywidgets.Layout(width="28em", height=f"{min(max(3, len(values)), 10) * 1.6:.1f}em")
    return ipywidgets.Textarea("\n".join(values), description=description, layout=layout, continuous_update=False)


def _split_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _box(draw: Callable[..., None], controls: dict, shown: Sequence[ipywidgets.Widget]) -> ipywidgets.VBox:
    """The controls above what `draw` draws with their values; what is wrong with them is said in place of a figure."""

    def drawn(**values) -> None:
        try:
            draw(**values)
        except ValueError as error:
            print(f"Not like this: {error}")
        plt.show()

    return ipywidgets.VBox([*shown, ipywidgets.interactive_output(drawn, controls)])
