"""What lesson 01 tells of ToyCLIP is read from the record of its pre-training."""

import pytest
import torch

from lessons_lib.teaching.lesson01 import recorded, towers


def made(**changes):
    settings = {"steps": 3000, "batch_size": 256, "patch_dropout": 0.5, "whole_from": 0.85, "clip_grad": 1.0}
    return {"settings": settings, "stopped_at": 3000, "pairs": 768_000, **changes}


def test_a_schedule_that_ran_to_its_end_is_told_so():
    table = recorded.beside(made(), steps=500, batch=128)
    assert table.yours["steps"] == "500" and table.ToyCLIP["steps"] == "3,000"
    assert table.ToyCLIP["patches hidden"] == "50%, from step 2,550 on none"
    assert table.ToyCLIP["pairs in all"] == "768,000, each seen once" and table.yours["pairs in all"].startswith(
        "64,000"
    )


def test_a_schedule_that_was_stopped_is_told_so():
    table = recorded.beside(made(stopped_at=2200), steps=500, batch=128)
    assert table.ToyCLIP["steps"] == "2,200 of a schedule of 3,000"
    assert table.ToyCLIP["patches hidden"] == "50% throughout"


def test_what_is_said_of_a_difference_follows_its_interval():
    said = recorded.told({"a": [5.0, 6.0, 7.0], "b": [-5.0, -6.0, -7.0], "c": [-5.0, 6.0, 1.0]}).splitlines()
    assert said[0] == "a: +6.0 ± 2.5 points: ahead"
    assert said[1].endswith("behind") and said[2].endswith("cannot be told apart")


def test_the_three_ways_are_those_of_the_record():
    assert (
        recorded.WAYS == (recorded.MATCH_BAGS, recorded.MATCH, recorded.PREDICT) == tuple(recorded.OBJECTIVES.values())
    )


def test_shapes_are_those_that_each_part_hands_on():
    tower = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2))
    assert towers.shapes(tower, ["0", ""], torch.zeros(4, 3)) == {"0": "4 × 5", "": "4 × 2"}
    assert not tower._forward_hooks and not tower[0]._forward_hooks
    with pytest.raises(AttributeError):
        towers.shapes(tower, ["7"], torch.zeros(4, 3))
