"""Every prompt-learning method equals its published computation (`tests/reference`), in logits and in the gradient of
everything that it learns, on every device that is here."""

from functools import cache

import open_clip
import pytest
import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from reference import cocoop, coop, ivlp, maple, vpt
from reference.comparing import (
    assert_as_published,
    assert_same,
    fast_logits,
    relative_error,
    values_and_gradients,
)
from tiny_clip import tiny_clip, tiny_config

import lessons_lib as ll
from lessons_lib.clip import Clip
from lessons_lib.clip.building import build
from lessons_lib.clip.prompts import POSITIONS
from lessons_lib.methods.classify.visual_prompting import VisualPrompting

NAMES = ["cat", "yellow_crane", "St. Bernard (a dog)", "jack-o'-lantern", "2CV", "great grey owl"]

COOP = {
    f"{position}, {m} vectors, {kind}": dict(n_ctx=m, class_token_position=position, class_specific=kind == "a class")
    for position in POSITIONS
    for m in (1, 4, 16)
    for kind in ("unified", "a class")
} | {"from words": dict(ctx_init="a photo of a"), "a class, from words": dict(ctx_init="this is", class_specific=True)}

OTHERS = {
    "CoCoOp": (ll.CoCoOp, {}),
    "CoCoOp, 16 random vectors": (ll.CoCoOp, dict(n_ctx=16, ctx_init=None)),
    "CoCoOp, split by images and computed again": (ll.CoCoOp, dict(max_prompts=2 * len(NAMES))),
    "CoCoOp, an image at a time": (ll.CoCoOp, dict(max_prompts=1)),
    "VPT, shallow": (ll.VPT, dict(depth=1)),
    "VPT, one prompt": (ll.VPT, dict(n_ctx=1, depth=1)),
    "VisualPrompting": (VisualPrompting, {}),
    "VisualPrompting, wide": (VisualPrompting, dict(width=9)),
    "IVLP, shallow": (ll.IVLP, dict(depth_text=1, depth_vision=1)),
    "IVLP, unequal": (ll.IVLP, dict(n_ctx_text=4, n_ctx_vision=3, depth_text=2, depth_vision=1)),
    "IVLP, text only": (ll.IVLP, dict(n_ctx_vision=0)),
    "IVLP, text only, shallow": (ll.IVLP, dict(n_ctx_vision=0, depth_text=1)),
    "MaPLe, shallow": (ll.MaPLe, dict(prompt_depth=1)),
    "MaPLe, no words left": (ll.MaPLe, dict(n_ctx=4, prompt_depth=2)),
}


PUBLISHED = {
    ll.CoOp: coop.of_method,
    ll.CoCoOp: cocoop.of_method,
    ll.VPT: vpt.of_method,
    VisualPrompting: vpt.frame_of_method,
    ll.IVLP: ivlp.of_method,
    ll.MaPLe: maple.of_method,
}


def published(method, images):
    return PUBLISHED[type(method)](method, images)


def as_published(method, images):
    assert_as_published(method, published, images)


def pictures(clip: Clip, count: int = 3) -> torch.Tensor:
    draws = torch.Generator().manual_seed(3)
    return torch.randn(count, 3, clip.image_size, clip.image_size, generator=draws).to(clip.device)


def ready(kind: type, clip: Clip, *, names: list[str] = NAMES, **settings):
    """A method for these classes, away from its start: there, for one, all class-specific contexts from words agree."""
    method = kind(clip, **settings)
    method.set_classes(names)
    draws = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in method.parameters():
            p += 0.02 * torch.randn(p.shape, generator=draws).to(p.device)
        if kind is ll.CoCoOp:
            method.meta_net[0].bias[0] += 1  # of the few hidden units of a tiny model, one that every image opens
    return method


@pytest.mark.parametrize("settings", COOP.values(), ids=COOP)
def test_coop_is_as_published(settings, device):
    clip = tiny_clip(device=device)
    as_published(ready(ll.CoOp, clip, **settings), pictures(clip))


@pytest.mark.parametrize(("kind", "settings"), OTHERS.values(), ids=OTHERS)
def test_every_method_is_as_published(kind, settings, device):
    clip = tiny_clip(device=device)
    as_published(ready(kind, clip, **settings), pictures(clip, 5))


@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp, ll.VPT, VisualPrompting, ll.IVLP, ll.MaPLe])
def test_with_quick_gelu_too(kind, device):
    clip = tiny_clip(quick_gelu=True, device=device)
    as_published(ready(kind, clip), pictures(clip))


@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp, VisualPrompting])
def test_on_a_resnet_too(kind, device):
    clip = tiny_clip(vision="resnet", device=device)
    as_published(ready(kind, clip), pictures(clip))


def test_deep_text_prompts_on_a_resnet(device):
    clip = tiny_clip(vision="resnet", device=device)
    as_published(ready(ll.IVLP, clip, n_ctx_vision=0), pictures(clip))


def tower(**changes) -> dict:
    """Changes to a tower of `tiny_config`."""
    both = tiny_config()
    return {key: {**both[key], **changes.get(key, {})} for key in ("vision_cfg", "text_cfg")}


ARCHITECTURES = {
    "layer scale": tower(vision_cfg={"ls_init_value": 0.5}, text_cfg={"ls_init_value": 0.5}),
    "no norm before the image's blocks": tower(vision_cfg={"no_ln_pre": True}),
    "norm of the class token alone": tower(vision_cfg={"final_ln_after_pool": True}),
    "a short context": tower(text_cfg={"context_length": 40}),
    "end-of-text found by its id": tower(text_cfg={"pool_type": "eos", "eos_id": 49407}),
}


@pytest.mark.parametrize("changes", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_on_other_architectures_of_the_clip_class(changes):
    clip = tiny_clip(**changes)
    for method in (ready(ll.CoOp, clip), ready(ll.MaPLe, clip, prompt_depth=2), ready(ll.VPT, clip, depth=2)):
        as_published(method, pictures(clip))


TOYCLIP = [
    (ll.CoOp, {}),
    (ll.CoOp, dict(class_specific=True, class_token_position="middle")),
    (ll.CoCoOp, {}),
    (ll.VPT, dict(depth=6)),
    (VisualPrompting, {}),
    (ll.IVLP, {}),
    *((ll.MaPLe, dict(prompt_depth=depth)) for depth in (1, 2, 3, 4)),
    (ll.MaPLe, dict(prompt_depth=4, shared_coupling=True)),
]


@pytest.fixture(scope="module")
def toyclips():
    """ToyCLIP on a device, loaded once."""
    return cache(lambda device: ll.load_clip("toyclip", device=device, precision="fp32", verbose=False))


@pytest.mark.parametrize(("kind", "settings"), TOYCLIP)
def test_on_toyclip_as_published(kind, settings, device, toyclips):
    clip = toyclips(device)
    as_published(ready(kind, clip, **settings), pictures(clip))


def real_architecture(name: str, device: str) -> Clip:
    """An architecture of open_clip in its full size, with random weights."""
    cfg = open_clip.get_model_config(name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Clip(build(cfg), SimpleTokenizer(), name=name, model_cfg=cfg, device=device, precision="fp32")


REAL = {
    "ViT-B-32": [(ll.VPT, dict(depth=12)), (ll.IVLP, {})],
    "ViT-B-16-quickgelu": [(ll.CoOp, {}), (ll.CoCoOp, {}), (ll.MaPLe, {})],
    "RN50-quickgelu": [(ll.CoOp, dict(class_token_position="middle"))],
}


@pytest.mark.parametrize("name", REAL)
def test_on_real_architectures_as_published(name, device):
    clip = real_architecture(name, device)
    for kind, settings in REAL[name]:
        as_published(ready(kind, clip, names=NAMES[:3], **settings), pictures(clip, 2))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (ll.CoOp, {}),
        (ll.CoOp, dict(class_specific=True)),
        (ll.CoOp, dict(class_token_position="front", n_ctx=3)),
        (ll.CoCoOp, {}),
        (ll.VPT, dict(depth=2)),
        (VisualPrompting, {}),
        (ll.IVLP, {}),
        (ll.MaPLe, dict(prompt_depth=2)),
    ],
)
def test_plain_towers_give_what_the_fast_ones_give(kind, settings, device):
    clip = tiny_clip(device=device)
    method, images = ready(kind, clip, **settings), pictures(clip)
    names, parameters = zip(*method.named_parameters())
    fast = values_and_gradients(lambda: fast_logits(method, images), parameters)
    with clip.plain_towers():
        plain = values_and_gradients(lambda: fast_logits(method, images), parameters)
    assert_same(fast, plain, ["logits", *names], 1e-4)
    assert not clip.text_tower.plain and not clip.image_tower.plain


@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp, ll.VPT, ll.IVLP, ll.MaPLe])
def test_one_class_is_enough(kind, device):
    clip = tiny_clip(device=device)
    method = ready(kind, clip, names=["yellow crane"])
    as_published(method, pictures(clip))


def test_names_of_different_lengths_do_not_disturb_each_other():
    """The embedding of a class depends on its own name alone, whatever stands beside it."""
    clip = tiny_clip()
    together = ready(ll.CoOp, clip).text_features()
    for c, name in enumerate(NAMES):
        assert relative_error(ready(ll.CoOp, clip, names=[name]).text_features()[0], together[c]) < 1e-5


# Prompts without effect


@pytest.mark.parametrize(
    "changes", [{}, {"quick_gelu": True}, {"vision": "resnet"}, tower(text_cfg={"proj_bias": True})]
)
def test_coop_that_starts_from_the_template_is_zero_shot(changes):
    clip = tiny_clip(**changes)
    method = ll.CoOp(clip, ctx_init="a photo of a")
    method.set_classes(NAMES)
    texts = clip.encode_texts([f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    assert method.n_ctx == 4
    assert relative_error(method.text_features(), texts) < 1e-5


@pytest.mark.parametrize(
    ("kind", "settings"), [(ll.MaPLe, dict(prompt_depth=1)), (ll.IVLP, dict(depth_text=1, depth_vision=1))]
)
def test_multi_modal_prompts_start_from_the_template_on_the_text_side(kind, settings):
    clip = tiny_clip()
    method = kind(clip, **settings)
    method.set_classes(NAMES)
    texts = clip.encode_texts([f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    assert relative_error(method.text_features(), texts) < 1e-5


def test_a_meta_net_that_says_nothing_makes_cocoop_coop():
    clip = tiny_clip()
    cocoop, coop = ll.CoCoOp(clip), ll.CoOp(clip, ctx_init="a photo of a")
    for method in (cocoop, coop):
        method.set_classes(NAMES)
    with torch.no_grad():
        for p in cocoop.meta_net[2].parameters():
            p.zero_()
    assert relative_error(cocoop.logits(pictures(clip)), coop.logits(pictures(clip))) < 1e-5


def test_a_frame_of_nothing_is_zero_shot():
    clip = tiny_clip()
    method = VisualPrompting(clip)
    method.set_classes(NAMES)
    with torch.no_grad():
        method.frame.zero_()
    features = clip.encode_images(pictures(clip))
    assert relative_error(method.logits(pictures(clip)), clip.logit_scale * features @ method.texts.T) < 1e-5


@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp, ll.VPT, ll.IVLP, ll.MaPLe])
def test_bfloat16_stays_near_full_precision(kind):
    """Under autocast, against the published computation in float32: cosines to a few times bfloat16's 2⁻⁹."""
    half, full = tiny_clip(precision="bf16"), tiny_clip()
    wanted = published(ready(kind, full), pictures(full)).detach()
    method = ready(kind, half)
    found = fast_logits(method, pictures(half))
    assert found.dtype == torch.float32
    assert 0 < (found.detach() - wanted).abs().max() / full.logit_scale < 2**-6
    loss = F.cross_entropy(found, torch.arange(3))
    for p, gradient in zip(method.parameters(), torch.autograd.grad(loss, list(method.parameters()))):
        assert gradient.dtype == p.dtype == torch.float32 and gradient.isfinite().all()
