"""Lesson 03's figures and tables: each mark at its number, and no text over another."""

import itertools

import pandas as pd
import pytest

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson03 import plots
from lessons_lib.teaching.lesson03.recorded import wordings
from lessons_lib.teaching.lesson03.wordings import captions_of

TASKS = ("toy_things", "toy_satellite", "a task with a long name")
PLACES = {"crane": (0.1, -0.3, 0.2), "bat": (0.3, -0.2, 0.8)}
KINDS = {"crane": ("wading bird", "construction crane"), "bat": ("flying bat", "baseball bat")}
ROWS = pd.DataFrame(
    [
        {"task": task, "method": method, "seed": seed, "accuracy": 50.0 + 4 * (method == "trade") + seed * i}
        for i, task in enumerate(TASKS)
        for method in ("bare", "trade")
        for seed in range(5)
    ]
)


def test_recorded_wordings_are_rows_of_a_task_and_a_draw():
    rows = wordings()
    assert list(rows) == ["task", "method", "seed", "accuracy"]
    assert (rows.groupby(["task", "method"]).seed.nunique() == 5).all() and rows.accuracy.between(0, 100).all()


def test_the_trade_names_its_things_rightly_and_everyday_captions_misname_some():
    captions = captions_of("toy_things", "rabbit", 800)
    assert len(captions) == 800 and captions == captions_of("toy_things", "rabbit", 800)
    trade = [text for text in captions if "flash card" in text or "clip art" in text]
    everyday = [text for text in captions if "photo of" in text]
    assert any("rabbit" in text for text in trade) and not any("turtle" in text for text in trade)
    assert any("turtle" in text for text in everyday)


def test_a_class_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="has no class 'unicorn'; it has"):
        captions_of("toy_things", "unicorn", 3)


def drawn():
    yield plots.leans(PLACES, KINDS)
    yield plots.spread({task: [30, 40, 50] for task in TASKS}, {"bare name": dict.fromkeys(TASKS, 44.0)})
    yield plots.gains_by_task(ROWS, {"trade − bare": ("trade", "bare")}, title="Gains")
    yield plots.three_wordings(
        [{"task": t, "wording": w, "accuracy": 40} for t in TASKS for w in ("bare", "photo", "task's own")],
        dict.fromkeys(TASKS, 10.0),
    )
    yield plots.winners_curse([("t", r, k, w, 50 + k + r) for r in range(3) for k in (1, 2) for w in ("test", "here")])


def test_marks_are_told_with_their_numbers():
    leans, spread, gains = itertools.islice(drawn(), 3)
    assert "crane alone +0.10, as wading bird -0.30, as construction crane +0.20" in alt_text(leans.figure)
    assert "toy_things 30 to 50, bare name 44" in alt_text(spread.figure)
    assert "toy_things, trade − bare: +4.0 ± 0.0" in alt_text(gains.figure)


@pytest.mark.parametrize("ax", list(drawn()), ids=["leans", "spread", "gains", "wordings", "curse"])
def test_no_text_lies_over_another(ax):
    ax.figure.draw_without_rendering()
    texts = [*ax.get_yticklabels(), *ax.get_xticklabels(), ax.xaxis.label, *ax.texts]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert boxes and not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert ax.get_xlabel()


def test_marks_stand_at_their_numbers():
    ax = plots.leans(PLACES, KINDS)
    assert [tuple(dots.get_offsets()[:, 0]) for dots in ax.collections[:3]] == [(0.1, 0.3), (-0.3, -0.2), (0.2, 0.8)]
