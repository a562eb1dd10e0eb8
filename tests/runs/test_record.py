"""A record is two files that belong together, or an error that says what to run; it has just what a plan asks for."""

import json
from datetime import datetime, timezone

import pandas as pd
import pytest
from bench_workers import Obedient, Order

from lessons_lib.runs import Plan, Result, Row, Store, record
from lessons_lib.runs.study import Study, enter

SEEDS = (1, 2, 3)
DAY = datetime(2026, 11, 21, tzinfo=timezone.utc)


def plan(settings: str = "a", labels=("one", "two"), seeds=SEEDS) -> Plan:
    cells = [Order(label, seed=seed) for seed in seeds for label in labels]
    return Plan(Obedient("", settings), cells, {"study": "orders"})


def study(folder, of: Plan | None = None, name: str = "orders", **more) -> Study:
    def about(rows):
        return {"clip": "weights"}

    return Study(name, "orders.py", folder, lambda store: iter([of or plan()]), about=about, **more)


def measured(value: float = 50.0, peak: float | None = 1.0) -> tuple[Result, datetime]:
    rows = [Row("base", "accuracy", value), Row("new", "accuracy", value + 1), Row("new", "loss", 0.5, 3)]
    return Result(rows, 7, 3600.0, peak, {"torch": "2"}, "a machine"), DAY


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.sqlite") as store:
        yield store


def read(folder, **more) -> record.Record:
    return record.read(folder, "orders", "orders.py", **more)


def test_what_is_read_is_what_was_measured_and_says_what_made_it(store, tmp_path):
    enter(store, plan(), lambda key, cell: measured(cell.seed / 3, peak=None if cell.label == "one" else 2.0))
    study(tmp_path).collect(store)
    about, rows = read(tmp_path, clip="weights")
    assert rows.columns.tolist() == ["label", "seed", "on", "at", "accuracy", "loss", "n_parameters", "seconds",
                                     "peak_mib", "run", "task"]  # fmt: skip
    assert len(rows) == 6 * 3 and set(rows.task) == {"task"} and about["same"] == {"task": "task"}
    base = rows[rows.on == "base"].set_index(["label", "seed"])
    assert base.accuracy["two", 1] == pytest.approx(1 / 3, abs=1e-6)
    assert base.peak_mib["two", 1] == 2.0 and base.peak_mib[["one"]].isna().all()
    assert rows.run.nunique() == 6 and set(rows.run) == {key[:12] for key in plan().digests}
    assert (about["script"], about["date"], about["core_hours"]) == ("orders.py", "2026-11-21", 6.0)
    assert about["versions"] == [{"torch": "2"}] and about["machines"] == ["a machine"]
    assert about["plan"] == [{"label": label, "task": "task", "seeds": [1, 2, 3]} for label in ("one", "two")]
    assert about["runs"]["count"] == 6


def test_texts_stay_texts(tmp_path, store):
    table = pd.DataFrame({"method": ["007", "NA"], "on": ["1e3", "None"], "accuracy": [1.0, None], "n_parameters": 1,
                          "seconds": 1.0, "peak_mib": None, "date": DAY, "versions": "{}", "machine": "", "kind": "",
                          "identity": ["0" * 64, "1" * 64]})  # fmt: skip
    record.write(tmp_path, "orders", table, ["accuracy"], [Order("x")], {"script": "", "clip": None})
    rows = read(tmp_path).rows
    assert rows.method.tolist() == ["007", "NA"] and rows.on.tolist() == ["1e3", "None"]
    assert rows.run.tolist() == ["0" * 12, "1" * 12] and rows.accuracy.isna().tolist() == [False, True]


def test_another_clip_table_or_record_is_an_error_that_says_what_to_run(store, tmp_path):
    with pytest.raises(FileNotFoundError, match="run `python orders.py run`.*then `python orders.py collect`"):
        read(tmp_path)
    enter(store, plan(), lambda key, cell: measured())
    study(tmp_path).collect(store)
    with pytest.raises(ValueError, match="measured on another CLIP.*orders.py run"):
        read(tmp_path, clip="other weights")
    table, about = tmp_path / "orders.csv", tmp_path / "orders.json"
    before = table.read_text()
    table.write_text(before.replace("50.0", "80.0", 1))
    with pytest.raises(ValueError, match="not the table that its record describes, or was changed by hand: run"):
        read(tmp_path)
    table.write_text(before)
    assert len(read(tmp_path).rows) == 18
    about.write_text(about.read_text().replace('"label": "two", ', ""))
    with pytest.raises(ValueError, match="orders.json' was changed by hand"):
        read(tmp_path)


# --- by identity, never by label


def test_rows_of_other_settings_under_the_same_labels_are_never_collected(store, tmp_path):
    """What was measured with settings that are no longer planned, in the same store, before or after."""
    enter(store, plan("a"), lambda key, cell: measured(10.0))
    with pytest.raises(SystemExit, match="no seed is complete"):
        study(tmp_path, plan("b")).collect(store)
    enter(store, plan("b"), lambda key, cell: measured(90.0))
    assert (study(tmp_path, plan("b")).collect(store).accuracy.dropna() >= 90).all()
    assert (study(tmp_path, plan("a")).collect(store).accuracy.dropna() <= 11).all()


def test_a_seed_that_is_complete_only_with_rows_of_other_settings_is_left_out(store, tmp_path, capsys):
    enter(store, plan("b"), lambda key, cell: measured(10.0))
    enter(store, plan("a"), lambda key, cell: None if (cell.label, cell.seed) == ("two", 2) else measured())
    rows = study(tmp_path).collect(store)
    assert sorted(rows.seed.unique()) == [1, 3] and "seed [2] not complete: left out" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="1 runs are not done: go on with `python orders.py run`"):
        study(tmp_path, each="").collect(store)


def test_a_record_is_taken_over_where_the_run_is_the_same_and_only_there(store, tmp_path):
    enter(store, plan("a"), lambda key, cell: measured(10.0, peak=None))
    study(tmp_path).collect(store)
    with Store(tmp_path / "another.sqlite") as fresh:
        other, same = plan("b"), plan("a", labels=("two", "three"))
        assert study(tmp_path, other, "others", known=("orders",)).take_over(fresh, other) == 0
        assert study(tmp_path, same, "others", known=("orders",)).take_over(fresh, same) == 3
        rows = fresh.rows(same)
        assert set(rows.label) == {"two"} and sorted(rows.accuracy.dropna().unique()) == [10.0, 11.0]
        assert rows.loss.dropna().tolist() == [0.5] * 3 and rows["at"].dropna().tolist() == [3.0] * 3
        assert rows.n_parameters.eq(7).all() and rows.peak_mib.isna().all() and (rows.date == DAY).all()
        assert json.loads(rows.versions[0]) == {"torch": "2"} and set(rows.machine) == {"a machine"}


def test_what_is_done_so_far_is_kept_for_another_machine_and_goes_when_all_is_collected(store, tmp_path):
    of = study(tmp_path, each="")
    with pytest.raises(SystemExit, match="nothing is done beyond what is recorded: `python orders.py run`"):
        of.keep(store)
    enter(store, plan("a"), lambda key, cell: None if (cell.label, cell.seed) == ("two", 2) else measured())
    count = len(plan("a").jobs)
    assert of.keep(store) == count - 1 and (tmp_path / "orders_so_far.csv").exists()
    with Store(tmp_path / "another.sqlite") as fresh:
        assert of.take_over(fresh, plan("a")) == count - 1
        assert fresh.rows(plan("a")).accuracy.dropna().tolist() == store.rows(plan("a")).accuracy.dropna().tolist()
        enter(fresh, plan("a"), lambda key, cell: measured())
        assert len(of.collect(fresh)) and not list(tmp_path.glob("orders_so_far.*"))
        with pytest.raises(SystemExit, match="nothing is done beyond what is recorded"):
            of.keep(fresh)


# --- the command line


def test_a_study_runs_goes_on_and_is_collected(tmp_path, capsys):
    from lessons_lib.runs.study import main

    cells = [Order("waits 0", seed=seed) for seed in (1, 2)]
    work = Obedient(str(tmp_path))

    def stages(store):
        yield Plan(work, cells[:1], {"study": "first"})
        if not store.rows(Plan(work, cells[:1])).empty:  # hangs on what came out
            yield Plan(work, cells, {"study": "orders"})

    of = Study("orders", "orders.py", tmp_path / "out", stages, about=lambda rows: {"clip": None}, each="")
    here = ["--store", str(tmp_path / "runs.sqlite"), "--processes", "1", "--out", str(tmp_path / "out")]
    main(of, "", ["plan", *here])
    assert "0 of 1 runs are done" in capsys.readouterr().out
    main(of, "", ["run", *here])
    main(of, "", ["run", *here])
    assert len(list(tmp_path.glob("waits 0 *"))) == 2, "each was carried out once"
    main(of, "", ["collect", *here], report=lambda rows: f"{rows.seed.nunique()} seeds")
    assert "2 seeds" in capsys.readouterr().out
    assert read(tmp_path / "out").rows.seed.tolist() == [1, 2], "what two plans ask for is there once"
