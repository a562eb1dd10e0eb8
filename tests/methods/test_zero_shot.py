"""Zero-shot classification equals its published formula, by open_clip's own towers, and says what it cannot do."""

import open_clip
import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, TEMPLATES

from lessons_lib.methods import ZeroShot

SPOKEN = [name.replace("_", " ") for name in NAMES]


@pytest.fixture(scope="module")
def images(clip, task):
    return clip.preprocess_tensor(task.test.tensor()[:20])


@torch.no_grad()
def literal_texts(clip, prompts):
    """open_clip's own towers at full length."""
    return F.normalize(clip.model.encode_text(open_clip.tokenize(prompts)), dim=-1)


@torch.no_grad()
def literal_logits(clip, images, texts):
    return clip.model.logit_scale.exp() * F.normalize(clip.model.encode_image(images), dim=-1) @ texts.T


def test_one_template_gives_the_published_logits(clip, task, images):
    method = ZeroShot(clip, "a photo of a {}.").fit(task)
    texts = literal_texts(clip, [f"a photo of a {name}." for name in SPOKEN])
    torch.testing.assert_close(method.text_features, texts)
    torch.testing.assert_close(method.logits(images), literal_logits(clip, images, texts))


def test_an_ensemble_is_the_normalised_mean_of_normalised_embeddings(clip, task, images):
    method = ZeroShot(clip, ["a photo of a {}.", "{}", "art of the {}."]).fit(task)
    each = [[f"a photo of a {n}." for n in SPOKEN], SPOKEN, [f"art of the {n}." for n in SPOKEN]]
    texts = F.normalize(torch.stack([literal_texts(clip, prompts) for prompts in each]).mean(dim=0), dim=-1)
    torch.testing.assert_close(method.text_features, texts)
    torch.testing.assert_close(method.logits(images), literal_logits(clip, images, texts))


def test_the_80_templates_equal_open_clips_own_zero_shot_classifier(clip, task):
    classifier = open_clip.build_zero_shot_classifier(
        clip.model, open_clip.tokenize, SPOKEN, open_clip.OPENAI_IMAGENET_TEMPLATES, num_classes_per_batch=None
    )
    torch.testing.assert_close(ZeroShot(clip, "imagenet80").fit(task).text_features, classifier.T)


def test_a_probability_ensemble_is_the_mean_of_the_templates_softmaxes(clip, task, images):
    templates = ["a photo of a {}.", "{}", "art of the {}."]
    method = ZeroShot(clip, templates, ensemble="probability").fit(task)
    single = [ZeroShot(clip, template).fit(task).logits(images).softmax(dim=1) for template in templates]
    torch.testing.assert_close(method.logits(images).exp(), torch.stack(single).mean(dim=0))


def test_without_a_template_the_tasks_default_is_said_and_without_a_task_a_photo_of_a(clip, task):
    assert ZeroShot(clip).fit(task).prompts() == [[TEMPLATES[0].replace("{}", name) for name in SPOKEN]]
    assert ZeroShot(clip).for_classes(["cat"]).prompts() == [["a photo of a cat."]]


def test_a_braces_template_says_the_bare_names(clip, task):
    assert ZeroShot(clip, "{}").fit(task).prompts() == [SPOKEN]


@pytest.mark.parametrize("ensemble", ["embedding", "probability"])
def test_gradients_flow_from_logits_to_features(clip, task, ensemble):
    features = F.normalize(torch.randn(3, clip.embed_dim), dim=1).requires_grad_()
    ZeroShot(clip, ["{}", "a {}."], ensemble=ensemble).fit(task).logits_from_features(features).sum().backward()
    assert features.grad.abs().sum() > 0


def test_for_classes_carries_the_prompts_over_and_leaves_the_method_alone(clip, task):
    method = ZeroShot(clip).fit(task)
    before = method.text_features.clone()
    new = method.for_classes(["hat", "shoe"])
    torch.testing.assert_close(new.text_features, literal_texts(clip, ["a drawing of a hat.", "a drawing of a shoe."]))
    assert new.classnames == ["hat", "shoe"]
    assert method.classnames == NAMES and torch.equal(method.text_features, before)


def test_other_words_can_be_said_for_the_same_classes(clip, task):
    said = ["cat", "yellow crane bird", "dog", "tea pot", "owl"]
    method = ZeroShot(clip, "{}", classnames=said).fit(task)
    torch.testing.assert_close(method.text_features, literal_texts(clip, said))
    assert method.classnames == NAMES
    assert 0 <= method.score(task.test) <= 100


def test_classes_given_to_the_constructor_need_no_task(clip, images):
    assert ZeroShot(clip, classnames=["hat", "shoe"]).predict(images).max() <= 1


def test_a_split_of_other_classes_is_refused_instead_of_scored_wrongly(clip, task):
    task = task.of_classes(NAMES[:4])
    method = ZeroShot(clip).fit(task.base())  # 2 classes, and so has the other half
    with pytest.raises(ValueError, match=r"knows 2 classes .*split has 2 classes .*for_classes\(split.classnames\)"):
        method.score(task.new().test)
    assert 0 <= method.for_classes(task.new().classnames).score(task.new().test) <= 100


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"templates": "a photo"}, r"exactly once, where the class name goes"),
        ({"templates": []}, "no templates were given"),
        ({"ensemble": "logit"}, '"embedding" or "probability"; got \'logit\''),
        ({"classnames": ["cat", "cat"]}, "repeated: 'cat'"),
        ({"classnames": ["cat", ""]}, "number 1 is empty"),
    ],
)
def test_bad_settings_are_refused_at_once(clip, settings, words):
    with pytest.raises(ValueError, match=words):
        ZeroShot(clip, **settings)


def test_too_few_words_to_say_for_a_task_are_refused(clip, task):
    with pytest.raises(ValueError, match="5 classes, but 2 names to say"):
        ZeroShot(clip, classnames=["hat", "shoe"]).fit(task)
