"""The search for DAPT's settings: on validation images alone, one after another, and gone on with where it stopped."""

import itertools
from datetime import datetime, timezone

import findings
import pytest
import study_dapt as script
from embeddings import Fit

from lessons_lib.runs import Plan, Result, Row, Store
from lessons_lib.runs.study import enter
from lessons_lib.teaching import recorded_runs

RIGHT = {  # what made-up validation accuracies are highest at
    "toy_pets": {"lr": 0.2, "beta_v": 10.0, "beta_t": 1.0},
    "toy_textures": {"lr": 0.02, "beta_v": 1000.0, "beta_t": 10.0},
    "toy_satellite": {"lr": 0.002, "beta_v": 100.0, "beta_t": 0.01},
}
DAY = datetime(2026, 11, 21, tzinfo=timezone.utc)


class Searched(script.Searched):
    """Without tasks and weights."""

    def check(self, cells):
        pass

    def identity(self, cell: Fit) -> dict:
        return {"label": cell.label, "task": cell.task, "seed": cell.seed, "on": cell.tested_on,
                "settings": dict(cell.settings), "fit": dict(cell.fit)}  # fmt: skip

    def columns(self, cell: Fit) -> dict:
        named = {
            "method": cell.label,
            "task": cell.task,
            "shots": cell.shots,
            "seed": cell.seed,
            "settings": "",
            "data": "",
        }
        return {**named, "lr": cell.fit["lr"], **cell.settings}

    def names(self, cell: Fit) -> dict:
        return {}


def made_up(fit: Fit) -> Result:
    """Accuracy falls with the distance from `RIGHT`; on test images DAPT is three points above."""
    said = {"lr": fit.fit["lr"], **fit.settings}
    accuracy = 80 - sum(said[name] != value for name, value in RIGHT[fit.task].items())
    accuracy = 50 + fit.seed + 3 * (fit.label == "DAPT") if fit.tested_on == "test" else accuracy
    lie = [Row("train", "inter_class_dispersion", 1 + (fit.label == "DAPT")),
           Row("train", "intra_class_variance", 0.2 + fit.seed / 100)]  # fmt: skip
    return Result([Row(fit.tested_on, "accuracy", accuracy), *lie])


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "WORK", Searched("toyclip", device="cpu", precision="fp32"))
    with Store(tmp_path / "runs.sqlite") as store:
        yield store


def carried_out(store: Store, stages: int | None = None) -> list[Fit]:
    """Every fit that is carried out, in their order."""
    fits = []

    def carry(key: str, cell: Fit):
        fits.append(cell)
        return made_up(cell), DAY

    for plan in itertools.islice(script.stages(store), stages):
        enter(store, plan, carry)
    return fits


def test_each_setting_is_searched_on_validation_images_with_those_found_before(store):
    carried = carried_out(store)
    searched = [fit for fit in carried if fit.tested_on == "val"]
    assert {fit.seed for fit in searched} == {script.SEARCH_SEED} and script.SEARCH_SEED not in script.SEEDS
    of_task = [fit for fit in searched if fit.task == "toy_textures"]
    assert [fit.fit["lr"] for fit in of_task[:3]] == [0.002, 0.02, 0.2]
    assert {fit.label for fit in of_task[:3]} == {"CoOp+VPT"}
    assert [(fit.fit["lr"], *fit.settings.values()) for fit in of_task[3:]] == [
        (0.02, 10, 0.01), (0.02, 100, 0.01), (0.02, 1000, 0.01), (0.02, 1000, 1), (0.02, 1000, 10),
    ]  # fmt: skip
    tested = [fit for fit in carried if fit.tested_on == "test"]
    assert len(tested) == 30 and carried[-30:] == tested, "tests come last"
    for fit in tested:
        betas = {name: RIGHT[fit.task][name] * (fit.label == "DAPT") for name in ("beta_v", "beta_t")}
        assert fit.settings == betas and fit.fit["lr"] == RIGHT[fit.task]["lr"]
    assert script.about(script.table(rows_of(store)))["chosen"] == RIGHT


def rows_of(store: Store):
    return store.rows().drop_duplicates()


def test_a_study_that_was_stopped_goes_on(store):
    first = carried_out(store, stages=2)
    assert len(list(script.stages(store))) == 3, "what is searched next is known, and no more"
    both = first + carried_out(store)
    assert len(both) == 24 + 30 and carried_out(store) == []


def test_other_epochs_or_batches_are_other_runs(store, monkeypatch):
    """Rows of the settings before are not what a changed plan asks for."""
    carried_out(store)
    monkeypatch.setitem(script.PAIR_EPOCHS, script.SHOTS, 13)
    [plan] = script.stages(store)
    assert store.done(plan) == set() and store.rows(plan).empty
    with pytest.raises(SystemExit, match="9 runs are not done"):
        script.STUDY.collect(store)


def test_a_fit_is_of_the_settings_that_are_asked_for_on_these_images_and_weights():
    fit = script.fit_of("val", "toy_satellite", 6, {"lr": 0.02, "beta_v": 10.0})
    identity = script.WORK.identity(fit)
    assert identity["fit"]["epochs"] == script.PAIR_EPOCHS[16] and identity["fit"]["batch_size"] == script.PAIR_BATCH
    assert (identity["arguments"]["beta_v"], identity["arguments"]["beta_t"]) == (10.0, 0.01)
    assert {"clip", "fitted on", "tests", "shots", "seed"} <= set(identity) and identity["tested on"] == "val"
    assert len(Plan(script.WORK, [fit]).jobs) == 1


def test_the_finding_is_read_off_the_rows_with_test_images():
    rows = []
    for label, task, seed in itertools.product(script.PAIR, RIGHT, script.SEEDS):
        fit = script.fit_of("test", task, seed, RIGHT[task], label)
        found = {row.metric: row.value for row in made_up(fit).rows}
        rows.append({"label": label, "task": task, "seed": seed, "on": "test", **found})
    [one] = findings.of_dapt_study({"settings": {"shots": 16}, "test": rows}).values()
    assert one["effects"]["DAPT − CoOp+VPT, 16 shots"] == {"mean": 3.0, "half_width": 0.0, "n": 5.0}
    texts = one["effects"]["DAPT − CoOp+VPT, inter-class dispersion of texts, %"]
    assert texts["mean"] == pytest.approx(69.315, abs=1e-3)
    assert not one["seen"], "its images lie no closer together"


def test_the_record_is_of_this_clip_and_of_what_its_own_search_chose(toyclip):
    record = recorded_runs.dapt_study()
    assert record["clip"] == toyclip.fingerprint
    for task, chosen in record["chosen"].items():
        for name, values in script.GRIDS.items():
            label = "CoOp+VPT" if name == "lr" else "DAPT"
            before = {key: chosen[key] for key in list(script.GRIDS)[: list(script.GRIDS).index(name)]}
            asked = {**before, **({"beta_t": 0.01} if name == "beta_v" else {})}
            tried = {row[name]: row["accuracy"] for row in record["search"] if row["task"] == task
                     and row["label"] == label and all(row[key] == value for key, value in asked.items())}  # fmt: skip
            assert set(tried) == set(values) and tried[chosen[name]] == max(tried.values())
    tested = {(row["task"], row["label"], row["seed"]) for row in record["test"]}
    assert len(record["test"]) == len(tested) == 30
