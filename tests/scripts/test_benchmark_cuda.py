"""The benchmark for a CUDA GPU: the same code at a tiny size on the CPU, and what it says where there is no GPU."""

import json

import on_cuda as benchmark
import pytest
import torch


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    """What a smoke run writes; of the tests, two that were written here."""
    folder = tmp_path_factory.mktemp("smoke")
    tests = folder / "test_two.py"
    tests.write_text("def test_right():\n    pass\n\n\ndef test_wrong():\n    assert 1 == 2\n")
    out = folder / "record.json"
    with pytest.MonkeyPatch.context() as patch:  # the memory of a CPU is measured in processes of their own
        patch.setattr(benchmark.prompt_learning, "can_measure_memory", lambda device: False)
        assert benchmark.main(["--smoke", "--tests", str(tests), "--out", str(out)]) == 1  # a test fails
    return json.loads(out.read_text())


def test_a_smoke_run_measures_every_part(record):
    assert {"date", "machine", "versions", "settings", "targets"} <= set(record)
    assert record["targets"] == []  # they are for the real size
    assert (
        [row["precision"] for row in record["rates"]]
        == [row["precision"] for row in record["coop"]]
        == ["bf16", "fp32"]
    )
    for row in record["rates"]:
        assert row["share"] == pytest.approx(row["tower_tflops"] / row["matrix_tflops"])
        assert 0 < row["tower_gflop"] < row["whole_prompts_gflop"]
    for row in record["coop"]:
        assert min(row["library"], row["in_fit"], row["compiled"]) > 0 and row["compiled: seconds to compile"] > 0
    assert record["prompt_learning"][0]["method"] == "coop" and record["adapters"][0]["what"] == "grid"


def test_tests_are_counted_and_failures_named(record):
    tests = record["tests"]
    assert (tests["passed"], tests["failed"], tests["skipped"], tests["on_cuda"]) == (1, 1, 0, 0)
    [failure] = tests["failures"]
    assert failure.endswith("test_two::test_wrong")


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert benchmark.main(["--out", str(tmp_path / "record.json")]) == 2
    assert "no CUDA GPU on this machine" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_operations_are_those_of_the_products():
    """Of one product of (a, b) and (b, c), 2·a·b·c; the rate of a matrix of 64 is below that of any chip."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        torch.ones(3, 5) @ torch.ones(5, 7)
    assert counter.get_total_flops() == 2 * 3 * 5 * 7
    assert 0 < benchmark.matrix_rate("fp32", benchmark.settings_for(smoke=True)) < 1e15


def test_a_step_learns_and_compiling_that_fails_is_told(tmp_path, monkeypatch):
    size = benchmark.settings_for(smoke=True)
    run = benchmark.CoOpRun("fp32", size, tmp_path)
    before = run.method.ctx.detach().clone()
    run.step()
    assert not torch.equal(run.method.ctx, before)

    def broken(*_, **__):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", broken)
    [row, _] = benchmark.measure_coop(size | {"steps": 1, "repeats": 1}, tmp_path)["coop"]
    assert row["compiled"] is None and row["compiled: failed"] == "RuntimeError: no compiler here"
    assert row["library"] > 0


def test_targets_are_met_or_missed_by_what_was_measured():
    def results(steps: float, share: float, failed: int) -> dict:
        coop = [{"precision": "fp32", "library": 1.0}, {"precision": "bf16", "library": steps}]
        return {"coop": coop, "rates": [{"precision": "bf16", "share": share}], "tests": {"failed": failed}}

    assert [row["met"] for row in benchmark.judge(results(100, 0.4, 0))] == [True] * 3
    assert [row["met"] for row in benchmark.judge(results(99, 0.39, 1))] == [False] * 3
    assert benchmark.judge({}) == []


def test_tests_that_cannot_run_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="the tests did not run"):
        benchmark.run_tests(["nowhere"], tmp_path)
