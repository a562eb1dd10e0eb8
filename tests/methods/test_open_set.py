"""A threshold chosen on validation images lets a classifier answer "none of these"."""

import pytest
import torch
from noise_task import noise_split, noise_task
from tiny_clip import tiny_clip

from lessons_lib.methods import LinearProbe, ZeroShot
from lessons_lib.methods.classify.open_set import OpenSet, confidence, separation


class Fixed:
    """A method whose logits are the images given."""

    def logits(self, images):
        return images


def two_class(gaps):
    """(N, 2) logits whose first class leads by these gaps."""
    gaps = torch.as_tensor(gaps, dtype=torch.float)
    return torch.stack([gaps, torch.zeros_like(gaps)], dim=1)


def test_confidence_is_the_largest_probability_or_logit():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(confidence(logits), logits.softmax(dim=1).max(dim=1).values)
    torch.testing.assert_close(confidence(logits, "logit"), logits.max(dim=1).values)


def test_the_largest_logit_of_zero_shot_is_s_times_the_largest_cosine():
    clip, task = tiny_clip(), noise_task()
    method = ZeroShot(clip).fit(task)
    cosines = clip.encode_images(clip.preprocess_tensor(task.val.tensor())) @ method.text_features.T
    measured = OpenSet(method, by="logit").confidence(task.val)
    torch.testing.assert_close(measured, clip.logit_scale * cosines.max(dim=1).values)


@pytest.mark.parametrize("by", ["probability", "logit"])
@pytest.mark.parametrize(
    ("n", "keep", "accepted"), [(200, 90, 180), (200, 95, 190), (10, 90, 9), (3, 50, 2), (7, 99, 7)]
)
def test_with_known_images_alone_the_threshold_keeps_the_percentage_asked_for_and_no_more(by, n, keep, accepted):
    known = two_class(torch.rand(n, generator=torch.Generator().manual_seed(0)) * 5)
    detector = OpenSet(Fixed(), by=by, keep=keep).fit(known)
    assert (detector.predict(known) >= 0).sum().item() == accepted


def test_with_unknown_images_the_threshold_parts_the_two_best():
    detector = OpenSet(Fixed(), by="logit").fit(two_class([3.0, 4, 5, 1]), two_class([2.0, 0.5, 0.1, 0.2]))
    assert detector.threshold == 3.0  # accepts 3 of 4 known and no unknown; 1.0 would accept all known and 1 unknown
    detector = OpenSet(Fixed(), by="logit").fit(two_class([3.0, 4, 5]), two_class([1.0, 0.5]))
    assert detector.predict(two_class([2.9, 3.0])).tolist() == [-1, 0]


def test_accepted_images_get_the_methods_own_class():
    logits = torch.tensor([[0.0, 9.0], [9.0, 0.0], [0.1, 0.0]])
    detector = OpenSet(Fixed(), by="logit").fit(logits[:2], logits[2:])
    assert detector.predict(logits).tolist() == [1, 0, -1]


def test_auroc_is_how_often_a_known_image_is_the_more_confident():
    generator = torch.Generator().manual_seed(0)
    inside, outside = torch.rand(40, generator=generator) + 0.2, torch.rand(30, generator=generator)
    wins = (inside[:, None] > outside[None]).float().mean().item()
    assert separation(inside, outside)["auroc"] == pytest.approx(100 * wins)


def test_fpr95_is_the_share_of_unknown_accepted_with_95_percent_of_the_known():
    inside = torch.arange(20.0) + 10  # accepting 19 of 20 needs the threshold 11
    outside = torch.tensor([5.0, 10.5, 11.0, 12.0])
    assert separation(inside, outside)["fpr95"] == 50
    assert separation(inside, torch.zeros(3)) == {"auroc": 100, "fpr95": 0}


def test_score_measures_on_images_that_the_threshold_was_not_chosen_on():
    clip, task = tiny_clip(), noise_task(shots=16, signal=0.9)
    other = noise_split(12, 5, names=["hat", "shoe"], signal=0.0)  # no pattern at all
    detector = OpenSet(LinearProbe(clip).fit(task)).fit(task.val)
    result = detector.score(task.test, other)
    accepted = detector.predict(task.test)
    assert result["correct"] == pytest.approx(100 * (accepted == task.test.labels).float().mean().item())
    assert result["refused"] == pytest.approx(100 * (detector.predict(other) == -1).float().mean().item())
    assert 0 <= result["fpr95"] <= 100 and 0 <= result["auroc"] <= 100


def test_images_of_other_classes_are_not_scored_as_known():
    """The same names in another order are other labels."""
    task = noise_task(shots=4)
    detector = OpenSet(LinearProbe(tiny_clip()).fit(task)).fit(task.val)
    turned = noise_split(6, 1, names=list(task.classnames)[::-1])
    with pytest.raises(ValueError, match="use for_classes"):
        detector.score(turned, task.test)


def test_without_a_threshold_it_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"no threshold yet: call fit\(known\) on validation images"):
        OpenSet(Fixed()).predict(two_class([1.0]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: OpenSet(Fixed(), by="cosine"), '"probability" or "logit"; got \'cosine\''),
        (lambda: OpenSet(Fixed(), keep=0.95 * 200), "between 0 and 100; got 190"),
        (lambda: separation(torch.ones(3), torch.ones(0)), "no unknown images: give at least one"),
        (lambda: OpenSet(Fixed()).fit(two_class([])), "no known images"),
        (lambda: OpenSet(Fixed()).fit(two_class([1.0]), two_class([])), "no unknown images"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
