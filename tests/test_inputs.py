"""Processes that open images start once for a whole training, and give what this one would."""

import os

import torch

from lessons_lib.inputs import Inputs


def whose(image) -> torch.Tensor:
    """A picture's view that says which process made it."""
    return torch.full((3, 32, 32), float(os.getpid()))


def epoch_of(inputs, epoch, rows=4):
    return torch.cat(list(inputs.batches(epoch, list(torch.arange(len(inputs.split)).split(rows)))))


def test_the_processes_of_the_first_epoch_serve_the_others(clip, task):
    inputs = Inputs(clip, task.train, views="fresh", seed=1, pixels=True, workers=1, augment=whose)
    makers = [set(epoch_of(inputs, epoch).unique().tolist()) for epoch in (1, 2, 3)]
    assert len(makers[0]) == 1 and makers[0] == makers[1] == makers[2] != {float(os.getpid())}


def test_an_epoch_that_was_broken_off_leaves_nothing_behind(clip, task):
    inputs = Inputs(clip, task.train, views="fresh", seed=1, pixels=True, workers=1)
    rows = list(torch.arange(len(task.train)).split(2))
    next(inputs.batches(1, rows))
    alone = Inputs(clip, task.train, views="fresh", seed=1, pixels=True)
    for epoch in (2, 3):
        assert torch.equal(epoch_of(inputs, epoch), epoch_of(alone, epoch))


def test_processes_end_when_all_views_are_in_memory(clip, task):
    inputs = Inputs(clip, task.train, views=2, seed=1, pixels=True, workers=1)
    epoch_of(inputs, 1)
    assert inputs._loader is not None
    epoch_of(inputs, 2)
    assert inputs._loader is None
