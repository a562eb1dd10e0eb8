"""Pictures with named boxes on them, and how well boxes are found of base and of novel classes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from lessons_lib.look import HATCHES, PALETTE, heading, literal, panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots.images import _picture

HALO = [withStroke(linewidth=2.5, foreground="white")]


@styled()
def boxed(
    pictures: Sequence[torch.Tensor], boxes: Sequence[torch.Tensor], names: Sequence[Sequence[str]],
    dashed: Sequence[Sequence[bool]], *, titles: Sequence[str] = (), says: tuple[str, str] = ("base", "novel"),
    size: float = 2.7, title: str | None = None,
) -> Figure:  # fmt: skip
    """Pictures with named boxes: some in a solid blue line, some in a dashed orange one. Returns the Figure.

    boxes, names, dashed: of each picture.   says: what the two kinds are called.   size: inches a picture.
    """
    columns = min(2, len(pictures))
    lines = max((text.count("\n") + 1 for text in titles), default=0)
    figure, axes = panels(-(-len(pictures) // columns), columns, size=(size, size + 0.15 * lines))
    for ax in axes:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes, pictures)):
        ax.imshow(_picture(picture))
        said: list[tuple[float, float]] = []
        for (left, top, right, bottom), name, other in zip(boxes[i].tolist(), names[i], dashed[i]):
            colour, style = (PALETTE[1], "--") if other else (PALETTE[0], "-")
            ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="white", lw=4))
            ax.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, lw=2, ls=style)
            )
            far = left > 0.6 * picture.shape[-1]  # its name would leave the picture
            at, side = (right - 1, "right") if far else (left + 1, "left")
            y, high = max(top - 2, 7), picture.shape[-1] / 13
            while any(abs(at - x) < 6 * high and abs(y - other) < 0.99 * high for x, other in said):
                y += high  # below a name that stands there
            said.append((at, y))
            words = ax.text(at, y, literal(name), fontsize=8.5, color="black", ha=side)
            words.set_path_effects(HALO)
        if titles:
            ax.set_title(literal(titles[i]), fontsize=9)
    kinds = [Patch(fill=False, edgecolor=PALETTE[0], lw=2, label=says[0])]
    kinds += [Patch(fill=False, edgecolor=PALETTE[1], lw=2, ls="--", label=says[1])]
    figure.legend(handles=kinds, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    heading(figure, title)
    told = []
    for i, (some, other) in enumerate(zip(names, dashed)):
        kinds = [f"{name} ({says[bool(o)]})" for name, o in zip(some, other)]
        told.append(f"{' '.join(titles[i].split()) if titles else f'picture {i + 1}'}: {', '.join(kinds) or 'no box'}")
    return describe(figure, f"Pictures with named boxes. {'; '.join(told)}")


@styled()
def bars(rows: pd.DataFrame, arms: Sequence[str], *, title: str | None = None) -> Axes:
    """AP50 of each arm on base and on novel classes, with intervals, and a black tick at names by chance. Returns the
    Axes.

    rows: of arm, on ("base", "novel"), AP50, low, high and floor.
    """
    _, [ax] = panels(size=(5.6, 0.62 * len(arms) + 1.3))
    said = []
    for k, on in enumerate(("base", "novel")):
        part = rows[rows.on == on].set_index("arm").loc[list(arms)]
        y, value = np.arange(len(arms)) + 0.36 * (k - 0.5), part.AP50.to_numpy()
        off = np.stack([value - part.low, part.high - value]).clip(min=0)
        ax.barh(y, value, height=0.34, color=PALETTE[k], hatch=HATCHES[k], edgecolor="white", label=on, xerr=off,
                ecolor="black", capsize=2)  # fmt: skip
        ax.plot(np.stack([part.floor, part.floor]), np.stack([y - 0.17, y + 0.17]), color="black", lw=2.5)
        for place, number, end in zip(y, value, part.high):
            ax.text(max(number, end) + 0.8, place, f"{number:.0f}", va="center", fontsize=8.5)
        said += [f"{arm}, {on}: {number:.1f} ({low:.1f} to {high:.1f})"
                 for arm, number, low, high in zip(arms, value, part.low, part.high)]  # fmt: skip
    ax.plot([], [], color="black", lw=2.5, label="names by chance")
    ax.set_yticks(range(len(arms)), map(literal, arms))
    ax.invert_yaxis()
    ax.set(xlabel="AP50 (%), all 64 names asked", title=literal(title))
    ax.set_xlim(0, 1.15 * float(rows.high.max()))
    ax.legend(
        loc="upper left", bbox_to_anchor=(0, -0.28 if len(arms) < 3 else -0.2), ncols=3, frameon=False, fontsize=8
    )
    return describe(ax, "Bars of AP50. " + "; ".join(said))
