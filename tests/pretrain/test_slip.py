"""SLIP's objective is the published one, in values and gradients, on one process and on two; its head stays behind."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from reference import slip as published
from reference.comparing import assert_same
from test_pretraining import SETTINGS, draw, normalise
from tiny_clip import tiny_config, tiny_model

from lessons_lib.clip.building import build
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.pretrain.gathering import GatheredBatchNorm
from lessons_lib.pretrain.loop import Run, Towers
from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.pretrain.passes import passes, with_views
from lessons_lib.pretrain.slip import CLIP, SIMCLR, SLIP, CLIPTowers, SLIPTowers, nt_xent, slip_loss
from lessons_lib.pretrain.views import SSL_VIEW, draw_views

ROOT = Path(__file__).resolve().parents[2]
GENTLE = replace(SETTINGS, patch_dropout=0.0)
TOKENIZER = SimpleTokenizer(context_length=77)


def two_views(n: int = 6, width: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = torch.randn(2, n, width, generator=torch.Generator().manual_seed(0))
    return F.normalize(a, dim=1).requires_grad_(), F.normalize(b, dim=1).requires_grad_()


def gradients(loss, tensors):
    return [loss.detach()[None], *torch.autograd.grad(loss, tensors, allow_unused=True)]


def batch(n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Three views of each picture, normalised, and tokens."""
    images, captions = draw(n, seed=(1, 2))
    return normalise(draw_views(images, SLIP.views, seed=0)), TOKENIZER(captions)


def towers(cls=SLIPTowers, seed: int = 0, **head):
    torch.manual_seed(seed)
    model = tiny_model(seed).train()
    return cls(model, **({"hidden": 24, "out": 8} | head if cls is not CLIPTowers else {}))


# --- NT-Xent


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_nt_xent_is_the_loop_over_2n_anchors_in_value_and_gradients(temperature):
    a, b = two_views()
    found = gradients(nt_xent(a, b, temperature), (a, b))
    assert_same(found, gradients(published.nt_xent(a, b, temperature), (a, b)), ["loss", "a", "b"], 1e-5)


def test_nt_xent_of_features_that_tell_nothing_is_the_logarithm_of_the_others():
    same = torch.ones(6, 4) / 2
    assert nt_xent(same, same).item() == pytest.approx(math.log(11))
    assert nt_xent(torch.eye(4), torch.eye(4), 0.01).item() == pytest.approx(0, abs=1e-6)


def test_neither_the_order_of_pictures_nor_that_of_views_matters():
    a, b = two_views()
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    for one, other in ((a[order], b[order]), (b, a)):
        torch.testing.assert_close(nt_xent(one, other), nt_xent(a, b))
    assert not torch.isclose(nt_xent(a, b[order]), nt_xent(a, b))


def test_views_that_are_no_pairs_are_refused():
    a, b = two_views()
    for wrong in (b[:5], b[:, :4], b[0]):
        with pytest.raises(ValueError, match=r"two views of each picture, both \(N, E\)"):
            nt_xent(a, wrong)


# --- a step


def test_a_step_is_the_published_one_in_value_and_gradients():
    ours, (views, tokens) = towers(), batch()
    names, tensors = zip(*ours.named_parameters())
    found = gradients(slip_loss(*ours(views, tokens)), tensors)
    wanted = gradients(published.training_loss(ours.model, ours.head, views, tokens), tensors)
    blind = {"head.0.bias", "head.3.bias"}  # batch norm takes away what all rows have
    kept = [i for i, name in enumerate(["loss", *names]) if name not in blind]
    assert all(wanted[i].abs().max() > 0 for i in kept), "nothing was compared"
    assert_same([found[i] for i in kept], [wanted[i] for i in kept], [["loss", *names][i] for i in kept], 5e-4)


def test_with_weight_0_it_is_clips_loss_and_gradients():
    ours, (views, tokens) = towers(), batch()
    names, tensors = zip(*ours.model.named_parameters())
    found = gradients(slip_loss(*ours(views, tokens), weight=0.0), tensors)
    wanted = gradients(clip_loss(*Towers(ours.model)(views[:, 0], tokens)), tensors)
    assert_same(found, wanted, ["loss", *names], 2e-4)
    idle = torch.autograd.grad(slip_loss(*ours(views, tokens), weight=0.0), tuple(ours.head.parameters()))
    assert all((gradient == 0).all() for gradient in idle)


def test_with_the_batch_in_another_order_a_step_is_the_same():
    (views, tokens), order = batch(), torch.tensor([4, 0, 5, 2, 1, 3])
    ours = towers()
    names, tensors = zip(
        *((name, p) for name, p in ours.named_parameters() if name not in ("head.0.bias", "head.3.bias"))
    )
    found = gradients(slip_loss(*ours(views[order], tokens[order])), tensors)
    assert_same(found, gradients(slip_loss(*ours(views, tokens)), tensors), ["loss", *names], 5e-4)


def test_an_objective_looks_at_its_own_views_and_captions_alone():
    views, tokens = batch()
    clip, simclr, slip = (towers(one.towers) for one in (CLIP, SIMCLR, SLIP))
    with torch.no_grad():
        for found, wanted in zip(slip(views, tokens), (*clip(views[:, :1], tokens), *simclr(views[:, 1:], tokens[:0]))):
            torch.testing.assert_close(found, wanted)
    assert [len(one.views) for one in (CLIP, SIMCLR, SLIP)] == [1, 2, 3] and SIMCLR.views[0] is SSL_VIEW


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_fast_towers_are_open_clips_also_with_patches_left_out(dropout):
    config = tiny_config()
    config["vision_cfg"]["patch_dropout"] = dropout
    model, (views, tokens) = build(config).train(), batch()
    names, tensors = zip(*model.named_parameters())
    both = []
    for ours, images in ((CLIPTowers(model), views), (Towers(model), views[:, 0])):
        torch.manual_seed(5)
        both.append(gradients(clip_loss(*ours(images, tokens)), tensors))
    assert_same(*both, ["loss", *names], 2e-4)


def test_a_tower_without_a_trunk_is_refused():
    with pytest.raises(ValueError, match="ModifiedResNet"):
        CLIPTowers(tiny_model(vision="resnet"))


# --- the one loop


def make_run(objective=SLIP, seed: int = 0, **changes) -> Run:
    torch.manual_seed(seed)
    model = tiny_model(seed)
    made = {"make_towers": objective.make_towers(24, 8), "loss": objective.loss, **changes}
    return Run(model, GENTLE, normalise, autocast_dtype=None, **made)


def train(run: Run, until: int, objective=SLIP) -> list[float]:
    images, captions = draw(14, seed=(7,))
    pairs = passes(images, TOKENIZER(captions), batch_size=6, seed=1, start=run.step)
    seen = with_views(pairs, objective.views, seed=1, start=run.step)
    return [run.train_step(*each) for each, _ in zip(seen, range(until - run.step))]


@pytest.mark.parametrize("objective", [CLIP, SIMCLR, SLIP], ids=lambda one: one.name)
def test_a_killed_run_goes_on_to_the_same_losses_and_weights(tmp_path, objective):
    whole = make_run(objective)
    losses = train(whole, 4, objective)
    killed = make_run(objective)
    train(killed, 3, objective)
    killed.save(tmp_path / "run.pt", note="kept")
    again = make_run(objective, seed=9)
    assert again.load(tmp_path / "run.pt") == {"note": "kept"}
    assert train(again, 4, objective) == pytest.approx(losses[3:], abs=1e-6)
    for name, weights in whole.learned.state_dict().items():
        torch.testing.assert_close(again.learned.state_dict()[name], weights, rtol=0, atol=1e-6)


def test_the_head_learns_and_simclr_leaves_the_text_tower_alone():
    run = make_run(SIMCLR)
    before = {name: tensor.clone() for name, tensor in run.learned.state_dict().items()}
    train(run, 2, SIMCLR)
    after = run.learned.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"1.0.weight", "1.1.running_mean", "1.6.bias", "0.visual.conv1.weight"} <= moved
    assert not {"0.visual.proj", "0.token_embedding.weight", "0.text_projection", "0.logit_scale"} & moved


def test_a_checkpoint_with_another_head_or_none_is_refused(tmp_path):
    make_run(CLIP).save(tmp_path / "clip.pt")
    make_run(SLIP).save(tmp_path / "slip.pt")
    for objective, name in ((SLIP, "clip.pt"), (CLIP, "slip.pt"), (replace(SLIP, towers=wider), "slip.pt")):
        with pytest.raises(ValueError, match="is of another model"):
            make_run(objective).load(tmp_path / name)


def wider(model, hidden, out):
    return SLIPTowers(model, hidden + 1, out)


def test_what_is_evaluated_is_clips_own_and_knows_no_head():
    run = make_run(SLIP)
    train(run, 2)
    shipped = frozen_copy(run.model, tiny_config(), {}, TOKENIZER)
    assert shipped.model.state_dict().keys() == build(tiny_config()).state_dict().keys()
    views, _ = batch()
    before = shipped.encode_images(views[:, 0])
    with torch.no_grad():
        for weights in run.head.parameters():
            weights.fill_(7.0)
    again = frozen_copy(run.model, tiny_config(), {}, TOKENIZER)
    assert torch.equal(again.encode_images(views[:, 0]), before)


# --- fixed pairs in passes


def test_a_pass_shows_every_pair_once_and_the_next_in_another_order():
    images = torch.arange(12)
    seen = [rows.tolist() for (rows, _), _ in zip(passes(images, images, batch_size=4, seed=0), range(6))]
    first, second = sum(seen[:3], []), sum(seen[3:], [])
    assert sorted(first) == sorted(second) == list(range(12)) and first != second
    assert [
        rows.tolist() for (rows, _), _ in zip(passes(images, images, batch_size=4, seed=0, start=2), range(4))
    ] == seen[2:]
    assert next(passes(images, images, batch_size=4, seed=1))[0].tolist() != seen[0]


def test_processes_share_what_one_would_see():
    images = torch.arange(11)
    whole = passes(images, images, batch_size=4, seed=0, start=1)
    parts = [passes(images, images, batch_size=4, seed=0, start=1, rank=rank, world=2) for rank in (0, 1)]
    for _ in range(4):
        assert next(whole)[0].tolist() == [*next(parts[0])[0].tolist(), *next(parts[1])[0].tolist()]


def test_batches_that_cannot_be_had_are_refused():
    for settings in ({"batch_size": 12}, {"batch_size": 5, "world": 2}):
        with pytest.raises(ValueError, match="at most the 11 pairs, and a multiple of"):
            next(passes(torch.arange(11), torch.arange(11), seed=0, **settings))


def test_views_are_drawn_when_they_are_asked_for():
    asked = []

    def pairs():
        for k in range(3):
            asked.append(k)
            yield torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, 5)

    seen = with_views(pairs(), SLIP.views, seed=0)
    assert asked == []
    views, _ = next(seen)
    assert asked == [0] and views.shape == (2, 3, 3, 8, 8)


# --- several processes

WORKER = """
import sys
import torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
root, out = sys.argv[1:]
sys.path[:0] = [root, f"{root}/tests", f"{root}/tests/pretrain"]
from lessons_lib.pretrain.gathering import gathered
from test_slip import SLIP, at_once, batch, make_run
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
run = make_run(wrap=DistributedDataParallel, loss=gathered(SLIP.loss))
found = at_once(run, *(each[rank * 3 : rank * 3 + 3] for each in batch()))
if rank == 0:
    torch.save(found, out)
dist.destroy_process_group()
"""


def at_once(run: Run, views, tokens) -> dict:
    """The loss, its gradients, and what batch norm noticed."""
    run.learned.train()
    loss = run.loss(*run.towers(views, tokens))
    loss.backward()
    gradients = {name: p.grad for name, p in run.learned.named_parameters()}
    return {"loss": loss.detach(), "gradients": gradients, "noticed": dict(run.head.named_buffers())}


def test_two_processes_with_half_a_batch_each_have_the_loss_and_gradients_of_one(tmp_path):
    alone = at_once(make_run(), *batch())
    script, out = tmp_path / "worker.py", tmp_path / "together.pt"
    script.write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script)]
    done = subprocess.run([*command, str(ROOT), str(out)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    together = torch.load(out, weights_only=True)
    torch.testing.assert_close(together["loss"], alone["loss"])
    for name in ("1.running_mean", "1.running_var", "4.running_var", "4.num_batches_tracked"):
        torch.testing.assert_close(together["noticed"][name], alone["noticed"][name], rtol=1e-4, atol=1e-6)
    names = [name for name in alone["gradients"] if name not in ("1.0.bias", "1.3.bias")]
    assert_same(*([each["gradients"][name] for name in names] for each in (together, alone)), names, 5e-4)


def test_halves_by_themselves_would_have_another_loss():
    """What gathering is for: without it neither the losses nor the batch norms see the other half."""
    views, tokens = batch()
    whole = at_once(make_run(), views, tokens)["loss"]
    halves = [at_once(make_run(), views[rows], tokens[rows])["loss"] for rows in (slice(0, 3), slice(3, 6))]
    assert abs(sum(halves) / 2 - whole) > 0.1


def test_on_one_process_the_batch_norm_is_torchs():
    x = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    ours, theirs = GatheredBatchNorm(4), torch.nn.BatchNorm1d(4)
    assert torch.equal(ours(x), theirs(x)) and torch.equal(ours.running_var, theirs.running_var)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_gathered_without_gradients_a_feature_learns_from_its_own_row_alone():
    """What SLIP's release does with CLIP's features, and what the gathering here does not."""
    f, w = two_views()
    logits = 9.0 * f @ w.detach().T
    own = torch.autograd.grad(F.cross_entropy(logits, torch.arange(6)) / 2, f)[0]
    released = torch.autograd.grad(published.clip_gathered_without_gradients(f, w, torch.tensor(9.0)), f)[0]
    torch.testing.assert_close(released, own)
    whole = torch.autograd.grad(clip_loss(f, w, 9.0), f)[0]
    assert (released - whole).norm() > 0.3 * whole.norm()
