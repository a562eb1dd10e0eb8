"""A learner's own masks (PNG) and boxes (COCO's JSON): read as they are, and what is wrong is named."""

import json

import numpy as np
import pytest
from PIL import Image

import lessons_lib as ll

NAMES = ["background", "cat", "dog"]


def mask_folder(folder, count=10, mode="P", size=(12, 8), parts=("",)):
    for part in parts:
        for where in ("images", "masks"):
            (folder / part / where).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            picture = np.random.default_rng([i, len(part)]).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
            Image.fromarray(picture).save(folder / part / "images" / f"{i}.jpg")
            mask = np.zeros((size[1], size[0]), dtype=np.uint8)
            mask[2:5, 3:9], mask[0, 0] = 1 + i % 2, 255
            image = Image.fromarray(mask, mode="L")
            if mode == "P":
                image = Image.frombytes("P", size, mask.tobytes())
                image.putpalette(list(range(256)) * 3)
            image.save(folder / part / "masks" / f"{i}.png")
    (folder / "classnames.json").write_text(json.dumps(NAMES))
    return folder


@pytest.mark.parametrize("mode", ["P", "L"])
def test_masks_with_a_palette_or_numbers_are_a_task(tmp_path, mode):
    task = ll.load_task(mask_folder(tmp_path, mode=mode), progress=False)
    assert task.kind == "segment" and task.classnames == NAMES
    assert [len(each) for each in (task.train, task.val, task.test)] == [5, 2, 3]
    image, mask = task.train[0]
    label = 1 + int(task.train.paths[0].stem) % 2
    assert image.size == (12, 8) and mask.shape == (8, 12)
    assert mask[0, 0] == 255 and (mask[2:5, 3:9] == label).all() and (mask == 0).sum() == 96 - 18 - 1
    again = ll.load_task(tmp_path, progress=False)
    assert again.identity() == task.identity() and task.new().classnames == ["background", "dog"]


def test_parts_that_the_folder_brings_are_kept(tmp_path):
    task = ll.load_task(mask_folder(tmp_path, 4, parts=("train", "test")), progress=False)
    assert len(task.test) == 4 and len(task.train) + len(task.val) == 4


def spoil(tmp_path, what):
    folder = mask_folder(tmp_path)
    mask = folder / "masks" / "3.png"
    if what == "size":
        Image.new("L", (5, 5)).save(mask)
    elif what == "colours":
        Image.new("RGB", (12, 8)).save(mask)
    elif what == "number":
        Image.new("L", (12, 8), 7).save(mask)
    elif what == "no mask":
        mask.unlink()
    elif what == "no picture":
        (folder / "images" / "3.jpg").unlink()
    elif what == "damaged mask":
        mask.write_bytes(mask.read_bytes()[:40])
    elif what == "damaged picture":
        (folder / "images" / "3.jpg").write_bytes(b"\xff\xd8\xff nothing")
    elif what == "names":
        (folder / "classnames.json").unlink()
    elif what == "no list":
        (folder / "classnames.json").write_text('{"cat": 1}')
    elif what == "twice":
        Image.new("RGB", (12, 8)).save(folder / "images" / "3.png")
    return folder


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("size", r"3.png' is 5 × 5 pixels, its picture 12 × 8"),
        ("colours", r"3.png' is in colours \(RGB\)"),
        ("number", r"3.png' has the number 7, but classnames.json names 3 classes, 0 to 2"),
        ("no mask", r"have no mask of the same name: 3.jpg"),
        ("no picture", r"have no picture of the same name: 3.png"),
        ("damaged mask", r"3.png' cannot be read"),
        ("damaged picture", r"1 unreadable image file\(s\) .*3.jpg"),
        ("names", r"has masks but no classnames.json: write one"),
        ("no list", r"must be a list of names"),
        ("twice", r"share their name but for the ending.*3"),
    ],
)
def test_what_is_wrong_with_masks_is_named(tmp_path, what, words):
    with pytest.raises(ValueError, match=words):
        ll.load_task(spoil(tmp_path, what), progress=False)


def test_a_damaged_picture_is_left_out_on_request(tmp_path):
    with pytest.warns(UserWarning, match="left out 1 unreadable"):
        task = ll.load_task(spoil(tmp_path, "damaged picture"), skip_unreadable=True, progress=False)
    assert len(task.train) + len(task.val) + len(task.test) == 9


def coco_folder(folder, count=10, **changes):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for i in range(count):
        Image.fromarray(np.random.default_rng(i).integers(256, size=(30, 40, 3), dtype=np.uint8)).save(
            folder / "images" / f"{i}.png"
        )
        images.append({"id": 100 - i, "file_name": f"{i}.png", "width": 40, "height": 30})
        if i:  # the first has no boxes
            box = {"id": i, "image_id": 100 - i, "category_id": 7 if i % 2 else 3, "bbox": [i, 2, 10.5, 20]}
            annotations.append(box | {"area": 210, "iscrowd": 0})
    annotations[0] |= changes
    categories = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_cocos_json_is_a_task_of_boxes(tmp_path):
    task = ll.load_task(coco_folder(tmp_path), progress=False)
    assert task.kind == "detect" and task.classnames == ["cat", "dog"]
    seen = 0
    for split in (task.train, task.val, task.test):
        for path, target in zip(split.paths, (split.targets[i] for i in range(len(split)))):
            i = int(path.stem)
            seen += 1
            assert target["labels"].tolist() == ([i % 2] if i else [])
            assert target["boxes"].tolist() == ([[i, 2, i + 10.5, 22]] if i else [])
    assert seen == 10


def test_boxes_a_fraction_outside_are_cut_and_crowds_left_out(tmp_path):
    task = ll.load_task(coco_folder(tmp_path / "a", bbox=[30, 2, 10.4, 28.2]), progress=False)
    splits = (task.train, task.val, task.test)
    every = [box for split in splits for boxes in split.targets.boxes for box in boxes.tolist()]
    assert [30, 2, 40, 30] in every
    with pytest.warns(UserWarning, match=r"left out 1 box\(es\) around crowds"):
        ll.load_task(coco_folder(tmp_path / "b", iscrowd=1), progress=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bbox": [1, 2, 0, 5]}, r"box 0 of '1.png' in .* has no area"),
        ({"bbox": [30, 2, 20, 5]}, r"box 0 of '1.png' in .* lies outside"),
        ({"category_id": 9}, "annotation 1 is of category 9, not listed"),
        ({"bbox": [1, 2]}, "not COCO's JSON of boxes"),
    ],
)
def test_what_is_wrong_with_boxes_is_named(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        ll.load_task(coco_folder(tmp_path, **changes), progress=False)


def test_pictures_that_do_not_fit_the_json_are_named(tmp_path):
    folder = coco_folder(tmp_path)
    Image.new("RGB", (30, 40)).save(folder / "images" / "4.png")
    with pytest.raises(ValueError, match="says that 4.png is 40 × 30 pixels, but it is 30 × 40"):
        ll.load_task(folder, progress=False)
    (folder / "images" / "4.png").unlink()
    with pytest.raises(ValueError, match=r"1 picture\(s\) that .* lists are not in .*4.png"):
        ll.load_task(folder, progress=False)
    for content, words in (("{", "is no JSON"), ("[]", "is not COCO's JSON: it needs the lists")):
        (folder / "annotations.json").write_text(content)
        with pytest.raises(ValueError, match=words):
            ll.load_task(folder, progress=False)
