"""Widgets follow what is typed, say what is wrong with it, and draw their first state without anyone to click."""

import matplotlib.pyplot as plt
import pytest
import torch
from noise_task import noise_task

from lessons_lib import ZeroShot
from lessons_lib.teaching import widgets

NAMES = ["sun", "moon", "star"]


@pytest.fixture
def drawn(monkeypatch):
    """Counts the figures that widgets show."""
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append([ax.get_title(loc="left") for ax in plt.gcf().axes]))
    return shown


def test_multiple_choice_follows_the_list_of_answers(clip, drawn):
    split = noise_task().val
    box = widgets.multiple_choice(clip, split, ["dog", "owl"])
    assert len(drawn) == 1  # the first state, without anyone to click
    index, template, answers = box.children[:3]
    answers.value = "dog\n\n owl \ncat"
    assert [tick.get_text() for tick in plt.gcf().axes[1].get_yticklabels()] != [] and len(drawn) == 2
    names = {tick.get_text() for tick in plt.gcf().axes[1].get_yticklabels()}
    assert names == {"dog", "owl", "cat"}
    index.value = len(split) + 5
    assert index.value == len(split) - 1  # it cannot leave the pictures
    template.value = "a sketch of a {}."
    assert drawn[-1][1] == "a sketch of a …."


def test_a_wrong_prompt_is_told_in_words_and_can_be_mended(clip, drawn, capsys):
    box = widgets.multiple_choice(clip, noise_task().val, ["dog", "owl"])
    _, template, answers = box.children[:3]
    template.value = "no name in it"
    assert '"{}" 0 times' in capsys.readouterr().out
    template.value = "{}"
    answers.value = ""
    assert "no class names" in capsys.readouterr().out
    answers.value = "owl"
    assert "Not like this" not in capsys.readouterr().out


def test_the_playground_scores_the_templates_that_are_written(clip, drawn, capsys):
    task = noise_task()
    box = widgets.prompt_playground(clip, task.val)
    templates, classes = box.children[:2]
    capsys.readouterr()
    templates.value = "a drawing of a {}.\n{} here."
    expected = ZeroShot(clip, ["a drawing of a {}.", "{} here."]).fit(task).score(task.val)
    assert f"{expected:.1f} % right" in capsys.readouterr().out
    classes.value = "only one"
    assert "of 5 classes; you gave 1 names" in capsys.readouterr().out


def test_the_temperature_slider_changes_confidence_alone(drawn):
    box = widgets.temperature(torch.tensor([0.3, 0.2, 0.1]), NAMES, scale=10.0)
    slider = box.children[0]
    bars = [bar.get_width() for bar in plt.gcf().axes[1].patches]
    slider.value = 100.0
    sharper = [bar.get_width() for bar in plt.gcf().axes[1].patches]
    assert sharper[0] > bars[0] > bars[1] and sharper[0] > sharper[1]
    assert [tick.get_text() for tick in plt.gcf().axes[1].get_yticklabels()] == NAMES
