"""GroupViT's training and its study, briefly: what they write, and what is claimed of it."""

import json

import claims_groupvit as claims
import pretrain_groupvit
import pytest
import study_groupvit as study

from lessons_lib.teaching import trained_models


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groupvit")
    with pytest.MonkeyPatch.context() as patch:
        given = ["--steps", "2", "--batch-size", "8", "--pictures", "8", "--evaluate-every", "1"]
        given += ["--out", str(folder / "model"), "--checkpoint", str(folder / "run.pt")]
        patch.setattr("sys.argv", ["pretrain_groupvit.py", *given])
        pretrain_groupvit.main()
        patch.setattr(study, "TEXTS", 200)
        patch.setattr("sys.argv", ["study_groupvit.py", str(folder / "model"), "--tests", "12", "--out", str(folder)])
        study.main()
    return trained_models.about("groupvit", folder)


def test_what_is_written_says_how_it_was_trained_and_what_was_measured(page):
    assert page["fit"]["steps"] == 2 and page["pairs"] == 16 and page["pictures"] == 12
    assert [step for step, _ in page["groups"]] == [1, 2] and all(len(row) == 64 for row in page["groups"][0][1])
    test = page["test"]
    assert {"soft", "hard", "t = 0.95", "oracle", "patches", "k-means", "ceiling", "floor"} <= set(test)
    for one in test.values():
        assert one["low"] - 1e-6 <= one["mIoU"] <= one["high"] + 1e-6
    assert test["floor"]["mIoU"] < test["ceiling"]["mIoU"] and test["oracle"]["mIoU"] <= test["ceiling"]["mIoU"] + 5
    assert set(page["thresholds"]["best"]) == {"soft", "hard", "k-means", "8 names", "64 names"}


def test_every_finding_is_computed_from_the_page(page):
    found = claims.of_shipped(page)
    assert list(found) == [f"F{i}" for i in range(22, 28)]
    for key, one in found.items():
        wanted = claims.CLAIMS[key][1]
        effects = list(one["effects"].values())[:wanted]
        assert one["seen"] == all(effect["mean"] > effect["half_width"] for effect in effects)


def test_without_the_model_the_findings_say_what_makes_it(tmp_path):
    found = claims.recorded_claims(tmp_path)
    assert all(one["seen"] is None and "study_groupvit.py" in one["missing"] for one in found.values())


def test_a_difference_of_differences_has_the_mean_of_its_parts(page):
    test = page["test"]
    first, second = page["findings"]["F23"].values()
    oracle, own, ceiling = (test[who]["mIoU"] for who in ("oracle", "soft", "ceiling"))
    assert first["mean"] == pytest.approx(oracle - own, abs=0.01)
    assert second["mean"] == pytest.approx((oracle - own) - (ceiling - oracle), abs=0.01)
    assert json.dumps(page["findings"])
