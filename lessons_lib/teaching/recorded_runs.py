"""Long sweeps that lessons read instead of running them: which script made each, and its rows as a table."""

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lessons_lib.runs.sweeps import fingerprint

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

RECORDED = Path(__file__).with_name("recorded")
PROMPT_LEARNING = RECORDED / "prompt_learning.csv"
COMPARISON = RECORDED / "comparison.csv"  # beside it comparison.json: what made it, and a digest of each table
DISPERSION = RECORDED / "comparison_dispersion.csv"
DAPT_STUDY = RECORDED / "dapt_study.json"


def prompt_learning(path: Path = PROMPT_LEARNING) -> pd.DataFrame:
    """What `data_scripts/studies/findings_prompt_learning.py` measured: a row for each accuracy.

    protocol ("few-shot", "base-to-new", "domain shift", "ablation"), method, on ("test", "base", "new", or the task
    that the prompts were carried to), task (trained on), shots, seed, accuracy (percent), n_parameters, seconds,
    peak_mib (too low: the processes held freed memory, which was not counted then).
    """
    return pd.read_csv(path)


def comparison(clip: "Clip | None" = None, folder: Path = RECORDED) -> pd.DataFrame:
    """What `data_scripts/studies/run_comparison.py` measured or took over: a row for each accuracy.

    protocol ("few-shot", "base-to-new", "cross-task", "domain shift"), and the columns of `prompt_learning`; script:
    which one measured the row.   clip: the one that the lesson runs, if it should be the one that was measured.
    Raises FileNotFoundError where there is no record, and ValueError where the record is of another CLIP, or its files
    do not belong together; the message says which script to run.
    """
    return _checked(folder, COMPARISON.name, "rows", clip)


def dispersion(clip: "Clip | None" = None, folder: Path = RECORDED) -> pd.DataFrame:
    """How embeddings of the training images and texts lie (16 shots), from the same script; raises as `comparison`.

    protocol, method, task, shots, seed, on ("train"), accuracy on the training images (percent),
    inter_class_dispersion of the texts and intra_class_variance of the images (see `lessons_lib.diagnostics`).
    """
    return _checked(folder, DISPERSION.name, "dispersion", clip)


def comparison_record(folder: Path = RECORDED) -> dict:
    """How the comparison was made: script, date, plan, seeds, versions, core_hours, left_out."""
    path = folder / COMPARISON.with_suffix(".json").name
    if not path.exists():
        raise FileNotFoundError(f"there is no '{path}': {_RUN}")
    return json.loads(path.read_text(encoding="utf-8"))


def dapt_study(folder: Path = RECORDED) -> dict:
    """What `data_scripts/studies/study_dapt.py` measured: DAPT and CoOp+VPT with settings searched for each task.

    search, test: lists of rows with label, task, seed, on ("val", "test"), lr, beta_v, beta_t, accuracy (percent),
    inter_class_dispersion, intra_class_variance.   chosen: task -> lr, beta_v, beta_t.   settings, clip, date, script.
    """
    return json.loads((folder / DAPT_STUDY.name).read_text(encoding="utf-8"))


def digest(table: bytes) -> str:
    """Of a table's file."""
    return sha256(table).hexdigest()


_RUN = (
    "run `python data_scripts/studies/run_comparison.py run` (hours; it goes on where it stopped), then "
    "`python data_scripts/studies/run_comparison.py collect`"
)


def _checked(folder: Path, name: str, table: str, clip: "Clip | None") -> pd.DataFrame:
    record, path = comparison_record(folder), folder / name
    if not path.exists():
        raise FileNotFoundError(f"there is no '{path}': {_RUN}")
    if digest(path.read_bytes()) != record["tables"][table]:
        raise ValueError(f"'{path}' is not the table that its record describes, or was changed by hand: {_RUN}")
    measured = record["clip"] if clip is None else clip.fingerprint
    plan = [json.dumps(cell, sort_keys=True) for cell in record["plan"]]
    if fingerprint(plan, measured) != record["fingerprint"]:
        what = "is of another plan" if measured == record["clip"] else "was measured on another CLIP than this one"
        raise ValueError(f"the comparison in '{folder}' {what}: {_RUN}")
    return pd.read_csv(path)
