"""What every method of kind "segment" keeps to: the same contract, for a class a pixel."""

import copy
import json

import pytest
import torch
from contract.asking import all_of, assert_unchanged, away_from_start, learned, same
from contract.table import TABLE
from contract.test_refusing import IMPOSSIBLE, Watched
from noise_task import NAMES, mask_split, mask_task, noise_task
from reference.comparing import assert_as_published

from lessons_lib import identity, training
from lessons_lib.data import Masks, Split
from lessons_lib.methods import METHODS, load_method
from lessons_lib.methods.parts.cost import Sizes

LINES = {name: line for name, line in TABLE.items() if METHODS[line.method].kind == "segment"}
TRAINED = [name for name, line in LINES.items() if METHODS[line.method].trains]
ALL = ["background", *NAMES]


@pytest.fixture(scope="session", params=LINES)
def line(request):
    return LINES[request.param]


@pytest.fixture(scope="session")
def clip(line):
    return line.model()


@pytest.fixture(scope="session")
def task():
    return mask_task(shots=2)


@pytest.fixture(scope="session")
def fitted(line, clip, task):
    return line.make(clip).fit(task, **line.arguments())


def pictures(device="cpu"):
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3)).to(device)


def test_values_and_gradients_are_those_of_the_published_computation(line, device, task):
    method = line.make(line.model(device=device))
    method.begin(task)
    away_from_start(method, pictures(device))
    assert method.logits(pictures(device)).shape == (3, 6, 32, 32)
    assert_as_published(method, line.published, pictures(device))


def test_it_learns_so_many_numbers_and_clip_stays_as_it_was(line, task):
    clip = line.model()
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
    assert fitted.patch in (1, 2, 4, 8) and fitted.predict(pictures()[:0]).shape == (0, 32, 32)


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
    assert type(fitted)(clip).paper_name and (fitted.paper_name or line.settings)
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


# --- what is trained


def fit(line, clip, task, **changes):
    return line.make(clip).fit(task, **line.arguments(**changes))


@pytest.mark.parametrize("line", TRAINED, indirect=True)
def test_one_seed_gives_one_result_from_the_start_and_torchs_generator_is_left_alone(line, clip, fitted, task):
    with torch.random.fork_rng():
        torch.manual_seed(11)
        before = torch.get_rng_state()
        again = line.make(clip).fit(mask_task(names=["a", "b"], shots=1), **line.arguments(epochs=1))
        again.fit(task, **line.arguments())
        assert torch.equal(torch.get_rng_state(), before)
    assert same(learned(fitted), learned(again)) and torch.equal(fitted.logits(pictures()), again.logits(pictures()))
    other = fit(line, clip, task, seed=2, epochs=1)
    assert not same(learned(other), learned(fit(line, clip, task, epochs=1)))


@pytest.mark.parametrize("line", TRAINED, indirect=True)
def test_a_run_that_was_stopped_goes_on(line, clip, task, tmp_path, monkeypatch):
    whole, epoch = fit(line, clip, task, epochs=2), training._epoch

    def stopped(method, inputs, optimizer, recipe, number):
        if number == 2:
            raise KeyboardInterrupt
        return epoch(method, inputs, optimizer, recipe, number)

    monkeypatch.setattr(training, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit(line, clip, task, epochs=2, checkpoint=tmp_path / "run.pt")
    monkeypatch.setattr(training, "_epoch", epoch)
    resumed = fit(line, clip, task, epochs=2, checkpoint=tmp_path / "run.pt")
    assert same(learned(resumed), learned(whole))
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]


@pytest.mark.parametrize("line", TRAINED, indirect=True)
def test_bfloat16_learns_in_full_precision_and_stays_near(line, fitted, device, task):
    method = fit(line, line.model(device=device, precision="bf16"), task)
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in method.parameters())
    logits = method.logits(pictures())
    assert logits.dtype == torch.float32 and logits.isfinite().all()
    losses, expected = ([row["loss"] for row in each.history] for each in (method, fitted))
    assert losses == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("line", TRAINED, indirect=True)
def test_what_it_cannot_learn_from_is_refused_before_any_work(line, fitted, task):
    before = all_of(fitted, task.test.subset(range(2)))

    def refused(words, task, **arguments):
        with pytest.raises(ValueError, match=words):
            fitted.fit(task, **line.arguments(**arguments))

    for name, values in IMPOSSIBLE.items():
        for value in values:
            refused(f"{name}=", Watched(task), **{name: value})
    refused("views='fresh': masks would not move", Watched(task), views="fresh")
    refused("takes no 'banana'", Watched(task), banana=7)
    refused("no images: there is nothing to learn from", with_train(task, task.train.subset([])))
    refused("needs .* tokens", mask_task(names=["very " * 80 + "long dog"], shots=1))
    of_another_size = Split(task.train.images, Masks(task.train.targets.masks[:, :16]), task.train.classnames)
    refused("a mask of 32 × 16 pixels does not belong to a picture of 32 × 32", with_train(task, of_another_size))
    void = Split(task.train.images, Masks(torch.full_like(task.train.targets.masks, 255)), task.train.classnames)
    refused("no pixel of the training masks has a class", with_train(task, void))
    refused("at least 2 classes", task.of_classes(["cat"]))
    assert_unchanged(before, all_of(fitted, task.test.subset(range(2))))


def with_train(task, split):
    other = copy.copy(task)
    object.__setattr__(other, "train", split)
    return other


def test_class_names_that_are_none_are_refused_and_one_is_enough_to_answer(fitted):
    for names in ([], ["a", "a"], ["a", ""], "cat"):
        with pytest.raises(ValueError, match="class name"):
            fitted.for_classes(names)
    assert (fitted.for_classes(["cat"]).predict(pictures()) == 0).all()
