"""`lessons report`: means and intervals are those of the runs, averages only of what is whole, papers beside."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from lessons_lib.cli import main
from lessons_lib.metrics import harmonic_mean, interval
from lessons_lib.runs import Bench, Plan, Result, Row, Store, Work
from lessons_lib.runs.published import NUMBERS, compared, with_published
from lessons_lib.runs.report import chosen, costs, markdown, markdown_table, tables
from lessons_lib.runs.summary import AVERAGE, Runs, summarise
from lessons_lib.toyworld import ELEVEN as TOYS

SPEC = {"model": "toyclip", "pretrained": None, "protocol": "few-shot", "methods": {}, "tasks": [], "shots": [16],
        "seeds": [1, 2, 3], "settings": {}, "fit": {}}  # fmt: skip


PAPER = {"CLIPAdapter": "CLIP-Adapter", "TipAdapter": "Tip-Adapter"}


def accuracy(method: str, task: str, on: str, shots: int, seed: int) -> float:
    """Some number that depends on everything."""
    draw = np.random.default_rng([len(method), sum(map(ord, task + on)), shots, seed])
    return round(float(draw.uniform(20, 90)), 3)


def some_runs(
    protocol="few-shot", methods=("ZeroShot", "CoOp"), tasks=("toy_pets", "toy_food"), shots=(1, 16), seeds=(1, 2, 3),
    ons=("test",), missing=(), failed=(), settings="aa", data="d", clip="toyclip", metrics=("accuracy",), unit="%",
) -> Runs:  # fmt: skip
    """missing, failed: (method, task, shots, seed)."""
    rows, status = [], []
    for seed in seeds:
        for task in tasks:
            for k in shots:
                for method in methods:
                    key = {"protocol": protocol, "method": method, "task": task, "shots": k, "seed": seed}
                    key |= {"settings": settings, "data": data, "clip": clip}
                    cell = (method, task, k, seed)
                    state = "failed" if cell in failed else "waiting" if cell in missing else "done"
                    status.append({**key, "state": state, "attempts": 1, "error": "ValueError: a | b"})
                    for on in ons if state == "done" else ():
                        cost = {"n_parameters": 2048, "seconds": 2.0, "peak_mib": float("nan")}
                        for i, metric in enumerate(metrics):
                            number = {"metric": metric, "value": accuracy(method, task, on, k, seed) + i, "unit": unit}
                            rows.append({**key, "on": on, **number, **cost})
    papers = {name: PAPER.get(name, name) for name in methods}
    spec = {**SPEC, "protocol": protocol, "methods": {name: name for name in methods}, "tasks": list(tasks),
            "shots": list(shots), "seeds": list(seeds), "in papers": papers}  # fmt: skip
    return Runs(pd.DataFrame(rows), pd.DataFrame(status), [spec])


def line(summary: pd.DataFrame, **wanted) -> pd.Series:
    found = summary
    for column, value in wanted.items():
        found = found[found[column] == value]
    assert len(found) == 1, found
    return found.iloc[0]


def test_a_cell_is_the_mean_over_seeds_with_its_interval():
    summary = summarise(some_runs())
    cell = line(summary, method="CoOp", task="toy_food", shots=16)
    right = interval([accuracy("CoOp", "toy_food", "test", 16, seed) for seed in (1, 2, 3)])
    assert (cell["mean"], cell["half_width"], cell["n"], cell["asked"]) == (*right, 3)


def test_the_average_is_taken_within_each_seed():
    summary = summarise(some_runs())
    by_seed = [
        np.mean([accuracy("CoOp", task, "test", 1, seed) for task in ("toy_pets", "toy_food")]) for seed in (1, 2, 3)
    ]
    cell = line(summary, method="CoOp", task=AVERAGE, shots=1)
    assert (cell["mean"], cell["half_width"]) == pytest.approx(interval(by_seed)[:2])


def test_a_seed_that_lacks_a_task_is_left_out_of_the_average_and_that_is_said():
    runs = some_runs(shots=(4,), missing=[("CoOp", "toy_food", 4, 3)])
    summary = summarise(runs)
    by_seed = [np.mean([accuracy("CoOp", task, "test", 4, s) for task in ("toy_pets", "toy_food")]) for s in (1, 2)]
    cell = line(summary, method="CoOp", task=AVERAGE)
    assert (cell["n"], cell["asked"]) == (2, 3) and cell["mean"] == pytest.approx(np.mean(by_seed))
    [table] = tables(summary, runs.status).values()
    row = table.set_index("method").loc["CoOp"]
    assert row["toy_food"].endswith("(2 of 3)") and row[AVERAGE].endswith("(2 of 3)") and "of" not in row["toy_pets"]


def test_a_method_without_all_tasks_has_no_average():
    runs = some_runs(shots=(4,), missing=[("CoOp", "toy_food", 4, seed) for seed in (1, 2, 3)])
    [table] = tables(summarise(runs), runs.status).values()
    assert list(table.set_index("method").loc["CoOp", ["toy_food", AVERAGE]]) == ["–", "–"]


def test_what_no_seed_has_done_yet_has_its_place():
    waiting = [(method, "toy_food", k, seed) for method in ("ZeroShot", "CoOp") for k in (1, 16) for seed in (1, 2, 3)]
    runs = some_runs(missing=[*waiting, *(("CoOp", "toy_pets", k, seed) for k in (1, 16) for seed in (1, 2, 3))])
    found = tables(summarise(runs), runs.status)
    table = found["Few-shot, toyclip, accuracy (%): 16 shots"].set_index("method")
    assert list(table.index) == ["ZeroShot", "CoOp"] and list(table.columns) == ["toy_pets", "toy_food", AVERAGE]
    assert (table != "–").sum().sum() == 1


def test_few_shot_tables_are_by_shots_and_by_task():
    runs = some_runs()
    found = tables(summarise(runs), runs.status)
    assert list(found) == [
        f"Few-shot, toyclip, accuracy (%): {title}" for title in ("mean of 2 tasks by shots", "1 shot", "16 shots")
    ]
    first, _, last = found.values()
    assert list(first.columns) == ["method", "1 shot", "16 shots"] and list(first["method"]) == ["ZeroShot", "CoOp"]
    assert list(last.columns) == ["method", "toy_pets", "toy_food", AVERAGE]
    assert last.set_index("method").loc["CoOp", AVERAGE] == first.set_index("method").loc["CoOp", "16 shots"]


def test_one_task_has_no_average():
    runs = some_runs(tasks=("toy_pets",))
    summary = summarise(runs)
    assert list(tables(summary, runs.status)) == ["Few-shot, toyclip, accuracy (%): toy_pets by shots"]
    assert AVERAGE not in summary["task"].values


def test_both_averages_of_h_are_there_and_named_apart():
    runs = some_runs("base-to-new", shots=(16,), ons=("base", "new"))
    summary = summarise(runs)
    of_means, of_tasks = [], []
    for seed in (1, 2, 3):
        values = {on: [accuracy("CoOp", task, on, 16, seed) for task in ("toy_pets", "toy_food")]
                  for on in ("base", "new")}  # fmt: skip
        of_means.append(harmonic_mean(np.mean(values["base"]), np.mean(values["new"])))
        of_tasks.append(np.mean([harmonic_mean(b, n) for b, n in zip(values["base"], values["new"])]))
    assert np.mean(of_means) - np.mean(of_tasks) > 0.1, "they differ"
    assert line(summary, method="CoOp", task=AVERAGE, on="H of means")["mean"] == pytest.approx(np.mean(of_means))
    assert line(summary, method="CoOp", task=AVERAGE, on="mean of H")["mean"] == pytest.approx(np.mean(of_tasks))
    assert "H" not in set(summary.loc[summary["task"] == AVERAGE, "on"]), "which would not say which it is"
    found = tables(summary, runs.status)
    heading = "Base-to-new, toyclip, accuracy (%)"
    assert list(found) == [f"{heading}: mean of 2 tasks, 16 shots", f"{heading}: by task, 16 shots"]
    mean, by_task = found.values()
    assert list(mean.columns) == ["method", "base", "new", "H of means", "mean of H"]
    assert list(by_task.columns) == ["task", "method", "base", "new", "H"]
    assert list(by_task["task"]) == ["toy_pets", "toy_pets", "toy_food", "toy_food"]
    assert "*H of means*, of the mean base and the mean new value, is the papers'" in markdown(runs, "x")


def test_a_protocol_under_another_name_is_told_by_what_was_measured_on():
    runs = some_runs("ablation", shots=(16,), ons=("base", "new"))
    assert {"H of means", "mean of H"} <= set(summarise(runs)["on"])


def test_another_metric_has_its_own_name_and_unit_and_no_published_number():
    runs = some_runs(tasks=("toy_satellite",), shots=(16,), metrics=("mIoU",))
    assert list(tables(summarise(runs), runs.status)) == ["Few-shot, toyclip, mIoU (%): 16 shots"]
    assert compared(summarise(runs), runs.plans).empty
    plain = some_runs(shots=(16,), tasks=("toy_pets",), metrics=("dispersion",), unit="")
    assert list(tables(summarise(plain), plain.status)) == ["Few-shot, toyclip, dispersion: 16 shots"]


def test_of_several_metrics_the_first_is_shown_and_the_others_can_be_asked_for():
    runs = some_runs(tasks=("toy_satellite",), shots=(16,), metrics=("accuracy", "mean of classes"))
    page = markdown(runs, "x")
    assert "accuracy (%): 16 shots" in page and "mean of classes (%)" not in page
    assert "Also measured: mean of classes (`--metric`)." in page
    assert "mean of classes (%): 16 shots" in markdown(runs, "x", metric="mean of classes")
    assert set(with_published(summarise(runs), runs.plans)["metric"]) == {"accuracy", "mean of classes"}
    with pytest.raises(ValueError, match="'mIoU' was not measured: there are accuracy, mean of classes"):
        chosen(summarise(runs), "mIoU")


def bounded(floors: dict[str, float], **settings) -> Runs:
    """method -> floor; one ceiling for all."""
    runs = some_runs(methods=tuple(floors), metrics=("mIoU", "mIoU_ceiling", "mIoU_floor", "pixels"), **settings)
    runs.rows.loc[runs.rows["metric"] == "mIoU_ceiling", "value"] = 88.0
    for method, floor in floors.items():
        runs.rows.loc[(runs.rows["metric"] == "mIoU_floor") & (runs.rows["method"] == method), "value"] = floor
    return runs


def test_floor_and_ceiling_stand_beside_their_metric_unasked():
    runs = bounded({"Dense": 5.0, "Sharp": 5.0}, shots=(16,))
    page, table = markdown(runs, "x"), tables(chosen(summarise(runs)), runs.status)
    [table] = (one.set_index("method") for one in table.values())
    assert list(table.index) == ["Dense", "Sharp", "floor", "ceiling"]
    assert list(table.loc["floor"]) == ["5.0 ± 0.0"] * 3 and list(table.loc["ceiling"]) == ["88.0 ± 0.0"] * 3
    assert "*Floor* is what" in page and "Also measured: pixels (`--metric`)." in page
    assert "*Floor*" not in markdown(runs, "x", metric="pixels") and "*Floor*" not in markdown(some_runs(), "x")
    assert set(chosen(summarise(runs), "mIoU_floor")["method"]) == {"Dense", "Sharp"}, "asked for, they are theirs"


def test_bounds_that_differ_say_whose_they_are_and_stand_with_their_task():
    runs = bounded({"Dense": 5.0, "Coarse": 7.0}, shots=(16,), protocol="base-to-new", ons=("base", "new"))
    found = tables(chosen(summarise(runs)), runs.status)
    by_task = found["Base-to-new, toyclip, mIoU (%): by task, 16 shots"]
    lines = ["Dense", "Coarse", "floor of Dense", "floor of Coarse", "ceiling"]
    assert by_task[["task", "method"]].values.tolist() == [
        [task, one] for task in ("toy_pets", "toy_food") for one in lines
    ]
    assert set(by_task.loc[by_task["method"] == "floor of Coarse", "H"]) == {"7.0 ± 0.0"}


@pytest.mark.parametrize("protocol", ["cross-task", "domain shift"])
def test_what_was_carried_over_is_a_row_a_method(protocol):
    runs = some_runs(protocol, tasks=("toy_things",), shots=(16,), ons=("test", "toy_pets", "toy_food"))
    [(title, table)] = tables(summarise(runs), runs.status).items()
    assert title == f"{protocol.capitalize()}, toyclip, accuracy (%): fitted on toy_things, 16 shots"
    assert list(table.columns) == ["method", "toy_things", "toy_pets", "toy_food", AVERAGE]
    by_seed = [
        np.mean([accuracy("CoOp", "toy_things", on, 16, s) for on in ("toy_pets", "toy_food")]) for s in (1, 2, 3)
    ]
    assert table.set_index("method").loc["CoOp", AVERAGE] == str(interval(by_seed))


def test_settings_that_differ_under_one_label_are_kept_apart():
    one, other = some_runs(shots=(4,), settings="aa"), some_runs(shots=(4,), methods=("CoOp",), settings="bb")
    both = Runs(pd.concat([one.rows, other.rows]), pd.concat([one.status, other.status]))
    assert set(both.rows["method"]) == {"ZeroShot", "CoOp [aa]", "CoOp [bb]"}


def test_data_that_differ_under_one_name_are_kept_apart():
    one, other = some_runs(shots=(4,), data="d1"), some_runs(shots=(4,), data="d2", tasks=("toy_pets",))
    both = Runs(pd.concat([one.rows, other.rows]), pd.concat([one.status, other.status]))
    assert set(both.rows["task"]) == {"toy_pets [d1]", "toy_pets [d2]", "toy_food"}


def test_two_clips_have_tables_of_their_own():
    one, other = some_runs(shots=(4,)), some_runs(shots=(4,), clip="ViT-B-16 openai")
    both = Runs(pd.concat([one.rows, other.rows]), pd.concat([one.status, other.status]))
    assert set(both.rows["method"]) == {"ZeroShot", "CoOp"}
    assert list(tables(summarise(both), both.status)) == [
        "Few-shot, toyclip, accuracy (%): 4 shots",
        "Few-shot, ViT-B-16 openai, accuracy (%): 4 shots",
    ]


# --- the published numbers


def test_published_h_is_the_harmonic_mean_of_published_base_and_new():
    found = {(n.method, n.on): n.accuracy for n in NUMBERS if n.protocol == "base-to-new"}
    for method in {method for method, _ in found}:
        assert harmonic_mean(found[method, "base"], found[method, "new"]) == pytest.approx(
            found[method, "H of means"], abs=0.01
        )


def test_the_difference_is_from_the_twin():
    runs = some_runs(tasks=("toy_satellite", "toy_pets"), methods=("ZeroShot", "CLIPAdapter", "CoOp"))
    summary = summarise(runs)
    beside = compared(summary, runs.plans)
    assert list(beside["method"]) == ["ZeroShot", "CLIPAdapter"] and set(beside["task"]) == {"toy_satellite"}
    row = line(beside, method="CLIPAdapter")
    here = line(summary, method="CLIPAdapter", task="toy_satellite", shots=16)["mean"]
    assert row["published"] == 84.43 and row["difference"] == pytest.approx(here - 84.43)


def test_the_papers_mean_of_eleven_needs_all_eleven():
    some = {"shots": (16,), "ons": ("base", "new"), "seeds": (1, 2)}
    runs = some_runs("base-to-new", tasks=TOYS, **some)
    beside = compared(summarise(runs), runs.plans)
    assert list(line(beside, method="CoOp", on="H of means")[["task", "published"]]) == [AVERAGE, 71.66]
    fewer = some_runs("base-to-new", tasks=TOYS[:10], **some)
    assert compared(summarise(fewer), fewer.plans).empty


def test_domain_shift_and_cross_task_have_their_numbers():
    runs = some_runs("domain shift", tasks=("imagenet",), shots=(16,), ons=("test", "imagenetv2", "imagenet_r"))
    beside = compared(summarise(runs), runs.plans)
    assert line(beside, method="CoOp", on="imagenet_r")["published"] == 75.21
    assert line(beside, method="CoOp", on="test")["published"] == 71.51
    others = [toy for toy in TOYS if toy != "toy_things"]
    runs = some_runs("cross-task", tasks=("toy_things",), shots=(16,), ons=("test", *others))
    assert list(compared(summarise(runs), runs.plans)["published"]) == [63.88]


def test_other_shots_and_variants_have_no_published_number():
    runs = some_runs(tasks=("toy_satellite",), shots=(4,))
    assert compared(summarise(runs), runs.plans).empty
    runs = some_runs(tasks=("toy_satellite",), shots=(16,))
    assert len(compared(summarise(runs), runs.plans)) == 1
    runs.plans[0]["in papers"]["ZeroShot"] = ""  # as `method.paper_name` says of other settings than the paper's
    assert compared(summarise(runs), runs.plans).empty


def test_the_names_of_published_numbers_are_those_that_methods_give_themselves(clip):
    from lessons_lib.methods import METHODS

    known = {make(clip).paper_name for make in METHODS.values()} | {
        METHODS["TipAdapter"](clip, finetune=True).paper_name
    }
    assert {number.method for number in NUMBERS} <= known


def test_the_csv_has_a_line_a_cell_with_the_published_number_where_there_is_one():
    runs = some_runs(tasks=("toy_satellite", "toy_pets"))
    summary = summarise(runs)
    table = with_published(summary, runs.plans)
    assert len(table) == len(summary)
    assert line(table, method="ZeroShot", task="toy_satellite", shots=16)["published"] == 37.52
    assert table["published"].notna().sum() == 1


# --- the page


def test_the_page_says_how_much_is_done_and_what_failed():
    runs = some_runs(missing=[("CoOp", "toy_food", 16, 3)], failed=[("CoOp", "toy_pets", 1, 2)])
    page = markdown(runs, "runs.sqlite")
    assert page.startswith("# Report of runs.sqlite\n\n22 of 24 runs are done (92 %), 1 waiting, 1 failed.\n")
    assert "## Runs that failed" in page and "ValueError: a \\| b" in page
    assert "settings as published" in page and "## What a fit cost" in page


def test_own_settings_are_named():
    runs = some_runs()
    runs.plans[0]["fit"] = {"CoOp": {"epochs": 5}}
    assert "own settings: CoOp: epochs=5" in markdown(runs, "x")


def test_a_sweep_that_has_done_nothing_yet_has_a_page():
    every = [(method, task, 16, 1) for method in ("ZeroShot", "CoOp") for task in ("toy_pets", "toy_food")]
    page = markdown(some_runs(shots=(16,), seeds=(1,), missing=every), "x")
    assert "0 of 4 runs are done (0 %), 4 waiting." in page and "|" not in page


def test_costs_are_means_over_runs():
    table = costs(some_runs())
    assert list(table["numbers learned"]) == ["2,048", "2,048"] and list(table["peak memory, MiB"]) == ["–", "–"]


def test_markdown_tables_keep_their_columns():
    table = markdown_table(pd.DataFrame({"a": ["x|y"], "b": ["two\nlines"], "c": [-1.5]}))
    assert table.splitlines() == ["| a | b | c |", "| --- | --- | ---: |", "| x\\|y | two lines | -1.5 |"]


# --- the command


@pytest.fixture
def file(tmp_path):
    """Half of a sweep, which is still going on."""
    path = tmp_path / "runs.sqlite"
    spec = Bench(methods=["ZeroShot", "CoOp"], tasks=["toy_pets", "toy_satellite"], shots=[1, 16], seeds=[1, 2])
    with Store(path) as store:
        store.claim()
        for job in store.enter(spec.plan())[:12]:
            store.start(job.id, "here")
            value = accuracy(job.cell.label, job.cell.task, "test", job.cell.shots, job.cell.seed)
            store.finish(job.id, Result([Row("test", "accuracy", value)], 1, 1.0, 1.0), "here", {"accuracy": "%"})
        yield path


def test_a_sweep_is_read_while_it_runs(file, capsys):
    assert main(["report", str(file)]) == 0
    said = capsys.readouterr().out
    assert "12 of 16 runs are done (75 %), 4 waiting. Process " in said and "(1 of 2)" in said


@dataclass(frozen=True)
class Training:
    width: int
    rates: tuple = (0.1, 0.2)
    seed: int | None = None


class Study(Work):
    kind = "a training of the study"

    def __init__(self, rule: str = "as ever"):
        self.rule = rule

    def identity(self, cell):
        return {"width": cell.width, "seed": cell.seed, "rule": self.rule}

    def unit(self, metric):
        return "%" if metric == "accuracy" else ""


def keep(store: Store, plan: Plan, leave: int = 0) -> None:
    """Some numbers of every run, but for the last ones."""
    jobs = store.enter(plan)
    for job in jobs[: len(jobs) - leave]:
        seed = job.cell.seed or 0
        rows = [Row("test", "accuracy", 50.0 + seed + job.cell.width), Row("train", "loss", 0.01234, 4)]
        store.finish(job.id, Result(rows), "here", {"accuracy": "%"})


def table_of(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in page.splitlines() if row.startswith("|")]


def test_runs_of_any_other_kind_are_a_plain_table(tmp_path, capsys):
    path = tmp_path / "study.sqlite"
    with Store(path) as store:
        store.claim()
        keep(store, Plan(Study(), [Training(width, seed=seed) for width in (8, 16) for seed in (1, 3)]), leave=1)
        [failing] = store.enter(Plan(Study(), [Training(32, seed=1)]))
        store.start(failing.id, "here")
        store.fail(failing.id, "ValueError: too wide", "here", again=False)
    assert main(["report", str(path), "--metric", "accuracy"]) == 0
    page = capsys.readouterr().out
    assert "3 of 5 runs are done (60 %), 1 waiting, 1 failed." in page and "## A training of the study" in page
    titles, _, *lines = table_of(page.partition("Runs that failed:")[0])
    assert titles == ["width", "rates", "on", "metric", "mean"]
    assert lines == [
        ["8", "[0.1, 0.2]", "test", "accuracy (%)", str(interval([59.0, 61.0]))],
        ["16", "[0.1, 0.2]", "test", "accuracy (%)", "67.0 (1 of 2)"],
    ]
    assert table_of(page)[-1] == ["32", "[0.1, 0.2]", "1", "1", "ValueError: too wide"]
    assert main(["report", str(path), "--metric", "mIoU"]) == 2
    assert "'mIoU' was not measured: there are accuracy, loss" in capsys.readouterr().err


def test_beside_a_sweep_other_kinds_lose_nothing(tmp_path):
    path = tmp_path / "both.sqlite"
    with Store(path) as store:
        spec = Bench(methods=["ZeroShot"], tasks=["toy_pets"], shots=[1], seeds=[1])
        store.claim()
        [job] = store.enter(spec.plan())
        store.finish(job.id, Result([Row("test", "accuracy", 70.0)], 1, 1.0, 1.0), "here", {"accuracy": "%"})
        keep(store, Plan(Study(), [Training(8)]))
        keep(store, Plan(Study("a new one"), [Training(8)]))
    assert main(["report", str(path), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.md").read_text()
    assert "3 of 3 runs are done" in page and "Few-shot, toyclip, accuracy (%)" in page and "0.01234" in page
    study = table_of(page[page.index("## A training") :])
    assert study[0] == ["width", "rates", "run", "on", "at", "metric", "mean"], "two runs of one name are kept apart"
    assert len(study) == 2 + 4 and {line[0] for line in study[2:]} == {"8"}
    table = pd.read_csv(tmp_path / "report.csv")
    assert table["kind"].isna().tolist() == [True] + [False] * 4 and set(table["mean"]) == {70, 58, 0.01234}


def test_the_runs_themselves_as_csv(file, capsys):
    import io

    assert main(["report", str(file), "--format", "runs"]) == 0
    rows = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(rows) == 12
    first = rows.iloc[0]
    assert first["accuracy"] == accuracy(first["method"], first["task"], first["on"], first["shots"], first["seed"])


def test_page_table_and_picture_are_written(file, tmp_path, capsys):
    assert main(["report", str(file), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.md").read_text()
    assert "![report.png](report.png)" in page
    assert (tmp_path / "out" / "report.png").read_bytes().startswith(b"\x89PNG")
    assert "half_width" in (tmp_path / "out" / "report.csv").read_text()
    assert capsys.readouterr().out.count("wrote") == 3


@pytest.mark.parametrize(
    ("protocol", "settings"),
    [
        ("few-shot", {"shots": (16,)}),
        ("few-shot", {"methods": [f"method {i}" for i in range(14)], "tasks": ("toy_pets",)}),
        ("base-to-new", {"ons": ("base", "new"), "shots": (16,)}),
        ("base-to-new", {"ons": ("base", "new"), "shots": (16,), "tasks": ("toy_pets",), "seeds": (1,)}),
        ("few-shot", {"shots": (1, 16), "metrics": ("dispersion",), "unit": ""}),
        ("cross-task", {"ons": ("test", "toy_pets"), "tasks": ("toy_things",), "shots": (16,)}),
    ],
)
def test_every_protocol_has_a_figure_with_every_method(protocol, settings):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from lessons_lib.cli.figures import _looks, figure_of

    runs = some_runs(protocol, **settings)
    summary = summarise(runs)
    figure = figure_of(summary, "toyclip", protocol)
    names = {text.get_text() for ax in figure.axes for text in [*ax.get_yticklabels()]}
    names |= {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    assert set(summary["method"]) <= names
    figure.draw_without_rendering()
    heights = {round(ax.get_position().height, 3) for ax in figure.axes if ax.axison}
    assert len(heights) == 1, "a long legend leaves the panels alike"
    looks = [tuple(look.values()) for look in _looks(summary).values()]
    assert len(set(looks)) == len(looks)
    pyplot.close(figure)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "there are no runs at"), (b"not a database, but long enough", "runs.sqlite'")]
)
def test_a_file_that_holds_no_runs(content, says, tmp_path, capsys):
    path = tmp_path / "runs.sqlite"
    if content:
        path.write_bytes(content)
    assert main(["report", str(path)]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
