"""Numbers from the papers, for reports to put beside their own: accuracies in percent, 16 shots, mean of 3 seeds.

Methods are called as `method.paper_name` says.

They are of real data sets and CLIP's own weights. A toy task is the twin of a data set (`data.names`), not a copy: the
order of methods can be compared, the height cannot. Retraining by others lands up to 2 to 4 points from these.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from lessons_lib.data.names import papers_eleven, title_of
from lessons_lib.runs.summary import AVERAGE, H_OF_MEANS, SWEEP, tasks_of

METRIC, SHOTS = "accuracy", 16
MEAN = "mean"  # of the eleven tasks (base-to-new), or of the ten that prompts are carried to (cross-task)

SHIFTS = ("ImageNetV2", "ImageNet-Sketch", "ImageNet-A", "ImageNet-R")


class Number(NamedTuple):
    """task: a data set's title, or MEAN.   on: "test", "base", "new", "H of means", MEAN, or the title tested on."""

    protocol: str
    method: str
    task: str
    on: str
    accuracy: float
    source: str


_COCOOP = "ViT-B/16; CoCoOp, CVPR 2022"
_MAPLE = "ViT-B/16; MaPLe, CVPR 2023"
_TIP = "ResNet-50; Tip-Adapter, ECCV 2022"
_BASE_TO_NEW = {  # base, new, H
    "ZeroShot": (69.34, 74.22, 71.70, _COCOOP),
    "CoOp": (82.69, 63.22, 71.66, f"{_COCOOP} (200 epochs)"),
    "CoCoOp": (80.47, 71.69, 75.83, _COCOOP),
    "IVLP": (82.15, 74.07, 77.90, f"{_MAPLE} (5 epochs)"),
    "MaPLe": (82.28, 75.14, 78.55, _MAPLE),
}
_DOMAIN_SHIFT = {  # ImageNet, V2, Sketch, A, R
    "ZeroShot": (66.73, 60.83, 46.15, 47.77, 73.96, _COCOOP),
    "CoOp": (71.51, 64.20, 47.99, 49.71, 75.21, _COCOOP),
    "CoCoOp": (71.02, 64.07, 48.75, 50.63, 76.18, _COCOOP),
    "MaPLe": (70.72, 64.07, 49.15, 50.98, 76.98, _MAPLE),
}
_CROSS_TASK = {"CoOp": (63.88, _COCOOP), "CoCoOp": (65.74, _COCOOP), "MaPLe": (66.30, _MAPLE)}
_FEW_SHOT = {  # zero-shot, Tip-Adapter, Tip-Adapter-F, CLIP-Adapter
    "ImageNet": (60.32, 62.01, 65.51, 63.59),
    "Flowers102": (66.02, 89.89, 94.80, 93.90),
    "EuroSAT": (37.52, 70.54, 84.54, 84.43),
    "DTD": (42.20, 60.93, 66.55, 65.96),
}

NUMBERS = [
    *(
        Number("base-to-new", method, MEAN, on, value, source)
        for method, (*values, source) in _BASE_TO_NEW.items()
        for on, value in zip(("base", "new", H_OF_MEANS), values, strict=True)
    ),
    *(
        Number("domain shift", method, "ImageNet", on, value, source)
        for method, (*values, source) in _DOMAIN_SHIFT.items()
        for on, value in zip(("test", *SHIFTS), values, strict=True)
    ),
    *(Number("cross-task", method, "ImageNet", MEAN, value, source) for method, (value, source) in _CROSS_TASK.items()),
    *(
        Number("few-shot", method, task, "test", value, _TIP)
        for task, values in _FEW_SHOT.items()
        for method, value in zip(("ZeroShot", "Tip-Adapter", "Tip-Adapter-F", "CLIP-Adapter"), values, strict=True)
    ),
]


def compared(summary: pd.DataFrame, plans: Sequence[Mapping] = ()) -> pd.DataFrame:
    """A row for every published number that the file has a twin of: clip, protocol, method, task, on, here, published,
    difference, source. "mean" stands for the papers' mean of eleven tasks, or of the ten that was carried to."""
    here = _by_title(summary[(summary["shots"] == SHOTS) & (summary["metric"] == METRIC)])
    known = {(plan["protocol"], label): paper for plan in plans for label, paper in plan.get("in papers", {}).items()}
    rows = []
    for (clip, protocol, label), cells in here.groupby([*SWEEP, "method"], sort=False):
        for number in NUMBERS:
            if (number.protocol, number.method) != (protocol, known.get((protocol, label))):
                continue
            for _, cell in cells[(cells["task"] == number.task) & (cells["on"] == number.on)].iterrows():
                rows.append({"clip": clip, "protocol": protocol, "method": label, "task": cell["shown"],
                             "on": cell["shown_on"], "here": cell["mean"], "published": number.accuracy,
                             "difference": cell["mean"] - number.accuracy, "source": number.source})  # fmt: skip
    columns = ["clip", "protocol", "method", "task", "on", "here", "published", "difference", "source"]
    return pd.DataFrame(rows, columns=columns)


def with_published(summary: pd.DataFrame, plans: Sequence[Mapping] = ()) -> pd.DataFrame:
    """The summary with columns published, difference and source, for a CSV file."""
    beside = compared(summary, plans).drop(columns="here").rename(columns={"task": "shown", "on": "shown_on"})
    shown = _by_title(summary)[["shown", "shown_on"]]
    joined = summary.join(shown).merge(
        beside.assign(shots=SHOTS, metric=METRIC),
        how="left",
        on=[*SWEEP, "method", "shown", "shown_on", "shots", "metric"],
    )
    return joined.drop(columns=["shown", "shown_on"]).round({"mean": 4, "half_width": 4, "difference": 4})


def _by_title(summary: pd.DataFrame) -> pd.DataFrame:
    """task and on as `published.NUMBERS` names them; `shown`, `shown_on`: as the report does."""
    papers = set(map(title_of, papers_eleven()))
    eleven = {}  # of a sweep: whether its average is that of the papers' eleven
    for sweep, cells in summary.groupby(SWEEP, sort=False):
        named = list(map(title_of, tasks_of(cells)))
        eleven[sweep] = set(named) == papers and len(named) == len(papers)
    tasks, ons = [], []
    for line in summary.itertuples():
        whole = eleven[line.clip, line.protocol]
        tasks.append((MEAN if whole else None) if line.task == AVERAGE else title_of(line.task))
        if line.on == AVERAGE:
            cells = summary[(summary["clip"] == line.clip) & (summary["protocol"] == line.protocol)]
            targets = set(map(title_of, cells.loc[cells["task"] == line.task, "on"])) - {None}
            ons.append(MEAN if targets == papers - {title_of(line.task)} else None)
        else:
            ons.append(title_of(line.on) or line.on)
    return summary.assign(shown=summary["task"], shown_on=summary["on"], task=tasks, on=ons)
