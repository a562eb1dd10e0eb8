"""Long studies that lessons read instead of running them: which script made each, and its rows as a table.

Each is a record (`lessons_lib.runs.record`): a table, and beside it what made it. Reading one raises FileNotFoundError
where there is none, and ValueError where its files do not belong together or were changed by hand; the message says
which script to run.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lessons_lib.runs.record import Record, read

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

RECORDED = Path(__file__).with_name("recorded")
COMPARISON = RECORDED / "comparison.csv"
SCRIPTS = {
    "comparison": "data_scripts/studies/run_comparison.py",
    "zero_shot": "data_scripts/studies/findings_zero_shot.py",
    "pretraining_study": "data_scripts/studies/study_pretraining.py",
    "worlds": "data_scripts/studies/study_worlds.py",
    "slip": "data_scripts/studies/study_slip.py",
    "slip_fresh": "data_scripts/studies/study_slip_fresh.py",
}
LEARNED = ["lr", "epochs", "steps"]
COST = ["n_parameters", "seconds", "peak_mib"]
LOOKED_AT = ["inter_class_dispersion", "intra_class_variance"]  # see `lessons_lib.metrics.geometry`


def record(name: str, clip: "Clip | None" = None, folder: Path = RECORDED) -> Record:
    """One of `SCRIPTS`. clip: the one that the lesson runs, if it should be the one that was measured."""
    return read(folder, name, SCRIPTS[name], None if clip is None else clip.fingerprint)


def comparison(
    clip: "Clip | None" = None, folder: Path = RECORDED, *, setting: str | None = "published"
) -> pd.DataFrame:
    """A row for each accuracy: protocol ("few-shot", "base-to-new", "cross-task", "domain shift", "ablation"), on
    ("test", "base", "new", or the task that was carried to), task (trained on), shots, seed, accuracy (percent),
    n_parameters, seconds, peak_mib, lr, epochs, steps.

    setting: "published"; "searched" on validation images, for each task; "search", of the search itself, on "val"; or
        None for all, with a column `setting`. What learns nothing is published alone.
    """
    rows = record("comparison", clip, folder).rows
    rows = rows[rows.on != "train"]
    if setting is not None:
        rows = rows[rows.setting == setting]
    return rows[[*_CELL, "on", "accuracy", *COST, *LEARNED, *["setting"][: setting is None]]].reset_index(drop=True)


def comparison_with(setting: str) -> pd.DataFrame:
    """As `comparison`, with a column `setting`: the rows of a setting, and beside them, as published, the methods that
    have none of it, since they learn nothing, choose by themselves or were not searched."""
    rows = comparison(setting=None)
    own, published = (rows[rows.setting == name] for name in (setting, "published"))
    return pd.concat([own, published[~published.method.isin(own.method)]], ignore_index=True)


def dispersion(clip: "Clip | None" = None, folder: Path = RECORDED) -> pd.DataFrame:
    """How embeddings of the training images and texts lie (16 shots), of fits of the comparison: protocol, method,
    task, shots, seed, on ("train"), accuracy on the training images (percent), inter_class_dispersion of the texts and
    intra_class_variance of the images. No rows where no such fit is recorded yet.
    """
    rows = record("comparison", clip, folder).rows
    looked_at = rows[rows.on == "train"].reindex(columns=[*_CELL, "on", "accuracy", *LOOKED_AT])
    return looked_at.reset_index(drop=True)


def comparison_record(folder: Path = RECORDED) -> dict[str, Any]:
    """How the comparison was made: script, date, clip, plan, seeds, search, versions, core_hours, left_out."""
    return record("comparison", folder=folder).about


def zero_shot(folder: Path = RECORDED) -> dict[str, Any]:
    """How much the wording matters: accuracy (task -> wording -> percent on each draw of the test pictures),
    best_template (of each task), senses (ambiguous word -> what was asked -> percent on each draw), shifts (task ->
    percent on each draw), findings (F1 to F3).   Besides, how it was made: settings, clip, date, script.
    """
    about, rows = record("zero_shot", folder=folder)
    found = scores(rows)
    best = rows[rows.chosen == 1].set_index("name")["on"].to_dict()
    shifts = {name: next(iter(draws.values())) for name, draws in found["shift"].items()}
    return {**about, "accuracy": found["task"], "best_template": best, "senses": found["word"], "shifts": shifts}


def slip(fresh: bool = False, folder: Path = RECORDED) -> pd.DataFrame | None:
    """A row a measurement of SLIP's arms: method (the arm), seed, epochs (passes over the pairs, in all), at (epochs
    done), on (the task, or "train"), and one of zero_shot, linear, colour (percent), loss, flops. None where there is
    no record.   fresh: those of which no pair was seen twice. Runs that only searched a learning rate are left out.
    """
    name = "slip_fresh" if fresh else "slip"
    if not (folder / f"{name}.json").exists():
        return None
    about, rows = record(name, folder=folder)
    return rows[rows.seed != about["settings"].get("search_seed")].reset_index(drop=True)


def scores(rows: pd.DataFrame) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Rows of the zero-shot study by what ("task", "word", "shift"), name, and wording: percent on each draw."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for what, name, wording, accuracy in rows.loc[rows.accuracy.notna(), ["what", "name", "on", "accuracy"]].values:
        found.setdefault(what, {}).setdefault(name, {}).setdefault(wording, []).append(accuracy)
    return found


_CELL = ["protocol", "method", "task", "shots", "seed"]
