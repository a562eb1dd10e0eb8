"""Boxes and captions as targets: parts of the classes, what does not fit, and what a split gives."""

import pytest
import torch
from noise_task import Pixels
from torchvision import tv_tensors
from torchvision.transforms import v2

import lessons_lib as ll
from lessons_lib.data import Boxes, Captions, Split, Task
from lessons_lib.identity import canonical

SIZES = [(40, 50)] * 3
BOXES = [[[0, 0, 10, 10], [5, 5, 50, 40]], [], [[1, 2, 3, 4]]]
LABELS = [[0, 2], [], [1]]
TEXTS = ["a red mug and a tree", "nothing", "an owl"]
PHRASES = [[(2, 9, 0), (16, 20, 1)], [], [(3, 6, 0)]]


def pictures(count=3):
    return Pixels(torch.zeros(count, 3, 40, 50, dtype=torch.uint8))


def captions():
    return Captions(BOXES, LABELS, SIZES, TEXTS, PHRASES)


def test_a_split_gives_boxes_that_move_with_their_picture():
    split = Split(pictures(), Boxes(BOXES, LABELS, SIZES), ["mug", "owl", "tree"])
    target = split[0][1]
    assert split.kind == "detect" and target["labels"].tolist() == [0, 2]
    assert isinstance(target["boxes"], tv_tensors.BoundingBoxes)
    mirrored = split.with_transform(v2.RandomHorizontalFlip(p=1))[0][1]["boxes"]
    assert mirrored.tolist() == [[40, 0, 50, 10], [0, 5, 45, 40]]
    assert split[1][1]["boxes"].shape == (0, 4), "a picture without boxes is a picture, too"
    assert [split.targets.members(c).tolist() for c in range(3)] == [[0], [2], [0]]


def test_a_batch_is_padded_with_rows_of_no_class():
    rows = Boxes(BOXES, LABELS, SIZES).batch(torch.tensor([0, 1, 2]))
    assert rows.shape == (3, 2, 5) and rows[:, :, 0].tolist() == [[0, 2], [-1, -1], [1, -1]]
    assert rows[0, 1, 1:].tolist() == [5, 5, 50, 40]
    assert Boxes([[]], [[]], [(4, 4)]).batch(torch.tensor([0])).shape == (1, 0, 5)


def test_boxes_of_other_classes_are_told_by_nobody():
    part, kept = Boxes(BOXES, LABELS, SIZES).of_classes([2, 1])
    assert kept.tolist() == [0, 2] and [each.tolist() for each in part.labels] == [[0], [1]]
    assert part.boxes[0].tolist() == [BOXES[0][1]]


def test_captions_that_speak_of_other_classes_are_left_out_and_phrases_keep_their_box():
    part, kept = captions().of_classes([2, 0])
    assert kept.tolist() == [0] and part.phrases == [PHRASES[0]] and part.labels[0].tolist() == [1, 0]
    some = Captions(BOXES, LABELS, SIZES, TEXTS, [[(16, 20, 1)], [], []])
    part, kept = some.of_classes([2])
    assert kept.tolist() == [0] and part.phrases == [[(16, 20, 0)]] and part.boxes[0].tolist() == [BOXES[0][1]]
    assert captions().of_classes([2])[1].tolist() == [] and captions()[0]["caption"] == TEXTS[0]


def test_fingerprints_follow_the_content():
    made = [
        Boxes(BOXES, LABELS, SIZES),
        Boxes(BOXES, [[1, 2], [], [1]], SIZES),
        Boxes(BOXES, LABELS, [(41, 50)] * 3),
        captions(),
        Captions(BOXES, LABELS, SIZES, ["x" * 30, *TEXTS[1:]], PHRASES),
        captions().subset(torch.tensor([0, 2])),
    ]
    assert len({one.fingerprint for one in made}) == len(made)
    assert captions().fingerprint == captions().subset(torch.arange(3)).fingerprint


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: Boxes([[[3, 3, 3, 9]]], [[0]], [(9, 9)]), r"box 0 of picture 0, \(3, 3, 3, 9\), has no area"),
        (lambda: Boxes([[[3, 3, 2, 9]]], [[0]], [(9, 9)]), "has no area"),
        (lambda: Boxes([[[0, 0, float("nan"), 9]]], [[0]], [(9, 9)]), "has no area"),
        (lambda: Boxes([[[0, 0, 5, 5], [0, 0, 10, 9]]], [[0, 0]], [(9, 9)]), "box 1 .* lies outside"),
        (lambda: Boxes([[[-1, 0, 5, 5]]], [[0]], [(9, 9)]), "lies outside: it must be inside 0, 0, 9, 9"),
        (lambda: Boxes([[[0, 0, 5, 5]]], [[0, 1]], [(9, 9)]), "picture 0 has 1 boxes and 2 labels"),
        (lambda: Boxes([[]], [[]], []), "one each a picture"),
        (lambda: Split(pictures(), Boxes(BOXES, LABELS, SIZES), ["a", "b"]), "labels of boxes run from 0 to 2"),
        (lambda: Captions([[]], [[]], [(9, 9)], ["ab"], [[(1, 3, 0)]]), "from letter 1 to 3, which is not in"),
        (lambda: Captions([[]], [[]], [(9, 9)], ["ab"], [[(0, 1, 0)]]), "the phrase 'a' of picture 0 is about box 0"),
        (lambda: Captions([[]], [[]], [(9, 9)], [], []), "1 pictures need a caption"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        wrong()


def test_boxes_make_a_task_with_shots_and_folds():
    labels = [[i % 4] for i in range(16)]
    split = Split(pictures(16), Boxes([[[0, 0, 9, 9]]] * 16, labels, [(40, 50)] * 16), list("abcd"))
    task = Task.from_pools("boxes", templates=["{}"], train=split, val=split, test=split, shots=2)
    assert task.kind == "detect" and len(task.train) == 8 and task.fold(1)[1].classnames == ["b"]
    assert len(task.base().test) == 8 and canonical(task.identity())


@pytest.mark.parametrize("size", [0, 30, 66, 1024, 64.0, True, "large"])
def test_sizes_that_are_not_drawn_are_refused(size):
    with pytest.raises(ValueError, match="a multiple of 4, such as 64 or 128"):
        ll.load_task("toy_pets", size=size)


def test_a_size_is_asked_of_drawn_tasks_alone(tmp_path):
    with pytest.raises(ValueError, match="only toy tasks are drawn at a size"):
        ll.load_task(tmp_path, size=64)
