"""The two towers opened up: their paths agree, nothing changes where nothing was learned, and what cannot be prompted
says so."""

import pytest
import torch
from reference.comparing import relative_error
from tiny_clip import tiny_clip, tiny_config

import lessons_lib as ll
from lessons_lib.clip.prompts import PromptLayout

NAMES = ["cat", "yellow_crane", "St. Bernard (a dog)"]


@pytest.fixture(scope="module")
def images():
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.02 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_towers_are_found_by_name(clip):
    assert clip.towers == {"image": clip.image_tower, "text": clip.text_tower}


# Text


@pytest.mark.parametrize("plain", [True, False])
def test_prompts_without_context_are_the_texts(clip, plain):
    layout = PromptLayout(clip, NAMES, 0, words="a photo of a")
    found = clip.text_tower.encode_prompts(layout, vectors(0, 64), plain=plain)
    tokens = clip.tokenizer([f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    assert relative_error(found, clip.model.encode_text(tokens)) < 1e-5


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("deep", [0, 2])
def test_several_contexts_at_once_are_each_one_alone(clip, plain, deep):
    layout, contexts, deeper = PromptLayout(clip, NAMES, 4), vectors(3, 4, 64), vectors(deep, 4, 64, seed=1)
    together = clip.text_tower.encode_prompts(layout, contexts, deeper, plain=plain)
    assert together.shape == (3, len(NAMES), 32)
    for context, found in zip(contexts, together):
        alone = clip.text_tower.encode_prompts(layout, context, deeper, plain=plain)
        assert relative_error(found, alone) < 1e-5


def test_each_class_is_given_its_own_context(clip):
    layout = PromptLayout(clip, NAMES, 4, class_specific=True)
    contexts = vectors(3, 4, 64)
    found = clip.text_tower.encode_prompts(layout, contexts)
    for c in range(3):
        unified = clip.text_tower.encode_prompts(PromptLayout(clip, NAMES, 4), contexts[c])
        assert relative_error(found[c], unified[c]) < 1e-5


def test_every_block_up_to_the_last_can_be_given_prompts(clip):
    """A change of any deep prompt, the last block's too, changes the embeddings: fast and plain alike."""
    layout, context, deep = PromptLayout(clip, NAMES, 2), vectors(2, 64), vectors(2, 2, 64, seed=1)
    for plain in (True, False):
        before = clip.text_tower.encode_prompts(layout, context, deep, plain=plain)
        for j in range(2):
            changed = deep.clone()
            changed[j] = vectors(2, 64, seed=2)
            after = clip.text_tower.encode_prompts(layout, context, changed, plain=plain)
            assert (after - before).abs().max() > 1e-4


def test_a_prompt_keeps_its_embedding_whatever_stands_behind_its_end(clip):
    """Rows behind the end-of-text are only there for the longest name."""
    short = clip.text_tower.encode_prompts(PromptLayout(clip, ["cat"], 4), vectors(4, 64))
    beside_long = clip.text_tower.encode_prompts(PromptLayout(clip, ["cat", "dog " * 40], 4), vectors(4, 64))
    assert relative_error(beside_long[:1], short) < 1e-5


def test_plain_towers_end_with_their_context(clip):
    with pytest.raises(KeyError), clip.plain_towers():
        assert clip.text_tower.plain and clip.image_tower.plain
        raise KeyError("an error inside")
    assert not clip.text_tower.plain and not clip.image_tower.plain


@pytest.mark.parametrize("shape", [(3, 64), (4, 63), (64,), (1, 2, 4, 64), (2, 3, 64)])
def test_a_context_of_the_wrong_shape_is_refused(clip, shape):
    with pytest.raises(ValueError, match=r"the context must be \(4, 64\)"):
        clip.encode_prompts(PromptLayout(clip, NAMES, 4), vectors(*shape))


def test_class_specific_contexts_must_be_one_a_class(clip):
    with pytest.raises(ValueError, match=r"the context must be \(3, 4, 64\)"):
        clip.encode_prompts(PromptLayout(clip, NAMES, 4, class_specific=True), vectors(2, 4, 64))


@pytest.mark.parametrize(
    ("settings", "depth", "words"),
    [
        (dict(position="middle"), 1, "position 'middle'"),
        (dict(position="front"), 1, "position 'front'"),
        (dict(class_specific=True), 1, "class_specific=True"),
        ({}, 3, "got 3 deep prompts"),
    ],
)
def test_deep_prompts_need_a_shared_context_in_front_and_blocks_to_enter(clip, settings, depth, words):
    layout = PromptLayout(clip, NAMES, 2, **settings)
    context = vectors(3, 2, 64) if layout.class_specific else vectors(2, 64)
    with pytest.raises(ValueError, match=f"deep prompts replace rows 1 to M before blocks 2 to 3.*{words}"):
        clip.encode_prompts(layout, context, vectors(depth, 2, 64))


TEXT = tiny_config()["text_cfg"]
FOREIGN = {
    "a text tower of its own class": dict(custom_text=True),
    "no causal mask": dict(text_cfg={**TEXT, "no_causal_mask": True}),
    "read at its last row": dict(text_cfg={**TEXT, "pool_type": "last"}),
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp, ll.IVLP, ll.MaPLe])
def test_text_towers_that_cannot_be_prompted_say_so(kind, changes):
    with pytest.raises(ValueError, match="the text tower of tiny .* is not CLIP's standard causal transformer"):
        kind(tiny_clip(**changes))


# Images


@pytest.mark.parametrize("settings", [{}, {"quick_gelu": True}, {"vision": "resnet"}])
@pytest.mark.parametrize("plain", [True, False])
def test_the_image_tower_without_prompts_is_the_model_s(settings, plain, images):
    clip = tiny_clip(**settings)
    found = clip.image_tower.encode(images, plain=plain)
    assert relative_error(found, clip.model.encode_image(images)) < 1e-5


@pytest.mark.parametrize("before_ln_pre", [True, False])
@pytest.mark.parametrize("deep", [0, 1])
def test_prompted_image_towers_agree_on_both_paths(clip, images, before_ln_pre, deep):
    settings = dict(prompts=vectors(3, 64), deep=vectors(deep, 3, 64, seed=1), before_ln_pre=before_ln_pre)
    fast, plain = (clip.image_tower.encode(images, **settings, plain=plain) for plain in (False, True))
    assert relative_error(fast, plain) < 1e-5
    assert relative_error(fast, clip.image_tower.encode(images)) > 1e-4  # the prompts do something


def test_where_prompts_enter_matters(clip, images):
    before, after = (clip.encode_prompted_images(images, vectors(3, 64), before_ln_pre=b) for b in (True, False))
    assert relative_error(before, after) > 1e-4


def test_an_image_keeps_its_embedding_whatever_is_in_its_batch(clip, images):
    together = clip.encode_prompted_images(images, vectors(3, 64), vectors(1, 3, 64))
    alone = torch.cat([clip.encode_prompted_images(image[None], vectors(3, 64), vectors(1, 3, 64)) for image in images])
    assert relative_error(together, alone) < 1e-5


@pytest.mark.parametrize("changes", [{"pool_type": "avg"}, {"attentional_pool": True}])
def test_vision_transformers_that_are_not_read_at_their_class_token_say_so(changes):
    clip = tiny_clip(vision_cfg={**tiny_config()["vision_cfg"], **changes})
    with pytest.raises(ValueError, match="a VisionTransformer that is not read at its class token"):
        ll.VPT(clip)


# Depth


@pytest.mark.parametrize("depth", [0, -1, 1.5, True])
@pytest.mark.parametrize(
    ("kind", "argument"),
    [(ll.VPT, "depth"), (ll.IVLP, "depth_text"), (ll.IVLP, "depth_vision"), (ll.MaPLe, "prompt_depth")],
)
def test_a_depth_that_is_no_number_of_blocks_is_refused(clip, kind, argument, depth):
    with pytest.raises(ValueError, match=f"depth={depth}: the (text|image) tower of tiny has . blocks, so give 1 to"):
        kind(clip, **{argument: depth})


@pytest.mark.parametrize("vision", ["vit", "resnet"])
def test_weights_with_channels_last_give_the_same_and_are_the_same(vision, monkeypatch):
    images, wanted = torch.randn(3, 3, 32, 32), tiny_clip(vision=vision)
    monkeypatch.setattr("lessons_lib.clip.model.layout", lambda device: torch.channels_last)  # as on a GPU
    found = tiny_clip(vision=vision)
    assert any(p.ndim == 4 and not p.is_contiguous() for p in found.model.visual.parameters())
    assert torch.allclose(found.encode_images(images), wanted.encode_images(images), atol=1e-6)
    assert found.fingerprint == wanted.fingerprint
