"""A sweep as a picture: curves over shots where there are several, else a dot a method with its interval.

Cells as `runs.summary.summarise` gives them, of one CLIP, protocol and metric. Colours and markers together tell
methods apart, so that more than ten still differ.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lessons_lib.look import heading, literal, look, panels, styled
from lessons_lib.runs.report import heading_of
from lessons_lib.runs.summary import AVERAGE, H_OF_MEANS, MEAN_OF_H, H, shape, tasks_of

COLUMNS = 4


@styled()
def figure_of(cells: pd.DataFrame, clip: str, protocol: str) -> Figure:
    """The figure of one sweep."""
    metric, unit = cells["metric"].iloc[0], cells["unit"].iloc[0]
    title = f"{heading_of(clip, protocol, metric, unit)}: mean and 95 % interval over seeds"
    kind = shape(cells["on"])
    if kind == "plain" and cells["shots"].nunique() > 1:
        return _curves(cells, title)
    return _dots(cells, kind, title)


def _curves(cells: pd.DataFrame, title: str) -> Figure:
    """A panel a task, and one for their mean, as in CoOp's paper."""
    looks, shots = _looks(cells), sorted(cells["shots"].unique())
    tasks = [*([AVERAGE] if (cells["task"] == AVERAGE).any() else []), *tasks_of(cells)]
    columns = min(COLUMNS, len(tasks))
    figure, axes = panels(math.ceil(len(tasks) / columns), columns, size=(3.0, 2.5))
    for ax, task in zip(axes, tasks):
        for method, line in cells[cells["task"] == task].sort_values("shots").groupby("method", sort=False):
            around = line["half_width"].fillna(0)
            ax.plot(line["shots"], line["mean"], ms=4, lw=1.3, label=literal(method), **looks[method])
            low, high = line["mean"] - around, line["mean"] + around
            ax.fill_between(line["shots"], low, high, color=looks[method]["color"], alpha=0.15, lw=0)
        ax.set_xscale("log", base=2)
        ax.set_xticks(shots, [str(k) for k in shots])
        ax.minorticks_off()
        ax.set(title="mean of the tasks" if task == AVERAGE else literal(task), xlabel="training images a class")
        ax.set_ylim(_within(ax.get_ylim(), cells["unit"].iloc[0]))
    for ax in axes[len(tasks) :]:
        ax.axis("off")
    _legend(figure, looks)
    heading(figure, title)
    return figure


def _dots(cells: pd.DataFrame, kind: str, title: str) -> Figure:
    """A panel for each of what was tested on, a row a method."""
    looks = _looks(cells)
    if kind == "plain":
        groups = {("mean of the tasks" if t == AVERAGE else t): part for t, part in _parts(cells, "task")}
    elif kind == "halves":
        whole = cells[cells["task"] == AVERAGE]
        part = whole if len(whole) else cells[cells["task"] == tasks_of(cells)[0]]
        ons = ("base", "new", *((H_OF_MEANS, MEAN_OF_H) if len(whole) else (H,)))
        of = f", mean of {len(tasks_of(cells))} tasks" if len(whole) else f", {part['task'].iloc[0]}"
        groups = {f"{on}{of}": part[part["on"] == on] for on in ons}
    else:
        trained = tasks_of(cells)[0]
        part = cells[cells["task"] == trained].assign(on=cells["on"].replace({"test": f"{trained}, fitted on"}))
        groups = {("mean of the others" if on == AVERAGE else on): one for on, one in _parts(part, "on")}
    columns = min(COLUMNS, len(groups))
    size = (3.0, 0.9 + 0.22 * len(looks))
    figure, axes = panels(math.ceil(len(groups) / columns), columns, size=size, sharey=True)
    for ax, (name, part) in zip(axes, groups.items()):
        _panel(ax, part[part["shots"] == part["shots"].max()], looks)
        ax.set(title=literal(name))
    for ax in axes[len(groups) :]:
        ax.axis("off")
    heading(figure, title)
    return figure


def _panel(ax: Axes, part: pd.DataFrame, looks: dict[str, dict]) -> None:
    names = list(looks)
    for line in part.itertuples():
        around = 0 if np.isnan(line.half_width) else line.half_width
        ax.errorbar(line.mean, names.index(line.method), xerr=around, ms=5, lw=1.3, **looks[line.method])
    ax.set_yticks(range(len(names)), list(map(literal, names)))
    ax.set_ylim(len(names) - 0.5, -0.5)
    if len(part):
        ax.set_xlim(_within(ax.get_xlim(), part["unit"].iloc[0]))


def _within(limits: tuple[float, float], unit: str) -> tuple[float, float]:
    """Intervals may reach beyond what percents can be."""
    return (max(-1, limits[0]), min(101, limits[1])) if unit == "%" else limits


def _parts(cells: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """The mean first."""
    names = list(dict.fromkeys(cells[column]))
    return [(name, cells[cells[column] == name]) for name in sorted(names, key=lambda name: name != AVERAGE)]


def _looks(cells: pd.DataFrame) -> dict[str, dict]:
    """How each method's line is drawn."""
    return {name: look(i).line for i, name in enumerate(dict.fromkeys(cells["method"]))}


def _legend(figure: Figure, looks: dict[str, dict]) -> None:
    handles = [Line2D([], [], ms=4, lw=1.3, label=literal(name), **one) for name, one in looks.items()]
    figure.set_size_inches(figure.get_figwidth() + 1.7, figure.get_figheight())  # room for it
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
