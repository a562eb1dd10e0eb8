"""ViLD's findings are seen in a record that shows them, and not in one that shows the contrary."""

import claims_vild as claims
import numpy as np
import pytest
import study_vild as script
import torch
from noise_task import NAMES, box_task
from tiny_clip import tiny_clip

from lessons_lib.methods.detect.vild import ViLD
from lessons_lib.metrics.detection import BoxMatches
from lessons_lib.teaching.lesson13 import record


def made_up(sign: int = 1, off: float = 1.0) -> dict:
    gain = {"mean": 4.0 * sign, "low": 4.0 * sign - off, "high": 4.0 * sign + off, "n": 100}
    cost = {"mean": -4.0 * sign, "low": -4.0 * sign - off, "high": -4.0 * sign + off, "n": 100}
    differences = [
        {"first": first, "second": second, "on": on,
         **(cost if (second, on) == ("text alone", "base") else gain)}
        for first, second in script.DIFFERENCES
        for on in ("base", "novel")
    ]  # fmt: skip
    return {"differences": differences, "flatness": gain, "wider": {"base": gain, "novel": gain}}


@pytest.mark.parametrize(("sign", "off", "seen"), [(1, 1.0, True), (-1, 1.0, False), (1, 5.0, False)])
def test_findings_are_seen_where_intervals_show_them(sign, off, seen):
    found = claims.of_vild(made_up(sign, off))
    assert list(found) == list(claims.CLAIMS) and {one["seen"] for one in found.values()} == {seen}


def test_without_a_record_there_are_none_and_with_one_they_are_read(tmp_path):
    assert claims.recorded_claims(tmp_path) == {}
    record.write(made_up(), tmp_path)
    assert all(one["seen"] for one in claims.recorded_claims(tmp_path).values())


def test_what_is_measured_by_picture_is_what_the_method_measures(monkeypatch):
    monkeypatch.setattr(script, "DRAWS", 5)
    task = box_task()
    method = ViLD(tiny_clip(), "both", image_size=32, width=16, hidden=24, proposals=6).for_classes(NAMES)
    one = script.Measured(method, task.test, {"all": NAMES, "cats": [NAMES[0]]})
    whole = method.measure(task.test)
    assert one.ap50(0)["all"] == pytest.approx(whole["AP50"]) and one.recall() == pytest.approx(whole["recall"])
    assert one.ap50(1)["all"] == pytest.approx(whole["AP50_ceiling"])
    first, again = one.draws(), one.draws()
    assert len(first["all"]) == 5 and np.array_equal(first["all"], again["all"])
    assert torch.isfinite(BoxMatches.joined(one.parts[0]).precision()[0]).any()
