"""LSeg's study and its claims: arms differ where they should, and claims are read off numbers that show them alone."""

import json
from dataclasses import replace
from types import SimpleNamespace

import claims_lseg as claims
import lseg_work as work
import pandas as pd
import pytest
import study_lseg as study
import torch
import train_lseg as script

import lessons_lib as ll
from lessons_lib.runs import record
from lessons_lib.teaching.lesson11 import scenes

UNSEEN = scenes.fold(0)[1]


@pytest.fixture(scope="module")
def worker():
    training = work.Training()
    training.clip = ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)
    return training


@pytest.fixture
def few_tests(monkeypatch):
    few = scenes.test().subset(range(12))
    monkeypatch.setattr(scenes, "test", lambda: few)


def test_every_arm_trains_and_is_measured_in_four_ways(worker, few_tests):
    for arm in work.ARMS:
        result = worker.carry_out(work.Arm(arm, 1, pictures=8, epochs=1))
        assert [row.on for row in result.rows] == ["seen", "unseen", "all", "told"]
        assert all(0 <= row.value <= 100 for row in result.rows) and result.n_parameters > 3e6


def test_random_texts_are_unit_vectors_of_the_name_alone(worker):
    method = work.LSegOfRandom(worker.clip).for_classes(["owl", "mug", "gum"])
    torch.testing.assert_close(method.texts.norm(dim=1), torch.ones(3))
    assert torch.equal(method.for_classes(["gum", "owl"]).texts, method.texts[[2, 0]])
    assert (method.texts @ method.texts.T - torch.eye(3)).abs().max() < 0.5
    assert not torch.allclose(method.texts, worker.clip.encode_texts(["owl", "mug", "gum"]), atol=0.1)


def test_a_seed_is_another_identity_and_the_plan_is_whole_for_its_first_seeds():
    [plan] = study.stages(None)
    cells = list(plan.jobs.values())
    assert len(cells) == 9 and {cell.seed for cell in cells[:3]} == {1}
    assert len({json.dumps(work.WORK.identity(cell)) for cell in cells}) == 9
    assert work.WORK.cost(cells[0]) > work.WORK.cost(replace(cells[0], pictures=10))


def rows(unseen: float, told: float = 0.0) -> pd.DataFrame:
    """Three seeds; how much LSeg is above the others, by the way of asking."""
    table = []
    for seed in (1, 2, 3):
        for arm, loss in ((claims.LSEG, 0.0), (claims.RANDOM, 1.0), (claims.NOTHING, 1.0)):
            for way, gap in (("seen", 0.0), ("unseen", unseen), ("told", told)):
                table.append(
                    {"method": arm, "seed": seed, "on": way, "mIoU": 40 + 0.1 * seed * (1 + loss) - loss * gap}
                )
    return pd.DataFrame(table)


def test_claims_over_seeds_are_seen_where_the_gaps_are_and_not_elsewhere():
    assert {key: one["seen"] for key, one in claims.of_seeds(rows(9, 5)).items()} == {"F20": True, "F21": True}
    assert {key: one["seen"] for key, one in claims.of_seeds(rows(9, -5)).items()} == {"F20": True, "F21": False}
    assert {key: one["seen"] for key, one in claims.of_seeds(rows(0)).items()} == {"F20": False, "F21": False}


def page(low: float) -> dict:
    one = {"mean": 5.0, "low": low, "high": 6.0}
    return {"pictures": 200, "F17": {"a": one, "b": one}, "F18": {"c": one}, "F19": {"d": one}}


def test_claims_of_the_shipped_model_take_the_wider_side_of_the_interval():
    found = claims.of_shipped(page(low=1.0))
    assert {one["seen"] for one in found.values()} == {True} and found["F17"]["effects"]["a"]["half_width"] == 4.0
    assert {one["seen"] for one in claims.of_shipped(page(low=-1.0)).values()} == {False}


def test_what_is_not_made_yet_says_what_to_run(tmp_path):
    found = claims.recorded_claims(tmp_path, tmp_path)
    assert list(found) == ["F17", "F18", "F19", "F20", "F21"] and {one["seen"] for one in found.values()} == {None}
    assert "train_lseg.py" in found["F17"]["missing"] and "study_lseg.py" in found["F20"]["missing"]


def test_a_record_is_read_back(tmp_path):
    cost = {"n_parameters": 1, "seconds": 1.0, "peak_mib": None, "kind": "made up"}
    table = rows(9, 5).assign(**cost, date=pd.Timestamp(0), versions="{}", machine="", identity="x")
    record.write(tmp_path, "lseg", table, ["mIoU"], [work.Arm(work.LSEG, 1)], {"script": "", "clip": None})
    assert claims.recorded_claims(tmp_path, tmp_path / "none")["F20"]["seen"]


def test_the_page_has_everyones_numbers_and_the_differences_that_claims_read(worker):
    task = SimpleNamespace(classnames=scenes.NAMES, test=scenes.drawn("test", 20))
    found = script.results(ll.LSeg(worker.clip).for_classes(task.classnames), task, UNSEEN)
    assert set(found["test"]) >= {"LSeg", "value", "floor", "ceiling, squares of 2", "LSeg, unseen names exchanged"}
    assert set(claims.of_shipped(found["findings"])) == {"F17", "F18", "F19"}
    told = found["test"]["LSeg"]["told"]["mIoU"] - found["test"]["LSeg"]["unseen"]["mIoU"]
    assert found["findings"]["F19"]["told − among 16"]["mean"] == pytest.approx(told, abs=0.02)
