"""Lesson 08's figures: the shared ones, texts on a circle, a map of embeddings seen from one side, and what moved."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from string import ascii_uppercase

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke
from sklearn.decomposition import PCA

from lessons_lib.look import MARKERS, PALETTE, REFERENCE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import describe

OTHERS = "#b5b5b5"  # classes that are not named, and the circle
DOTS = MARKERS.replace("*", "p")  # stars are texts


@styled()
def rings(sets: Mapping[str, torch.Tensor], *, t: float = 2.0, title: str | None = None) -> Figure:
    """Texts of two dimensions on the unit circle, a panel a set; the line between two is as dark as their Gaussian
    potential exp(−t d²). Returns the Figure.

    sets: name -> (C, 2), of length 1.
    """
    figure, axes = panels(1, len(sets), size=(2.6, 2.7))
    nearest = []
    for ax, (name, texts) in zip(axes, sets.items()):
        texts = numbers(texts)
        ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=OTHERS, lw=1, zorder=1))
        potentials = []
        for one, other in combinations(texts, 2):
            potentials.append(float(np.exp(-t * np.square(one - other).sum())))
            for colour, lw, alpha in ((OTHERS, 0.8, 1.0), ("black", 3, potentials[-1])):
                ax.plot(*np.stack([one, other]).T, color=colour, lw=lw, alpha=alpha, zorder=2)
        ax.scatter(*texts.T, s=150, marker="*", color=PALETTE[0], edgecolor="black", lw=0.8, zorder=3)
        for letter, place in zip(ascii_uppercase, texts):
            ax.annotate(letter, 1.22 * place, ha="center", va="center", fontsize=9)
        ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), title=literal(name))
        ax.set_aspect("equal")
        ax.axis("off")
        nearest.append(f"{name}, highest potential of a pair {max(potentials):.2f}")
    heading(figure, title)
    return describe(figure, f"Texts as stars on a circle, every two joined by a line: {'; '.join(nearest)}")


@styled()
def embedding_maps(
    features: Mapping[str, torch.Tensor], texts: Mapping[str, torch.Tensor], labels: torch.Tensor,
    classnames: Sequence[str], *, classes: Sequence[str], title: str | None = None,
) -> Figure:  # fmt: skip
    """Images as dots, a colour and a shape a class, and the classes' texts as stars with a letter; a panel for each
    set, such as before and after, all seen along the same two directions (PCA of all of them). Images and texts are
    each moved to a common middle first: as they are, the gap between the two kinds is most of what can be seen.
    Returns the Figure.

    features, texts: panel -> (N, D), and -> (C, D).   labels: (N,).   classnames: C names.
    classes: the names that are drawn, at most 10.
    Raises ValueError for panels or labels that do not fit, and for names that are unknown or too many.
    """
    if features.keys() != texts.keys():
        raise ValueError(f"panels {list(features)} need texts of the same names; got {list(texts)}")
    for name, each in features.items():
        if len(each) != len(labels):
            raise ValueError(f"{len(each)} images need as many labels; got {len(labels)} (panel {name!r})")
    if unknown := [name for name in classes if name not in classnames]:
        raise ValueError(f"there is no class {unknown[0]!r}")
    if len(classes) > len(PALETTE):
        raise ValueError(f"{len(classes)} classes to colour: give at most {len(PALETTE)}, more cannot be told apart")
    named = [list(classnames).index(name) for name in classes]
    sets = [numbers(each) - numbers(each).mean(axis=0) for each in (*features.values(), *texts.values())]
    pca = PCA(2, random_state=0).fit(np.concatenate(sets))
    figure, axes = panels(1, len(features), size=(3.7, 3.6), sharex=True, sharey=True)
    for i, (ax, panel) in enumerate(zip(axes, features)):
        _dots(ax, pca.transform(sets[i]), numbers(labels).astype(int), named)
        _stars(ax, pca.transform(sets[len(features) + i])[named])
        ax.set(title=literal(panel), xticks=[], yticks=[])
        ax.set_aspect("equal")
        ax.margins(0.08)
    _legend(figure, classes)
    heading(figure, title)
    letters = ", ".join(f"{letter} {name}" for letter, name in zip(ascii_uppercase, classes))
    return describe(figure, f"Pictures as dots and texts as stars, {' and '.join(features)}: {letters}")


def _dots(ax: Axes, places: np.ndarray, labels: np.ndarray, named: list[int]) -> None:
    for c, colour, marker in zip(named, PALETTE, DOTS):
        ax.scatter(*places[labels == c].T, s=16, color=colour, marker=marker, alpha=0.7, lw=0, zorder=2)


def _stars(ax: Axes, places: np.ndarray) -> None:
    for letter, place, colour in zip(ascii_uppercase, places, PALETTE):
        ax.scatter(*place[:, None], s=170, marker="*", color=colour, edgecolor="black", lw=0.8, zorder=4)
        words = ax.annotate(letter, place, xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9, zorder=5)
        words.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _legend(figure: Figure, classes: Sequence[str]) -> None:
    ax = figure.axes[0]
    keys = [
        ax.scatter([], [], s=24, color=colour, marker=marker, label=f"{letter}: {literal(name)}")
        for letter, name, colour, marker in zip(ascii_uppercase, classes, PALETTE, DOTS)
    ]
    keys.append(
        ax.scatter([], [], s=120, marker="*", color="white", edgecolor="black", lw=0.8, label="text of a class")
    )
    figure.legend(handles=keys, loc="outside lower center", ncols=3, frameon=False, fontsize=8)


@styled()
def moved(places: Mapping[str, tuple[float, float]], *, start: str, title: str | None = None) -> Axes:
    """Where each training ended, as (dispersion of texts, variance of pictures), with lines through where `start` did.
    Returns the Axes."""
    _, [ax] = panels(size=(5.2, 3.4))
    for value, line in zip(places[start], (ax.axvline, ax.axhline)):
        line(value, color=REFERENCE, ls="--", lw=1, zorder=1)
    for (name, place), colour, marker in zip(places.items(), PALETTE, DOTS):
        ax.scatter(*place, s=70, color=colour, marker=marker, edgecolor="black", lw=0.6, zorder=3)
        words = ax.annotate(literal(name), place, xytext=(0, 8), textcoords="offset points", ha="center", fontsize=9)
        words.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    ax.margins(0.25, 0.2)
    ax.set(xlabel="dispersion of texts (right: further apart)", ylabel="variance of pictures\n(down: closer together)")
    ax.set_title(literal(title))
    stand = "; ".join(f"{name}: dispersion {across:.2f}, variance {up:.3f}" for name, (across, up) in places.items())
    return describe(ax, f"A point a training. {stand}")
