"""GLIP's findings are seen in a record that shows them, and not in one that shows the contrary."""

import claims_glip as claims
import numpy as np
import pytest
import study_glip as script
from noise_task import box_task, caption_split
from tiny_clip import tiny_clip

from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.parts.grounding import grounding
from lessons_lib.teaching import sealed_json

SMALL = {"image_size": 32, "width": 16, "layers": 1, "text_layers": 1, "anchor": 1.5}


@pytest.fixture(scope="module")
def fitted():
    """Both ways; trained a little, so that some phrases find their box and others don't."""
    clip, task, captions = tiny_clip(), box_task(), [caption_split(24, 5)]
    how = {"epochs": 4, "batch_size": 8, "lr": 0.003, "progress": False}
    arms = {"grounding": True, "grounding, unfused": False}
    return {arm: GLIP(clip, fusion, **SMALL).fit(task, grounding=captions, **how) for arm, fusion in arms.items()}


def made_up(sign: int = 1, off: float = 1.0, arms=tuple(script.ARMS)) -> dict:
    gain = {"mean": 4.0 * sign, "low": 4.0 * sign - off, "high": 4.0 * sign + off, "n": 100}
    pairs = [pair for pair in script.DIFFERENCES if set(pair) <= set(arms)]
    parts = ("base", "novel", "phrases", "attributes")
    slow, noise = (3.0 if sign > 0 else 0.5), np.array([0.0, 0.1, 0.2]) * off
    seconds = [
        {"arm": arm, "names": names,
         "seconds": list((slow if names == 64 and arm == "grounding" else 1.0) + noise * (names == 64))}
        for arm in arms for names in script.NAMES
    ]  # fmt: skip
    differences = [{"first": first, "second": second, "on": on, **gain} for first, second in pairs for on in parts]
    return {"differences": differences, "seconds": seconds}


@pytest.mark.parametrize(("sign", "off", "seen"), [(1, 1.0, True), (-1, 1.0, False)])
def test_findings_are_seen_where_intervals_show_them(sign, off, seen):
    found = claims.of_glip(made_up(sign, off))
    assert list(found) == list(claims.CLAIMS) and {one["seen"] for one in found.values()} == {seen}


def test_wide_intervals_show_nothing():
    found = claims.of_glip(made_up(1, 5.0))
    assert {found[key]["seen"] for key in ("F47", "F48", "F49")} == {False}


def test_what_was_not_trained_is_not_measured_and_says_so():
    found = claims.of_glip(made_up(arms=("grounding", "detection")))
    assert [found[key]["seen"] for key in claims.CLAIMS] == [None, True, None, None]
    assert found["F49"]["missing"] == "student was not trained"


def test_without_a_record_there_are_none_and_with_one_they_are_read(tmp_path):
    assert claims.recorded_claims(tmp_path) == {}
    sealed_json.write("glip", made_up(), tmp_path)
    assert all(one["seen"] for one in claims.recorded_claims(tmp_path).values())
    path = tmp_path / "glip.json"
    path.write_text(path.read_text().replace("4.0", "5.0", 1))
    with pytest.raises(ValueError, match="was changed by hand: run `python data_scripts/pretraining/study_glip.py"):
        claims.recorded_claims(tmp_path)


def test_phrases_are_counted_by_picture_as_the_method_counts_them_all(fitted):
    split, method = caption_split(24, 2), fitted["grounding"]
    counts = script.phrases_found(method, split)
    assert counts.shape == (24, 2) and 0 < counts[:, 0].sum() < counts[:, 1].sum()
    assert counts[:, 1].sum() == sum(len({p[:2] for p in t}) for t in split.targets.phrases)
    assert 100 * counts[:, 0].sum() / counts[:, 1].sum() == pytest.approx(grounding(method, split)["grounding"])
    assert np.array_equal(script.drawn(counts), script.drawn(counts))


def test_an_arm_is_measured_whole(fitted, monkeypatch):
    monkeypatch.setattr(script, "DRAWS", 3)
    monkeypatch.setattr(script, "REPEATS", 2)
    monkeypatch.setattr(script, "TIMED", 2)
    monkeypatch.setattr(script, "NAMES", (1, 2))
    task = box_task()
    monkeypatch.setattr(type(task), "fold", lambda self, fold: (self, self))
    monkeypatch.setattr(script, "of_twins", lambda split: split)
    found = script.measure(fitted, task, caption_split(6, 2), 0)
    assert [(row["arm"], row["on"]) for row in found["rows"][:4]] == [
        ("grounding", on) for on in ("base", "novel", "phrases", "attributes")
    ]
    assert all(row["low"] <= row["high"] for row in found["rows"]) and len(found["differences"]) == 4
    assert [len(row["seconds"]) for row in found["seconds"]] == [2, 2, 2, 2]
