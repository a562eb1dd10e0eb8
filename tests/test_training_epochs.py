"""What a method does behind an epoch, and what its loss draws, are parts of a run: gone on from, and taken back."""

import pytest
import torch
import torch.nn.functional as F
from noise_task import noise_task

from lessons_lib.methods import CoOp

SETTINGS = {"epochs": 5, "lr": 0.1, "batch_size": 8, "progress": False}  # 20 images: 2 steps an epoch


class Summed(CoOp):
    """CoOp on features of which some are dropped, that sums up its context behind every epoch, and ends on the sum."""

    calls = 0
    stops_at = lost_at = 0  # the call of `loss` that raises, and the one whose loss is lost

    def reset(self, seed):
        super().reset(seed)
        self.register_buffer("sum", torch.zeros_like(self.ctx.detach()))

    def loss(self, inputs, labels):
        self.calls += 1
        if self.calls == self.stops_at:
            raise KeyboardInterrupt
        loss = super().loss(F.dropout(inputs, 0.3), labels)
        return loss * float("nan") if self.calls == self.lost_at else loss

    @torch.no_grad()
    def after_epoch(self, epoch, epochs):
        self.sum += epoch * self.ctx
        if epoch == epochs:
            self.ctx.copy_(self.sum)


def fit(clip, *, stops_at=0, lost_at=0, **settings):
    method = Summed(clip, n_ctx=2)
    method.stops_at, method.lost_at = stops_at, lost_at
    try:
        return method.fit(noise_task(), **{**SETTINGS, **settings})
    except (KeyboardInterrupt, FloatingPointError):
        return method


def assert_same(one, other):
    assert torch.equal(one.ctx, other.ctx) and torch.equal(one.sum, other.sum)
    assert [row["loss"] for row in one.history] == [row["loss"] for row in other.history]


def test_the_method_is_asked_behind_every_epoch_and_has_the_last_word(clip):
    method = fit(clip)
    assert torch.equal(method.ctx, method.sum) and method.sum.abs().max() > 0


@pytest.mark.parametrize("call", [3, 6, 10])
def test_a_stopped_run_goes_on_with_what_was_kept_and_the_same_draws(clip, tmp_path, call):
    fit(clip, stops_at=call, checkpoint=tmp_path / "run.pt")
    torch.rand(7)  # where torch's own generator stands is of no matter
    assert_same(fit(clip, checkpoint=tmp_path / "run.pt"), fit(clip))


@pytest.mark.parametrize(("call", "epochs"), [(6, 2), (5, 1)])  # a first loss tells on the last step before it
def test_what_was_kept_is_taken_back_with_a_lost_epoch(clip, call, epochs):
    method = fit(clip, lost_at=call)
    assert len(method.history) == epochs
    assert_same(method, fit(clip, stops_at=2 * epochs + 1))


def test_what_a_loss_draws_depends_on_the_seed_and_the_epoch_and_moves_no_generator(clip):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one = fit(clip, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert_same(one, fit(clip, seed=2))
    whole = {"lr": 1e-30, "batch_size": 20}
    losses = [row["loss"] for row in fit(clip, seed=2, **whole).history]
    assert len(set(losses)) == len(losses)  # other features are dropped in every epoch
    assert losses != [row["loss"] for row in fit(clip, seed=3, **whole).history]
