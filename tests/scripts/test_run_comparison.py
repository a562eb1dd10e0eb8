"""The comparison: every method as published, and with what a search on validation images found for each task."""

import dataclasses
import itertools
from datetime import datetime, timezone

import comparison_plan as plan
import pandas as pd
import pytest
import run_comparison as script
from embeddings import Fit, FitAndLook, Trained
from made_up_comparison import best_of, found_settings, rows
from noise_task import noise_task

from lessons_lib.runs import Cell, FitAndTest, Result, Row, Store
from lessons_lib.runs.record import in_short
from lessons_lib.runs.search import budget
from lessons_lib.runs.study import enter
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import ELEVEN, SHIFTS

HOURS = 8  # on two cores
DAY = datetime(2026, 11, 29, tzinfo=timezone.utc)


class NoiseTasks(dict):
    """Instead of ToyWorld's; each is another."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        toys = ("toy_things", *SHIFTS)
        names = ["cat", "crane", "dog", "pot", "owl"] if name in toys else ["red", "green", "blue"]
        self[name] = noise_task(shots=None, names=names, signal=0.2 + 0.001 * len(self))
        return self[name]


def work(kind, clip):
    made = kind("toyclip", device="cpu", precision="fp32")
    made._loaded.tasks, made._loaded.clip = NoiseTasks(), clip
    return made


# --- the plan


def test_no_cell_is_planned_twice_and_every_method_is_compared_at_16_shots():
    cells = [*plan.published(), *plan.searched(found_settings())]
    keys = [(cell.called, cell.label, cell.task, cell.shots, cell.seed) for cell in cells]
    assert len(keys) == len(set(keys))
    at_16 = {cell.label for cell in cells if cell.protocol == "few-shot" and cell.shots == 16}
    assert set(plan.METHODS) - at_16 == {"PromptSRC"}, "which is told in LEFT_OUT"


def test_all_methods_share_three_tasks_and_five_seeds_at_16_shots():
    for cells, labels in (
        (plan.published(), list(plan.ON_FEATURES)),
        (plan.searched(found_settings()), [label for label, one in plan.METHODS.items() if one.searched]),
    ):
        at_16 = [cell for cell in cells if cell.protocol == "few-shot" and cell.shots == 16]
        for label in labels:
            own = {(cell.task, cell.seed) for cell in at_16 if cell.label == label}
            tasks = ELEVEN if label in plan.ON_FEATURES else plan.SHARED
            assert own == {(task, seed) for task in tasks for seed in plan.SEEDS}, label


def test_every_search_has_six_fits_with_a_seed_and_images_that_no_mean_is_of():
    assert {budget(one.searched) for one in plan.METHODS.values() if one.searched} == {6}
    tested = {cell.seed for cell in [*plan.published(), *plan.searched(found_settings())]}
    for cell in plan.to_search().values():
        assert cell.seed not in tested and cell.protocol == "base-to-new validation"


def test_what_is_published_is_tried_by_every_search_that_can_afford_it():
    own = FitAndTest("toyclip", device="cpu", precision="fp32")
    for (label, task), cell in plan.to_search().items():
        if task == "toy_pets" and plan.METHODS[label].published:
            grids = plan.METHODS[label].searched
            published = own.fit_settings(dataclasses.replace(cell, fit={}))
            assert 1 in grids["lr"].factors, label
            if not hasattr(grids.get("epochs", plan.RATES), "factors"):
                assert published["epochs"] in grids["epochs"], label


def test_every_method_runs_in_every_protocol_that_it_is_planned_for(clip):
    """What can be made and fitted is checked of every variant; one of each method is carried out."""
    planned = [*plan.published(), *plan.searched(found_settings())]
    kinds = {(cell.called, cell.label): cell for cell in planned if cell.seed == 1}
    works, ran = {Fit: work(FitAndLook, clip), Cell: work(Trained, clip)}, set()
    smaller = {"depth": 2, "prompt_depth": 2, "n_ctx": 2}  # the tiny tower has two blocks, and a short context
    for cell in kinds.values():  # what learns slowly is shortened
        settings = {name: min(value, smaller.get(name, value)) if isinstance(value, int) else value
                    for name, value in cell.settings.items()}  # fmt: skip
        fit = {"epochs": 1} if plan.METHODS.get(cell.label, plan.METHODS["CoOp"]).searched else {}
        others = cell.others[:1] + cell.others[-1:]
        small = dataclasses.replace(cell, shots=2, settings=settings, fit=fit, others=others)
        used = works[type(cell)]
        used.check([small])
        if (kind := (cell.protocol, cell.method, type(cell))) not in ran:
            ran.add(kind)
            on = {row.on for row in used.carry_out(small).rows}
            assert on == ({"test", "train"} if isinstance(cell, Fit) else set(used.names(small)))


def test_how_embeddings_lie_is_measured_of_the_fit_that_is_scored(clip):
    cell = Fit("few-shot", "DAPT", "DAPT", "noise", 2, 3, {"n_ctx": 2, "n_ctx_vision": 2}, {"epochs": 1})
    found = {(row.on, row.metric): row.value for row in work(FitAndLook, clip).carry_out(cell).rows}
    plain = Cell(**{field.name: getattr(cell, field.name) for field in dataclasses.fields(Cell)})
    [row] = work(FitAndTest, clip).carry_out(plain).rows
    assert found["test", "accuracy"] == row.value
    assert 0 <= found["train", "inter_class_dispersion"] <= 4 and 0 < found["train", "intra_class_variance"] < 1


def test_tables_say_how_long_a_method_learned(clip):
    own = work(Trained, clip)
    said = own.columns(Cell("few-shot", "MaPLe", "MaPLe", "noise", 5, 1, {"prompt_depth": 1}, {"epochs": 3}))
    assert (said["lr"], said["epochs"], said["steps"]) == (0.0035, 3, 3 * 4)  # 3 classes × 5 shots in batches of 4
    whole = own.columns(Cell("few-shot", "ProLIP", "ProLIP", "noise", 5))
    assert whole["steps"] == whole["epochs"] == 300
    untrained = own.columns(Cell("few-shot", "ZeroShot", "ZeroShot", "noise", 5))
    assert {untrained[name] for name in ("lr", "epochs", "steps")} == {None}


# --- the search


def test_a_rate_at_which_the_loss_is_not_finite_is_never_chosen(clip):
    own = work(Trained, clip)
    cell = Cell("base-to-new validation", "CoOp", "CoOp", "noise", 2, 6, {"n_ctx": 2}, {"epochs": 3, "lr": 1e30})
    assert [row.value for row in own.carry_out(cell).rows] == [0.0]
    with pytest.raises(FloatingPointError):
        own.carry_out(dataclasses.replace(cell, protocol="few-shot"))


class Untouched(Trained):
    """Without tasks and weights."""

    def check(self, cells):
        pass

    def identity(self, cell: Cell) -> dict:
        """What is asked for, the published numbers filled in."""
        about = {
            name: repr(value) for name, value in dataclasses.asdict(cell).items() if name not in ("label", "called")
        }
        return about | {"fit": repr(self.fit_settings(cell))}

    def columns(self, cell: Cell) -> dict:
        return {"protocol": cell.called, "method": cell.label, "task": cell.task, "shots": cell.shots,
                "seed": cell.seed, "settings": "", "data": ""}  # fmt: skip

    def names(self, cell: Cell) -> dict:
        return {}


class UntouchedToo(Untouched):
    kind = "another"


def made_up(cell: Cell) -> Result:
    """On validation images accuracy falls with the distance from what `best_of` has."""
    if cell.called == "search":
        said = {**cell.settings, **cell.fit}
        off = sum(said.get(name) != pytest.approx(value) for name, value in best_of(cell).items())
        return Result([Row("val", "accuracy", 80.0 - off)])
    on = ("base", "new") if cell.protocol == "base-to-new" else ("test",)
    return Result([Row(name, "accuracy", 50.0 + cell.seed) for name in on])


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "WORK", Untouched("toyclip", device="cpu", precision="fp32"))
    monkeypatch.setattr(script, "LOOKED_AT", UntouchedToo("toyclip", device="cpu", precision="fp32"))
    few = {name: plan.METHODS[name] for name in ("ZeroShot", "MaPLe", "CoCoOp", "CoOp", "CoOp+VPT", "DAPT")}
    monkeypatch.setattr(plan, "METHODS", few)
    for name in ("ON_FEATURES", "COSTLY"):
        monkeypatch.setattr(plan, name, {label: one for label, one in getattr(plan, name).items() if label in few})
    for name in ("CARRIES_OVER", "TRANSFERRED", "CLASSES_OF_THEIR_OWN"):
        monkeypatch.setattr(plan, name, tuple(label for label in getattr(plan, name) if label in few))
    monkeypatch.setattr(script, "METHODS", few)
    with Store(tmp_path / "runs.sqlite") as store:
        yield store


def carried_out(store: Store, stages: int | None = None) -> list[list[Cell]]:
    """What is carried out in each stage."""
    done = []
    for stage in itertools.islice(script.stages(store), stages):
        before = store.done(stage)
        enter(store, stage, lambda key, cell: (made_up(cell), DAY))
        done.append([cell for key, cell in stage.jobs.items() if key not in before])
    return done


def test_what_a_search_found_is_what_is_tested(store):
    stages = carried_out(store)
    tested = [cell for cells in stages[-2:] for cell in cells]
    assert {cell.called.split(", ")[1] for cell in tested} == {"searched"}
    for cell in tested:
        if cell.label in plan.METHODS:
            said = {**cell.settings, **cell.fit}
            assert {name: said[name] for name in best_of(cell)} == pytest.approx(best_of(cell)), cell
    of_maple = [cell for cells in stages for cell in cells if cell.called == "search" and cell.label == "MaPLe"]
    assert len([cell for cell in of_maple if cell.task == "toy_cars"]) == 6
    without = [cell for cell in tested if cell.label == "DAPT (no inter-dispersion)"]
    assert without and all(cell.settings["beta_t"] == 0 and cell.settings["beta_v"] == 100 for cell in without)


def test_a_search_that_was_stopped_goes_on_and_nothing_is_tested_before_its_end(store):
    first = carried_out(store, stages=3)
    assert all(cell.called != "few-shot, searched" for cells in first for cell in cells)
    rest = carried_out(store)
    assert not rest[0] and not rest[1], "what was published and searched first is there"
    assert carried_out(store) == [[] for _ in rest]


# --- tables


def test_a_row_says_its_setting_and_one_fit_tested_on_tasks_and_on_shifts_is_two_protocols():
    common = {"method": "CoOp", "shots": 16, "seed": 1, "settings": "", "data": "", "task": "toy_things"}
    made = [("transfer, published", "test"), ("transfer, published", "toy_cars"), ("ablation, searched", "new"),
            ("transfer, published", "toy_things_r"), ("search", "val")]  # fmt: skip
    table = script.table(pd.DataFrame([{**common, "protocol": said, "on": on, "accuracy": 1.0} for said, on in made]))
    assert {tuple(row) for row in table[["protocol", "setting", "on"]].values} == {
        ("cross-task", "published", "test"), ("cross-task", "published", "toy_cars"),
        ("domain shift", "published", "test"), ("domain shift", "published", "toy_things_r"),
        ("ablation", "searched", "new"), ("base-to-new", "search", "val"),
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["published", "searched"])
def test_the_base_to_new_table_names_every_method_with_its_length(setting):
    lines = script.base_to_new_table(rows(), setting).splitlines()[2:]
    named = [line.split(" | ")[0].strip("| ") for line in lines]
    carried = [label for label in plan.METHODS if label in plan.CARRIES_OVER]
    if setting == "searched":
        carried = [label for label in carried if label != "PromptSRC"]  # which is not searched
    assert named == carried
    assert all(line.count("±") == 3 for line in lines)
    [maple] = [line for line in lines if line.startswith("| MaPLe ")]
    assert maple.endswith("| 5 | 100 to 200 |" if setting == "published" else "| 10 | 100 to 200 |")


def test_the_table_by_task_has_the_means_over_the_seeds():
    lines = script.base_to_new_by_task(rows(noise=0), "published").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {task}" for task in ELEVEN]
    zero_shot = 40 + 3  # of the first task, as `rows` has it, with what a seed adds in the mean
    coop = lines[0].strip("| ").split(" | ").index("CoOp (words)")
    base, new, h = map(float, lines[2].strip("| ").split(" | ")[coop].split(" / "))
    assert (base, new) == pytest.approx((zero_shot + 12 * 2, zero_shot - 10 * 2))
    assert h == pytest.approx(2 * base * new / (base + new), abs=0.2)


def test_the_few_shot_table_shows_a_mean_where_all_of_its_tasks_are_there():
    lines = {line.split(" | ")[0].strip("| "): line for line in script.few_shot_table(rows()).splitlines()[2:]}
    assert list(lines) == [label for label in plan.METHODS if label != "PromptSRC"]
    assert [lines[label].count("±") for label in ("ZeroShot", "CoOp", "MaPLe", "DAPT")] == [2, 4, 1, 1]


def test_before_the_search_the_tables_show_published_settings_alone_and_the_record_says_so():
    whole = rows()
    part = whole[(whole.setting == "published") & (whole.seed <= 3)]
    few = script.few_shot_table(part)
    assert few.startswith("| method, 16 shots | three tasks, published | eleven tasks, published |\n|---|---|---|\n")
    assert "CoOp" in few and "DAPT" not in few
    assert "searched" not in script.both(script.base_to_new_table, part)
    waits = script.waiting(part)
    assert "searched settings" in waits[0] and "DAPT" in waits[0] and waits[1] == "not run yet: seeds 4 and 5"
    assert script.waiting(whole) == []
    assert script.so_far(whole) == "Over seeds 1, 2, 3, 4, 5."
    assert script.so_far(part).startswith("Over seeds 1, 2, 3. Not run yet: searched settings")


# --- the record


def test_the_record_is_of_this_plan_and_of_the_embedded_clip(toyclip):
    about, table = recorded_runs.record("comparison", toyclip)
    searched = table[table.setting == "searched"]
    found = {(run.method, run.task) for run in searched.itertuples()}
    again = "run: python data_scripts/studies/run_comparison.py run"
    assert about["plan"][: len(in_short(plan.published()))] == in_short(plan.published()), again
    assert searched.empty or set(plan.to_search()) <= found, again
    assert about["seeds"] in (list(plan.FEW_SEEDS), list(plan.SEEDS)), again
    assert about["left_out"] == plan.LEFT_OUT + script.waiting(table)
    assert recorded_runs.COMPARISON.stat().st_size < 1e6 and table.accuracy.between(0, 100).all()


def test_the_record_took_no_longer_than_said():
    assert recorded_runs.comparison_record()["core_hours"] < 2 * HOURS


def test_the_identities_in_the_record_are_those_of_todays_code():
    """A change that gives a run another identity, such as a FORMAT that was raised, wants the study to be run again."""
    from lessons_lib.runs import Plan

    seeds = recorded_runs.comparison_record()["seeds"]
    cells = [cell for cell in plan.published(seeds) if cell.task == "toy_satellite"]
    runs = set(recorded_runs.record("comparison").rows.run)
    for key, cell in zip(Plan(script.WORK, cells).digests, cells):
        assert key[:12] in runs, f"{cell}: run: python data_scripts/studies/run_comparison.py run"


def test_what_was_tested_as_searched_is_what_did_best_on_validation_images():
    table = recorded_runs.record("comparison").rows
    if (table.setting == "published").all():
        pytest.skip("no searched settings are recorded yet")
    tried, used = table[table.setting == "search"], table[(table.setting == "searched") & (table.shots == 16)]
    for (label, task), own in tried.groupby(["method", "task"]):
        best = own[own.accuracy == own.accuracy.max()]
        runs = used[(used.method == label) & (used.task == task)].drop_duplicates(["lr", "epochs"])
        assert len(runs) == 1 and ((best.lr == runs.lr.iloc[0]) & (best.epochs == runs.epochs.iloc[0])).any()
