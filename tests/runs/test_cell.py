"""Fits and tests as cells: what processes measure is what protocols measure, and all that decides it is its name."""

import pickle

import pandas as pd
import pytest
from noise_task import noise_task
from photo_folders import photo_folder

from lessons_lib import load_task
from lessons_lib.data import Task
from lessons_lib.methods import METHODS, CoOp, ZeroShot
from lessons_lib.runs import Bench, Cell, FitAndTest, Place, Plan, Store, protocols, run
from lessons_lib.runs.engine import in_a_line
from lessons_lib.runs.work import Worker

EXACT = ["on", "accuracy", "n_parameters"]
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture
def photos(tmp_path):
    return photo_folder(tmp_path / "photos", {"cat": 8, "dog": 8, "owl": 8, "fox": 8})


@pytest.fixture
def plan(photos):
    own = {"settings": {"CoOp": {"n_ctx": 2}}, "fit": {"CoOp": {"epochs": 1}}, "root": str(photos.parent)}
    lists = {"methods": ["ZeroShot", "CoOp"], "tasks": "photos", "shots": [2], "seeds": [3]}
    return Bench(**lists, protocol="base-to-new", **own, **CPU).plan()


@pytest.fixture
def expected(photos, toyclip) -> pd.DataFrame:
    task = load_task(photos)
    common = {"shots": 2, "seeds": [3], "progress": False}
    zero = protocols.base_to_new(lambda: ZeroShot(toyclip), task, **common)
    coop = protocols.base_to_new(lambda: CoOp(toyclip, n_ctx=2), task, epochs=1, **common)
    return pd.concat([zero, coop], ignore_index=True)


def test_a_process_measures_what_the_protocol_measures(plan, expected):
    worker = Worker(pickle.loads(pickle.dumps(plan.work)), Place("cpu"))
    found = [(row, one.n_parameters) for one in map(worker, plan.cells) for row in one.rows]
    table = pd.DataFrame([(row.on, row.value, count) for row, count in found], columns=EXACT)
    pd.testing.assert_frame_equal(table, expected[EXACT])


def test_a_plan_in_processes_gives_the_same_table(plan, expected, tmp_path):
    with Store(tmp_path / "bench.sqlite") as store:
        assert run(plan, store, processes=1, progress=False) == (0, 2, 0)
        rows = store.rows(plan)
    columns = ["protocol", "method", "task", "shots", "seed", *EXACT]
    pd.testing.assert_frame_equal(rows[columns], expected[columns], check_dtype=False)
    assert rows["clip"].tolist() == ["toyclip"] * 4 and rows.settings.nunique() == 2
    assert "torch" in rows.versions[0] and rows.peak_mib.notna().all()


def test_weights_that_are_others_than_where_it_was_planned_are_refused(plan):
    work = pickle.loads(pickle.dumps(plan.work))
    work.fingerprint = "0" * 64
    with pytest.raises(ValueError, match="weights of toyclip on this machine are not those"):
        Worker(work, Place("cpu"))


def test_an_error_is_told_in_a_line():
    assert in_a_line(ValueError("two\n  lines")) == "ValueError: two lines"
    assert len(in_a_line(ValueError("x" * 9999))) == 500


# --- what decides a number, on a task in memory


@pytest.fixture
def made(monkeypatch, toyclip):
    """Cells on tasks in memory, by name, which can be changed; toyclip is loaded once."""
    tasks = {"noise": noise_task(), "other": noise_task(names=["red", "green", "blue"])}
    monkeypatch.setattr("lessons_lib.data.load_task", lambda name, **_: tasks[name])
    monkeypatch.setattr("lessons_lib.clip.load_clip", lambda *_, **__: toyclip)

    def digest(cell: dict | None = None, **clip) -> str:
        given = {"protocol": "few-shot", "label": "CoOp", "method": "CoOp", "task": "noise", "shots": 2, **(cell or {})}
        [found] = Plan(FitAndTest(**{**CPU, **clip}), [Cell(**given)]).digests
        return found

    digest.tasks = tasks
    return digest


def changed(task: Task, **parts) -> Task:
    kept = {"train": task.pool, "val": task.val_pool, "test": task.test, "templates": task.templates}
    return Task.from_pools(parts.pop("name", task.name), **{**kept, **parts})


def test_labels_names_the_device_and_where_data_lie_are_not_in_the_identity(made, tmp_path):
    same = made()
    made.tasks["renamed"] = changed(made.tasks["noise"], name="renamed")
    assert same == made({"label": "ours", "called": "ablation"}) == made({"task": "renamed"})
    assert same == made(device="auto") == made(root=str(tmp_path))
    assert same == made({"settings": {"class_token_position": "end"}}), "a default that was given"
    assert same == made({"fit": {"epochs": None}}) == made({"fit": {"epochs": 100}}), "the published number"


def test_what_decides_the_number_is_in_the_identity(made, monkeypatch):
    found = {
        "": made(),
        "precision": made(precision="bf16"),
        "settings": made({"settings": {"n_ctx": 4}}),
        "fit": made({"fit": {"epochs": 3}}),
        "method": made({"method": "KgCoOp"}),
        "shots": made({"shots": 4}),
        "seed": made({"seed": 2}),
        "halves": made({"protocol": "base-to-new"}),
        "fold": made({"protocol": "folds", "fold": "a", "held_out": ("cat",)}),
        "another fold": made({"protocol": "folds", "fold": "a", "held_out": ("dog",)}),
        "targets": made({"protocol": "cross-task", "others": ("other",)}),
    }
    monkeypatch.setattr(METHODS["CoOp"], "FORMAT", METHODS["CoOp"].FORMAT + 1)
    found["format"] = made()
    assert len(set(found.values())) == len(found)


def test_another_published_number_is_another_run(made, monkeypatch):
    before = made()
    monkeypatch.setattr(METHODS["CoOp"], "LR", 0.5)
    assert made() != before


@pytest.mark.parametrize("part", ["train", "test", "templates", "classnames"])
def test_another_content_of_the_task_is_another_run(made, part):
    before, task = made(), made.tasks["noise"]
    if part == "templates":
        made.tasks["noise"] = changed(task, templates=["a sketch of a {}."])
    elif part == "classnames":
        made.tasks["noise"] = noise_task(names=["cat", "crane", "dog", "tea pot", "owl"])
    else:
        pool = task.pool if part == "train" else task.test
        made.tasks["noise"] = changed(task, **{part: pool.subset(range(1, len(pool)))})
    assert made() != before


def test_another_content_of_a_target_is_another_run_and_another_name_is_not(made):
    carried = {"protocol": "cross-task", "others": ("other",)}
    before = made(carried)
    made.tasks["colours"] = made.tasks["other"]
    assert made({**carried, "others": ("colours",)}) == before
    made.tasks["other"] = noise_task(names=["red", "green", "blue"], signal=0.5)
    assert made(carried) != before


def test_a_template_that_is_given_is_not_the_one_that_the_task_says(made):
    """The fault: settings told the resolved template, which before the fit is the default, so both were one run."""
    zero = {"method": "ZeroShot", "label": "ZeroShot"}
    assert made(zero) != made({**zero, "settings": {"templates": ["a photo of a {}."]}})


def test_targets_are_called_as_they_were_asked_for(made, tmp_path):
    made.tasks["colours"] = made.tasks["other"]
    cells = [Cell("cross-task", "zero", "ZeroShot", "noise", 2, others=(name,)) for name in ("other", "colours")]
    with Store(tmp_path / "runs.sqlite") as store:
        store.claim()
        one, two = (Plan(FitAndTest(**CPU), [cell]) for cell in cells)
        [job] = store.enter(one)
        store.finish(job.id, Worker(one.work, Place("cpu"))(job.cell), "here")
        assert store.enter(two) == [], "it is the same run"
        assert store.rows(one).on.tolist() == ["test", "other"] and store.rows(two).on.tolist() == ["test", "colours"]


def test_two_targets_that_are_the_same_are_refused(made):
    made.tasks["colours"] = made.tasks["other"]
    with pytest.raises(ValueError, match="other, colours hold the same test images"):
        made({"protocol": "cross-task", "others": ("other", "colours")})


# --- what is refused before the first fit


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"settings": {"n_ctx": 0}}, "n_ctx"),
        ({"settings": {"nctx": 4}}, "Did you mean 'n_ctx'"),
        ({"fit": {"banana": 7}}, "unknown argument of CoOp.fit 'banana'"),
        ({"fit": {"epochs": 0}}, "epochs"),
        ({"fit": {"epochs": "fifty"}}, "epochs"),
        ({"fit": {"seed": 5}}, "takes no 'seed' from a sweep: each run has its own"),
        ({"method": "ZeroShot", "fit": {"epochs": 3}}, "unknown argument of ZeroShot.fit 'epochs'"),
        ({"method": "CoOpp"}, "Did you mean 'CoOp'"),
        ({"protocol": "few-shots"}, "Did you mean 'few-shot'"),
        ({"protocol": "cross-task"}, "name the tasks to which that is carried"),
        ({"protocol": "folds", "held_out": ("cat", "cow")}, "no class 'cow'"),
        ({"protocol": "base-to-new", "method": "LinearProbe"}, "cannot be measured on 'noise/new'"),
        ({"protocol": "base-to-new", "method": "TipAdapter"}, "cannot be measured on 'noise/new'"),
        ({"protocol": "base-to-new", "settings": {"class_specific": True}}, "cannot be measured on 'noise/new'"),
        ({"protocol": "cross-task", "others": ("other",), "method": "TextProbe"}, "cannot be measured on"),
        ({"protocol": "domain shift", "others": ("other",), "method": "LPPlusPlus"}, "cannot be measured on"),
        ({"shots": 17}, "17"),
    ],
)
def test_what_could_not_be_fitted_and_measured_is_refused_with_the_plan(made, cell, said):
    with pytest.raises(ValueError) as caught:
        made(cell)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_task_of_another_kind_is_refused(made, monkeypatch):
    monkeypatch.setattr(METHODS["ZeroShot"], "kind", "segment")
    with pytest.raises(ValueError, match="kind 'segment'"):
        made({"method": "ZeroShot"})


def test_what_auto_is_on_another_device_is_asked_for(made, monkeypatch):
    there_is_none = "lessons_lib.device.torch.accelerator.is_available"  # at the head of a cluster of GPUs
    monkeypatch.setattr(there_is_none, lambda: False)
    work = FitAndTest()
    assert work.precision == "fp32"
    work.prepare({"cpu"})
    with pytest.raises(ValueError, match="computes on cpu and the runs on cuda.*ask for one, such as precision 'bf16'"):
        work.prepare({"cuda"})
    FitAndTest(precision="bf16").prepare({"cuda"})
    with pytest.raises(ValueError, match="fp16.*is for GPUs"):
        FitAndTest(precision="fp16").prepare({"cpu"})
    with pytest.raises(ValueError, match="ask for a precision, too"):
        _ = FitAndTest(device="cuda").precision
    with pytest.raises(ValueError, match="unknown precision 'fp8'"):
        made(precision="fp8")


# --- what it takes


def test_more_shots_and_epochs_never_cost_less_and_there_is_a_figure_for_every_method(made):
    work = FitAndTest(**CPU)
    for name in METHODS:
        few, many = (work.cost(Cell("few-shot", name, name, "noise", shots)) for shots in (1, 16))
        assert 0 < few <= many, name
    one, ten = (work.cost(Cell("few-shot", "CoOp", "CoOp", "noise", fit={"epochs": n})) for n in (1, 10))
    assert one < ten


def test_of_another_clip_no_time_is_known(made):
    assert FitAndTest("ViT-B-16", "openai", **CPU).cost(Cell("few-shot", "CoOp", "CoOp", "noise")) is None


@pytest.mark.parametrize(
    ("method", "settings", "epochs", "warms"),
    [
        ("CoOp", {}, 1, True),
        ("CoOp", {}, 2, False),
        ("VPT", {}, 2, False),
        ("TipAdapter", {"finetune": True}, 1, False),
        ("LPPlusPlus", {}, 1, False),
        ("ZeroShot", {}, None, False),
    ],
)
def test_a_fit_that_only_warms_up_is_known(made, method, settings, epochs, warms):
    fit = {} if epochs is None else {"epochs": epochs}
    cell = Cell("few-shot", "it", method, "noise", 2, settings=settings, fit=fit)
    assert FitAndTest(**CPU).only_warming_up([cell]) == (["it"] if warms else [])
