"""`lessons bench`: the plan is said first, options and YAML mean the same, and failed runs are named."""

import argparse
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lessons_lib.cli import bench, main
from lessons_lib.methods import METHODS
from lessons_lib.runs import Bench, Store, Summary
from lessons_lib.runs.estimate import PER_IMAGE, in_words, seconds_left, toy_seconds
from lessons_lib.runs.sweeps import Run

SWEEP = ["--methods", "ZeroShot", "coop", "--tasks", "toy_pets", "--shots", "1", "4", "--seeds", "1"]


def parsed(*words: str) -> argparse.Namespace:
    from lessons_lib.cli.main import parse

    return parse(["bench", *words])


def rows_of(run: Run) -> list[dict]:
    return [{"on": "test", "accuracy": 50.0, "n_parameters": 7, "seconds": 1.0, "peak_mib": 2.0}]


@pytest.fixture
def carried_out(monkeypatch):
    """Instead of running anything, every run is done at once, less those of `failing` methods."""
    failing: set[str] = set()
    asked = {}

    def run(spec, store, engine, **settings):
        asked.update(settings, engine=engine)
        store.claim()
        waiting = store.plan(spec)
        for job in waiting:
            store.start(job.id, "here")
            if job.run.label in failing:
                store.fail(job.id, "ValueError: no", "here", again=False)
            else:
                store.finish(job.id, rows_of(job.run), "here")
        store.release()
        failed = sum(job.run.label in failing for job in waiting)
        return Summary(len(spec.jobs()) - len(waiting), len(waiting) - failed, failed)

    monkeypatch.setattr("lessons_lib.runs.run", run, raising=False)
    return failing, asked


def test_options_describe_the_sweep():
    spec = bench.spec_of(parsed(*SWEEP, "--set", "CoOp.n_ctx=4", "--fit", "CoOp.epochs=2", "--device", "cpu"))
    same = Bench(methods=["ZeroShot", "CoOp"], tasks="toy_pets", shots=[1, 4], seeds=1, device="cpu",
                 settings={"CoOp": {"n_ctx": 4}}, fit={"CoOp": {"epochs": 2}})  # fmt: skip
    assert spec == same


def test_a_yaml_file_describes_the_same_sweep_and_options_come_first(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump({"methods": ["ZeroShot", "CoOp"], "tasks": ["toy_pets"], "shots": [1, 4],
                                    "seeds": [1], "fit": {"CoOp": {"epochs": 3}}}))  # fmt: skip
    assert bench.spec_of(parsed(str(path))) == bench.spec_of(parsed(*SWEEP, "--fit", "CoOp.epochs=3"))
    more = bench.spec_of(parsed(str(path), "--seeds", "7", "8", "--fit", "CoOp.lr=0.1"))
    assert more.seeds == (7, 8) and more.fit == {"CoOp": {"epochs": 3, "lr": 0.1}}
    assert bench.store_path(parsed(str(path))) == tmp_path / "sweep.sqlite"
    assert bench.store_path(parsed(*SWEEP, "--store", "x.sqlite")) == Path("x.sqlite")


def test_the_example_in_the_help_is_a_sweep(tmp_path):
    text = bench.EXAMPLES.partition("take their place:\n")[2].partition("\n\n")[0]
    path = tmp_path / "sweep.yaml"
    path.write_text("\n".join(line[2:] for line in text.splitlines()))
    spec = Bench.from_yaml(path)
    assert spec.methods == {"CoOp": "CoOp", "Tip-F": "TipAdapter"} and len(spec.jobs()) == 36


def test_shorthands_for_lists():
    assert bench.methods_of(["all"]) == {name: name for name in METHODS}
    assert bench.methods_of(["lp++", "Tip-F=tip-adapter"]) == {"LPPlusPlus": "LPPlusPlus", "Tip-F": "TipAdapter"}
    assert len(bench.tasks_of(["eleven"])) == len(bench.tasks_of(["papers"])) == 11
    assert bench.tasks_of(["toy_pets", "photos/mine"]) == ["toy_pets", "photos/mine"]
    assert bench.dotted(["A b.c=1", "A b.d=x"], "--set") == {"A b": {"c": 1, "d": "x"}}
    assert bench.options(parsed("--protocol", "domain-shift"))["protocol"] == "domain shift"


def test_what_a_fit_passes_on_can_be_set_too():
    words = ["--methods", "CLIPAdapter", "TextProbe", "--tasks", "toy_pets", "--fit", "CLIPAdapter.epochs=2"]
    assert bench.spec_of(parsed(*words, "--fit", "TextProbe.lr=0.1")).fit["TextProbe"] == {"lr": 0.1}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tasks", "toy_pets"], "say what to run: a YAML file, or --methods"),
        (["--methods", "CoOp", "--tasks", "toy_pest"], "Did you mean 'toy_pets'"),
        (["--methods", "CoOpp", "--tasks", "toy_pets"], "there is no method 'CoOpp'. Did you mean 'CoOp'"),
        ([*SWEEP, "--protocol", "fewshot"], "Did you mean 'few-shot'"),
        ([*SWEEP, "--set", "n_ctx=4"], "--set n_ctx=4: write METHOD.NAME=VALUE"),
        ([*SWEEP, "--set", "CoOp.nctx=4"], "Did you mean 'n_ctx'"),
        ([*SWEEP, "--fit", "MaPLe.epochs=4"], "'MaPLe'"),
        (["no such.yaml"], "there is no sweep at 'no such.yaml'"),
    ],
)
def test_a_mistake_is_one_line(words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *words]) == 2
    err = capsys.readouterr().err
    assert says in err and err.startswith("lessons bench: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_key_of_a_yaml_file_gets_the_nearest(tmp_path, capsys):
    path = tmp_path / "sweep.yaml"
    path.write_text("methods: [CoOp]\ntasks: [toy_pets]\nshot: [1]\n")
    assert main(["bench", str(path)]) == 2
    assert "unknown key 'shot'. Did you mean 'shots'?" in capsys.readouterr().err


def test_a_dry_run_only_says_the_plan(tmp_path, capsys, carried_out):
    path = tmp_path / "runs.sqlite"
    assert main(["bench", *SWEEP, "--store", str(path), "--processes", "2", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "2 × 1 × 2 × 1 = 4 runs, kept in" in said and "estimate: about" in said and "on 2 processes" in said
    assert not path.exists() and carried_out[1] == {}


def test_methods_that_would_only_warm_up_are_named(tmp_path, capsys, carried_out):
    few = [f"--fit={label}.epochs={n}" for label, n in (("CoOp", 1), ("VPT", 2), ("Tip-F", 1), ("LPPlusPlus", 1))]
    words = [
        "--methods",
        "ZeroShot",
        "CoOp",
        "VPT",
        "Tip-F=TipAdapter",
        "LPPlusPlus",
        "--set",
        "Tip-F.finetune=true",
        *few,
    ]
    assert main(["bench", *words, "--tasks", "toy_pets", "--dry-run"]) == 0
    assert "note: CoOp: the first epoch is a warm-up at 1e-5" in capsys.readouterr().out
    assert main(["bench", *SWEEP, "--dry-run"]) == 0 and "note:" not in capsys.readouterr().out


def test_a_sweep_goes_on_where_it_stopped(tmp_path, capsys, carried_out):
    path = str(tmp_path / "runs.sqlite")
    assert main(["bench", *SWEEP, "--store", path]) == 0
    assert "4 runs done, 0 were done before, 0 failed" in capsys.readouterr().out
    assert main(["bench", *SWEEP, "--seeds", "1", "2", "--store", path]) == 0
    said = capsys.readouterr().out
    assert "= 8 runs; 4 of them are done" in said and "4 runs done, 4 were done before" in said


def test_failed_runs_are_listed_and_the_status_is_1(tmp_path, capsys, carried_out):
    carried_out[0].add("CoOp")
    path = str(tmp_path / "runs.sqlite")
    assert main(["bench", *SWEEP, "--store", path]) == 1
    said = capsys.readouterr().out
    assert "2 failed" in said and said.count("ValueError: no") == 2 and "tries them again" in said
    carried_out[0].clear()
    assert main(["bench", *SWEEP, "--store", path]) == 0


def test_how_it_runs_reaches_the_engine(tmp_path, carried_out):
    words = ["--engine", "ray", "--address", "ray://x", "--gpus-per-run", "0.25", "--retries", "3", "--processes", "4"]
    assert main(["bench", *SWEEP, "--store", str(tmp_path / "x.sqlite"), *words]) == 0
    asked = carried_out[1]
    assert (asked["engine"], asked["address"], asked["gpus_per_run"]) == ("ray", "ray://x", 0.25)
    assert (asked["retries"], asked["processes"]) == (3, 4)


def test_a_file_that_another_sweep_writes_is_said(tmp_path, capsys):
    path = tmp_path / "runs.sqlite"
    with Store(path) as other:
        other.claim()
        assert main(["bench", *SWEEP, "--store", str(path)]) == 2
    assert "is being written by another sweep" in capsys.readouterr().err


# --- the estimate


def test_every_method_that_is_trained_has_a_figure():
    assert set(PER_IMAGE) == set(METHODS) - {"ZeroShot", "LinearProbe"}


@pytest.mark.parametrize("method", METHODS)
def test_more_shots_never_take_less_time(method):
    few, many = (toy_seconds(Run("few-shot", method, method, "toy_pets", shots)) for shots in (1, 16))
    assert 0 < few <= many


def test_more_epochs_and_more_images_cost_more():
    def cost(method: str, task: str = "toy_pets", shots: int = 16, **fit) -> float:
        return toy_seconds(Run("few-shot", method, method, task, shots, fit=fit))

    assert cost("DAPT", epochs=20) > cost("DAPT", epochs=10) > cost("DAPT", shots=8, epochs=10)
    assert cost("DAPT", "toy_things", epochs=10) > cost("DAPT", epochs=10) > cost("CoOp", epochs=10)


def test_what_was_measured_counts_more_than_the_figures():
    jobs = [(Run("few-shot", "CoOp", "CoOp", "toy_pets", 4), seed) for seed in (1, 2)]
    started = pd.Timestamp("2026-01-01", tz="UTC")
    row = {"protocol": "few-shot", "method": "CoOp", "shots": 2, "state": "done", "started": started}
    status = pd.DataFrame([{**row, "finished": started + pd.Timedelta(seconds=30)}])
    assert seconds_left(jobs, status, "toyclip") == pytest.approx(2 * 60)  # twice the shots, twice the time
    nothing = status.iloc[:0]
    assert seconds_left(jobs, nothing, "toyclip") == pytest.approx(2 * toy_seconds(jobs[0][0]))
    assert seconds_left(jobs, nothing, "ViT-B-16") is None


def test_no_figures_for_real_data():
    assert toy_seconds(Run("few-shot", "CoOp", "CoOp", "eurosat")) is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.01, "1 s"), (40, "40 s"), (720, "12 min"), (12600, "3.5 h")]
)  # fmt: skip
def test_times_in_words(seconds, words):
    assert in_words(seconds) == words
