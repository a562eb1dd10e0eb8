"""Settings are chosen on validation images, the same number of fits for each method, the published value among them."""

from datetime import datetime, timezone

import pytest
from photo_folders import photo_folder

from lessons_lib import load_task
from lessons_lib.runs import Cell, FitAndTest, Plan, Result, Row, Store, protocols
from lessons_lib.runs.search import Times, budget, search
from lessons_lib.runs.study import enter

DAY = datetime(2026, 11, 29, tzinfo=timezone.utc)
GRIDS = {"lr": Times(0.1, 1, 10), "n_ctx": (2, 4), "epochs": Times(1, 3)}


@pytest.fixture
def photos(tmp_path):
    return photo_folder(tmp_path / "photos", {"cat": 12, "dog": 12, "owl": 12, "fox": 12})


@pytest.fixture
def work():
    return FitAndTest("toyclip", device="cpu", precision="fp32")


def cell_of(photos, **changes) -> Cell:
    return Cell(**{"protocol": "base-to-new validation", "label": "CoOp", "method": "CoOp", "task": str(photos),
                   "shots": 2, "fit": {"batch_size": 8}} | changes)  # fmt: skip


def searched(work, store, start, score, grids=GRIDS) -> tuple[list[list[Cell]], dict | None]:
    """Carries out each stage with made-up accuracies; returns its cells, and what was found."""
    stages, asked = search(work, store, start, grids, {"study": "a test"}), []
    while True:
        try:
            plan = next(stages)
        except StopIteration as end:
            return asked, end.value
        asked.append(list(plan.cells))
        if score is not None:
            enter(store, plan, lambda key, cell: (Result([Row("val", "accuracy", score(cell))]), DAY))


def test_one_setting_after_the_other_each_with_the_best_of_those_before(photos, work, tmp_path):
    def score(cell):
        lr, epochs = cell.fit.get("lr", 0.002), cell.fit.get("epochs", 200)
        return 50 + 10 * (lr == 0.02) + 5 * (cell.settings.get("n_ctx") == 4) + (epochs == 150)

    with Store(tmp_path / "store.sqlite") as store:
        asked, found = searched(work, store, {"CoOp": cell_of(photos)}, score)
    rates, lengths, epochs = asked
    assert [cell.fit["lr"] for cell in rates] == pytest.approx([0.0002, 0.002, 0.02])
    assert [cell.settings for cell in lengths] == [{"n_ctx": 2}, {"n_ctx": 4}]
    assert {cell.fit["lr"] for cell in lengths} == {0.02}
    published = work.fit_settings(cell_of(photos))["epochs"]
    assert [cell.fit["epochs"] for cell in epochs] == [published, 3 * published]
    assert found["CoOp"].settings == {"n_ctx": 4} and found["CoOp"].fit["lr"] == pytest.approx(0.02)
    assert found["CoOp"].fit["batch_size"] == 8


def test_of_equal_ones_the_first_stays(photos, work, tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        _, found = searched(work, store, {"CoOp": cell_of(photos)}, lambda cell: 70.0)
    assert found["CoOp"].fit["lr"] == pytest.approx(0.0002) and found["CoOp"].settings == {"n_ctx": 2}


def test_each_method_is_searched_for_by_itself(photos, work, tmp_path):
    start = {name: cell_of(photos, label=name, method=name) for name in ("CoOp", "KgCoOp")}
    best = {"CoOp": 0.02, "KgCoOp": 0.0002}
    with Store(tmp_path / "store.sqlite") as store:
        _, found = searched(work, store, start, lambda cell: cell.fit["lr"] == pytest.approx(best[cell.label]),
                            {"lr": Times(0.1, 1, 10)})  # fmt: skip
    assert {name: cell.fit["lr"] for name, cell in found.items()} == pytest.approx(best)


def test_a_stage_that_is_not_carried_out_ends_the_search(photos, work, tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        asked, found = searched(work, store, {"CoOp": cell_of(photos)}, None)
    assert len(asked) == 1 and found is None


def test_the_budget_counts_the_fits_that_differ(photos, work, tmp_path):
    assert budget(GRIDS) == 5
    with Store(tmp_path / "store.sqlite") as store:
        grids = {"lr": Times(1, 10), "epochs": Times(1, 3)}
        asked, _ = searched(work, store, {"CoOp": cell_of(photos)}, lambda cell: 1.0, grids)
    runs = {key for cells in asked for key in Plan(work, cells).jobs}
    assert len(runs) == budget(grids) == 3


def test_test_images_cannot_choose(photos, work, tmp_path):
    with Store(tmp_path / "store.sqlite") as store, pytest.raises(ValueError, match="validation images alone"):
        next(search(work, store, {"CoOp": cell_of(photos, protocol="base-to-new")}, GRIDS, {}))


def test_what_is_not_published_has_no_multiples(photos, work, tmp_path):
    with Store(tmp_path / "store.sqlite") as store, pytest.raises(ValueError, match="no published 'rate'.* lr"):
        next(search(work, store, {"CoOp": cell_of(photos)}, {"rate": Times(1, 2)}, {}))
    with pytest.raises(ValueError, match="1, the published value, among them"):
        Times(2, 3)


@pytest.mark.parametrize("protocol", ["few-shot", "base-to-new"])
def test_validation_protocols_learn_from_the_same_and_measure_on_all_validation_images(protocol, photos):
    task = load_task(photos, shots=1, seed=3)
    whole, chosen = protocols.trial(protocol, task), protocols.trial(f"{protocol} validation", task)
    assert chosen.fitted_on.classnames == whole.fitted_on.classnames
    assert chosen.fitted_on.train.fingerprint == whole.fitted_on.train.fingerprint
    assert list(chosen.tests) == ["val"]
    val, test = chosen.tests["val"].test, whole.fitted_on.test
    assert val.fingerprint == whole.fitted_on.val_pool.fingerprint != test.fingerprint
    assert len(val) > len(whole.fitted_on.val)
