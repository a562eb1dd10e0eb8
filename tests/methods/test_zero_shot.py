"""Zero-shot classification in particular: what it says, open_clip's own classifier, and what it cannot do."""

import open_clip
import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, TEMPLATES

from lessons_lib.methods import CLIPLoRA, LinearAdapter, LPPlusPlus, ProLIP, TextProbe, ZeroShot

SPOKEN = [name.replace("_", " ") for name in NAMES]


@pytest.fixture(scope="module")
def images(clip, task):
    return clip.preprocess_tensor(task.test.tensor()[:20])


def test_the_80_templates_equal_open_clips_own_zero_shot_classifier(clip, task):
    classifier = open_clip.build_zero_shot_classifier(
        clip.model, open_clip.tokenize, SPOKEN, open_clip.OPENAI_IMAGENET_TEMPLATES, num_classes_per_batch=None
    )
    torch.testing.assert_close(ZeroShot(clip, "imagenet80").fit(task).text_features, classifier.T)


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


@pytest.mark.parametrize("method", [CLIPLoRA, LinearAdapter, LPPlusPlus, ProLIP, TextProbe])
def test_what_starts_from_it_gives_its_logits_before_any_fit(method, clip, task):
    [argument] = {"template", "templates"} & set(method(clip).arguments())
    start = method(clip, **{argument: "a {}."}).for_classes(NAMES)
    wanted = ZeroShot(clip, "a {}.").for_classes(NAMES).logits(task.test)
    torch.testing.assert_close(start.logits(task.test), wanted, atol=1e-3 if method is CLIPLoRA else 1e-4, rtol=1e-4)


def test_classes_given_to_the_constructor_need_no_task(clip, images):
    assert ZeroShot(clip, classnames=["hat", "shoe"]).predict(images).max() <= 1


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
