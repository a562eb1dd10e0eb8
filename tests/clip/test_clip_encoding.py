"""What a `Clip` computes: the same as open_clip, in unit vectors, and nothing from input that does not fit."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from tiny_clip import tiny_clip

import lessons_lib as ll
from lessons_lib.clip import Clip
from lessons_lib.clip.building import content_as_before
from lessons_lib.clip.tokens import tokenize

TEXTS = ["a photo of a cat.", "dog", "", "a centered satellite photo of annual crop land.", "word " * 60, "two words"]


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def as_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


@pytest.mark.parametrize(
    "settings", [{"vision": "vit"}, {"vision": "resnet"}, {"quick_gelu": True}, {"context_length": 70}]
)
def test_texts_cut_at_the_last_end_equal_open_clips_at_full_length(settings):
    clip = tiny_clip(**settings)
    full = clip.model.encode_text(clip.tokenize(TEXTS), normalize=True)
    assert clip.text_tower.cuts
    for batch_size in (1, 4, None):
        assert torch.allclose(clip.encode_texts(TEXTS, batch_size=batch_size), full, atol=1e-6)


def test_a_short_batch_runs_fewer_positions():
    clip = tiny_clip()
    lengths = []
    first = clip.model.transformer.resblocks[0].ln_1
    first.register_forward_pre_hook(lambda _, given: lengths.append(given[0].shape[1]))
    clip.encode_texts(["a photo of a cat.", "dog"])
    assert lengths == [8]  # start, a, photo, of, a, cat, ., end


@pytest.mark.parametrize("text_cfg", [{"no_causal_mask": True}, {"pool_type": "last"}])
def test_texts_are_never_cut_where_what_comes_after_the_end_matters(text_cfg):
    towers = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2, **text_cfg}
    clip = tiny_clip(text_cfg=towers)
    assert not clip.text_tower.cuts
    full = clip.model.encode_text(clip.tokenize(TEXTS), normalize=True)
    assert torch.allclose(clip.encode_texts(TEXTS), full, atol=1e-6)


def test_a_model_with_a_text_module_of_its_own_gives_its_own_values():
    clip = tiny_clip(custom_text=True)
    assert not clip.text_tower.cuts
    assert torch.allclose(
        clip.encode_texts(TEXTS), clip.model.encode_text(clip.tokenize(TEXTS), normalize=True), atol=1e-6
    )


def test_texts_pooled_at_a_chosen_end_token_are_cut_there():
    towers = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
    clip = tiny_clip(text_cfg={**towers, "pool_type": "eos", "eos_id": 49407})
    assert clip.text_tower.cuts
    assert torch.allclose(
        clip.encode_texts(TEXTS), clip.model.encode_text(clip.tokenize(TEXTS), normalize=True), atol=1e-6
    )


def test_gradients_through_the_opened_tower_equal_open_clips():
    clip = tiny_clip()
    tokens = clip.tokenize(TEXTS)
    table = clip.model.double().token_embedding.weight.requires_grad_(True)
    direction = torch.randn(len(TEXTS), clip.embed_dim, dtype=torch.double)
    (ours,) = torch.autograd.grad((clip.text_tower.encode(tokens) * direction).sum(), table)
    (theirs,) = torch.autograd.grad((clip.model.encode_text(tokens) * direction).sum(), table)
    assert theirs.abs().max() > 0 and torch.allclose(ours, theirs)


def test_embeddings_are_unit_vectors_in_float32_that_training_can_use():
    clip = tiny_clip()
    images, texts = clip.encode_images(torch.randn(5, 3, 32, 32)), clip.encode_texts(TEXTS)
    for features, count in ((images, 5), (texts, len(TEXTS))):
        assert features.shape == (count, clip.embed_dim) and features.dtype == torch.float32
        assert torch.allclose(features.norm(dim=-1), torch.ones(count), atol=1e-5)
    layer = torch.nn.Linear(clip.embed_dim, 1)
    layer(images).sum().backward()  # inference tensors would refuse
    assert layer.weight.grad is not None


@pytest.mark.parametrize("vision", ["vit", "resnet"])
def test_images_equal_open_clips_whatever_the_batch_size(vision):
    clip = tiny_clip(vision=vision)
    images = torch.randn(7, 3, 32, 32)
    expected = clip.model.encode_image(images, normalize=True)
    for batch_size in (2, None):
        assert torch.allclose(clip.encode_images(images, batch_size=batch_size), expected, atol=1e-5)


def test_bfloat16_stays_close_to_float32():
    exact, quick = tiny_clip(precision="fp32"), tiny_clip(precision="bf16")
    images = torch.randn(6, 3, 32, 32)
    assert (exact.encode_images(images) * quick.encode_images(images)).sum(-1).min() > 0.999
    assert (exact.encode_texts(TEXTS) * quick.encode_texts(TEXTS)).sum(-1).min() > 0.999
    assert quick.encode_texts(TEXTS).dtype == torch.float32
    assert all(parameter.dtype == torch.float32 for parameter in quick.model.parameters())


def test_nothing_gives_nothing():
    clip = tiny_clip()
    assert clip.encode_texts([]).shape == (0, 32)
    assert clip.encode_images(torch.empty(0, 3, 32, 32)).shape == (0, 32)


def test_the_model_is_frozen_and_evaluating():
    clip = tiny_clip()
    assert not clip.model.training
    assert not any(parameter.requires_grad for parameter in clip.model.parameters())


def test_the_logit_scale_is_the_number_that_similarities_are_multiplied_by():
    clip = tiny_clip()
    assert clip.logit_scale == pytest.approx(1 / 0.07, rel=1e-5)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), r"torch.uint8: pass them through clip.preprocess_tensor first"),
        (torch.zeros(2, 3, 64, 64), r"\(N, 3, 32, 32\) float; got a \(2, 3, 64, 64\) tensor of torch.float32"),
        (torch.zeros(2, 32, 32, 3), r"got a \(2, 32, 32, 3\) tensor"),
        (torch.zeros(3, 32, 32), r"got one image.*add a dimension"),
        ([Image.new("RGB", (32, 32))], r"got a list of 1 Image: stack them"),
    ],
)
def test_images_of_a_wrong_shape_or_dtype_are_refused_in_words(images, words):
    with pytest.raises(ValueError, match=words):
        tiny_clip().encode_images(images)


def test_a_text_too_long_for_the_context_is_refused_and_never_cut():
    clip = tiny_clip(context_length=16)
    fits = "word " * 14
    assert clip.tokenize(fits).shape == (1, 16)
    with pytest.raises(ValueError, match=r"text 'word word .*' needs 17 tokens; the context holds 16"):
        clip.encode_texts(["short", "word " * 15])


class ForeignTokenizer:
    """The shape of open_clip's wrapper around a tokenizer from Hugging Face, one token a letter; it cuts silently."""

    context_length = 16
    clean_fn = staticmethod(str.strip)

    def tokenizer(self, texts):
        return SimpleNamespace(input_ids=[[ord(letter) for letter in text] for text in texts])

    def __call__(self, texts, context_length):
        rows = [ids[:context_length] for ids in self.tokenizer(texts).input_ids]
        return torch.tensor([row + [1] * (context_length - len(row)) for row in rows])


def test_a_tokenizer_from_elsewhere_cuts_nothing_silently_either():
    assert tokenize(ForeignTokenizer(), ["a cat", "dog"], 16).shape == (2, 16)
    with pytest.raises(ValueError, match="text 'a very long description' needs 23 tokens; the context holds 16"):
        tokenize(ForeignTokenizer(), ["a cat", "a very long description"], 16)


def test_something_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match="texts must be strings; number 1 is a int: 7"):
        tiny_clip().encode_texts(["cat", 7])


def test_tokens_equal_open_clips():
    clip = tiny_clip()
    assert torch.equal(clip.tokenize(TEXTS), clip.tokenizer(TEXTS))
    assert torch.equal(clip.tokenize("one string"), clip.tokenizer(["one string"]))


@pytest.mark.parametrize("size", [(32, 32), (50, 40), (20, 90)])
def test_tensors_are_preprocessed_to_exactly_the_values_of_pictures(size):
    clip = tiny_clip()
    pictures = [picture(*size, seed=seed) for seed in range(3)]
    from_tensor = clip.preprocess_tensor(torch.stack([as_tensor(one) for one in pictures]))
    assert torch.equal(from_tensor, torch.stack([clip.preprocess(one) for one in pictures]))
    assert from_tensor.shape == (3, 3, 32, 32)


def test_preprocessing_is_open_clips():
    expected = image_transform_v2(PreprocessCfg(size=32), is_train=False)
    image = picture(47, 60)
    assert torch.equal(tiny_clip().preprocess(image), expected(image))


def test_only_whole_uint8_images_are_preprocessed_as_tensors():
    with pytest.raises(
        ValueError, match=r"takes uint8 images \(N, 3, H, W\), not a \(1, 3, 32, 32\) tensor of torch.float32"
    ):
        tiny_clip().preprocess_tensor(torch.zeros(1, 3, 32, 32))


def test_augmented_views_differ_and_repeat_from_a_seed():
    clip = tiny_clip()
    image = picture(50, 40)
    torch.manual_seed(0)
    first, second = clip.augment(image), clip.augment(image)
    torch.manual_seed(0)
    assert first.shape == (3, 32, 32) and not torch.equal(first, second)
    assert torch.equal(clip.augment(image), first)


def test_augmentation_crops_as_much_as_it_is_told():
    clip = tiny_clip()
    flat = Image.new("RGB", (64, 64), (10, 20, 30))
    assert torch.allclose(clip.make_augment(scale=(1.0, 1.0))(flat), clip.preprocess(flat))
    with pytest.raises(ValueError, match="two fractions of the area"):
        clip.make_augment(scale=(0.5, 2))


def test_a_default_said_aloud_is_the_same_model():
    clip = tiny_clip()
    aloud = Clip(clip.model, clip.tokenizer, name="other", model_cfg={**clip.model_cfg, "quick_gelu": False})
    assert aloud.fingerprint == clip.fingerprint


def test_fingerprints_tell_heads_apart():
    """Which no weight's shape shows."""
    text = tiny_clip().model_cfg["text_cfg"]
    two, four = (tiny_clip(text_cfg={**text, "heads": heads}) for heads in (2, 4))
    assert two.fingerprint != four.fingerprint


def test_what_was_saved_under_the_words_of_a_configuration_still_loads(tmp_path):
    clip = tiny_clip()
    before = SimpleNamespace(fingerprint=content_as_before(clip.model, clip.model_cfg), name="tiny")
    method = ll.ZeroShot(clip).for_classes(["cat", "dog"])
    method.clip, path = before, tmp_path / "zero.safetensors"
    method.save(path)
    assert ll.load_method(path, clip).classnames == ["cat", "dog"]
    with pytest.raises(ValueError, match="another CLIP"):
        ll.load_method(path, tiny_clip(seed=1))


def test_fingerprints_tell_weights_and_activations_apart():
    same = tiny_clip(seed=0).fingerprint
    assert tiny_clip(seed=0).fingerprint == same and len(same) == 64
    assert tiny_clip(seed=1).fingerprint != same
    assert tiny_clip(seed=0, quick_gelu=True).fingerprint != same
