"""Templates and class names: what is said, and what is said of those that cannot be."""

import open_clip
import pytest

from lessons_lib.templates import ENSEMBLES, IMAGENET_7, IMAGENET_80, apply, check_classnames, check_templates


def test_the_published_ensembles_are_open_clips_own_said_with_a_slot():
    for mine, theirs in (
        (IMAGENET_80, open_clip.OPENAI_IMAGENET_TEMPLATES),
        (IMAGENET_7, open_clip.SIMPLE_IMAGENET_TEMPLATES),
    ):
        assert [apply(template, "axolotl") for template in mine] == [template("axolotl") for template in theirs]
    assert len(set(IMAGENET_80)) == 80
    assert set(IMAGENET_7) == {
        "itap of a {}.",
        "a bad photo of the {}.",
        "a origami {}.",
        "a photo of the large {}.",
        "a {} in a video game.",
        "art of the {}.",
        "a photo of the small {}.",
    }


def test_underscores_are_said_as_spaces_and_articles_stay_as_published():
    assert apply("a photo of a {}.", "orange_owl") == "a photo of a orange owl."
    assert apply("{}", "yellow__crane ") == "yellow crane"


def test_braces_in_a_class_name_are_said_as_they_are():
    assert apply("a {}.", "{odd} {}") == "a {odd} {}."


def test_templates_may_be_one_several_functions_or_the_name_of_an_ensemble():
    assert check_templates("a {}.") == ["a {}."]
    assert check_templates(["a {}.", "{}"]) == ["a {}.", "{}"]
    assert check_templates([lambda name: f"the {name}!"]) == ["the {}!"]
    for name, templates in ENSEMBLES.items():
        assert check_templates(name) == list(templates)


@pytest.mark.parametrize(
    ("templates", "words"),
    [
        ("a photo of a cat.", r"'a photo of a cat.' has \"\{\}\" 0 times: write it exactly once"),
        (["{}", "{} or {}"], r"'\{\} or \{\}' has \"\{\}\" 2 times"),
        ("a photo of a {0}.", "0 times"),
        ("imagenet_80", r"0 times.* Did you mean 'imagenet80'"),
        ([], "no templates were given: give at least one"),
        ([3], "a template is a text such as .* got 3"),
    ],
)
def test_a_template_without_exactly_one_slot_is_refused(templates, words):
    with pytest.raises(ValueError, match=words):
        check_templates(templates)


@pytest.mark.parametrize(
    ("classnames", "words"),
    [
        ([], "no class names were given"),
        ("cat", r"not one text: write \['cat'\]"),
        (["cat", " _"], r"class name number 1 is empty \(' _'\)"),
        (["cat", None], "class name number 1 is empty"),
        (["tea_pot", "cat", "tea pot"], "repeated: 'tea pot' .*rename one, or merge"),
    ],
)
def test_class_names_that_are_empty_or_repeated_are_refused(classnames, words):
    with pytest.raises(ValueError, match=words):
        check_classnames(classnames)
