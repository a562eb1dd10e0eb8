"""Tip-Adapter as a method: what its cache holds, what it chooses on, what it learns, and which classes it knows."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, noise_split, noise_task
from reference.tip_adapter import cache_keys, search, tip_logits

import lessons_lib as ll
from lessons_lib.features import image_features
from lessons_lib.methods.classify import tip_adapter

FEW = {"n_views": 2, "search_steps": (10, 5)}
FAST = {"progress": False}


@pytest.fixture(scope="module")
def task():
    return noise_task(signal=0.5)


@pytest.fixture(scope="module")
def fitted(clip, task):
    return ll.TipAdapter(clip, **FEW).fit(task, **FAST)


@pytest.fixture(scope="module")
def finetuned(clip, task):
    return ll.TipAdapter(clip, finetune=True, **FEW).fit(task, lr=0.01, **FAST)


# --- the cache


def test_keys_are_the_mean_of_views_cropped_at_half_to_all_of_the_image(clip, task, fitted):
    views = image_features(clip, task.train, view=2, seed=1, augment=clip.make_augment((0.5, 1.0)))
    torch.testing.assert_close(fitted.keys, cache_keys(views))
    assert torch.equal(fitted.key_labels, task.train.labels)
    assert not torch.allclose(fitted.keys, image_features(clip, task.train), atol=1e-3)


def test_or_the_plain_image(clip, task):
    method = ll.TipAdapter(clip, n_views=0, search=False).fit(task, **FAST)
    assert torch.equal(method.keys, image_features(clip, task.train))


def test_a_cache_of_clear_images_beats_zero_shot(clip):
    task = noise_task(signal=0.9)
    method = ll.TipAdapter(clip, **FEW).fit(task, **FAST)
    assert method.score(task.test) > ll.ZeroShot(clip).fit(task).score(task.test) + 10


# --- the search


def test_alpha_and_beta_are_those_of_the_published_loop_on_the_validation_images(clip, task, fitted):
    features, values = image_features(clip, task.val), F.one_hot(fitted.key_labels).float()
    grid = (fitted.alphas.tolist(), fitted.betas.tolist())
    alpha, beta, table = search(features, task.val.labels, fitted.keys, values, fitted.texts, clip.logit_scale, *grid)
    assert (fitted.alpha, fitted.beta) == (alpha, beta)
    torch.testing.assert_close(fitted.accuracies, torch.tensor(table, dtype=torch.float64))
    assert fitted.score(task.val) == pytest.approx(fitted.accuracies.max().item())


def test_the_grid_is_the_released_one(clip):
    """200 β and 20 α, from 0.1 on, the limits left out."""
    method = ll.TipAdapter(clip, search_scale=(7, 3))
    assert method.betas.tolist() == pytest.approx([i * (7 - 0.1) / 200 + 0.1 for i in range(200)])
    assert method.alphas.tolist() == pytest.approx([i * (3 - 0.1) / 20 + 0.1 for i in range(20)])


def test_validation_images_choose_but_are_not_in_the_cache(clip, task, finetuned):
    other = replace(task, val=noise_split(2, 8), test=noise_split(1, 9))
    method = ll.TipAdapter(clip, finetune=True, **FEW).fit(other, lr=0.01, **FAST)
    assert torch.equal(method.keys, finetuned.keys)
    assert not torch.equal(method.accuracies, finetuned.accuracies)


def test_without_a_search_the_start_values_stay_and_no_validation_image_is_needed(clip, task):
    bare = replace(task, val=task.val.subset([]))
    method = ll.TipAdapter(clip, n_views=0, search=False, init_alpha=2.5, init_beta=4.0).fit(bare, **FAST)
    assert (method.alpha, method.beta) == (2.5, 4.0) and method.accuracies.shape == (0, 0)
    with pytest.raises(ValueError, match=r"no validation images to choose alpha and beta on.*search=False"):
        ll.TipAdapter(clip, **FEW).fit(bare, **FAST)


# --- Tip-Adapter-F


def test_it_trains_as_published(clip, monkeypatch):
    calls = []
    monkeypatch.setattr(tip_adapter, "train", lambda method, split, recipe, **how: calls.append((recipe, how)))
    ll.TipAdapter(clip, finetune=True, **FEW).fit(noise_task(), **FAST)
    ll.TipAdapter(clip, finetune=True, **FEW).fit(noise_task(), epochs=100, lr=0.5, batch_size=7, views="fresh", **FAST)
    (published, how), (told, how_told) = calls
    assert (published.optimizer, published.lr, published.eps) == ("adamw", 1e-3, 1e-4)
    assert (published.batch_size, published.epochs, published.weight_decay) == (256, 20, 0.01)
    assert (published.schedule, published.warmup_epochs, published.drop_last) == ("step", 0, False)
    assert how["views"] == 2 and "scale=(0.5, 1.0)" in repr(how["augment"])
    assert (told.epochs, told.lr, told.batch_size, how_told["views"]) == (100, 0.5, 7, "fresh")


def test_the_keys_it_learns_are_those_of_the_literal_loop(clip, task):
    """AdamW and torch's own cosine, a step at a time; all images are one batch, so that their order is nothing."""
    method = ll.TipAdapter(clip, finetune=True, n_views=0, search=False, init_alpha=2.0)
    method.fit(task, epochs=6, lr=0.02, **FAST)
    features, labels = image_features(clip, task.train), task.train.labels
    keys, values = torch.nn.Parameter(features.clone()), F.one_hot(labels).float()
    optimizer = torch.optim.AdamW([keys], lr=0.02, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    losses = []
    for _ in range(6):
        loss = F.cross_entropy(tip_logits(features, keys, values, method.texts, clip.logit_scale, 2.0, 1.0), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    assert (keys - features).abs().max() > 0.01
    torch.testing.assert_close(method.keys, keys, atol=2e-5, rtol=0)
    assert [row["loss"] for row in method.history] == pytest.approx(losses, rel=1e-4)


def test_learning_the_keys_lowers_the_loss_and_keeps_the_last_epoch(clip, task, fitted, finetuned):
    assert len(finetuned.history) == 20
    assert finetuned.history[-1]["loss"] < finetuned.history[0]["loss"] - 0.05
    assert (finetuned.keys - fitted.keys).abs().max() > 0.01
    assert {name for name, _ in finetuned.named_parameters()} == {"keys"}


# --- classes


def test_of_other_classes_it_says_why_it_knows_nothing(fitted):
    with pytest.raises(ValueError, match=r"no image of some classes.*unseen='zero-shot'.*nothing for 'hat'"):
        fitted.for_classes(["cat", "hat"])


def test_or_gives_them_the_zero_shot_term_alone(clip, task):
    method = ll.TipAdapter(clip, unseen="zero-shot", **FEW).fit(task, **FAST)
    zero_shot = ll.ZeroShot(clip, templates=task.templates[0])
    new = ["hat", "long_scarf"]
    torch.testing.assert_close(method.for_classes(new).logits(task.test), zero_shot.for_classes(new).logits(task.test))
    mixed = method.for_classes(["hat", "owl"]).logits(task.test)
    torch.testing.assert_close(mixed[:, 1], method.logits(task.test)[:, NAMES.index("owl")])
    assert (mixed[:, 1] > zero_shot.for_classes(["hat", "owl"]).logits(task.test)[:, 1]).all()


# --- settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(n_views=-1), "n_views=-1: give a number of augmented views"),
        (dict(n_views=True), "n_views=True"),
        (dict(search_scale=(0.05, 3)), "give two limits above 0.1"),
        (dict(search_scale=(3,)), "give two limits above 0.1"),
        (dict(search_steps=(0, 20)), "two numbers of values"),
        (dict(init_alpha=0.0), "init_alpha=0.0, init_beta=1.0: give numbers above 0"),
        (dict(unseen="ignore"), 'unseen is "error" or "zero-shot"'),
        (dict(templates="a photo."), "exactly once"),
    ],
)
def test_impossible_settings_are_refused_when_it_is_made(clip, settings, words):
    with pytest.raises(ValueError, match=words):
        ll.TipAdapter(clip, **settings)


def test_published_settings_are_those_of_the_eleven_data_sets(clip):
    assert len(tip_adapter.PUBLISHED) == 11
    assert tip_adapter.PUBLISHED["things"] == (7, 3, 1.17) and tip_adapter.PUBLISHED["flowers"] == (50, 50, 10)
    for beta, alpha, init_alpha in tip_adapter.PUBLISHED.values():
        ll.TipAdapter(clip, search_scale=(beta, alpha), init_alpha=init_alpha)
