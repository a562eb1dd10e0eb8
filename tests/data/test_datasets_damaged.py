"""What is said of a published data set that is not where it should be, not whole, or damaged."""

import shutil

import pytest
from dataset_layouts import aircraft, classnames, shift, split_set, wnid, write

import lessons_lib as ll
from lessons_lib.data import PUBLISHED
from lessons_lib.data.published.splits import verify


def test_without_a_root_it_says_how_to_give_one(monkeypatch):
    monkeypatch.delenv("LESSONS_DATA", raising=False)
    with pytest.raises(ValueError, match=r"Give root=, .* 'eurosat/', or set LESSONS_DATA .*lessons fetch eurosat"):
        ll.load_task("eurosat")


def test_a_root_that_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=rf"no folder '{tmp_path / 'data'}' \(root\)"):
        ll.load_task("eurosat", root=tmp_path / "data")
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError, match=r"\(LESSONS_DATA\)"):
        ll.load_task("eurosat")


def test_a_root_one_folder_too_deep_is_recognised(tmp_path):
    split_set(tmp_path, "eurosat")
    with pytest.raises(FileNotFoundError, match=f"Give the folder above: '{tmp_path}'"):
        ll.load_task("eurosat", root=tmp_path / "eurosat")
    with pytest.raises(FileNotFoundError, match="has no folder 'dtd/' with DTD. To get it: lessons fetch dtd"):
        ll.load_task("dtd", root=tmp_path)


def test_a_missing_split_file_is_named_with_what_brings_it(tmp_path):
    split_set(tmp_path, "eurosat")
    (tmp_path / "eurosat" / "split_zhou_EuroSAT.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"split_zhou_EuroSAT.json' is missing.*lessons fetch eurosat"):
        ll.load_task("eurosat", root=tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"train": [["a.jpg", 0, "a"]', "is damaged, or not a split file"),  # cut short
        ('{"train": [], "val": []}', "is damaged, or not a split file"),
        ('{"train": [["a.jpg", 0]], "val": [], "test": []}', "is damaged, or not a split file"),
        ('{"train": [["a.jpg", 1, "a"]], "val": [], "test": []}', "labels are not 0, 1, 2"),
        (
            '{"train": [["a.jpg", 0, "a"]], "val": [["b.jpg", 0, "b"]], "test": []}',
            "class 0 has several names, 'a', 'b'",
        ),
        ('{"train": [["a.jpg", 0, "a_b"], ["b.jpg", 1, "a b"]], "val": [], "test": []}', "one name to several .*: a b"),
        ('{"train": [["../../secret.jpg", 0, "a"]], "val": [], "test": []}', "leads out of the data set"),
        ('{"train": [["/etc/passwd", 0, "a"]], "val": [], "test": []}', "not a path inside the data set"),
    ],
)
def test_a_damaged_split_file_is_never_used(tmp_path, content, words):
    split_set(tmp_path, "eurosat")
    (tmp_path / "eurosat" / "split_zhou_EuroSAT.json").write_text(content)
    with pytest.raises(ValueError, match=words):
        ll.load_task("eurosat", root=tmp_path)


def test_images_that_the_disk_lacks_are_counted_and_ten_are_named(tmp_path):
    split_set(tmp_path, "eurosat")
    shutil.rmtree(tmp_path / "eurosat" / "2750" / "Class2")
    (tmp_path / "eurosat" / "2750" / "Class0" / "test_1.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="12 of the 44 images of EuroSAT are not in") as error:
        ll.load_task("eurosat", root=tmp_path)
    said = str(error.value)
    assert said.count("Class2/") == 9 and "Class0/test_1.jpg" in said and "and 2 more" in said


def test_missing_and_damaged_images_are_left_out_on_request_with_a_warning(tmp_path):
    split_set(tmp_path, "eurosat")
    images = tmp_path / "eurosat" / "2750"
    (images / "Class0" / "test_1.jpg").unlink()
    (images / "Class1" / "train_0.jpg").write_bytes(b"spoilt")
    with pytest.warns(UserWarning, match=r"left out 2 of the 44 .*train_0.jpg \(not an image\).*test_1.jpg \(cannot"):
        task = ll.load_task("eurosat", root=tmp_path, skip_unreadable=True)
    assert task.test.counts.tolist() == [2, 3, 3, 3] and task.pool.counts.tolist() == [6, 5, 6, 6]


def test_a_damaged_image_is_named_when_it_is_opened(tmp_path):
    split_set(tmp_path, "eurosat")
    (tmp_path / "eurosat" / "2750" / "Class0" / "test_0.jpg").write_bytes(b"spoilt")
    with pytest.raises(ValueError, match=r"test_0.jpg' cannot be read: .*fetch the data set again"):
        ll.load_task("eurosat", root=tmp_path).test.image(0)


def test_validation_images_that_were_not_sorted_into_folders_are_recognised(tmp_path):
    classnames(tmp_path / "imagenet")
    for label in range(1000):
        write(tmp_path / "imagenet" / "images" / "train" / wnid(label) / "0.JPEG", label)
    write(tmp_path / "imagenet" / "images" / "val" / "ILSVRC2012_val_00000001.JPEG", 0)
    with pytest.raises(FileNotFoundError, match="lacks 1000 of 1000 class folders: .*sort them into one folder"):
        ll.load_task("imagenet", root=tmp_path)


def test_a_shift_with_folders_missing_says_how_many(tmp_path):
    classnames(tmp_path / "imagenet"), shift(tmp_path, "imagenet_a", list(map(wnid, range(199))))
    with pytest.raises(FileNotFoundError, match="has 199 class folders of 200"):
        ll.load_task("imagenet_a", root=tmp_path)


def test_an_unknown_variant_in_aircrafts_lists_is_named_with_its_line(tmp_path):
    aircraft(tmp_path)
    (tmp_path / "fgvc_aircraft" / "images_variant_val.txt").write_text("0000100 707-320\n0000101 Zeppelin\n")
    with pytest.raises(ValueError, match=r"images_variant_val.txt', line 2: 'Zeppelin' is not in variants.txt"):
        ll.load_task("fgvc_aircraft", root=tmp_path)


def test_a_published_split_is_not_drawn_anew(tmp_path):
    with pytest.raises(ValueError, match="EuroSAT has one published split: leave pool_seed=0"):
        ll.load_task("eurosat", root=split_set(tmp_path, "eurosat"), pool_seed=1)


@pytest.mark.parametrize(
    ("given", "meant"), [("flowers102", "oxford_flowers"), ("ImageNet-A", "imagenet_a"), ("euro_sat", "eurosat")]
)
def test_other_names_of_a_set_lead_to_its_name(given, meant):
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        ll.load_task(given)


# ---- verify ---------------------------------------------------------------------------------------------------------


def test_verify_counts_and_names_what_is_missing(tmp_path):
    split_set(tmp_path, "eurosat")
    (tmp_path / "eurosat" / "2750" / "Class3" / "val_1.jpg").unlink()
    report = verify("eurosat", tmp_path)
    assert report.images == {"train": 24, "val": 7, "test": 12} and report.classes == 4
    assert report.missing == ["2750/Class3/val_1.jpg"]
    said = str(report)
    assert "1 of 44 images are missing: 2750/Class3/val_1.jpg" in said and "NOT COMPLETE" in said
    assert "4 classes; published were 10" in said and "train lists 24 images; published were 13,500" in said


def test_verify_says_what_is_wrong_and_never_raises(tmp_path):
    assert "no folder 'dtd/'" in str(verify("dtd", tmp_path))
    split_set(tmp_path, "dtd")
    (tmp_path / "dtd" / PUBLISHED["dtd"].listing).write_text("{")
    assert "is damaged" in str(verify("dtd", tmp_path)) and "there is no folder" in str(verify("dtd", tmp_path / "no"))
