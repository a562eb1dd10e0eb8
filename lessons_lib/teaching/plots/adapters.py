"""Figures of adapters: Tip-Adapter's cache, its grid of α and β, and what accuracy costs. Accuracies in percent."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Bbox

from lessons_lib.teaching.plots.generalisation import _spoken
from lessons_lib.teaching.plots.style import COLORMAP, MARKERS, PALETTE, REFERENCE, heading, numbers, panels, styled

WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # from a dot to its label


@styled()
def cache_heat(
    weights: "Mapping[str, torch.Tensor | np.ndarray]",
    labels: torch.Tensor,
    key_labels: torch.Tensor,
    classnames: Sequence[str],
    *,
    title: str | None = None,
) -> Figure:
    """How much each picture (row) makes of each key (column), both sorted by class, a panel a kind of weight. Returns
    the Figure.

    weights: (N, NK) each, from 0 to 1.   labels: (N,), of the pictures.   key_labels: (NK,), of the keys.
    Raises ValueError for another shape.
    """
    figure, axes = panels(1, len(weights), size=(3.6, 3.3), sharey=True)
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
        ax.set(title=name, xlabel="keys, class by class", xticks=[])
        ax.grid(False)
    axes[0].set_yticks((first[0] + np.append(first[0][1:], len(rows)) - 1) / 2, list(classnames), fontsize=7)
    axes[0].set_ylabel("pictures, class by class")
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
    return ax


@styled()
def accuracy_against_cost(
    results: pd.DataFrame,
    *,
    cost: str = "seconds",
    accuracy: str = "accuracy",
    error: str | None = "half_width",
    xlabel: str | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Each method's accuracy against what it costs, on a logarithmic axis, named where it stands. Returns the Axes.

    results: a row a method, with columns method, `accuracy`, `cost` (0 or more) and, unless it is None, `error`, the
        half-width of an interval. Costs of 0 stand at the left edge, on a mark of their own.
    A step line joins the methods that none beats at their cost or less.
    """
    missing = [name for name in ("method", accuracy, cost, error) if name is not None and name not in results]
    if missing:
        raise ValueError(f"there is no column {missing[0]!r} in {list(results.columns)}")
    costs, heights = results[cost].to_numpy(float), results[accuracy].to_numpy(float)
    if not (np.isfinite(costs).all() and (costs >= 0).all() and costs.max() > 0):
        raise ValueError(f"a logarithmic axis needs costs of at least 0, one of them above it; got {costs.tolist()}")
    free = costs[costs > 0].min() / 10  # where costs of 0 stand
    x = np.where(costs > 0, costs, free)
    if ax is None:
        _, [ax] = panels(size=(6.2, 4.0))
    whiskers = np.zeros(len(x)) if error is None else results[error].fillna(0).to_numpy(float)
    best = [i for i in np.lexsort((-heights, x)) if heights[i] >= heights[x <= x[i]].max()]
    steps_x, steps_y = np.repeat([*x[best], x.max() * 2.5], 2)[1:-1], np.repeat(heights[best], 2)
    steps = [*zip(steps_x, steps_y)]
    ax.plot(steps_x, steps_y, color=REFERENCE, ls=":", lw=1.2, label="best at this cost or less", zorder=1)
    for i in range(len(x)):
        ax.errorbar(x[i], heights[i], whiskers[i] or None, color=PALETTE[i % 10], marker=MARKERS[i % 10], ms=7,
                    mec="white", elinewidth=1.2, zorder=3)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(x.min() / 2.5, x.max() * 2.5)
    ax.margins(y=0.12)
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: "0" if costs.min() == 0 and abs(value / free - 1) < 0.01 else _spoken(value))
    )
    if costs.min() == 0:
        ax.set_xticks([free, *(tick for tick in ax.get_xticks() if free * 5 < tick <= x.max() * 2.5)])
        ax.axvline(free * 10**0.5, color=REFERENCE, lw=0.6)
    ax.minorticks_off()
    ax.set(xlabel=xlabel or cost, ylabel="accuracy (%)", title=title)
    ax.legend(loc="lower right", fontsize=8)
    _label_dots(ax, x, heights, list(results["method"]), whiskers, [*zip(steps, steps[1:])])
    return ax


def _label_dots(
    ax: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str], whiskers: np.ndarray, lines: Sequence, gap: int = 9
) -> None:
    """Writes each dot's name beside it, on the side where it covers least of other names, dots, whiskers and lines.

    lines: pairs of ends.   gap: points from a dot to its name.
    """
    figure = ax.figure
    figure.draw_without_rendering()  # the layout and the axes' limits are as they will be
    pixels, to_pixels = figure.dpi / 72, ax.transData.transform
    ends = [((a, b - w), (a, b + w)) for a, b, w in zip(x, y, whiskers)]
    taken = [Bbox(np.sort(to_pixels(pair), axis=0)).padded(5 * pixels) for pair in ends]
    taken += [Bbox(np.sort(to_pixels(pair), axis=0)).padded(pixels) for pair in lines]
    legend = ax.get_legend()
    taken += [] if legend is None else [legend.get_window_extent()]
    for at, name in zip(np.stack([x, y], axis=1), names):
        words = ax.annotate(name, at, xytext=(0, 0), textcoords="offset points", va="bottom", fontsize=8, zorder=4)
        width, height = words.get_window_extent().size
        dot, tried = to_pixels(at), []
        for far, (right, up) in product((1, 2, 3), WAYS):
            offset = far * gap * np.array([right, up])  # points
            corner = dot + offset * pixels + np.array([right - 1, up - 1]) * (width, height) / 2
            place = Bbox.from_bounds(*corner, width, height)
            inside = ax.bbox.containsx(place.x0) and ax.bbox.containsx(place.x1)
            inside = inside and ax.bbox.containsy(place.y0) and ax.bbox.containsy(place.y1)
            tried.append((sum(map(place.overlaps, taken)) + (not inside), far, offset, corner, place))
        _, far, offset, corner, place = min(tried, key=lambda each: each[:2])
        words.set_position((corner - dot) / pixels)
        taken.append(place)
        if far > 1:  # a thin line leads from the dot to its name
            ax.annotate("", at, xytext=offset, textcoords="offset points", zorder=2,
                        arrowprops={"arrowstyle": "-", "lw": 0.5, "color": REFERENCE, "shrinkA": 0})  # fmt: skip
