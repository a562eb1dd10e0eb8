"""What lesson 13's learner trains on: regions in the order of their pictures, seen as the library sees them."""

import torch
from noise_task import NAMES, box_task
from tiny_clip import tiny_clip

from lessons_lib.methods.detect.vild import ViLD
from lessons_lib.methods.parts.regions import crop_embeddings, scaled
from lessons_lib.teaching.lesson13 import regions
from lessons_lib.teaching.lesson13.crops import CropsOfClip, ImageHead, TextHead, as_one

SMALL = {"image_size": 32, "width": 16, "hidden": 24, "proposals": 6}


def made(variant="both", **settings):
    return ViLD(tiny_clip(), variant, **SMALL, **settings).for_classes(NAMES)


def test_true_boxes_are_given_with_their_pictures_and_labels():
    split = box_task().test
    pictures, true = regions.true_regions(split, range(5), 32)
    assert pictures.shape == (5, 3, 32, 32)
    assert true.labels.tolist() == [label + 1 for i in range(5) for label in split.targets.labels[i].tolist()]
    assert true.picture.tolist() == sorted(true.picture.tolist())


def test_a_sight_is_the_teacher_and_counts_its_passes():
    method, split = made(), box_task().test
    pictures, found = regions.proposed(method, split, range(4))
    see = regions.Sight(method.clip, pictures, found.picture)
    wide = torch.cat([scaled(found.boxes[found.picture == i], 1.5, 32) for i in range(4)])
    own = torch.nn.functional.normalize(see(found.boxes) + see(wide), dim=-1)
    assert see.passes == 2 * len(found.boxes)
    for i in range(4):
        mine = found.picture == i
        whole = crop_embeddings(method.clip, pictures[i : i + 1], found.boxes[mine][None], (1.0, 1.5))[0]
        torch.testing.assert_close(own[mine], whole, rtol=1e-3, atol=1e-4)


def test_cells_give_what_the_detector_itself_makes_of_a_region():
    method, split = made(), box_task().test
    pictures, found = regions.proposed(method, split, range(3))
    e = regions.embedded(method, regions.cells_of(method, pictures, found))
    embedded, sure = regions.one_batch(method, pictures)
    torch.testing.assert_close(e, embedded.image, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found.sure, sure)


def test_passes_are_counted_inside_alone():
    method = made()
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    slow = as_one(method, CropsOfClip)
    with regions.Passes(method.clip) as passes:
        slow.regions(pictures)
    assert passes.count == 2 * 2 * 6
    slow.regions(pictures)
    assert passes.count == 2 * 2 * 6
    with regions.Passes(method.clip) as passes:
        method.regions(pictures)
    assert passes.count == 0, "ViLD itself never asks CLIP's image tower"


def test_a_head_of_an_ensemble_scores_alone():
    method = made("ensemble", temperature=0.1)
    pictures = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    embedded, sure = regions.one_batch(method, pictures)
    p_image = (embedded.image @ method.texts.T / 0.1).softmax(dim=-1)
    p_text = method.logits_of(embedded.text).softmax(dim=-1)[:, 1:]
    found = {kind: as_one(method, kind).regions(pictures)[0].scores for kind in (TextHead, ImageHead)}
    torch.testing.assert_close(found[TextHead], p_text, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found[ImageHead], (sure[:, None] * p_image).sqrt(), rtol=1e-3, atol=1e-5)


def test_windows_lie_inside_the_picture():
    boxes = regions.windows(100)
    assert boxes.min() >= 0 and boxes.max() <= 100 and (boxes[:, 2:] > boxes[:, :2]).all() and len(boxes) > 20
