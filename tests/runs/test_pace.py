"""What a sweep takes, foretold from a step of each method on this machine."""

import pytest
from photo_folders import photo_folder

from lessons_lib.features import are_kept, image_features
from lessons_lib.methods import METHODS
from lessons_lib.runs import Bench, Plan, estimate, pace
from lessons_lib.runs.pace import Pace, Taken, remember, remembered, steps_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "cache"))
    photo_folder(tmp_path / "few", {"cat": 8, "dog": 8})
    photo_folder(tmp_path / "photos", {"cat": 8, "dog": 8, "owl": 8, "fox": 8})
    return tmp_path


@pytest.fixture
def plan(folder) -> Plan:
    own = {"settings": {"CoOp": {"n_ctx": 2}}, "fit": {"CoOp": {"epochs": 40, "batch_size": 4}}}
    lists = {"methods": ["ZeroShot", "CoOp"], "tasks": ["few", "photos"], "shots": [2], "seeds": [3, 4]}
    return Bench(**lists, **own, root=str(folder), device="cpu", precision="fp32").plan()


def test_a_run_is_what_is_prepared_and_so_many_steps_and_tests():
    low, high = Taken(10, 1.0, 2.0, 0.5, 0.01), Taken(20, 3.0, 6.0, 0.7, 0.01)
    found = Pace(0.1, {"a": [low, high], "b": [low]})
    assert found.run("a", 10, 5, [100, 100]) == pytest.approx(pace.AT_LEAST + 1 + 5 * 2 + 2 * 0.5 + 200 * 0.01)
    assert found.run("a", 15, 5, [100]) == pytest.approx(pace.AT_LEAST + 2 + 5 * 4 + 0.6 + 1)
    assert found.run("a", 5, 5, []) == pytest.approx(pace.AT_LEAST), "not below nothing"
    assert found.run("b", 99, 1, []) == pytest.approx(pace.AT_LEAST + 1 + 2)


def test_steps_are_epochs_of_batches_or_as_many_as_are_asked_for():
    assert steps_of({"epochs": 3, "batch_size": 32}, 65) == 9
    assert steps_of({"epochs": 3, "batch_size": None}, 65) == 3
    assert steps_of({"steps": 500, "batch_size": 32}, 65) == 500


def test_a_plan_is_timed_once_and_the_next_time_what_was_kept_is_taken(plan, monkeypatch):
    plan.work.measure(plan.cells, progress=False)
    first = [plan.work.cost(cell) for cell in plan.cells]
    assert min(first) > 0
    coop = next(cell for cell in plan.cells if cell.label == "CoOp" and cell.task == "photos")
    taken = plan.work._pace.taken
    assert list(taken) == ["CoOp"] and [one.classes for one in taken["CoOp"]] == [2, 4]
    few = pace.steps_of(plan.work.fit_settings(coop), 8)
    assert few == 40 * 2 and plan.work.cost(coop) > few * taken["CoOp"][1].step

    def again(*_):
        raise AssertionError("it is measured a second time")

    monkeypatch.setattr(pace, "measure", again)
    monkeypatch.setattr(pace, "encoding", again)
    plan.work.measure(plan.cells, progress=False)
    assert [plan.work.cost(cell) for cell in plan.cells] == first


def test_pictures_that_are_not_encoded_yet_are_counted_once(plan):
    assert plan.work.once(plan.cells) == 0.0, "nothing is measured yet"
    plan.work.measure(plan.cells, progress=False)
    work, clip = plan.work, plan.work._loaded.clip
    samples = {(cell.task, cell.seed): work._fitted_on(cell) for cell in plan.cells}
    tests = {name: work._loaded.task(name).test for name in ("few", "photos")}

    def missing() -> int:
        splits = [*(task.train for task in samples.values()), *tests.values()]
        return sum({split.fingerprint: len(split) for split in splits if not are_kept(clip, split)}.values())

    before = missing()
    assert before > 0 and work.once(plan.cells) == pytest.approx(before * work._pace.encode)
    image_features(clip, tests["photos"], progress=False)
    assert missing() == before - len(tests["photos"])
    assert work.once(plan.cells) == pytest.approx(missing() * work._pace.encode)
    assert estimate.seconds_left(plan) == pytest.approx(work.once(plan.cells) + sum(map(work.cost, plan.cells)))


def test_every_method_that_learns_by_steps_can_be_timed(folder):
    names = ["CoOp", "CoCoOp", "KgCoOp", "VPT", "IVLP", "MaPLe", "PromptSRC", "DAPT", "CLIPLoRA", "ProLIP"]
    assert set(names) <= set(METHODS)
    plan = Bench(methods=names, tasks=["photos"], shots=[2], root=str(folder), device="cpu", precision="fp32").plan()
    plan.work.measure(plan.cells, progress=False)
    assert set(plan.work._pace.taken) == set(names)
    for [one] in plan.work._pace.taken.values():
        assert one.step > 0 and min(one) >= 0


def test_what_is_kept_can_be_lost_or_damaged(folder, monkeypatch):
    assert remembered("a") is None
    remember("a", 1.5)
    remember("b", [1, 2])
    assert (remembered("a"), remembered("b"), remembered("c")) == (1.5, [1, 2], None)
    path = folder / "cache" / "pace.json"
    path.write_text("{")
    assert remembered("a") is None
    remember("a", 2)
    assert remembered("a") == 2
    path.write_text("[]")
    remember("a", 3)
    assert remembered("a") == 3

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(pace, "atomic_write", full)
    remember("a", 4)
    assert remembered("a") == 3
