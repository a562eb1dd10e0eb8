"""The search for DAPT's settings: on validation images alone, one after another, and gone on with where it stopped."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import findings
import pytest
import study_dapt as script
from noise_task import noise_task

import lessons_lib as ll
from lessons_lib.runs import sweeps
from lessons_lib.teaching import recorded_runs

RIGHT = {  # what made-up validation accuracies are highest at
    "toy_pets": {"lr": 0.2, "beta_v": 10.0, "beta_t": 1.0},
    "toy_textures": {"lr": 0.02, "beta_v": 1000.0, "beta_t": 10.0},
    "toy_satellite": {"lr": 0.002, "beta_v": 100.0, "beta_t": 0.01},
}


def made_up(fit: script.Fit) -> dict:
    """A row whose accuracy falls with the distance from `RIGHT`; on test images DAPT is three points above."""
    accuracy = 80 - sum(getattr(fit, name) != value for name, value in RIGHT[fit.task].items())
    accuracy = 50 + fit.seed + 3 * (fit.label == "DAPT") if fit.on == "test" else accuracy
    lie = {"inter_class_dispersion": 1 + (fit.label == "DAPT"), "intra_class_variance": 0.2 + fit.seed / 100}
    return {**vars(fit), "accuracy": accuracy, **lie, "seconds": 1.0}


@pytest.fixture
def begun(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "rows.json"
    monkeypatch.setattr(script, "BEGUN", path)
    return path


@pytest.fixture
def carried(monkeypatch) -> list[script.Fit]:
    """Every fit that is carried out, in their order."""
    fits = []

    def carry(fit: script.Fit) -> dict:
        fits.append(fit)
        return made_up(fit)

    monkeypatch.setattr(script, "carry", carry)
    return fits


def test_each_setting_is_searched_on_validation_images_with_those_found_before(begun, carried):
    with ThreadPoolExecutor(1) as pool:
        found = script.study(script.measuring(pool, []))
    assert found["chosen"] == RIGHT
    searched = [fit for fit in carried if fit.on == "val"]
    assert {fit.seed for fit in searched} == {script.SEARCH_SEED} and script.SEARCH_SEED not in script.SEEDS
    per_task = [fit for fit in searched if fit.task == "toy_textures"]
    assert [fit.lr for fit in per_task[:3]] == [0.002, 0.02, 0.2] and {fit.label for fit in per_task[:3]} == {
        "CoOp+VPT"
    }
    assert [(fit.lr, fit.beta_v, fit.beta_t) for fit in per_task[3:]] == [
        (0.02, 10, 0.01), (0.02, 100, 0.01), (0.02, 1000, 0.01), (0.02, 1000, 1), (0.02, 1000, 10),
    ]  # fmt: skip
    tested = [fit for fit in carried if fit.on == "test"]
    assert len(tested) == len(set(tested)) == 30 and carried[-30:] == tested, "tests come last"
    for fit in tested:
        betas = {name: RIGHT[fit.task][name] * (fit.label == "DAPT") for name in ("beta_v", "beta_t")}
        assert {"beta_v": fit.beta_v, "beta_t": fit.beta_t} == betas and fit.lr == RIGHT[fit.task]["lr"]


def test_a_study_that_was_stopped_goes_on(begun, carried):
    with ThreadPoolExecutor(1) as pool:
        script.search(script.measuring(pool, []))
        first = len(carried)
        script.study(script.measuring(pool, json.loads(begun.read_text())))
    assert len(carried) == first + 30 and len(set(carried)) == len(carried)


def test_the_finding_is_read_off_the_rows_with_test_images():
    every = itertools.product(script.PAIR, RIGHT, script.SEEDS)
    rows = [made_up(script.Fit(label, task, seed, "test", 0.1)) for label, task, seed in every]
    record = {"settings": {"shots": 16}, "test": rows}
    [one] = findings.of_dapt_study(record).values()
    assert one["effects"]["DAPT − CoOp+VPT, 16 shots"] == {"mean": 3.0, "half_width": 0.0, "n": 5.0}
    assert one["effects"]["DAPT − CoOp+VPT, inter-class dispersion of texts, %"]["mean"] == pytest.approx(
        69.315, abs=1e-3
    )
    assert not one["seen"], "its images lie no closer together"


def test_a_fit_is_of_the_settings_that_are_asked_for(monkeypatch, clip):
    noise = noise_task(shots=None)
    monkeypatch.setattr(script, "clip_of_process", lambda: clip)
    monkeypatch.setattr(script, "SHOTS", 2)
    monkeypatch.setitem(script.PAIR_EPOCHS, 2, 1)
    monkeypatch.setattr(sweeps, "task_of", lambda name: noise)
    made = []
    plain = ll.DAPT

    def dapt(clip, **settings):
        made.append(plain(clip, n_ctx=2, n_ctx_vision=2, **settings))
        return made[-1]

    monkeypatch.setattr(ll, "DAPT", dapt)
    row = script.carry(script.Fit("DAPT", "noise", 3, "val", 0.01, 5.0, 0.5))
    assert (made[0].beta_v, made[0].beta_t) == (5.0, 0.5) and made[0].history[-1]["lr"] == pytest.approx(1e-5)
    assert row["accuracy"] == pytest.approx(made[0].score(noise.val), abs=1e-4)
    assert row["intra_class_variance"] > 0 and script.fit_in(row).seed == 3


def test_the_record_is_of_this_clip_and_of_what_its_own_search_chose():
    record = recorded_runs.dapt_study()
    assert record["clip"] == recorded_runs.comparison_record()["clip"]
    rows = {script.fit_in(row): row for row in record["search"] + record["test"]}
    again = script.study(lambda fits: [rows[fit] for fit in fits])
    assert again["chosen"] == record["chosen"] and again["test"] == record["test"]
    for one in record["chosen"].values():
        assert all(one[name] in values for name, values in record["settings"]["grids"].items())
