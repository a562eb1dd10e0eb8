"""The pretend accelerator is one: it refuses what an accelerator refuses, and counts what waits for it. On it, features
and pre-training are the CPU's, and a run begun there ends on the CPU."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from pretend import NAME
from pretrain.test_pretraining import SETTINGS, make_run, normalise, stream
from tiny_clip import tiny_clip
from torch.nn.attention import SDPBackend, sdpa_kernel

from lessons_lib.device import accelerator, resolve_device
from lessons_lib.features import image_features
from lessons_lib.methods import CoOp, MaPLe
from lessons_lib.pretrain.loop import Run


def test_it_is_an_accelerator_as_torch_knows_them(pretend):
    assert accelerator() == resolve_device("auto") == resolve_device(NAME) == torch.device(NAME)
    x = torch.ones(2, 3).to(NAME)
    assert x.device == torch.device(NAME, 0) and torch.zeros(2, device=NAME).device == x.device
    assert (x @ x.T).device == x.device and torch.tensor([1.0, 2.0], device=NAME).device == x.device


def test_elsewhere_it_is_not_there():
    with pytest.raises(ValueError, match="unknown device 'pretend'|torch finds no pretend here"):
        resolve_device(NAME)


def test_tensors_of_the_cpu_are_refused_beside_its_own(pretend):
    x, here = torch.ones(3).to(NAME), torch.ones(3)
    for mixed in (lambda: x + here, lambda: here * x, lambda: x[here.long()], lambda: torch.cat([x, here])):
        with pytest.raises(RuntimeError, match=r"given a tensor \(3,\) on cpu and one on pretend"):
            mixed()
    with pytest.raises(TypeError, match="can't convert pretend"):
        x.numpy()
    assert (2 * x + here[0]).tolist() == [3, 3, 3], "a number, and a scalar, may come from the CPU"


def test_gradients_are_its_own_and_in_place_changes_what_shares_the_numbers(pretend):
    w = torch.nn.Parameter(torch.ones(3).to(NAME))
    (w * w).sum().backward()
    assert w.grad.device.type == NAME and w.grad.tolist() == [2, 2, 2]
    x = torch.zeros(2, 2).to(NAME)
    x[0] += 1
    assert x.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("waits", "work"),
    [
        (0, lambda x: (x * 2).softmax(dim=-1)[:, 1:].sum()),
        (0, lambda x: torch.ones(3, 4).to(x.device, non_blocking=True)),
        (0, lambda x: torch.where(x > 0, x, 0.0)),
        (1, lambda x: torch.ones(3, 4).to(x.device)),
        (1, lambda x: torch.tensor([1.0, 2.0], device=x.device)),
        (1, lambda x: x.sum().item()),
        (1, lambda x: bool(x.sum() > 0)),
        (1, lambda x: x.cpu()),
        (1, lambda x: x.tolist()),
        (1, lambda x: x[x > 0]),
        (1, lambda x: x.nonzero()),
    ],
)
def test_every_wait_is_counted_and_nothing_else(pretend, waits, work):
    x = torch.ones(3, 4).to(NAME)
    pretend.clear()
    work(x)
    assert sum(pretend.values()) == waits


@pytest.mark.parametrize("settings", [{}, {"view": 2, "seed": 3}, {"output": "tokens"}, {"output": "unprojected"}])
def test_features_are_those_of_the_cpu_and_come_back_from_the_cache(pretend, task, settings):
    with sdpa_kernel(SDPBackend.MATH):
        computed, cached = (image_features(tiny_clip(device=NAME), task.train, **settings) for _ in range(2))
        wanted = image_features(tiny_clip(), task.train, **settings)
    assert computed.device.type == cached.device.type == NAME and torch.equal(computed.cpu(), cached.cpu())
    assert (computed.cpu().float() - wanted.float()).abs().max() < (1e-5 if wanted.dtype == torch.float32 else 1e-3)


@pytest.mark.parametrize(("method", "views"), [(CoOp, 2), (MaPLe, "plain"), (MaPLe, "fresh")])
def test_a_run_begun_there_goes_on_on_the_cpu_and_back(pretend, task, tmp_path, method, views):
    how = {"epochs": 3, "lr": 0.01, "batch_size": 8, "views": views, "optimizer": "adamw", "progress": False}

    def stopped(epoch, _):
        if epoch == wanted:
            raise KeyboardInterrupt

    with sdpa_kernel(SDPBackend.MATH):
        whole = method(tiny_clip(), n_ctx=2).fit(task, **how)
        for wanted, device in ((2, NAME), (3, "cpu"), (4, NAME)):
            going = method(tiny_clip(device=device), n_ctx=2)
            going.after_epoch = stopped
            try:
                going.fit(task, checkpoint=tmp_path / "run.pt", **how)
            except KeyboardInterrupt:
                assert len(going.history) == wanted - 1
    for name, value in whole.state_dict().items():
        assert (going.state_dict()[name].cpu() - value).abs().max() < 1e-5
    assert [row["loss"] for row in going.history] == pytest.approx([row["loss"] for row in whole.history], abs=1e-5)


def test_pretraining_is_the_cpus_waits_so_often_a_step_and_goes_on_elsewhere(pretend, tmp_path):
    whole = replace(SETTINGS, patch_dropout=0.0)  # open_clip's picks patches by rows that lie on the CPU
    device, here = torch.device(NAME), make_run(whole)
    there = Run(make_run(whole).model.to(device), whole, normalise, device, None)
    pairs = iter(stream())
    for _ in range(2):
        batch = next(pairs)
        pretend.clear()
        with sdpa_kernel(SDPBackend.MATH):
            assert there.train_step(*batch) == pytest.approx(here.train_step(*batch), abs=1e-5)
        assert pretend == Counter({"_local_scalar_dense": 1 + 3}), "for the loss, and where each group of texts ends"
    there.save(tmp_path / "run.pt")
    on = make_run(whole, seed=1)
    on.load(tmp_path / "run.pt")
    batch = next(pairs)
    assert on.train_step(*batch) == pytest.approx(here.train_step(*batch), abs=1e-5)
