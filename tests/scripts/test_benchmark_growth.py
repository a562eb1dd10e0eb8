"""How the cost grows: the same code at a tiny size, and its fits on lines that are known."""

import json

import growth as benchmark
import pytest
from tiny_clip import tiny_config


def row(x: float, seconds: float, **more) -> dict:
    return {"axis": "classes", "method": "coop", "phase": "step", "x": x, "seconds": seconds, "gib": None} | more


def test_a_quick_run_measures_every_line_and_draws_it(tmp_path):
    model, out = tmp_path / "tiny.json", tmp_path / "growth.json"
    model.write_text(json.dumps(tiny_config()))
    few = ["--model", str(model), "--quick", "--repeats", "1", "--without-memory", "--processes", "--out", str(out)]
    assert benchmark.main(few) == 0
    record = json.loads(out.read_text())
    lines = {(r["axis"], r["method"], r["phase"]) for r in record["rows"]}
    assert len(lines) == 2 * (2 * len(benchmark.LEARNED) + 1) and len(record["rows"]) == 2 * len(lines)
    assert {(fit["axis"], fit["method"], fit["phase"]) for fit in record["fits"]} == lines
    assert all(r["seconds"] > 0 for r in record["rows"]) and out.with_suffix(".png").stat().st_size > 1000


def test_a_straight_line_and_a_power_are_found():
    [line] = benchmark.fitted([row(x, 2 + 3 * x) for x in (1, 10, 100)])
    assert (line["a"], line["b"], line["points"]) == (pytest.approx(2), pytest.approx(3), 3)
    [power] = benchmark.fitted([row(x, 0.5 * x**1.5) for x in (1, 10, 100)])
    assert power["exponent"] == pytest.approx(1.5)
    assert benchmark.fitted([row(1, 2.0)]) == []
    both = benchmark.fitted([row(x, 1.0 * x, gib=2.0) for x in (1, 10)])
    assert [(fit["what"], round(fit["exponent"], 6)) for fit in both] == [("seconds", 1), ("gib", 0)]


def test_a_line_ends_where_the_next_point_would_take_too_long(tmp_path):
    model = tmp_path / "tiny.json"
    model.write_text(json.dumps(tiny_config()))
    points = [benchmark.Point("classes", n, "coop", str(model), classes=n) for n in (3, 4, 5)]
    assert len(benchmark.measure(points, "step", limit=0.0, repeats=1, memory=False)) == 1
    assert len(benchmark.measure(points, "step", limit=1e9, repeats=1, memory=False)) == 3


def test_longer_contexts_are_made_and_memory_is_of_a_process_of_its_own(tmp_path):
    model = tmp_path / "tiny.json"
    model.write_text(json.dumps(tiny_config()))
    point = benchmark.Point("context", 5, "coop", str(model), classes=3, n_ctx=5)
    assert point.case().method.n_ctx == 5
    assert benchmark.peak(point, "step") >= 0
