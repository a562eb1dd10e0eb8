"""The seam where attention can be changed (LoRA): what it adds equals a model whose weights were really changed, in
values and in gradients, whatever path the rows take."""

from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from reference.comparing import assert_same, relative_error, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.clip.blocks import Merged
from lessons_lib.clip.prompts import PromptLayout

NAMES = ["cat", "yellow_crane", "St. Bernard (a dog)"]
TEXTS = [f"a photo of a {name}, which is an animal." for name in NAMES]


def draw(*shape: int, seed: int = 0, scale: float = 0.02) -> torch.Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def low_rank(tower, clip) -> tuple[list, list[torch.Tensor]]:
    """A change of rank 2 of q, k and v in every block, large enough to matter; and all its A and B."""
    change, matrices = [], []
    for i in range(tower.layers):
        terms = {}
        for j, name in enumerate("qkv"):
            a = draw(2, tower.width, seed=10 * i + j, scale=0.3).to(clip.device).requires_grad_()
            b = draw(tower.width, 2, seed=10 * i + j + 5, scale=0.3).to(clip.device).requires_grad_()
            terms[name] = lambda x, a=a, b=b: F.linear(F.linear(x, a), b)
            matrices += [a, b]
        change.append(SimpleNamespace(**terms))
    return change, matrices


def changed_weights(clip, transformer: str, matrices: list[torch.Tensor]) -> list[torch.Tensor]:
    """W + B A of every block's attention, differentiable in A and B."""
    blocks = clip.model.get_submodule(transformer).resblocks
    return [
        block.attn.in_proj_weight.detach() + torch.cat([own[1] @ own[0], own[3] @ own[2], own[5] @ own[4]])
        for block, own in zip(blocks, [matrices[i : i + 6] for i in range(0, len(matrices), 6)])
    ]


def really_changed(clip, transformer: str, matrices: list[torch.Tensor]):
    """The same CLIP with these weights for its attention's."""
    other = deepcopy(clip)
    weights = changed_weights(clip, transformer, matrices)
    for block, weight in zip(other.model.get_submodule(transformer).resblocks, weights):
        del block.attn.in_proj_weight
        block.attn.in_proj_weight = weight
    return other


def dense(**settings):
    def tokens(clip, images, change):
        found = clip.encode_prompted_dense(images, change=change, hooks=(1, 2), **settings)
        return torch.cat([each.flatten() for each in (found.pooled, found.tokens, *found.hooks)])

    return tokens


def images_with(prompts: int, deep: int = 0, **settings):
    rows = [draw(prompts, 64), draw(deep, prompts, 64, seed=1)] if prompts else []
    return lambda clip, images, change: clip.encode_prompted_images(
        images, *(each.to(clip.device) for each in rows), change=change, **settings
    )


IMAGES = {
    "no prompts": images_with(0),
    "prompts": images_with(3),
    "deep prompts, through ln_pre": images_with(3, 1, before_ln_pre=True),
    "tokens": dense(),
    "tokens, value path": dense(last="value"),
    "tokens, correlative": dense(last="correlative"),
}


def prompts_with(n_ctx: int, deep: int = 0, contexts: int = 0, **settings):
    def encode(clip, images, change):
        layout = PromptLayout(clip, NAMES, n_ctx, **settings)
        each = [contexts] if contexts else [len(NAMES)] if layout.class_specific else []
        context, deeper = draw(*each, n_ctx, 64).to(clip.device), draw(deep, n_ctx, 64, seed=1).to(clip.device)
        return clip.encode_prompts(layout, context, deeper, change=change)

    return encode


WRITTEN = {
    "texts": lambda clip, images, change: clip.text_tower.encode(clip.tokenize(TEXTS).to(clip.device), change=change),
    "texts that begin alike": lambda clip, images, change: clip.encode_prompts(
        PromptLayout.of_texts(clip, TEXTS), change=change
    ),
    "context": prompts_with(4),
    "context on both sides": prompts_with(4, position="middle"),
    "deep context": prompts_with(4, 2),
    "contexts": prompts_with(4, 1, contexts=2),
    "a context a class": prompts_with(4, class_specific=True),
}

PATHS = [
    pytest.param(encode, tower, transformer, plain, id=f"{name}{', plain' if plain else ''}")
    for paths, tower, transformer in ((IMAGES, "image", "visual.transformer"), (WRITTEN, "text", "transformer"))
    for name, encode in paths.items()
    for plain in (False, True)
]


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("encode", "tower", "transformer", "plain"), PATHS)
def test_a_change_is_the_model_with_other_weights(encode, tower, transformer, plain, images, device):
    clip = tiny_clip(device=device)
    change, matrices = low_rank(clip.towers[tower], clip)
    other = really_changed(clip, transformer, matrices)
    images = images.to(device)

    def merged():
        return [Merged(weight) for weight in changed_weights(clip, transformer, matrices)]

    with clip.plain_towers() if plain else torch.enable_grad():
        found = values_and_gradients(lambda: encode(clip, images, change), matrices)
        found_merged = values_and_gradients(lambda: encode(clip, images, merged()), matrices)
        untouched = encode(clip, images, None)
    wanted = values_and_gradients(lambda: encode(other, images, None), matrices)
    assert relative_error(untouched, wanted[0]) > 1e-2  # the change does something
    for each in (found, found_merged):
        assert_same(each, wanted, ["values", *(f"matrix {i}" for i in range(len(matrices)))], 2e-4)


@pytest.mark.parametrize("name", ["no prompts", "deep prompts, through ln_pre", "tokens"])
def test_in_bfloat16_too_for_images(name, images, device):
    _near_in_bfloat16(IMAGES[name], "image", "visual.transformer", images, device)


@pytest.mark.parametrize("name", ["texts", "texts that begin alike", "deep context"])
def test_in_bfloat16_too_for_texts(name, images, device):
    _near_in_bfloat16(WRITTEN[name], "text", "transformer", images, device)


def _near_in_bfloat16(encode, tower, transformer, images, device):
    clip = tiny_clip(device=device, precision="bf16")
    change, matrices = low_rank(clip.towers[tower], clip)
    found = encode(clip, images, change).float()
    wanted = encode(really_changed(clip, transformer, matrices), images, None).float()
    untouched = encode(clip, images, None).float()
    assert F.cosine_similarity(found.flatten(), wanted.flatten(), dim=0) > 0.999
    assert (found - wanted).norm() < 0.1 * (untouched - wanted).norm()


@pytest.mark.parametrize("plain", [False, True])
def test_blocks_and_terms_may_be_left_alone(plain, images, clip):
    """None for a block, or for one of q, k, v, is a change of nothing."""
    for tower, encode in (("image", IMAGES["prompts"]), ("text", WRITTEN["context"])):
        change, _ = low_rank(clip.towers[tower], clip)
        nothing = SimpleNamespace(q=None, k=None, v=None)
        still = SimpleNamespace(q=torch.zeros_like, k=torch.zeros_like, v=torch.zeros_like)
        some = [None, SimpleNamespace(q=None, k=None, v=change[1].v), *change[2:]]
        same = [still, SimpleNamespace(q=torch.zeros_like, k=torch.zeros_like, v=change[1].v), *change[2:]]
        with clip.plain_towers() if plain else torch.enable_grad():
            assert relative_error(encode(clip, images, [nothing] * len(change)), encode(clip, images, None)) < 1e-5
            assert relative_error(encode(clip, images, some), encode(clip, images, same)) < 1e-5
            assert relative_error(encode(clip, images, some), encode(clip, images, change)) > 1e-3


def test_rows_that_texts_share_are_changed_once(clip):
    """What each term is given: the shared rows and every text's own, without padding; at the end queries of the rows
    that are read alone."""
    layout, seen = PromptLayout.of_texts(clip, TEXTS), []

    def term(name):
        return lambda x: seen.append((name, x.shape[1])) or torch.zeros_like(x)

    change = [SimpleNamespace(**{name: term(name) for name in "qkv"})] * clip.text_tower.layers
    clip.encode_prompts(layout, change=change)
    rows = layout.shared + len(layout.own_class)
    assert layout.shared == 5 and rows < layout.tokens.numel() - 2 * layout.shared + 1
    assert seen[:-3] == [(name, rows) for name in "qkv"] * (clip.text_tower.layers - 1)
    assert seen[-3:] == [("q", len(TEXTS)), ("k", rows), ("v", rows)]


def test_texts_that_begin_alike_are_the_texts(clip):
    for texts in (TEXTS, ["", "cat"], ["cat", "cat"], ["a dog"], ["a cat", "a cat and a dog !!", "word " * 70]):
        found = clip.encode_prompts(PromptLayout.of_texts(clip, texts))
        torch.testing.assert_close(found, clip.encode_texts(texts), rtol=0, atol=2e-6)


@pytest.mark.parametrize("texts", [[], "one text"])
def test_no_texts_make_no_layout(clip, texts):
    with pytest.raises(ValueError, match="a list of at least one text is laid out"):
        PromptLayout.of_texts(clip, texts)


def test_a_text_that_does_not_fit_is_refused(clip):
    with pytest.raises(ValueError, match="needs 82 tokens; the context holds 77"):
        PromptLayout.of_texts(clip, ["cat", "word " * 80])


def test_a_change_of_another_number_of_blocks_is_refused(clip, images):
    for tower, encode in (("image", IMAGES["no prompts"]), ("text", WRITTEN["texts"]), ("text", WRITTEN["context"])):
        layers = clip.towers[tower].layers
        with pytest.raises(ValueError, match=f"change has {layers + 1} entries, but the tower has {layers} blocks"):
            encode(clip, images, [None] * (layers + 1))


def test_towers_that_do_not_open_take_no_change(images):
    with pytest.raises(ValueError, match="image tower of tiny is a ModifiedResNet.* changes of the attention need"):
        tiny_clip(vision="resnet").encode_prompted_images(images, change=[None])
    with pytest.raises(ValueError, match="text tower of tiny .CustomTextCLIP. cannot be read row by row"):
        tower = tiny_clip(custom_text=True).text_tower
        tower.encode(torch.zeros(1, 77, dtype=torch.long), change=[None])
