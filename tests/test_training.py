"""Training: the published schedule and nothing else, the same every time, and no run is lost to a kill or a NaN."""

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from noise_task import noise_task
from photo_folders import photo
from pretend import registered
from tiny_clip import tiny_clip

import lessons_lib as ll
from lessons_lib import training
from lessons_lib.features import image_features
from lessons_lib.inputs import Inputs
from lessons_lib.methods import VPT, CoCoOp, CoOp, MaPLe
from lessons_lib.recipe import Recipe

SETTINGS = {"epochs": 3, "lr": 0.1, "batch_size": 8, "progress": False}  # 20 images: two steps an epoch


def fit(clip, task, method=CoOp, **changes):
    return method(clip, n_ctx=4 if method is CoCoOp else 2).fit(task, **{**SETTINGS, **changes})


def learned(method):
    return torch.cat([p.detach().flatten() for p in method.parameters()])


def rows(method):
    """The history without the times."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in method.history]


def assert_same_run(a, b):
    assert torch.equal(learned(a), learned(b))
    assert rows(a) == rows(b)


def optimizers_seen(monkeypatch):
    """A list that fills with the settings that the optimizer runs with, a row a step."""
    seen = []
    make = Recipe.make_optimizer

    def watched(recipe, parameters):
        optimizer = make(recipe, parameters)
        optimizer.register_step_pre_hook(lambda o, *_: seen.append({**o.param_groups[0], "kind": type(o)}))
        return optimizer

    monkeypatch.setattr(Recipe, "make_optimizer", watched)
    return seen


# --- the schedule


def test_the_schedule_is_the_published_one_number_by_number():
    recipe = Recipe(epochs=5, lr=0.002, batch_size=32)
    expected = [1e-5, 0.002, 0.0018090169943749474, 0.0013090169943749475, 0.0006909830056250526]
    assert [recipe.learning_rate(epoch) for epoch in range(1, 6)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("epochs", [2, 10, 50, 200])
def test_the_second_epoch_runs_at_the_full_rate_and_the_last_one_not_at_zero(epochs):
    recipe = Recipe(epochs=epochs, lr=0.5, batch_size=1)
    rates = [recipe.learning_rate(epoch) for epoch in range(1, epochs + 1)]
    assert rates[:2] == [1e-5, 0.5]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == pytest.approx(0.25 * (1 + math.cos(math.pi * (epochs - 2) / epochs)))
    assert rates[-1] > 0


def test_the_optimizer_runs_at_the_rates_that_the_history_tells(clip, task, monkeypatch):
    seen = optimizers_seen(monkeypatch)
    method = fit(clip, task, epochs=4, lr=0.2)
    assert [row["lr"] for row in method.history] == pytest.approx([1e-5, 0.2, 0.1 * (1 + math.sqrt(0.5)), 0.1])
    assert [step["lr"] for step in seen] == [row["lr"] for row in method.history for _ in range(2)]
    assert [row["epoch"] for row in method.history] == [1, 2, 3, 4]
    assert all(row["seconds"] > 0 for row in method.history)


def test_sgd_has_the_published_momentum_and_weight_decay_and_no_nesterov(clip, task, monkeypatch):
    seen = optimizers_seen(monkeypatch)
    fit(clip, task, epochs=1)
    assert seen[0]["kind"] is torch.optim.SGD
    assert (seen[0]["momentum"], seen[0]["weight_decay"], seen[0]["nesterov"], seen[0]["dampening"]) == (
        0.9,
        5e-4,
        False,
        0,
    )


def test_two_steps_of_sgd_are_what_the_formula_says(clip, task):
    """v ← 0.9 v + g + 5e-4 p,  p ← p − lr v, from the start that the seed draws, at 1e-5 and then at lr."""
    method = fit(clip, task, epochs=2, batch_size=20, lr=0.1, seed=3)
    expected = CoOp(clip, n_ctx=2)
    expected.set_classes(task.classnames)
    expected.reset(3)
    features, velocity = image_features(clip, task.train), torch.zeros_like(expected.ctx)
    for lr in (1e-5, 0.1):
        (g,) = torch.autograd.grad(expected.loss(features, task.train.labels), expected.ctx)
        velocity = 0.9 * velocity + g + 5e-4 * expected.ctx.detach()
        expected.ctx.data -= lr * velocity
    torch.testing.assert_close(method.ctx, expected.ctx, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(method.ctx, CoOp(clip, n_ctx=2).ctx, atol=1e-3)


def test_adamw_trains_on_the_same_schedule(clip, task, monkeypatch):
    seen = optimizers_seen(monkeypatch)
    method = fit(clip, task, optimizer="adamw", lr=0.01, epochs=6)
    assert seen[0]["kind"] is torch.optim.AdamW and seen[0]["weight_decay"] == 5e-4
    assert [row["lr"] for row in method.history[:2]] == [1e-5, 0.01]
    assert method.history[-1]["loss"] < method.history[0]["loss"]
    assert not torch.equal(learned(method), learned(fit(clip, task, lr=0.01, epochs=6)))


def test_every_image_is_seen_once_an_epoch_and_a_broken_batch_is_left_out(clip, task):
    seen = []

    class Watching(CoOp):
        def loss(self, inputs, labels):
            seen.append((inputs, labels))
            return super().loss(inputs, labels)

    features = image_features(clip, task.train)
    for batch_size, sizes in ((8, [8, 8]), (10, [10, 10]), (64, [20])):
        seen.clear()
        fit(clip, task, Watching, epochs=1, batch_size=batch_size)
        assert [len(labels) for _, labels in seen] == sizes
        place = torch.cdist(torch.cat([inputs for inputs, _ in seen]), features).argmin(dim=1)
        assert len(set(place.tolist())) == sum(sizes)
        assert torch.equal(task.train.labels[place], torch.cat([labels for _, labels in seen]))


def test_the_history_holds_the_mean_loss_of_the_steps(clip, task):
    losses = []

    class Watching(CoOp):
        def loss(self, inputs, labels):
            losses.append(super().loss(inputs, labels))
            return losses[-1]

    method = fit(clip, task, Watching, epochs=2)
    means = torch.stack(losses).detach().unflatten(0, (2, 2)).mean(dim=1)
    assert [row["loss"] for row in method.history] == pytest.approx(means.tolist(), rel=1e-6)


# --- seeds


@pytest.mark.parametrize("method", [CoOp, CoCoOp, MaPLe])
def test_torchs_own_generator_neither_matters_nor_moves(clip, task, method):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = fit(clip, task, method, epochs=2, views="fresh")
    first.for_classes(["hat", "shoe"])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert_same_run(first, fit(clip, task, method, epochs=2, views="fresh"))


def order_of(clip, task, epoch, **changes):
    """The labels in the order in which an epoch takes them."""
    labels_seen = []

    class Watching(CoOp):
        def loss(self, inputs, labels):
            labels_seen.append(labels)
            return super().loss(inputs, labels)

    fit(clip, task, Watching, batch_size=10, **{"epochs": epoch, **changes})
    return torch.stack(labels_seen).unflatten(0, (-1, 2))[epoch - 1].tolist()


def test_the_order_depends_on_the_seed_and_the_epoch_alone(clip, task):
    second = order_of(clip, task, 2)
    assert order_of(clip, task, 2, epochs=3, lr=0.3, optimizer="adamw") == second
    assert order_of(clip, task, 1) != second
    assert order_of(clip, task, 2, seed=2) != second


# --- views


def test_plain_inputs_are_the_cached_features(clip, task):
    inputs = Inputs(clip, task.train, views="plain", seed=1, pixels=False)
    chosen = [torch.tensor([3, 1]), torch.tensor([7])]
    for epoch in (1, 2):
        batches = list(inputs.batches(epoch, chosen))
        assert [torch.equal(b, image_features(clip, task.train)[r]) for b, r in zip(batches, chosen)] == [True, True]


@pytest.mark.parametrize("pixels", [False, True])
def test_fixed_views_are_used_in_turn_and_made_once(clip, task, pixels, monkeypatch):
    made = []
    augment = clip.augment
    monkeypatch.setattr(clip, "augment", Counted(augment, made))
    inputs = Inputs(clip, task.train, views=2, seed=1, pixels=pixels)
    everything = [torch.arange(len(task.train))]
    first, second, third, fourth = (next(iter(inputs.batches(epoch, everything))) for epoch in (1, 2, 3, 4))
    assert torch.equal(first, third) and torch.equal(second, fourth)
    assert not torch.equal(first, second)
    assert len(made) == 2 * len(task.train)


class Counted:
    """A transform that counts its calls, and is never cached on disk."""

    def __init__(self, transform, calls):
        self.transform, self.calls = transform, calls

    def __call__(self, picture):
        self.calls.append(picture.size)
        return self.transform(picture)


@pytest.mark.parametrize("pixels", [False, True])
def test_fresh_views_differ_in_every_epoch_and_are_the_same_in_every_run(clip, task, pixels):
    everything = [torch.arange(len(task.train))]

    def view(epoch):
        inputs = Inputs(clip, task.train, views="fresh", seed=1, pixels=pixels)
        return next(iter(inputs.batches(epoch, everything)))

    assert torch.equal(view(1), view(1))
    assert not torch.isclose(view(1), view(2)).all(dim=1).any()
    assert view(1).shape == ((20, 3, 32, 32) if pixels else (20, 32))


def test_views_make_a_difference(clip, task):
    runs = [learned(fit(clip, task, views=views)) for views in ("plain", 1, 2, "fresh")]
    assert not any(torch.equal(a, b) for i, a in enumerate(runs) for b in runs[:i])


@pytest.mark.parametrize("views", ["plain", 2])
def test_features_from_the_cache_give_the_same_run(clip, task, views, tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    first = fit(clip, task, views=views)
    assert list(tmp_path.rglob("*.safetensors"))
    monkeypatch.setattr(clip, "encode_images", None)  # nothing is computed any more
    assert_same_run(first, fit(clip, task, views=views))


@pytest.mark.parametrize("views", ["plain", 2])
def test_images_kept_in_memory_or_loaded_batch_by_batch_give_the_same_run(clip, task, views, monkeypatch):
    kept = fit(clip, task, MaPLe, views=views)
    monkeypatch.setitem(Inputs.__init__.__kwdefaults__, "in_memory", 0)
    assert not Inputs(clip, task.train, views=views, seed=1, pixels=True).fits
    assert_same_run(kept, fit(clip, task, MaPLe, views=views))


@pytest.mark.parametrize("views", [0, -1, 1.5, True, "augmented", None, 10**12])
def test_views_that_do_not_exist_are_refused_before_anything_is_lost(clip, task, views):
    method = fit(clip, task)
    before = learned(method)
    with pytest.raises(ValueError, match=r"views=.*: give 'plain', a number of fixed augmented views, 1 to 10000, or"):
        method.fit(task, views=views)
    assert torch.equal(learned(method), before)
    with pytest.raises(ValueError, match="views="):
        Inputs(clip, task.train, views=views, seed=1, pixels=True)


@pytest.fixture(scope="module")
def photo_task(tmp_path_factory):
    """Photos of many sizes, wide and tall."""
    root = tmp_path_factory.mktemp("photos")
    for part, count in (("train", 4), ("val", 1), ("test", 2)):
        for c, name in enumerate(("cat", "dog")):
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                number = 100 * c + 10 * len(part) + i
                photo(number, width=30 + 9 * i, height=50 - 7 * i).save(root / part / name / f"{i}.png")
    return ll.load_task(root, shots=4)


@pytest.mark.parametrize("method", [CoOp, MaPLe])
def test_photos_of_many_sizes_train_and_other_processes_open_them_alike(clip, photo_task, method):
    alone = fit(clip, photo_task, method, epochs=2, views="fresh")
    assert_same_run(alone, fit(clip, photo_task, method, epochs=2, views="fresh", workers=1))
    assert alone.logits(photo_task.test).shape == (4, 2)
    assert len(fit(clip, photo_task, method, epochs=1, views="plain").history) == 1


def test_the_number_of_workers_reaches_the_features(clip, photo_task, tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    asked = []
    real = torch.utils.data.DataLoader
    monkeypatch.setattr(
        "lessons_lib.features.DataLoader", lambda *a, **k: asked.append(k["num_workers"]) or real(*a, **k)
    )
    fit(clip, photo_task, epochs=1, views=2, workers=1)
    assert asked == [1]


@pytest.mark.parametrize("views", ["plain", "fresh"])
@pytest.mark.parametrize("pixels", [False, True])
def test_a_share_of_a_batch_without_images_is_an_empty_tensor(clip, photo_task, views, pixels):
    """What a process gets where there are more processes than images in a batch."""
    inputs = Inputs(clip, photo_task.train, views=views, seed=1, pixels=pixels, in_memory=0)
    batches = list(inputs.batches(1, [torch.tensor([], dtype=torch.long), torch.tensor([0, 1])]))
    assert [len(batch) for batch in batches] == [0, 2]
    assert batches[0].shape[1:] == batches[1].shape[1:]


# --- runs that are stopped and go on


class Stopped(Exception):
    pass


def stop_after(monkeypatch, calls):
    """The next run dies when it asks for its `calls`-th loss."""
    count = iter(range(1, calls + 1))
    real = CoOp.loss

    def loss(self, inputs, labels):
        if next(count) == calls:
            raise Stopped
        return real(self, inputs, labels)

    monkeypatch.setattr(CoOp, "loss", loss)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("calls", [1, 2, 3, 6, 7])
def test_a_run_that_stopped_anywhere_ends_as_if_it_had_not(clip, task, tmp_path, calls, optimizer):
    path = tmp_path / "run.pt"
    settings = {"epochs": 4, "optimizer": optimizer, "views": "fresh"}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, calls)
        fit(clip, task, checkpoint=path, **settings)
    assert path.exists() == (calls > 2)
    assert_same_run(fit(clip, task, checkpoint=path, **settings), fit(clip, task, **settings))


def in_another_process(work):
    """Runs `work` in a copy of this process, which is not waited for."""
    process = multiprocessing.get_context("fork").Process(target=alone, args=(work,), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the copy does not have and need
        process.start()
    return process


def alone(work):
    torch.set_num_threads(1)  # the threads of the other process are not here
    work()


@pytest.mark.skipif(sys.platform != "linux", reason="copies its own process, which only Linux does safely")
@pytest.mark.parametrize("calls", [2, 5, 8])
def test_a_killed_process_is_gone_on_from(clip, task, tmp_path, calls, request):
    if registered:  # a device's threads are missing in a copy of the process: again in one without the device
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", request.node.nodeid]
        without = os.environ | {"LESSONS_NO_PRETEND": "1"}
        done = subprocess.run(command, cwd=request.config.rootpath, env=without, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        return
    path, dying = tmp_path / "run.pt", tmp_path / "dying"

    def run():
        count, real = iter(range(1, 100)), CoOp.loss

        def loss(*args):
            if next(count) == calls:
                dying.touch()
                time.sleep(60)  # until the kill
            return real(*args)

        CoOp.loss = loss
        fit(clip, task, epochs=4, checkpoint=path)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same sums in both processes
    try:
        process = in_another_process(run)
        while process.is_alive() and not dying.exists():
            time.sleep(0.01)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert {entry.name for entry in tmp_path.iterdir()} == {"dying"} | ({"run.pt"} if calls > 2 else set())
        epochs = []
        with pytest.MonkeyPatch.context() as patch:
            real = training._epoch
            patch.setattr(training, "_epoch", lambda *args: epochs.append(args[-1]) or real(*args))
            resumed = fit(clip, task, epochs=4, checkpoint=path)
        assert epochs == list(range((calls + 1) // 2, 5))
        assert_same_run(resumed, fit(clip, task, epochs=4))
    finally:
        torch.set_num_threads(threads)


def test_a_finished_run_comes_back_at_once(clip, task, tmp_path, monkeypatch):
    path = tmp_path / "deep" / "down" / "run.pt"
    first = fit(clip, task, checkpoint=path)
    written = path.read_bytes()
    monkeypatch.setattr(CoOp, "loss", None)
    monkeypatch.setattr(training, "Inputs", None)  # and no image is looked at
    again = fit(clip, task, checkpoint=path)
    assert_same_run(first, again)
    assert again.history == first.history
    assert not again.training
    assert path.read_bytes() == written


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 4}, {"lr": 0.2}, {"batch_size": 4}, {"seed": 2}, {"optimizer": "adamw"}, {"views": 2}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_checkpoint_of_other_training_is_refused(clip, task, tmp_path, changes):
    path = tmp_path / "run.pt"
    fit(clip, task, checkpoint=path)
    written = path.read_bytes()
    with pytest.raises(ValueError, match=r"run.pt' belongs to another run .*another path, or delete the file"):
        fit(clip, task, checkpoint=path, **changes)
    assert path.read_bytes() == written


Renumbered = type("CoOp", (CoOp,), {"FORMAT": 2})  # the same method, whose code has come to give other numbers


def test_a_checkpoint_of_another_task_method_or_clip_is_refused(clip, task, tmp_path):
    path = tmp_path / "run.pt"
    fit(clip, task, checkpoint=path)
    settings = {**SETTINGS, "checkpoint": path}
    others = {
        "sample": lambda: CoOp(clip, n_ctx=2).fit(task.sample(4, seed=2), **settings),
        "shots": lambda: CoOp(clip, n_ctx=2).fit(task.sample(2), **settings),
        "names": lambda: CoOp(clip, n_ctx=2).fit(noise_task(names=["cat", "crane", "dog", "pot", "owl"]), **settings),
        "length": lambda: CoOp(clip, n_ctx=3).fit(task, **settings),
        "position": lambda: CoOp(clip, n_ctx=2, class_token_position="front").fit(task, **settings),
        "method": lambda: CoCoOp(clip, n_ctx=2, ctx_init=None).fit(task, **settings),
        "clip": lambda: CoOp(tiny_clip(seed=1), n_ctx=2).fit(task, **settings),
        "precision": lambda: CoOp(tiny_clip(precision="bf16"), n_ctx=2).fit(task, **settings),
        "number": lambda: Renumbered(clip, n_ctx=2).fit(task, **settings),
    }
    for what, other in others.items():
        with pytest.raises(ValueError, match="belongs to another run"):
            other()
            pytest.fail(f"a run with another {what} was accepted")


def test_augmented_views_of_another_kind_are_another_run(clip, task, tmp_path, monkeypatch):
    fit(clip, task, checkpoint=tmp_path / "run.pt", views="fresh")
    monkeypatch.setattr(clip, "augment", clip.make_augment((0.5, 1.0)))
    with pytest.raises(ValueError, match="belongs to another run"):
        fit(clip, task, checkpoint=tmp_path / "run.pt", views="fresh")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None], ids=["empty", "text", "cut"])
def test_a_damaged_checkpoint_is_refused(clip, task, tmp_path, content):
    path = tmp_path / "run.pt"
    fit(clip, task, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(ValueError, match=r"run.pt' is damaged \(\w+\): delete it to start again"):
        fit(clip, task, checkpoint=path)


def test_tensors_of_something_else_are_refused_as_a_checkpoint(clip, task, tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="is damaged"):
        fit(clip, task, checkpoint=tmp_path / "run.pt")


def test_a_folder_is_no_checkpoint_and_nothing_is_asked_to_be_deleted(clip, task, tmp_path):
    with pytest.raises(ValueError, match="is a folder: give the path of a file$"):
        fit(clip, task, checkpoint=tmp_path)


def test_a_checkpoint_is_written_whole_or_not_at_all(clip, task, tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    real, count = Path.write_bytes, iter(range(10))

    def write(target, content):
        if next(count) == 2:
            real(target, b"half of it")
            raise OSError(28, "No space left on device")
        real(target, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        with pytest.raises(OSError, match="the disk is full: .*run.pt' was not written"):
            fit(clip, task, checkpoint=path)
    assert len(torch.load(path, weights_only=True)["history"]) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.pt"]
    assert_same_run(fit(clip, task, checkpoint=path), fit(clip, task))


# --- a loss that is not a number, and too little memory


@pytest.fixture
def lost_at(monkeypatch):
    """lost_at(step): the loss of this step, counted over the run, is not a number."""

    def arrange(call):
        count, real = iter(range(1, 1000)), CoOp.loss
        factor = {call: float("nan")}
        monkeypatch.setattr(CoOp, "loss", lambda *a: real(*a) * factor.get(next(count), 1.0))

    return arrange


def after_epochs(clip, task, epochs):
    """The parameters of the same run after some of its epochs, and how it got there."""
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 2 * epochs + 1)
        method = CoOp(clip, n_ctx=2)
        with pytest.raises(Stopped):
            method.fit(task, **{**SETTINGS, "epochs": 9})
    return method


def test_a_lost_loss_stops_with_the_parameters_of_the_last_good_epoch(clip, task, lost_at):
    good = after_epochs(clip, task, 2)
    lost_at(6)
    method = CoOp(clip, n_ctx=2)
    words = (
        r"loss is not a finite number any more in epoch 3, step 2, at learning rate 0\.0\d+\. .*after epoch 2: "
        r"fit again with a smaller lr \(it was 0.1\)"
    )
    with pytest.raises(FloatingPointError, match=words):
        method.fit(task, **{**SETTINGS, "epochs": 9})
    assert torch.equal(learned(method), learned(good))
    assert rows(method) == rows(good) and len(rows(method)) == 2
    assert not method.training
    assert method.logits(task.test).isfinite().all()
    assert method.predict(task.test).shape == (60,)


def test_an_epoch_whose_last_step_ruined_the_parameters_is_taken_back_as_well(clip, task, lost_at):
    good = after_epochs(clip, task, 1)
    lost_at(5)  # the first loss of epoch 3 tells on the last step of epoch 2
    method = CoOp(clip, n_ctx=2)
    with pytest.raises(FloatingPointError, match="in epoch 3, step 1, .*back as they were after epoch 1"):
        method.fit(task, **{**SETTINGS, "epochs": 9})
    assert torch.equal(learned(method), learned(good))
    assert rows(method) == rows(good)


@pytest.mark.parametrize("batch_size", [4, 20])
@pytest.mark.parametrize("lr", [1e12, 1e25, 3e38])
def test_a_huge_learning_rate_leaves_a_method_that_predicts(clip, task, lr, batch_size):
    method = CoOp(clip, n_ctx=2)
    with pytest.raises(FloatingPointError, match=r"epoch \d, step \d.* learning rate .*smaller lr"):
        method.fit(task, **{**SETTINGS, "epochs": 4, "batch_size": batch_size, "lr": lr})
    assert len(method.history) < 4
    assert learned(method).isfinite().all()
    assert method.logits(task.test).isfinite().all()


def test_parameters_that_are_lost_in_the_last_step_of_a_run_are_noticed(clip, task, monkeypatch):
    good = after_epochs(clip, task, 2)

    steps = iter(range(1, 100))

    def poison(optimizer, *_):
        if next(steps) == 6:
            optimizer.param_groups[0]["params"][0].grad[0, 0] = float("nan")

    make = Recipe.make_optimizer

    def poisoned(recipe, parameters):
        optimizer = make(recipe, parameters)
        optimizer.register_step_pre_hook(poison)
        return optimizer

    monkeypatch.setattr(Recipe, "make_optimizer", poisoned)
    method = CoOp(clip, n_ctx=2)
    with pytest.raises(FloatingPointError, match="a parameter is not a finite number any more after epoch 3, step 2"):
        method.fit(task, **{**SETTINGS, "epochs": 3, "checkpoint": None})
    assert learned(method).isfinite().all()
    assert len(method.history) == len(good.history)


def test_a_lost_run_leaves_its_checkpoint_at_the_last_good_epoch(clip, task, lost_at, tmp_path):
    lost_at(6)
    with pytest.raises(FloatingPointError):
        fit(clip, task, checkpoint=tmp_path / "run.pt")
    assert len(torch.load(tmp_path / "run.pt", weights_only=True)["history"]) == 2


@pytest.mark.parametrize("lost", [3, 5], ids=["the first epoch", "the second epoch"])
def test_an_epoch_that_is_taken_back_is_taken_back_in_the_checkpoint_too(clip, task, lost_at, tmp_path, lost):
    """The loss is lost at the first step of an epoch, so the epoch before it, written already, was the bad one."""
    path = tmp_path / "run.pt"
    with pytest.MonkeyPatch.context() as patch:
        real, count = CoOp.loss, iter(range(1, 1000))
        patch.setattr(CoOp, "loss", lambda *a: real(*a) * (float("nan") if next(count) == lost else 1.0))
        method = CoOp(clip, n_ctx=2)
        with pytest.raises(FloatingPointError, match="step 1, "):
            method.fit(task, **{**SETTINGS, "epochs": 4, "checkpoint": path})
    kept = torch.load(path, weights_only=True)
    assert len(kept["history"]) == len(method.history) == (lost - 1) // 2 - 1
    assert torch.equal(kept["method"]["ctx"], method.ctx)
    assert_same_run(fit(clip, task, checkpoint=path, epochs=4), fit(clip, task, epochs=4))


def test_a_run_that_goes_on_takes_back_an_epoch_of_the_run_before(clip, task, tmp_path, monkeypatch):
    """Killed right after an epoch that ruined the parameters, which only the next one would have told."""
    path = tmp_path / "run.pt"
    good = after_epochs(clip, task, 1)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, 5)
        fit(clip, task, checkpoint=path, epochs=9)
    monkeypatch.setattr(CoOp, "loss", lambda *given: given[0].ctx.sum() * float("nan"))
    method = CoOp(clip, n_ctx=2)
    with pytest.raises(FloatingPointError, match="in epoch 3, step 1, .*back as they were after epoch 1"):
        method.fit(task, **{**SETTINGS, "epochs": 9, "checkpoint": path})
    assert torch.equal(learned(method), learned(good)) and rows(method) == rows(good)


def test_images_whose_features_are_not_finite_are_refused_before_training(clip, task, monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    real = clip.encode_images
    monkeypatch.setattr(clip, "encode_images", lambda images: real(images) * float("nan"))
    with pytest.raises(FloatingPointError, match="the embedding of image 0 is not finite"):
        fit(clip, task)


ALLOCATOR = "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"{ALLOCATOR} 549755813888 bytes. Error code 12 (Cannot allocate memory)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ],
    ids=["cpu", "windows", "cuda"],
)
def test_too_little_memory_says_what_to_lower(clip, task, monkeypatch, error):
    def raises(*_):
        raise error

    methods = {
        VPT(clip, n_ctx=2): r"of VPT .*lower batch_size \(now 8\)$",
        CoCoOp(clip, max_prompts=7): r"of CoCoOp .*lower batch_size \(now 8\), or max_prompts \(now 7\)$",
    }
    for method, words in methods.items():
        monkeypatch.setattr(type(method), "loss", raises)
        with pytest.raises(MemoryError, match=words):
            method.fit(task, **SETTINGS)


def test_an_error_of_another_kind_stays_what_it_is(clip, task, monkeypatch):
    def raises(*_):
        raise RuntimeError("something else broke")

    monkeypatch.setattr(CoOp, "loss", raises)
    with pytest.raises(RuntimeError, match="^something else broke$") as caught:
        fit(clip, task)
    assert caught.value.__cause__ is None


# --- settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs=0: give a whole number, at least 1"),
        ({"batch_size": 0}, "batch_size=0: give a whole number, at least 1"),
        ({"batch_size": True}, "batch_size=True: give a whole number"),
        ({"seed": -1}, "seed=-1: give a whole number, at least 0"),
        ({"lr": 0}, "lr=0: give a learning rate, a number above 0"),
        ({"lr": float("inf")}, "lr=inf: give a learning rate"),
        ({"lr": 1e39}, "lr=1e\\+39: give a learning rate, a number above 0, at most 3.4e"),
        ({"optimizer": "adam"}, r"optimizer='adam': use one of \('sgd', 'adamw'\). Did you mean 'adamw'"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_lost(clip, task, changes, words):
    method = fit(clip, task, epochs=1)
    before = learned(method)
    with pytest.raises(ValueError, match=words):
        method.fit(task, **{**SETTINGS, **changes})
    assert torch.equal(learned(method), before)


def test_numpys_numbers_are_numbers(clip, task, tmp_path):
    as_numpy = {"epochs": np.int64(3), "batch_size": np.int32(8), "lr": np.float64(0.1), "seed": np.int64(1)}
    assert_same_run(fit(clip, task, **as_numpy, checkpoint=tmp_path / "run.pt"), fit(clip, task))


def test_a_quiet_run_prints_nothing_and_a_loud_one_shows_a_bar(clip, task, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    fit(clip, task, views=2)
    assert capfd.readouterr() == ("", "")
    real = training.tqdm
    monkeypatch.setattr(training, "tqdm", lambda **settings: real(**{**settings, "delay": 0, "mininterval": 0}))
    fit(clip, task, progress=True)
    assert "CoOp, 20 images" in capfd.readouterr().err


def test_a_quiet_run_is_quiet_about_its_features_as_well(clip, task, monkeypatch):
    asked = []

    def watched(*args, progress=True, **settings):
        asked.append(progress)
        return image_features(*args, **settings)

    monkeypatch.setattr("lessons_lib.inputs.image_features", watched)
    fit(clip, task)
    assert asked == [False]
