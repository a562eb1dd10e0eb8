"""The benchmark for a CUDA GPU: the same code at a tiny size on the CPU, and what it says where there is no GPU."""

import json

import on_cuda as benchmark
import pytest
import torch

SOME = ["matrix rate", "CoOp, 6", "text tower, bf16", "step, coop", "step, dapt, 32, fp32", "step, cocoop, 8, tf32",
        "pre-training, fp32", "published, coop", "published, adapters", "tests"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("smoke")


@pytest.fixture(scope="module")
def again(folder):
    """What starts, or goes on with, a smoke run of some parts; of the tests, two that were written here."""
    tests = folder / "test_two.py"
    tests.write_text("def test_right():\n    pass\n\n\ndef test_wrong():\n    assert 1 == 2\n")

    def smoke(*more: str) -> int:
        with pytest.MonkeyPatch.context() as patch:  # the memory of a CPU is measured in processes of their own
            patch.setattr(benchmark.prompt_learning, "can_measure_memory", lambda device: False)
            out = folder / "record.json"
            return benchmark.main(["--smoke", "--tests", str(tests), "--out", str(out), "--only", *SOME, *more])

    return smoke


@pytest.fixture(scope="module")
def record(again, folder) -> dict:
    assert again() == 1  # a test fails
    return json.loads((folder / "record.json").read_text())


def test_a_smoke_run_measures_every_kind_of_part(record):
    assert {"date", "machine", "versions", "settings", "targets"} <= set(record)
    assert record["targets"] == []  # they are for the real size
    parts = record["parts"]
    assert {name for name in parts if name.startswith("CoOp")} == {f"CoOp, 6 classes, {p}" for p in benchmark.DTYPES}
    tower = parts["text tower, bf16"]
    assert tower["share"] == pytest.approx(tower["tflops"] / parts["matrix rate, bf16"]["tflops"])
    assert 0 < tower["gflop"] < tower["whole_prompts_gflop"]
    for name, row in parts.items():
        if name.startswith("CoOp"):
            assert min(row["library"], row["in_fit"], row["compiled"], row["compiled: seconds to compile"]) > 0
        if name.startswith("step"):
            assert row["gib"] is None and row["share"] > 0 and row["gflop"] > 0
    assert parts["published, coop"]["rows"][0]["method"] == "coop"
    assert parts["published, adapters"]["rows"][0]["what"] == "grid"
    assert parts["pre-training, fp32"]["pairs_a_second"] > 0


def test_it_goes_on_with_what_is_not_measured_yet_and_begins_nothing_after_its_time(record, again, folder):
    path = folder / "record.json"
    lost = [name for name in record["parts"] if name.startswith("matrix rate")]
    path.write_text(json.dumps(record | {"parts": {k: v for k, v in record["parts"].items() if k not in lost}}))
    assert again("--minutes", "0") == 3
    assert json.loads(path.read_text())["parts"].keys() == record["parts"].keys() - set(lost)
    assert again() == 1
    found = json.loads(path.read_text())["parts"]
    assert found.keys() == record["parts"].keys()
    assert {name: row for name, row in found.items() if name not in lost} == {
        name: row for name, row in record["parts"].items() if name not in lost
    }


def test_another_machine_or_other_settings_begin_a_new_file(record, folder):
    path, on, size = folder / "other.json", record["machine"], record["settings"]
    path.write_text(json.dumps(record))
    assert benchmark.measured_before(path, on, size).keys() == record["parts"].keys()
    assert benchmark.measured_before(path, on | {"load_before": 9.0}, size)
    assert benchmark.measured_before(path, on | {"processor": "another"}, size) == {}
    assert benchmark.measured_before(path, on, size | {"steps": 3}) == {}
    path.write_text(json.dumps(record | {"versions": {}}))
    assert benchmark.measured_before(path, on, size) == {}


def test_every_target_and_every_precision_is_a_part(tmp_path):
    parts = benchmark.parts_for(benchmark.settings_for(smoke=False), tmp_path, benchmark.test_folders())
    assert set(benchmark.TARGETS) <= set(parts)
    assert {"tests, tests/clip", "tests, tests/methods", "tests, tests/test_device.py"} <= set(parts)
    order = list(parts)
    for name in parts:  # a share needs the chip's rate
        if name.startswith(("step", "text tower")):
            assert order.index(f"matrix rate, {name.rsplit(', ', 1)[1]}") < order.index(name)


def test_tf32_multiplies_float32_another_way_and_only_there():
    def part(done: dict) -> dict:
        return {"products": torch.get_float32_matmul_precision()}

    assert benchmark.measure(part, "a, tf32", {})["products"] == "high"
    assert benchmark.measure(part, "a, fp32", {})["products"] == "highest"
    assert torch.get_float32_matmul_precision() == "highest"


def test_tests_are_counted_and_failures_named(record):
    [tests] = [row for name, row in record["parts"].items() if name.startswith("tests")]
    assert (tests["passed"], tests["failed"], tests["skipped"], tests["on_cuda"]) == (1, 1, 0, 0)
    [failure] = tests["failures"]
    assert failure.endswith("test_two::test_wrong")


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert benchmark.main(["--out", str(tmp_path / "record.json")]) == 2
    assert "no CUDA GPU on this machine" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_operations_are_those_of_the_products():
    """Of one product of (a, b) and (b, c), 2·a·b·c; the rate of a matrix of 64 is below that of any chip."""
    assert benchmark.operations(lambda: torch.ones(3, 5) @ torch.ones(5, 7)) == 2 * 3 * 5 * 7
    assert 0 < benchmark.matrix_rate("fp32", benchmark.settings_for(smoke=True), {})["tflops"] < 1e3


def test_a_step_learns_and_compiling_that_fails_is_told(tmp_path, monkeypatch):
    size = benchmark.settings_for(smoke=True)
    run = benchmark.CoOpRun(6, "fp32", size, tmp_path)
    before = run.method.ctx.detach().clone()
    run.step()
    assert not torch.equal(run.method.ctx, before)

    def broken(*_, **__):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", broken)
    row = benchmark.coop(6, "bf16", size | {"steps": 1, "repeats": 1}, tmp_path, {})
    assert row["compiled"] is None and row["compiled: failed"] == "RuntimeError: no compiler here"
    assert row["library"] > 0


def test_targets_are_met_or_missed_by_what_was_measured():
    def results(steps: float, share: float, failed: int) -> dict:
        coop = {"CoOp, 1000 classes, fp32": {"library": 1.0}, "CoOp, 1000 classes, bf16": {"library": steps}}
        return coop | {"text tower, bf16": {"share": share}, "tests, a": {"failed": 0}, "tests, b": {"failed": failed}}

    assert [row["met"] for row in benchmark.judge(results(100, 0.4, 0))] == [True] * 3
    assert [row["met"] for row in benchmark.judge(results(99, 0.39, 1))] == [False] * 3
    assert benchmark.judge({}) == []


def test_tests_that_cannot_run_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="the tests did not run"):
        benchmark.run_tests("nowhere", tmp_path, {})
