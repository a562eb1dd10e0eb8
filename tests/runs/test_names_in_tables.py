"""Names that look like numbers, dates or missing values are names, in every file that is written and read."""

import json
from dataclasses import dataclass

import pandas as pd
import pytest

from lessons_lib.runs import Bench, record

ODD = ["0001", "1e5", "2024-05-01", "NA", "null", "nan", "None", "true", "no", "1_000", "0x1F", "12:30", "-", "1.0"]


def test_a_sweeps_yaml_has_names_as_they_are_written(tmp_path):
    tasks = "\n".join(f"  - {name}" for name in ODD if name != "-")
    labels = "methods: {0001: ZeroShot, no: ZeroShot}\nsettings: {no: {classnames: null}}\n"
    (tmp_path / "s.yaml").write_text(f"{labels}tasks:\n{tasks}\nshots: [1, 2]\nroot: 2024\npretrained: null\n")
    spec = Bench.from_yaml(tmp_path / "s.yaml")
    assert list(spec.tasks) == [name for name in ODD if name != "-"]
    assert list(spec.methods) == ["0001", "no"] and spec.settings == {"no": {"classnames": None}}
    assert spec.shots == (1, 2) and spec.root == "2024" and spec.pretrained is None


@pytest.mark.parametrize(
    ("folds", "read"), [("4", 4), ("{1: [0001, no], b: [NA]}", {"1": ("0001", "no"), "b": ("NA",)})]
)
def test_folds_are_a_number_or_names(tmp_path, folds, read):
    (tmp_path / "s.yaml").write_text(f"methods: ZeroShot\ntasks: toy_pets\nprotocol: folds\nfolds: {folds}\n")
    assert Bench.from_yaml(tmp_path / "s.yaml").folds == read


@dataclass(frozen=True)
class Cell:
    task: str
    fold: str


def test_a_record_has_names_as_they_were(tmp_path):
    cells = [Cell(name, name) for name in ODD]
    rows = pd.DataFrame({"task": ODD, "fold": ODD, "on": ODD, "accuracy": [float(i) for i in range(len(ODD))]})
    rows = rows.assign(n_parameters=1, seconds=1.0, peak_mib=1.0, kind="k", machine="m", versions="{}")
    rows = rows.assign(date=pd.Timestamp("2024-05-01", tz="utc"), identity=[f"{i:064x}" for i in range(len(ODD))])
    record.write(tmp_path, "r", rows, ["accuracy"], cells, {"script": "s.py", "clip": None})
    found = record.read(tmp_path, "r", "s.py").rows
    for column in ("task", "fold", "on"):
        assert found[column].tolist() == ODD
    assert json.loads((tmp_path / "r.json").read_text())["texts"] == ["task", "fold", "on", "run"]
