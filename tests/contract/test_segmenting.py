"""What every method of kind "segment" keeps to: the same contract, for a class a pixel."""

import json

import pytest
import torch
from contract.asking import learned, same
from contract.table import TABLE
from noise_task import NAMES, mask_split, mask_task, noise_task
from reference.comparing import assert_same
from tiny_clip import tiny_clip

from lessons_lib import identity
from lessons_lib.methods import METHODS, load_method
from lessons_lib.methods.parts.cost import Sizes

LINES = {name: line for name, line in TABLE.items() if METHODS[line.method].kind == "segment"}
ALL = ["background", *NAMES]


@pytest.fixture(scope="session", params=LINES)
def line(request):
    return LINES[request.param]


@pytest.fixture(scope="session")
def task():
    return mask_task(shots=4)


@pytest.fixture(scope="session")
def fitted(line, clip, task):
    return line.make(clip).fit(task, **line.arguments())


def pictures(device="cpu"):
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3)).to(device)


def test_values_are_those_of_the_published_computation(line, device, task):
    method = line.make(tiny_clip(device=device)).fit(task, **line.arguments())
    found, wanted = method.logits(pictures(device)), line.published(method, pictures(device))
    assert found.shape == (3, 6, 32, 32)
    assert_same([found], [wanted], ["logits"], 1e-4)


def test_it_learns_so_many_numbers_and_clip_stays_as_it_was(line, task):
    clip = tiny_clip()
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    method = line.make(clip).fit(task, **line.arguments())
    method.score(task.test)
    assert method.n_parameters == line.learns and bool(method.history) == method.trains
    assert same(clip.model.state_dict(), before)


def test_every_score_stands_between_its_floor_and_ceiling_and_is_counted_over_all_pixels(fitted, task):
    measured = fitted.measure(task.test)
    assert measured[fitted.metric] == fitted.score(task.test)
    truth, taken = task.test.targets.masks.long(), fitted.predict(task.test)
    counts = truth != 255
    assert measured["pixel_accuracy"] == pytest.approx(100 * (taken == truth)[counts].double().mean().item())
    ious = []
    for label in range(6):
        both, either = ((taken == label) & (truth == label))[counts], ((taken == label) | (truth == label))[counts]
        ious.append(100 * (both.sum() / either.sum()).item() if either.any() else float("nan"))
    assert measured["mIoU"] == pytest.approx(torch.tensor(ious).nanmean().item())
    assert measured["mIoU_things"] == pytest.approx(torch.tensor(ious[1:]).nanmean().item())
    assert {row["class"]: row["IoU (%)"] for row in fitted.by_class(task.test)} == pytest.approx(
        dict(zip(ALL, ious)), abs=0.06, nan_ok=True
    )
    for name in ("mIoU", "mIoU_things"):
        assert measured[f"{name}_floor"] < measured[f"{name}_ceiling"]
    assert measured["mIoU_ceiling"] == pytest.approx(100), "here every patch shows one thing"


def test_pictures_of_another_size_are_measured_as_they_are_preprocessed(fitted, task):
    class Larger(type(task.test.images)):
        def __init__(self, pixels):
            super().__init__(pixels.repeat_interleave(2, 2).repeat_interleave(2, 3))

    split = task.test.subset(range(4))
    larger = type(split)(
        Larger(split.images.pixels),
        type(split.targets)(split.targets.masks.repeat_interleave(2, 1).repeat_interleave(2, 2)),
        split.classnames,
    )
    assert fitted.predict(larger).shape == (4, 32, 32)
    assert fitted.measure(larger)["mIoU_ceiling"] == fitted.measure(split)["mIoU_ceiling"]


def test_a_split_and_its_pictures_give_the_same_and_no_pictures_none(fitted, clip, task):
    logits = fitted.logits(task.test)
    images = clip.preprocess_tensor(task.test.tensor())
    torch.testing.assert_close(fitted.logits(images), logits, atol=1e-3, rtol=1e-3)
    assert torch.equal(fitted.predict(task.test), logits.argmax(dim=1)) and not logits.requires_grad
    assert fitted.predict(task.test.subset([])).shape == fitted.predict(images[:0]).shape == (0, 32, 32)


def test_from_its_file_it_comes_back_to_the_bit(fitted, clip, task, tmp_path):
    again = load_method(fitted.save(tmp_path / "method.safetensors"), clip)
    assert type(again) is type(fitted) and again.settings() == fitted.settings() and not again.training
    assert same(learned(again), learned(fitted)) and again.measure(task.test) == fitted.measure(task.test)


def test_its_arguments_are_plain_and_make_the_same_method_again(line, fitted, clip, task):
    arguments = fitted.arguments()
    assert line.make(clip).arguments() == arguments and arguments.items() >= line.settings.items()
    assert identity.digest(arguments) and identity.digest(fitted.fit_settings(4))
    again = type(fitted)(clip, **json.loads(json.dumps(arguments))).fit(task, **line.arguments())
    assert torch.equal(again.logits(task.test), fitted.logits(task.test))
    assert fitted.paper_name and type(fitted)(clip).paper_name
    assert fitted.cost(Sizes(classes=6, trained_on=40, tested=100)) > 0
    assert fitted.cost(Sizes(classes=None, trained_on=40, tested=None)) is None


def test_it_is_carried_to_other_classes_or_says_why_not(fitted, task):
    to = ["background", "hat", "shoe"]
    if reason := fitted.carries(to, ALL):
        with pytest.raises(ValueError, match=reason[:20]):
            fitted.for_classes(to)
    else:
        assert fitted.for_classes(to).logits(pictures()).shape == (3, 3, 32, 32)
    assert fitted.classnames == ALL


def test_what_it_cannot_measure_is_refused_by_name(line, fitted, clip):
    name = type(fitted).__name__
    words = f"{name} is a method of kind 'segment', but .* is of kind 'classify'"
    with pytest.raises(ValueError, match=words):
        fitted.measure(noise_task().test)
    with pytest.raises(ValueError, match=words):
        line.make(clip).fit(noise_task(), **line.arguments())
    with pytest.raises(ValueError, match="knows 6 classes .*use for_classes"):
        fitted.measure(mask_split(2, 1, names=["a"]))
    with pytest.raises(RuntimeError, match=r"call fit\(task\) first"):
        line.make(clip).predict(pictures())
    with pytest.raises(ValueError, match="takes no 'banana'"):
        fitted.fit_settings(4, banana=7)
