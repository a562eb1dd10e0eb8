"""KgCoOp is CoOp with the released code's pull towards the hand-made prompt, and published settings of its own."""

import pytest
import torch
from noise_task import NAMES
from reference.comparing import assert_same, values_and_gradients
from reference.kgcoop import kgcoop_loss

from lessons_lib.methods import CoOp, KgCoOp

TEMPLATE = "a drawing of a {}."  # that of `noise_task`


def away_from_start(method, names=NAMES):
    method.set_classes(names)
    with torch.no_grad():
        method.ctx += 0.05 * torch.randn(method.ctx.shape, generator=torch.Generator().manual_seed(5))
    return method


def fit(method, task, **changes):
    return method.fit(task, **{"epochs": 6, "lr": 0.1, "batch_size": 10, "progress": False, **changes})


@pytest.mark.parametrize("weight", [0.0, 8.0])
def test_the_loss_and_its_gradient_are_the_published_ones(clip, task, weight):
    method = away_from_start(KgCoOp(clip, weight=weight, template=TEMPLATE))
    features, labels = method.features(task.train).clone(), task.train.labels
    found = values_and_gradients(lambda: method.loss(features, labels), [method.ctx])
    wanted = values_and_gradients(
        lambda: kgcoop_loss(clip, NAMES, method.ctx, features, labels, weight=weight, template=TEMPLATE), [method.ctx]
    )
    assert wanted[1].abs().max() > 0
    assert_same(found, wanted, ["loss", "ctx"], 1e-4)


def test_half_the_papers_squared_distance_is_the_departure(clip):
    method = away_from_start(KgCoOp(clip))
    with torch.no_grad():
        distance = (method.text_features() - method.texts).square().sum(dim=-1).mean()
        assert method.departure().item() == pytest.approx(distance.item() / 2, rel=1e-4)
        assert distance > 1e-3


def test_without_weight_it_is_coop(clip, task):
    mine = fit(KgCoOp(clip, weight=0), task)
    coop = fit(CoOp(clip, ctx_init="a photo of a"), task)
    torch.testing.assert_close(mine.ctx, coop.ctx, atol=1e-6, rtol=1e-5)


def test_weight_keeps_it_near_the_hand_made_texts(clip, task):
    far, near = (fit(KgCoOp(clip, weight=weight), task, lr=0.001).departure().item() for weight in (0, 2))
    assert 0 < near < far / 2


def test_at_the_start_it_is_zero_shot_of_its_words(clip):
    method = KgCoOp(clip).for_classes(NAMES)
    with torch.no_grad():
        assert method.departure().item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("weight", [-1, float("inf"), float("nan")])
def test_a_weight_that_is_none_is_refused(clip, weight):
    with pytest.raises(ValueError, match="weight=.*give a number of at least 0"):
        KgCoOp(clip, weight=weight)


def test_a_template_without_a_place_for_the_name_is_refused(clip):
    with pytest.raises(ValueError, match="write it exactly once"):
        KgCoOp(clip, template="a photo")
