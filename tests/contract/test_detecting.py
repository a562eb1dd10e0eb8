"""What every method of kind "detect" keeps to: the same contract, for boxes with classes."""

import copy
import json

import pytest
import torch
from contract.asking import learned, same
from contract.table import TABLE
from noise_task import NAMES, Pixels, box_split, box_task, noise_task
from reference.comparing import assert_same
from tiny_clip import tiny_clip

from lessons_lib import identity, training
from lessons_lib.data import Boxes, Split
from lessons_lib.methods import METHODS, load_method
from lessons_lib.methods.detector import pictures_of
from lessons_lib.metrics.detection import BoxMatches

LINES = {name: line for name, line in TABLE.items() if METHODS[line.method].kind == "detect"}
NEAR = 2e-3  # of scores


@pytest.fixture(scope="session", params=LINES)
def line(request):
    return LINES[request.param]


@pytest.fixture(scope="session")
def task():
    return box_task()


@pytest.fixture(scope="session")
def fitted(line, clip, task):
    """The method of the line, fitted with seed 1; no test may change it."""
    return fit(line, clip, task)


def fit(line, clip, task, **changes):
    return line.make(clip).fit(task, **line.arguments(**{"epochs": 2, "lr": 0.003, **changes}))


def flat(found):
    return [tensor for one in found for tensor in one]


def same_answers(one, other):
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(flat(one), flat(other), strict=True))


def test_scores_are_those_of_the_published_computation(line, device, task):
    method = fit(line, tiny_clip(device=device), task)
    pictures = (task.test.tensor()[:3] / 255).to(device)
    with torch.no_grad():
        found, wanted = torch.cat([one.scores for one in method.regions(pictures)]), line.published(method, pictures)
    assert_same([found.cpu()], [wanted], ["scores"], NEAR)


def test_it_learns_so_many_numbers_and_clip_stays_as_it_was(line, task):
    clip = tiny_clip()
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    method = fit(line, clip, task)
    method.score(task.test)
    assert method.n_parameters == line.learns and [row["epoch"] for row in method.history] == [1, 2]
    assert same(clip.model.state_dict(), before)


def test_scores_are_cocos_and_stand_beside_their_floor_and_ceiling(fitted, task):
    measured, answers = fitted.measure(task.test), fitted.detect(task.test)
    assert measured[fitted.metric] == fitted.score(task.test)
    counted = BoxMatches(5)
    for one, boxes, labels in zip(answers, task.test.targets.boxes, task.test.targets.labels):
        counted.add(one.boxes, one.scores, boxes, one.labels, labels)
        assert (one.scores.diff() <= 0).all() and one.boxes.min() >= 0 and one.boxes.max() <= 32
    assert measured["AP50"] == counted.ap50 and measured["AP"] == counted.ap
    for name in ("AP50", "AP"):
        assert max(measured[name], measured[f"{name}_floor"]) <= measured[f"{name}_ceiling"] + 1e-9
    assert 0 < measured["AP50_ceiling"] <= 100 and 0 < measured["recall"] <= 100
    rows = fitted.by_class(task.test)
    assert {row["class"] for row in rows} == set(NAMES)
    known = [row["AP50 (%)"] for row in rows if row["images"]]
    assert sum(known) / len(known) == pytest.approx(measured["AP50"], abs=0.06) and known == sorted(known)


def test_pictures_of_another_size_have_boxes_in_their_own_pixels(fitted, task):
    pixels, targets = task.test.tensor(), task.test.targets
    larger = Pixels(pixels.repeat_interleave(2, 2).repeat_interleave(3, 3))  # 64 high, 96 wide
    by = torch.tensor([3, 2, 3, 2])
    split = Split(larger, Boxes([by * each for each in targets.boxes], targets.labels, [(64, 96)] * 10), NAMES)
    pictures, scale = pictures_of(split, torch.arange(10), 32)
    assert (scale == by).all()
    for one, other in zip(fitted.detect(pictures), fitted.detect(split), strict=True):
        assert torch.equal(by * one.boxes, other.boxes) and torch.equal(one.labels, other.labels)
    assert fitted.measure(split)["recall"] > 0


def test_a_split_and_its_pictures_give_the_same_and_no_pictures_none(fitted, task):
    whole = fitted.detect(task.test)
    assert same_answers(fitted.detect(task.test.tensor() / 255), whole) and len(whole) == 10
    assert fitted.detect(task.test.subset([])) == fitted.detect(torch.zeros(0, 3, 32, 32)) == []


def test_from_its_file_it_comes_back_to_the_bit(fitted, clip, task, tmp_path):
    again = load_method(fitted.save(tmp_path / "method.safetensors"), clip)
    assert type(again) is type(fitted) and again.settings() == fitted.settings() and not again.training
    assert same(learned(again), learned(fitted)) and same_answers(again.detect(task.test), fitted.detect(task.test))
    assert same_answers(again.for_classes(["hat"]).detect(task.test), fitted.for_classes(["hat"]).detect(task.test))
    with pytest.raises(ValueError, match="fitted on another CLIP"):
        load_method(tmp_path / "method.safetensors", tiny_clip(seed=1))


def test_one_seed_gives_one_result_and_torchs_own_generator_neither_matters_nor_moves(line, fitted, clip, task):
    with torch.random.fork_rng():
        torch.manual_seed(11)
        before = torch.get_rng_state()
        again = fit(line, clip, task)
        again.score(task.test)
        assert torch.equal(torch.get_rng_state(), before)
    assert same(learned(again), learned(fitted))
    assert not same(learned(fit(line, clip, task, seed=2)), learned(fitted))


def test_its_arguments_are_plain_and_make_the_same_method_again(line, fitted, clip):
    arguments = fitted.arguments()
    assert line.make(clip).arguments() == arguments and arguments.items() >= line.settings.items()
    assert identity.digest(arguments) and identity.digest(fitted.fit_settings(4))
    again = type(fitted)(clip, **json.loads(json.dumps(arguments)))
    assert again.arguments() == arguments and type(fitted)(clip).paper_name


def test_it_is_carried_to_other_classes(fitted, task):
    other = fitted.for_classes(["hat", "owl", "shoe"])
    assert other.classnames == ["hat", "owl", "shoe"] and fitted.classnames == NAMES and not other.training
    assert {one.scores.shape[1] for one in other.regions(task.test.tensor()[:2] / 255)} == {3}
    boxes = zip(fitted.regions(task.test.tensor()[:2] / 255), other.regions(task.test.tensor()[:2] / 255))
    same_boxes = all(torch.equal(one.boxes, two.boxes) for one, two in boxes)
    assert same_boxes != fitted.boxes_mind_names, "whether where things are depends on names"


def test_one_class_is_enough_and_none_is_refused(line, clip, fitted):
    task = box_task(names=["cat"])
    alone = fit(line, clip, task)
    assert {label for one in alone.detect(task.test) for label in one.labels.tolist()} == {0}
    assert 0 <= alone.measure(task.test)["AP50"] <= 100
    for names in ([], ["a", "a"], [""]):
        with pytest.raises(ValueError, match="class name"):
            fitted.for_classes(names)


def test_a_run_that_was_stopped_goes_on(line, fitted, clip, task, tmp_path, monkeypatch):
    epoch = training._epoch

    def stopped(method, inputs, optimizer, recipe, number):
        if number == 2 and not getattr(method, "proposing", False):
            raise KeyboardInterrupt
        return epoch(method, inputs, optimizer, recipe, number)

    monkeypatch.setattr(training, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit(line, clip, task, checkpoint=tmp_path / "run.pt")
    seen = []
    monkeypatch.setattr(training, "_epoch", lambda *given: seen.append(given[-1]) or epoch(*given))
    resumed = fit(line, clip, task, checkpoint=tmp_path / "run.pt")
    assert seen == [2], "neither the proposals nor the first epoch again"
    assert same(learned(resumed), learned(fitted))


def test_test_pictures_are_not_looked_at(line, fitted, clip, task):
    other = copy.copy(task)
    object.__setattr__(other, "test", box_split(3, 99))
    object.__setattr__(other, "val", box_split(3, 98))
    assert same(learned(fit(line, clip, other)), learned(fitted))


def test_what_it_cannot_take_is_refused_by_name(line, fitted, clip, task):
    name = type(fitted).__name__
    words = f"{name} is a method of kind 'detect', but .* is of kind 'classify'"
    with pytest.raises(ValueError, match=words):
        fitted.measure(noise_task().test)
    with pytest.raises(ValueError, match=words):
        fit(line, clip, noise_task())
    with pytest.raises(ValueError, match="knows 5 classes .*use for_classes"):
        fitted.measure(box_split(3, 1, names=["a"]))
    with pytest.raises(RuntimeError, match=r"call fit\(task\) first"):
        line.make(clip).detect(task.test)
    with pytest.raises(ValueError, match="the split has no images"):
        fitted.measure(task.test.subset([]))
    for pictures, said in (
        (torch.zeros(2, 3, 30, 30), r"pictures are \(N, 3, 32, 32\) float"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), "float in 0 … 1; got"),
        (torch.full((1, 3, 32, 32), 2.0), "not preprocessed"),
    ):
        with pytest.raises(ValueError, match=said):
            fitted.detect(pictures)
    impossible = {"epochs": 0, "proposal_epochs": 0, "lr": -1, "batch_size": 0, "seed": -1, "banana": 1}
    for argument, value in impossible.items():
        known = argument in fitted.fit_arguments()
        with pytest.raises(ValueError, match="give a" if known else f"takes no '{argument}'"):
            fitted.fit_settings(4, **{argument: value})
