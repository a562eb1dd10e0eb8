"""What no method takes, said before any work, with the method as it was."""

import copy
import re
import warnings

import pytest
import torch
from contract.asking import all_of, assert_unchanged
from noise_task import noise_split, noise_task

from lessons_lib.data import Split, Task
from lessons_lib.data.targets import Masks
from lessons_lib.methods import METHODS

IMPOSSIBLE = {
    "epochs": (0, -1, 2.5, "fifty", True),
    "lr": (0, -1.0, float("nan"), "fast"),
    "batch_size": (0, 1.5),
    "seed": (-1, "one"),
    "views": (0, "augmented", True),
    "optimizer": ("adam",),
}


LEARN_EACH_CLASS = {  # from its images alone, and what they say of a class that has none
    "LinearProbe": "1 of 5 classes have no training image, the first is 'dog'",
    "LPPlusPlus": "1 of 5 classes have no training image, the first is 'dog'",
    "DAPT": "the first is 'dog'.*DAPT\\(beta_v=0\\)",
    "TipAdapter": "no image of some classes.*unseen='zero-shot'.*nothing for 'dog'",
}


class Watched:
    """A task that tells whether anything was done with its images."""

    def __init__(self, task):
        self.task = task

    def __getattr__(self, name):
        if name == "train":
            raise AssertionError("its images were looked at before the arguments were")
        return getattr(self.task, name)


def with_masks(split):
    """The same pictures, with a class for every pixel."""
    return Split(split.images, Masks(torch.zeros(len(split), 32, 32, dtype=torch.uint8)), split.classnames)


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_values_are_refused_before_any_work(fitted, task, name):
    before = all_of(fitted, task.test)
    if name in fitted.fit_arguments():
        for value in IMPOSSIBLE[name]:
            with pytest.raises(ValueError, match=f"{name}="):
                fitted.fit(Watched(task), **{name: value})
            with pytest.raises(ValueError, match=f"{name}="):
                fitted.fit_settings(4, **{name: value})
    assert_unchanged(before, all_of(fitted, task.test))


def test_an_unknown_argument_is_refused_before_any_work(fitted, task):
    before = all_of(fitted, task.test)
    with pytest.raises((TypeError, ValueError), match="banana"):
        fitted.fit(Watched(task), banana=7)
    assert_unchanged(before, all_of(fitted, task.test))
    with pytest.raises(ValueError, match="takes no 'banana'"):
        fitted.fit_settings(4, banana=7)
    if "epochs" in fitted.fit_arguments():
        with pytest.raises(ValueError, match="takes no 'epoch'. Did you mean 'epochs'"):
            fitted.fit_settings(4, epoch=7)


def test_a_setting_that_it_does_not_have_is_refused(fitted, clip):
    with pytest.raises(TypeError, match="banana"):
        type(fitted)(clip, banana=7)


def test_a_task_and_a_split_of_another_kind_are_refused_by_name(fitted, task):
    before = all_of(fitted, task.test)
    says = f"{type(fitted).__name__} is a method of kind 'classify', but .* is of kind 'segment'"
    parts = {part: with_masks(getattr(task, part)) for part in ("train", "val", "test")}
    with pytest.raises(ValueError, match=says):
        fitted.fit(Task.from_pools("masks", templates=task.templates, **parts))
    for measure in (fitted.score, fitted.measure, fitted.by_class):
        with pytest.raises(ValueError, match=says):
            measure(parts["test"])
    assert_unchanged(before, all_of(fitted, task.test))


def test_an_empty_split_has_no_score(fitted, task):
    with pytest.raises(ValueError, match="the split has no images, so there is no accuracy to measure"):
        fitted.score(task.test.subset([]))


def test_a_task_without_training_images_is_refused_where_it_learns_from_them(line, fitted, task):
    before = all_of(fitted, task.test)
    bare = copy.copy(task)
    object.__setattr__(bare, "train", task.train.subset([]))
    if line.method == "ZeroShot":
        return
    if line.settings.get("unseen") != "zero-shot" or fitted.trains:
        with pytest.raises(ValueError, match="no images|no training image|has no image"):
            fitted.fit(bare, **line.arguments())
    assert_unchanged(before, all_of(fitted, task.test))


def test_without_validation_images_it_learns_or_says_how_to_do_without(line, fitted, clip, task):
    before = all_of(fitted, task.test)
    bare = copy.copy(task)
    object.__setattr__(bare, "val", task.val.subset([]))
    if fitted.needs_validation:
        with pytest.raises(ValueError, match=rf"no validation images to choose .* on.*fix it, as in .*{line.method}\("):
            fitted.fit(bare, **line.arguments())
        assert_unchanged(before, all_of(fitted, task.test))
    else:
        assert line.make(clip).fit(bare, **line.arguments()).logits(task.test).isfinite().all()


def test_a_class_without_training_images_is_named_or_learned_around(line, clip, task):
    partial = copy.copy(task)
    object.__setattr__(partial, "train", task.train.subset((task.train.labels != 2).nonzero().flatten()))
    try:
        method = line.make(clip).fit(partial, **line.arguments())
    except ValueError as error:
        assert re.search(LEARN_EACH_CLASS[line.method], str(error))
    else:
        assert line.method not in LEARN_EACH_CLASS or line.settings.get("unseen") == "zero-shot"
        assert method.logits(task.test).shape == (60, 5)


def test_names_too_long_to_be_said_are_refused_and_what_was_learned_stays(line, fitted, task):
    before = all_of(fitted, task.test)
    long = noise_task(names=["cat", "very " * 80 + "long dog"])
    try:
        said = line.make(fitted.clip).fit(long, **line.arguments())
    except ValueError:
        with pytest.raises(ValueError, match="tokens.* holds 77|needs .* tokens|names to say"):
            fitted.fit(long, **line.arguments())
        assert_unchanged(before, all_of(fitted, task.test))
    else:
        assert line.method == "LinearProbe" and said.classnames == long.classnames, "it says no names"


def test_images_and_features_that_clip_cannot_give_are_refused(fitted, task):
    for images, words in (
        (task.test.tensor(), "pass them through clip.preprocess_tensor first"),
        (torch.zeros(3, 32, 32), "add a dimension"),
        (torch.zeros(2, 3, 30, 30), r"encode_images takes preprocessed images, \(N, 3, 32, 32\) float"),
    ):
        with pytest.raises(ValueError, match=words):
            fitted.logits(images)
    if not fitted.learns_from_pixels:
        with pytest.raises(ValueError, match=r"features must be \(N, (32|64)\)"):
            fitted.logits_from_features(torch.zeros(2, 5))


@pytest.mark.parametrize("names", [[], ["a", "a"], ["a", ""], "cat"])
def test_class_names_that_are_none_are_refused(fitted, names):
    with pytest.raises(ValueError, match="class name"):
        fitted.for_classes(names)


def test_before_it_knows_classes_it_is_not_saved(line, clip, tmp_path):
    if line.settings.get("classnames") is None:
        with pytest.raises(RuntimeError, match=r"call fit\(task\) first"):
            line.make(clip).save(tmp_path / "method.safetensors")


def test_fitting_warns_of_nothing(line, clip, task):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line.make(clip).fit(task, **line.arguments()).score(task.test)


def test_every_method_says_what_it_is():
    for name, method in METHODS.items():
        assert method.__name__ == name and method.__doc__ and method.kind and method.metric


def test_one_class_is_enough_or_refused_in_words(line, clip):
    task = noise_task(names=["cat"])
    try:
        method = line.make(clip).fit(task, **line.arguments())
    except ValueError as error:
        assert "at least 2 classes" in str(error) or "names to say" in str(error)
    else:
        assert method.score(noise_split(1, 1, names=["cat"])) == 100
