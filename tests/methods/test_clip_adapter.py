"""CLIP-Adapter as a method: what it learns, how its α is chosen, and what it says to the impossible."""

import pytest
import torch
import torch.nn.functional as F
from contract.asking import learned, same
from noise_task import noise_task

import lessons_lib as ll
from lessons_lib.methods.classify.clip_adapter import ALPHAS

SETTINGS = {"epochs": 4, "lr": 10.0, "batch_size": 10, "progress": False}
CASES = {
    "as released": {},
    "texts as well": {"text_adapter": True},
    "alpha learned": {"alpha": "learnable"},
    "alpha chosen": {"alpha": "validation"},
}


@pytest.fixture(scope="module")
def task():
    return noise_task(signal=0.7)


def fit(clip, task, settings=None, **changes):
    return ll.CLIPAdapter(clip, **(settings or {})).fit(task, **{**SETTINGS, **changes})


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_fitting_lowers_the_loss(clip, task, settings):
    history = fit(clip, task, settings).history
    assert len(history) == 4 and history[-1]["loss"] < history[0]["loss"] - 0.02


def test_its_parameters_are_two_matrices_an_adapter(clip):
    two = {"adapter.0.weight": (8, 32), "adapter.2.weight": (32, 8)}
    assert {name: tuple(p.shape) for name, p in ll.CLIPAdapter(clip).named_parameters()} == two
    assert ll.CLIPAdapter(clip, reduction=2).n_parameters == 2 * 32 * 16
    assert ll.CLIPAdapter(clip, text_adapter=True).n_parameters == 2 * 2 * 32 * 8
    assert ll.CLIPAdapter(clip, alpha="learnable").n_parameters == 2 * 32 * 8 + 1


def test_it_starts_as_torchs_linear_layers_do(clip):
    down, up = ll.CLIPAdapter(clip, reduction=1).adapter[0].weight, ll.CLIPAdapter(clip).adapter[2].weight
    for weight, n_inputs in ((down, 32), (up, 8)):
        assert 0.9 * n_inputs**-0.5 < weight.abs().max() <= n_inputs**-0.5


# --- alpha


def test_the_chosen_alpha_is_the_most_accurate_on_validation_images_then_the_lowest_loss(clip, task):
    method = fit(clip, task, {"alpha": "validation"})
    assert [row["alpha"] for row in method.sweep] == list(ALPHAS) == [0.2, 0.4, 0.6, 0.8, 1.0]
    best = max(method.sweep, key=lambda row: (row["accuracy"], -row["loss"]))
    assert method.ratio == pytest.approx(best["alpha"])
    alone = fit(clip, task, {"alpha": best["alpha"]})
    torch.testing.assert_close(method.logits(task.test), alone.logits(task.test), atol=1e-4, rtol=1e-4)
    assert alone.score(task.val) == best["accuracy"]
    loss = F.cross_entropy(alone.logits(task.val), task.val.labels).item()
    assert loss == pytest.approx(best["loss"], rel=1e-5)


def test_a_learned_alpha_starts_at_the_released_one_and_moves(clip, task):
    start = ll.CLIPAdapter(clip, alpha="learnable")
    assert start.ratio.item() == pytest.approx(0.2)
    moved = fit(clip, task, {"alpha": "learnable"}).ratio.item()
    assert 0 < moved < 1 and abs(moved - 0.2) > 0.01


# --- the interface


def test_a_choice_that_stopped_goes_on_with_the_alpha_that_it_was_at(clip, task, tmp_path, monkeypatch):
    chosen = {"alpha": "validation"}
    whole, path, steps = fit(clip, task, chosen), tmp_path / "run.pt", []
    loss = ll.CLIPAdapter.loss

    def stops(self, *inputs):
        steps.append(1)
        if len(steps) == 12:  # an epoch has two steps, a run eight
            raise KeyboardInterrupt
        return loss(self, *inputs)

    monkeypatch.setattr(ll.CLIPAdapter, "loss", stops)
    with pytest.raises(KeyboardInterrupt):
        fit(clip, task, chosen, checkpoint=path)
    assert same(learned(fit(clip, task, chosen, checkpoint=path)), learned(whole))
    assert len(steps) == 12 + 40 - 8 - 2  # what was done was not done again


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(reduction=0), "reduction=0: give a whole number from 1 to 32"),
        (dict(reduction=33), "reduction=33"),
        (dict(reduction=2.5), "reduction=2.5"),
        (dict(alpha=0.0), "alpha=0.0: give a number above 0 and up to 1, 'validation' or 'learnable'"),
        (dict(alpha=1.5), "alpha=1.5"),
        (dict(alpha="best"), "alpha='best'"),
        (dict(beta=0), "beta=0: give a number above 0"),
        (dict(templates=[]), "no templates were given"),
    ],
)
def test_impossible_settings_are_refused_when_it_is_made(clip, settings, words):
    with pytest.raises(ValueError, match=words):
        ll.CLIPAdapter(clip, **settings)
