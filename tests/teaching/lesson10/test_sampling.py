"""Lesson 10's jobs for photos: each has one, none is left without, and what looks alike has a cosine near 1."""

import pytest
import torch
from noise_task import noise_task

from lessons_lib import LinearProbe, TextProbe
from lessons_lib.teaching.lesson10 import sampling
from lessons_lib.teaching.lesson10.album import draw_album
from lessons_lib.teaching.lesson10.folders import load


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    return draw_album(tmp_path_factory.mktemp("photos"), per_class=8, bursts=2, misfiled=0)


@pytest.fixture(scope="module")
def task(album):
    return load(album.folder, quiet=True, skip_unreadable=True)


def test_tiny_photos_have_length_one_and_no_colour_of_their_own(task):
    small = sampling.tiny(task.test)
    assert small.shape == (len(task.test), 768)
    torch.testing.assert_close(small.norm(dim=1), torch.ones(len(small)))
    assert small.view(-1, 256, 3).mean(dim=1).abs().max() < 1e-6


def test_two_photos_of_one_moment_are_more_alike_than_others(album, task):
    small, paths = sampling.tiny(task.pool), task.pool.paths
    places = {path: i for i, path in enumerate(paths)}
    pairs = [[album.folder / file for file in pair] for pair in album.bursts]
    both = [(places[a], places[b]) for a, b in pairs if a in places and b in places]
    assert both and min(small[a] @ small[b] for a, b in both) > 0.8 > (small @ small.T).median()


def test_rows_are_left_out_and_a_class_that_would_vanish_is_kept_and_named(task, capsys):
    split = task.test
    some = split.labels.ne(0).nonzero().flatten()[::4].tolist()
    first = (split.labels == 0).nonzero().flatten().tolist()
    fewer = sampling.without(split, torch.tensor(some))
    assert fewer.paths == [path for i, path in enumerate(split.paths) if i not in some]
    assert capsys.readouterr().out == "" and len(sampling.without(split, [])) == len(split)
    assert sampling.without(split, [*first, *some]).counts[0] == len(first)
    said = capsys.readouterr().out
    assert said.startswith(f"{split.classnames[0]}: ") and "SAME_MOMENT" in said


def test_the_rest_is_what_has_no_job_and_all_where_nothing_is_left(task):
    used = task.val_pool.subset([0, 3])
    rest = sampling.rest_of(task.val_pool, used)
    assert set(rest.paths).isdisjoint(used.paths) and len(rest) == len(task.val_pool) - 2
    assert sampling.rest_of(task.val_pool, task.val_pool) is task.val_pool


def test_a_fit_shows_no_bar_whether_or_not_the_method_has_one(clip, capsys):
    few = noise_task()
    for method in (LinearProbe(clip), TextProbe(clip)):
        assert sampling.fit(method, few) is method
        assert method.score(few.test) >= 0
    assert "%|" not in "".join(capsys.readouterr())
