"""GLIP's training script: what it refuses, and what it measures of a model that ships."""

import pytest
import train_glip as script

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
