"""The prompt-learning methods in particular: what each learns, its published settings, and what cannot be. What all
methods have in common is in `tests/contract`."""

from functools import partial

import pytest
import torch
from noise_task import noise_task
from tiny_clip import tiny_clip

from lessons_lib.features import image_features
from lessons_lib.methods import DAPT, IVLP, VPT, CLIPAdapter, CoCoOp, CoOp, KgCoOp, MaPLe, TextProbe, VisualPrompting

# What is made, how it is trained here, and the shapes of what it learns on `tiny_clip` (D = 32, d = d_v = 64, 2 blocks
# in the image tower and 3 in the text tower, 32 pixels).
CASES = {
    "CoOp": (lambda clip: CoOp(clip), 0.01, {"ctx": (16, 64)}),
    "CoOp, words": (lambda clip: CoOp(clip, ctx_init="a photo of a"), 0.01, {"ctx": (4, 64)}),
    "CoOp, middle": (lambda clip: CoOp(clip, n_ctx=3, class_token_position="middle"), 0.01, {"ctx": (3, 64)}),
    "CoOp, front": (lambda clip: CoOp(clip, n_ctx=3, class_token_position="front"), 0.01, {"ctx": (3, 64)}),
    "CoOp, class-specific": (lambda clip: CoOp(clip, n_ctx=3, class_specific=True), 0.01, {"ctx": (5, 3, 64)}),
    "CoCoOp": (
        lambda clip: CoCoOp(clip),
        0.05,
        {
            "ctx": (4, 64),
            "meta_net.0.weight": (2, 32),
            "meta_net.0.bias": (2,),
            "meta_net.2.weight": (64, 2),
            "meta_net.2.bias": (64,),
        },
    ),
    "VPT, shallow": (lambda clip: VPT(clip, n_ctx=4), 0.3, {"prompts": (1, 4, 64)}),
    "VPT, deep": (lambda clip: VPT(clip, n_ctx=4, depth=2), 0.3, {"prompts": (2, 4, 64)}),
    "VisualPrompting": (lambda clip: VisualPrompting(clip, width=4), 20.0, {"frame": (3, 32 * 32 - 24 * 24)}),
    "IVLP": (
        lambda clip: IVLP(clip),
        0.05,
        {"ctx": (2, 64), "deep_ctx": (2, 2, 64), "visual_ctx": (2, 64), "deep_visual_ctx": (1, 2, 64)},
    ),
    "IVLP, text alone": (
        lambda clip: IVLP(clip, n_ctx_vision=0, depth_text=2),
        0.05,
        {"ctx": (2, 64), "deep_ctx": (1, 2, 64)},
    ),
    "IVLP, images alone": (
        lambda clip: IVLP(clip, n_ctx_text=0),
        0.1,
        {"visual_ctx": (2, 64), "deep_visual_ctx": (1, 2, 64)},
    ),
    "MaPLe": (
        lambda clip: MaPLe(clip),
        0.05,
        {
            "ctx": (2, 64),
            "deep_ctx": (1, 2, 64),
            "projections.0.weight": (64, 64),
            "projections.0.bias": (64,),
            "projections.1.weight": (64, 64),
            "projections.1.bias": (64,),
        },
    ),
    "MaPLe, shared": (
        lambda clip: MaPLe(clip, shared_coupling=True),
        0.03,
        {"ctx": (2, 64), "deep_ctx": (1, 2, 64), "projections.0.weight": (64, 64), "projections.0.bias": (64,)},
    ),
}
SEED = 2  # with it both units of CoCoOp's hidden layer answer to these images


@pytest.fixture(scope="module")
def task():
    return noise_task(signal=0.9)


def fit(method, task, **changes):
    return method.fit(task, **{"epochs": 2, "lr": 0.1, "batch_size": 10, "progress": False, **changes})


@pytest.mark.parametrize("name", CASES)
def test_all_that_it_learns_moves_from_the_start_that_the_seed_draws_and_lowers_the_loss(clip, task, name):
    make, lr, shapes = CASES[name]
    method, start = fit(make(clip), task, epochs=5, lr=lr, seed=SEED), make(clip)
    assert {key: tuple(value.shape) for key, value in method.state_dict().items()} == shapes
    start.begin(task)
    start.reset(SEED)
    for key, value in start.state_dict().items():
        assert (method.state_dict()[key] - value).abs().max() > 2e-4, key
    images = clip.preprocess_tensor(task.train.tensor())
    inputs = images if method.learns_from_pixels else image_features(clip, task.train)
    with torch.no_grad():
        before, after = (each.loss(inputs, task.train.labels).item() for each in (start, method))
    assert after < before - 0.005


@pytest.mark.parametrize("name", CASES)
def test_the_starting_prompts_are_those_that_seed_1_draws(clip, task, name):
    make = CASES[name][0]
    start, drawn = make(clip).for_classes(task.classnames), make(clip)
    drawn.set_classes(task.classnames)
    drawn.reset(1)
    assert all(torch.equal(drawn.state_dict()[key], value) for key, value in start.state_dict().items())


# --- published settings


@pytest.mark.parametrize(("shots", "epochs"), [(1, 50), (2, 100), (4, 100), (8, 200), (16, 200), (None, 50)])
def test_coop_trains_for_as_many_epochs_as_published_for_its_shots(clip, shots, epochs):
    assert CoOp(clip).published_epochs(shots) == epochs
    assert (KgCoOp(clip).published_epochs(shots), TextProbe(clip).published_epochs(shots)) == (100, 300)


@pytest.mark.parametrize(
    ("method", "lr", "batch_size", "epochs", "weight_decay"),
    [
        (CoOp, 0.002, 32, 200, 5e-4),
        (CoCoOp, 0.002, 1, 10, 5e-4),
        (KgCoOp, 0.002, 128, 100, 5e-4),
        (MaPLe, 0.0035, 4, 5, 5e-4),
        (IVLP, 0.0035, 4, 5, 5e-4),
        (VPT, 0.0025, 4, 5, 5e-4),
        (VisualPrompting, 40.0, 256, 1000, 0.0),
        (DAPT, 0.02, 32, 200, 5e-4),
        (CLIPAdapter, 0.002, 32, 200, 5e-4),
        (TextProbe, 0.1, 256, 300, 0.0),
        (partial(TextProbe, constrained=True), 0.1, 256, 300, 0.0),
    ],
)
def test_fit_trains_as_published_unless_told_otherwise(clip, monkeypatch, method, lr, batch_size, epochs, weight_decay):
    recipes = []
    monkeypatch.setattr("lessons_lib.methods.learned.train", lambda _, __, recipe, **___: recipes.append(recipe))
    task = noise_task(shots=16)
    method(clip).fit(task)
    method(clip).fit(task, epochs=3, lr=0.5, batch_size=7, seed=4, optimizer="adamw")
    published, told = recipes
    assert (published.lr, published.batch_size, published.epochs) == (lr, batch_size, epochs)
    assert (published.optimizer, published.momentum, published.weight_decay) == ("sgd", 0.9, weight_decay)
    assert (published.warmup_epochs, published.warmup_lr, published.seed) == (1, 1e-5, 1)
    assert (told.lr, told.batch_size, told.epochs, told.seed, told.optimizer) == (0.5, 7, 3, 4, "adamw")


def test_the_defaults_of_the_constructors_are_the_published_ones(clip):
    assert CoOp(clip).settings() == {
        "n_ctx": 16,
        "ctx_init": None,
        "class_token_position": "end",
        "class_specific": False,
    }
    kgcoop = {"n_ctx": 4, "ctx_init": "a photo of a", "weight": 8.0, "template": None}
    assert KgCoOp(clip).settings() | {"template": None} == kgcoop
    assert (CoCoOp(clip).n_ctx, CoCoOp(clip).ctx_init) == (4, "a photo of a")
    assert (MaPLe(clip).n_ctx, MaPLe(clip).ctx_init, MaPLe(clip).shared_coupling) == (2, "a photo of a", False)
    assert (IVLP(clip).depth_text, IVLP(clip).depth_vision) == (3, 2)


def test_maple_learns_prompts_in_three_quarters_of_the_blocks():
    """9 of 12, as published."""
    cfg = {"embed_dim": 32}
    for layers, depth in ((12, 9), (4, 3), (24, 9), (1, 1)):
        vision = {"image_size": 32, "layers": layers, "width": 32, "head_width": 32, "patch_size": 16}
        text = {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 1, "layers": layers}
        assert MaPLe(tiny_clip(**cfg, vision_cfg=vision, text_cfg=text)).prompt_depth == depth


def test_context_starts_with_the_published_spread(clip):
    start = CoOp(clip, n_ctx=64).ctx
    assert start.std().item() == pytest.approx(0.02, rel=0.05)
    assert start.mean().item() == pytest.approx(0, abs=0.002)
    bound = (6 / (3 * 8**2 + 64)) ** 0.5
    prompts = VPT(clip, n_ctx=64).prompts
    assert 0.97 * bound < prompts.abs().max() <= bound
    assert prompts.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


# --- particular methods


def test_a_class_specific_context_is_learned_for_each_class_from_its_own_start(clip, task):
    method = fit(CoOp(clip, n_ctx=2, class_specific=True), task)
    assert not any(torch.allclose(method.ctx[0], method.ctx[c]) for c in range(1, 5))


# --- what cannot be


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda clip: CoOp(clip, n_ctx=0), "n_ctx=0: give a whole number"),
        (lambda clip: CoOp(clip, n_ctx=75), "the context holds 77"),
        (lambda clip: CoOp(clip, class_token_position="start"), "stands at one of .*got 'start'"),
        (lambda clip: CoOp(clip, n_ctx=3, ctx_init="a photo of a"), "has 4 tokens, but n_ctx=3"),
        (lambda clip: CoCoOp(clip, max_prompts=0), "max_prompts=0: give at least 1"),
        (lambda clip: VPT(clip, n_ctx=0), "n_ctx=0: give at least 1"),
        (lambda clip: VPT(clip, depth=3), "depth=3: the image tower of tiny has 2 blocks, so give 1 to 2"),
        (lambda clip: VisualPrompting(clip, width=16), "width=16: on images of 32 pixels the frame is 1 to 15 wide"),
        (lambda clip: VisualPrompting(clip, width=0), "width=0: on images of 32 pixels the frame is 1 to 15 wide"),
        (lambda clip: IVLP(clip, 0, 0), "at least one above 0"),
        (lambda clip: IVLP(clip, n_ctx_text=-1), "n_ctx_text=-1, n_ctx_vision=2: give numbers of prompts"),
        (lambda clip: IVLP(clip, depth_vision=3), "depth=3: the image tower of tiny has 2 blocks"),
        (lambda clip: IVLP(clip, depth_text=4), "depth=4: the text tower of tiny has 3 blocks"),
        (lambda clip: MaPLe(clip, prompt_depth=3), "depth=3: the image tower of tiny has 2 blocks"),
        (lambda clip: MaPLe(clip, prompt_depth=9), "depth=9: the text tower of tiny has 3 blocks"),
        (lambda clip: MaPLe(clip, n_ctx=0), "n_ctx=0: give at least 1"),
    ],
)
def test_impossible_settings_are_refused_when_it_is_made(clip, make, words):
    with pytest.raises(ValueError, match=words):
        make(clip)


@pytest.mark.parametrize("make", [VPT, MaPLe, IVLP, DAPT])
def test_a_resnet_takes_text_prompts_and_no_visual_ones(make):
    resnet = tiny_clip(vision="resnet")
    with pytest.raises(ValueError, match="image tower of tiny is a ModifiedResNet.*need a standard Vision Transformer"):
        make(resnet)
    assert fit(CoOp(resnet, n_ctx=2), noise_task(shots=1), epochs=1).logits(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


def test_ivlp_without_text_prompts_encodes_its_texts_once(clip, task, monkeypatch):
    runs, real = [], clip.encode_prompts
    monkeypatch.setattr(clip, "encode_prompts", lambda *given: runs.append(given) or real(*given))
    method = fit(IVLP(clip, n_ctx_text=0), task, epochs=3)
    method.score(task.test)
    assert len(method.history) == 3 and len(runs) == 1


@pytest.mark.parametrize("make", [lambda clip: VPT(clip, depth=2), lambda clip: IVLP(clip), lambda clip: MaPLe(clip)])
def test_a_prompted_towers_features_are_kept_until_what_it_learned_changes(clip, task, make, monkeypatch):
    method = fit(make(clip), task)
    encoded, real = [], clip.encode_prompted_images
    monkeypatch.setattr(clip, "encode_prompted_images", lambda *a, **k: encoded.append(1) or real(*a, **k))
    first = method.logits(task.test)
    once = len(encoded)
    assert once > 0 and torch.equal(method.logits(task.test), first) and method.score(task.test) >= 0
    assert len(encoded) == once, "the same images, the same prompts: nothing is encoded again"
    method.logits(task.val)
    assert len(encoded) > once
    next(method.parameters()).data[..., 0] += 1.0  # by hand, so that no counter of torch's knows of it
    assert not torch.equal(method.logits(task.test), first)
    with torch.no_grad():
        next(method.parameters())[..., 0] -= 1.0
    torch.testing.assert_close(method.logits(task.test), first, atol=1e-3, rtol=1e-3)


def test_kept_features_can_be_learned_from_and_written_into(clip, task):
    method = fit(VPT(clip), task)
    logits = method.logits(task.test)  # in inference mode
    method.features(task.test).mul_(0)
    assert torch.equal(method.logits(task.test), logits)
    layer = torch.nn.Linear(32, 2)
    layer(method.features(task.test)).sum().backward()
    assert layer.weight.grad.abs().max() > 0


def test_the_workers_given_to_fit_open_the_images_that_are_scored(clip, task, monkeypatch):
    asked = []
    from lessons_lib.inputs import Inputs

    def watched(*given, workers=0, **settings):
        asked.append(workers)
        return Inputs(*given, workers=workers, **settings)

    monkeypatch.setattr("lessons_lib.methods.learned.Inputs", watched)
    monkeypatch.setattr(
        "lessons_lib.methods.classifier.image_features",
        lambda *given, num_workers=0, **settings: asked.append(num_workers) or image_features(*given, **settings),
    )
    for method in (VPT(clip), CoOp(clip, n_ctx=2)):
        fit(method, task, workers=3).score(task.test)
        method.for_classes(["hat", "shoe"]).logits(task.test)
    assert asked == [3, 3, 3, 3]
