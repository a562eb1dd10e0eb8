"""What lesson 15 says of the study: means of tasks at the end of whole runs, and differences with their interval."""

import pandas as pd
import pytest

from lessons_lib.teaching.lesson15 import record


def run(method: str, seed: int, epochs: int, **measured) -> list[dict]:
    rows = []
    for on, at in (("one", epochs), ("two", epochs), ("one", 1)):
        values = {name: value + (10 if on == "two" else 0) for name, value in measured.items()}
        rows.append({"method": method, "seed": seed, "epochs": epochs, "at": at, "on": on} | values)
    return rows


@pytest.fixture
def study(monkeypatch):
    runs = []
    for seed in (0, 1, 2):
        runs += [run("CLIP", seed, 12, zero_shot=20.0 + seed, linear=40.0), run("SimCLR", seed, 12, linear=30.0)]
        runs.append(run("SLIP", seed, 12, zero_shot=24.0 + 2 * seed, linear=41.0 - seed))
    table = pd.DataFrame([row for one in runs for row in one]).assign(colour=float("nan"))
    found = record.final(table)
    monkeypatch.setattr(record, "rows", lambda: found)
    return found


def test_means_are_of_the_tasks_at_the_end_of_the_runs(study):
    assert set(study.seed) == {0, 1, 2} and set(study.on) == {"zero_shot", "linear"}
    chosen = study[(study.arm == "CLIP") & (study.on == "zero_shot") & (study.seed == 0)]
    assert chosen.accuracy.tolist() == [25.0]
    assert not ((study.arm == "SimCLR") & (study.on == "zero_shot")).any()


def test_differences_are_told_with_what_can_be_said_of_them(study):
    assert record.told("SLIP", "CLIP", "zero_shot") == "SLIP − CLIP, zero-shot: +5.0 ± 2.5"
    assert record.told("SLIP", "CLIP", "linear").endswith("cannot be told from none")
    assert record.told("SLIP", record.MATCHED, "linear") == f"SLIP − {record.MATCHED}, linear probe: not measured yet"


def test_the_record_is_read_without_the_runs_that_searched_a_rate():
    assert set(record.rows.__wrapped__().seed) == {0, 1, 2} and record.seeds() == "three seeds"


def test_one_seed_has_no_interval_and_whole_seeds_are_counted(study, monkeypatch):
    assert list(record.there()) == ["CLIP", "SimCLR", "SLIP"] and record.seeds() == "no seeds"
    some = study[study.seed == 1]
    monkeypatch.setattr(record, "rows", lambda: some)
    assert record.told("SLIP", "SimCLR", "linear") == "SLIP − SimCLR, linear probe: +10.0 (one seed: no interval)"
    monkeypatch.setattr(record, "ARMS", dict.fromkeys(["CLIP", "SimCLR", "SLIP"], ""))
    assert record.seeds() == "one seed"
