"""`lessons bench`: the plan is said first, options and YAML mean the same, and failed runs are named."""

import argparse
from pathlib import Path

import pytest
import yaml

from lessons_lib.cli import bench, main
from lessons_lib.methods import METHODS
from lessons_lib.runs import Bench, Result, Row, Store, Summary

SWEEP = ["--methods", "ZeroShot", "coop", "--tasks", "toy_pets", "--shots", "1", "4", "--seeds", "1"]


def parsed(*words: str) -> argparse.Namespace:
    from lessons_lib.cli.main import parse

    return parse(["bench", *words])


@pytest.fixture
def carried_out(monkeypatch):
    """Instead of running anything, every run is done at once, less those of `failing` methods."""
    failing: set[str] = set()
    asked = {}

    def run(plan, store, engine, **settings):
        asked.update(settings, engine=engine)
        store.claim()
        waiting = store.enter(plan)
        for job in waiting:
            store.start(job.id, "here")
            if job.cell.label in failing:
                store.fail(job.id, "ValueError: no", "here", again=False)
            else:
                store.finish(job.id, Result([Row("test", "accuracy", 50.0)], 7, 1.0, 2.0), "here")
        store.release()
        failed = sum(job.cell.label in failing for job in waiting)
        return Summary(len(plan.jobs) - len(waiting), len(waiting) - failed, failed)

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
    assert spec.methods == {"CoOp": "CoOp", "Tip-F": "TipAdapter"} and len(spec.cells()) == 36


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
        (["--methods", "CoOp", "--tasks", "toy_pets", "--fit", "CoOp.epochs=0"], "epochs"),
        (["--methods", "TipAdapter", "--tasks", "toy_pets", "--protocol", "base-to-new"], "cannot be measured on"),
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


@pytest.mark.parametrize(
    "text", ["methods: 5\ntasks: toy_pets", "methods: CoOp\ntasks: 5", "methods: CoOp\ntasks: [[1]]"]
)
def test_wrong_types_in_a_yaml_file_are_a_sentence(text, tmp_path, capsys):
    (tmp_path / "sweep.yaml").write_text(text)
    assert main(["bench", str(tmp_path / "sweep.yaml"), "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert "sweep.yaml" in err and err.count("\n") == 1


def test_no_epochs_in_a_yaml_file_are_the_published_ones(tmp_path, capsys):
    """The fault: a TypeError in the dry run."""
    path = tmp_path / "sweep.yaml"
    path.write_text("methods: CoOp\ntasks: toy_pets\nfit: {CoOp: {epochs: null}}\n")
    assert main(["bench", str(path), "--dry-run"]) == 0
    assert "estimate: about" in capsys.readouterr().out


def test_a_method_of_which_no_time_is_known_has_no_estimate(monkeypatch, tmp_path, capsys):
    """The fault: a KeyError in the plan of every sweep with a method that a table lacked."""
    monkeypatch.setattr(METHODS["ZeroShot"], "cost", lambda self, sizes: None)  # CoOp's is measured
    assert main(["bench", *SWEEP, "--store", str(tmp_path / "none.sqlite"), "--dry-run"]) == 0
    assert "how long it takes shows after the first runs" in capsys.readouterr().out


def test_folds_are_counted(tmp_path, capsys):
    words = ["--methods", "CoOp", "--tasks", "toy_pets", "--seeds", "1", "--protocol", "folds", "--folds", "3"]
    assert main(["bench", *words, "--store", str(tmp_path / "none.sqlite"), "--dry-run"]) == 0
    assert "1 × 1 × 3 × 1 × 1 = 3 runs" in capsys.readouterr().out


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
    names = ["ZeroShot", "CoOp", "VPT", "Tip-F=TipAdapter", "LPPlusPlus"]
    words = ["--methods", *names, "--set", "Tip-F.finetune=true", *few]
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
