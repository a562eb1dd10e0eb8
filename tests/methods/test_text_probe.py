"""The probe that starts as zero-shot CLIP (ZS-LP), also if held there (CLAP), is as its authors released it."""

import pytest
import torch
from noise_task import NAMES, noise_task
from reference import text_probe
from reference.comparing import assert_same, values_and_gradients

from lessons_lib.data import Task
from lessons_lib.methods import TextProbe, ZeroShot

TEMPLATE = "a drawing of a {}."  # that of `noise_task`


def fit(method, task, **changes):
    return method.fit(task, **{"epochs": 5, "progress": False, **changes})


@pytest.mark.parametrize("constrained", [False, True])
def test_the_loss_and_its_gradient_are_the_published_ones(clip, task, constrained):
    method = fit(TextProbe(clip, constrained=constrained), task, lr=5.0)
    features, labels = method.features(task.train).clone(), task.train.labels
    base = text_probe.start(clip, NAMES, TEMPLATE)
    weights = text_probe.multipliers(clip, base, features, labels) if constrained else torch.zeros(5)
    assert (method.rows - base).abs().max() > 1e-3, "what was learned is away from its start"
    found = values_and_gradients(lambda: method.loss(features, labels), [method.rows])
    wanted = values_and_gradients(
        lambda: text_probe.clap_loss(clip, method.rows, base, weights, features, labels), [method.rows]
    )
    assert_same(found, wanted, ["loss", "rows"], 1e-4)


def test_the_multipliers_are_what_zero_shot_knows_of_each_class(clip, task):
    method = fit(TextProbe(clip, constrained=True), task)
    base = text_probe.start(clip, NAMES, TEMPLATE)
    wanted = text_probe.multipliers(clip, base, method.features(task.train), task.train.labels)
    torch.testing.assert_close(method.multipliers, wanted)
    assert wanted.std() > 0 and ((0 <= wanted) & (wanted <= 1)).all()


def test_constrained_rows_stay_nearer_to_where_they_started(clip, task):
    free, held = (fit(TextProbe(clip, constrained=held), task, epochs=20, lr=1.0) for held in (False, True))
    far, near = ((method.rows - method.texts).norm().item() for method in (free, held))
    assert 0 < near < 0.9 * far


def test_it_learns_what_is_there_to_learn(clip):
    task = noise_task(shots=16, signal=0.9)
    method = fit(TextProbe(clip), task, epochs=60, lr=1.0, batch_size=16)
    assert method.score(task.test) > 95 > 50 > ZeroShot(clip).fit(task).score(task.test)
    assert method.history[-1]["loss"] < method.history[0]["loss"]


def test_the_seed_orders_the_images_and_draws_nothing_else(clip, task):
    whole = [fit(TextProbe(clip), task, seed=seed, batch_size=20).rows for seed in (1, 2)]
    torch.testing.assert_close(*whole, atol=1e-5, rtol=1e-5)


def test_a_class_without_training_images_is_not_held(clip, task):
    keep = (task.train.labels != 2).nonzero().flatten()
    partial = Task.from_pools(
        "noise", train=task.train.subset(keep), val=task.val, test=task.test, templates=task.templates
    )
    multipliers = fit(TextProbe(clip, constrained=True), partial).multipliers
    assert multipliers[2] == 0 and (multipliers[[0, 1, 3, 4]] > 0).all()
