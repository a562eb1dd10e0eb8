"""What a segmenter is asked: counts agree with the library's, ways keep to their labels, and bounds bound."""

import pytest
import torch

from lessons_lib.methods import METHODS
from lessons_lib.metrics.segmentation import ToldClass
from lessons_lib.teaching.lesson11 import protocols, scenes

SEEN, UNSEEN = scenes.fold(0)
NEW = [scenes.NAMES.index(name) for name in UNSEEN]
OLD = [scenes.NAMES.index(name) for name in SEEN]


@pytest.fixture(scope="module")
def pictures():
    return scenes.drawn("test", 30)


def random_logits(split):
    draws = torch.Generator().manual_seed(len(split))
    return torch.randn(len(split), len(split.classnames), 64, 64, generator=draws)


def test_told_is_the_librarys_told_class(pictures):
    logits, truth = random_logits(pictures), pictures.targets.masks.long()
    theirs = ToldClass(len(scenes.NAMES))
    for planes, mask in zip(logits, truth):
        for c in set(mask.unique().tolist()) & set(NEW):
            theirs.add(planes[c] > planes[0], mask, c)
    assert protocols.told(logits, truth, NEW).mean_iou() == pytest.approx(theirs.mean_iou)


def test_answers_are_among_the_labels_and_what_is_left_out_does_not_count(pictures):
    logits, truth = random_logits(pictures), pictures.targets.masks.long()
    assert set(protocols.among(logits, [0, *NEW]).unique().tolist()) <= {0, *NEW}
    left = protocols.without(truth, OLD)
    assert set(left.unique().tolist()) <= {0, 255, *NEW}
    assert torch.equal(left == 255, torch.isin(truth, torch.tensor(OLD)))


def test_the_ceiling_of_single_pixels_is_100_and_that_of_patches_and_the_floor_lie_below(pictures):
    ways = [protocols.of_logits(bound, pictures, UNSEEN)
            for bound in (protocols.ceiling(1), protocols.ceiling(8), protocols.floor(pictures))]  # fmt: skip
    for way in ("seen", "unseen", "all", "told"):
        of = protocols.things(way, scenes.NAMES, UNSEEN)
        best, patches, floor = (one[way].mean_iou(of) for one in ways)
        assert best == pytest.approx(100) and best > patches > floor > 0
    assert set(protocols.things("seen", scenes.NAMES, UNSEEN)) == set(OLD)
    assert set(protocols.things("told", scenes.NAMES, UNSEEN)) == set(NEW)


def test_own_things_are_right_where_all_is_known_and_at_chance_where_nothing_is(pictures):
    right, guess = protocols.own_things(protocols.ceiling(1), pictures)
    assert right == pytest.approx(100) and 20 < guess < 50
    nothing, again = protocols.own_things(random_logits, pictures)
    assert again == guess and nothing == pytest.approx(guess, abs=2)


def test_renamed_gives_each_its_neighbours_plane_and_leaves_the_others(clip):
    method = METHODS["DenseZeroShot"](clip)
    names, few = ["background", "owl", "mug", "key"], scenes.drawn("test", 2)
    planes = method.for_classes(names).logits(few)
    found = protocols.renamed(method, names, ["owl", "key"])(few)
    assert torch.equal(found, planes[:, [0, 3, 2, 1]])


def test_pictures_without_some_things_show_none_of_them_and_the_test_pictures_are_the_tasks_own():
    some = scenes.drawn("train", 20, without=UNSEEN)
    assert len(some) == 20 and not some.targets.shows[:, NEW].any()
    with pytest.raises(ValueError, match="ask for fewer"):
        scenes.drawn("train", 5, without=[name for name in scenes.NAMES if name != "background"])


def test_a_method_whose_planes_depend_on_each_other_is_refused(clip, pictures):
    with pytest.raises(ValueError, match="looks at all labels at once"):
        protocols.asked(METHODS["LSeg"](clip, "bottleneck"), pictures, UNSEEN)


def test_masks_of_another_size_are_refused(pictures):
    with pytest.raises(ValueError, match="masks of .64, 64. pixels, answers of .32, 32."):
        protocols.of_logits(lambda part: torch.zeros(len(part), 65, 32, 32), pictures, UNSEEN)
