"""DAPT as a method: what it makes its prototypes of, what it learns and refuses, and how it is kept."""

import pytest
import torch
from noise_task import NAMES, noise_task
from reference.dapt import prototypes

import lessons_lib as ll
from lessons_lib.features import image_features
from lessons_lib.methods.classify import dapt

SETTINGS = {"epochs": 3, "lr": 0.05, "batch_size": 10, "progress": False}


@pytest.fixture(scope="module")
def task():
    return noise_task(signal=0.9)


@pytest.fixture(scope="module")
def fitted(clip, task):
    return ll.DAPT(clip, 4, 4).fit(task, **SETTINGS)


def fit(clip, task, settings=None, **changes):
    return ll.DAPT(clip, **{"n_ctx": 2, "n_ctx_vision": 2, **(settings or {})}).fit(task, **{**SETTINGS, **changes})


def test_fitting_lowers_the_loss(fitted):
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"] - 0.01


def test_its_parameters_are_the_two_contexts(fitted):
    assert {name: tuple(p.shape) for name, p in fitted.named_parameters()} == {"ctx": (4, 64), "visual_ctx": (4, 64)}
    assert set(fitted.state_dict()) == {"ctx", "visual_ctx"}  # prototypes are of use in training alone
    assert ll.DAPT(fitted.clip).n_parameters == 16 * 64 + 16 * 64


def test_prototypes_are_of_the_training_images_as_they_are(clip, task, fitted):
    images = clip.preprocess_tensor(task.train.tensor())
    torch.testing.assert_close(fitted.prototypes, prototypes(clip, images, task.train.labels, 5), atol=1e-5, rtol=0)


def test_or_of_augmented_views(clip, task):
    method = fit(clip, task, {"n_views": 3}, seed=4, epochs=1)
    views = image_features(clip, task.train, view=3, seed=4).flatten(0, 1)
    labels = task.train.labels.repeat(3)
    expected = torch.stack([views[labels == c].mean(dim=0) for c in range(5)])
    torch.testing.assert_close(method.prototypes, expected)


def test_the_losses_pull_where_they_say(clip, task):
    """Texts apart, and images towards their prototypes, against the same training without."""
    plain, texts, images = (
        fit(clip, task, settings, epochs=6, lr=0.1)
        for settings in ({"beta_t": 0, "beta_v": 0}, {"beta_t": 30.0, "beta_v": 0}, {"beta_t": 0, "beta_v": 3000.0})
    )
    with torch.no_grad():
        assert dapt.inter_dispersion(texts.text_features()) < dapt.inter_dispersion(plain.text_features())
        own = images.prototypes[task.train.labels]
        near, far = (dapt.intra_dispersion(each.features(task.train), own) for each in (images, plain))
    assert near < far


def test_without_the_images_loss_no_prototypes_are_made(clip, task):
    assert fit(clip, task, {"beta_v": 0}, epochs=1).prototypes is None


def test_the_loss_says_where_prototypes_come_from(clip, task):
    method = ll.DAPT(clip).for_classes(NAMES)
    with pytest.raises(RuntimeError, match=r"made by fit\(task\)"):
        method.loss(torch.zeros(1, 3, 32, 32), torch.tensor([0]))


def test_published_settings_are_those_of_the_eleven_data_sets(clip):
    assert len(dapt.PUBLISHED) == 11
    assert dapt.PUBLISHED["flowers"] == (0.002, 10, 0.01) and dapt.PUBLISHED["satellite"] == (20, 100, 10)
    for _, beta_v, beta_t in dapt.PUBLISHED.values():
        ll.DAPT(clip, beta_v=beta_v, beta_t=beta_t)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(n_ctx=0), "n_ctx=0: give a whole number"),
        (dict(n_ctx=75), "the context holds 77"),
        (dict(n_ctx_vision=0), "n_ctx_vision=0: give a whole number of visual prompts"),
        (dict(beta_t=-1.0), "give betas of at least 0, and t above 0"),
        (dict(beta_v=float("nan")), "give betas of at least 0"),
        (dict(t=0.0), "t above 0"),
        (dict(reduction="max"), 'reduction is "mean" or "sum"'),
        (dict(n_views=-1), "n_views=-1: give a number of augmented views"),
    ],
)
def test_impossible_settings_are_refused_when_it_is_made(clip, settings, words):
    with pytest.raises(ValueError, match=words):
        ll.DAPT(clip, **settings)
