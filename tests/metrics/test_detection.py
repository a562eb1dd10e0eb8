"""Average precision, recall and grounding against pycocotools' on random cases; masks against torchmetrics'."""

import contextlib
import io

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchmetrics.classification import BinaryJaccardIndex, MulticlassJaccardIndex
from torchvision.ops import box_iou

from lessons_lib.metrics.detection import BoxMatches, grounding_accuracy, overlaps
from lessons_lib.metrics.segmentation import Confusion, ToldClass

CLASSES = 4


def some_boxes(rng, n):
    corner, side = rng.uniform(0, 60, (n, 2)), rng.uniform(4, 40, (n, 2))
    return np.concatenate([corner, corner + side], axis=1)


def case(seed, pictures=12):
    """Pictures with true boxes, and answers of which many lie near one; some pictures and classes are empty."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(pictures):
        truth = some_boxes(rng, rng.integers(0, 6))
        true_labels = rng.integers(CLASSES - 1, size=len(truth))  # the last class is never there
        which = rng.integers(len(truth), size=8) if len(truth) else np.zeros(0, dtype=int)
        near = truth[which] + rng.normal(0, 3, (len(which), 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        boxes = np.concatenate([near, some_boxes(rng, rng.integers(0, 9))])
        labels = rng.integers(CLASSES, size=len(boxes))
        labels[: len(which)] = np.where(rng.random(len(which)) < 0.7, true_labels[which], labels[: len(which)])
        scores = rng.integers(1, 30, size=len(boxes)) / 30  # with equal ones
        found.append([torch.from_numpy(each) for each in (boxes, scores, truth, labels, true_labels)])
    return found


def cocos(pictures, *, classless=False, most=100):
    """COCO's own evaluation of the same."""
    wide = lambda box: [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]  # noqa: E731
    truth, answers = [], []
    for image, (boxes, scores, true, labels, true_labels) in enumerate(pictures):
        for box, label in zip(true, true_labels):
            about = {"image_id": image, "category_id": int(label), "bbox": wide(box), "iscrowd": 0}
            truth.append(about | {"id": len(truth) + 1, "area": float((box[2] - box[0]) * (box[3] - box[1]))})
        for box, label, score in zip(boxes, labels, scores):
            answers.append({"image_id": image, "category_id": int(label), "bbox": wide(box), "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": i} for i in range(len(pictures))],
            "annotations": truth,
            "categories": [{"id": i} for i in range(CLASSES)],
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(answers), "bbox")
        judge.params.maxDets, judge.params.useCats = [most], int(not classless)
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 0]  # (T, R, C)
    recall = judge.eval["recall"][:, :, 0, 0]  # (T, C)
    return np.where(precision > -1, precision, np.nan).mean(axis=1) * 100, np.where(recall > -1, recall, np.nan) * 100


@pytest.mark.parametrize("most", [100, 3])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_cocos(seed, most):
    pictures = case(seed)
    mine = BoxMatches(CLASSES, most=most)
    for one in pictures:
        mine.add(*one)
    precision, recall = cocos(pictures, most=most)
    np.testing.assert_allclose(mine.precision().numpy(), precision, atol=1e-6)
    np.testing.assert_allclose(mine.recall().numpy(), recall, atol=1e-6)
    assert mine.ap == pytest.approx(np.nanmean(precision), abs=1e-6)
    assert mine.ap50 == pytest.approx(np.nanmean(precision[0]), abs=1e-6) and 5 < mine.ap < mine.ap50 < 95
    assert mine.precision()[:, 3].isnan().all(), "a class that is nowhere has no precision"


@pytest.mark.parametrize("most", [100, 4])
def test_recall_of_proposals_is_cocos_without_classes(most):
    pictures = case(7)
    mine = BoxMatches(most=most)
    for boxes, scores, truth, _, _ in pictures:
        mine.add(boxes, scores, truth)
    _, recall = cocos(pictures, classless=True, most=most)
    np.testing.assert_allclose(mine.recall().numpy(), recall, atol=1e-6)


def test_pictures_joined_are_pictures_added():
    whole, parts = BoxMatches(CLASSES), []
    for boxes, scores, truth, labels, true_labels in case(3):
        whole.add(boxes, scores, truth, labels, true_labels)
        parts.append(BoxMatches(CLASSES).add(boxes, scores, truth, labels, true_labels))
    joined = BoxMatches.joined(parts)
    torch.testing.assert_close(joined.precision(), whole.precision(), equal_nan=True)
    assert joined.counts.tolist() == whole.counts.tolist()
    twice = BoxMatches.joined([*parts, *parts])
    assert twice.counts.tolist() == (2 * whole.counts).tolist() and parts[0].counts.sum() < whole.counts.sum()
    with pytest.raises(ValueError, match="0 parts"):
        BoxMatches.joined([])
    with pytest.raises(ValueError, match="all of the same classes"):
        BoxMatches.joined([BoxMatches(2), BoxMatches(3)])


def test_overlaps_are_torchvisions():
    rng = np.random.default_rng(0)
    one, other = some_boxes(rng, 9), some_boxes(rng, 5)
    np.testing.assert_allclose(
        overlaps(one, other), box_iou(torch.from_numpy(one), torch.from_numpy(other)), atol=1e-12
    )
    assert overlaps(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0]] and overlaps(one, other[:0]).shape == (9, 0)


def test_perfect_answers_have_100_and_none_have_0():
    pictures = case(3)
    perfect, none = BoxMatches(CLASSES), BoxMatches(CLASSES)
    for _, _, truth, _, true_labels in pictures:
        perfect.add(truth, torch.ones(len(truth)), truth, true_labels, true_labels)
        none.add(truth[:0], torch.ones(0), truth, true_labels[:0], true_labels)
    assert perfect.ap == pytest.approx(100) and none.ap == none.ap50 == 0
    assert np.isnan(BoxMatches(2).ap)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((torch.zeros(2, 4), torch.zeros(3), torch.zeros(0, 4)), "need a score and a label each"),
        ((torch.zeros(0, 4), torch.zeros(0), torch.zeros(2, 3)), "need a label each"),
        ((torch.zeros(1, 4), torch.zeros(1), torch.zeros(0, 4), torch.tensor([2])), "the answers have classes 2 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        BoxMatches(2).add(*given)


def test_grounding_counts_phrases_whose_box_is_near_enough():
    truth = torch.tensor([[0.0, 0, 10, 10]] * 3)
    boxes = torch.tensor([[0.0, 0, 10, 5], [0, 0, 10, 4.9], [20, 20, 30, 30]])
    assert grounding_accuracy(boxes, truth) == pytest.approx(100 / 3)
    rng = np.random.default_rng(1)
    one, other = (torch.from_numpy(some_boxes(rng, 50)) for _ in range(2))
    wanted = 100 * (box_iou(one, other).diagonal() >= 0.1).double().mean().item()
    assert grounding_accuracy(one, other, 0.1) == pytest.approx(wanted) and wanted > 0
    for wrong in (boxes[:2], boxes[:0]):
        with pytest.raises(ValueError, match="at least one; got"):
            grounding_accuracy(wrong, truth if len(wrong) else wrong)


@pytest.mark.parametrize("seed", range(3))
def test_intersection_over_union_is_torchmetrics(seed):
    draws = torch.Generator().manual_seed(seed)
    answers, truth = torch.randint(5, (2, 3, 8, 6), generator=draws)
    truth[torch.rand(truth.shape, generator=draws) < 0.1] = 255
    theirs = MulticlassJaccardIndex(5, average=None, ignore_index=255)(answers, truth)
    mine = Confusion(5).add(answers, truth)
    assert mine.iou.tolist() == pytest.approx((100 * theirs).tolist(), abs=1e-4)  # theirs is in single precision
    assert mine.mean_iou() == pytest.approx(100 * theirs.mean().item(), abs=1e-4)
    assert mine.mean_iou(without=0) == pytest.approx(100 * theirs[1:].mean().item(), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_a_told_class_is_seen_or_not(seed):
    draws = torch.Generator().manual_seed(seed)
    truth = torch.randint(4, (6, 8, 6), generator=draws)
    truth[torch.rand(truth.shape, generator=draws) < 0.1] = 255
    seen = torch.rand(truth.shape, generator=draws) < 0.4
    told = [1, 2, 1, 3, 2, 2]
    mine, theirs = ToldClass(5), {label: BinaryJaccardIndex(ignore_index=-1) for label in set(told)}
    both = torch.zeros(2, 2)
    for answer, mask, label in zip(seen, truth, told):
        mine.add(answer, mask, label)
        target = torch.where(mask == 255, -1, (mask == label).long())
        theirs[label].update(answer.long(), target)
        for t, a in zip(target.flatten().tolist(), answer.flatten().tolist()):
            if t >= 0:
                both[t, int(a)] += 1
    wanted = [100 * theirs[label].compute().item() for label in (1, 2, 3)]
    assert mine.iou[1:4].tolist() == pytest.approx(wanted, abs=1e-4) and mine.iou[[0, 4]].isnan().all()
    assert mine.mean_iou == pytest.approx(np.mean(wanted), abs=1e-4)
    ious = [both[i, i] / (both[i].sum() + both[:, i].sum() - both[i, i]) for i in range(2)]
    assert mine.two_class_iou == pytest.approx(100 * np.mean(ious), abs=1e-4)
