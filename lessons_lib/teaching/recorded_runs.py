"""Long sweeps that lessons read instead of running them: which script made each, and its rows as a table."""

from pathlib import Path

import pandas as pd

PROMPT_LEARNING = Path(__file__).with_name("recorded") / "prompt_learning.csv"


def prompt_learning(path: Path = PROMPT_LEARNING) -> pd.DataFrame:
    """What `data_scripts/findings_prompt_learning.py` measured: a row for each accuracy.

    protocol ("few-shot", "base-to-new", "domain shift", "ablation"), method, on ("test", "base", "new", or the task
    that the prompts were carried to), task (trained on), shots, seed, accuracy (percent), n_parameters, seconds,
    peak_mib.
    """
    return pd.read_csv(path)
