"""Lesson 13's figures: ViLD's second stages, regions beside texts and crops, what w does."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from lessons_lib.look import MARKERS, PALETTE, REFERENCE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.lesson13.stages import second_stages  # noqa: F401
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import describe

ALIGN = {1: "left", -1: "right"}
HALO = [withStroke(linewidth=2.5, foreground="white")]


# --- one plane


def plane_of(crops: torch.Tensor, texts: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Two directions that CLIP itself chooses, (D, 2), and a middle, (D,).

    The first leads from crops to texts: the gap between the two kinds. The second is that along which the means of the
    classes' crops differ most, across the first.
    """
    crops, texts, labels = numbers(crops), numbers(texts), numbers(labels)
    gap = texts.mean(axis=0) - crops.mean(axis=0)
    gap /= np.linalg.norm(gap)
    means = np.stack([crops[labels == c].mean(axis=0) for c in np.unique(labels)])
    means = means - means.mean(axis=0)
    means -= np.outer(means @ gap, gap)
    across = np.linalg.svd(means, full_matrices=False)[2][0]
    return np.stack([gap, across], axis=1), crops.mean(axis=0)


@styled()
def plane(
    regions: Mapping[str, torch.Tensor], crops: torch.Tensor, texts: torch.Tensor, labels: torch.Tensor,
    names: Sequence[str], *, title: str | None = None,
) -> Figure:  # fmt: skip
    """Regions (filled), what CLIP sees in their crops (hollow), and texts (stars with a letter), in the plane of
    `plane_of`; a panel for each set of regions. Returns the Figure.

    regions: panel -> (R, D); crops: (R, D); texts: (C, D), of the classes that are drawn; labels: (R,), 0 … C-1.
    """
    axes_of, middle = plane_of(crops, texts, labels)
    figure, axes = panels(1, len(regions), size=(3.6, 3.8), sharex=True, sharey=True)
    places = {name: (numbers(each) - middle) @ axes_of for name, each in regions.items()}
    of_crops, of_texts = ((numbers(each) - middle) @ axes_of for each in (crops, texts))
    labels, dots, sides = numbers(labels).astype(int), MARKERS.replace("*", "p"), _free_sides(of_texts)
    for ax, (name, place) in zip(axes, places.items()):
        for c, (colour, marker) in enumerate(zip(PALETTE, dots[: len(names)])):
            own = labels == c
            ax.scatter(*of_crops[own].T, s=26, facecolor="none", edgecolor=colour, marker=marker, lw=1, zorder=2)
            ax.scatter(*place[own].T, s=26, color=colour, marker=marker, edgecolor="black", lw=0.4, zorder=3)
            ax.scatter(*of_texts[c], s=120, marker="*", color=colour, edgecolor="black", lw=0.8, zorder=4)
            words = ax.annotate(ascii_uppercase[c], of_texts[c], xytext=(9 * sides[c], 0), ha=ALIGN[sides[c]],
                                textcoords="offset points", va="center", fontsize=9, zorder=5)  # fmt: skip
            words.set_path_effects(HALO)
        ax.set(title=literal(name), xticks=[], yticks=[], xlabel="crops ← → texts")
        ax.margins(0.12)
    axes[0].set_ylabel("where crops of the classes differ most")
    keys = [
        axes[0].scatter([], [], s=30, color=colour, marker=marker, edgecolor="black", lw=0.4, label=f"{letter}: {n}")
        for letter, n, colour, marker in zip(ascii_uppercase, map(literal, names), PALETTE, dots)
    ]
    keys.append(axes[0].scatter([], [], s=30, color=REFERENCE, edgecolor="black", lw=0.4, label="region (filled)"))
    keys.append(axes[0].scatter([], [], s=30, facecolor="none", edgecolor=REFERENCE, label="its crop in CLIP (hollow)"))
    keys.append(axes[0].scatter([], [], s=120, marker="*", color="white", edgecolor="black", lw=0.8, label="text"))
    figure.legend(handles=keys, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    heading(figure, title)
    near = "; ".join(
        f"{name}: mean cosine of a region and its crop {float((numbers(each) * numbers(crops)).sum(axis=1).mean()):.2f}"
        for name, each in regions.items()
    )
    return describe(figure, f"Regions, their crops in CLIP and texts of {', '.join(names)} in one plane. {near}")


def _free_sides(places: np.ndarray) -> list[int]:
    """Where the letter of each star (C, 2) has room: right (1), or left (-1) where another star is near."""
    reach = np.ptp(places, axis=0).max() / 4
    away = places[None] - places[:, None]  # (C, C, 2), from a row's star to a column's
    near = (away[..., 0] > 0) & (away[..., 0] < 2 * reach) & (abs(away[..., 1]) < reach)
    return [-1 if one.any() else 1 for one in near]


# --- numbers


@styled()
def against(
    lines: Mapping[str, Sequence[tuple[float, float, float]]], at: Sequence[str], *, xlabel: str, ylabel: str,
    floors: Mapping[str, float] | None = None, title: str | None = None,
) -> Axes:  # fmt: skip
    """A line a part, such as base and novel, over settings in equal steps. Returns the Axes.

    lines: name -> (value, low, high) for each of `at`.   floors: name -> a value that needs no skill, dotted.
    """
    _, [ax] = panels(size=(5.0, 3.3))
    for i, (name, points) in enumerate(lines.items()):
        value, low, high = (np.array(each) for each in zip(*points))
        x = np.arange(len(at)) + 0.06 * i
        ax.errorbar(x, value, yerr=np.stack([value - low, high - value]).clip(min=0), color=PALETTE[i],
                    marker=MARKERS[i], ls=["-", "--", "-."][i % 3], capsize=3, label=literal(name))  # fmt: skip
        if floors and name in floors:
            ax.axhline(floors[name], color=PALETTE[i], ls=":", lw=1.2, label=f"{literal(name)}, classes by chance")
    ax.set_xticks(range(len(at)), at)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, None), title=literal(title))
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, frameon=False, fontsize=8)
    told = [f"{x}: {', '.join(_with_ends(*lines[name][i], name) for name in lines)}" for i, x in enumerate(at)]
    return describe(ax, f"{ylabel} by {xlabel}. {'; '.join(told)}")


def _with_ends(value: float, low: float, high: float, name: str) -> str:
    return f"{name} {value:.1f} ({low:.1f} to {high:.1f})"


@styled()
def published(rows: Mapping[str, tuple[float | None, ...]], *, title: str | None = None) -> Axes:
    """The paper's table as dots: rare, common and frequent classes of each system. Returns the Axes.

    rows: system -> the three, None where there is no number.
    """
    _, [ax] = panels(size=(5.6, 0.42 * len(rows) + 1.3))
    said = []
    for k, kind in enumerate(("rare (novel)", "common", "frequent")):
        there = [(row[k], y) for y, row in enumerate(rows.values()) if row[k] is not None]
        ax.scatter(*zip(*there), s=50, color=PALETTE[k], marker=MARKERS[k], edgecolor="black", lw=0.5, label=kind,
                   zorder=3)  # fmt: skip
        said.append(f"{kind}: {', '.join(f'{list(rows)[y]} {value}' for value, y in there)}")
    ax.set_yticks(range(len(rows)), map(literal, rows))
    ax.invert_yaxis()
    ax.set(xlabel="mask AP on LVIS", title=literal(title), xlim=(0, 36))
    ax.legend(loc="upper left", bbox_to_anchor=(-0.3, -0.25), ncols=3, frameon=False, fontsize=8)
    return describe(ax, "; ".join(said))
