"""What every method does when it learns: as its paper says, the same every time, and nothing besides."""

import copy

import pytest
import torch
from contract.asking import away_from_start, learned, same
from contract.table import TABLE
from noise_task import noise_task
from reference.comparing import assert_as_published
from tiny_clip import tiny_clip

from lessons_lib import training
from lessons_lib.data import Split
from lessons_lib.methods import METHODS

NEAR = 5e-3  # of cosines: a GPU may round the products of a convolution to ten bits


def fit(line, clip, task, **changes):
    return line.make(clip).fit(task, **line.arguments(**changes))


def test_every_method_of_the_library_has_a_line():
    assert {line.method for line in TABLE.values()} == set(METHODS)


def test_values_and_gradients_are_those_of_the_published_computation(line, device, task):
    clip = tiny_clip(device=device)
    method = fit(line, clip, task)
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(3)).to(device)
    away_from_start(method, images)
    assert_as_published(method, line.published, images)


def test_it_learns_so_many_numbers_and_they_are_its_parameters(line, fitted):
    assert fitted.n_parameters == line.learns
    assert all(p.requires_grad and p.dtype == torch.float32 for p in fitted.parameters())
    assert not any(p is q for p in fitted.parameters() for q in fitted.clip.model.parameters())


def test_one_seed_gives_one_result_and_another_another(line, fitted, clip, task):
    again = fit(line, clip, task)
    assert same(learned(fitted), learned(again)) and torch.equal(fitted.logits(task.test), again.logits(task.test))
    if "seed" in fitted.fit_arguments():
        assert not same(learned(fitted), learned(fit(line, clip, task, seed=2)))


def test_torchs_own_generator_neither_matters_nor_moves(line, fitted, clip, task):
    with torch.random.fork_rng():
        torch.manual_seed(11)
        before = torch.get_rng_state()
        method = fit(line, clip, task)
        method.score(task.test)
        assert torch.equal(torch.get_rng_state(), before)
    assert same(learned(method), learned(fitted))


def test_fitting_again_starts_from_the_start(line, fitted, clip, task):
    first = noise_task(names=list("abcde" if "classnames" in line.settings else "abcdefg"), shots=2)
    twice = line.make(clip).fit(first, **line.arguments())
    twice.fit(task, **line.arguments())
    assert same(learned(twice), learned(fitted)) and torch.equal(twice.logits(task.test), fitted.logits(task.test))


class Unopened:
    """Images of which nothing is looked at but how many they are."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getattr__(self, name):
        raise AssertionError(f"{name} of images that it learns nothing from was looked at")


def unopened(split):
    return Split(Unopened(len(split)), split.labels, split.classnames)


def test_test_images_are_not_opened_nor_validation_images_that_it_does_not_need(line, fitted, clip, task):
    other = copy.copy(task)
    object.__setattr__(other, "test", unopened(task.test))
    if not fitted.needs_validation and line.method != "LPPlusPlus":  # which takes them where there are any
        object.__setattr__(other, "val", unopened(task.val))
    assert same(learned(fit(line, clip, other)), learned(fitted))


def test_clip_stays_as_it_was_to_the_last_bit(line, task):
    clip = tiny_clip()
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    fit(line, clip, task).score(task.test)
    assert all(torch.equal(value, before[name]) for name, value in clip.model.state_dict().items())
    assert not clip.model.training and all(p.grad is None and not p.requires_grad for p in clip.model.parameters())


def test_the_history_is_there_where_it_trains(fitted, line):
    assert bool(fitted.history) == fitted.trains
    for number, row in enumerate(fitted.history, start=1):
        assert row["epoch"] == number and {"lr", "loss", "seconds"} <= row.keys()
    if fitted.trains:
        assert len(fitted.history) == line.arguments()["epochs"]


def test_on_every_device_it_learns_what_it_learns_on_the_cpu(line, fitted, device, task):
    method = fit(line, tiny_clip(device=device), task)
    assert all(tensor.device.type == device and tensor.dtype == torch.float32 for tensor in method.parameters())
    found, wanted = method.logits(task.test).cpu(), fitted.logits(task.test)
    if device == "cpu":
        assert torch.equal(found, wanted)
    elif not fitted.needs_validation:  # where it chooses, values can be equally good
        assert (found - wanted).abs().max() < NEAR * max(1, wanted.abs().max())
    losses, expected = ([row["loss"] for row in each.history] for each in (method, fitted))
    assert losses == pytest.approx(expected, rel=0.02)


def test_bfloat16_learns_in_full_precision_and_stays_near(line, fitted, device, task):
    method = fit(line, tiny_clip(device=device, precision="bf16"), task)
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in method.parameters())
    logits = method.logits(task.test)
    assert logits.dtype == torch.float32 and logits.isfinite().all()
    losses, expected = ([row["loss"] for row in each.history] for each in (method, fitted))
    assert losses == pytest.approx(expected, rel=0.2)


def test_a_run_that_was_stopped_goes_on(line, clip, task, tmp_path, monkeypatch):
    if "checkpoint" not in METHODS[line.method].fit_arguments() or not line.make(clip).trains:
        pytest.skip("it trains in one go, or not at all")
    whole, epoch = fit(line, clip, task, epochs=3), training._epoch

    def stopped(method, inputs, optimizer, recipe, number):
        if number == 3:
            raise KeyboardInterrupt
        return epoch(method, inputs, optimizer, recipe, number)

    monkeypatch.setattr(training, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit(line, clip, task, epochs=3, checkpoint=tmp_path / "run.pt")
    seen = []
    monkeypatch.setattr(training, "_epoch", lambda *given: seen.append(given[-1]) or epoch(*given))
    resumed = fit(line, clip, task, epochs=3, checkpoint=tmp_path / "run.pt")
    assert seen[0] == 3 and same(learned(resumed), learned(whole))
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
