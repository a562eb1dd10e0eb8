"""Targets: labels and masks behind a split, few shots and parts of the classes, and what identifies them."""

import pytest
import torch
from noise_task import NAMES, Pixels, mask_split, mask_task, noise_split, noise_task
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2

from lessons_lib.data import Labels, Masks, Split, Task
from lessons_lib.identity import canonical


def pictures(count):
    return Pixels(torch.arange(count * 3 * 4 * 4).view(count, 3, 4, 4).to(torch.uint8))


def masks(*values):
    """One (2, 2) mask a value: its four pixels."""
    return Masks(torch.tensor(values, dtype=torch.uint8).view(-1, 2, 2))


# Split and targets


def test_plain_labels_become_targets_and_stay_labels():
    split = Split(pictures(3), [0, 1, 1], ["a", "b"])
    assert split.kind == "classify" and split.labels.tolist() == [0, 1, 1] and split[2][1] == 1
    assert torch.equal(split.targets.batch(torch.tensor([2, 0])), torch.tensor([1, 0]))


def test_a_split_of_masks_gives_pictures_with_their_masks():
    split = mask_split(4, seed=1)
    image, mask = split[2]
    assert split.kind == "segment" and image.size == (32, 32)
    assert isinstance(mask, tv_tensors.Mask) and mask.dtype == torch.uint8 and mask.shape == (32, 32)
    batch = split.targets.batch(torch.tensor([2, 0]))
    assert batch.dtype == torch.long and torch.equal(batch[0], mask.long())
    with pytest.raises(IndexError):
        split[4]


def test_masks_are_no_labels_and_the_error_says_so():
    with pytest.raises(
        AttributeError, match=r"images to segment have no labels, one a picture: see split.targets, Masks"
    ):
        _ = mask_split(2, seed=1).labels


def test_masks_of_several_sizes_are_kept_and_make_no_batch():
    split = Split(pictures(2), Masks([torch.zeros(2, 3, dtype=torch.uint8), torch.ones(4, 4, dtype=torch.uint8)]), "ab")
    assert split[0][1].shape == (2, 3) and split.subset([1])[0][1].shape == (4, 4)
    with pytest.raises(ValueError, match="several sizes do not make a batch"):
        split.targets.batch(torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: Masks(torch.zeros(2, 4, 4)), "masks are uint8"),
        (lambda: Masks([torch.zeros(1, 4, 4, dtype=torch.uint8)]), r"got torch.uint8 of shape \(1, 4, 4\)"),
        (lambda: Split(pictures(1), masks([0, 1, 2, 255]), ["a", "b"]), "have the value 2; with 2 class names"),
        (lambda: Split(pictures(2), masks([0, 1, 1, 255]), ["a", "b"]), "2 images need as many targets; got 1"),
        (lambda: Labels(torch.zeros(2, 2)), "one number a picture"),
    ],
)
def test_targets_that_do_not_fit_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        wrong()


def test_members_are_the_pictures_that_show_a_class():
    split = Split(pictures(3), masks([0, 0, 1, 255], [2, 2, 2, 2], [1, 2, 0, 0]), ["background", "a", "b"])
    assert [split.targets.members(c).tolist() for c in range(3)] == [[0, 2], [0, 2], [1, 2]]
    assert split.counts.tolist() == [2, 2, 2] and split.named == ["a", "b"] and split.background == 0
    assert repr(split) == "Split(3 images of 3 classes, 2 a class)"
    assert Split(pictures(2), [0, 1], ["background", "a"]).background is None  # a label like any other


# Parts of the classes


def test_other_classes_become_background_where_there_is_one_and_are_ignored_where_not():
    split = Split(pictures(3), masks([0, 1, 2, 255], [1, 1, 0, 0], [2, 0, 0, 0]), ["background", "a", "b"])
    with_it, without = split.of_classes([0, 2]), split.of_classes([2])
    assert with_it.targets.masks.tolist() == [[[0, 0], [1, 255]], [[1, 0], [0, 0]]]
    assert without.targets.masks.tolist() == [[[255, 255], [0, 255]], [[0, 255], [255, 255]]]
    assert torch.equal(with_it.tensor(), split.tensor()[[0, 2]])
    assert split.targets.masks[0].tolist() == [[0, 1], [2, 255]]  # the whole split is as it was


def test_halves_and_folds_of_masks_keep_the_background_and_share_the_other_classes():
    task = mask_task()
    base, new = task.base(), task.new()
    assert base.classnames == ["background", *NAMES[:3]] and new.classnames == ["background", *NAMES[3:]]
    assert new.kind == "segment" and new.test.targets.shows[:, 1:3].any(dim=1).all()


@pytest.mark.parametrize("task", [noise_task(shots=None), mask_task()], ids=lambda task: task.kind)
def test_folds_part_the_classes_in_order(task):
    folds = [task.fold(i, of=2) for i in range(2)]
    news = [[name for name in new.classnames if name != "background"] for _, new in folds]
    assert news == [NAMES[:3], NAMES[3:]]
    for base, new in folds:
        assert [n for n in base.classnames if n != "background"] == [n for n in NAMES if n not in new.classnames]
    assert folds[1][0].name == f"{task.name}/base of fold 1" and folds[1][1].name == f"{task.name}/new of fold 1"


@pytest.mark.parametrize(
    ("fold", "of", "words"), [(4, 4, "no fold 4"), (-1, 4, "no fold -1"), (0, 1, "2 to 5"), (0, 6, "2 to 5")]
)
def test_folds_that_are_not_there_are_refused(fold, of, words):
    with pytest.raises(ValueError, match=words):
        noise_task().fold(fold, of=of)


# Few shots


def test_shots_of_masks_are_pictures_that_show_the_class():
    task = mask_task(shots=3)
    assert 3 <= len(task.train) <= 15 and task.train.counts[1:].min() >= 3
    fewer = mask_task(shots=1).train
    found = {mask.numpy().tobytes() for mask in task.train.targets.masks}
    assert {mask.numpy().tobytes() for mask in fewer.targets.masks} <= found


def test_halving_masks_before_sampling_gives_what_sampling_before_halving_gives():
    task = mask_task()
    for part in ("base", "new"):
        first, last = getattr(task.sample(2, seed=5), part)(), getattr(task, part)().sample(2, seed=5)
        assert first.train.fingerprint == last.train.fingerprint
        assert first.train.targets.fingerprint == last.train.targets.fingerprint


def test_kinds_do_not_mix_in_a_task():
    with pytest.raises(ValueError, match="of the kinds segment, segment, classify"):
        two = noise_split(1, 1, ["background", *NAMES])
        Task.from_pools("odd", templates=["{}"], train=mask_split(2, 1), val=mask_split(2, 2), test=two)


# Identity


def test_targets_have_a_fingerprint_by_content():
    labels = torch.tensor([0, 1, 1, 2])
    assert Labels(labels).fingerprint == Labels(labels.tolist()).fingerprint != Labels(labels.flip(0)).fingerprint
    whole = mask_split(3, 1).targets
    assert (
        whole.fingerprint == Masks(list(whole.masks)).fingerprint != whole.subset(torch.tensor([0, 2, 1])).fingerprint
    )


@pytest.mark.parametrize("make", [noise_task, mask_task])
def test_a_tasks_identity_is_its_content_and_not_its_sample(make):
    task = make(shots=2, seed=1)
    same = [make(shots=4, seed=1), make(shots=2, seed=9), make(shots=None)]
    assert all(other.identity() == task.identity() for other in same)
    canonical(task.identity())  # plain values all through
    assert task.identity() != task.base().identity() and task.identity()["kind"] == task.kind


def test_a_tasks_identity_knows_pictures_targets_names_and_templates():
    task, whole = noise_task(), {part: noise_split(n, s) for part, n, s in (("train", 16, 1), ("val", 8, 2))}

    def with_(templates=task.templates, **parts):
        made = Task.from_pools("x", templates=templates, shots=4, **({**whole, "test": task.test} | parts))
        return made.identity()

    assert with_() == task.identity()
    renamed = {part: Split(split.images, split.labels, list("abcde")) for part, split in whole.items()}
    others = [
        with_(templates=["{}"]),
        with_(test=noise_split(12, 4)),
        with_(val=noise_split(8, 5)),
        with_(train=Split(whole["train"].images, whole["train"].labels.flip(0), NAMES)),
        with_(**renamed, test=Split(task.test.images, task.test.labels, list("abcde"))),
    ]
    assert len({canonical(identity) for identity in [task.identity(), *others]}) == 6


def test_masks_go_through_a_data_loader():
    to_values = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    loader = DataLoader(mask_split(5, seed=1).with_transform(to_values), batch_size=2)
    assert [tuple(target.shape) for _, target in loader] == [(2, 32, 32), (2, 32, 32), (1, 32, 32)]
