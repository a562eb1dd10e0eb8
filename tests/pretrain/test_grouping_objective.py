"""GroupViT's objective is the published one, in values and gradients; nouns come from captions; the one loop trains it,
stops and goes on; the script leaves a model that is loaded and measured."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from reference import groupvit as published
from reference.comparing import assert_same
from test_pretraining import SETTINGS, draw, normalise
from tiny_clip import tiny_model

import lessons_lib as ll
from lessons_lib.clip.grouping import gumbel_noise
from lessons_lib.methods import METHODS
from lessons_lib.pretrain.grouping import GroupingTowers, WithNouns, grouping_loss, multi_label_loss
from lessons_lib.pretrain.loop import PairStream, Run
from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.toyworld.nouns import nouns_of

ROOT = Path(__file__).resolve().parents[2]


def features(n: int = 5, k: int = 3, width: int = 6):
    generator = torch.Generator().manual_seed(0)
    f, u = torch.randn(n, width, generator=generator), torch.randn(n, k, width, generator=generator)
    return F.normalize(f, dim=-1).requires_grad_(), F.normalize(u, dim=-1).requires_grad_()


def gradients(loss, *tensors):
    return [loss.detach()[None], *torch.autograd.grad(loss, tensors)]


# --- the objective


def test_with_one_noun_it_is_the_contrastive_loss():
    f, u = features(k=1)
    scale = torch.tensor(9.0, requires_grad=True)
    found = gradients(multi_label_loss(f, u, scale), f, u, scale)
    wanted = gradients(clip_loss(f, u[:, 0], scale), f, u, scale)
    assert_same(found, wanted, ["loss", "pictures", "nouns", "scale"], 1e-6)


def test_with_several_it_is_the_loop_over_pictures_and_nouns():
    f, u = features()
    scale = torch.tensor(9.0, requires_grad=True)
    found = gradients(multi_label_loss(f, u, scale), f, u, scale)
    wanted = gradients(published.noun_loss(f, u, scale), f, u, scale)
    assert_same(found, wanted, ["loss", "pictures", "nouns", "scale"], 1e-6)


def test_the_order_of_pairs_and_of_nouns_does_not_matter():
    f, u = features()
    order = torch.tensor([3, 0, 4, 1, 2])
    again = multi_label_loss(f[order], u[order][:, [2, 0, 1]], 9.0)
    torch.testing.assert_close(again, multi_label_loss(f, u, 9.0))


def test_nouns_of_another_number_of_pictures_are_refused():
    f, u = features()
    for wrong in (u[:4], u[:, :, :5], u[:, 0]):
        with pytest.raises(ValueError, match=r"image features \(N, D\) and noun features \(N, K, D\)"):
            multi_label_loss(f, wrong, 9.0)


def test_without_nouns_the_contrast_is_left():
    f, u = features()
    w = F.normalize(torch.randn(5, 6), dim=-1)
    assert grouping_loss(f, w, 3.0, u[:, :0], 9.0) == clip_loss(f, w, 3.0)
    assert grouping_loss(f, w, 3.0, u, 9.0) == clip_loss(f, w, 3.0) + multi_label_loss(f, u, 9.0)


def test_a_step_is_the_published_one_in_value_and_gradients():
    model = tiny_model(vision="groups").train()
    texts = [f"{word} {noun}" for word in ("a", "two", "a photo of some", "no") for noun in ("cat", "dog", "owl")]
    tokens = SimpleTokenizer(context_length=77)(texts).view(4, 3, 77)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    names, tensors = zip(*model.named_parameters())
    with torch.random.fork_rng():
        torch.manual_seed(2)
        found = gradients(grouping_loss(*GroupingTowers(model, groups=2)(images, tokens)), *tensors)
        torch.manual_seed(2)
        noises = [gumbel_noise(torch.empty(4, *shape)) for shape in ((5, 16), (3, 5))]
        wanted = gradients(published.training_loss(model, images, tokens, noises), *tensors)
    blind = {"visual.ln_post.bias", "ln_final.bias"}  # batch norm takes away what all rows have
    kept = [i for i, name in enumerate(["loss", *names]) if name not in blind]
    assert all(wanted[i].abs().max() > 0 for i in kept), "nothing was compared"
    assert_same([found[i] for i in kept], [wanted[i] for i in kept], [["loss", *names][i] for i in kept], 1e-3)


# --- nouns


@pytest.mark.parametrize(
    "caption, nouns",
    [
        ("a red hot air balloon next to a mug.", ["hot air balloon", "mug"]),
        ("a photo of a dog, a type of pet", ["dog", "pet"]),
        ("a mug behind a mug and a thing with handles", ["mug"]),
        ("what a day", []),
    ],
)
def test_nouns_are_the_worlds_words_as_they_stand_in_a_caption(caption, nouns):
    assert [noun for noun in nouns_of(caption) if noun in nouns or not nouns] == nouns
    assert all(noun in caption for noun in nouns_of(caption))


def with_nouns(**settings) -> WithNouns:
    colours = ("red", "green", "blue", "picture")
    found = lambda caption: [word for word in caption.split() if word in colours]  # noqa: E731
    return WithNouns(draw, found, SimpleTokenizer(context_length=77), **settings)


def test_each_noun_is_said_in_a_sentence_and_the_caption_stands_in_for_missing_ones():
    pairs = with_nouns(k=3)
    images, texts = pairs.draw(6, seed=(3, 0, 1))
    assert images.shape == (6, 3, 32, 32) and all(len(row) == 4 for row in texts)
    for caption, *said in texts:
        colour = caption.split()[1]
        assert sum(colour in each for each in said) == 2 and said[2] == caption and "picture" in said[0] + said[1]
        assert said[0] != caption != said[1]
    assert pairs.draw(6, seed=(3, 0, 1))[1] == texts and pairs.draw(6, seed=(3, 0, 2))[1] != texts
    assert pairs.tokenize(texts).shape == (6, 4, 77)
    assert len(with_nouns(k=0).sentences("a red picture", random.Random(0))) == 0


# --- the one loop

GENTLE = replace(SETTINGS, patch_dropout=0.0)


def make_run(seed: int = 0) -> Run:
    model = tiny_model(seed, vision="groups")
    return Run(model, GENTLE, normalise, autocast_dtype=None, make_towers=GroupingTowers, loss=grouping_loss)


def train(run: Run, until: int) -> list[float]:
    pairs = with_nouns()
    stream = PairStream(pairs.draw, pairs.tokenize, batch_size=6, seed=3, at_once=4, start=run.step)
    return [run.train_step(*batch) for batch, _ in zip(stream, range(until - run.step))]


def test_a_killed_run_goes_on_to_the_same_losses_and_weights(tmp_path):
    whole = make_run()
    losses = train(whole, until=4)
    killed = make_run()
    train(killed, until=2)
    killed.save(tmp_path / "run.pt")
    again = make_run(seed=9)
    again.load(tmp_path / "run.pt")
    assert train(again, until=4) == pytest.approx(losses[2:], abs=1e-6)
    for name, weights in whole.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], weights, rtol=0, atol=1e-6)


def pretrain(out: Path, *more: str) -> subprocess.CompletedProcess:
    script = ROOT / "data_scripts/pretraining/pretrain_groupvit.py"
    trial = ["--steps", "3", "--batch-size", "4", "--pictures", "2", "--evaluate-every", "3", "--save-every", "2"]
    command = [sys.executable, str(script), "--out", str(out), "--checkpoint", str(out / "run.pt"), *trial, *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)


def test_the_script_leaves_a_model_that_is_loaded_and_measured_and_what_made_it(tmp_path):
    done = pretrain(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    clip = ll.load_clip(f"local-dir:{tmp_path}", device="cpu", verbose=False)
    task = ll.load_task("toy_masks", shots=1)
    method = METHODS["GroupViT"](clip).fit(task)
    assert 0 <= method.measure(task.test.subset(range(2)))["mIoU"] <= 100
    record = json.loads((tmp_path / "groupvit_training.json").read_text())
    assert record["settings"]["steps"] == 3 and record["pairs"] == 12 and record["seconds"] > 0
    step, measured = record["segmentation"][-1]
    assert step == 3 and {"mIoU", "mIoU_ceiling", "mIoU_floor", "groups_in_use"} <= measured.keys()
    refused = pretrain(tmp_path, "--lr", "0.5")
    assert refused.returncode != 0 and "belongs to a run with other settings" in refused.stderr
