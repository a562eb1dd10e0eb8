"""What every method answers, before and after it is kept in a file or carried to other classes."""

import json

import pytest
import torch
import torch.nn.functional as F
from contract.asking import learned, same
from noise_task import NAMES, noise_split
from reference.comparing import assert_same
from tiny_clip import tiny_clip

from lessons_lib import identity
from lessons_lib.data import Task
from lessons_lib.features import image_features
from lessons_lib.methods import METHODS, load_method
from lessons_lib.methods.parts.cost import Sizes
from lessons_lib.methods.parts.texts import mean_texts_of

OTHERS = ["hat", "shoe", "long_scarf"]
SOME = ["owl", "cat", "dog"]  # of its own, in another order


# --- measuring


def test_the_score_is_the_metric_and_accuracy_is_the_percentage_of_right_predictions(fitted, task):
    measured = fitted.measure(task.test)
    assert measured[fitted.metric] == fitted.score(task.test)
    right = sum(int(a == b) for a, b in zip(fitted.predict(task.test).tolist(), task.test.labels.tolist()))
    assert measured == {"accuracy": pytest.approx(100 * right / 60)}


def test_the_table_of_classes_adds_up(fitted, task):
    rows = fitted.by_class(task.test)
    assert {row["class"] for row in rows} == set(NAMES) and [row["images"] for row in rows] == [12] * 5
    assert sum(row["right (%)"] for row in rows) / 5 == pytest.approx(fitted.score(task.test), abs=0.1)


def test_a_split_its_images_and_its_features_give_the_same_logits(fitted, clip, task):
    logits = fitted.logits(task.test)
    assert logits.shape == (60, 5) and logits.isfinite().all() and not logits.requires_grad
    assert torch.equal(fitted.logits(task.test), logits), "as kept, or as read from the cache"
    images = clip.preprocess_tensor(task.test.tensor())
    torch.testing.assert_close(fitted.logits(images), logits, atol=1e-3, rtol=1e-3)
    assert torch.equal(fitted.predict(task.test), logits.argmax(dim=1))
    if fitted.learns_from_pixels:
        with pytest.raises(ValueError, match=r"changes the image tower, .*: use logits\(images\)"):
            fitted.logits_from_features(image_features(clip, task.test))
    else:
        torch.testing.assert_close(fitted.logits_from_features(fitted.features(task.test)).detach(), logits)


def test_no_images_give_no_logits(fitted, task):
    assert fitted.logits(task.test.subset([])).shape == fitted.logits(torch.zeros(0, 3, 32, 32)).shape == (0, 5)


# --- files


def test_from_its_file_it_comes_back_to_the_bit(fitted, clip, task, tmp_path):
    again = load_method(fitted.save(tmp_path / "method.safetensors"), clip)
    assert type(again) is type(fitted) and not again.training
    assert again.settings() == fitted.settings() and again.task_template == fitted.task_template
    assert again.classnames == fitted.classnames and same(learned(again), learned(fitted))
    assert torch.equal(again.logits(task.test), fitted.logits(task.test))
    assert again.measure(task.test) == fitted.measure(task.test)
    with pytest.raises(ValueError, match="fitted on another CLIP"):
        load_method(tmp_path / "method.safetensors", tiny_clip(seed=1))
    some = fitted.for_classes(SOME)
    carried = load_method(some.save(tmp_path / "some.safetensors"), clip)
    assert carried.classnames == SOME and torch.equal(carried.logits(task.test), some.logits(task.test))


def test_from_its_file_it_comes_back_on_every_device(fitted, task, tmp_path, device):
    again = load_method(fitted.save(tmp_path / "method.safetensors"), tiny_clip(device=device))
    wanted = fitted.logits(task.test)
    assert (again.logits(task.test).cpu() - wanted).abs().max() < 5e-3 * max(1, wanted.abs().max())


# --- settings


def test_its_arguments_are_plain_and_make_the_same_method_again(line, fitted, clip, task):
    fresh, arguments = line.make(clip), fitted.arguments()
    assert fresh.arguments() == arguments, "as given, before the fit and after it"
    as_json = json.loads(json.dumps(arguments))
    assert {name: as_json[name] for name in line.settings} == json.loads(json.dumps(line.settings))
    assert arguments == {name: fitted.settings()[name] for name in arguments}
    assert set(fitted.settings()) - set(arguments) == set(fitted.MEMORY_ONLY)
    again = type(fitted)(clip, **as_json).fit(task, **line.arguments())
    assert again.arguments() == arguments and identity.digest(arguments) == identity.digest(again.arguments())
    assert torch.equal(again.logits(task.test), fitted.logits(task.test))


def test_what_its_fit_comes_to_is_plain_and_whole(line, fitted):
    for shots in (1, 16, None):
        published = fitted.fit_settings(shots)
        assert identity.digest(published) and None not in published.values()
        again = {name: value for name, value in published.items() if name in fitted.fit_arguments()}
        assert fitted.fit_settings(shots, **again) == published, "said aloud, the published numbers are the same"
    changes_nothing = {"checkpoint": "run.pt", "workers": 2, "progress": True}
    told = {name: value for name, value in changes_nothing.items() if name in fitted.fit_arguments()}
    assert fitted.fit_settings(16, **line.arguments(**told)) == fitted.fit_settings(16, **line.arguments())


def test_its_cost_is_a_number_or_none(line, fitted):
    fit = {name: value for name, value in line.arguments().items() if name != "progress"}
    costs = [fitted.cost(Sizes(classes=10, trained_on=n, tested=100, shots=4, fit=fit)) for n in (40, 4000)]
    assert costs == [None, None] or 0 < costs[0] <= costs[1]
    assert fitted.cost(Sizes(classes=None, trained_on=40, tested=None)) is None
    if "epochs" in fitted.fit_arguments():
        with pytest.raises(ValueError, match="epochs="):
            fitted.cost(Sizes(classes=10, trained_on=40, tested=100, shots=4, fit={"epochs": "fifty"}))


def test_its_published_settings_have_the_papers_name(fitted, clip):
    assert type(fitted)(clip).paper_name


# --- other classes


@pytest.mark.parametrize("to", [OTHERS, SOME, NAMES], ids=["others", "some", "its own"])
def test_it_is_carried_to_other_classes_or_says_why_not(line, fitted, clip, task, to):
    reason = fitted.carries(to, NAMES)
    assert line.make(clip).carries(to, NAMES) == reason, "before the fit as after it"
    before = fitted.logits(task.test)
    if reason:
        assert to is OTHERS and "fit" in reason
        with pytest.raises(ValueError) as refused:
            fitted.for_classes(to)
        assert str(refused.value) == reason
        return
    other = fitted.for_classes(iter(to))
    assert other.classnames == to and fitted.classnames == NAMES and other.task_template == fitted.task_template
    assert other.logits(task.test).shape == (60, len(to)) and not other.training
    if (
        to is not OTHERS and getattr(fitted, "ensemble", "") != "probability"
    ):  # those are over the classes that there are
        expected = before[:, [NAMES.index(name) for name in to]]
        torch.testing.assert_close(other.logits(task.test), expected, atol=1e-4, rtol=1e-4)
    images = clip.preprocess_tensor(task.test.tensor()[:6])
    with torch.no_grad():
        assert_same([other.logits(images)], [line.published(other, images)], ["logits"], 1e-4)
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()
    assert torch.equal(fitted.logits(task.test), before), "what is done to the other is not done to this one"


def test_of_known_and_unknown_classes_the_unknown_are_named(fitted):
    if fitted.carries(OTHERS, NAMES):
        with pytest.raises(ValueError, match="nothing for 'hat', 'shoe'"):
            fitted.for_classes(["hat", "owl", "shoe"])
    else:
        assert fitted.for_classes(["hat", "owl", "shoe"]).classnames == ["hat", "owl", "shoe"]


def assert_says(method, *templates: str) -> None:
    texts = method.text_features if isinstance(method, METHODS["ZeroShot"]) else method.texts
    expected = mean_texts_of(method.clip, method.classnames, templates)
    torch.testing.assert_close(F.normalize(texts, dim=-1), expected)


def test_hand_made_texts_are_the_tasks_until_others_are_given(line, fitted, clip, task):
    [argument] = {"template", "templates"} & set(fitted.arguments()) or [None]
    if argument is None or line.method == "CLIPLoRA" or {argument, "classnames"} & set(line.settings):
        pytest.skip("it says no hand-made texts, moves them, or was given some")
    assert_says(fitted, task.templates[0])
    if not fitted.carries(OTHERS, NAMES):
        assert_says(fitted.for_classes(OTHERS), task.templates[0])
    for given in [["my {}."], ["a {}.", "one {}."]][: 1 + (argument == "templates")]:
        settings = {**line.settings, argument: given if len(given) > 1 else given[0]}
        assert_says(type(fitted)(clip, **settings).fit(task, **line.arguments()), *given)
    later = Task.from_pools("later", train=task.train, val=task.val, test=task.test, templates=["{} up close."])
    assert_says(line.make(clip).fit(task, **line.arguments()).fit(later, **line.arguments()), "{} up close.")


def test_before_fit_it_starts_for_any_classes_or_says_what_to_do(line, clip, task):
    method = line.make(clip)
    if line.settings.get("classnames") is None:
        with pytest.raises(RuntimeError, match=r"call fit\(task\) first"):
            method.logits(task.test)
    try:
        start = method.for_classes(OTHERS)
    except RuntimeError as error:
        assert "call fit(task) first" in str(error)
    else:
        assert start.logits(task.test).shape == (60, 3)


def test_a_split_of_other_classes_is_refused_not_scored(fitted):
    for names in (["a", "b"], NAMES[::-1]):
        with pytest.raises(ValueError, match="knows 5 classes .*use for_classes"):
            fitted.measure(noise_split(1, 1, names=names))
