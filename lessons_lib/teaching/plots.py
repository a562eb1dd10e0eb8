"""The lessons' figures: one look, a palette that colour-blind readers can tell apart, axes that say what they show.

Each function draws one figure and returns its Axes (or, where there are several panels, the Figure) to add to or to
save. In a notebook, end the line with ";" so that the figure alone is shown. Nothing here needs a display.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import ScalarFormatter
from PIL import Image

from .. import evaluation

if TYPE_CHECKING:
    from ..data import Split

PALETTE = sns.color_palette("colorblind").as_hex()  # ten colours, after Okabe & Ito
MARKERS = "osD^vPX*<>"  # with the colour, so that lines differ in print too
RIGHT, WRONG, REFERENCE = PALETTE[2], PALETTE[3], "#4d4d4d"  # green and orange-red of unlike lightness; dark grey
COLORMAP = "viridis"  # even in lightness, read alike by all
STYLE = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("notebook", font_scale=0.8),
    "figure.dpi": 100,
    "axes.prop_cycle": plt.cycler(color=PALETTE),
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "image.cmap": COLORMAP,
    "image.interpolation": "nearest",
}


def use_style() -> None:
    """The lessons' look for figures that you draw yourself."""
    plt.rcParams.update(STYLE)


def panels(rows: int = 1, columns: int = 1, *, size: tuple[float, float] = (4.0, 3.0), **kwargs) -> tuple[Figure, list]:
    """A figure of rows × columns panels in the lessons' style and the list of their Axes. size: inches a panel."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(size[0] * columns, size[1] * rows), squeeze=False, layout="constrained", **kwargs
        )
    return figure, list(axes.flat)


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, in order of first appearance."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(names))}


def pictures(images: "Split | torch.Tensor | np.ndarray | Iterable") -> list[np.ndarray]:
    """Images as (H, W, 3) arrays that matplotlib shows: from a split, a (N, 3, H, W) tensor, or a list of any of these.

    Raises ValueError for what is no image.
    """
    if hasattr(images, "image"):  # a split
        return [np.asarray(images.image(i)) for i in range(len(images))]
    return [_picture(image) for image in images]


def show_images(
    images: "Split | torch.Tensor | Sequence",
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    size: float = 1.2,
    title: str | None = None,
    title_colours: Sequence[str] | None = None,
) -> Figure:
    """Pictures in rows. images: see `pictures`. titles: one each. size: inches a picture. Returns the Figure."""
    shown = pictures(images)
    if titles is not None and len(titles) != len(shown):
        raise ValueError(f"{len(shown)} images need as many titles; got {len(titles)}")
    columns = max(1, min(columns, len(shown)))
    lines = 0 if titles is None else max(str(text).count("\n") + 1 for text in titles)
    figure, axes = panels(math.ceil(len(shown) / columns), columns, size=(size, size + 0.17 * lines))
    for i, ax in enumerate(axes):
        ax.axis("off")
        if i < len(shown):
            ax.imshow(shown[i])
            if titles is not None:
                colour = title_colours[i] if title_colours is not None else "black"
                ax.set_title(titles[i], fontsize=8, fontweight="normal", loc="center", color=colour)
    if title:
        figure.suptitle(title, fontsize=10, fontweight="bold", x=0.01, ha="left")
    return figure


def similarity_matrix(
    sim: "torch.Tensor | np.ndarray",
    row_labels: Sequence[str],
    col_labels: Sequence[str],
    *,
    images: "Split | torch.Tensor | Sequence | None" = None,
    title: str = "Similarity of every image (row) to every text (column)",
    value: str = "cosine similarity",
    fmt: str | None = ".2f",
    cell: float = 0.55,
    ax: Axes | None = None,
    **kwargs,
) -> Axes:
    """A matrix (N, M) as a picture, with its numbers. images: N pictures shown in front of the rows. Returns the Axes.

    fmt: of the numbers in the cells; None leaves them out.   cell: inches a cell.   kwargs: to imshow (vmin, vmax, …).
    """
    sim = _numbers(sim)
    if sim.shape != (len(row_labels), len(col_labels)):
        raise ValueError(f"a matrix {sim.shape} cannot carry {len(row_labels)} row and {len(col_labels)} column labels")
    if ax is None:
        extra = 1.3 + (1.0 if images is not None else 0.0)
        _, [ax] = panels(size=(cell * 1.15 * sim.shape[1] + 1.5 + extra, cell * sim.shape[0] + 1.3))
    heat = ax.imshow(sim, aspect="auto", **{"cmap": COLORMAP, **kwargs})
    ax.grid(False)
    ax.set_xticks(range(sim.shape[1]), col_labels, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(sim.shape[0]), row_labels)
    if fmt:
        for (i, j), number in np.ndenumerate(sim):
            dark = heat.norm(number) < 0.6
            ax.text(j, i, format(number, fmt), ha="center", va="center", fontsize=7, color="white" if dark else "black")
    if images is not None:
        ax.tick_params(axis="y", pad=72 * cell + 4)  # the row labels make room, in points
        for i, picture in enumerate(pictures(images)):
            thumbnail = OffsetImage(picture, zoom=0.9 * 72 * cell / picture.shape[0], interpolation="nearest")
            place = {"xycoords": ("axes fraction", "data"), "boxcoords": "offset points", "frameon": False, "pad": 0}
            ax.add_artist(AnnotationBbox(thumbnail, (0, i), xybox=(-36 * cell - 3, 0), **place))
    ax.set_title(title)
    ax.figure.colorbar(heat, ax=ax, label=value, shrink=0.9)
    return ax


def answers(
    probabilities: "torch.Tensor | np.ndarray",
    classnames: Sequence[str],
    *,
    truth: str | None = None,
    image: "Image.Image | torch.Tensor | np.ndarray | None" = None,
    top: int = 5,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """A picture beside its `top` most likely answers as bars. probabilities: (C,). truth: its bar is green.

    axes: two Axes to draw into, for the picture and for the bars. Returns the Figure.
    """
    p = _numbers(probabilities)
    if p.shape != (len(classnames),):
        raise ValueError(f"{len(classnames)} class names need as many probabilities; got shape {p.shape}")
    if axes is None:
        _, axes = panels(1, 2, size=(2.6, 1.9), width_ratios=(1, 1.6))
    where, ax = axes
    where.axis("off")
    if image is not None:
        where.imshow(_picture(image))
        where.set_title(truth or "", fontweight="normal", loc="center")
    best = p.argsort(kind="stable")[::-1][:top]
    names = [classnames[i] for i in best]
    ax.barh(range(len(best)), 100 * p[best], color=[RIGHT if name == truth else PALETTE[0] for name in names])
    ax.set_yticks(range(len(best)), names)
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="probability (%)", title=title or "")
    ax.grid(axis="y", visible=False)
    return ax.figure


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


def few_shot_curves(
    results: pd.DataFrame,
    *,
    zero_shot: float | Mapping[str, float] | None = None,
    by_task: bool = True,
    title: str | None = None,
    columns: int = 4,
) -> Figure:
    """Accuracy against shots, a line a method with its 95 % band over seeds (Student's t); a panel a task.

    results: rows as `evaluation.few_shot_curve` gives them.   zero_shot: the dashed line, one for all or one a task.
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
    axes[0].legend(fontsize=8, loc="lower right")
    if title:
        figure.suptitle(title, fontsize=10, fontweight="bold", x=0.01, ha="left")
    return figure


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
        ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set(xlabel=xlabel or _spoken(x), ylabel=ylabel or _spoken(y), title=title)
    if hue is not None:
        ax.legend(fontsize=8)
    return ax


def reliability(
    confidence: "torch.Tensor | np.ndarray", correct: "torch.Tensor | np.ndarray", *, bins: int = 10, title: str = "",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """How often the classifier is right at each confidence; on the diagonal, it knows what it knows. Returns the Axes.

    confidence: (N,), 0 to 1.   correct: (N,) of bool.   A dot's area is its bin's share of the images.
    """
    confidence, correct = _numbers(confidence), _numbers(correct).astype(float)
    if ax is None:
        _, [ax] = panels(size=(3.4, 3.2))
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)  # (N,)
    filled = np.unique(which)
    ax.plot([0, 100], [0, 100], color=REFERENCE, ls="--", lw=1, label="as right as it is sure")
    sure, right, share = (
        np.array([a[which == b].mean() for b in filled]) for a in (confidence, correct, correct * 0 + 1)
    )
    share = np.array([(which == b).mean() for b in filled])
    ax.plot(100 * sure, 100 * right, color=PALETTE[0])
    ax.scatter(100 * sure, 100 * right, s=20 + 300 * share, color=PALETTE[0], zorder=3, label="images of one bin")
    ax.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 103), ylim=(0, 103), title=title)
    ax.legend(fontsize=8, loc="upper left")
    return ax


def confusion(
    labels: "torch.Tensor | np.ndarray", predicted: "torch.Tensor | np.ndarray", classnames: Sequence[str], *,
    title: str = "Which class is taken for which", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Rows: the true class; columns: the answer; cells: percent of the row's images. Returns the Axes."""
    counts = np.zeros((len(classnames), len(classnames)))
    np.add.at(counts, (_numbers(labels).astype(int), _numbers(predicted).astype(int)), 1)
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if ax is None:
        _, [ax] = panels(size=(0.28 * len(classnames) + 2.6, 0.26 * len(classnames) + 1.6))
    similarity_matrix(percent, classnames, classnames, title=title, value="% of the row's images", fmt=None, ax=ax,
                      cmap="Blues", vmin=0, vmax=100)  # fmt: skip
    for i, j in np.argwhere(percent >= 10):
        ax.text(j, i, f"{percent[i, j]:.0f}", ha="center", va="center", fontsize=6,
                color="white" if percent[i, j] > 55 else "black")  # fmt: skip
    ax.set(xlabel="answer", ylabel="true class")
    return ax


def histograms(
    groups: Mapping[str, "torch.Tensor | np.ndarray"], *, threshold: float | None = None, bins: int = 30,
    xlabel: str = "confidence", title: str = "", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Two or more sets of numbers over one another, each as shares of its own size, with a threshold. Returns Axes."""
    values = {name: _numbers(group) for name, group in groups.items()}
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


def _picture(image) -> np.ndarray:
    """(H, W, 3) or (H, W), for imshow."""
    if isinstance(image, Image.Image):
        return np.asarray(image)
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        image = (image.permute(1, 2, 0) if image.ndim == 3 and image.shape[0] in (1, 3) else image).numpy()
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"an image is (3, H, W), (H, W, 3) or a PIL image; got shape {image.shape}")
    return image


def _numbers(values) -> np.ndarray:
    return values.detach().cpu().float().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _spoken(column: str) -> str:
    return {"accuracy": "accuracy (%)"}.get(column, column.replace("_", " "))
