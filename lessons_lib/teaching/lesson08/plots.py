"""Lesson 08's figures: the shared ones, and maps of embeddings: what lies near what on the unit sphere, drawn in two
dimensions by PCA or t-SNE, or on a circle where they have two dimensions to begin with.

PCA is a shadow: straight lines stay straight, and what looks far apart is far apart. t-SNE keeps neighbours together,
and nothing else: sizes of groups and distances between them mean nothing. Sets that are drawn in several panels are
mapped together, so a place is the same in all of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from lessons_lib.look import MARKERS, PALETTE, heading, literal, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403

OTHERS = "#b5b5b5"  # classes that are not named, and lines
DOTS = MARKERS.replace("*", "p")  # stars are texts


def flat_maps(
    *sets: "torch.Tensor | np.ndarray", how: str = "tsne", seed: int = 0, perplexity: float = 30.0
) -> list[np.ndarray]:
    """Places of several sets of embeddings, (N_i, D) each, on one map: (N_i, 2) each.

    how: "pca" or "tsne" (scikit-learn's; t-SNE starts from PCA, so `seed` changes little).
    perplexity: about how many neighbours t-SNE keeps near each; at most a third of the rows is taken.
    Raises ValueError for another `how`, fewer than 3 rows in all, or sets of unlike widths.
    """
    if how not in ("pca", "tsne"):
        raise ValueError(f'how={how!r}: a map is made by "pca" or "tsne"')
    rows = [numbers(each) for each in sets]
    if len({each.shape[1:] for each in rows}) != 1 or rows[0].ndim != 2 or sum(map(len, rows)) < 3:
        shapes = ", ".join(str(each.shape) for each in rows)
        raise ValueError(f"a map needs sets (N, D) of one width D, with at least 3 rows in all; got {shapes}")
    together = np.concatenate(rows)
    if how == "pca":
        places = PCA(2, random_state=seed).fit_transform(together)
    else:
        perplexity = min(perplexity, (len(together) - 1) / 3)
        places = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(together)
    return np.split(places, np.cumsum([len(each) for each in rows])[:-1])


@styled()
def embedding_maps(
    features: "torch.Tensor | Mapping[str, torch.Tensor]",
    labels: "torch.Tensor | np.ndarray",
    classnames: Sequence[str],
    *,
    texts: "torch.Tensor | Mapping[str, torch.Tensor] | None" = None,
    classes: Sequence[str] | None = None,
    how: str = "tsne",
    centred: bool = True,
    seed: int = 0,
    title: str | None = None,
) -> Figure:
    """Images as dots, a colour and a shape a class, and the classes' texts as named stars; a panel for each set, such
    as before and after, all on one map. Returns the Figure.

    features: (N, D), or name of a panel -> (N, D).   labels: (N,).   classnames: C names.
    texts: (C, D), or for each panel its own; None for none.
    classes: the names that get a colour, at most 10, the first ten if not given; images of all others are grey.
    how, seed: see `flat_maps`.
    centred: images and texts are each moved to a common middle first. As they are, the modality gap keeps all texts
        away from all images, and a map shows little else.
    """
    features = dict(features) if isinstance(features, Mapping) else {"": features}
    if texts is not None:
        texts = dict(texts) if isinstance(texts, Mapping) else {name: texts for name in features}
        if texts.keys() != features.keys():
            raise ValueError(f"panels {list(features)} need texts of the same names; got {list(texts)}")
    labels = numbers(labels).astype(int)
    for name, each in features.items():
        if len(each) != len(labels):
            raise ValueError(f"{len(each)} images need as many labels; got {len(labels)} (panel {name!r})")
    named = list(classnames)[:10] if classes is None else list(classes)
    if unknown := [name for name in named if name not in classnames]:
        raise ValueError(f"there is no class {unknown[0]!r}")
    if len(named) > len(PALETTE):
        raise ValueError(f"{len(named)} classes to colour: give at most {len(PALETTE)}, more cannot be told apart")
    sets = [*features.values(), *(texts.values() if texts is not None else ())]
    sets = [numbers(each) - (numbers(each).mean(axis=0) if centred else 0) for each in sets]
    places = flat_maps(*sets, how=how, seed=seed)
    figure, axes = panels(1, len(features), size=(4.2, 4.0), sharex=True, sharey=True)
    for i, (ax, name) in enumerate(zip(axes, features)):
        _dots(ax, places[i], labels, list(classnames), named)
        if texts is not None:
            _stars(ax, places[len(features) + i], list(classnames), named)
        ax.set(title=name, xticks=[], yticks=[])
        ax.margins(0.08)
    figure.set_size_inches(figure.get_figwidth() + 1.5, figure.get_figheight())  # room for the legend
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    heading(figure, title)
    return figure


def _dots(ax: Axes, places: np.ndarray, labels: np.ndarray, classnames: list[str], named: list[str]) -> None:
    others = ~np.isin(labels, [classnames.index(name) for name in named])
    if others.any():
        ax.scatter(*places[others].T, s=9, facecolor="none", edgecolor=OTHERS, lw=0.8, label="other classes", zorder=1)
    for name, colour, marker in zip(named, PALETTE, DOTS):
        mine = labels == classnames.index(name)
        ax.scatter(*places[mine].T, s=16, color=colour, marker=marker, alpha=0.75, lw=0, label=literal(name), zorder=2)


def _stars(ax: Axes, places: np.ndarray, classnames: list[str], named: list[str]) -> None:
    for name, colour in zip(named, PALETTE):
        x, y = places[classnames.index(name)]
        ax.scatter([x], [y], s=170, marker="*", color=colour, edgecolor="black", lw=0.8, zorder=4)
        words = ax.annotate(
            literal(name), (x, y), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=7, zorder=3
        )
        words.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    ax.scatter([], [], s=120, marker="*", color="white", edgecolor="black", lw=0.8, label="text of a class")


@styled()
def gap_map(
    images: "torch.Tensor | np.ndarray", texts: "torch.Tensor | np.ndarray", *, labels: "torch.Tensor | None" = None,
    title: str = "", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """The modality gap in its true length: across, how far each embedding lies along the way from the texts' mean to
    the images'; up, the direction at right angles to it along which all spread most. Returns the Axes.

    images: (N, D).   texts: (M, D).   labels: (N,) numbers of the images' texts, to be joined with them by lines.
    """
    images, texts = numbers(images), numbers(texts)
    start, end = texts.mean(axis=0), images.mean(axis=0)
    gap = float(np.linalg.norm(end - start))
    if gap < 1e-6:
        raise ValueError("the means of images and texts agree: there is no gap to draw")
    along = (end - start) / gap  # (D,)
    beside = PCA(1).fit(np.concatenate([images - end, texts - start]) @ (np.eye(len(along)) - np.outer(along, along)))
    of_images, of_texts = ((each - start) @ np.stack([along, beside.components_[0]]).T for each in (images, texts))
    if ax is None:
        _, [ax] = panels(size=(5.6, 3.8))
    for place, label in zip(of_images, [] if labels is None else numbers(labels).astype(int)):
        ax.plot(*zip(place, of_texts[label]), color=OTHERS, lw=0.3, zorder=1)
    ax.scatter(*of_images.T, s=14, color=PALETTE[0], alpha=0.7, lw=0, label="images", zorder=2)
    ax.scatter(*of_texts.T, s=40, color=PALETTE[1], marker="s", edgecolor="white", lw=0.5, label="texts", zorder=3)
    ax.annotate("", (gap, of_images[:, 1].mean()), (0, of_texts[:, 1].mean()), zorder=5,
                arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 2, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    ax.plot([], [], color="black", lw=2, label=f"gap, {gap:.2f} long")
    ax.set(xlabel="along the gap", ylabel="widest direction beside it", title=title)
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    return ax


@styled()
def circle_map(
    images: "torch.Tensor | np.ndarray", labels: "torch.Tensor | np.ndarray", texts: "torch.Tensor | np.ndarray",
    classnames: Sequence[str], *, t: float | None = None, prototypes: bool = False, title: str = "",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Embeddings of two dimensions on the unit circle: images as dots just outside it, the classes' texts as stars.
    Images that are nearer to another class's text have a black rim. Returns the Axes.

    images: (N, 2), texts: (C, 2), all of length 1.   labels: (N,).   classnames: C names, at most 10.
    t: chords between the texts, as dark as their Gaussian potential exp(−t d²); none if not given.
    prototypes: the mean of each class's images as a cross inside the circle.
    """
    images, texts, labels = numbers(images), numbers(texts), numbers(labels).astype(int)
    if images.shape[1:] != (2,) or texts.shape != (len(classnames), 2) or labels.shape != (len(images),):
        shapes = f"{images.shape}, {labels.shape}, {texts.shape} and {len(classnames)} names"
        raise ValueError(f"a circle needs images (N, 2), labels (N,), texts (C, 2) and C names; got {shapes}")
    if len(classnames) > len(PALETTE):
        raise ValueError(f"{len(classnames)} classes to colour: give at most {len(PALETTE)}, more cannot be told apart")
    if ax is None:
        _, [ax] = panels(size=(4.2, 3.6))
    around = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(around), np.sin(around), color=OTHERS, lw=1, zorder=1)
    if t is not None:
        for m, n in zip(*np.triu_indices(len(texts), k=1)):
            potential = float(np.exp(-t * np.square(texts[m] - texts[n]).sum()))
            ax.plot(*texts[[m, n]].T, color="black", lw=2, alpha=potential, zorder=1)
    wrong = (images @ texts.T).argmax(axis=1) != labels
    for c, (name, colour, marker) in enumerate(zip(classnames, PALETTE, DOTS)):
        mine = labels == c
        for rim, those in ((colour, mine & ~wrong), ("black", mine & wrong)):
            ax.scatter(*1.09 * images[those].T, s=22, color=colour, marker=marker, edgecolor=rim, lw=1.0, zorder=2)
        ax.scatter(*texts[c], s=190, marker="*", color=colour, edgecolor="black", lw=0.8, zorder=4)
        ax.scatter([], [], s=22, color=colour, marker=marker, label=literal(name))
        if prototypes and mine.any():
            ax.scatter(*images[mine].mean(axis=0), s=70, color=colour, marker="X", edgecolor="black", lw=0.6, zorder=3)
    ax.scatter([], [], s=120, marker="*", color="white", edgecolor="black", lw=0.8, label="text of a class")
    if prototypes:
        ax.scatter([], [], s=60, marker="X", color="white", edgecolor="black", lw=0.6, label="mean of its images")
    ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), xticks=[], yticks=[], title=title)
    ax.set_aspect("equal")
    for side in ax.spines.values():
        side.set_visible(False)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    return ax
