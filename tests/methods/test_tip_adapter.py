"""Tip-Adapter as a method: what its cache holds, what it chooses on, what it learns, and which classes it knows."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, noise_split, noise_task
from reference.tip_adapter import cache_keys, search, tip_logits

import lessons_lib as ll
from lessons_lib.features import image_features
from lessons_lib.methods import classifier
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


def same(a, b) -> bool:
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(a[name].shape == b[name].shape and torch.equal(a[name], b[name]) for name in a)


# --- the cache


def test_keys_are_the_mean_of_views_cropped_at_half_to_all_of_the_image(clip, task, fitted):
    views = image_features(clip, task.train, output="raw", view=2, seed=1, augment=clip.make_augment((0.5, 1.0)))
    torch.testing.assert_close(fitted.keys, cache_keys(views))
    assert torch.equal(fitted.key_labels, task.train.labels)
    assert not torch.allclose(fitted.keys, image_features(clip, task.train), atol=1e-3)


def test_or_the_plain_image(clip, task):
    method = ll.TipAdapter(clip, n_views=0, search=False).fit(task, **FAST)
    assert torch.equal(method.keys, image_features(clip, task.train))


def test_the_seed_draws_the_views(clip, task, fitted):
    again, other = (ll.TipAdapter(clip, **FEW).fit(task, seed=seed, **FAST) for seed in (1, 2))
    assert same(again, fitted) and not torch.equal(other.keys, fitted.keys)


def test_without_finetuning_nothing_is_learned(fitted):
    assert list(fitted.parameters()) == [] and fitted.n_parameters == 0 and fitted.history == []


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


def test_fitting_looks_at_the_training_and_validation_images_alone(clip, task, monkeypatch):
    seen = []

    def watched(clip, split, **settings):
        seen.append(split)
        return image_features(clip, split, **settings)

    for module in (classifier, tip_adapter):
        monkeypatch.setattr(module, "image_features", watched)
    monkeypatch.setattr("lessons_lib.inputs.image_features", watched)
    ll.TipAdapter(clip, finetune=True, **FEW).fit(task, epochs=1, **FAST)
    assert {id(split) for split in seen} == {id(task.train), id(task.val)}


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


def test_a_later_fit_forgets_the_one_before(clip, task, fitted, finetuned):
    larger = noise_task(names=[*NAMES, "hat", "shoe"], shots=2)
    for finetune, once in ((False, fitted), (True, finetuned)):
        method = ll.TipAdapter(clip, finetune=finetune, **FEW).fit(larger, lr=0.01, **FAST)
        assert method.logits(larger.test).shape == (len(larger.test), 7)
        assert same(method.fit(task, lr=0.01, **FAST), once)


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
    assert finetuned.n_parameters == finetuned.keys.numel() == 20 * 32
    assert (finetuned.keys - fitted.keys).abs().max() > 0.01
    assert {name for name, _ in finetuned.named_parameters()} == {"keys"}


def test_a_run_that_stopped_goes_on(clip, task, finetuned, tmp_path, monkeypatch):
    path, steps = tmp_path / "run.pt", []
    loss = ll.TipAdapter.loss

    def stops(self, *inputs):
        steps.append(1)
        if len(steps) == 7:
            raise KeyboardInterrupt
        return loss(self, *inputs)

    monkeypatch.setattr(ll.TipAdapter, "loss", stops)
    make = ll.TipAdapter(clip, finetune=True, **FEW)
    with pytest.raises(KeyboardInterrupt):
        make.fit(task, lr=0.01, checkpoint=path, **FAST)
    resumed = ll.TipAdapter(clip, finetune=True, **FEW).fit(task, lr=0.01, checkpoint=path, **FAST)
    assert same(resumed, finetuned) and len(steps) == 21  # 6 epochs before, 1 that broke off, 14 after


# --- classes


def test_of_the_classes_that_it_knows_it_keeps_the_keys(clip, task, fitted, finetuned):
    names = ["owl", "cat", "dog"]
    of_these = task.of_classes(names)
    for method in (fitted, finetuned):
        part = method.for_classes(names)
        expected = method.logits(of_these.test)[:, [NAMES.index(name) for name in names]]
        torch.testing.assert_close(part.logits(of_these.test), expected, atol=1e-4, rtol=1e-4)
        assert (part.alpha, part.beta) == (method.alpha, method.beta)
        assert method.classnames == NAMES and len(method.keys) == 20 and len(part.keys) == 12


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


def test_a_class_without_training_images_is_refused_by_name(clip, task):
    partial = replace(task, train=task.train.subset((task.train.labels != 2).nonzero().flatten()))
    with pytest.raises(ValueError, match="no image of some classes.*nothing for 'dog'"):
        ll.TipAdapter(clip, **FEW).fit(partial, **FAST)
    assert ll.TipAdapter(clip, unseen="zero-shot", **FEW).fit(partial, **FAST).logits(task.test).shape == (60, 5)


# --- how it is kept


def test_it_is_saved_and_loaded_with_its_choice(clip, task, fitted, finetuned, tmp_path):
    for i, method in enumerate((fitted, finetuned, fitted.for_classes(["owl", "cat"]))):
        loaded = ll.load_method(method.save(tmp_path / f"{i}.safetensors"), clip)
        assert torch.equal(loaded.logits(task.test), method.logits(task.test))
        assert same(loaded, method) and loaded.settings() == method.settings()
        assert (loaded.alpha, loaded.beta) == (method.alpha, method.beta) and loaded.accuracies.shape == (10, 5)


def test_templates_are_the_tasks_or_those_that_were_given(clip, task, fitted):
    def texts(templates):
        return ll.ZeroShot(clip, templates).for_classes(NAMES).text_features

    torch.testing.assert_close(fitted.texts, texts("a drawing of a {}."))
    several = ["a {}.", "one {}."]
    given = ll.TipAdapter(clip, templates=several, n_views=0, search=False).fit(task, **FAST)
    torch.testing.assert_close(given.texts, texts(several))


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
