"""Which tasks there are: each says itself what it stands for, so that one more changes no list of others."""

from dataclasses import replace

import pytest

from lessons_lib import toyworld
from lessons_lib.data import PUBLISHED, published
from lessons_lib.data.names import papers_eleven, shifts_of, title_of, toy_eleven


def test_each_of_the_papers_eleven_has_a_toy_twin_in_the_same_order():
    assert len(papers_eleven()) == 11
    assert list(map(title_of, papers_eleven())) == list(map(title_of, toy_eleven()))
    assert toy_eleven() == toyworld.ELEVEN


def test_each_shift_of_imagenet_has_a_toy_twin():
    assert shifts_of("toy_things") == toyworld.SHIFTS
    assert shifts_of("imagenet") == ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]
    assert list(map(title_of, shifts_of("imagenet"))) == list(map(title_of, shifts_of("toy_things")))
    assert shifts_of("eurosat") == [] == shifts_of("toy_masks")


def test_a_task_that_is_no_twin_has_the_title_of_what_it_mirrors_or_none():
    assert title_of("toy_masks") == "PASCAL VOC" and title_of("my_photos") is None


@pytest.mark.parametrize("sizes", [(100, 10, 20), (0, 0, 20)])
def test_a_twelfth_data_set_is_neither_one_of_the_eleven_nor_a_shift(monkeypatch, sizes):
    """Once every set to train on was taken for one of the eleven, and every other for a shift of ImageNet."""
    before = papers_eleven(), shifts_of("imagenet")
    monkeypatch.setitem(
        PUBLISHED, "camelyon", replace(PUBLISHED["eurosat"], name="camelyon", sizes=sizes, eleven=False)
    )
    assert (papers_eleven(), shifts_of("imagenet")) == before


def test_a_thirteenth_toy_task_is_not_one_of_the_eleven(monkeypatch):
    before = toy_eleven()
    more = replace(toyworld.TASKS["toy_words"], name="toy_more")
    monkeypatch.setitem(toyworld.TASKS, "toy_more", more)
    assert toy_eleven() == before


def test_a_record_is_found_by_lying_in_the_folder(tmp_path, monkeypatch):
    (tmp_path / "aardvark.py").write_text(
        "from dataclasses import replace\n"
        "from lessons_lib.data.published.sets.eleven import SETS as KNOWN\n"
        "SETS = (replace(KNOWN[0], name='aardvark', eleven=False),)\n"
    )
    from lessons_lib.data.published import sets

    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(tmp_path)])
    found = published.find_records()
    assert list(found)[:15] == list(PUBLISHED)[:15] and found["aardvark"].folder == "imagenet"


def test_two_sets_of_one_name_are_refused(tmp_path, monkeypatch):
    (tmp_path / "again.py").write_text("from lessons_lib.data.published.sets.eleven import SETS\n")
    from lessons_lib.data.published import sets

    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="several data sets are called caltech101"):
        published.find_records()
