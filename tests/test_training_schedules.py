"""The settings of training that Tip-Adapter-F needs: a cosine a step, AdamW's ε, short last batches, other views."""

import math

import pytest
import torch
from noise_task import noise_task

import lessons_lib as ll
from lessons_lib.features import image_features
from lessons_lib.inputs import Inputs
from lessons_lib.recipe import Recipe
from lessons_lib.training import train


def test_a_cosine_a_step_is_torchs_own():
    recipe = Recipe(epochs=3, lr=0.2, batch_size=1, schedule="step", warmup_epochs=0)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3 * 4)
    for epoch in (1, 2, 3):
        for step in range(4):
            assert recipe.learning_rate(epoch, done=step / 4) == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
            optimizer.step()
            schedule.step()


def test_a_cosine_an_epoch_does_not_move_within_it():
    recipe = Recipe(epochs=3, lr=0.2, batch_size=1)
    for epoch in (1, 2, 3):
        assert recipe.learning_rate(epoch, done=0.75) == recipe.learning_rate(epoch)


def run(clip, task, monkeypatch, **changes):
    """The learning rate, ε and loss's batch size of every step."""
    method, seen = ll.CoOp(clip, n_ctx=1), []
    method.set_classes(task.classnames)
    recipe = Recipe(**{"epochs": 2, "lr": 0.1, "batch_size": 8, "optimizer": "adamw", **changes})
    make = Recipe.make_optimizer

    def watched(recipe, parameters):
        optimizer = make(recipe, parameters)
        optimizer.register_step_pre_hook(lambda o, *_: seen.append((o.param_groups[0]["lr"], o.param_groups[0]["eps"])))
        return optimizer

    sizes, loss = [], method.loss
    monkeypatch.setattr(Recipe, "make_optimizer", watched)
    monkeypatch.setattr(method, "loss", lambda inputs, labels: sizes.append(len(labels)) or loss(inputs, labels))
    history = train(method, task.train, recipe, progress=False)
    return [lr for lr, _ in seen], {eps for _, eps in seen}, sizes, history


def test_the_optimizer_runs_at_the_rates_of_the_schedule(clip, monkeypatch):
    settings = dict(schedule="step", warmup_epochs=0, eps=1e-4, drop_last=False)
    rates, eps, sizes, history = run(clip, noise_task(), monkeypatch, **settings)  # 20 images
    assert rates == pytest.approx([0.05 * (1 + math.cos(math.pi * k / 6)) for k in range(6)])
    assert eps == {1e-4} and sizes == [8, 8, 4] * 2
    assert [row["lr"] for row in history] == pytest.approx([rates[0], rates[3]])


def test_unless_told_otherwise_all_is_as_it_was(clip, monkeypatch):
    rates, eps, sizes, _ = run(clip, noise_task(), monkeypatch)
    assert rates == [1e-5, 1e-5, 0.1, 0.1] and eps == {1e-8} and sizes == [8, 8] * 2


def test_one_short_batch_is_kept_in_any_case(clip, monkeypatch):
    assert run(clip, noise_task(), monkeypatch, batch_size=64)[2] == [20, 20]


@pytest.mark.parametrize("views", [2, "fresh"])
def test_views_can_be_made_otherwise(clip, views):
    task, mild = noise_task(), clip.make_augment((0.9, 1.0))
    rows = [torch.arange(20)]
    [found] = Inputs(clip, task.train, views=views, seed=3, pixels=False, augment=mild).batches(1, rows)
    [usual] = Inputs(clip, task.train, views=views, seed=3, pixels=False).batches(1, rows)
    of_view = 0 if views == 2 else 1
    expected = image_features(clip, task.train, view=2, seed=3, augment=mild)[of_view]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert not torch.allclose(found, usual, atol=1e-3)


def test_runs_of_other_views_or_schedules_do_not_go_on_from_each_other(clip, tmp_path):
    task, path = noise_task(), tmp_path / "run.pt"

    def start(augment=None, **changes):
        method = ll.CoOp(clip, n_ctx=1)
        method.set_classes(task.classnames)
        recipe = Recipe(**{"epochs": 1, "lr": 0.1, "batch_size": 8, **changes})
        return train(method, task.train, recipe, views=1, augment=augment, checkpoint=path, progress=False)

    start()
    start()
    for change in ({"augment": clip.make_augment((0.5, 1.0))}, {"schedule": "step"}, {"eps": 1e-4}):
        with pytest.raises(ValueError, match="belongs to another run"):
            start(**change)


def test_a_power_goes_down_a_step_from_the_rate_to_nothing():
    recipe = Recipe(epochs=3, lr=0.2, batch_size=1, schedule="poly", warmup_epochs=0)
    parameter = torch.nn.Parameter(torch.zeros(1))
    schedule = torch.optim.lr_scheduler.PolynomialLR(torch.optim.SGD([parameter], lr=0.2), 3 * 4, power=0.9)
    for epoch in (1, 2, 3):
        for step in range(4):
            assert recipe.learning_rate(epoch, done=step / 4) == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
            schedule.optimizer.step()
            schedule.step()


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match=r"schedule='steps': use one of \(.*, 'poly'\). Did you mean 'step'"):
        Recipe(epochs=1, lr=1.0, batch_size=1, schedule="steps")


def test_a_cosine_ends_where_it_is_told_to():
    recipe = Recipe(epochs=4, lr=0.2, batch_size=1, schedule="step", warmup_epochs=0, min_lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(torch.optim.SGD([torch.zeros(1)], lr=0.2), 4, eta_min=1e-3)
    for epoch in (1, 2, 3, 4):
        assert recipe.learning_rate(epoch) == pytest.approx(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()


def test_steps_are_rounded_up_to_whole_passes_and_a_batch_of_none_is_all_images(clip, monkeypatch):
    settings = dict(epochs=None, steps=5, schedule="step", warmup_epochs=0)
    rates, _, sizes, _ = run(clip, noise_task(), monkeypatch, **settings)  # 20 images, 2 whole batches
    assert sizes == [8, 8] * 3
    assert rates == pytest.approx([0.05 * (1 + math.cos(math.pi * k / 6)) for k in range(6)])
    assert run(clip, noise_task(), monkeypatch, batch_size=None)[2] == [20, 20]


@pytest.mark.parametrize(
    ("images", "changes", "epochs"),
    [(20, {}, 4), (20, {"drop_last": False}, 3), (5, {}, 7), (16, {}, 4), (20, {"batch_size": None}, 7)],
)
def test_a_pass_has_as_many_steps_as_the_loop_takes(images, changes, epochs):
    recipe = Recipe(**{"epochs": None, "lr": 1.0, "batch_size": 8, "steps": 7, **changes})
    assert recipe.on(images).epochs == epochs


def test_either_epochs_or_steps_say_how_long():
    with pytest.raises(ValueError, match="epochs=None: give a whole number, at least 1"):
        Recipe(epochs=None, lr=1.0, batch_size=1)
    with pytest.raises(ValueError, match="epochs=2, steps=3: give one of them"):
        Recipe(epochs=2, lr=1.0, batch_size=1, steps=3)
    with pytest.raises(ValueError, match="steps=0: give a whole number, at least 1"):
        Recipe(epochs=None, lr=1.0, batch_size=1, steps=0)


def test_what_a_recipe_came_to_hold_later_is_no_part_of_what_fits_came_to_before(clip):
    """Or every run that is kept would be another."""
    settings = ll.CoOp(clip, n_ctx=1).fit_settings(16)
    assert not {"min_lr", "steps"} & set(settings) and settings["epochs"] == 200
