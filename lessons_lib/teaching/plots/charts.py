"""Charts of results: bars, few-shot curves, lines, histograms. Accuracies are in percent."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lessons_lib.look import PALETTE, REFERENCE, heading, literal, look, looks, numbers, panels, styled
from lessons_lib.metrics import summary


@styled()
def bar_comparison(
    data: pd.DataFrame,
    *,
    y: str = "task",
    x: str = "accuracy",
    hue: str | None = "method",
    error: str | None = None,
    title: str = "",
    xlabel: str | None = None,
    ylabel: str = "",
    chance: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Horizontal bars: a row of `data` is a bar, `y` its group, `hue` its colour, `x` its length. Returns the Axes.

    error: column of half-widths of intervals, drawn as whiskers.   chance: length by group, drawn as a tick.
    """
    groups, hues = list(dict.fromkeys(data[y])), [None] if hue is None else list(dict.fromkeys(data[hue]))
    if ax is None:
        _, [ax] = panels(size=(6.5, 0.8 + len(groups) * max(0.3, 0.17 * len(hues))))
    height, look_of = 0.8 / len(hues), looks(hues)
    for j, kind in enumerate(hues):
        rows = data if hue is None else data[data[hue] == kind]
        where = [groups.index(group) - 0.4 + height * (j + 0.5) for group in rows[y]]
        whiskers = None if error is None else rows[error]
        hatch = look_of[kind].hatch if len(hues) > len(PALETTE) else ""  # ten differ by their colour
        ax.barh(where, rows[x], height, xerr=whiskers, color=look_of[kind].colour, hatch=hatch, label=literal(kind),
                error_kw={"elinewidth": 1, "ecolor": REFERENCE})  # fmt: skip
    for i, group in enumerate(groups if chance is not None else []):
        ax.plot([chance[group]] * 2, [i - 0.45, i + 0.45], color="black", lw=1.5, label="" if i else "chance")
    ax.set_yticks(range(len(groups)), list(map(literal, groups)))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel or _spoken(x), ylabel=ylabel, title=title)
    if hue is not None or chance is not None:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return ax


@styled()
def few_shot_curves(
    results: pd.DataFrame,
    *,
    zero_shot: float | Mapping[str, float] | None = None,
    by_task: bool = True,
    title: str | None = None,
    columns: int = 4,
) -> Figure:
    """Accuracy against shots, a line a method with its 95 % band over seeds (Student's t); a panel a task.

    results: rows as `protocols.few_shot` gives them.   zero_shot: the dashed line, one for all or one a task.
    by_task: False draws one panel, the mean over tasks (averaged within each seed).   Returns the Figure.
    """
    tasks = list(dict.fromkeys(results["task"])) if by_task else [None]
    columns = min(columns, len(tasks))
    figure, axes = panels(math.ceil(len(tasks) / columns), columns, size=(max(2.7, 5.2 - columns), 2.7), sharey=True)
    look_of, seen = looks(results["method"]), {}
    for ax, task in zip(axes, tasks):
        summed = summary(results if task is None else results[results["task"] == task])
        for method, line in summed.groupby("method", sort=False):
            [seen[method]] = ax.plot(line["shots"], line["mean"], ms=4, label=literal(method), **look_of[method].line)
            low, high = line["mean"] - line["half_width"], line["mean"] + line["half_width"]
            ax.fill_between(line["shots"], low, high, color=look_of[method].colour, alpha=0.2, lw=0)
        level = zero_shot.get(task) if isinstance(zero_shot, Mapping) else zero_shot
        if level is not None:
            seen["zero-shot"] = ax.axhline(level, color=REFERENCE, ls="--", lw=1.5, label="zero-shot")
        shots = sorted(results["shots"].unique())
        ax.set_xscale("log", base=2)
        ax.set_xticks(shots, [str(k) for k in shots])
        ax.minorticks_off()
        ax.set(xlabel="training images a class", title=literal(task or ""), ylim=(0, 100))
    for ax in axes[len(tasks) :]:
        ax.axis("off")
    for ax in axes[::columns]:
        ax.set_ylabel("test accuracy (%)")
    figure.set_size_inches(figure.get_figwidth() + 1.9, figure.get_figheight())  # room for the legend, off the curves
    handles = [seen[name] for name in dict.fromkeys((*look_of, "zero-shot")) if name in seen]  # of one panel alone, too
    axes[columns - 1].legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    heading(figure, title)
    return figure


@styled()
def lines(
    data: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str | None = None,
    seeds: str | None = None,
    log_x: bool = False,
    title: str = "",
    xlabel: str | None = None,
    ylabel: str | None = None,
    marker: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A line for each value of `hue`; with `seeds` (a column), the mean with its 95 % band. Returns the Axes."""
    if ax is None:
        _, [ax] = panels(size=(5.0, 3.0))
    groups = [(None, data)] if hue is None else data.groupby(hue, sort=False)
    for i, (name, rows) in enumerate(groups):
        if seeds is None:
            rows = rows.sort_values(x).assign(mean=rows[y], half_width=np.nan)
        else:
            rows = summary(rows.rename(columns={seeds: "seed"}), (x,), y).sort_values(x)
        ax.plot(
            rows[x], rows["mean"], ms=4, label=literal(name), **{**look(i).line, **({} if marker else {"marker": ""})}
        )
        ax.fill_between(rows[x], rows["mean"] - rows["half_width"], rows["mean"] + rows["half_width"],
                        color=look(i).colour, alpha=0.2, lw=0)  # fmt: skip
    if log_x:
        ax.set_xscale("log")
        if data[x].nunique() <= 8:
            ax.set_xticks(sorted(data[x].unique()))
            ax.minorticks_off()
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ax.set(xlabel=xlabel or _spoken(x), ylabel=ylabel or _spoken(y), title=title)
    if hue is not None:
        ax.legend(fontsize=8)
    return ax


@styled()
def histograms(
    groups: Mapping[str, "torch.Tensor | np.ndarray"], *, threshold: float | None = None, bins: int = 30,
    xlabel: str = "confidence", title: str = "", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Two or more sets of numbers over one another, each as shares of its own size, with a threshold. Returns Axes."""
    values = {name: numbers(group) for name, group in groups.items()}
    if ax is None:
        _, [ax] = panels(size=(5.0, 2.6))
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins)
    for i, (name, group) in enumerate(values.items()):
        ax.hist(group, edges, weights=np.full(len(group), 100 / len(group)), alpha=0.55, color=look(i).colour,
                label=literal(name), hatch=look(i).hatch, edgecolor="white", lw=0.3)  # fmt: skip
    if threshold is not None:
        ax.axvline(threshold, color="black", ls="--", label="threshold")
    ax.set(xlabel=xlabel, ylabel="images (%)", title=title)
    ax.legend(fontsize=8)
    return ax


def _spoken(column: str) -> str:
    return {"accuracy": "accuracy (%)"}.get(column, column.replace("_", " "))
