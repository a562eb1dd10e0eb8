"""The study of worlds: they differ in what they say, not in what they show, and its table says each by its name."""

import pandas as pd
import pytest
import study_worlds as script
import torch
import worlds_work as work
from worlds_work import LEARNED, TASKS, World

from lessons_lib.teaching import recorded_runs


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(work, "DRAWN", 64)
    monkeypatch.setattr(work, "BLOCK", 32)


def test_all_worlds_show_the_same_pictures_under_other_words(few):
    plain, trade, wrong = map(work.pairs, (World(), World(trade=1.0), World(misnamed=1.0)))
    for images, tokens in (trade, wrong):
        assert torch.equal(images, plain[0]) and not torch.equal(tokens, plain[1])


def test_looks_are_of_the_tasks_and_the_shots_alike():
    plain, looked = work.task_of("toy_pets", 0.0), work.task_of("toy_pets", 1.0)
    assert torch.equal(plain.train.labels, looked.train.labels) and len(plain.train) == 16 * len(plain.classnames)
    for split in ("train", "test"):
        assert not torch.equal(getattr(plain, split).images.tensor()[:4], getattr(looked, split).images.tensor()[:4])


def test_validation_pictures_are_no_split_of_the_task():
    task = work.task_of("toy_satellite", 0.0)
    assert task.test.fingerprint not in {task.pool.fingerprint, task.val_pool.fingerprint}
    assert len(task.test) == 50 * len(task.classnames)


def test_every_world_of_the_plan_differs_from_the_first_as_its_label_says():
    said = [script.label(w.trade, w.misnamed, w.whole, looks) for w in script.WORLDS for looks in w.looks]
    assert len(set(said)) == len(said) == 7
    assert {"the first world", "looks", "trade language", "wrong names", "trade language + wrong names + looks"} < set(
        said
    )


def test_the_table_has_means_over_tasks_and_h_of_the_means():
    names = [f"{label}, {half}" for label in ("zero-shot", *LEARNED) for half in ("base", "new")]
    made = [
        {"trade": 0.0, "misnamed": 0.0, "whole": True, "at": 0.0, "on": task, "zero-shot": 40.0 + i, "probe": 60.0 + i}
        | dict.fromkeys(names, 50.0 + i)
        for i, task in enumerate(TASKS)
    ]
    line = script.report(pd.DataFrame(made)).splitlines()[2]
    assert line == "| the first world | 41.0 | 61.0 | +20.0 |" + " 51.0 / 51.0 / 51.0 |" * (1 + len(LEARNED))


def test_the_record_is_of_all_worlds_and_tasks():
    rows = recorded_runs.record("worlds").rows
    assert rows.groupby(["trade", "misnamed", "whole", "at"]).on.nunique().tolist() == [len(TASKS)] * 7
    assert rows[["zero-shot", "probe"]].notna().all(axis=None)
