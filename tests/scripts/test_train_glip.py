"""GLIP's training script: what it refuses, and what it measures of a model that ships."""

import pytest
import train_glip as script
from noise_task import NAMES, box_task
from tiny_clip import tiny_clip

from lessons_lib.methods import GLIP
from lessons_lib.teaching import trained_models
from lessons_lib.teaching.lesson14 import record

REFUSED = ("--arm student", "--teacher a.safetensors", "--ship --contrast 1", "--ship --arm detection --no-fusion")


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_trained_or_shipped_is_refused_before_work_starts(said, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["train_glip.py", *said.split()])
    with pytest.raises(SystemExit):
        script.arguments()
    assert "error" in capsys.readouterr().err


def test_what_ships_is_what_the_lesson_reads():
    assert set(script.SHIPPED.values()) == set(record.ARMS) <= set(trained_models.SCRIPTS)


def test_all_names_at_once_are_measured_as_the_method_measures(monkeypatch):
    monkeypatch.setattr("study_vild.DRAWS", 3)
    split = box_task().test
    glip = GLIP(tiny_clip(), image_size=32, width=16, layers=1, text_layers=1, context_length=24).for_classes(NAMES)
    found = script.all_names(glip.eval(), split, {"base": NAMES[:3], "novel": NAMES[3:]})
    assert all(len(each["draws"]) == 3 and each["low"] <= each["high"] for each in found.values())
    measured = glip.measure(split)
    both = [found[on]["AP50"] * count for on, count in (("base", 3), ("novel", 2))]
    assert sum(both) / 5 == pytest.approx(measured["AP50"], abs=0.02)
