"""ProLIP and its regularised linear adapter: their loss, how near they stay, and what they start as."""

from functools import partial

import pytest
import torch
from noise_task import NAMES, noise_task
from reference import prolip as reference
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.methods import LinearAdapter, ProLIP

BOTH = pytest.mark.parametrize("kind", [ProLIP, LinearAdapter])
BRIEF = {"epochs": 20, "lr": 0.01, "progress": False}


@BOTH
def test_loss_and_gradients_are_as_published(kind, device):
    clip = tiny_clip(device=device)
    method = kind(clip, penalty=0.3, templates="a {}.").for_classes(NAMES)
    with torch.no_grad():
        method.matrix += 0.1 * torch.randn(method.matrix.shape).to(clip.device)
    images, labels = torch.randn(4, 3, 32, 32).to(device), torch.tensor([0, 4, 1, 1], device=device)
    features = method.features(images).clone()
    found = values_and_gradients(lambda: method.loss(features, labels)[None], [method.matrix])
    wanted = values_and_gradients(lambda: reference.loss(method, images, labels, 0.3)[None], [method.matrix])
    assert_same(found, wanted, ["loss", "matrix"], 1e-4)


@BOTH
def test_the_penalty_is_one_over_the_shots_unless_given_and_holds_it_near(kind, clip):
    def away(method):
        return (method.matrix - method.start()).norm().item()

    few, many = (kind(clip).fit(noise_task(shots=shots), **BRIEF) for shots in (2, 8))
    assert (few.strength, many.strength) == (0.5, 0.125)
    fit = partial(kind.fit, task=noise_task(shots=2), **BRIEF)
    free, held, given = fit(kind(clip, penalty=0.0)), fit(kind(clip, penalty=50.0)), fit(kind(clip, penalty=0.5))
    assert 0 < away(held) < away(few) < away(free)
    assert torch.equal(given.matrix, few.matrix)


@BOTH
def test_every_step_takes_all_images_and_the_optimizer_is_adam(kind, clip):
    method = kind(clip)
    assert "batch_size" not in method.fit_settings(4) and method.fit_settings(4)["epochs"] == 300
    recipe = method.recipe(4, None, None, None).on(40)
    assert recipe.batch_size == 40 and recipe.learning_rate(1) == 1e-3
    found = recipe.make_optimizer([method.matrix])
    assert found.defaults["weight_decay"] == 0 and found.defaults["eps"] == 1e-4
    assert isinstance(found, torch.optim.AdamW)


def test_the_projection_of_a_tower_that_does_not_open_is_refused_and_the_adapter_takes_any():
    clip = tiny_clip(vision="resnet")
    with pytest.raises(ValueError, match="image tower of tiny is a ModifiedResNet"):
        ProLIP(clip)
    assert LinearAdapter(clip).n_parameters == 32 * 32


@pytest.mark.parametrize("penalty", [-1, float("nan")])
def test_a_penalty_below_nothing_is_refused(clip, penalty):
    with pytest.raises(ValueError, match="penalty"):
        LinearAdapter(clip, penalty=penalty)
