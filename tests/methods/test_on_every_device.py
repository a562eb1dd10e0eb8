"""What a GPU changes: nothing but rounding. Features, every method's training, saving and going on, on every device
that is here, against the CPU in full precision."""

import pytest
import torch
from tiny_clip import tiny_clip

from lessons_lib import training
from lessons_lib.features import image_features
from lessons_lib.methods import METHODS, CoOp, load_method
from lessons_lib.methods.learned import Learned

SETTINGS = {
    "LinearProbe": {"refinements": 0},
    "VPT": {"depth": 2},
    "MaPLe": {"prompt_depth": 2},
    "TipAdapter": {"finetune": True, "n_views": 0, "search_steps": (6, 4)},
}
NEAR = 5e-3  # of cosines: a GPU may round the products of a convolution to ten bits


@pytest.fixture(scope="module")
def reference(clip):
    """The CPU's, in full precision."""
    return clip


def fitted(name, clip, task, **changes):
    method = METHODS[name](clip, **SETTINGS.get(name, {}))
    brief = {"epochs": 2, "lr": 0.02, "batch_size": 10, "progress": False} if isinstance(method, Learned) else {}
    brief = {"epochs": 5, "progress": False} if name == "LPPlusPlus" else brief
    return method.fit(task, **{**brief, **changes})


def assert_near(found, wanted):
    """Logits (N, C), wherever they were computed."""
    assert (found.cpu() - wanted.cpu()).abs().max() < NEAR * max(1, wanted.abs().max())


def test_features_are_those_of_the_cpu_and_come_back_from_the_cache(device, task, reference):
    clip = tiny_clip(device=device)
    for settings in ({}, {"view": 2, "seed": 3}):
        computed, cached = (image_features(clip, task.train, **settings) for _ in range(2))
        assert computed.device.type == cached.device.type == device and torch.equal(computed, cached)
        assert (computed.cpu() - image_features(reference, task.train, **settings)).abs().max() < NEAR


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_on_the_device_what_it_learns_on_the_cpu(name, device, task, reference):
    method, wanted = fitted(name, tiny_clip(device=device), task), fitted(name, reference, task)
    assert all(tensor.device.type == device for tensor in method.parameters())
    assert all(tensor.dtype == torch.float32 for tensor in method.parameters())
    if name != "LinearProbe":  # whose strength is chosen among values that can be equally good
        assert_near(method.logits(task.test), wanted.logits(task.test))
    losses, wanted_losses = ([row["loss"] for row in getattr(m, "history", [])] for m in (method, wanted))
    assert losses == pytest.approx(wanted_losses, rel=0.02)


@pytest.mark.parametrize("name", METHODS)
def test_what_was_saved_on_the_device_comes_back_there_and_on_the_cpu(name, device, task, reference, tmp_path):
    clip = tiny_clip(device=device)
    method = fitted(name, clip, task)
    path = method.save(tmp_path / "method.safetensors")
    assert torch.equal(load_method(path, clip).logits(task.test), method.logits(task.test))
    assert_near(load_method(path, reference).logits(task.test), method.logits(task.test))


@pytest.mark.parametrize("name", ["CoOp", "VPT"])
def test_a_run_that_was_stopped_goes_on_on_the_device(name, device, task, tmp_path, monkeypatch):
    clip, file = tiny_clip(device=device), tmp_path / "run.pt"
    whole = fitted(name, clip, task, epochs=3)
    epoch = training._epoch

    def stopped(method, inputs, optimizer, recipe, number):
        if number == 3:
            raise KeyboardInterrupt
        return epoch(method, inputs, optimizer, recipe, number)

    monkeypatch.setattr(training, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        fitted(name, clip, task, epochs=3, checkpoint=file)
    monkeypatch.setattr(training, "_epoch", epoch)
    resumed = fitted(name, clip, task, epochs=3, checkpoint=file)
    for p, q in zip(resumed.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["CoOp", "CoCoOp", "MaPLe"])
def test_bfloat16_trains_parameters_in_full_precision(name, device, task, reference):
    method = fitted(name, tiny_clip(device=device, precision="bf16"), task)
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in method.parameters())
    losses, wanted = ([row["loss"] for row in m.history] for m in (method, fitted(name, reference, task)))
    assert losses == pytest.approx(wanted, rel=0.1) and losses != wanted


@pytest.mark.parametrize("views", ["plain", 2, "fresh"])
def test_batches_are_the_same_rows_on_the_device(views, device, task):
    """What training is fed, in the order that it asks for, and the labels that go with it."""
    seen = []

    class Watching(CoOp):
        def loss(self, inputs, labels):
            seen.append((inputs, labels))
            return super().loss(inputs, labels)

    clip = tiny_clip(device=device)
    Watching(clip, n_ctx=2).fit(task, epochs=1, batch_size=6, views=views, progress=False)
    features = image_features(clip, task.train) if views == "plain" else None
    draws = torch.Generator().manual_seed(1 * 1_000_003 + 1)
    order = torch.randperm(len(task.train), generator=draws).split(6)[:3]
    for rows, (inputs, labels) in zip(order, seen, strict=True):
        assert inputs.device.type == labels.device.type == device and inputs.shape == (6, clip.embed_dim)
        assert torch.equal(labels.cpu(), task.train.labels[rows])
        assert features is None or torch.equal(inputs, features[rows.to(device)])
