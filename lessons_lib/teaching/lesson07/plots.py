"""Lesson 07's figures: the shared ones, losses, Tip-Adapter's cache and grid, what a choice pretends, task by task."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.look import COLORMAP, PALETTE, REFERENCE, heading, literal, look, numbers, panels, styled
from lessons_lib.metrics import difference
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import differences, lines


@styled()
def losses(histories: Mapping[str, Sequence[Mapping]], *, title: str = "") -> Axes:
    """The training loss of several fits, at some 20 of the epochs. histories: name -> rows with epoch and loss."""
    rows = []
    for name, history in histories.items():
        last = len(history) - 1
        shown = sorted({*range(0, last, max(1, last // 20)), last})  # so few that each can have its marker
        rows += [{"fit": name, **history[i]} for i in shown]
    ax = lines(pd.DataFrame(rows), x="epoch", y="loss", hue="fit", ylabel="training loss", title=title)
    ax.set_ylim(0)
    return ax


@styled()
def what_a_choice_pretends(
    told: Mapping[int, Sequence[float]], there: Mapping[int, Sequence[float]], *, title: str = ""
) -> Axes:
    """Points above an honest choice, by how many pictures chose: measured on these pictures, and on all others.

    told, there: number of pictures -> points, one a draw.   Dots are draws, lines their means.
    """
    _, [ax] = panels(size=(6.0, 3.0))
    kinds = {"measured on the pictures that chose": told, "measured on other pictures": there}
    for i, (name, found) in enumerate(kinds.items()):
        colour, marker, *_ = look(i)
        for at, points in enumerate(found.values()):
            spread = at + (i - 0.5) * 0.22 + np.linspace(-0.07, 0.07, len(points))
            ax.scatter(spread, points, s=9, marker=marker, color=colour, alpha=0.35, lw=0)
        middle = [float(np.mean(points)) for points in found.values()]
        ax.plot(np.arange(len(middle)) + (i - 0.5) * 0.22, middle, marker, ls="-", color=colour, ms=8, label=name)
    ax.axhline(0, color=REFERENCE, lw=1)
    ax.set_xticks(range(len(told)), [str(number) for number in told])
    ax.set(xlabel="pictures that chose α and β", ylabel="points above the\nhonest choice", title=title)
    ax.figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return ax


@styled()
def task_by_task(
    rows: pd.DataFrame, pairs: Sequence[tuple[str, str]], *, by: str = "ZeroShot", title: str = ""
) -> Axes:
    """Differences on each task with intervals over seeds, a mark a pair; tasks by how weak `by` is, the weakest first.

    rows: of the record, one protocol, number of shots and set of pictures.
    """
    level = rows[rows.method == by].groupby("task").accuracy.mean().sort_values()
    found = [
        {"what": f"{task.removeprefix('toy_')} ({mean:.0f})", "kind": f"{first} − {second}",
         **difference(rows[rows.task == task], first, second)}
        for task, mean in level.items()
        for first, second in pairs
    ]  # fmt: skip
    table = pd.DataFrame(found)
    ax = differences(table, kind="kind", title=title)
    ax.get_legend().remove()
    ax.figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    clear = table.assign(above=table["mean"] > table.half_width, below=table["mean"] < -table.half_width)
    counts = clear.groupby("kind", sort=False)[["above", "below"]].sum()
    told = [
        f"{one.Index}: above 0 on {one.above} of {len(level)} tasks, below on {one.below}"
        for one in counts.itertuples()
    ]
    return describe(ax, ". ".join(told))


@styled()
def cache_heat(
    weights: "Mapping[str, torch.Tensor | np.ndarray]",
    labels: torch.Tensor,
    key_labels: torch.Tensor,
    classnames: Sequence[str],
    *,
    title: str | None = None,
) -> Figure:
    """How much each picture (row) makes of each key (column), both sorted by class, a panel a kind of weight, one below
    the other. Returns the Figure.

    weights: (N, NK) each, from 0 to 1.   labels: (N,), of the pictures.   key_labels: (NK,), of the keys.
    Raises ValueError for another shape.
    """
    figure, axes = panels(len(weights), 1, size=(5.6, 2.3))
    rows, columns = numbers(labels), numbers(key_labels)
    by_row, by_column = (each.argsort(kind="stable") for each in (rows, columns))
    first = [np.searchsorted(np.sort(each), np.arange(len(classnames))) for each in (rows, columns)]
    for ax, (name, weight) in zip(axes, weights.items()):
        weight = numbers(weight)
        if weight.shape != (len(rows), len(columns)):
            raise ValueError(
                f"{name!r}: {len(rows)} pictures and {len(columns)} keys need {(len(rows), len(columns))} weights; "
                f"got {weight.shape}"
            )
        shown = ax.imshow(weight[by_row][:, by_column], vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        for edge in first[0][1:]:
            ax.axhline(edge - 0.5, color="white", lw=0.5)
        for edge in first[1][1:]:
            ax.axvline(edge - 0.5, color="white", lw=0.5)
        ax.set(title=name, xticks=[], ylabel="pictures")
        middles = (first[0] + np.append(first[0][1:], len(rows)) - 1) / 2
        ax.set_yticks(middles, list(map(literal, classnames)), fontsize=7)
        ax.grid(False)
    axes[-1].set_xlabel("keys, class by class")
    figure.colorbar(shown, ax=axes, shrink=0.8)
    heading(figure, title)
    return figure


@styled()
def alpha_beta_grid(
    accuracies: "torch.Tensor | np.ndarray",
    alphas: "torch.Tensor | Sequence[float]",
    betas: "torch.Tensor | Sequence[float]",
    *,
    chosen: tuple[float, float] | None = None,
    within: float = 1.0,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Accuracy for every α (across) and β (up) as a heat map, with the pair that was chosen. Returns the Axes.

    accuracies: (n_beta, n_alpha).   alphas: (n_alpha,).   betas: (n_beta,); both ascending.   chosen: (α, β).
    within: a line is drawn around the pairs that are at most so many points below the best; the wider the region, the
        less it matters which pair is taken. None for no line.
    """
    accuracies, alphas, betas = (numbers(torch.as_tensor(each)) for each in (accuracies, alphas, betas))
    if accuracies.shape != (len(betas), len(alphas)):
        raise ValueError(
            f"{len(betas)} betas and {len(alphas)} alphas need accuracies {(len(betas), len(alphas))}; "
            f"got {accuracies.shape}"
        )
    if ax is None:
        _, [ax] = panels(size=(5.2, 3.6))
    heat = ax.pcolormesh(alphas, betas, accuracies, shading="nearest", cmap=COLORMAP, rasterized=True)
    ax.figure.colorbar(heat, ax=ax, label="validation accuracy (%)")
    level = None if within is None else float(accuracies.max()) - within
    if level is not None and accuracies.min() < level and min(accuracies.shape) > 1:
        ax.contour(alphas, betas, accuracies, [level], colors="black", linewidths=1.2)
        ax.plot([], [], color="black", lw=1.2, label=f"within {within:g} point{'s' * (within != 1)} of the best")
    if chosen is not None:
        said = f"chosen: α = {chosen[0]:.3g}, β = {chosen[1]:.3g}"
        ax.plot(*chosen, "*", ms=15, color=PALETTE[3], mec="white", label=said, clip_on=False)
    ax.grid(False)
    ax.set(xlabel="α, the weight of the cache", ylabel="β, how sharply it attends", title=title)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, frameon=False, fontsize=8)
    at = "" if chosen is None else f", chosen at α = {chosen[0]:.3g}, β = {chosen[1]:.3g}"
    return describe(ax, f"Accuracies from {accuracies.min():.0f} to {accuracies.max():.0f} %{at}")
