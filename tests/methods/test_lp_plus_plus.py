"""LP++ is its released training loop, step by step; what it chooses, it chooses on validation images."""

import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, noise_split, noise_task
from reference import lp_plus_plus as published
from reference import text

from lessons_lib.data import Task
from lessons_lib.features import image_features
from lessons_lib.methods import LPPlusPlus, ZeroShot
from lessons_lib.methods.classify.lp_plus_plus import step_sizes

TEMPLATE = "a drawing of a {}."  # that of `noise_task`


@pytest.fixture(scope="module")
def task():
    return noise_task(signal=0.6)


def with_other(task, **parts):
    whole = {"train": task.train, "val": task.val, "test": task.test}
    return Task.from_pools("noise", templates=task.templates, **{**whole, **parts})


def started(method, task, views="plain"):
    """The method before its first step."""
    method.begin(task)
    method._start(*method._training(task.train, views, seed=1, progress=False, workers=0))
    return method


@pytest.mark.parametrize("epochs", [1, 10, 35])
def test_it_learns_what_the_released_loop_learns(clip, task, epochs):
    method = LPPlusPlus(clip).fit(task, epochs=epochs)
    f, val = (image_features(clip, split) for split in (task.train, task.val))
    texts = text.hand_made(clip, NAMES, TEMPLATE).detach()
    weight, bias, alpha, epoch = published.train(f, task.train.labels, texts, 4, epochs, val, task.val.labels)
    assert method.epoch == epoch
    for found, wanted in ((method.weight, weight), (method.bias, bias), (method.alpha, alpha)):
        torch.testing.assert_close(found.detach(), wanted, atol=1e-3, rtol=1e-3)


def test_alpha_steps_every_tenth_epoch_along_all_gradients_so_far(clip, task):
    """Without validation images, so that the last epoch is kept."""
    blind = with_other(task, val=task.val.subset([]))
    start = started(LPPlusPlus(clip), task).alpha
    nine, ten, nineteen, twenty = (LPPlusPlus(clip).fit(blind, epochs=n).alpha for n in (9, 10, 19, 20))
    assert torch.equal(start, nine) and torch.equal(ten, nineteen)
    assert len({ten[c].item() for c in range(5)}) == 5, "a multiplier for each class"
    assert not torch.equal(start, ten) and not torch.equal(ten, twenty)


def test_without_training_it_is_sums_of_images_and_a_multiple_of_the_texts(clip, task):
    method = started(LPPlusPlus(clip, alpha_start=40), task)
    f, texts = image_features(clip, task.train), text.hand_made(clip, NAMES, TEMPLATE)
    for c in range(5):
        torch.testing.assert_close(method.weight[c], f[task.train.labels == c].sum(dim=0))
    mean_cosine = (f * texts[task.train.labels]).sum(dim=1).mean()
    torch.testing.assert_close(method.alpha, (40 * mean_cosine).expand(5))
    assert not method.bias.any()


def test_the_step_of_the_prototypes_lowers_the_loss_whatever_the_features():
    """η_v / 2 is one over a bound on the curvature of cross-entropy in v: plain steps of it never raise the loss."""
    for seed in range(5):
        draws = torch.Generator().manual_seed(seed)
        f = F.normalize(torch.randn(20, 8, generator=draws) * torch.logspace(0, -2, 8), dim=1)
        labels = torch.randint(4, (20,), generator=draws)
        step = step_sizes(f, torch.randn(20, 4, generator=draws))[0] / 2
        weight = (100 * torch.randn(4, 8, generator=draws)).requires_grad_()
        losses = []
        for _ in range(50):
            loss = F.cross_entropy(f @ weight.T, labels)
            losses.append(loss.item())
            [gradient] = torch.autograd.grad(loss, [weight])
            weight = (weight - step * gradient).detach().requires_grad_()
        assert all(later <= earlier + 1e-6 for earlier, later in zip(losses, losses[1:]))
        assert losses[-1] < losses[0]


def test_step_sizes_in_closed_form():
    """Four images along one direction, at cosines 1 and ½ to two texts: σ_max² = 4."""
    f = torch.tensor([[1.0, 0.0]] * 4)
    assert step_sizes(f, torch.tensor([[1.0, 0.5]] * 4)) == pytest.approx((4.0, 4 / (4 * 4)))


def test_the_epoch_that_is_kept_is_the_last_of_the_best_on_validation_images(clip, task):
    method = LPPlusPlus(clip).fit(task, epochs=60)
    accuracies = [row["accuracy"] for row in method.history]
    best = max(accuracies)
    assert min(accuracies) < best
    assert method.epoch == 60 - accuracies[::-1].index(best)
    val = image_features(clip, task.val)
    found = 100 * (method.logits_from_features(val).argmax(dim=1) == task.val.labels).double().mean().item()
    assert found == pytest.approx(best)


def test_validation_images_change_only_which_epoch_is_kept(clip, task):
    method = LPPlusPlus(clip).fit(task, epochs=30)
    elsewhere = LPPlusPlus(clip).fit(with_other(task, val=noise_split(2, 8)), epochs=30)
    assert [row["loss"] for row in elsewhere.history] == [row["loss"] for row in method.history]


def test_without_validation_images_the_last_epoch_is_kept(clip, task):
    method = LPPlusPlus(clip).fit(with_other(task, val=task.val.subset([])), epochs=7)
    assert method.epoch == 7 and method.history[-1]["accuracy"] != method.history[-1]["accuracy"]


def test_it_learns_what_is_there_to_learn(clip):
    task = noise_task(shots=16, signal=0.9)
    method = LPPlusPlus(clip).fit(task)
    assert method.score(task.test) > 95 > 50 > ZeroShot(clip).fit(task).score(task.test)
    assert len(method.history) == 300 and method.history[-1]["loss"] < method.history[0]["loss"]


def test_the_seed_draws_the_crops_and_nothing_else(clip, task):
    plain = [LPPlusPlus(clip).fit(task, epochs=3, seed=seed).weight for seed in (1, 2)]
    assert torch.equal(*plain)
    f = image_features(clip, task.train, view=3, seed=1, augment=clip.make_augment((0.5, 1.0)), progress=False)
    start = started(LPPlusPlus(clip), task, views=3).weight
    torch.testing.assert_close(start[2], f[:, task.train.labels == 2].sum(dim=(0, 1)))


@pytest.mark.parametrize("alpha_start", [-1, float("inf"), float("nan")])
def test_an_alpha_that_is_none_is_refused(clip, alpha_start):
    with pytest.raises(ValueError, match="alpha_start=.*at least 0"):
        LPPlusPlus(clip, alpha_start=alpha_start)


def test_fresh_views_are_refused(clip, task):
    with pytest.raises(ValueError, match="give 'plain', (or )?a number of"):
        LPPlusPlus(clip).fit(task, views="fresh")
