"""Pictures, and matrices as pictures: what images show, what they resemble, and what they are taken for."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image

from lessons_lib.look import COLORMAP, PALETTE, RIGHT, heading, literal, numbers, panels, styled
from lessons_lib.rgb import as_rgb

if TYPE_CHECKING:
    from lessons_lib.data import Split


def pictures(images: "Split | torch.Tensor | np.ndarray | Iterable") -> list[np.ndarray]:
    """Images as (H, W, 3) arrays that matplotlib shows: from a split, a (N, 3, H, W) tensor, or a list of any of these.

    Raises ValueError for what is no image.
    """
    if hasattr(images, "image"):  # a split
        return [np.asarray(images.image(i)) for i in range(len(images))]
    return [_picture(image) for image in images]


@styled()
def show_images(
    images: "Split | torch.Tensor | Sequence",
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    size: float = 1.2,
    title: str | None = None,
    title_colours: Sequence[str] | None = None,
    row_titles: Sequence[str] = (),
) -> Figure:
    """Pictures in rows. images: see `pictures`. titles: one each. size: inches a picture. Returns the Figure,
    which says so where there is nothing to show.

    row_titles: in place of `titles`, one above each row.
    """
    shown = pictures(images)
    if titles is not None and len(titles) != len(shown):
        raise ValueError(f"{len(shown)} images need as many titles; got {len(titles)}")
    columns = max(1, min(columns, len(shown)))
    lines = max((str(text).count("\n") + 1 for text in titles or row_titles), default=0)
    if not shown:
        figure, [ax] = panels(size=(4 * size, size))
        ax.axis("off")
        ax.text(0, 0.5, "nothing to show", va="center", fontsize=8)
        heading(figure, title)
        return figure
    figure, axes = panels(math.ceil(len(shown) / columns), columns, size=(size, size + 0.17 * lines))
    for i, ax in enumerate(axes):
        ax.axis("off")
        if i < len(shown):
            ax.imshow(shown[i])
            if titles is not None:
                colour = title_colours[i] if title_colours is not None else "black"
                ax.set_title(literal(titles[i]), fontsize=8, fontweight="normal", loc="center", color=colour)
    for ax, text in zip(axes[::columns], row_titles):
        ax.set_title(" ", fontsize=8)  # keeps the height; the words themselves reach over the next pictures
        ax.text(0, 1.08, literal(text), transform=ax.transAxes, fontsize=8).set_in_layout(False)
    heading(figure, title)
    return figure


@styled()
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
    sim = numbers(sim)
    if sim.shape != (len(row_labels), len(col_labels)):
        raise ValueError(f"a matrix {sim.shape} cannot carry {len(row_labels)} row and {len(col_labels)} column labels")
    if ax is None:
        extra = 1.3 + (1.0 if images is not None else 0.0)
        _, [ax] = panels(size=(cell * 1.15 * sim.shape[1] + 1.5 + extra, cell * sim.shape[0] + 1.3))
    heat = ax.imshow(sim, aspect="auto", **{"cmap": COLORMAP, **kwargs})
    ax.grid(False)
    ax.set_xticks(range(sim.shape[1]), list(map(literal, col_labels)), rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(sim.shape[0]), list(map(literal, row_labels)))
    if fmt:
        for (i, j), number in np.ndenumerate(sim):
            dark = heat.norm(number) < 0.6
            ax.text(j, i, format(number, fmt), ha="center", va="center", fontsize=8, color="white" if dark else "black")
    if images is not None:
        ax.tick_params(axis="y", pad=72 * cell + 4)  # the row labels make room, in points
        for i, picture in enumerate(pictures(images)):
            thumbnail = OffsetImage(picture, zoom=0.9 * 72 * cell / picture.shape[0], interpolation="nearest")
            place = {"xycoords": ("axes fraction", "data"), "boxcoords": "offset points", "frameon": False, "pad": 0}
            ax.add_artist(AnnotationBbox(thumbnail, (0, i), xybox=(-36 * cell - 3, 0), **place))
    ax.set_title(literal(title))
    ax.figure.colorbar(heat, ax=ax, label=value, shrink=0.9)
    return ax


@styled()
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
    p = numbers(probabilities)
    if p.shape != (len(classnames),):
        raise ValueError(f"{len(classnames)} class names need as many probabilities; got shape {p.shape}")
    if axes is None:
        _, axes = panels(1, 2, size=(2.6, 1.9), width_ratios=(1, 1.6))
    where, ax = axes
    where.axis("off")
    if image is not None:
        where.imshow(_picture(image))
        where.set_title(literal(truth or ""), fontweight="normal", loc="center")
    best = p.argsort(kind="stable")[::-1][:top]
    names = [classnames[i] for i in best]
    ax.barh(range(len(best)), 100 * p[best], color=[RIGHT if name == truth else PALETTE[0] for name in names])
    ax.set_yticks(range(len(best)), list(map(literal, names)))
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="probability (%)", title=literal(title or ""))
    ax.grid(axis="y", visible=False)
    return ax.figure


@styled()
def confusion(
    labels: "torch.Tensor | np.ndarray", predicted: "torch.Tensor | np.ndarray", classnames: Sequence[str], *,
    title: str = "Which class is taken for which", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Rows: the true class; columns: the answer; cells: percent of the row's images. Returns the Axes."""
    counts = np.zeros((len(classnames), len(classnames)))
    np.add.at(counts, (numbers(labels).astype(int), numbers(predicted).astype(int)), 1)
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if ax is None:
        _, [ax] = panels(size=(0.28 * len(classnames) + 2.6, 0.26 * len(classnames) + 1.6))
    similarity_matrix(percent, classnames, classnames, title=title, value="% of the row's images", fmt=None, ax=ax,
                      cmap="Blues", vmin=0, vmax=100)  # fmt: skip
    for i, j in np.argwhere(percent >= 10):
        ax.text(j, i, f"{percent[i, j]:.0f}", ha="center", va="center", fontsize=7,
                color="white" if percent[i, j] > 55 else "black")  # fmt: skip
    ax.set(xlabel="answer", ylabel="true class")
    return ax


def _picture(image) -> np.ndarray:
    """(H, W, 3) or (H, W), for imshow."""
    if isinstance(image, Image.Image):
        return np.asarray(as_rgb(image))
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        image = (image.permute(1, 2, 0) if image.ndim == 3 and image.shape[0] in (1, 3) else image).numpy()
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"an image is (3, H, W), (H, W, 3) or a PIL image; got shape {image.shape}")
    return image
