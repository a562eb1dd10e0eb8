"""The linear probe is scikit-learn's logistic regression on normalised features, with C chosen on validation images."""

import time
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, noise_task
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from lessons_lib.methods import LinearProbe
from lessons_lib.methods.classify import linear_probe


@pytest.fixture(scope="module")
def task():
    return noise_task(shots=8)


@torch.no_grad()
def literal_features(clip, split):
    """open_clip's own tower, one picture after the other."""
    pictures = torch.stack([clip.preprocess(split.image(i)) for i in range(len(split))])
    return F.normalize(clip.model.encode_image(pictures), dim=-1)


def test_it_is_scikit_learns_logistic_regression_on_train_alone(clip, task):
    probe = LinearProbe(clip).fit(task)
    x, test = literal_features(clip, task.train), literal_features(clip, task.test)
    literal = LogisticRegression(C=probe.C, max_iter=5000, tol=1e-8).fit(x.double(), task.train.labels)
    expected = torch.from_numpy(literal.predict_proba(test.double())).float()
    torch.testing.assert_close(probe.logits(task.test).softmax(dim=1), expected, atol=2e-3, rtol=0)
    assert (probe.predict(task.test).numpy() == literal.predict(test.double())).mean() >= 0.98


def test_features_in_a_narrow_cone_reach_the_same_optimum_and_converge():
    """Trained CLIPs' features share a large mean and differ in few directions."""
    rng = np.random.default_rng(0)
    y = np.arange(6).repeat(8)
    x = 5 * np.eye(16)[0] + (rng.normal(size=(6, 16))[y] + rng.normal(size=(48, 16))) * np.logspace(0, -2, 16)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    for C in (1e-2, 1e2, 1e4):
        regression = linear_probe.Regression(x, y, max_iter=1000)
        assert regression.fit(C)
        weight, bias = regression.weight_and_bias()
        literal = LogisticRegression(C=C, solver="newton-cg", tol=1e-9, max_iter=1000).fit(x, y)
        scores = x @ weight.T + bias
        expected = literal.decision_function(x)
        np.testing.assert_allclose(
            scores - scores.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), rtol=0.02, atol=0.02
        )


def test_two_classes_give_scikit_learns_probabilities_too(clip):
    task = noise_task(shots=8, names=NAMES[:2])
    probe = LinearProbe(clip, C_grid=[10.0]).fit(task)
    literal = LogisticRegression(C=10.0, tol=1e-8).fit(literal_features(clip, task.train).double(), task.train.labels)
    expected = torch.from_numpy(literal.predict_proba(literal_features(clip, task.test).double())).float()
    torch.testing.assert_close(probe.logits(task.test).softmax(dim=1), expected, atol=1e-3, rtol=0)


def test_the_chosen_C_has_the_best_validation_accuracy_then_the_lowest_loss(clip, task):
    probe = LinearProbe(clip).fit(task)
    best = max(probe.sweep, key=lambda row: (row["accuracy"], -row["loss"]))
    assert probe.C == best["C"]
    x, val = literal_features(clip, task.train).double(), literal_features(clip, task.val).double()
    literal = LogisticRegression(C=probe.C, max_iter=5000, tol=1e-8).fit(x, task.train.labels)
    assert 100 * literal.score(val, task.val.labels) == pytest.approx(best["accuracy"], abs=100 / len(task.val))
    log_p = literal.predict_log_proba(val)
    assert -log_p[np.arange(len(task.val)), task.val.labels].mean() == pytest.approx(best["loss"], rel=0.01)


def test_of_equally_accurate_values_the_one_with_the_lowest_loss_is_taken(clip):
    probe = LinearProbe(clip).fit(noise_task(shots=16, signal=0.9))
    losses = {row["C"]: row["loss"] for row in probe.sweep if row["accuracy"] == 100}
    assert len(losses) > 1
    assert losses[probe.C] == min(losses.values())


def test_the_sweep_goes_from_coarse_to_fine_around_the_best(clip, task):
    coarse = LinearProbe(clip, refinements=0).fit(task)
    assert [row["C"] for row in coarse.sweep] == list(linear_probe.C_GRID)
    fine = LinearProbe(clip, refinements=2).fit(task)
    tried = np.log10([row["C"] for row in fine.sweep])
    assert len(tried) > 7 and np.diff(tried).min() == pytest.approx(0.5)
    assert max(row["accuracy"] for row in fine.sweep) >= max(row["accuracy"] for row in coarse.sweep)


def test_it_learns_what_is_there_to_learn(clip):
    task = noise_task(shots=16, signal=0.9)
    assert LinearProbe(clip).fit(task).score(task.test) > 95


def test_stopping_before_convergence_is_said_and_recorded(clip, task):
    with pytest.warns(ConvergenceWarning, match=r"C=1e\+06 did not converge within 2 iterations: raise max_iter"):
        probe = LinearProbe(clip, C_grid=[1e6], max_iter=2).fit(task)
    assert probe.converged is False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LinearProbe(clip, C_grid=[1.0]).fit(task).converged is True


@pytest.mark.parametrize("grid", [[], [0.0, 1.0], [1.0, float("inf")]])
def test_a_grid_without_positive_numbers_is_refused(clip, grid):
    with pytest.raises(ValueError, match="C_grid must hold at least one positive number"):
        LinearProbe(clip, C_grid=grid)


def test_sixteen_shots_of_sixty_classes_take_seconds(monkeypatch, clip):
    """With random features of width 128, which are the hardest to fit."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(60, 128, generator=generator)

    class Wide(LinearProbe):
        def features(self, split):
            return F.normalize(centres[split.labels] + 3 * torch.randn(len(split), 128, generator=generator), dim=1)

    monkeypatch.setattr(clip, "embed_dim", 128)
    names = [f"class {i}" for i in range(60)]
    start = time.process_time()  # of all threads; a busy machine does not count
    probe = Wide(clip).fit(noise_task(shots=16, names=names))
    assert time.process_time() - start < 5  # about 1 second
    assert probe.converged
