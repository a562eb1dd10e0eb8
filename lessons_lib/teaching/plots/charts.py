"""Charts of results: bars, few-shot curves, training curves, reliability, histograms. Accuracies are in percent."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lessons_lib.metrics import statistics as evaluation
from lessons_lib.teaching.plots.style import MARKERS, PALETTE, REFERENCE, colours, heading, numbers, panels, styled


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
    height = 0.8 / len(hues)
    for j, kind in enumerate(hues):
        rows = data if hue is None else data[data[hue] == kind]
        where = [groups.index(group) - 0.4 + height * (j + 0.5) for group in rows[y]]
        whiskers = None if error is None else rows[error]
        ax.barh(where, rows[x], height, xerr=whiskers, color=PALETTE[j % len(PALETTE)], label=kind,
                error_kw={"elinewidth": 1, "ecolor": REFERENCE})  # fmt: skip
    for i, group in enumerate(groups if chance is not None else []):
        ax.plot([chance[group]] * 2, [i - 0.45, i + 0.45], color="black", lw=1.5, label="" if i else "chance")
    ax.set_yticks(range(len(groups)), groups)
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
    colour = colours(results["method"])
    for ax, task in zip(axes, tasks):
        summed = evaluation.summary(results if task is None else results[results["task"] == task])
        for (method, line), marker in zip(summed.groupby("method", sort=False), MARKERS):
            ax.plot(line["shots"], line["mean"], marker=marker, ms=4, color=colour[method], label=method)
            low, high = line["mean"] - line["half_width"], line["mean"] + line["half_width"]
            ax.fill_between(line["shots"], low, high, color=colour[method], alpha=0.2, lw=0)
        level = zero_shot.get(task) if isinstance(zero_shot, Mapping) else zero_shot
        if level is not None:
            ax.axhline(level, color=REFERENCE, ls="--", lw=1.5, label="zero-shot")
        shots = sorted(results["shots"].unique())
        ax.set_xscale("log", base=2)
        ax.set_xticks(shots, [str(k) for k in shots])
        ax.minorticks_off()
        ax.set(xlabel="training images a class", title=task or "", ylim=(0, 100))
    for ax in axes[len(tasks) :]:
        ax.axis("off")
    for ax in axes[::columns]:
        ax.set_ylabel("test accuracy (%)")
    figure.set_size_inches(figure.get_figwidth() + 1.9, figure.get_figheight())  # room for the legend, off the curves
    axes[columns - 1].legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
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
    for (name, rows), symbol, colour in zip(groups, MARKERS, PALETTE):
        if seeds is None:
            rows = rows.sort_values(x).assign(mean=rows[y], half_width=np.nan)
        else:
            rows = evaluation.summary(rows.rename(columns={seeds: "seed"}), (x,), y).sort_values(x)
        ax.plot(rows[x], rows["mean"], marker=symbol if marker else "", ms=4, color=colour, label=name)
        ax.fill_between(rows[x], rows["mean"] - rows["half_width"], rows["mean"] + rows["half_width"],
                        color=colour, alpha=0.2, lw=0)  # fmt: skip
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
def reliability(
    confidence: "torch.Tensor | np.ndarray", correct: "torch.Tensor | np.ndarray", *, bins: int = 10, title: str = "",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """How often the classifier is right at each confidence; on the diagonal, it knows what it knows. Returns the Axes.

    confidence: (N,), 0 to 1.   correct: (N,) of bool.   A dot's area is its bin's share of the images.
    """
    confidence, correct = numbers(confidence), numbers(correct).astype(float)
    if ax is None:
        _, [ax] = panels(size=(3.4, 3.2))
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)  # (N,)
    filled = np.unique(which)
    ax.plot([0, 100], [0, 100], color=REFERENCE, ls="--", lw=1, label="as right as it is sure")
    sure, right = (np.array([each[which == b].mean() for b in filled]) for each in (confidence, correct))
    share = np.array([(which == b).mean() for b in filled])
    ax.plot(100 * sure, 100 * right, color=PALETTE[0])
    ax.scatter(100 * sure, 100 * right, s=20 + 300 * share, color=PALETTE[0], zorder=3, label="images of one bin")
    ax.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 103), ylim=(0, 103), title=title)
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
    for (name, group), colour, hatch in zip(values.items(), PALETTE, ("", "///", "...", "xxx")):
        ax.hist(group, edges, weights=np.full(len(group), 100 / len(group)), alpha=0.55, color=colour, label=name,
                hatch=hatch, edgecolor="white", lw=0.3)  # fmt: skip
    if threshold is not None:
        ax.axvline(threshold, color="black", ls="--", label="threshold")
    ax.set(xlabel=xlabel, ylabel="images (%)", title=title)
    ax.legend(fontsize=8)
    return ax


def _spoken(column: str) -> str:
    return {"accuracy": "accuracy (%)"}.get(column, column.replace("_", " "))
