"""Every method that is trained: what it learns, what it leaves alone, and what it says to the impossible."""

import json
from dataclasses import replace

import pytest
import torch
from noise_task import NAMES, noise_split, noise_task
from tiny_clip import tiny_clip

from lessons_lib.data import Task
from lessons_lib.features import image_features
from lessons_lib.methods import IVLP, VPT, CoCoOp, CoOp, MaPLe, VisualPrompting, load_method
from lessons_lib.methods.learned import hand_made_texts

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
IN_PIXELS = {name for name in CASES if name.startswith(("V", "IVLP", "MaPLe"))} - {"IVLP, text alone"}


@pytest.fixture(scope="module")
def task():
    return noise_task(signal=0.9)


@pytest.fixture(scope="module", params=CASES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def weights_before(clip):
    return {key: value.clone() for key, value in clip.model.state_dict().items()}


@pytest.fixture(scope="module")
def fitted(clip, task, name, weights_before):
    make, lr, _ = CASES[name]
    return make(clip).fit(task, epochs=5, lr=lr, batch_size=10, seed=SEED, progress=False)


@pytest.fixture
def start(clip, task, name):
    """The method as `fitted` was before its first step."""
    method = CASES[name][0](clip)
    method.take_template(task)
    method.set_classes(task.classnames)
    method.reset(SEED)
    return method


def fit(method, task, **changes):
    return method.fit(task, **{"epochs": 2, "lr": 0.1, "batch_size": 10, "progress": False, **changes})


@torch.no_grad()
def test_fitting_lowers_the_loss_on_the_training_images(clip, task, start, fitted):
    images = clip.preprocess_tensor(task.train.tensor())
    inputs = images if fitted.learns_from_pixels else image_features(clip, task.train)
    before, after = (method.loss(inputs, task.train.labels).item() for method in (start, fitted))
    assert after < before - 0.005
    assert len(fitted.history) == 5


def test_its_parameters_are_exactly_what_it_learns(fitted, name):
    shapes = {key: tuple(value.shape) for key, value in fitted.state_dict().items()}
    assert shapes == CASES[name][2]
    assert {key for key, p in fitted.named_parameters() if p.requires_grad} == set(shapes)
    assert fitted.n_parameters == sum(torch.Size(shape).numel() for shape in shapes.values())


def test_everything_that_it_learns_has_moved(start, fitted):
    for key, value in start.state_dict().items():
        assert (fitted.state_dict()[key] - value).abs().max() > 2e-4, key


def test_clip_stays_as_it_was_to_the_last_bit(clip, fitted, weights_before):
    after = clip.model.state_dict()
    assert after.keys() == weights_before.keys()
    assert all(torch.equal(after[key], value) for key, value in weights_before.items())
    assert all(p.grad is None and not p.requires_grad for p in clip.model.parameters())
    assert not clip.model.training


def test_a_split_and_its_images_give_the_same_logits_predictions_and_score(clip, task, fitted):
    images = clip.preprocess_tensor(task.test.tensor())
    logits = fitted.logits(task.test)
    assert logits.shape == (60, 5) and logits.isfinite().all() and not logits.requires_grad
    torch.testing.assert_close(fitted.logits(images), logits, atol=1e-3, rtol=1e-4)
    assert torch.equal(fitted.predict(task.test), logits.argmax(dim=1))
    right = (logits.argmax(dim=1) == task.test.labels).float().mean().item()
    assert fitted.score(task.test) == pytest.approx(100 * right)


def test_images_that_clip_cannot_take_are_refused(clip, task, fitted):
    for images, words in (
        (task.test.tensor(), "pass them through clip.preprocess_tensor first"),
        (torch.zeros(3, 32, 32), "add a dimension"),
        (torch.zeros(2, 3, 30, 30), r"encode_images takes preprocessed images, \(N, 3, 32, 32\) float"),
        (torch.zeros(2, 3, 32, 1), "encode_images takes"),
    ):
        with pytest.raises(ValueError, match=words):
            fitted.logits(images)


def test_no_images_give_no_logits(clip, task, fitted):
    assert fitted.logits(task.test.subset([])).shape == (0, 5)
    assert fitted.logits(torch.zeros(0, 3, 32, 32)).shape == (0, 5)
    with pytest.raises(ValueError, match="the split has no images"):
        fitted.score(task.test.subset([]))


def test_features_are_enough_where_the_image_tower_is_untouched_and_refused_elsewhere(clip, task, fitted, name):
    features = image_features(clip, task.test)
    assert fitted.learns_from_pixels == (name in IN_PIXELS)
    if name in IN_PIXELS:
        with pytest.raises(ValueError, match=r"changes the image tower, .*: use logits\(images\)"):
            fitted.logits_from_features(features)
    else:
        with torch.no_grad():
            torch.testing.assert_close(fitted.logits_from_features(features), fitted.logits(task.test))
        with pytest.raises(ValueError, match=r"features must be \(N, 32\)"):
            fitted.logits_from_features(features[:, :5])


def test_it_carries_to_other_classes_and_stays_as_it_is(clip, task, fitted, name):
    other_names = ["hat", "shoe", "long_scarf"]
    before = fitted.logits(task.test)
    if name == "CoOp, class-specific":
        with pytest.raises(ValueError, match="only for the classes that they were learned for.*class_specific=False"):
            fitted.for_classes(other_names)
        other, other_names = fitted.for_classes(list(fitted.classnames)), fitted.classnames
    else:
        other = fitted.for_classes(other_names)
    assert other.classnames == other_names and fitted.classnames == NAMES
    assert other.logits(task.test).shape == (60, len(other_names))
    assert all(torch.equal(other.state_dict()[key], value) for key, value in fitted.state_dict().items())
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()
    assert torch.equal(fitted.logits(task.test), before)
    with pytest.raises(ValueError, match="knows 5 classes .*'cat'.*use for_classes|knows 3 classes"):
        (fitted if len(other_names) == 5 else other).score(noise_split(1, 1, names=["a", "b"]))


def test_carried_back_to_its_own_classes_it_is_the_same(task, fitted):
    torch.testing.assert_close(fitted.for_classes(NAMES).logits(task.test), fitted.logits(task.test))


def test_before_fit_there_are_starting_prompts_for_any_classes(clip, task, name):
    method = CASES[name][0](clip)
    with pytest.raises(RuntimeError, match=r"no classes yet: call fit\(task\) first"):
        method.logits(task.test)
    start = method.for_classes(["hat", "shoe", "scarf"])
    assert start.logits(task.test).shape == (60, 3)
    assert method.classnames is None


def test_the_starting_prompts_are_those_that_seed_1_draws(clip, task, name):
    make = CASES[name][0]
    start = make(clip).for_classes(task.classnames)
    drawn = make(clip)
    drawn.set_classes(task.classnames)
    drawn.reset(1)
    assert all(torch.equal(drawn.state_dict()[key], value) for key, value in start.state_dict().items())


def test_fitting_again_starts_from_the_start(clip, task, name):
    make, lr, _ = CASES[name]
    twice = fit(fit(make(clip), task, lr=lr, seed=2), task, lr=lr)
    once = fit(make(clip), task, lr=lr)
    assert all(torch.equal(twice.state_dict()[key], value) for key, value in once.state_dict().items())
    assert len(twice.history) == 2


def test_its_settings_make_the_same_method_again(clip, task, fitted):
    settings = fitted.settings()
    again = type(fitted)(clip, **json.loads(json.dumps(settings)))
    assert again.settings() == settings
    again.set_classes(NAMES)
    again.load_state_dict(fitted.state_dict())
    assert torch.equal(again.logits(task.test), fitted.logits(task.test))


def test_it_is_saved_for_its_own_clip(clip, task, fitted, tmp_path):
    path = fitted.save(tmp_path / "method.safetensors")
    loaded = load_method(path, clip)
    assert not loaded.training
    assert torch.equal(loaded.logits(task.test), fitted.logits(task.test))
    with pytest.raises(ValueError, match="fitted on another CLIP"):
        load_method(path, tiny_clip(seed=1))


def test_validation_and_test_images_change_nothing(clip, task, name):
    make, lr, _ = CASES[name]
    other = replace(task, val=noise_split(1, 8), test=noise_split(1, 9))
    first, second = (fit(make(clip), each, epochs=1, lr=lr) for each in (task, other))
    assert all(torch.equal(second.state_dict()[key], value) for key, value in first.state_dict().items())


# --- published settings


@pytest.mark.parametrize(("shots", "epochs"), [(1, 50), (2, 100), (4, 100), (8, 200), (16, 200), (None, 50)])
def test_coop_trains_for_as_many_epochs_as_published_for_its_shots(clip, shots, epochs):
    assert CoOp(clip).published_epochs(shots) == epochs


@pytest.mark.parametrize(
    ("method", "lr", "batch_size", "epochs", "weight_decay"),
    [
        (CoOp, 0.002, 32, 200, 5e-4),
        (CoCoOp, 0.002, 1, 10, 5e-4),
        (MaPLe, 0.0035, 4, 5, 5e-4),
        (IVLP, 0.0035, 4, 5, 5e-4),
        (VPT, 0.0025, 4, 5, 5e-4),
        (VisualPrompting, 40.0, 256, 1000, 0.0),
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


def test_prompts_that_say_the_template_are_zero_shot_before_they_learn(clip, task):
    texts = hand_made_texts(clip, task.classnames, "a photo of a {}.")
    expected = clip.logit_scale * image_features(clip, task.test) @ texts.T
    for method in (CoOp(clip, ctx_init="a photo of a"), IVLP(clip, n_ctx_vision=0, depth_text=1)):
        torch.testing.assert_close(
            method.for_classes(task.classnames).logits(task.test), expected, atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("method", [VPT, VisualPrompting])
def test_the_hand_made_prompt_is_the_tasks_and_a_later_fit_takes_the_later_tasks(clip, task, method):
    def expected(template, names=NAMES):
        return hand_made_texts(clip, names, template)

    mine = fit(method(clip), task, epochs=1)
    torch.testing.assert_close(mine.texts, expected("a drawing of a {}."))
    torch.testing.assert_close(mine.for_classes(["hat"]).texts, expected("a drawing of a {}.", ["hat"]))
    later = Task.from_pools("later", train=task.train, val=task.val, test=task.test, templates=["{} up close."])
    torch.testing.assert_close(fit(mine, later, epochs=1).texts, expected("{} up close."))
    told = method(clip, template="my {}.")
    torch.testing.assert_close(fit(told, task, epochs=1).texts, expected("my {}."))


def test_a_class_specific_context_is_learned_for_each_class_from_its_own_start(clip, task):
    method = fit(CoOp(clip, n_ctx=2, class_specific=True), task)
    assert not any(torch.allclose(method.ctx[0], method.ctx[c]) for c in range(1, 5))
    refitted = fit(method, noise_task(names=["hat", "shoe"]))
    assert refitted.ctx.shape == (2, 2, 64)


def test_cocoop_gives_every_image_a_context_of_its_own(clip, task):
    method = fit(CoCoOp(clip), task, seed=SEED)
    contexts = method.contexts(image_features(clip, task.test))
    assert contexts.shape == (60, 4, 64)
    moved = contexts - method.ctx
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-6, rtol=0)  # one shift for all vectors
    assert moved.std(dim=0).max() > 0


@pytest.mark.parametrize("max_prompts", [1, 12])
def test_cocoop_trains_alike_in_parts(clip, task, max_prompts):
    whole, parts = (fit(CoCoOp(clip, max_prompts=n), task, lr=0.02, seed=SEED) for n in (1000, max_prompts))
    for key, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[key], value, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(parts.logits(task.test), whole.logits(task.test), atol=1e-2, rtol=0)


def test_maples_image_prompts_are_projections_of_its_text_prompts(clip):
    for shared in (False, True):
        method = MaPLe(clip, shared_coupling=shared)
        first, deep = method.visual_prompts()
        torch.testing.assert_close(first, method.projections[0](method.ctx))
        torch.testing.assert_close(deep, method.projections[-1](method.deep_ctx[0]))
        assert len(method.projections) == (1 if shared else 2)


def test_a_frame_is_added_around_the_image_and_nowhere_else(clip):
    delta = VisualPrompting(clip, width=4).delta()
    assert delta.shape == (3, 32, 32)
    assert (delta[:, 4:-4, 4:-4] == 0).all() and (delta != 0).sum() == 3 * (32 * 32 - 24 * 24)


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
        (lambda clip: VisualPrompting(clip, width=16), "width=16: .* is 1 to 15 wide"),
        (lambda clip: IVLP(clip, 0, 0), "at least one above 0"),
        (lambda clip: IVLP(clip, depth_text=4), "depth=4: the text tower of tiny has 3 blocks"),
        (lambda clip: IVLP(clip, 5), "5 text prompts start from the first 5 words .* which has 4"),
        (lambda clip: MaPLe(clip, prompt_depth=3), "depth=3: the image tower of tiny has 2 blocks"),
        (lambda clip: MaPLe(clip, n_ctx=0), "n_ctx=0: give at least 1"),
    ],
)
def test_impossible_settings_are_refused_when_it_is_made(clip, make, words):
    with pytest.raises(ValueError, match=words):
        make(clip)


@pytest.mark.parametrize("make", [lambda clip: VPT(clip), lambda clip: MaPLe(clip), lambda clip: IVLP(clip)])
def test_a_resnet_takes_text_prompts_and_no_visual_ones(make):
    resnet = tiny_clip(vision="resnet")
    with pytest.raises(ValueError, match="visual prompts need a standard Vision Transformer"):
        make(resnet)
    assert fit(CoOp(resnet, n_ctx=2), noise_task(shots=1), epochs=1).logits(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


def test_class_names_too_long_for_the_context_are_refused_and_what_was_learned_stays(clip, task):
    method = fit(CoOp(clip, n_ctx=60), task, epochs=1)
    before = method.ctx.detach().clone()
    long = noise_task(names=["cat", "very " * 20 + "long dog"])
    with pytest.raises(ValueError, match="needs 8[0-9] tokens with n_ctx=60 .* holds 77: lower n_ctx, or shorten"):
        fit(method, long)
    assert torch.equal(method.ctx, before)


def test_fewer_images_than_shots_are_refused_by_the_task():
    with pytest.raises(ValueError, match="17"):
        noise_task(shots=17)
