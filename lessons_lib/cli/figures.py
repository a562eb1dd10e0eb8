"""A sweep's accuracies as a picture: curves over shots where there are several, else a dot a method with its interval.

Cells as `bench.summary.summarise` gives them, of one CLIP and protocol. Colours and markers together tell methods
apart, so that more than ten still differ.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lessons_lib.look import heading, look, panels, styled
from lessons_lib.runs.summary import AVERAGE, tasks_of

COLUMNS = 4


@styled()
def figure_of(cells: pd.DataFrame, clip: str, protocol: str) -> Figure:
    """The figure of one sweep."""
    title = f"{protocol[0].upper()}{protocol[1:]} with {clip}: accuracy (%), mean and 95 % interval over seeds"
    if protocol == "few-shot" and cells["shots"].nunique() > 1:
        return _curves(cells, title)
    return _dots(cells, protocol, title)


def _curves(cells: pd.DataFrame, title: str) -> Figure:
    """A panel a task, and one for their mean, as in CoOp's paper."""
    looks, shots = _looks(cells), sorted(cells["shots"].unique())
    tasks = [*([AVERAGE] if (cells["task"] == AVERAGE).any() else []), *tasks_of(cells)]
    columns = min(COLUMNS, len(tasks))
    figure, axes = panels(math.ceil(len(tasks) / columns), columns, size=(3.0, 2.5))
    for ax, task in zip(axes, tasks):
        for method, line in cells[cells["task"] == task].sort_values("shots").groupby("method", sort=False):
            around = line["half_width"].fillna(0)
            ax.plot(line["shots"], line["mean"], ms=4, lw=1.3, label=method, **looks[method])
            low, high = line["mean"] - around, line["mean"] + around
            ax.fill_between(line["shots"], low, high, color=looks[method]["color"], alpha=0.15, lw=0)
        ax.set_xscale("log", base=2)
        ax.set_xticks(shots, [str(k) for k in shots])
        ax.minorticks_off()
        ax.set(title="mean of the tasks" if task == AVERAGE else task, xlabel="training images a class")
        ax.set_ylim(max(-1, ax.get_ylim()[0]), min(101, ax.get_ylim()[1]))  # bands may reach beyond
    for ax in axes[len(tasks) :]:
        ax.axis("off")
    _legend(figure, looks)
    heading(figure, title)
    return figure


def _dots(cells: pd.DataFrame, protocol: str, title: str) -> Figure:
    """A panel for each of what was tested on, a row a method."""
    looks = _looks(cells)
    if protocol == "few-shot":
        groups = {("mean of the tasks" if t == AVERAGE else t): part for t, part in _parts(cells, "task")}
    elif protocol == "base-to-new":
        whole = cells[cells["task"] == AVERAGE]
        part = whole if len(whole) else cells[cells["task"] == tasks_of(cells)[0]]
        of = f", mean of {len(tasks_of(cells))} tasks" if len(whole) else f", {part['task'].iloc[0]}"
        groups = {f"{on}{of}": part[part["on"] == on] for on in ("base", "new", "H")}
    else:
        trained = tasks_of(cells)[0]
        part = cells[cells["task"] == trained].assign(on=cells["on"].replace({"test": f"{trained}, fitted on"}))
        groups = {("mean of the others" if on == AVERAGE else on): one for on, one in _parts(part, "on")}
    columns = min(COLUMNS, len(groups))
    size = (3.0, 0.9 + 0.22 * len(looks))
    figure, axes = panels(math.ceil(len(groups) / columns), columns, size=size, sharey=True)
    for ax, (name, part) in zip(axes, groups.items()):
        _panel(ax, part[part["shots"] == part["shots"].max()], looks)
        ax.set(title=name)
    for ax in axes[len(groups) :]:
        ax.axis("off")
    heading(figure, title)
    return figure


def _panel(ax: Axes, part: pd.DataFrame, looks: dict[str, dict]) -> None:
    names = list(looks)
    for line in part.itertuples():
        around = 0 if np.isnan(line.half_width) else line.half_width
        ax.errorbar(line.mean, names.index(line.method), xerr=around, ms=5, lw=1.3, **looks[line.method])
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(max(-1, ax.get_xlim()[0]), min(101, ax.get_xlim()[1]))


def _parts(cells: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """The mean first."""
    names = list(dict.fromkeys(cells[column]))
    return [(name, cells[cells[column] == name]) for name in sorted(names, key=lambda name: name != AVERAGE)]


def _looks(cells: pd.DataFrame) -> dict[str, dict]:
    """How each method's line is drawn."""
    return {name: look(i).line for i, name in enumerate(dict.fromkeys(cells["method"]))}


def _legend(figure: Figure, looks: dict[str, dict]) -> None:
    handles = [Line2D([], [], ms=4, lw=1.3, label=name, **one) for name, one in looks.items()]
    figure.set_size_inches(figure.get_figwidth() + 1.7, figure.get_figheight())  # room for it
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
