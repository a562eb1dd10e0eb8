"""What was recorded of wordings, as a table that `lessons_lib.metrics` compares."""

from pathlib import Path

import pandas as pd

from lessons_lib.teaching import recorded_runs


def wordings(folder: Path = recorded_runs.RECORDED) -> pd.DataFrame:
    """A row an accuracy (percent): task, method (the wording), seed (the draw of the test pictures)."""
    accuracy = recorded_runs.zero_shot(folder)["accuracy"]
    rows = [
        {"task": task, "method": wording, "seed": draw, "accuracy": percent}
        for task, found in accuracy.items()
        for wording, draws in found.items()
        for draw, percent in enumerate(draws)
    ]
    return pd.DataFrame(rows)
