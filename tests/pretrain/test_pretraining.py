"""Pre-training: the stream and a killed run go on where they stopped, and several processes learn as one."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch
from open_clip.tokenizer import SimpleTokenizer
from tiny_clip import tiny_config, tiny_model

from lessons_lib import toyworld
from lessons_lib.pretrain.loop import PairStream, Run, Settings, Towers, learning_rate, make_optimizer
from lessons_lib.pretrain.losses import clip_loss

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(steps=8, batch_size=6, lr=1e-3, warmup=2, patch_dropout=0.5, whole_from=0.75, seed=3)
COLOURS = ("red", "green", "blue")


def draw(n: int, *, seed: tuple[int, ...]) -> tuple[torch.Tensor, list[str]]:
    """n noisy squares of one colour with captions, of unlike lengths."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(3, size=n)
    images = rng.integers(0, 120, size=(n, 3, 32, 32), dtype=np.uint8)
    images[np.arange(n), picks] += 100
    tails = [" of it" * int(k) for k in rng.integers(0, 6, size=n)]
    return torch.from_numpy(images), [f"a {COLOURS[i]} picture{tail}" for i, tail in zip(picks, tails)]


def stream(start: int = 0, **settings) -> PairStream:
    tokenizer = SimpleTokenizer(context_length=77)
    return PairStream(draw, tokenizer, **{"batch_size": 6, "seed": 3, "at_once": 4, "start": start, **settings})


def normalise(images: torch.Tensor) -> torch.Tensor:
    return (images.float() / 255 - 0.5) / 0.25


def make_run(settings: Settings = SETTINGS, seed: int = 0, **changes) -> Run:
    config = tiny_config()
    config["vision_cfg"]["patch_dropout"] = settings.patch_dropout
    torch.manual_seed(seed)
    return Run(open_clip.model.CLIP(**config), settings, normalise, autocast_dtype=None, **changes)


def train(run: Run, until: int) -> list[float]:
    pairs = iter(stream(start=run.step))
    return [run.train_step(*next(pairs)) for _ in range(until - run.step)]


def first_batches(pairs, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [batch for batch, _ in zip(pairs, range(count))]


def assert_same_batches(a: list, b: list) -> None:
    assert len(a) == len(b)
    for (images, tokens), (images_too, tokens_too) in zip(a, b):
        assert torch.equal(images, images_too)
        assert torch.equal(tokens, tokens_too)


# --- the stream


def test_the_stream_gives_the_same_pairs_again():
    assert_same_batches(first_batches(stream(), 6), first_batches(stream(), 6))


@pytest.mark.parametrize("start", [1, 3, 4, 6])
def test_the_stream_started_at_a_step_gives_what_the_whole_one_has_there(start):
    whole = first_batches(stream(), start + 5)
    assert_same_batches(first_batches(stream(start=start), 5), whole[start:])


def test_other_seeds_and_other_processes_see_other_pairs():
    (images, _), *_ = first_batches(stream(), 1)
    for other in (stream(seed=4), stream(rank=1)):
        assert not torch.equal(first_batches(other, 1)[0][0], images)


def test_batches_of_one_stream_differ():
    batches = first_batches(stream(), 6)
    assert all(not torch.equal(a[0], b[0]) for i, a in enumerate(batches) for b in batches[:i])


def test_pairs_drawn_by_another_process_are_the_same():
    assert_same_batches(first_batches(stream(start=2).loader(), 5), first_batches(stream(start=2), 5))


def test_toyworld_pairs_depend_on_the_seed_alone():
    images, captions = toyworld.draw_pairs(20, seed=(5, 0, 2))
    again, captions_again = toyworld.draw_pairs(20, seed=(5, 0, 2))
    others, _ = toyworld.draw_pairs(20, seed=(5, 0, 3))
    assert torch.equal(images, again) and captions == captions_again
    assert not torch.equal(images, others)


# --- the schedule and the optimizer


def test_the_learning_rate_warms_up_linearly_and_falls_as_half_a_cosine():
    s = Settings(steps=1100, lr=1e-3, lr_end=1e-5, warmup=100)
    assert learning_rate(0, s) == pytest.approx(1e-5)
    assert learning_rate(49, s) == pytest.approx(0.5e-3)
    assert learning_rate(99, s) == pytest.approx(1e-3)
    assert learning_rate(100, s) == pytest.approx(1e-3)
    assert learning_rate(600, s) == pytest.approx((1e-3 + 1e-5) / 2)
    assert learning_rate(350, s) == pytest.approx(1e-5 + 0.99e-3 * (1 + math.sqrt(0.5)) / 2)
    assert learning_rate(1100, s) == pytest.approx(1e-5)
    assert learning_rate(5000, s) == pytest.approx(1e-5)


def test_a_run_takes_the_scheduled_learning_rate():
    run = make_run()
    for step in range(4):
        train(run, until=step + 1)
        assert {group["lr"] for group in run.optimizer.param_groups} == {learning_rate(step, SETTINGS)}


def test_only_matrices_are_decayed():
    model = tiny_model()
    decayed, rest = make_optimizer(model, Settings(weight_decay=0.1)).param_groups
    assert decayed["weight_decay"] == 0.1 and rest["weight_decay"] == 0
    assert all(p.ndim >= 2 for p in decayed["params"])
    assert any(p is model.logit_scale for p in rest["params"])
    assert len(decayed["params"]) + len(rest["params"]) == len(list(model.parameters()))


def test_the_temperatures_inverse_never_exceeds_100():
    run = make_run()
    with torch.no_grad():
        run.model.logit_scale.fill_(math.log(150))
    train(run, until=1)
    assert run.model.logit_scale.exp().item() == pytest.approx(100, rel=1e-5)


# --- a run


def test_training_lowers_the_loss_from_about_log_n():
    settings = replace(SETTINGS, steps=30, batch_size=3, warmup=5, lr=3e-3, patch_dropout=0.0)
    run = make_run(settings)
    images = torch.zeros(3, 3, 32, 32, dtype=torch.uint8)
    images[range(3), range(3)] = 255  # a red, a green and a blue picture
    tokens = SimpleTokenizer(context_length=77)([f"a {colour} picture" for colour in COLOURS])
    losses = [run.train_step(images, tokens) for _ in range(30)]
    assert losses[0] == pytest.approx(math.log(3), abs=0.6)
    assert losses[-1] < 0.2


@pytest.mark.parametrize("stop", [1, 5, 6])
def test_a_killed_run_goes_on_to_the_same_losses_and_weights(tmp_path, stop):
    whole = make_run()
    losses = train(whole, until=8)

    killed = make_run()
    train(killed, until=stop)
    killed.save(tmp_path / "run.pt", note="kept")
    restarted = make_run(seed=99)  # other weights, which the checkpoint replaces
    assert restarted.load(tmp_path / "run.pt") == {"note": "kept"}
    assert restarted.step == stop
    assert train(restarted, until=8) == pytest.approx(losses[stop:], abs=1e-6)
    for name, weights in whole.model.state_dict().items():
        torch.testing.assert_close(restarted.model.state_dict()[name], weights, rtol=0, atol=1e-6)


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_weights():
    run = make_run()
    train(run, until=2)
    before = {name: weights.clone() for name, weights in run.model.state_dict().items()}
    images, tokens = first_batches(stream(start=2), 1)[0]
    run.normalise = lambda pixels: pixels.float() * math.nan
    with pytest.raises(FloatingPointError, match="the loss became nan at step 2: lower lr .* or lengthen warmup"):
        run.train_step(images, tokens)
    assert run.step == 2
    for name, weights in run.model.state_dict().items():
        assert torch.equal(weights, before[name])


def test_patches_are_dropped_until_the_last_part_of_the_run():
    run, seen = make_run(), []
    run.model.visual.transformer.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[1]))
    train(run, until=8)
    assert seen == [1 + 8] * 6 + [1 + 16] * 2  # of 16 patches and the class token; whole from step 0.75 · 8


def test_a_resnet_can_be_trained_too():
    torch.manual_seed(0)
    run = Run(open_clip.model.CLIP(**tiny_config(vision="resnet")), SETTINGS, normalise, autocast_dtype=None)
    losses = train(run, until=2)
    assert all(math.isfinite(loss) for loss in losses)


def test_texts_encoded_in_groups_of_like_length_equal_whole_ones():
    towers = Towers(tiny_model())
    _, tokens = first_batches(stream(batch_size=11), 1)[0]
    with torch.no_grad():
        whole = towers.model.encode_text(tokens)
        for groups in (1, 3, 4, 11):
            torch.testing.assert_close(towers.encode_texts(tokens, groups=groups), whole, rtol=1e-4, atol=1e-5)


# --- several processes

WORKER = """
import os, sys
import torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from pathlib import Path
root, out = sys.argv[1:]
sys.path[:0] = [root, f"{root}/tests", f"{root}/tests/pretrain"]
from lessons_lib.pretrain.gathering import gathered
from lessons_lib.pretrain.losses import clip_loss
from test_pretraining import batch_of_two_processes, make_run, whole_images
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
run = make_run(whole_images, wrap=DistributedDataParallel, loss=gathered(clip_loss))
images, tokens = batch_of_two_processes()
half = slice(rank * 5, rank * 5 + 5)
losses = [run.train_step(images[half], tokens[half]) for _ in range(2)]
if rank == 0:
    torch.save({"losses": losses, "model": run.model.state_dict()}, out)
dist.destroy_process_group()
"""
whole_images = replace(SETTINGS, patch_dropout=0.0)


def batch_of_two_processes() -> tuple[torch.Tensor, torch.Tensor]:
    return first_batches(stream(batch_size=10), 1)[0]


def test_two_processes_with_half_a_batch_each_learn_as_one_with_the_whole(tmp_path):
    alone = make_run(whole_images)
    losses = [alone.train_step(*batch_of_two_processes()) for _ in range(2)]

    script, out = tmp_path / "worker.py", tmp_path / "together.pt"
    script.write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script)]
    done = subprocess.run([*command, str(ROOT), str(out)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    together = torch.load(out, weights_only=True)
    assert together["losses"] == pytest.approx(losses, abs=1e-5)
    # Adam turns rounding into steps of ±lr where a gradient is all but 0, as in the rows of words that no caption has.
    for name, weights in alone.model.state_dict().items():
        torch.testing.assert_close(together["model"][name], weights, rtol=1e-3, atol=3e-4)


# --- the script


def pretrain(out: Path, *more: str) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        str(ROOT / "data_scripts/pretraining/pretrain_toyclip.py"),
        "--out",
        str(out),
        "--steps",
        "4",
    ]
    trial = ["--batch-size", "8", "--per-class", "1", "--evaluate-every", "4", "--save-every", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command += [*trial, "--checkpoint", str(out / "run.pt"), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)


def test_the_script_writes_weights_that_open_clip_takes_and_what_made_them(tmp_path):
    done = pretrain(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    weights = safetensors.torch.load_file(tmp_path / "toyclip.safetensors")
    cfg = json.loads((ROOT / "lessons_lib/clip/toyclip/toyclip.json").read_text())
    cfg.pop("preprocess_cfg")
    open_clip.model.CLIP(**cfg).load_state_dict(weights)
    assert all(tensor.dtype == torch.float16 for tensor in weights.values())

    record = json.loads((tmp_path / "toyclip_training.json").read_text())
    assert record["settings"]["steps"] == 4 and record["settings"]["seed"] == 0
    assert record["pairs"] == 32
    assert record["hardware"]["device"] == "cpu" and record["seconds"] > 0
    step, scores = record["zero_shot"][-1]
    assert step == 4 and set(toyworld.ELEVEN) <= set(scores)
    assert all(0 <= score <= 100 for score in scores.values())

    refused = pretrain(tmp_path, "--lr", "0.5")  # the same checkpoint, other settings
    assert refused.returncode != 0
    assert "belongs to a run with other settings" in refused.stderr


def test_the_gathered_loss_of_one_batch_is_the_plain_loss():
    """What the two processes of the test above sum up: the loss over all pairs, not the mean of the halves' losses."""
    f, w = torch.nn.functional.normalize(torch.randn(2, 10, 4, generator=torch.Generator().manual_seed(0)), dim=-1)
    halves = (clip_loss(f[:5], w[:5], 10.0) + clip_loss(f[5:], w[5:], 10.0)) / 2
    assert clip_loss(f, w, 10.0).item() > halves.item() + 0.1


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    path = tmp_path / "run.pt"
    make_run().save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    for damage in (b"PK\3\4" + bytes(5000), bytes(content), bytes(content[:-100])):
        path.write_bytes(damage)
        with pytest.raises(ValueError, match=r"run.pt' is damaged \(.*\): delete it to start again, or give another"):
            make_run().load(path)
    torch.save({"weights": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="it holds something else"):
        make_run().load(path)
