"""Large pictures are drawn in windows: to the bit what drawing every shape over all pixels gives."""

import pytest
import torch

from lessons_lib import toyworld
from lessons_lib.toyworld import draw_several, windows
from lessons_lib.toyworld.coverage import COL
from lessons_lib.toyworld.render import paint


def scenes_of(task):
    if task in toyworld.SEVERAL:
        return draw_several(task, "val", count=12)[0]
    scenes = toyworld.draw_scenes(task, "val", per_class=1)[0]
    return scenes[list(range(0, len(scenes), max(1, len(scenes) // 12)))]


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("task", ["toy_scene_boxes", "toy_flowers", "toy_scenes", "toy_words"])
def test_windows_leave_nothing_out(task, size):
    tables = scenes_of(task).tables
    rgb = tables[:, :, COL["red"] : COL["blue"] + 1]
    whole = torch.cat([paint(some, size) for some in tables.split(8)])
    assert torch.equal(windows.paint(tables, rgb, torch.zeros(len(tables), 3, size, size)), whole)


def test_a_window_that_is_too_small_would_be_noticed(monkeypatch):
    tables = scenes_of("toy_flowers").tables
    rgb, right = tables[:, :, COL["red"] : COL["blue"] + 1], windows.extents
    monkeypatch.setattr(windows, "extents", lambda *given: tuple(0.8 * each for each in right(*given)))
    assert not torch.equal(windows.paint(tables, rgb, torch.zeros(len(tables), 3, 128, 128)), paint(tables, 128))


def test_many_threads_and_chunks_draw_the_same_large_pictures():
    scenes = scenes_of("toy_scene_boxes")
    first = scenes.render(size=128)
    assert torch.equal(scenes.render(size=128, chunk=5), first)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(scenes.render(size=128), first)
    finally:
        torch.set_num_threads(before)
