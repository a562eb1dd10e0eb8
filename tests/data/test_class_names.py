"""What classes are called: one name a class to the tokenizer, wherever classes come in, and words rather than ids."""

import json
import unicodedata
import warnings

import pytest
from dataset_layouts import split_set
from letters import needs_letters
from noise_task import noise_task
from photo_folders import photo_folder

import lessons_lib as ll
from lessons_lib.data import PUBLISHED
from lessons_lib.data.class_names import _words_of
from lessons_lib.templates import check_classnames

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
ALIKE = [  # two names that the tokenizer reads as one text
    ("Hat", "hat"),
    ("salt & pepper", "salt &amp; pepper"),
    ("t-shirt", "t - shirt"),
    ("route66", "route 66"),
    ("“red” car", '"red" car'),
    ("ＣＤ", "CD"),
    (NFC, NFD),
    ("ice\u00a0cream", "ice cream"),
]


def in_a_folder(tmp_path, clip, names):
    photo_folder(tmp_path, {"a": 3, "b": 3})
    (tmp_path / "classnames.json").write_text(json.dumps(names))
    return ll.load_task(tmp_path, progress=False).classnames


def in_a_published_set(tmp_path, clip, names):
    root = split_set(tmp_path, "eurosat", classes=2)
    file = root / PUBLISHED["eurosat"].folder / PUBLISHED["eurosat"].listing
    split = json.loads(file.read_text())
    named = {part: [[path, label, names[label]] for path, label, _ in rows] for part, rows in split.items()}
    file.write_text(json.dumps(named))
    return ll.load_task("eurosat", root=root, progress=False).classnames


def by_for_classes(tmp_path, clip, names):
    return ll.ZeroShot(clip).fit(noise_task()).for_classes(names).classnames


def by_set_classes(tmp_path, clip, names):
    method = ll.LinearProbe(clip)
    method.set_classes(names)
    return method.classnames


ENTRIES = [in_a_folder, in_a_published_set, by_for_classes, by_set_classes]


@pytest.mark.parametrize("enter", ENTRIES)
@pytest.mark.parametrize("names", ALIKE, ids=range(len(ALIKE)))
def test_two_names_that_are_one_text_are_refused_wherever_classes_enter(tmp_path, clip, enter, names):
    with pytest.raises(ValueError, match="are repeated|have the same class name|gives one name to several"):
        enter(tmp_path, clip, list(names))


@pytest.mark.parametrize("enter", ENTRIES)
def test_names_that_differ_for_the_tokenizer_are_two_classes(tmp_path, clip, enter):
    assert enter(tmp_path, clip, ["ice cream", "icecream"]) == ["ice cream", "icecream"]


@pytest.mark.parametrize("enter", ENTRIES)
def test_a_name_is_kept_in_one_form(tmp_path, clip, enter):
    assert enter(tmp_path, clip, [NFD, "tea"]) == [NFC, "tea"]


def test_a_name_of_which_the_tokenizer_keeps_nothing_is_empty():
    with pytest.raises(ValueError, match="class name number 1 is empty"):
        check_classnames(["cat", "&nbsp;"])


def test_another_models_tokenizer_decides_for_its_own_classes(clip, monkeypatch):
    class Plain:
        """A tokenizer that leaves marks out, as SigLIP's does."""

        clean_fn = staticmethod(lambda text: text.lower().replace("-", " "))

        def tokenizer(self, texts):
            return type("Batch", (), {"input_ids": [[ord(letter) for letter in text] for text in texts]})

    method = ll.LinearProbe(clip)
    method.set_classes(["t-shirt", "t shirt"])
    monkeypatch.setattr(clip, "tokenizer", Plain())
    with pytest.raises(ValueError, match="'t-shirt' = 't shirt'"):
        method.set_classes(["t-shirt", "t shirt"])


@needs_letters
def test_parts_from_a_mac_and_from_elsewhere_have_the_same_classes(tmp_path):
    photo_folder(tmp_path, {f"train/{NFC}": 5, "train/tea": 5, f"test/{NFD}": 5, "test/tea": 5})
    (tmp_path / "classnames.json").write_text(json.dumps({NFD: "espresso bar", "tea": "tea"}), encoding="utf-8")
    task = ll.load_task(tmp_path, progress=False)
    assert task.classnames == ["espresso bar", "tea"] and len(task.test) == 10


@needs_letters
def test_the_deal_is_the_same_on_a_mac(tmp_path):
    deals = []
    for name in (NFC, NFD):
        task = ll.load_task(photo_folder(tmp_path / name, {name: 9, "tea": 9}), progress=False)
        deals.append([path.name for path in task.test.paths])
    assert deals[0] == deals[1]


@needs_letters
def test_classes_are_found_in_either_form(tmp_path):
    task = ll.load_task(photo_folder(tmp_path, {NFC: 4, "tea": 4, "milk": 4}), progress=False)
    assert task.of_classes([NFD, "tea"]).classnames == [NFC, "tea"]


def warned(root):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        task = ll.load_task(root, progress=False)
    return task.classnames, " | ".join(str(one.message) for one in said)


def test_wordnets_ids_get_their_words_with_a_warning(tmp_path):
    names, said = warned(photo_folder(tmp_path, {"n01440764": 3, "n02012849": 3, "n00005787": 3}))
    assert names == ["benthos", "tench", "crane bird"]
    assert "called by WordNet's ids" in said and "n01440764 'tench'" in said and "classnames.json" in said


def test_ids_whose_words_are_the_same_are_told_apart():
    assert list(_words_of(["n03773504", "n04008634"]).values()) == ["missile", "projectile"]


def test_an_id_without_words_says_where_to_name_it(tmp_path, monkeypatch):
    monkeypatch.setattr("lessons_lib.data.class_names.find_spec", lambda name: None)
    names, said = warned(photo_folder(tmp_path, {"n01440764": 3, "n02012849": 3}))
    assert names == ["n01440764", "n02012849"] and "no words" in said and "classnames.json" in said


def test_names_that_are_numbers_are_warned_of(tmp_path):
    names, said = warned(photo_folder(tmp_path, {"0001": 3, "2023-05": 3, "cat 7": 3}))
    assert names == ["0001", "2023 05", "cat 7"] and "'0001', '2023 05'. Say" in said


def test_the_published_splits_names_all_differ(splits):
    for file in splits.glob("split_zhou_*.json"):
        rows = [row for part in json.loads(file.read_text()).values() for row in part]
        names = {label: name for _, label, name in rows}
        assert len(check_classnames(names.values())) == len(names), file.name
