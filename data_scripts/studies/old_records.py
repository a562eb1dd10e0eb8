"""Records as they were before the one store, each study in its own shape. `migrate_records.py` reads them once."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd
import run_comparison

from lessons_lib.runs import Result, Row

Old = dict[tuple, tuple[Result, datetime]]  # label, as `migrate_records.label_of` has it -> what was measured, and when


def of_prompt_learning(folder: Path) -> Old:
    about = load(folder / "prompt_learning_findings.json")
    return of_table(pd.read_csv(folder / "prompt_learning.csv"), ["accuracy"], about)


def of_comparison(folder: Path) -> Old:
    rows = pd.read_csv(folder / "comparison.csv")
    once = {cell.label for cell in run_comparison.cells() if cell.called == "transfer"}
    both = rows.method.isin(once) & rows.protocol.isin(["cross-task", "domain shift"])
    rows = rows.assign(protocol=rows.protocol.where(~both, "transfer"))
    spread = pd.read_csv(folder / "comparison_dispersion.csv")
    metrics = ["accuracy", "inter_class_dispersion", "intra_class_variance"]
    return of_table(pd.concat([rows, spread]), metrics, load(folder / "comparison.json"))


def of_table(rows: pd.DataFrame, metrics: list[str], about: dict) -> Old:
    """A row a measurement, with the costs; memory that was not measured stays unknown."""
    found = {}
    for label, run_rows in rows.groupby(["protocol", "method", "task", "shots", "seed"], sort=False):
        measured = {(row["on"], metric): row[metric] for row in run_rows.to_dict("records") for metric in metrics}
        kept = [Row(*what, value) for what, value in measured.items() if value == value]
        cost = {name: none_if_nan(run_rows[name].iloc[0]) for name in ("n_parameters", "seconds", "peak_mib")}
        cost["n_parameters"] = int(cost["n_parameters"])
        found[label] = recorded(about, kept, **cost)
    return found


def of_dapt_study(folder: Path) -> Old:
    about, found = load(folder / "dapt_study.json"), {}
    for one in (*about["search"], *about["test"]):
        label = ("few-shot", one["label"], one["task"], about["settings"]["shots"], one["seed"], one["on"])
        lie = [Row("train", name, one[name]) for name in ("inter_class_dispersion", "intra_class_variance")]
        rows = [Row(one["on"], "accuracy", one["accuracy"]), *lie]
        found[(*label, one["lr"], one["beta_v"], one["beta_t"])] = recorded(about, rows, seconds=one["seconds"])
    return found


def of_zero_shot(folder: Path) -> Old:
    about, found = load(folder / "zero_shot_findings.json"), {}
    shifts = {name: {"default template": scores} for name, scores in about["shifts"].items()}
    for what, names in (("task", about["accuracy"]), ("word", about["senses"]), ("shift", shifts)):
        for name, wordings in names.items():
            rows = [Row(on, "accuracy", x, draw) for on, scores in wordings.items() for draw, x in enumerate(scores)]
            best = [Row(about["best_template"][name], "chosen", 1)] if what == "task" else []
            found[what, name] = recorded(about, [*rows, *best])
    return found


def of_pretraining(folder: Path) -> Old:
    about, found = load(folder / "pretraining_study.json"), {}
    for one in about["runs"]:
        rows = [Row(on, "accuracy", x, pairs) for pairs, scores in one["zero_shot"] for on, x in scores.items()]
        rows += [Row("train", "loss", loss, pairs) for pairs, loss in one["loss"]]
        rows.append(Row("train", "flops", one["flops"], one["pairs"]))
        label = tuple(one[name] for name in ("objective", "width", "pairs", "seed", "lr"))
        found[label] = recorded(about, rows, n_parameters=one["parameters"], seconds=one["cpu_seconds"])
    return found


def recorded(about: dict, rows: list[Row], **cost) -> tuple[Result, datetime]:
    versions = about.get("versions") or {"torch": about["torch"]}
    when = datetime.fromisoformat(about.get("date") or "2026-11-21").replace(tzinfo=timezone.utc)
    return Result(rows, **cost, versions=versions, machine=about.get("machine", "")), when


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def none_if_nan(value: float) -> float | None:
    return None if value != value else float(value)


READERS = {
    "prompt_learning": of_prompt_learning,
    "comparison": of_comparison,
    "dapt_study": of_dapt_study,
    "zero_shot": of_zero_shot,
    "pretraining_study": of_pretraining,
}
