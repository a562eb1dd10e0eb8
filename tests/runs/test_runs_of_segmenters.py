"""Methods that say a class a pixel go through the command line and through sweeps as any other: nothing there knows
them."""

import re

import pytest
import torch
from noise_task import mask_task
from tiny_clip import tiny_clip, tiny_groupvit

from lessons_lib.cli import main
from lessons_lib.methods import METHODS, load_method
from lessons_lib.runs import Plan
from lessons_lib.runs.cell import Cell, FitAndTest

CPU = {"device": "cpu", "precision": "fp32"}
BRIEF = {"epochs": 1, "lr": 0.01, "batch_size": 4}


@pytest.fixture
def around(monkeypatch):
    """The tiny model that everything is built around, and any task the one of masks."""

    def take(clip):
        monkeypatch.setattr("lessons_lib.clip.load_clip", lambda *_, **__: clip)
        monkeypatch.setattr("lessons_lib.data.load_task", lambda name, shots=None, seed=1, **_: mask_task(
            shots=shots, seed=seed))  # fmt: skip
        return clip

    return take


def measured(said: str, metric: str) -> float:
    return float(re.findall(rf"([\d.]+) % {metric}\b", said)[-1])


def test_lseg_is_fitted_kept_and_measured_again_by_the_command_line(around, tmp_path, capsys):
    clip, out = around(tiny_clip()), str(tmp_path / "lseg.safetensors")
    words = ["--shots", "1", "--seed", "2", "--epochs", "1", "--lr", "0.01", "--batch-size", "4"]
    settings = ["--set", "channels=4", "--set", "block=depthwise", "--set", "hooks=[1, 2]"]
    assert main(["fit", "lseg", "masks", *words, *settings, "--out", out]) == 0
    said, task = capsys.readouterr().out, mask_task(shots=1, seed=2)
    ours = METHODS["LSeg"](clip, "depthwise", channels=4, hooks=[1, 2]).fit(task, seed=2, progress=False, **BRIEF)
    again = load_method(out, clip)
    assert all(torch.equal(w, ours.state_dict()[name]) for name, w in again.state_dict().items())
    assert measured(said, "mIoU") == round(ours.score(task.test), 1)
    assert main(["eval", out, "masks", "--pretrained", "x", "--per-class"]) == 0
    assert measured(capsys.readouterr().out, "mIoU") == round(ours.score(task.test), 1)
    assert main(["fit", "lseg", "masks", "--views", "fresh"]) == 2
    assert "masks would not move with augmented views" in capsys.readouterr().err


@pytest.mark.parametrize(
    "method, make, settings, fit",
    [("LSeg", tiny_clip, {"channels": 4}, BRIEF), ("GroupViT", tiny_groupvit, {"threshold": 0.2}, {})],
)
def test_a_cell_of_a_sweep_measures_what_the_library_measures(around, method, make, settings, fit):
    clip, work = around(make()), FitAndTest(**CPU)
    cells = [
        Cell(protocol, method, method, "masks", 1, seed=2, settings=settings, fit=fit)
        for protocol in ("few-shot", "base-to-new")
    ]
    plan = Plan(work, cells)
    assert len(set(plan.digests)) == 2
    few, halves = (work.carry_out(cell) for cell in cells)
    how = {**fit, "seed": 2, "progress": False} if fit else {}
    task = mask_task(shots=1, seed=2)
    ours = METHODS[method](clip, **settings).fit(task, **how)
    assert {row.metric: row.value for row in few.rows} == pytest.approx(ours.measure(task.test))
    base = METHODS[method](clip, **settings).fit(task.base(), **how)
    new = base.for_classes(task.new().classnames)
    found = {(row.on, row.metric): row.value for row in halves.rows}
    scores = {value for (_, metric), value in found.items() if metric == "mIoU"}
    assert scores == {base.score(task.base().test), new.score(task.new().test)}


def test_what_a_method_cannot_do_is_said_before_a_sweep_starts(around):
    around(tiny_clip())
    with pytest.raises(ValueError, match="which makes no groups"):
        FitAndTest(**CPU).check([Cell("few-shot", "GroupViT", "GroupViT", "masks", 1)])
    with pytest.raises(ValueError, match="views='fresh': masks would not move"):
        FitAndTest(**CPU).check([Cell("few-shot", "LSeg", "LSeg", "masks", 1, fit={"views": "fresh"})])
